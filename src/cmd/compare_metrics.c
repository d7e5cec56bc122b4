#include "cmd/compare_metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of the finite samples; *COUNT of them. */
static double median(const struct metric *metric, struct arena *arena, size_t *count)
{
	double *sorted = arena_alloc(arena, metric->sample_count * sizeof(*sorted) + 1);
	size_t n = 0;

	for (size_t i = 0; i < metric->sample_count; i++)
		if (isfinite(metric->samples[i]))
			sorted[n++] = metric->samples[i];
	*count = n;
	if (!n)
		return NAN;
	qsort(sorted, n, sizeof(*sorted), compare_doubles);
	return n % 2 ? sorted[n / 2] : sorted[n / 2 - 1] / 2 + sorted[n / 2] / 2;
}

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
		change.before = median(other, arena, &change.before_count);
		change.after = median(metric, arena, &change.after_count);
		if (!change.before_count || !change.after_count)
			continue;
		change.case_name = arena_strdup(arena, result->name);
		change.metric = arena_strdup(arena, metric->name);
		change.unit = arena_strdup(arena, metric->unit);
		change.cell = arena_strdup(arena, metric->cell);
		change.direction = metric->direction;
		*(struct metric_change *)arena_push(arena, list, count, sizeof(**list)) = change;
	}
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
	return 0;
}

/* A part of the old value; NAN when that is zero. */
static double part(const struct metric_change *change)
{
	return change->before == 0 ? (double)NAN : change->after / change->before - 1;
}

static const char *judged(const struct metric_change *change)
{
	bool higher = change->after > change->before;

	if (change->direction == DIRECTION_NONE || change->after == change->before)
		return "";
	return higher == (change->direction == DIRECTION_HIGHER) ? ", better" : ", worse";
}

void print_metric_changes(const struct metric_change *list, size_t count)
{
	if (count)
		printf("\nmetrics, medians of one run each: no more than a hint\n");
	for (size_t i = 0; i < count; i++) {
		const struct metric_change *change = &list[i];

		printf("  %s / %s: %.6g -> %.6g%s%s", change->case_name, change->metric,
		       change->before, change->after, change->unit ? " " : "",
		       change->unit ? change->unit : "");
		if (isfinite(part(change)))
			printf(" (%+.1f %%%s)", part(change) * 100, judged(change));
		printf("%s%s\n", change->cell ? "   " : "", change->cell ? change->cell : "");
	}
}

void json_metric_changes(const struct metric_change *list, size_t count, struct json *out)
{
	for (size_t i = 0; i < count; i++) {
		struct json *item = json_add_object(out, NULL);

		json_add_str(item, "case", list[i].case_name);
		json_add_str(item, "metric", list[i].metric);
		json_add_str(item, "unit", list[i].unit);
		json_add_str(item, "cell", list[i].cell);
		json_add_str(item, "direction", direction_name(list[i].direction));
		json_add_num(item, "before", list[i].before);
		json_add_num(item, "after", list[i].after);
		json_add_int(item, "before_samples", (int64_t)list[i].before_count);
		json_add_int(item, "after_samples", (int64_t)list[i].after_count);
	}
}
