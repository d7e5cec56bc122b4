/* What a run of load proves, and its figures. */
#include "base/units.h"
#include "check/load_private.h"
#include "load/quantile.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define BUSY 0.9 /* of a core: a closed loop's thread that has no time left is the limit */

struct look {
	const struct load_spec *spec;
	const struct load_result *result;
	struct trial *trial;
	struct arena *arena;
	const char *open;
};

/* The first thing that cannot be decided is told. */
static void leave_open(struct look *look, const char *why)
{
	if (!look->open)
		look->open = why;
}

static const char *percent(const struct look *look, double share)
{
	return arena_printf(look->arena, "%.10g %%", share * 100);
}

/* --- the client ------------------------------------------------------------------------------ */

static void judge_client(struct look *look)
{
	uint64_t lag = histogram_quantile(&look->result->send_lag, 0.99);
	uint64_t most = check_load_lag(look->spec);
	char found[32], limit[32];

	if (look->result->unsent)
		leave_open(look, arena_printf(look->arena,
					      "%" PRIu64 " requests were never sent: %zu were in "
					      "flight all the time (concurrency)",
					      look->result->unsent, look->result->most_in_flight));
	if (!check_load_closed(look->spec) && lag > most)
		leave_open(look,
			   arena_printf(look->arena,
					"the client was the limit: p99 of its lateness in sending "
					"is %s, above %s (send_lag_max); its busiest core was used "
					"to %.0f %% (assay doctor --load tells "
					"what this machine can send)",
					units_duration(lag, found, sizeof(found)),
					units_duration(most, limit, sizeof(limit)),
					look->result->cpu_share * 100));
	if (check_load_closed(look->spec) && look->result->cpu_share > BUSY)
		leave_open(look, arena_printf(look->arena,
					      "the client was the limit: it used %.0f %% of a core",
					      look->result->cpu_share * 100));
}

/* --- failures -------------------------------------------------------------------------------- */

static const char *name_classes(const struct look *look)
{
	const struct load_result *result = look->result;
	struct buf text;
	const char *out;

	buf_init(&text, FINDING_BYTES_MAX);
	for (size_t i = LOAD_OK + 1; i < LOAD_CLASSES; i++) {
		if (!result->counts[i])
			continue;
		buf_printf(&text, "%s%" PRIu64 " %s", text.len ? ", " : "", result->counts[i],
			   load_class_names[i]);
		if (result->examples[i])
			buf_printf(&text, " (%s)",
				   check_trial_show(look->trial, result->examples[i],
						    strlen(result->examples[i])));
	}
	out = arena_strdup(look->arena, buf_str(&text));
	buf_done(&text);
	return out;
}

static void judge_failures(struct look *look)
{
	uint64_t failures = load_failures(look->result), all = look->result->requests, needed = 0;
	double budget = look->spec->error_budget;
	const char *found = arena_printf(look->arena, "%" PRIu64 " of %" PRIu64 ": %s", failures,
					 all, name_classes(look));
	enum claim claim;

	if (isnan(budget)) {
		if (failures)
			check_trial_fail(look->trial, "load/errors", "the answers",
					 "no request that fails", found);
		return;
	}
	claim = budget_claim(budget, look->spec->confidence, failures, all, &needed);
	if (claim == CLAIM_BROKEN)
		check_trial_fail(look->trial, "load/errors", "the answers",
				 arena_printf(look->arena, "at most %s of requests fail",
					      percent(look, budget)),
				 found);
	else if (claim == CLAIM_UNKNOWN)
		leave_open(look,
			   arena_printf(look->arena,
					"%" PRIu64 " of %" PRIu64 " requests failed: a budget "
					"of %s needs %" PRIu64 " requests",
					failures, all, percent(look, budget), needed));
}

/* --- limits ---------------------------------------------------------------------------------- */

static const struct histogram *histogram_of(const struct load_result *result, int of)
{
	switch (of) {
	case LOAD_OF_FIRST_BYTE:
		return &result->first_byte;
	case LOAD_OF_FIRST_TOKEN:
		return &result->first_token;
	case LOAD_OF_INTER_TOKEN:
		return &result->inter_token;
	default:
		return &result->latency;
	}
}

static void judge_limit(struct look *look, const struct load_limit *limit)
{
	const struct histogram *times = histogram_of(look->result, limit->of);
	uint64_t over = histogram_above(times, limit->max_ns), needed = 0;
	const char *of = check_load_of_names[limit->of];
	char text[32];

	units_duration(limit->max_ns, text, sizeof(text));
	switch (quantile_claim(limit->share, look->spec->confidence, over, times->count, &needed)) {
	case CLAIM_BROKEN:
		check_trial_fail(look->trial, "load/too-slow", of,
				 arena_printf(look->arena, "%s of %s within %s",
					      percent(look, limit->share), of, text),
				 arena_printf(look->arena, "%" PRIu64 " of %" PRIu64 " took longer",
					      over, times->count));
		break;
	case CLAIM_UNKNOWN:
		leave_open(look, arena_printf(look->arena,
					      "%" PRIu64 " of %" PRIu64
					      " took longer than %s: that %s of "
					      "%s are within it needs %" PRIu64,
					      over, times->count, text, percent(look, limit->share),
					      of, needed));
		break;
	case CLAIM_HOLDS:
		break;
	}
}

static void judge_slo(struct look *look)
{
	const struct load_slo *slo = look->spec->slo;
	uint64_t all = look->result->requests, bad = all - look->result->good, needed = 0;
	double goodput = load_goodput(look->result);
	enum claim claim;

	if (!slo)
		return;
	claim = quantile_claim(slo->share, look->spec->confidence, bad, all, &needed);
	if (claim == CLAIM_BROKEN)
		check_trial_fail(
			look->trial, "load/goodput", "the answers",
			arena_printf(look->arena, "%s of requests within the slo",
				     percent(look, slo->share)),
			arena_printf(look->arena, "%" PRIu64 " of %" PRIu64 " are not", bad, all));
	else if (claim == CLAIM_UNKNOWN)
		leave_open(look,
			   arena_printf(look->arena,
					"%" PRIu64 " of %" PRIu64 " requests missed the slo: that "
					"%s meet it needs %" PRIu64,
					bad, all, percent(look, slo->share), needed));
	if (goodput < slo->goodput)
		check_trial_fail(
			look->trial, "load/goodput", "goodput",
			arena_printf(look->arena, "%g good requests a second", slo->goodput),
			arena_printf(look->arena, "%.4g", goodput));
}

void check_load_judge(const struct load_spec *spec, const struct load_result *result,
		      struct trial *trial, const char **open)
{
	struct look look = {spec, result, trial, trial->ctx->arena, NULL};
	const struct load_limit *limits = spec->limits.items;

	judge_client(&look);
	judge_failures(&look);
	for (size_t i = 0; i < spec->limits.count; i++)
		judge_limit(&look, &limits[i]);
	judge_slo(&look);
	*open = look.open;
}

/* --- figures --------------------------------------------------------------------------------- */

struct measuring {
	struct case_result *out;
	struct arena *arena;
	const char *cell;
	double confidence;
};

static void add(const struct measuring *to, const char *name, const char *unit,
		enum direction direction, double value)
{
	struct metric *metric = case_add_metric(to->out, to->arena, name, unit, direction);

	metric->cell = to->cell;
	metric_add_sample(metric, to->arena, value);
}

/* A percentile that the sample does not support is no figure. */
static void add_times(const struct measuring *to, const char *name, const struct histogram *times)
{
	static const struct {
		const char *suffix;
		double share;
	} rows[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p99.9", .999}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (times->count >= quantile_needed(rows[i].share, to->confidence, 0))
			add(to, arena_printf(to->arena, "%s_%s", name, rows[i].suffix), "s",
			    DIRECTION_LOWER,
			    (double)histogram_quantile(times, rows[i].share) / NS_PER_S);
}

const char *check_load_figures(const struct load_spec *spec, const struct load_result *result,
			       struct arena *arena)
{
	static const double shares[] = {.99, .9, .5};
	const struct {
		const char *name;
		const struct histogram *times;
	} rows[] = {{"latency", &result->latency},
		    {"first token", &result->first_token},
		    {"inter-token", &result->inter_token}};
	double seconds = (double)result->elapsed_ns / NS_PER_S;
	const char *line =
		arena_printf(arena, "kept at %.4g requests/s",
			     seconds > 0 ? (double)result->counts[LOAD_OK] / seconds : 0);
	char time[32];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t k = 0; k < sizeof(shares) / sizeof(*shares); k++) {
			if (rows[i].times->count < quantile_needed(shares[k], spec->confidence, 0))
				continue;
			line = arena_printf(
				arena, "%s, %s p%.0f %s", line, rows[i].name, shares[k] * 100,
				units_duration(histogram_quantile(rows[i].times, shares[k]), time,
					       sizeof(time)));
			break;
		}
	return line;
}

void check_load_measure(const struct load_spec *spec, const struct load_result *result,
			const char *cell, struct arena *arena, struct case_result *out)
{
	const struct measuring to = {out, arena, cell, spec->confidence};
	double seconds = (double)result->elapsed_ns / NS_PER_S;
	/* A closed loop's times are not the open loop's: another name keeps them apart. */
	const char *kind = check_load_closed(spec) ? "closed_" : "";

	add_times(&to, arena_printf(arena, "%slatency", kind), &result->latency);
	add_times(&to, arena_printf(arena, "%sfirst_byte", kind), &result->first_byte);
	add_times(&to, arena_printf(arena, "%sfirst_token", kind), &result->first_token);
	add_times(&to, arena_printf(arena, "%sinter_token", kind), &result->inter_token);
	add_times(&to, "connect", &result->connect);
	if (!check_load_closed(spec))
		add_times(&to, "send_lag", &result->send_lag);
	add(&to, "failures", "share", DIRECTION_LOWER,
	    result->requests ? (double)load_failures(result) / (double)result->requests : 0);
	if (seconds > 0) {
		add(&to, "throughput", "requests/s", DIRECTION_HIGHER,
		    (double)result->counts[LOAD_OK] / seconds);
		if (result->tokens)
			add(&to, "tokens", "tokens/s", DIRECTION_HIGHER,
			    (double)result->tokens / seconds);
	}
	if (result->compared)
		add(&to, "divergence", "share", DIRECTION_LOWER,
		    (double)result->diverging / (double)result->compared);
	if (spec->slo)
		add(&to, "goodput", "requests/s", DIRECTION_HIGHER, load_goodput(result));
	add(&to, "client_cpu", "cores", DIRECTION_NONE, result->cpu_share);
}
