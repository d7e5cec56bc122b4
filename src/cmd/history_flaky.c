/* `assay history flaky`: cases that passed and failed on the very same image, the worst first. */
#include "cmd/history_private.h"

#include "base/mem.h"
#include "stats/flaky.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95
#define RUNS_DEFAULT 1000

/* A case in an environment. */
struct flake {
	const char *suite;
	const char *case_name;
	int64_t environment;
	uint64_t failed, trials; /* on images on which it passed once: on others it may be broken */
	struct stats_flake rate;
	struct stats_unrest unrest;
	const char *newest; /* when it last failed on an image on which it passed */
};

static bool is_same(const struct repeat_row *a, const struct repeat_row *b)
{
	return strcmp(a->suite, b->suite) == 0 && strcmp(a->case_name, b->case_name) == 0 &&
	       a->environment == b->environment;
}

static int by_time(const void *a, const void *b)
{
	const struct repeat_row *x = a, *y = b;
	int order = strcmp(x->newest, y->newest);

	return order ? order : strcmp(x->image_id, y->image_id);
}

/* ROWS: the images of one case in one environment. */
static int reckon(struct repeat_row *rows, size_t count, struct flake *out, struct err *err)
{
	struct stats_repeats *images = xcalloc(count, sizeof(*images));
	int rc;

	*out = (struct flake){.suite = rows[0].suite,
			      .case_name = rows[0].case_name,
			      .environment = rows[0].environment,
			      .newest = ""};
	qsort(rows, count, sizeof(*rows), by_time);
	for (size_t i = 0; i < count; i++) {
		images[i] = (struct stats_repeats){rows[i].failed, rows[i].passed};
		if (!rows[i].passed)
			continue;
		out->failed += rows[i].failed;
		out->trials += rows[i].failed + rows[i].passed;
		if (rows[i].failed)
			out->newest = rows[i].newest;
	}
	rc = stats_flake_rate(images, count, CONFIDENCE, &out->rate, err);
	out->unrest = stats_unrest(images, count);
	free(images);
	return rc;
}

/* Rows of one suite, case and environment lie together. */
static int collect(struct repeat_row *rows, size_t count, struct arena *arena, struct flake **list,
		   size_t *out_count, struct err *err)
{
	for (size_t i = 0, n; i < count; i += n) {
		bool mixed = false;

		for (n = 0; i + n < count && is_same(&rows[i], &rows[i + n]); n++)
			mixed |= rows[i + n].passed && rows[i + n].failed;
		if (mixed && reckon(&rows[i], n, arena_push(arena, list, out_count, sizeof(**list)),
				    err) < 0)
			return -1;
	}
	return 0;
}

static double or_zero(double value)
{
	return isnan(value) ? 0 : value;
}

static double rank(const struct flake *flake)
{
	return or_zero(flake->unrest.entropy) + or_zero(flake->unrest.flips);
}

static int by_rank(const void *a, const void *b)
{
	const struct flake *x = a, *y = b;
	double difference = rank(y) - rank(x);

	if (difference > 0 || difference < 0)
		return difference > 0 ? 1 : -1;
	return strcmp(x->case_name, y->case_name);
}

static void print_flake(const struct flake *flake)
{
	const struct stats_flake *rate = &flake->rate;

	printf("%-20s %-32s %4lld %6.1f %%  %5.1f..%-5.1f %6llu/%-6llu %6zu %7.2f %5.2f  %s\n",
	       flake->suite, flake->case_name, (long long)flake->environment, rate->rate * 100,
	       rate->within.low * 100, rate->within.high * 100, (unsigned long long)flake->failed,
	       (unsigned long long)flake->trials, rate->mixed, or_zero(flake->unrest.entropy),
	       or_zero(flake->unrest.flips), flake->newest);
}

static void add_flake(const struct flake *flake, struct json *list)
{
	struct json *item = json_add_object(list, NULL);

	json_add_str(item, "suite", flake->suite);
	json_add_str(item, "case", flake->case_name);
	json_add_int(item, "environment", flake->environment);
	json_add_num(item, "rate", flake->rate.rate);
	json_add_num(item, "low", flake->rate.within.low);
	json_add_num(item, "high", flake->rate.within.high);
	json_add_num(item, "bad_images", flake->rate.bad);
	json_add_int(item, "failed", (int64_t)flake->failed);
	json_add_int(item, "trials", (int64_t)flake->trials);
	json_add_int(item, "images", (int64_t)flake->rate.mixed);
	json_add_num(item, "entropy", flake->unrest.entropy);
	json_add_num(item, "flips", flake->unrest.flips);
	json_add_str(item, "newest", flake->newest);
}

int history_flaky(const struct history *history, struct err *err)
{
	const struct history_options *options = history->options;
	const struct store_filter filter = {.suite = options->suite,
					    .limit = options->limit ? (size_t)options->limit
								    : RUNS_DEFAULT};
	struct repeat_row *rows = NULL;
	struct flake *list = NULL;
	struct json *json = NULL;
	size_t count = 0, n = 0;

	if (history->store->ops->repeats(history->store, &filter, history->arena, &rows, &count,
					 err) < 0 ||
	    collect(rows, count, history->arena, &list, &n, err) < 0)
		return -1;
	if (n)
		qsort(list, n, sizeof(*list), by_rank);
	if (options->common.json || options->format == FORMAT_JSON)
		json = json_new_array();
	else if (n)
		printf("%-20s %-32s %4s %8s  %-12s %-13s %6s %7s %5s  %s\n", "SUITE", "CASE", "ENV",
		       "RATE", "95 %", "FAILED", "IMAGES", "ENTROPY", "FLIPS", "NEWEST");
	for (size_t i = 0; i < n; i++) {
		if (json)
			add_flake(&list[i], json);
		else
			print_flake(&list[i]);
	}
	if (json)
		cmd_print_json(json);
	else if (!n)
		printf("no case both passed and failed on one image in the newest %zu runs\n",
		       filter.limit);
	return 0;
}
