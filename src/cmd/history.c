#include "cmd/history_private.h"

#include "base/units.h"
#include "model/run_json.h"
#include "report/report_ops.h"

#include <stdio.h>
#include <string.h>

#define ROWS_DEFAULT 20

static const char *const formats[] = {"text", "csv", "json", NULL};

#define AT(member) offsetof(struct history_options, member)
static const struct option_row history_rows[] = {
	{"repo", 0, OPTION_STRING, AT(repo), "DIR", NULL, "repository (default: .)"},
	{"history", 0, OPTION_STRING, AT(history), "FILE|URL", NULL,
	 "history (default: .assay/history.db)"},
	{"suite", 0, OPTION_STRING, AT(suite), "NAME", NULL, "only runs of this suite"},
	{"case", 0, OPTION_STRING, AT(case_name), "NAME", NULL, "metric: only this case"},
	{"cell", 0, OPTION_LIST, AT(cells), "KEY=VALUE", NULL,
	 "metric: only cells with this value (repeatable)"},
	{"since", 0, OPTION_STRING, AT(since), "DATE|REV", NULL,
	 "metric: from this date, or the date of this commit"},
	{"metric", 0, OPTION_STRING, AT(metric), "NAME", NULL, "alarms: only of this metric"},
	{"state", 0, OPTION_STRING, AT(state), "STATE", NULL,
	 "alarms: suspected, confirmed, retracted, acknowledged or fixed"},
	{"commit", 0, OPTION_STRING, AT(commit), "REV", NULL, "alarms: only of this commit"},
	{"acknowledge", 0, OPTION_STRING, AT(acknowledge), "NOTE", NULL,
	 "alarms: with --commit, take the new level, for this reason"},
	{"until", 0, OPTION_STRING, AT(until), "DATE", NULL,
	 "quarantine: the last day, at most 90 from now"},
	{"reason", 0, OPTION_STRING, AT(reason), "TEXT", NULL, "quarantine: why, for readers"},
	{"release", 0, OPTION_FLAG, AT(release), NULL, NULL, "quarantine: end it now"},
	{"format", 0, OPTION_CHOICE, AT(format), "text|csv|json", formats,
	 "metric: how to write it (default: text)"},
	{"limit", 'n', OPTION_COUNT, AT(limit), "N", NULL,
	 "at most N rows (default: 20; metric: newest 100 of each series; flaky: newest 1000 "
	 "runs)"},
	{"keep-days", 0, OPTION_COUNT, AT(keep_days), "N", NULL, "prune: keep runs of N days"},
	{"keep-runs", 0, OPTION_COUNT, AT(keep_runs), "N", NULL, "prune: keep the newest N runs"},
	{"dry-run", 0, OPTION_FLAG, AT(dry_run), NULL, NULL,
	 "prune, import: only say what would be done"},
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

static int show_views(void)
{
	static const char *const views[] = {
		"v_runs     a row per run: run, started_at, suite, commit_hash, verdict, image_id, "
		"...",
		"v_cases    a row per case of a run: outcome, flip, label, signature, duration_s, "
		"...",
		"v_metrics  a row per measurement: metric, cell, count, median, mean, minimum, "
		"maximum",
		"v_flips    the rows of v_cases that regressed or were fixed",
		"v_alarms   metrics that changed their level: commit, change, state",
		"v_attempts failed cases made again: position, outcome, label, signature",
	};

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		printf("%s\n", views[i]);
	printf("\nsqlite3 .assay/history.db \"SELECT metric, count(*) FROM v_metrics GROUP BY 1\"\n"
	       "Columns and examples: docs/history.md\n");
	return 0;
}

static int history_dispatch(const struct history *history, const struct strings *words,
			    struct err *err)
{
	const struct history_options *options = history->options;
	const struct store_filter filter = {.suite = options->suite,
					    .limit = options->limit ? (size_t)options->limit
								    : ROWS_DEFAULT};
	const char *what = words->count ? words->items[0] : "runs";
	const char *word = words->count == 2 ? words->items[1] : NULL;

	if (strcmp(what, "runs") == 0 && words->count <= 1)
		return show_runs(history->store, options, &filter, history->arena, err);
	if (strcmp(what, "flips") == 0 && words->count == 1)
		return show_flips(history->store, options, &filter, history->arena, err);
	if (strcmp(what, "alarms") == 0 && words->count == 1)
		return history_alarms(history, err);
	if (strcmp(what, "flaky") == 0 && words->count == 1)
		return history_flaky(history, err);
	if (strcmp(what, "quarantine") == 0 && words->count <= 2)
		return history_quarantine(history, word, err);
	if (strcmp(what, "prune") == 0 && words->count == 1)
		return history_prune(history, err);
	if (strcmp(what, "sql-views") == 0 && words->count == 1)
		return show_views();
	if (strcmp(what, "show") == 0 && word)
		return show_run(history->store, options, word, err);
	if (strcmp(what, "metric") == 0 && word)
		return history_metric(history, word, err);
	if (strcmp(what, "export") == 0 && word)
		return history_export(history, word, err);
	if (strcmp(what, "import") == 0 && word)
		return history_import(history, word, err);
	return err_set(
		err, ERR_USAGE,
		"history: write `runs`, `flips`, `show RUN`, `metric NAME`, `alarms`, `flaky`, "
		"`quarantine [CASE]`, `export FILE`, `import FILE`, `prune` or `sql-views`");
}

const struct command_help help_history = {
	"history [runs|flips|show RUN|metric NAME|alarms|flaky|quarantine [CASE]|export "
	"FILE|import FILE|prune|sql-views] "
	"[OPTION]...",
	"Look at recorded runs: a line each, what flipped, one run whole, a metric over time, "
	"metrics\nthat changed their level, cases that pass and fail on the same image, and those "
	"that "
	"fail\nno run for a while. Export and import them as JSON lines; remove old "
	"ones.",
	history_rows};

int cmd_history(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct history_options options = {.repo = "."};
	struct history history = {.options = &options, .arena = arena};
	struct strings words = {0};
	struct err err = {0}, ignored = {0};
	int code = EXIT_PASS;

	if (options_parse(history_rows, argc, argv, arena, &options, &words, &err) < 0) {
		code = cmd_fail(&err);
	} else if (options.common.help) {
		options_help(&help_history);
	} else if ((source_open(options.repo, &history.source, options.history ? &ignored : &err) <
			    0 &&
		    !options.history) ||
		   cmd_history_open(options.history,
				    history.source ? cmd_state_dir(history.source, arena) : NULL,
				    &history.store, &err) < 0 ||
		   history_dispatch(&history, &words, &err) < 0) {
		code = cmd_fail(&err);
	}
	store_close(history.store);
	source_close(history.source);
	arena_free(arena);
	return cmd_finish_output(code);
}
