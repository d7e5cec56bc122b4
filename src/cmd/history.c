#include "cmd/cmd.h"

#include "base/units.h"
#include "model/run_json.h"
#include "report/report_ops.h"

#include <stdio.h>
#include <string.h>

struct history_options {
	struct common_options common;
	const char *repo;
	const char *history;
	const char *suite;
	int64_t limit;
};

#define AT(member) offsetof(struct history_options, member)
static const struct option_row history_rows[] = {
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL, "repository (default: .)"},
	{"history", 0, OPTION_STRING, AT(history), "FILE|URL", NULL,
	 "history (default: .assay/history.db)"},
	{"suite", 0, OPTION_STRING, AT(suite), "NAME", NULL, "only runs of this suite"},
	{"limit", 'n', OPTION_COUNT, AT(limit), "N", NULL, "at most N rows (default: 20)"},
	COMMON_OPTIONS};
#undef AT

/* Room for the longest value of a column, so that rows line up. */
static int text_width(const char *text, int width)
{
	int len = text ? (int)strlen(text) : 0;

	return len > width ? len : width;
}

static void print_runs(const struct run_row *rows, size_t count)
{
	int suite = 5;
	char took[32];

	for (size_t i = 0; i < count; i++)
		suite = text_width(rows[i].suite, suite);
	printf("%-28s %-12s %-*s %-12s %10s %5s  %s\n", "RUN", "COMMIT", suite, "SUITE", "VERDICT",
	       "TOOK", "PASS", "REASON");
	for (size_t i = 0; i < count; i++)
		printf("%-28s %.12s %-*s %-12s %10s %2u/%-2u  %s\n", rows[i].id, rows[i].commit,
		       suite, rows[i].suite, verdict_name(rows[i].verdict),
		       units_duration(rows[i].duration_ns, took, sizeof(took)), rows[i].passed,
		       rows[i].passed + rows[i].failed + rows[i].other,
		       rows[i].reason ? rows[i].reason : "");
}

static struct json *runs_json(const struct run_row *rows, size_t count)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json *row = json_add_object(list, NULL);

		json_add_str(row, "id", rows[i].id);
		json_add_str(row, "started_at", rows[i].started_at);
		json_add_str(row, "suite", rows[i].suite);
		json_add_str(row, "commit", rows[i].commit);
		json_add_str(row, "subject", rows[i].subject);
		json_add_str(row, "verdict", verdict_name(rows[i].verdict));
		json_add_str(row, "reason", rows[i].reason);
		json_add_str(row, "image_id", rows[i].image_id);
		json_add_num(row, "duration_s", (double)rows[i].duration_ns / 1e9);
		json_add_int(row, "passed", rows[i].passed);
		json_add_int(row, "failed", rows[i].failed);
		json_add_int(row, "other", rows[i].other);
	}
	return list;
}

static int show_runs(struct store *store, const struct history_options *options,
		     const struct store_filter *filter, struct arena *arena, struct err *err)
{
	struct run_row *rows = NULL;
	size_t count = 0;

	if (store->ops->runs(store, filter, arena, &rows, &count, err) < 0)
		return -1;
	if (options->common.json)
		cmd_print_json(runs_json(rows, count));
	else if (count)
		print_runs(rows, count);
	else
		printf("no runs recorded yet: `assay run` records the first\n");
	return 0;
}

static int show_flips(struct store *store, const struct history_options *options,
		      const struct store_filter *filter, struct arena *arena, struct err *err)
{
	struct flip_row *rows = NULL;
	struct json *list;
	size_t count = 0;

	if (store->ops->flips(store, filter, arena, &rows, &count, err) < 0)
		return -1;
	list = options->common.json ? json_new_array() : NULL;
	for (size_t i = 0; i < count; i++) {
		const struct flip_row *row = &rows[i];
		struct json *item = list ? json_add_object(list, NULL) : NULL;

		if (!list) {
			printf("%s  %.12s  %-13s %-28s %s\n", row->started_at, row->commit,
			       flip_name(row->flip), row->case_name,
			       row->explanation ? row->explanation : "");
			continue;
		}
		json_add_str(item, "run", row->run_id);
		json_add_str(item, "started_at", row->started_at);
		json_add_str(item, "commit", row->commit);
		json_add_str(item, "suite", row->suite);
		json_add_str(item, "case", row->case_name);
		json_add_str(item, "flip", flip_name(row->flip));
		json_add_str(item, "label", row->label);
		json_add_str(item, "explanation", row->explanation);
	}
	if (list)
		cmd_print_json(list);
	else if (!count)
		printf("nothing flipped in the recorded runs\n");
	return 0;
}

static int show_run(struct store *store, const struct history_options *options, const char *id,
		    struct err *err)
{
	const struct report_options screen = {.color = cmd_color(&options->common),
					      .quiet = options->common.quiet,
					      .show_output = true};
	const struct report_ops *ops = options->common.json ? &report_json : &report_text;
	struct run *run = NULL;
	struct buf text;

	if (store->ops->load(store, id, &run, err) < 0) {
		if (err->code == ERR_NOTFOUND)
			return err_set(err, ERR_USAGE, "no run '%s' (see `assay history runs`)",
				       id);
		return -1;
	}
	buf_init(&text, REPORT_BYTES_MAX);
	ops->write(run, &screen, &text);
	(void)fwrite(buf_str(&text), 1, text.len, stdout);
	buf_done(&text);
	run_free(run);
	return 0;
}

static int history_dispatch(const struct history_options *options, const struct strings *words,
			    struct store *store, struct arena *arena, struct err *err)
{
	const struct store_filter filter = {.suite = options->suite,
					    .limit = (size_t)options->limit};
	const char *what = words->count ? words->items[0] : "runs";

	if (strcmp(what, "runs") == 0 && words->count <= 1)
		return show_runs(store, options, &filter, arena, err);
	if (strcmp(what, "flips") == 0 && words->count == 1)
		return show_flips(store, options, &filter, arena, err);
	if (strcmp(what, "show") == 0 && words->count == 2)
		return show_run(store, options, words->items[1], err);
	return err_set(err, ERR_USAGE, "history: write `runs`, `flips` or `show RUN`");
}

const struct command_help help_history = {
	"history [runs|flips|show RUN] [OPTION]...",
	"Look at recorded runs: a line each, what flipped, or one run whole.", history_rows};

int cmd_history(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct history_options options = {.repo = ".", .limit = 20};
	struct strings words = {0};
	struct source *source = NULL;
	struct store *store = NULL;
	struct err err = {0};
	int code = EXIT_PASS;

	if (options_parse(history_rows, argc, argv, arena, &options, &words, &err) < 0) {
		code = cmd_fail(&err);
	} else if (options.common.help) {
		options_help(&help_history);
	} else if ((!options.history && source_open(options.repo, &source, &err) < 0) ||
		   cmd_history_open(options.history, source ? cmd_state_dir(source, arena) : NULL,
				    &store, &err) < 0 ||
		   history_dispatch(&options, &words, store, arena, &err) < 0) {
		code = cmd_fail(&err);
	}
	store_close(store);
	source_close(source);
	arena_free(arena);
	return code;
}
