/* `assay history flaky`: cases that passed and failed on the very same image. */
#include "cmd/history_private.h"

#include "stats/distributions.h"

#include <stdio.h>
#include <string.h>

#define CONFIDENCE 0.95
#define RUNS_DEFAULT 1000

struct flake {
	const char *suite;
	const char *case_name;
	int64_t environment;
	uint64_t failed, trials; /* on images where it also passed: else it is a regression */
	uint64_t images;	 /* that saw both */
	const char *newest;
};

/* Rows of one suite, case and environment lie together. */
static struct flake *collect(const struct repeat_row *rows, size_t count, struct arena *arena,
			     size_t *out_count)
{
	struct flake *list = NULL, *flake = NULL;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct repeat_row *row = &rows[i];

		if (!flake || strcmp(flake->suite, row->suite) != 0 ||
		    strcmp(flake->case_name, row->case_name) != 0 ||
		    flake->environment != row->environment) {
			flake = arena_push(arena, &list, &n, sizeof(*flake));
			flake->suite = row->suite;
			flake->case_name = row->case_name;
			flake->environment = row->environment;
			flake->newest = "";
		}
		if (!row->passed || row->passed + row->failed < 2)
			continue;
		flake->trials += row->passed + row->failed;
		flake->failed += row->failed;
		flake->images += row->failed > 0;
		if (row->failed && strcmp(row->newest, flake->newest) > 0)
			flake->newest = row->newest;
	}
	*out_count = n;
	return list;
}

static void print_flake(const struct flake *flake, struct json *list)
{
	struct stats_interval interval = stats_wilson(flake->failed, flake->trials, CONFIDENCE);
	double rate = (double)flake->failed / (double)flake->trials;
	struct json *item;

	if (!list) {
		printf("%-20s %-32s %6.1f %%  %5.1f..%-5.1f %6llu/%-6llu %6llu  %s\n", flake->suite,
		       flake->case_name, rate * 100, interval.low * 100, interval.high * 100,
		       (unsigned long long)flake->failed, (unsigned long long)flake->trials,
		       (unsigned long long)flake->images, flake->newest);
		return;
	}
	item = json_add_object(list, NULL);
	json_add_str(item, "suite", flake->suite);
	json_add_str(item, "case", flake->case_name);
	json_add_int(item, "environment", flake->environment);
	json_add_num(item, "rate", rate);
	json_add_num(item, "low", interval.low);
	json_add_num(item, "high", interval.high);
	json_add_int(item, "failed", (int64_t)flake->failed);
	json_add_int(item, "trials", (int64_t)flake->trials);
	json_add_int(item, "images", (int64_t)flake->images);
	json_add_str(item, "newest", flake->newest);
}

int history_flaky(const struct history *history, struct err *err)
{
	const struct history_options *options = history->options;
	const struct store_filter filter = {.suite = options->suite,
					    .limit = options->limit ? (size_t)options->limit
								    : RUNS_DEFAULT};
	struct repeat_row *rows = NULL;
	struct flake *list;
	struct json *json = NULL;
	size_t count = 0, n = 0, shown = 0;

	if (history->store->ops->repeats(history->store, &filter, history->arena, &rows, &count,
					 err) < 0)
		return -1;
	list = collect(rows, count, history->arena, &n);
	if (options->common.json || options->format == FORMAT_JSON)
		json = json_new_array();
	for (size_t i = 0; i < n; i++) {
		if (!list[i].images)
			continue;
		if (!json && !shown)
			printf("%-20s %-32s %8s  %-12s %-13s %6s  %s\n", "SUITE", "CASE", "RATE",
			       "95 %", "FAILED", "IMAGES", "NEWEST");
		print_flake(&list[i], json);
		shown++;
	}
	if (json)
		cmd_print_json(json);
	else if (!shown)
		printf("no case both passed and failed on one image in the newest %zu runs\n",
		       filter.limit);
	return 0;
}
