/* `assay history metric` and `flaky`: what was measured and what failed, over time. */
#include "cmd/history_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int cells_of(const struct history *history, struct pairs *out, struct err *err)
{
	const struct strings *words = &history->options->cells;

	for (size_t i = 0; i < words->count; i++) {
		const char *equals = strchr(words->items[i], '=');
		struct pair *pair;

		if (!equals || equals == words->items[i])
			return err_set(err, ERR_USAGE, "--cell %s: write KEY=VALUE",
				       words->items[i]);
		pair = arena_push(history->arena, &out->items, &out->count, sizeof(*pair));
		pair->key = arena_strndup(history->arena, words->items[i],
					  (size_t)(equals - words->items[i]));
		pair->value = equals + 1;
	}
	return 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread {
	size_t count;
	double median, low, high;
};

static struct spread spread_of(const struct metric_row *row, struct arena *arena)
{
	struct spread out = {0, NAN, NAN, NAN};
	double *sorted = arena_alloc(arena, row->sample_count * sizeof(*sorted) + 1);

	for (size_t i = 0; i < row->sample_count; i++)
		if (isfinite(row->samples[i]))
			sorted[out.count++] = row->samples[i];
	if (!out.count)
		return out;
	qsort(sorted, out.count, sizeof(*sorted), compare_doubles);
	out.low = sorted[0];
	out.high = sorted[out.count - 1];
	out.median = sorted[out.count / 2];
	if (out.count % 2 == 0)
		out.median = out.median / 2 + sorted[out.count / 2 - 1] / 2;
	return out;
}

static void print_csv_text(const char *text)
{
	if (!text)
		return;
	if (!strpbrk(text, ",\"\r\n")) {
		(void)fputs(text, stdout);
		return;
	}
	(void)putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			(void)putchar('"');
		(void)putchar(*text);
	}
	(void)putchar('"');
}

static void print_csv(const struct metric_row *rows, size_t count, struct arena *arena)
{
	printf("suite,case,metric,unit,direction,cell,run,started_at,commit,environment,count,"
	       "median,minimum,maximum,samples\n");
	for (size_t i = 0; i < count; i++) {
		const struct metric_row *row = &rows[i];
		const char *texts[] = {row->suite,
				       row->case_name,
				       row->metric,
				       row->unit,
				       direction_name(row->direction),
				       row->cell,
				       row->run_id,
				       row->started_at,
				       row->commit};
		struct spread spread = spread_of(row, arena);

		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
			print_csv_text(texts[t]);
			(void)putchar(',');
		}
		printf("%lld,%zu,", (long long)row->environment, spread.count);
		if (spread.count)
			printf("%.17g,%.17g,%.17g,", spread.median, spread.low, spread.high);
		else
			printf(",,,");
		for (size_t s = 0; s < row->sample_count; s++)
			printf("%s%.17g", s ? " " : "", row->samples[s]);
		printf("\n");
	}
}

static void add_point(struct json *points, const struct metric_row *row, struct arena *arena)
{
	struct spread spread = spread_of(row, arena);
	struct json *point = json_add_object(points, NULL), *samples;

	json_add_str(point, "run", row->run_id);
	json_add_str(point, "started_at", row->started_at);
	json_add_str(point, "commit", row->commit);
	json_add_int(point, "environment", row->environment);
	json_add_num(point, "median", spread.median);
	samples = json_add_array(point, "samples");
	for (size_t s = 0; s < row->sample_count; s++)
		json_add_num(samples, NULL, row->samples[s]);
}

static void print_json(const struct metric_row *rows, size_t count, struct arena *arena)
{
	struct json *root = json_new_object(), *list, *points = NULL;

	json_add_int(root, "assay_metric", 1);
	list = json_add_array(root, "series");
	for (size_t i = 0; i < count; i++) {
		if (!i || rows[i].series != rows[i - 1].series) {
			struct json *series = json_add_object(list, NULL);

			json_add_str(series, "suite", rows[i].suite);
			json_add_str(series, "case", rows[i].case_name);
			json_add_str(series, "metric", rows[i].metric);
			json_add_str(series, "unit", rows[i].unit);
			json_add_str(series, "direction", direction_name(rows[i].direction));
			json_add_str(series, "cell", rows[i].cell);
			points = json_add_array(series, "points");
		}
		add_point(points, &rows[i], arena);
	}
	cmd_print_json(root);
}

static void print_text(const struct metric_row *rows, size_t count, struct arena *arena)
{
	for (size_t i = 0; i < count; i++) {
		const struct metric_row *row = &rows[i];
		struct spread spread = spread_of(row, arena);
		bool first = !i || row->series != rows[i - 1].series;

		if (first) {
			printf("%s%s / %s / %s", i ? "\n" : "", row->suite, row->case_name,
			       row->metric);
			printf("%s%s", row->unit ? ", " : "", row->unit ? row->unit : "");
			if (row->direction != DIRECTION_NONE)
				printf(", %s is better", direction_name(row->direction));
			printf("%s%s\n", row->cell ? ", " : "", row->cell ? row->cell : "");
			printf("  %-24s  %-12s %5s %12s %12s %12s  %s\n", "STARTED", "COMMIT", "N",
			       "MEDIAN", "MIN", "MAX", "RUN");
		} else if (row->environment != rows[i - 1].environment) {
			printf("  -- another environment --\n");
		}
		printf("  %-24s  %-12.12s %5zu %12.6g %12.6g %12.6g  %s\n", row->started_at,
		       row->commit, spread.count, spread.median, spread.low, spread.high,
		       row->run_id);
	}
	if (!count)
		printf("nothing measured under this name: `assay history sql-views` tells where "
		       "names are\n");
}

int history_metric(const struct history *history, const char *name, struct err *err)
{
	const struct history_options *options = history->options;
	struct metric_filter filter = {.metric = name,
				       .suite = options->suite,
				       .case_name = options->case_name,
				       .limit = (size_t)options->limit};
	struct metric_row *rows = NULL;
	size_t count = 0;

	if (cmd_since(history->options->since, history->source, history->arena, &filter.since,
		      err) < 0 ||
	    cells_of(history, &filter.cells, err) < 0)
		return -1;
	if (history->store->ops->metrics(history->store, &filter, history->arena, &rows, &count,
					 err) < 0)
		return -1;
	if (options->format == FORMAT_CSV)
		print_csv(rows, count, history->arena);
	else if (options->format == FORMAT_JSON || options->common.json)
		print_json(rows, count, history->arena);
	else
		print_text(rows, count, history->arena);
	return 0;
}
