#include "cmd/compare_metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LEVEL 0.05 /* of findings, for all metrics of two runs together */

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static const struct metric *find(const struct case_result *result, const struct metric *like)
{
	for (size_t i = 0; result && i < result->metric_count; i++) {
		const struct metric *metric = &result->metrics[i];

		if (same(metric->name, like->name) && same(metric->unit, like->unit) &&
		    same(metric->cell, like->cell))
			return metric;
	}
	return NULL;
}

static void add_case(const struct run *before, const struct case_result *result,
		     struct arena *arena, struct metric_change **list, size_t *count)
{
	const struct case_result *older = run_find_case(before, result->name);

	for (size_t m = 0; m < result->metric_count; m++) {
		const struct metric *metric = &result->metrics[m], *other = find(older, metric);
		struct metric_change change = {0};

		if (!other)
			continue;
		if (stats_difference(other->samples, other->sample_count, metric->samples,
				     metric->sample_count, LEVEL, &change.difference, NULL) < 0)
			continue; /* nothing finite on one side */
		change.case_name = arena_strdup(arena, result->name);
		change.metric = arena_strdup(arena, metric->name);
		change.unit = arena_strdup(arena, metric->unit);
		change.cell = arena_strdup(arena, metric->cell);
		change.direction = metric->direction;
		*(struct metric_change *)arena_push(arena, list, count, sizeof(**list)) = change;
	}
}

static void judge(struct metric_change *list, size_t count, struct arena *arena)
{
	struct stats_difference *found = arena_alloc(arena, (count + 1) * sizeof(*found));

	for (size_t i = 0; i < count; i++)
		found[i] = list[i].difference;
	stats_judge_together(found, count, LEVEL, stats_adjust_holm);
	for (size_t i = 0; i < count; i++)
		list[i].difference = found[i];
}

/* 1: OUT is the run, 0: the history does not know it. */
static int find_run(struct store *store, const char *id, struct run **out, struct err *err)
{
	if (store->ops->load(store, id, out, err) == 0)
		return 1;
	return err->code == ERR_NOTFOUND || err->code == ERR_USAGE ? 0 : -1;
}

int compare_metrics(const char *state, const char *a, const char *b, struct arena *arena,
		    struct metric_change **out, size_t *count, struct err *err)
{
	struct run *before CLEANUP(run_freep) = NULL, *after CLEANUP(run_freep) = NULL;
	struct store *store CLEANUP(store_closep) = NULL;
	const char *file = state ? arena_printf(arena, "%s/history.db", state) : NULL;
	int known;

	if (!file || access(file, R_OK) < 0)
		return 0; /* opening would make one */
	if (cmd_history_open(NULL, state, &store, err) < 0)
		return -1;
	known = find_run(store, a, &before, err);
	if (known == 1)
		known = find_run(store, b, &after, err);
	if (known < 1)
		return known;
	for (size_t i = 0; i < after->case_count; i++)
		add_case(before, &after->cases[i], arena, out, count);
	judge(*out, *count, arena);
	return 0;
}

/* A part of the old value; NAN when that is zero. */
static double part(const struct stats_difference *found)
{
	return found->before == 0 ? (double)NAN : found->after / found->before - 1;
}

/* Of a difference that was found only: else it is chance. */
static const char *judged(const struct metric_change *change)
{
	bool higher = change->difference.shift.value > 0;

	if (change->direction == DIRECTION_NONE || change->difference.finding != STATS_DIFFERENT)
		return "";
	return higher == (change->direction == DIRECTION_HIGHER) ? ", better" : ", worse";
}

static void print_finding(const struct stats_difference *found)
{
	printf("    %s", stats_finding_name(found->finding));
	if (found->needed)
		printf(": needs %zu samples of each run, there are %zu and %zu", found->needed,
		       found->before_count, found->after_count);
	printf("; shift %+.4g", found->shift.value);
	if (!found->shift.needed)
		printf(", 95 %% from %+.4g to %+.4g", found->shift.low, found->shift.high);
	printf("\n");
}

void print_metric_changes(const struct metric_change *list, size_t count)
{
	if (count)
		printf("\nmetrics of one run each: what differs may be the machine's state too\n");
	for (size_t i = 0; i < count; i++) {
		const struct metric_change *change = &list[i];
		const struct stats_difference *found = &change->difference;

		printf("  %s / %s: %.6g -> %.6g%s%s", change->case_name, change->metric,
		       found->before, found->after, change->unit ? " " : "",
		       change->unit ? change->unit : "");
		if (isfinite(part(found)))
			printf(" (%+.1f %%%s)", part(found) * 100, judged(change));
		printf("%s%s\n", change->cell ? "   " : "", change->cell ? change->cell : "");
		print_finding(found);
	}
}

void json_metric_changes(const struct metric_change *list, size_t count, struct json *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct stats_difference *found = &list[i].difference;
		struct json *item = json_add_object(out, NULL);

		json_add_str(item, "case", list[i].case_name);
		json_add_str(item, "metric", list[i].metric);
		json_add_str(item, "unit", list[i].unit);
		json_add_str(item, "cell", list[i].cell);
		json_add_str(item, "direction", direction_name(list[i].direction));
		json_add_num(item, "before", found->before);
		json_add_num(item, "after", found->after);
		json_add_int(item, "before_samples", (int64_t)found->before_count);
		json_add_int(item, "after_samples", (int64_t)found->after_count);
		json_add_str(item, "finding", stats_finding_name(found->finding));
		if (found->needed)
			json_add_int(item, "needed_samples", (int64_t)found->needed);
		json_add_num(item, "p_adjusted", found->adjusted);
		json_add_num(item, "shift", found->shift.value);
		if (!found->shift.needed) {
			json_add_num(item, "shift_low", found->shift.low);
			json_add_num(item, "shift_high", found->shift.high);
		}
	}
}
