#include "model/run_json.h"
#include "store/sqlite_private.h"

#include <string.h>

#define ROWS_DEFAULT 100

static int parse_document(const char *text, size_t len, struct run **out, struct err *err)
{
	struct json *json = NULL;
	int rc = json_parse(text, len, false, &json, err);

	if (rc == 0)
		rc = run_from_json(json, out, err);
	json_free(json);
	if (rc < 0)
		err->code = ERR_INFRA; /* what we wrote ourselves does not read back */
	return rc;
}

int sqlite_load(struct store *base, const char *id, struct run **out, struct err *err)
{
	const struct sqlite_store *store = (const struct sqlite_store *)base;
	sqlite3_stmt *stmt = NULL;
	int rc = -1, step;

	if (sqlite3_prepare_v2(store->db,
			       "SELECT document FROM runs WHERE substr(id, 1, ?) = ? "
			       "ORDER BY id = ? DESC LIMIT 2",
			       -1, &stmt, NULL) != SQLITE_OK)
		return sqlite_fail(store, "cannot read", err);
	sqlite3_bind_int(stmt, 1, (int)strlen(id));
	sqlite3_bind_text(stmt, 2, id, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, id, -1, SQLITE_STATIC);
	step = sqlite3_step(stmt);
	if (step == SQLITE_ROW) {
		struct run *run = NULL;

		rc = parse_document((const char *)sqlite3_column_text(stmt, 0),
				    (size_t)sqlite3_column_bytes(stmt, 0), &run, err);
		if (rc == 0 && strcmp(run->id, id) != 0 && sqlite3_step(stmt) == SQLITE_ROW)
			rc = err_set(err, ERR_USAGE, "run id '%s' is ambiguous: write more of it",
				     id);
		if (rc == 0)
			*out = run;
		else
			run_free(run);
	} else if (step == SQLITE_DONE) {
		err_set(err, ERR_NOTFOUND, "no run '%s' in %s", id, store->path);
	} else {
		sqlite_fail(store, "cannot read", err);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static const char *column(sqlite3_stmt *stmt, int i, struct arena *arena)
{
	return arena_strdup(arena, (const char *)sqlite3_column_text(stmt, i));
}

static void bind_filter(sqlite3_stmt *stmt, const struct store_filter *filter)
{
	size_t limit = filter->limit ? filter->limit : ROWS_DEFAULT;

	sqlite3_bind_text(stmt, 1, filter->suite, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, filter->commit, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, filter->input_hash, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, filter->suite_hash, -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 5, filter->with_image);
	sqlite3_bind_int(stmt, 6, filter->completed);
	sqlite3_bind_int64(stmt, 7, (sqlite3_int64)limit);
}

#define WHERE_FILTER                                                                               \
	"(?1 IS NULL OR suite = ?1) AND (?2 IS NULL OR commit_hash = ?2) AND "                     \
	"(?3 IS NULL OR input_hash = ?3) AND (?4 IS NULL OR suite_hash = ?4) AND "                 \
	"(NOT ?5 OR image_id IS NOT NULL) AND "                                                    \
	"(NOT ?6 OR verdict IN ('pass', 'fail', 'inconclusive')) "

int sqlite_runs(struct store *base, const struct store_filter *filter, struct arena *arena,
		struct run_row **rows, size_t *count, struct err *err)
{
	const struct sqlite_store *store = (const struct sqlite_store *)base;
	sqlite3_stmt *stmt = NULL;
	int step;

	*rows = NULL;
	*count = 0;
	if (sqlite3_prepare_v2(store->db,
			       "SELECT id, started_at, suite, commit_hash, subject, verdict, "
			       "reason, image_id, duration_ns, passed, failed, other FROM runs "
			       "WHERE " WHERE_FILTER "ORDER BY started_at DESC, id DESC LIMIT ?7",
			       -1, &stmt, NULL) != SQLITE_OK)
		return sqlite_fail(store, "cannot read", err);
	bind_filter(stmt, filter);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct run_row *row = arena_push(arena, rows, count, sizeof(*row));

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
	sqlite3_finalize(stmt);
	return step == SQLITE_DONE ? 0 : sqlite_fail(store, "cannot read", err);
}

int sqlite_flips(struct store *base, const struct store_filter *filter, struct arena *arena,
		 struct flip_row **rows, size_t *count, struct err *err)
{
	const struct sqlite_store *store = (const struct sqlite_store *)base;
	sqlite3_stmt *stmt = NULL;
	int step;

	*rows = NULL;
	*count = 0;
	if (sqlite3_prepare_v2(store->db,
			       "SELECT runs.id, started_at, commit_hash, suite, name, flip, label, "
			       "explanation FROM runs JOIN cases ON cases.run = runs.id "
			       "WHERE flip IN ('regressed', 'fixed') AND " WHERE_FILTER
			       "ORDER BY started_at DESC, runs.id DESC, cases.rowid LIMIT ?7",
			       -1, &stmt, NULL) != SQLITE_OK)
		return sqlite_fail(store, "cannot read", err);
	bind_filter(stmt, filter);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct flip_row *row = arena_push(arena, rows, count, sizeof(*row));
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
	sqlite3_finalize(stmt);
	return step == SQLITE_DONE ? 0 : sqlite_fail(store, "cannot read", err);
}
