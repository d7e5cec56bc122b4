#include "store/sqlite_private.h"
#include "store/store_private.h"

#include <string.h>

static int step_load(const struct sqlite_store *store, sqlite3_stmt *stmt, const char *id,
		     struct run **out, struct err *err)
{
	struct run *run = NULL;
	int step = sqlite3_step(stmt);

	if (step == SQLITE_DONE)
		return err_set(err, ERR_NOTFOUND, "no run '%s' in %s", id, store->path);
	if (step != SQLITE_ROW)
		return sqlite_fail(store, "cannot read", err);
	if (store_parse((const char *)sqlite3_column_text(stmt, 0),
			(size_t)sqlite3_column_bytes(stmt, 0), &run, err) < 0)
		return err_wrap(err, "%s", store->path);
	if (strcmp(run->id, id) != 0) {
		step = sqlite3_step(stmt);
		if (step != SQLITE_DONE) {
			run_free(run);
			if (step != SQLITE_ROW)
				return sqlite_fail(store, "cannot read", err);
			return err_set(err, ERR_USAGE, "run id '%s' is ambiguous: write more of it",
				       id);
		}
	}
	*out = run;
	return 0;
}

/* Ids that begin with ID, in order: the id itself comes first when it exists. */
int sqlite_load(struct store *base, const char *id, struct run **out, struct err *err)
{
	const struct sqlite_store *store = (const struct sqlite_store *)base;
	static const char sql[] = "SELECT document FROM runs WHERE id >= ?1 "
				  "AND id < ?1 || char(1114111) AND length(?1) ORDER BY id LIMIT 2";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return sqlite_fail(store, "cannot read", err);
	sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
	rc = step_load(store, stmt, id, out, err);
	sqlite3_finalize(stmt);
	return rc;
}

static const char *column(sqlite3_stmt *stmt, int i, struct arena *arena)
{
	return arena_strdup(arena, (const char *)sqlite3_column_text(stmt, i));
}

/* SELECT with only the conditions that FILTER sets: a condition that is always there would keep
 * SQLite from its indexes. */
static int prepare(const struct sqlite_store *store, const char *select,
		   const struct store_filter *filter, sqlite3_stmt **out, struct err *err)
{
	const struct {
		const char *condition;
		const char *value;
	} rows[] = {
		{" AND suite = ?1", filter->suite},
		{" AND commit_hash = ?2", filter->commit},
		{" AND input_hash = ?3", filter->input_hash},
		{" AND suite_hash = ?4", filter->suite_hash},
	};
	size_t limit = filter->limit ? filter->limit : STORE_ROWS_DEFAULT;
	struct buf sql;
	int rc;

	buf_init(&sql, 4096);
	buf_addstr(&sql, select);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value)
			buf_addstr(&sql, rows[i].condition);
	if (filter->with_image)
		buf_addstr(&sql, " AND image_id IS NOT NULL");
	if (filter->completed)
		buf_addstr(&sql, " AND verdict IN ('pass', 'fail', 'inconclusive')");
	buf_addstr(&sql, " ORDER BY started_at DESC, id DESC, place LIMIT ?5");
	rc = sqlite3_prepare_v2(store->db, buf_str(&sql), -1, out, NULL);
	buf_done(&sql);
	if (rc != SQLITE_OK)
		return sqlite_fail(store, "cannot read", err);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value)
			sqlite3_bind_text(*out, (int)i + 1, rows[i].value, -1, SQLITE_STATIC);
	sqlite3_bind_int64(*out, 5, limit > INT64_MAX ? INT64_MAX : (sqlite3_int64)limit);
	return 0;
}

/* The rows go out only when all of them were read. */
static int finish(const struct sqlite_store *store, sqlite3_stmt *stmt, int step, struct err *err)
{
	int rc = step == SQLITE_DONE ? 0 : sqlite_fail(store, "cannot read", err);

	sqlite3_finalize(stmt);
	return rc;
}

int sqlite_runs(struct store *base, const struct store_filter *filter, struct arena *arena,
		struct run_row **rows, size_t *count, struct err *err)
{
	const struct sqlite_store *store = (const struct sqlite_store *)base;
	struct run_row *list = NULL;
	sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int step;

	if (prepare(store,
		    "SELECT id, started_at, suite, commit_hash, subject, verdict, reason, image_id,"
		    " duration_ns, passed, failed, other, 0 AS place FROM runs WHERE true",
		    filter, &stmt, err) < 0)
		return -1;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct run_row *row = arena_push(arena, &list, &n, sizeof(*row));

		row->id = column(stmt, 0, arena);
		row->started_at = column(stmt, 1, arena);
		row->suite = column(stmt, 2, arena);
		row->commit = column(stmt, 3, arena);
		row->subject = column(stmt, 4, arena);
		row->verdict = VERDICT_OPEN;
		(void)verdict_parse((const char *)sqlite3_column_text(stmt, 5), &row->verdict);
		row->reason = column(stmt, 6, arena);
		row->image_id = column(stmt, 7, arena);
		row->duration_ns = (uint64_t)sqlite3_column_int64(stmt, 8);
		row->passed = (unsigned)sqlite3_column_int(stmt, 9);
		row->failed = (unsigned)sqlite3_column_int(stmt, 10);
		row->other = (unsigned)sqlite3_column_int(stmt, 11);
	}
	if (finish(store, stmt, step, err) < 0)
		return -1;
	*rows = list;
	*count = n;
	return 0;
}

int sqlite_flips(struct store *base, const struct store_filter *filter, struct arena *arena,
		 struct flip_row **rows, size_t *count, struct err *err)
{
	const struct sqlite_store *store = (const struct sqlite_store *)base;
	struct flip_row *list = NULL;
	sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int step;

	if (prepare(store,
		    "SELECT id, started_at, commit_hash, suite, name, flip, label, explanation,"
		    " cases.rowid AS place FROM runs JOIN cases ON cases.run = runs.id"
		    " WHERE flip IN ('regressed', 'fixed')",
		    filter, &stmt, err) < 0)
		return -1;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct flip_row *row = arena_push(arena, &list, &n, sizeof(*row));
		const char *flip = (const char *)sqlite3_column_text(stmt, 5);

		row->run_id = column(stmt, 0, arena);
		row->started_at = column(stmt, 1, arena);
		row->commit = column(stmt, 2, arena);
		row->suite = column(stmt, 3, arena);
		row->case_name = column(stmt, 4, arena);
		row->flip = strcmp(flip, flip_name(FLIP_FIXED)) == 0 ? FLIP_FIXED : FLIP_REGRESSED;
		row->label = column(stmt, 6, arena);
		row->explanation = column(stmt, 7, arena);
	}
	if (finish(store, stmt, step, err) < 0)
		return -1;
	*rows = list;
	*count = n;
	return 0;
}
