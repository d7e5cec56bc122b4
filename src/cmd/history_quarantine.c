/* `assay history quarantine`: cases that are known to be flaky fail nothing for a while. */
#include "cmd/history_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define DAYS_MAX 90 /* what lasts longer is no quarantine */
#define RUNS_LOOKED_AT 50
#define DAY_MS ((int64_t)24 * 3600 * 1000)

static int list_rows(const struct history *history, const char *now, struct err *err)
{
	struct json *list = history->options->common.json ? json_new_array() : NULL;
	struct quarantine_row *rows = NULL;
	size_t count = 0, shown = 0;

	if (history->store->ops->quarantines(history->store, NULL, history->arena, &rows, &count,
					     err) < 0) {
		json_free(list);
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		const struct quarantine_row *row = &rows[i];
		bool ended = strcmp(row->expires_at, now) <= 0;
		struct json *item;

		if (history->options->suite && strcmp(history->options->suite, row->suite) != 0)
			continue;
		shown++;
		if (!list) {
			printf("%-8s %.10s  %s / %s: %s\n", ended ? "ended" : "until",
			       row->expires_at, row->suite, row->case_name, row->reason);
			continue;
		}
		item = json_add_object(list, NULL);
		json_add_str(item, "suite", row->suite);
		json_add_str(item, "case", row->case_name);
		json_add_str(item, "created_at", row->created_at);
		json_add_str(item, "expires_at", row->expires_at);
		json_add_bool(item, "ended", ended);
		json_add_str(item, "reason", row->reason);
	}
	if (list)
		cmd_print_json(list);
	else if (!shown)
		printf("no case is or was in quarantine\n");
	return 0;
}

/* Names of the cases of RUN, for "did you mean". */
static void add_names(const struct run *run, struct arena *arena, struct strings *names)
{
	for (size_t i = 0; i < run->case_count; i++) {
		const char **name = arena_push(arena, &names->items, &names->count, sizeof(*name));

		*name = arena_strdup(arena, run->cases[i].name);
	}
}

static int no_such_case(const struct history *history, const char *name, struct strings *names,
			struct err *err)
{
	const char *near;

	if (!names->count)
		return err_set(err, ERR_USAGE, "no run is recorded whose case '%s' could be", name);
	(void)arena_push(history->arena, &names->items, &names->count,
			 sizeof(char *)); /* its end */
	near = field_nearest(name, names->items);
	return err_set(err, ERR_USAGE, "none of the newest runs has a case '%s'%s%s%s", name,
		       near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The suite of the newest run that has the case; what no run has is a slip. */
static int find_suite(const struct history *history, const char *name, const char **suite,
		      struct err *err)
{
	const struct store_filter filter = {
		.suite = history->options->suite, .completed = true, .limit = RUNS_LOOKED_AT};
	struct strings names = {0};
	struct run_row *rows = NULL;
	size_t count = 0;

	if (strcmp(name, "build") == 0)
		return err_set(err, ERR_USAGE, "a build cannot be put into quarantine");
	if (history->store->ops->runs(history->store, &filter, history->arena, &rows, &count, err) <
	    0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct run *run = NULL;
		bool found;

		if (history->store->ops->load(history->store, rows[i].id, &run, err) < 0)
			return -1;
		found = run_find_case(run, name) != NULL;
		add_names(run, history->arena, &names);
		run_free(run);
		*suite = rows[i].suite;
		if (found)
			return 0;
	}
	return no_such_case(history, name, &names, err);
}

static int check_end(const char *until, int64_t now_ms, int64_t *end_ms, struct err *err)
{
	if (clock_parse_until(until, end_ms) < 0)
		return err_set(err, ERR_USAGE, "--until %s: write a day like 2026-12-31", until);
	if (*end_ms <= now_ms)
		return err_set(err, ERR_USAGE, "--until %s has passed", until);
	if (*end_ms - now_ms > DAYS_MAX * DAY_MS)
		return err_set(err, ERR_USAGE, "--until %s: at most %d days from now", until,
			       DAYS_MAX);
	return 0;
}

/* What is in force for the case already; NULL: nothing. */
static int find_row(const struct history *history, const char *suite, const char *name,
		    const char *now, struct quarantine_row **out, struct err *err)
{
	struct quarantine_row *rows = NULL;
	size_t count = 0;

	*out = NULL;
	if (history->store->ops->quarantines(history->store, now, history->arena, &rows, &count,
					     err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].suite, suite) == 0 && strcmp(rows[i].case_name, name) == 0)
			*out = &rows[i];
	return 0;
}

/* What was said is kept: a quarantine that is changed gets a new end, one that has ended is not
 * opened again. */
static int put_row(const struct history *history, const char *name, int64_t now_ms, struct err *err)
{
	const struct history_options *options = history->options;
	char now[CLOCK_TEXT], end[CLOCK_TEXT];
	struct quarantine_row row = {.case_name = name, .created_at = now, .expires_at = now};
	struct quarantine_row *known;
	int64_t end_ms = 0;

	(void)clock_rfc3339(now_ms, now, sizeof(now));
	if (!options->release && check_end(options->until, now_ms, &end_ms, err) < 0)
		return -1;
	if (find_suite(history, name, &row.suite, err) < 0 ||
	    find_row(history, row.suite, name, now, &known, err) < 0)
		return -1;
	if (options->release && !known)
		return err_set(err, ERR_USAGE, "%s / %s is not in quarantine", row.suite, name);
	row.reason = options->reason ? options->reason : known->reason;
	if (known)
		row.created_at = known->created_at;
	if (!options->release)
		row.expires_at = clock_rfc3339(end_ms, end, sizeof(end));
	if (history->store->ops->put_quarantine(history->store, &row, err) < 0)
		return -1;
	if (options->release)
		printf("%s / %s is released: it fails runs again\n", row.suite, name);
	else
		printf("%s / %s is in quarantine until %s: its failures are recorded, and fail no "
		       "run\n",
		       row.suite, name, options->until);
	return 0;
}

int history_quarantine(const struct history *history, const char *name, struct err *err)
{
	const struct history_options *options = history->options;
	int64_t now_ms = clock_unix_ms();
	char now[CLOCK_TEXT];

	(void)clock_rfc3339(now_ms, now, sizeof(now));
	if (!name)
		return list_rows(history, now, err);
	if (options->release ? options->until != NULL
			     : !options->until || !options->reason || !*options->reason)
		return err_set(err, ERR_USAGE,
			       "history quarantine %s: write --until DATE and --reason TEXT, or "
			       "--release",
			       name);
	return put_row(history, name, now_ms, err);
}
