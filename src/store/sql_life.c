/* Alarms, quarantines and trials: small tables, written one row at a time. */
#include "store/query.h"
#include "store/store_private.h"

#include <math.h>
#include <string.h>

static const char *const alarm_states[] = {"suspected", "confirmed", "retracted", "acknowledged",
					   "fixed"};

const char *alarm_state_name(enum alarm_state state)
{
	return alarm_states[state];
}

int alarm_state_parse(const char *name, enum alarm_state *out)
{
	for (size_t i = 0; i < sizeof(alarm_states) / sizeof(alarm_states[0]); i++) {
		if (strcmp(alarm_states[i], name) == 0) {
			*out = (enum alarm_state)i;
			return 0;
		}
	}
	return -1;
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* The number of the alarm, new or known. */
static int64_t write_alarm(struct query *query, const struct alarm_row *alarm)
{
	int64_t id = -1;

	query_begin(query,
		    "INSERT INTO alarms VALUES ((SELECT coalesce(max(id), 0) + 1 FROM alarms), $1,"
		    " $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)"
		    " ON CONFLICT (suite, case_name, metric, cell, environment, commit_hash) DO "
		    "UPDATE SET"
		    " before_commit = excluded.before_commit, state = excluded.state,"
		    " change = excluded.change, low = excluded.low, high = excluded.high,"
		    " changed_at = excluded.changed_at RETURNING id");
	query_text(query, alarm->suite);
	query_text(query, alarm->case_name);
	query_text(query, alarm->metric);
	query_text(query, text_or_empty(alarm->cell));
	query_int(query, alarm->environment);
	query_text(query, alarm->commit);
	query_text(query, alarm->before_commit);
	query_text(query, alarm_state_name(alarm->state));
	query_real(query, alarm->change);
	query_real(query, alarm->low);
	query_real(query, alarm->high);
	query_text(query, alarm->at);
	while (query_next(query))
		id = query_get_int(query, 0);
	query_end(query);
	return id;
}

int sql_put_alarm(struct store *base, const struct alarm_row *alarm, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	int64_t id;

	if (query.store->driver->begin_alone(query.store, err) < 0)
		return -1;
	id = write_alarm(&query, alarm);
	query_begin(&query,
		    "INSERT INTO alarm_events VALUES ($1, (SELECT count(*) FROM alarm_events WHERE"
		    " alarm = $1), $2, $3, $4)");
	query_int(&query, id);
	query_text(&query, alarm->at);
	query_text(&query, alarm_state_name(alarm->state));
	query_text(&query, alarm->note);
	query_run(&query);
	query_end(&query);
	return sql_end(&query);
}

int sql_alarms(struct store *base, const struct alarm_filter *filter, struct arena *arena,
	       struct alarm_row **rows, size_t *count, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct alarm_row *list = NULL;
	struct select select;
	size_t n = 0;

	select_init(&select,
		    "SELECT a.suite, a.case_name, a.metric, nullif(a.cell, ''), a.commit_hash,"
		    " a.before_commit, a.state, a.change, a.low, a.high, a.changed_at,"
		    " (SELECT e.note FROM alarm_events e WHERE e.alarm = a.id"
		    " ORDER BY e.position DESC LIMIT 1), a.opened_at, a.environment FROM alarms a "
		    "WHERE true");
	select_text(&select, " AND a.metric = ", filter->metric);
	select_text(&select, " AND a.commit_hash = ", filter->commit);
	select_text(&select, " AND a.state = ", filter->state_name);
	select_int(&select, " ORDER BY a.opened_at DESC, a.id DESC LIMIT ",
		   sql_limit(filter->limit));
	select_begin(&select, &query);
	while (query_next(&query)) {
		struct alarm_row *row = arena_push(arena, &list, &n, sizeof(*row));

		row->suite = query_copy(&query, 0, arena);
		row->case_name = query_copy(&query, 1, arena);
		row->metric = query_copy(&query, 2, arena);
		row->cell = query_copy(&query, 3, arena);
		row->commit = query_copy(&query, 4, arena);
		row->before_commit = query_copy(&query, 5, arena);
		(void)alarm_state_parse(query_get_text(&query, 6), &row->state);
		row->change = query_get_real(&query, 7);
		row->low = query_get_real(&query, 8);
		row->high = query_get_real(&query, 9);
		row->at = query_copy(&query, 10, arena);
		row->note = query_copy(&query, 11, arena);
		row->since = query_copy(&query, 12, arena);
		row->environment = query_get_int(&query, 13);
	}
	query_end(&query);
	if (query.failed)
		return -1;
	*rows = list;
	*count = n;
	return 0;
}

int sql_put_quarantine(struct store *base, const struct quarantine_row *row, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};

	if (query.store->driver->begin_alone(query.store, err) < 0)
		return -1;
	query_begin(&query, "INSERT INTO quarantines VALUES ($1, $2, $3, $4, $5)"
			    " ON CONFLICT (suite, case_name, created_at) DO UPDATE SET"
			    " expires_at = excluded.expires_at, reason = excluded.reason");
	query_text(&query, row->suite);
	query_text(&query, row->case_name);
	query_text(&query, row->created_at);
	query_text(&query, row->expires_at);
	query_text(&query, row->reason);
	query_run(&query);
	query_end(&query);
	return sql_end(&query);
}

int sql_quarantines(struct store *base, const char *at, struct arena *arena,
		    struct quarantine_row **rows, size_t *count, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct quarantine_row *list = NULL;
	struct select select;
	size_t n = 0;

	select_init(&select, "SELECT suite, case_name, created_at, expires_at, reason"
			     " FROM quarantines WHERE true");
	select_text(&select, " AND expires_at > ", at);
	select_text(&select, " AND created_at <= ", at);
	select_add(&select, " ORDER BY suite, case_name, created_at");
	select_begin(&select, &query);
	while (query_next(&query)) {
		struct quarantine_row *row = arena_push(arena, &list, &n, sizeof(*row));

		row->suite = query_copy(&query, 0, arena);
		row->case_name = query_copy(&query, 1, arena);
		row->created_at = query_copy(&query, 2, arena);
		row->expires_at = query_copy(&query, 3, arena);
		row->reason = query_copy(&query, 4, arena);
	}
	query_end(&query);
	if (query.failed)
		return -1;
	*rows = list;
	*count = n;
	return 0;
}

int sql_put_trial(struct store *base, const struct trial_row *row, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct arena *arena;
	int rc;

	if (query.store->driver->begin_alone(query.store, err) < 0)
		return -1;
	arena = arena_new();
	query_once(&query, "DELETE FROM trials WHERE id = $1", row->id);
	query_begin(&query, "INSERT INTO trials VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
			    " $11, $12, $13, $14, $15, $16)");
	query_text(&query, row->id);
	query_text(&query, row->started_at);
	query_text(&query, row->suite);
	query_text(&query, row->case_name);
	query_text(&query, row->metric);
	query_text(&query, text_or_empty(row->unit));
	query_text(&query, direction_name(row->direction));
	query_text(&query, text_or_empty(row->cell));
	query_text(&query, row->before_commit);
	query_text(&query, row->before_image);
	query_text(&query, row->after_commit);
	query_text(&query, row->after_image);
	query_text(&query, verdict_name(row->verdict));
	query_text(&query, row->orders);
	query_bytes(&query, samples_pack(row->before, row->count, arena),
		    row->count * SAMPLE_BYTES);
	query_bytes(&query, samples_pack(row->after, row->count, arena), row->count * SAMPLE_BYTES);
	query_run(&query);
	query_end(&query);
	rc = sql_end(&query);
	arena_free(arena);
	return rc;
}

static void read_trial(struct query *query, struct arena *arena, struct trial_row *row)
{
	size_t len = 0, after = 0;
	const void *data;

	row->id = query_copy(query, 0, arena);
	row->started_at = query_copy(query, 1, arena);
	row->suite = query_copy(query, 2, arena);
	row->case_name = query_copy(query, 3, arena);
	row->metric = query_copy(query, 4, arena);
	row->unit = query_copy(query, 5, arena);
	row->direction = store_direction(query_get_text(query, 6));
	row->cell = query_copy(query, 7, arena);
	row->before_commit = query_copy(query, 8, arena);
	row->before_image = query_copy(query, 9, arena);
	row->after_commit = query_copy(query, 10, arena);
	row->after_image = query_copy(query, 11, arena);
	row->verdict = VERDICT_OPEN;
	(void)verdict_parse(query_get_text(query, 12), &row->verdict);
	row->orders = query_copy(query, 13, arena);
	data = query_get_bytes(query, 14, &len);
	row->before = samples_unpack(data, len, arena, &row->count);
	data = query_get_bytes(query, 15, &len);
	row->after = samples_unpack(data, len, arena, &after);
	row->count = after < row->count ? after : row->count;
}

int sql_trials(struct store *base, const struct trial_filter *filter, struct arena *arena,
	       struct trial_row **rows, size_t *count, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct trial_row *list = NULL;
	struct select select;
	size_t n = 0;

	select_init(&select,
		    "SELECT id, started_at, suite, case_name, metric, nullif(unit, ''), direction,"
		    " nullif(cell, ''), before_commit, before_image, after_commit, after_image,"
		    " verdict, orders, before_values, after_values FROM trials WHERE true");
	select_text(&select, " AND metric = ", filter->metric);
	select_text(&select, " AND after_commit = ", filter->commit);
	select_int(&select, " ORDER BY started_at DESC, id DESC LIMIT ", sql_limit(filter->limit));
	select_begin(&select, &query);
	while (query_next(&query))
		read_trial(&query, arena, arena_push(arena, &list, &n, sizeof(*list)));
	query_end(&query);
	if (query.failed)
		return -1;
	*rows = list;
	*count = n;
	return 0;
}
