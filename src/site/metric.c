/* Series of metrics over runs: a page each, and the list of them. */
#include "site/site_private.h"

#include "base/digest.h"
#include "base/mem.h"
#include "stats/difference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 512
#define CONFIDENCE 0.95	      /* of intervals */
#define LEVEL 0.05	      /* the share of false ones among series found different */
#define SHOWN_SAMPLES_MAX 400 /* of a distribution */
#define BUCKETS 4096

/* What all points of a run share. */
struct column {
	const char *page, *commit, *subject, *started_at, *machine;
};

struct point {
	const struct column *run;
	struct stats_estimate median;
	size_t count;
};

struct series {
	struct series *next; /* in the bucket */
	const char *path;
	const char *suite, *case_name, *name, *unit, *cell;
	enum direction direction;
	struct point *points; /* newest first, as they came */
	size_t point_count;
	double *samples[2]; /* of the newest two points, sorted */
	size_t sample_counts[2];
	struct site_change *changes;
	size_t change_count;
	struct site_trial *trial; /* the last, NULL: none */
};

struct site_metrics {
	struct arena *arena;
	struct series *buckets[BUCKETS];
	struct series **list;
	size_t count;
};

struct site_metrics *site_metrics_new(void)
{
	struct arena *arena = arena_new();
	struct site_metrics *metrics = arena_alloc(arena, sizeof(*metrics));

	metrics->arena = arena;
	return metrics;
}

void site_metrics_free(struct site_metrics *metrics)
{
	if (metrics)
		arena_free(metrics->arena);
}

void site__metric_path(const struct run *run, const struct case_result *result,
		       const struct metric *metric, char out[SITE_METRIC_PATH])
{
	struct digest *digest = digest_new();
	char hash[DIGEST_HEX];

	digest_add_field(digest, run->suite);
	digest_add_field(digest, result->name);
	digest_add_field(digest, metric->name);
	digest_add_field(digest, metric->unit);
	digest_add_field(digest, metric->cell);
	digest_final(digest, hash);
	(void)snprintf(out, SITE_METRIC_PATH, "metrics/%.24s.html", hash);
}

/* --- collecting ------------------------------------------------------------------------------ */

static const char *environment_of(const struct run *run, const char *key)
{
	for (size_t i = 0; i < run->environment.count; i++)
		if (strcmp(run->environment.items[i].key, key) == 0)
			return run->environment.items[i].value;
	return "";
}

/* What a series cannot be followed across: another one starts an epoch. */
static const char *machine_of(const struct run *run, struct arena *arena)
{
	static const char *const keys[] = {"host", "kernel", "gpu", "gpu-driver"};
	const char *text = "";

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *value = environment_of(run, keys[i]);

		if (value && *value)
			text = arena_printf(arena, "%s%s%s %s", text, *text ? ", " : "", keys[i],
					    value);
	}
	return text;
}

static const struct column *add_column(struct site_metrics *metrics, const struct run *run)
{
	struct arena *arena = metrics->arena;
	struct column *column = arena_alloc(arena, sizeof(*column));

	*column = (struct column){
		.page = site_run_path(run->id, arena),
		.commit = arena_strdup(arena, run->commit.hash),
		.subject = arena_strdup(arena, run->commit.subject),
		.started_at = arena_strdup(arena, run->started_at),
		.machine = machine_of(run, arena),
	};
	return column;
}

static struct series *find_series(struct site_metrics *metrics, const struct run *run,
				  const struct case_result *result, const struct metric *metric)
{
	static const char digits[] = "0123456789abcdef";
	struct arena *arena = metrics->arena;
	struct series **bucket, *series;
	char path[SITE_METRIC_PATH];
	size_t at = 0;

	site__metric_path(run, result, metric, path);
	for (size_t i = 0; i < 3; i++)
		at = at * 16 + (size_t)(strchr(digits, path[sizeof("metrics/") - 1 + i]) - digits);
	bucket = &metrics->buckets[at];
	for (series = *bucket; series; series = series->next)
		if (strcmp(series->path, path) == 0)
			return series;
	series = arena_alloc(arena, sizeof(*series));
	*series = (struct series){
		.next = *bucket,
		.path = arena_strdup(arena, path),
		.suite = arena_strdup(arena, run->suite),
		.case_name = arena_strdup(arena, result->name),
		.name = arena_strdup(arena, metric->name),
		.unit = arena_strdup(arena, metric->unit),
		.cell = arena_strdup(arena, metric->cell),
		.direction = metric->direction,
	};
	*bucket = series;
	*(struct series **)arena_push(arena, &metrics->list, &metrics->count, sizeof(series)) =
		series;
	return series;
}

static void keep_samples(struct site_metrics *metrics, struct series *series, size_t side,
			 const struct metric *metric)
{
	size_t *count = &series->sample_counts[side];
	double *sorted = stats_sorted(metric->samples, metric->sample_count, count);

	series->samples[side] = memcpy(arena_alloc(metrics->arena, *count * sizeof(*sorted)),
				       sorted, *count * sizeof(*sorted));
	free(sorted);
}

static void add_point(struct site_metrics *metrics, struct series *series,
		      const struct column *column, const struct point *values,
		      const struct metric *metric)
{
	struct point *point =
		arena_push(metrics->arena, &series->points, &series->point_count, sizeof(*point));

	*point = *values;
	point->run = column;
	if (series->point_count <= 2)
		keep_samples(metrics, series, series->point_count - 1, metric);
}

static struct point summarise(const struct metric *metric)
{
	struct point out = {0};
	double *sorted = stats_sorted(metric->samples, metric->sample_count, &out.count);

	out.median = stats_median_interval(sorted, out.count, CONFIDENCE);
	free(sorted);
	return out;
}

void site_metrics_add(struct site_metrics *metrics, const struct run *run)
{
	const struct column *column = NULL;

	for (size_t i = 0; i < run->case_count; i++)
		for (size_t j = 0; j < run->cases[i].metric_count; j++) {
			const struct metric *metric = &run->cases[i].metrics[j];
			struct point values = summarise(metric);

			if (!values.count)
				continue;
			if (!column)
				column = add_column(metrics, run);
			add_point(metrics, find_series(metrics, run, &run->cases[i], metric),
				  column, &values, metric);
		}
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_series(const struct series *series, const char *suite, const char *case_name,
		      const char *metric, const char *cell)
{
	return is_same(series->suite, suite) && is_same(series->case_name, case_name) &&
	       is_same(series->name, metric) && is_same(series->cell, cell);
}

void site_metrics_add_change(struct site_metrics *metrics, const struct site_change *change)
{
	struct arena *arena = metrics->arena;

	for (size_t i = 0; i < metrics->count; i++) {
		struct series *series = metrics->list[i];
		struct site_change *kept;

		if (!is_series(series, change->suite, change->case_name, change->metric,
			       change->cell))
			continue;
		kept = arena_push(arena, &series->changes, &series->change_count, sizeof(*kept));
		*kept = (struct site_change){
			.commit = arena_strdup(arena, change->commit),
			.state = arena_strdup(arena, change->state),
			.since = arena_strdup(arena, change->since),
			.note = arena_strdup(arena, change->note),
			.change = change->change,
			.low = change->low,
			.high = change->high,
		};
	}
}

static double *copy_values(const double *values, size_t count, struct arena *arena)
{
	double *copy = arena_alloc(arena, (count + 1) * sizeof(*copy));

	if (count)
		memcpy(copy, values, count * sizeof(*copy));
	return copy;
}

void site_metrics_add_trial(struct site_metrics *metrics, const struct site_trial *trial)
{
	struct arena *arena = metrics->arena;

	for (size_t i = 0; i < metrics->count; i++) {
		struct series *series = metrics->list[i];

		if (series->trial ||
		    !is_series(series, trial->suite, trial->case_name, trial->metric, trial->cell))
			continue;
		series->trial = arena_alloc(arena, sizeof(*series->trial));
		*series->trial = (struct site_trial){
			.started_at = arena_strdup(arena, trial->started_at),
			.before_commit = arena_strdup(arena, trial->before_commit),
			.after_commit = arena_strdup(arena, trial->after_commit),
			.verdict = trial->verdict,
			.before = copy_values(trial->before, trial->count, arena),
			.after = copy_values(trial->after, trial->count, arena),
			.count = trial->count,
		};
	}
}

size_t site_metrics_count(const struct site_metrics *metrics)
{
	return metrics->count;
}

const char *site_metrics_path(const struct site_metrics *metrics, size_t index)
{
	return metrics->list[index]->path;
}

/* --- comparing ------------------------------------------------------------------------------- */

/* The newest two points; false where they were measured on different machines, or one is missing.
 */
static bool compare_newest(const struct series *series, struct stats_difference *out)
{
	if (series->point_count < 2 ||
	    strcmp(series->points[0].run->machine, series->points[1].run->machine) != 0)
		return false;
	return stats_difference(series->samples[1], series->sample_counts[1], series->samples[0],
				series->sample_counts[0], LEVEL, out, NULL) == 0;
}

/* How much larger the second of each pair is, as a part of the first: from logarithms of ratios.
 * False where values are not above zero. */
static bool compare_pairs(const struct site_trial *trial, struct stats_estimate *out)
{
	double *logs = xcalloc(trial->count + 1, sizeof(*logs));
	int rc;

	for (size_t i = 0; i < trial->count; i++)
		logs[i] = log(trial->after[i]) - log(trial->before[i]); /* NaN: refused below */
	rc = stats_paired_shift(logs, trial->count, CONFIDENCE, out, NULL);
	free(logs);
	if (rc < 0)
		return false;
	out->value = expm1(out->value);
	out->low = expm1(out->low);
	out->high = expm1(out->high);
	return true;
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_series(const struct series *series, struct json *out)
{
	site_add_text(out, "suite", series->suite, NAME_BYTES_MAX);
	site_add_text(out, "case", series->case_name, NAME_BYTES_MAX);
	site_add_text(out, "name", series->name, NAME_BYTES_MAX);
	site_add_text(out, "unit", series->unit, NAME_BYTES_MAX);
	site_add_text(out, "cell", series->cell, SITE_FIELD_MAX);
	json_add_str(out, "direction", direction_name(series->direction));
}

static void put_estimate(const char *name, const struct stats_estimate *estimate, struct json *out)
{
	struct json *item = json_add_object(out, name);

	json_add_num(item, "value", estimate->value);
	if (!estimate->needed) {
		json_add_num(item, "low", estimate->low);
		json_add_num(item, "high", estimate->high);
	}
}

static void put_point(const struct point *point, struct json *out)
{
	json_add_str(out, "page", point->run->page);
	json_add_str(out, "commit", point->run->commit);
	site_add_text(out, "subject", point->run->subject, NAME_BYTES_MAX);
	json_add_str(out, "at", point->run->started_at);
	json_add_num(out, "median", point->median.value);
	json_add_int(out, "count", (int64_t)point->count);
	if (!point->median.needed) {
		json_add_num(out, "low", point->median.low);
		json_add_num(out, "high", point->median.high);
	}
}

static void put_epochs(const struct series *series, struct json *out)
{
	struct json *list = json_add_array(out, "epochs");
	const char *machine = NULL;

	for (size_t i = series->point_count; i-- > 0;) {
		const char *now = series->points[i].run->machine;

		if (machine && strcmp(machine, now) == 0)
			continue;
		if (*now || machine) {
			struct json *item = json_add_object(list, NULL);

			json_add_int(item, "point", (int64_t)(series->point_count - 1 - i));
			site_add_text(item, "machine", now, NAME_BYTES_MAX);
		}
		machine = now;
	}
}

/* A change whose commit has no point in this report is listed, but not drawn. */
static void put_changes(const struct series *series, struct json *out)
{
	struct json *list = json_add_array(out, "changes");

	for (size_t i = 0; i < series->change_count; i++) {
		const struct site_change *change = &series->changes[i];
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "commit", change->commit);
		json_add_str(item, "state", change->state);
		json_add_str(item, "since", change->since);
		site_add_text(item, "note", change->note, SITE_FIELD_MAX);
		json_add_num(item, "change", change->change);
		if (isfinite(change->low)) {
			json_add_num(item, "low", change->low);
			json_add_num(item, "high", change->high);
		}
		for (size_t j = series->point_count; j-- > 0;)
			if (is_same(series->points[j].run->commit, change->commit)) {
				json_add_int(item, "point", (int64_t)(series->point_count - 1 - j));
				break;
			}
	}
}

static void put_side(const char *name, const char *commit, const double *values, size_t count,
		     struct json *out)
{
	struct json *item = json_add_object(out, name), *list = json_add_array(item, "samples");

	json_add_str(item, "commit", commit);
	json_add_num(item, "median", stats_summarise(values, count).median);
	for (size_t i = 0; i < count && i < SHOWN_SAMPLES_MAX; i++)
		json_add_num(list, NULL, values[i]);
}

static void put_trial(const struct site_trial *trial, struct json *out)
{
	struct stats_estimate change;

	json_add_str(out, "started_at", trial->started_at);
	json_add_str(out, "verdict", verdict_name(trial->verdict));
	json_add_int(out, "pairs", (int64_t)trial->count);
	if (compare_pairs(trial, &change))
		put_estimate("change", &change, out);
	put_side("before", trial->before_commit, trial->before, trial->count, out);
	put_side("after", trial->after_commit, trial->after, trial->count, out);
}

/* At most SHOWN_SAMPLES_MAX, evenly through the sorted ones. */
static void put_samples(const struct series *series, size_t side, struct json *out)
{
	size_t count = series->sample_counts[side];
	size_t shown = count < SHOWN_SAMPLES_MAX ? count : SHOWN_SAMPLES_MAX;
	struct json *list = json_add_array(out, "samples");

	json_add_str(out, "commit", series->points[side].run->commit);
	json_add_str(out, "page", series->points[side].run->page);
	json_add_int(out, "count", (int64_t)count);
	for (size_t i = 0; i < shown; i++)
		json_add_num(list, NULL, series->samples[side][i * count / shown]);
}

void site_metric_write(const struct site_metrics *metrics, size_t index,
		       const struct site_frame *frame, struct buf *out)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct series *series = metrics->list[index];
	struct site_page frame_page = {.kind = "metric", .root = "../", .charts = true};
	struct json *data = json_new_object(), *list;
	struct stats_difference found;

	put_series(series, data);
	list = json_add_array(data, "points");
	for (size_t i = series->point_count; i-- > 0;)
		put_point(&series->points[i], json_add_object(list, NULL));
	put_epochs(series, data);
	put_changes(series, data);
	if (series->trial)
		put_trial(series->trial, json_add_object(data, "trial"));
	list = json_add_array(data, "distributions");
	for (size_t side = 0; side < 2 && side < series->point_count; side++)
		put_samples(series, side, json_add_object(list, NULL));
	if (compare_newest(series, &found))
		put_estimate("shift", &found.shift, data);
	frame_page.title =
		arena_printf(arena, "%s of %s – %s", series->name, series->case_name, frame->title);
	frame_page.data = data;
	site_page_write(&frame_page, frame, out);
}

static void put_finding(const struct stats_difference *found, struct json *out)
{
	struct json *item = json_add_object(out, "finding");

	json_add_str(item, "is", stats_finding_name(found->finding));
	json_add_num(item, "shift", found->shift.value);
	if (found->needed)
		json_add_int(item, "needed", (int64_t)found->needed);
}

static int by_names(const void *a, const void *b)
{
	const struct series *left = *(struct series *const *)a, *right = *(struct series *const *)b;
	int order = strcmp(left->case_name, right->case_name);

	if (!order)
		order = strcmp(left->name, right->name);
	return order ? order : strcmp(left->path, right->path);
}

void site_metrics_write(const struct site_metrics *metrics, const struct site_frame *frame,
			struct buf *out)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct site_page frame_page = {.kind = "metrics", .root = ""};
	struct json *data = json_new_object(), *list = json_add_array(data, "metrics");
	struct series **sorted = arena_alloc(arena, (metrics->count + 1) * sizeof(*sorted));
	struct stats_difference *found = arena_alloc(arena, (metrics->count + 1) * sizeof(*found));
	size_t *of = arena_alloc(arena, (metrics->count + 1) * sizeof(*of)); /* series of FOUND */
	size_t found_count = 0, at = 0;

	if (metrics->count)
		memcpy(sorted, metrics->list, metrics->count * sizeof(*sorted));
	qsort(sorted, metrics->count, sizeof(*sorted), by_names);
	for (size_t i = 0; i < metrics->count; i++)
		if (compare_newest(sorted[i], &found[found_count]))
			of[found_count++] = i;
	stats_judge_together(found, found_count, LEVEL, stats_adjust_benjamini_hochberg);
	for (size_t i = 0; i < metrics->count; i++) {
		const struct series *series = sorted[i];
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "page", series->path);
		put_series(series, item);
		put_point(&series->points[0], json_add_object(item, "newest"));
		if (series->point_count > 1)
			put_point(&series->points[1], json_add_object(item, "before"));
		if (at < found_count && of[at] == i)
			put_finding(&found[at++], item);
		json_add_int(item, "runs", (int64_t)series->point_count);
	}
	frame_page.title = arena_printf(arena, "Metrics – %s", frame->title);
	frame_page.data = data;
	site_page_write(&frame_page, frame, out);
}
