/*
 * The image under test against another, on this machine: every check that measures is made on both,
 * pair after pair, who goes first by chance, until stats/gate.h is sure or the pairs run out. Each
 * metric is a case of its own in the run, and a trial with its raw values in the history.
 */
#include "cmd/alarms.h"
#include "cmd/chain_private.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/random.h"
#include "exec/exec.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define METRICS_MAX 1000

enum side { BEFORE, AFTER, SIDES };

struct contest {   /* of one metric */
	size_t of; /* index of its case in the run */
	const char *name, *unit, *cell;
	enum direction direction;
	double *values[SIDES]; /* of each pair */
	double *ratios;
	char *orders;	   /* "ab" or "ba" of each pair: a is before */
	const char *fault; /* why no pair can be had */
	uint64_t took_ns;
};

struct against {
	struct chain *chain;
	struct arena *arena;
	struct stats_gate_rule rule;
	struct deployed *deployed[SIDES]; /* AFTER is the chain's */
	struct contest *contests;
	struct stats_gate_metric *metrics; /* as many */
	size_t count;
	uint64_t seed;
};

/* --- the other image ------------------------------------------------------------------------- */

int chain__resolve_against(struct chain *chain, struct err *err)
{
	struct against_image *other = &chain->against;
	const char *name = chain->request->against;
	struct image_config image;
	struct commit commit = {0};
	struct err ignored = {0};

	if (!name)
		return 0;
	if (chain->suite->service && chain->suite->service->url)
		return err_set(err, ERR_USAGE,
			       "--against: the suite's service is a URL, so there is one of it: "
			       "leave out \"url\" and the image under test is started");
	other->name = name;
	if (source_resolve(chain->source, name, chain->arena, &commit, &ignored) == 0) {
		other->commit = commit.hash;
		other->name = arena_printf(chain->arena, "%.12s", commit.hash);
		return context_open(chain->source, commit.hash, chain->suite->image,
				    &other->context, err) < 0
			       ? err_wrap(err, "--against")
			       : 0;
	}
	if (engine_image(chain->engine, name, chain->arena, &image, &ignored) == 0) {
		other->image_id = arena_strdup(chain->arena, image.id);
		return 0;
	}
	return err_set(err, ERR_USAGE, "--against %s: neither a revision here nor an image of %s",
		       name, engine_info(chain->engine)->host);
}

/* The image of an earlier run of equal inputs, else built now. */
static int find_other(struct against *against, struct err *err)
{
	struct chain *chain = against->chain;
	struct against_image *other = &chain->against;
	struct context *context = other->context;
	struct deploy_options options = {0};
	struct build build = {0};
	char hash[65];

	if (!context) /* an image by its name */
		return 0;
	if (deploy_bases(chain->engine, context_bases(context), against->arena, &build.bases, err) <
	    0)
		return -1;
	if (context_hash(context, &build.bases, hash, err) == 0) {
		options.tag =
			arena_printf(against->arena, "assay/%s:%.16s", chain->run->suite, hash);
		if (chain__image_of_inputs(chain, hash, &other->image_id, err) < 0)
			return -1;
		if (other->image_id)
			return 0;
	} else if (err->code != ERR_NOTFOUND) {
		return -1;
	} else {
		options.tag = arena_printf(against->arena, "assay/%s:%.16s", chain->run->suite,
					   other->commit);
	}
	chain__say(chain, "building %.12s to measure against", other->commit);
	if (deploy_build(chain->engine, context, chain->suite->image, &options, NULL,
			 against->arena, &build, err) < 0)
		return -1;
	if (build.failed)
		other->fault = arena_printf(chain->arena, "%s did not build: %s", other->name,
					    build.message ? build.message : "a step failed");
	else
		other->image_id = arena_strdup(chain->arena, build.image_id);
	return 0;
}

static int deploy_other(struct against *against, struct err *err)
{
	struct chain *chain = against->chain;
	const struct deploy_spec spec = {.image_id = chain->against.image_id,
					 .lock = rundir_lock(chain->dir),
					 .folder = rundir_state(chain->dir),
					 .service = chain->suite->service};

	if (chain->against.fault)
		return 0;
	return deploy_target(chain->engine, &spec, &against->deployed[BEFORE], err);
}

/* --- measuring ------------------------------------------------------------------------------- */

/* The case at AT once more on SIDE, in a run of its own that the caller frees. */
static int measure(const struct against *against, enum side side, size_t at, struct run **out,
		   struct err *err)
{
	const struct case_result *model = &against->chain->run->cases[at];
	const struct exec_options options = {.jobs = 1, .once = true};
	struct run *run = run_new();
	struct case_result *result = run_add_case(run, model->name, model->kind);

	result->target = model->target;
	deploy_forget(against->deployed[side]);
	if (exec_run(against->chain->suite, deploy_view(against->deployed[side]), run, &options,
		     err) < 0) {
		run_free(run);
		return -1;
	}
	*out = run;
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The median of CONTEST's metric in RUN; NAN and why, when it has none. */
static double value_of(struct against *against, struct contest *contest, const struct run *run)
{
	const struct case_result *result = &run->cases[0];
	const struct metric *found = NULL;
	const char *why;

	for (size_t i = 0; i < result->metric_count; i++)
		if (strcmp(result->metrics[i].name, contest->name) == 0 &&
		    (!found || same_text(result->metrics[i].cell, contest->cell)))
			found = &result->metrics[i];
	if (!found) {
		why = case_explain(result, against->arena);
		contest->fault = arena_printf(against->arena, "%s: %s does not measure it%s%s",
					      against->chain->against.name, result->name,
					      why ? ": " : "", why ? why : "");
	}
	if (found && !same_text(found->cell, contest->cell))
		contest->fault = arena_printf(against->arena, "another cell: %s, and before %s",
					      contest->cell ? contest->cell : "none",
					      found->cell ? found->cell : "none");
	return found ? stats_summarise(found->samples, found->sample_count).median : NAN;
}

static void keep_pair(struct contest *contest, struct stats_gate_metric *metric,
		      const double values[SIDES], const char *order)
{
	double ratio = log(values[AFTER] / values[BEFORE]);
	size_t at = metric->count;

	if (!isfinite(ratio)) {
		contest->fault = "a value is not above zero: it has no ratio";
		return;
	}
	contest->values[BEFORE][at] = values[BEFORE];
	contest->values[AFTER][at] = values[AFTER];
	contest->ratios[at] = contest->direction == DIRECTION_LOWER ? -ratio : ratio;
	memcpy(contest->orders + 2 * at, order, 2);
	metric->count++;
}

static bool is_open(const struct against *against, size_t i)
{
	return against->metrics[i].decision == STATS_GATE_MORE && !against->contests[i].fault;
}

/* Contests of one case lie together, from FIRST to before END. */
static int measure_pair(struct against *against, size_t first, size_t end, struct err *err)
{
	struct run *runs[SIDES] = {NULL, NULL};
	enum side early = random_below(&against->seed, 2) ? AFTER : BEFORE;
	size_t at = against->contests[first].of;
	uint64_t begun = clock_ns();
	int rc = measure(against, early, at, &runs[early], err);

	if (rc == 0)
		rc = measure(against, early == BEFORE ? AFTER : BEFORE, at,
			     &runs[early == BEFORE ? AFTER : BEFORE], err);
	for (size_t i = first; i < end && rc == 0; i++) {
		double values[SIDES];

		if (!is_open(against, i))
			continue;
		against->contests[i].took_ns += clock_ns() - begun;
		for (enum side side = BEFORE; side < SIDES; side++)
			values[side] = value_of(against, &against->contests[i], runs[side]);
		if (!against->contests[i].fault)
			keep_pair(&against->contests[i], &against->metrics[i], values,
				  early == BEFORE ? "ab" : "ba");
	}
	run_free(runs[BEFORE]);
	run_free(runs[AFTER]);
	return rc;
}

/* The first time costs what later ones do not: it counts for nothing but whether BEFORE measures
 * this at all. */
static int warm_up(struct against *against, size_t first, size_t end, struct err *err)
{
	struct run *run = NULL;

	if (measure(against, BEFORE, against->contests[first].of, &run, err) < 0)
		return -1;
	for (size_t i = first; i < end; i++)
		(void)value_of(against, &against->contests[i], run);
	run_free(run);
	return 0;
}

static size_t end_of_case(const struct against *against, size_t first)
{
	size_t end = first;

	while (end < against->count && against->contests[end].of == against->contests[first].of)
		end++;
	return end;
}

static bool any_open(const struct against *against, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (is_open(against, i))
			return true;
	return false;
}

static void tell(const struct against *against, size_t pairs)
{
	size_t open = 0;

	for (size_t i = 0; i < against->count; i++)
		open += is_open(against, i);
	chain__say(against->chain, "%zu pairs against %s: %zu of %zu metric%s decided", pairs,
		   against->chain->against.name, against->count - open, against->count,
		   against->count == 1 ? "" : "s");
}

static int measure_all(struct against *against, struct err *err)
{
	size_t next = stats_gate_next(&against->rule, 0);

	for (size_t i = 0; i < against->count; i = end_of_case(against, i))
		if (warm_up(against, i, end_of_case(against, i), err) < 0)
			return -1;
	for (size_t pairs = 1; next && any_open(against, 0, against->count); pairs++) {
		for (size_t i = 0; i < against->count; i = end_of_case(against, i))
			if (any_open(against, i, end_of_case(against, i)) &&
			    measure_pair(against, i, end_of_case(against, i), err) < 0)
				return -1;
		if (cancel_check(err) < 0)
			return -1;
		if (pairs < next)
			continue;
		stats_gate_judge(&against->rule, against->metrics, against->count);
		next = stats_gate_next(&against->rule, pairs);
		tell(against, pairs);
	}
	return 0;
}

/* --- what is compared ------------------------------------------------------------------------ */

static bool is_wanted(const struct chain *chain, const struct metric *metric)
{
	const struct strings *wanted = &chain->request->metrics;

	if (metric->direction == DIRECTION_NONE || !metric->sample_count)
		return false;
	for (size_t i = 0; i < wanted->count; i++)
		if (fnmatch(wanted->items[i], metric->name, 0) == 0)
			return true;
	return !wanted->count;
}

static int add_contest(struct against *against, size_t of, const struct metric *metric,
		       struct err *err)
{
	struct arena *arena = against->arena;
	size_t most = against->rule.looks[against->rule.look_count - 1], count = against->count;
	struct contest *contest;

	if (count == METRICS_MAX)
		return err_set(err, ERR_USAGE,
			       "--against: more than %d metrics: name some with --metric",
			       METRICS_MAX);
	contest = arena_push(arena, &against->contests, &count, sizeof(*contest));
	*contest = (struct contest){.of = of,
				    .name = metric->name,
				    .unit = metric->unit,
				    .cell = metric->cell,
				    .direction = metric->direction};
	for (enum side side = BEFORE; side < SIDES; side++)
		contest->values[side] = arena_alloc(arena, most * sizeof(double));
	contest->ratios = arena_alloc(arena, most * sizeof(double));
	contest->orders = arena_alloc(arena, 2 * most + 1);
	*(struct stats_gate_metric *)arena_push(arena, &against->metrics, &against->count,
						sizeof(struct stats_gate_metric)) =
		(struct stats_gate_metric){.ratios = contest->ratios};
	return 0;
}

static int collect(struct against *against, struct err *err)
{
	const struct run *run = against->chain->run;

	for (size_t i = 0; i < run->case_count; i++)
		for (size_t m = 0; m < run->cases[i].metric_count; m++)
			if (is_wanted(against->chain, &run->cases[i].metrics[m]) &&
			    add_contest(against, i, &run->cases[i].metrics[m], err) < 0)
				return -1;
	return 0;
}

/* --- the outcome ----------------------------------------------------------------------------- */

/* The change of the value itself: a metric that is better when lower has risen when it lost. */
static double of_value(const struct contest *contest, double change)
{
	return 100 * (contest->direction == DIRECTION_LOWER ? 1 / (1 + change) - 1 : change);
}

static const char *as_found(const struct against *against, size_t i, struct arena *arena)
{
	const struct contest *contest = &against->contests[i];
	const struct stats_gate_metric *metric = &against->metrics[i];
	const char *unit = contest->unit ? contest->unit : "";
	double values[SIDES], low = of_value(contest, metric->within.low),
			      high = of_value(contest, metric->within.high);

	for (enum side side = BEFORE; side < SIDES; side++)
		values[side] = stats_summarise(contest->values[side], metric->count).median;
	return arena_printf(arena, "%+.2f %% (%+.2f to %+.2f) in %zu pairs, %.4g to %.4g%s%s",
			    of_value(contest, metric->change), fmin(low, high), fmax(low, high),
			    metric->count, values[BEFORE], values[AFTER], *unit ? " " : "", unit);
}

static void judge(struct against *against, size_t i)
{
	struct run *run = against->chain->run;
	struct arena *arena = run->arena;
	const struct contest *contest = &against->contests[i];
	const struct stats_gate_metric *metric = &against->metrics[i];
	const char *of = run->cases[contest->of].name;
	struct case_result *result =
		run_add_case(run, arena_printf(arena, "%s/%s/%s", KIND_AGAINST, of, contest->name),
			     KIND_AGAINST);

	result->where = arena_strdup(arena, contest->cell);
	result->duration_ns = contest->took_ns;
	if (metric->decision == STATS_GATE_PASS)
		case_pass(result, as_found(against, i, arena));
	else if (metric->decision == STATS_GATE_FAIL)
		case_fail(result, "metric/regressed",
			  arena_printf(arena, "no loss of %g %% against %s",
				       against->rule.margin * 100, against->chain->against.name),
			  as_found(against, i, arena), result->where, NULL);
	else if (contest->fault)
		case_skip(result, arena_strdup(arena, contest->fault));
	else
		case_skip(result,
			  arena_printf(arena, "undecided: %s: more --pairs or a quieter machine",
				       as_found(against, i, arena)));
}

static int keep(const struct against *against, size_t i, struct err *err)
{
	static const enum verdict verdicts[] = {VERDICT_INCONCLUSIVE, VERDICT_PASS, VERDICT_FAIL,
						VERDICT_INCONCLUSIVE};
	const struct chain *chain = against->chain;
	const struct run *run = chain->run;
	const struct contest *contest = &against->contests[i];
	const struct trial_row row = {
		.id = arena_printf(against->arena, "%s-%zu", run->id, i + 1),
		.started_at = run->started_at,
		.suite = run->suite,
		.case_name = run->cases[contest->of].name,
		.metric = contest->name,
		.unit = contest->unit,
		.direction = contest->direction,
		.cell = contest->cell,
		.before_commit = chain->against.commit,
		.before_image = chain->against.image_id,
		.after_commit = run->commit.hash,
		.after_image = run->build.image_id,
		.verdict = verdicts[against->metrics[i].decision],
		.orders = contest->orders,
		.before = contest->values[BEFORE],
		.after = contest->values[AFTER],
		.count = against->metrics[i].count,
	};

	if (!row.count)
		return 0;
	return chain->store->ops->put_trial(chain->store, &row, err) < 0
		       ? -1
		       : alarms_tried(chain->store, &row, err);
}

/* Nothing to compare is no pass. */
static void judge_nothing(struct chain *chain, const char *reason)
{
	case_skip(run_add_case(chain->run, KIND_AGAINST, KIND_AGAINST),
		  arena_strdup(chain->run->arena, reason));
}

static int contend(struct against *against, struct err *err)
{
	struct chain *chain = against->chain;

	if (collect(against, err) < 0)
		return -1;
	if (!against->count) {
		judge_nothing(chain,
			      chain->request->metrics.count
				      ? "no metric that was measured has the name of --metric"
				      : "no check measured a metric that has a better side");
		return 0;
	}
	if (find_other(against, err) < 0 || deploy_other(against, err) < 0)
		return -1;
	if (chain->against.fault) {
		judge_nothing(chain, chain->against.fault);
		return 0;
	}
	if (strcmp(chain->against.image_id, chain->run->build.image_id) == 0)
		chain__say(chain, "%s is the very same image", chain->against.name);
	if (measure_all(against, err) < 0)
		return -1;
	for (size_t i = 0; i < against->count; i++) {
		judge(against, i);
		if (keep(against, i, err) < 0)
			return -1;
	}
	return 0;
}

int chain__against(struct chain *chain, struct err *err)
{
	struct against against = {
		.chain = chain,
		.arena = chain->arena,
		.rule = stats_gate_rule(chain->request->margin, (size_t)chain->request->pairs),
		.deployed = {NULL, chain->deployed},
	};
	int rc;

	if (!chain->request->against)
		return 0;
	if (getrandom(&against.seed, sizeof(against.seed), 0) < 0)
		return err_sys(err, ERR_INFRA, "random order of pairs");
	rc = contend(&against, err);
	deploy_close(against.deployed[BEFORE]);
	/* All else may have passed by now, and what was asked for was not made. */
	if (rc < 0)
		case_broken(run_add_case(chain->run, KIND_AGAINST, KIND_AGAINST),
			    arena_strdup(chain->run->arena, err->msg));
	return rc;
}
