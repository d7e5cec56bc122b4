/* `assay history metric` and `flaky`: what was measured and what failed, over time. */
#include "cmd/history_private.h"

#include "base/decimal.h"
#include "base/json_write.h"
#include "base/utf8.h"

#include "stats/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95 /* of the medians' intervals */

/* The median of a row with its interval. */
static struct stats_estimate median_of(const struct metric_row *row)
{
	size_t count;
	double *sorted = stats_sorted(row->samples, row->sample_count, &count);
	struct stats_estimate out = stats_median_interval(sorted, count, CONFIDENCE);

	free(sorted);
	return out;
}

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

static void print_csv_number(double value, char after)
{
	char text[DECIMAL_TEXT];

	(void)decimal_text(value, text);
	(void)fputs(text, stdout);
	(void)putchar(after);
}

/* Too few samples leave the interval empty. */
static void print_csv_median(const struct metric_row *row)
{
	struct stats_estimate median = median_of(row);

	if (!row->finite) {
		printf(",,,");
		return;
	}
	print_csv_number(median.value, ',');
	if (median.needed) {
		printf(",,");
		return;
	}
	print_csv_number(median.low, ',');
	print_csv_number(median.high, ',');
}

static void print_csv(const struct metric_row *rows, size_t count)
{
	printf("suite,case,metric,unit,direction,cell,run,started_at,commit,environment,count,"
	       "median,median_low,median_high,minimum,maximum,samples\n");
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

		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
			print_csv_text(texts[t]);
			(void)putchar(',');
		}
		printf("%lld,%zu,", (long long)row->environment, row->finite);
		print_csv_median(row);
		if (row->finite) {
			print_csv_number(row->minimum, ',');
			print_csv_number(row->maximum, ',');
		} else {
			printf(",,");
		}
		for (size_t s = 0; s < row->sample_count; s++)
			print_csv_number(row->samples[s], s + 1 < row->sample_count ? ' ' : '\n');
		if (!row->sample_count)
			(void)putchar('\n');
	}
}

static void write_text(struct json_writer *json, const char *key, const char *text)
{
	struct buf clean;

	if (!text)
		return;
	buf_init(&clean, SIZE_MAX / 2);
	utf8_mend(text, &clean);
	json_write_str(json, key, buf_str(&clean));
	buf_done(&clean);
}

static void write_point(struct json_writer *json, const struct metric_row *row)
{
	struct stats_estimate median = median_of(row);

	json_write_open(json, NULL, '{');
	write_text(json, "run", row->run_id);
	write_text(json, "started_at", row->started_at);
	write_text(json, "commit", row->commit);
	json_write_num(json, "environment", (double)row->environment);
	json_write_num(json, "median", median.value);
	if (median.needed) {
		json_write_num(json, "needed_samples", (double)median.needed);
	} else {
		json_write_num(json, "median_low", median.low);
		json_write_num(json, "median_high", median.high);
	}
	json_write_open(json, "samples", '[');
	for (size_t s = 0; s < row->sample_count; s++)
		json_write_num(json, NULL, row->samples[s]);
	json_write_close(json, ']');
	json_write_close(json, '}');
}

static void flush(struct buf *out)
{
	(void)fwrite(out->data, 1, out->len, stdout);
	out->len = 0;
}

/* The COUNT rows of one series. */
static void write_series(struct json_writer *json, const struct metric_row *rows, size_t count)
{
	json_write_open(json, NULL, '{');
	write_text(json, "suite", rows->suite);
	write_text(json, "case", rows->case_name);
	write_text(json, "metric", rows->metric);
	write_text(json, "unit", rows->unit);
	write_text(json, "direction", direction_name(rows->direction));
	write_text(json, "cell", rows->cell);
	json_write_open(json, "points", '[');
	for (size_t i = 0; i < count; i++) {
		write_point(json, &rows[i]);
		flush(json->out);
	}
	json_write_close(json, ']');
	json_write_close(json, '}');
}

/* Written as it goes: as a tree, hundreds of thousands of samples cost more than to read them. */
static void print_json(const struct metric_row *rows, size_t count)
{
	struct buf text;
	struct json_writer json = {.out = &text, .pretty = true};

	buf_init(&text, SIZE_MAX / 2);
	json_write_open(&json, NULL, '{');
	json_write_num(&json, "assay_metric", 1);
	json_write_open(&json, "series", '[');
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count && rows[end].series == rows[first].series;)
			end++;
		write_series(&json, rows + first, end - first);
	}
	json_write_close(&json, ']');
	json_write_close(&json, '}');
	buf_addstr(&text, "\n");
	flush(&text);
	buf_done(&text);
}

static void print_row(const struct metric_row *row)
{
	struct stats_estimate median = median_of(row);
	char interval[64];

	if (median.needed)
		(void)snprintf(interval, sizeof(interval), "needs %zu samples", median.needed);
	else
		(void)snprintf(interval, sizeof(interval), "%.6g..%.6g", median.low, median.high);
	printf("  %-24s  %-12.12s %5zu %12.6g  %-24s %12.6g %12.6g  %s\n", row->started_at,
	       row->commit, row->finite, median.value, interval, row->minimum, row->maximum,
	       row->run_id);
}

static void print_text(const struct metric_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct metric_row *row = &rows[i];
		bool first = !i || row->series != rows[i - 1].series;

		if (first) {
			printf("%s%s / %s / %s", i ? "\n" : "", row->suite, row->case_name,
			       row->metric);
			printf("%s%s", row->unit ? ", " : "", row->unit ? row->unit : "");
			if (row->direction != DIRECTION_NONE)
				printf(", %s is better", direction_name(row->direction));
			printf("%s%s\n", row->cell ? ", " : "", row->cell ? row->cell : "");
			printf("  %-24s  %-12s %5s %12s  %-24s %12s %12s  %s\n", "STARTED",
			       "COMMIT", "N", "MEDIAN", "95 %", "MIN", "MAX", "RUN");
		} else if (row->environment != rows[i - 1].environment) {
			printf("  -- another environment --\n");
		}
		print_row(row);
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
		print_csv(rows, count);
	else if (options->format == FORMAT_JSON || options->common.json)
		print_json(rows, count);
	else
		print_text(rows, count);
	return 0;
}
