/* Numbers of a command's output, recorded as metrics. */
#include "base/pattern.h"
#include "check/command_private.h"
#include "parse/jsonpath.h"
#include "stats/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const betters[] = {"higher", "lower", NULL};

#define AT(member) offsetof(struct metric_spec, member)
const struct field check_metric_fields[] = {
	{.name = "name",
	 .type = FIELD_STRING,
	 .offset = AT(name),
	 .required = true,
	 .nonempty = true,
	 .help = "name of the metric, unique in the check"},
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = AT(path),
	 .nonempty = true,
	 .help = "JSON path of the number, or of a list of numbers, on standard output"},
	{.name = "pattern",
	 .type = FIELD_STRING,
	 .offset = AT(pattern),
	 .nonempty = true,
	 .pattern = true,
	 .help = "pattern whose first group is the number; every match is a sample"},
	{.name = "unit",
	 .type = FIELD_STRING,
	 .offset = AT(unit),
	 .nonempty = true,
	 .help = "unit, for people"},
	{.name = "better",
	 .type = FIELD_ENUM,
	 .offset = AT(better),
	 .choices = betters,
	 .help = "which way is better"},
	{.name = "per",
	 .type = FIELD_STRING,
	 .offset = AT(per),
	 .nonempty = true,
	 .help = "another metric of this check, of a fixed piece of work beside it: each sample is "
		 "divided by its median, so that a slow machine is no slow image"},
	{.name = "min", .type = FIELD_NUMBER, .offset = AT(min), .help = "least sample allowed"},
	{.name = "max", .type = FIELD_NUMBER, .offset = AT(max), .help = "greatest sample allowed"},
	{.name = NULL},
};
#undef AT

static int validate_one(const struct metric_spec *spec, struct err *err)
{
	if (!spec->path == !spec->pattern)
		return err_set(err, ERR_USAGE, "metric %s needs exactly one of path, pattern",
			       spec->name);
	if (spec->min > spec->max)
		return err_set(err, ERR_USAGE,
			       "metric %s contradicts itself: \"min\" is above \"max\"",
			       spec->name);
	return spec->path ? jsonpath_check(spec->path, err) : 0;
}

static const struct metric_spec *find_spec(const struct metric_spec *specs, size_t count,
					   const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(specs[i].name, name) == 0)
			return &specs[i];
	return NULL;
}

static int validate_per(const struct metric_spec *specs, size_t count,
			const struct metric_spec *spec, struct err *err)
{
	const struct metric_spec *reference;

	if (!spec->per)
		return 0;
	reference = find_spec(specs, count, spec->per);
	if (!reference || reference->per)
		return err_set(err, ERR_USAGE, "metric %s: per names %s, which is %s", spec->name,
			       spec->per,
			       reference ? "itself per another" : "no metric of this check");
	return 0;
}

int check_metric_validate(const struct metric_spec *specs, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (validate_one(&specs[i], err) < 0 ||
		    validate_per(specs, count, &specs[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (strcmp(specs[i].name, specs[j].name) == 0)
				return err_set(err, ERR_USAGE, "two metrics are named %s",
					       specs[i].name);
	}
	return 0;
}

/* --- samples --------------------------------------------------------------------------------- */

struct recorder {
	struct trial *trial;
	const struct metric_spec *spec;
	const char *where;
	double *samples; /* as they were read */
	size_t count;
};

static void add_sample(struct recorder *recorder, double value)
{
	*(double *)arena_push(recorder->trial->ctx->arena, &recorder->samples, &recorder->count,
			      sizeof(value)) = value;
}

static void not_a_number(const struct recorder *recorder, const char *found)
{
	check_trial_fail(
		recorder->trial, "command/number-out-of-range", recorder->where,
		arena_printf(recorder->trial->ctx->arena, "a number for %s", recorder->spec->name),
		found);
}

/* --- where they come from -------------------------------------------------------------------- */

static int too_many(const struct recorder *recorder, struct err *err)
{
	return err_set(err, ERR_LIMIT, "more than %d samples of %s", METRIC_SAMPLES_MAX,
		       recorder->spec->name);
}

static int read_path(struct recorder *recorder, const struct json *document, struct err *err)
{
	const struct json *value = jsonpath_find(document, recorder->spec->path);
	const struct json *item = value;
	bool list = value && json_type(value) == JSON_ARRAY && json_size(value);

	if (list && json_size(value) > METRIC_SAMPLES_MAX)
		return too_many(recorder, err);
	for (item = list ? json_first(value) : value; item; item = list ? json_next(item) : NULL) {
		if (json_type(item) != JSON_NUMBER) {
			not_a_number(recorder, check_json_show(recorder->trial, item));
			return 0;
		}
		add_sample(recorder, json_number(item));
	}
	if (!value)
		not_a_number(recorder, "nothing");
	return 0;
}

/*
 * Where the search goes on after a sample that ends at AT. Digits that belong to it are passed
 * over, since the pattern would take their middle for a beginning; so is the rest of the line when
 * the pattern is tied to the beginning of lines.
 */
static const char *search_on(const char *pattern, const char *at, const char *end)
{
	const char *newline;

	if (*pattern == '^') {
		newline = memchr(at, '\n', (size_t)(end - at));
		return newline ? newline + 1 : end;
	}
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

static int read_matches(struct recorder *recorder, const struct command_result *result,
			struct err *err)
{
	const char *pattern = recorder->spec->pattern;
	const char *at = result->out ? result->out : "";
	const char *end = at + (result->out ? result->out_len : 0), *capture = NULL;
	size_t len = 0;
	int found;

	while ((found = pattern_find(pattern, at, (size_t)(end - at), &capture, &len, err)) == 1) {
		const char *number = arena_strndup(recorder->trial->ctx->arena, capture, len);
		char *rest = NULL;
		double value = strtod(number, &rest);

		if (rest == number || *rest || !isfinite(value)) {
			not_a_number(recorder, check_trial_quote(recorder->trial, number, len));
			return 0;
		}
		if (recorder->count == METRIC_SAMPLES_MAX)
			return too_many(recorder, err);
		add_sample(recorder, value);
		at = search_on(pattern, capture + len, end);
		if (at == end)
			break;
	}
	if (found == 0 && !recorder->count)
		not_a_number(recorder, arena_printf(recorder->trial->ctx->arena,
						    "no match of /%s/ in stdout", pattern));
	return found < 0 ? -1 : 0;
}

/* --- what they are --------------------------------------------------------------------------- */

static void fail_bound(const struct recorder *recorder, const struct metric *metric,
		       const char *side, double bound, double worst)
{
	const struct metric_spec *spec = recorder->spec;
	struct arena *arena = recorder->trial->ctx->arena;
	const char *found = check_number_show(worst, arena);
	size_t outside = 0;

	for (size_t i = 0; i < metric->sample_count; i++)
		outside += metric->samples[i] < spec->min || metric->samples[i] > spec->max;
	if (metric->sample_count > 1)
		found = arena_printf(arena, "%s (%zu of %zu samples outside)", found, outside,
				     metric->sample_count);
	check_trial_fail(
		recorder->trial, "command/number-out-of-range", recorder->where,
		arena_printf(arena, "%s %s %s", spec->name, side, check_number_show(bound, arena)),
		found);
}

static void judge_samples(const struct recorder *recorder, const struct metric *metric)
{
	double least = metric->samples[0], most = metric->samples[0];

	for (size_t i = 1; i < metric->sample_count; i++) {
		least = fmin(least, metric->samples[i]);
		most = fmax(most, metric->samples[i]);
	}
	if (least < recorder->spec->min)
		fail_bound(recorder, metric, "at least", recorder->spec->min, least);
	if (most > recorder->spec->max)
		fail_bound(recorder, metric, "at most", recorder->spec->max, most);
}

/* What a sample of RECORDER counts as one: 1 where it is no ratio. NAN: there is nothing to divide
 * by, and the case fails for it. */
static double one_of(const struct recorder *recorder, const struct recorder *all, size_t count)
{
	const struct recorder *reference = all;
	double *sorted, median;
	size_t finite;

	if (!recorder->spec->per)
		return 1;
	while (reference < all + count && strcmp(reference->spec->name, recorder->spec->per) != 0)
		reference++;
	sorted = stats_sorted(reference->samples, reference->count, &finite);
	median = stats_median(sorted, finite);
	free(sorted);
	if (median > 0)
		return median;
	check_trial_fail(recorder->trial, "command/number-out-of-range", recorder->where,
			 arena_printf(recorder->trial->ctx->arena, "%s above 0, for %s per %s",
				      recorder->spec->per, recorder->spec->name,
				      recorder->spec->per),
			 isnan(median) ? "no sample"
				       : check_number_show(median, recorder->trial->ctx->arena));
	return (double)NAN;
}

static void record(const struct recorder *recorder, double one)
{
	const struct metric_spec *spec = recorder->spec;
	struct trial *trial = recorder->trial;
	enum direction direction = spec->better < 0    ? DIRECTION_NONE
				   : spec->better == 0 ? DIRECTION_HIGHER
						       : DIRECTION_LOWER;
	struct metric *metric;

	if (!recorder->count || isnan(one)) /* none is not zero */
		return;
	metric = case_add_metric(trial->out, trial->ctx->arena, spec->name, spec->unit, direction);
	for (size_t i = 0; i < recorder->count; i++)
		metric_add_sample(metric, trial->ctx->arena, recorder->samples[i] / one);
	judge_samples(recorder, metric);
}

int check_metric_judge(struct trial *trial, const struct metric_spec *specs, size_t count,
		       const struct json *document, const struct command_result *result,
		       const char *where, struct err *err)
{
	struct recorder *recorders;

	if (count && result->out_truncated)
		return err_set(err, ERR_LIMIT,
			       "stdout was cut at %zu bytes, so samples may be missing: raise "
			       "output_max",
			       result->out_len);
	recorders = arena_alloc(trial->ctx->arena, count * sizeof(*recorders) + 1);
	for (size_t i = 0; i < count; i++) {
		recorders[i] = (struct recorder){.trial = trial, .spec = &specs[i], .where = where};
		if ((specs[i].path ? read_path(&recorders[i], document, err)
				   : read_matches(&recorders[i], result, err)) < 0)
			return -1;
	}
	for (size_t i = 0; i < count; i++)
		record(&recorders[i], one_of(&recorders[i], recorders, count));
	return 0;
}
