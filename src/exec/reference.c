#include "exec/reference.h"

#include "stats/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct judge {
	struct arena *arena;
	struct case_result *result;
};

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static const struct suite_reference *find(const struct suite_references *references,
					  const struct metric *metric)
{
	const struct suite_reference *any = NULL;

	for (size_t i = 0; i < references->count; i++) {
		const struct suite_reference *reference = &references->items[i];

		if (strcmp(reference->metric, metric->name) != 0)
			continue;
		if (strcmp(reference->cell, "*") == 0)
			any = reference;
		else if (metric->cell && strcmp(reference->cell, metric->cell) == 0)
			return reference;
	}
	return any;
}

static bool is_named(const struct suite_references *references, const char *metric)
{
	for (size_t i = 0; i < references->count; i++)
		if (strcmp(references->items[i].metric, metric) == 0)
			return true;
	return false;
}

static bool is_reported(const struct case_result *result, const char *metric)
{
	for (size_t i = 0; i < result->metric_count; i++)
		if (strcmp(result->metrics[i].name, metric) == 0)
			return true;
	return false;
}

/* NAN: nothing was measured. */
static double median_of(const struct metric *metric)
{
	size_t count;
	double *sorted = stats_sorted(metric->samples, metric->sample_count, &count), median;

	median = stats_median(sorted, count);
	free(sorted);
	return median;
}

/* The value that lies PERCENT of it away. */
static double bound(const struct suite_reference *reference, double percent)
{
	return reference->value + fabs(reference->value) * percent / 100;
}

/* "ttft from 95 to 110 ms (100 ms -5 % +10 %)" */
static const char *wanted(const struct suite_reference *reference, struct arena *arena)
{
	const char *unit = *reference->unit ? arena_printf(arena, " %s", reference->unit) : "";
	const char *range, *bounds = "";

	if (isnan(reference->lower))
		range = arena_printf(arena, "at most %.6g", bound(reference, reference->upper));
	else if (isnan(reference->upper))
		range = arena_printf(arena, "at least %.6g", bound(reference, reference->lower));
	else
		range = arena_printf(arena, "from %.6g to %.6g", bound(reference, reference->lower),
				     bound(reference, reference->upper));
	if (!isnan(reference->lower))
		bounds = arena_printf(arena, " -%.4g %%", fabs(reference->lower));
	if (!isnan(reference->upper))
		bounds = arena_printf(arena, "%s +%.4g %%", bounds, reference->upper);
	return arena_printf(arena, "%s %s%s (%.6g%s%s)", reference->metric, range, unit,
			    reference->value, unit, bounds);
}

/* Better is outside as well: the reference is no longer true. */
static const char *sense(const struct metric *metric, bool above)
{
	if (metric->direction == DIRECTION_NONE)
		return "";
	return (metric->direction == DIRECTION_HIGHER) == above ? ", better" : ", worse";
}

static void judge_value(const struct judge *judge, const struct suite_reference *reference,
			const struct metric *metric)
{
	struct arena *arena = judge->arena;
	double median = median_of(metric), off;
	const char *unit = *reference->unit ? arena_printf(arena, " %s", reference->unit) : "";

	if (!same(metric->unit, reference->unit)) {
		case_fail(judge->result, "metric/unit-mismatch",
			  arena_printf(arena, "%s in %s", metric->name,
				       *reference->unit ? reference->unit : "no unit"),
			  metric->unit && *metric->unit ? metric->unit : "no unit", metric->cell,
			  NULL);
		return;
	}
	if (isnan(median)) {
		case_fail(judge->result, "metric/not-reported",
			  arena_printf(arena, "values of %s", metric->name), "none", metric->cell,
			  NULL);
		return;
	}
	if (!(median < bound(reference, reference->lower)) &&
	    !(median > bound(reference, reference->upper)))
		return;
	off = 100 * (median - reference->value) / fabs(reference->value);
	case_fail(judge->result, "metric/out-of-reference", wanted(reference, arena),
		  arena_printf(arena, "%.6g%s, %+.3g %%%s", median, unit, off,
			       sense(metric, off > 0)),
		  metric->cell, NULL);
}

static void note_unjudged(const struct judge *judge, const struct metric *metric)
{
	struct case_result *result = judge->result;

	result->actual =
		arena_printf(judge->arena, "%s%s%s not judged: no reference for %s",
			     result->actual ? result->actual : "", result->actual ? "; " : "",
			     metric->name, metric->cell ? metric->cell : "a metric without cell");
}

void reference_judge(const struct suite_references *references, struct arena *arena,
		     struct case_result *result)
{
	const struct judge judge = {arena, result};

	for (size_t i = 0; i < references->count && result->outcome == OUTCOME_PASS; i++)
		if (!is_reported(result, references->items[i].metric))
			case_fail(result, "metric/not-reported",
				  arena_printf(arena, "values of %s", references->items[i].metric),
				  "no such metric", NULL, NULL);
	for (size_t i = 0; i < result->metric_count && result->outcome == OUTCOME_PASS; i++) {
		const struct metric *metric = &result->metrics[i];
		const struct suite_reference *reference = find(references, metric);

		if (reference)
			judge_value(&judge, reference, metric);
		else if (is_named(references, metric->name))
			note_unjudged(&judge, metric);
	}
}
