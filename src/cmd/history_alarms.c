/* `assay history alarms`: metrics that changed their level, by commit; and a person's word on one.
 */
#include "cmd/history_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define ROWS_DEFAULT 100

static void print_alarm(const struct alarm_row *row)
{
	printf("  %-12s %+7.2f %% (%+.2f to %+.2f)  %s %s%s%s  %s%s%s\n",
	       alarm_state_name(row->state), row->change * 100, row->low * 100, row->high * 100,
	       row->case_name, row->metric, row->cell ? " on " : "", row->cell ? row->cell : "",
	       row->at, row->note ? ": " : "", row->note ? row->note : "");
}

static bool is_first_of_commit(const struct alarm_row *rows, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(rows[i].commit, rows[at].commit) == 0)
			return false;
	return true;
}

/* What one commit did stands together, wherever its alarms were opened. */
static void print_commit(const struct alarm_row *rows, size_t count, size_t first)
{
	const struct alarm_row *row = &rows[first];

	printf("%.12s%s%.12s\n", row->commit, row->before_commit ? ", after " : "",
	       row->before_commit ? row->before_commit : "");
	for (size_t i = first; i < count; i++)
		if (strcmp(rows[i].commit, row->commit) == 0)
			print_alarm(&rows[i]);
}

static void add_alarm(const struct alarm_row *row, struct json *list)
{
	struct json *item = json_add_object(list, NULL);

	json_add_str(item, "suite", row->suite);
	json_add_str(item, "case", row->case_name);
	json_add_str(item, "metric", row->metric);
	json_add_str(item, "cell", row->cell);
	json_add_int(item, "environment", row->environment);
	json_add_str(item, "commit", row->commit);
	json_add_str(item, "before_commit", row->before_commit);
	json_add_str(item, "state", alarm_state_name(row->state));
	json_add_num(item, "change", row->change);
	json_add_num(item, "low", row->low);
	json_add_num(item, "high", row->high);
	json_add_str(item, "since", row->since);
	json_add_str(item, "at", row->at);
	json_add_str(item, "note", row->note);
}

/* COMMIT as a full hash where a repository knows it. */
static int find_commit(const struct history *history, const char *commit, const char **out,
		       struct err *err)
{
	struct commit found = {0};

	*out = commit;
	if (!commit || !history->source)
		return 0;
	if (source_resolve(history->source, commit, history->arena, &found, err) < 0)
		return -1;
	*out = found.hash;
	return 0;
}

static int acknowledge(const struct history *history, struct alarm_row *rows, size_t count,
		       struct err *err)
{
	char now[CLOCK_TEXT];
	size_t done = 0;

	(void)clock_rfc3339(clock_unix_ms(), now, sizeof(now));
	for (size_t i = 0; i < count; i++) {
		if (rows[i].state != ALARM_SUSPECTED && rows[i].state != ALARM_CONFIRMED)
			continue;
		rows[i].state = ALARM_ACKNOWLEDGED;
		rows[i].note = history->options->acknowledge;
		rows[i].at = arena_strdup(history->arena, now);
		if (history->store->ops->put_alarm(history->store, &rows[i], err) < 0)
			return -1;
		done++;
	}
	if (!done)
		return err_set(err, ERR_USAGE, "no open alarm of that commit and metric");
	return 0;
}

int history_alarms(const struct history *history, struct err *err)
{
	const struct history_options *options = history->options;
	struct alarm_filter filter = {.metric = options->metric,
				      .state_name = options->state,
				      .limit = options->limit ? (size_t)options->limit
							      : ROWS_DEFAULT};
	enum alarm_state state;
	struct alarm_row *rows = NULL;
	struct json *list = NULL;
	size_t count = 0;

	if (options->state && alarm_state_parse(options->state, &state) < 0)
		return err_set(err, ERR_USAGE,
			       "--state %s: suspected, confirmed, retracted, acknowledged or fixed",
			       options->state);
	if (options->acknowledge && !options->commit)
		return err_set(err, ERR_USAGE, "--acknowledge needs --commit: whose alarms");
	if (find_commit(history, options->commit, &filter.commit, err) < 0 ||
	    history->store->ops->alarms(history->store, &filter, history->arena, &rows, &count,
					err) < 0)
		return -1;
	if (options->acknowledge && acknowledge(history, rows, count, err) < 0)
		return -1;
	if (options->common.json || options->format == FORMAT_JSON)
		list = json_new_array();
	for (size_t i = 0; i < count; i++) {
		if (list)
			add_alarm(&rows[i], list);
		else if (is_first_of_commit(rows, i))
			print_commit(rows, count, i);
	}
	if (list)
		cmd_print_json(list);
	else if (!count)
		printf("no alarms: no metric changed its level for the worse\n");
	return 0;
}
