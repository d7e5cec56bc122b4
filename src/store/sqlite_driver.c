/* SQLite as a driver of query.h. */
#include "store/sqlite_private.h"

#include <math.h>
#include <string.h>

int sqlite_fail(const struct sqlite_store *store, const char *what, struct err *err)
{
	int code = store->db ? sqlite3_errcode(store->db) & 0xff : SQLITE_NOMEM;
	int sys = store->db ? sqlite3_system_errno(store->db) : 0;

	if (sys && (code == SQLITE_CANTOPEN || code == SQLITE_IOERR))
		return err_set(err, ERR_INFRA, "%s: %s: %s: %s", store->sql.name, what,
			       sqlite3_errmsg(store->db), strerror(sys));
	return err_set(err, ERR_INFRA, "%s: %s: %s", store->sql.name, what,
		       store->db ? sqlite3_errmsg(store->db) : "out of memory");
}

static int execute(struct sql_store *base, const char *script, struct err *err)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	if (sqlite3_exec(store->db, script, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return sqlite_fail(store, "cannot use the history", err);
}

static int begin_alone(struct sql_store *base, struct err *err)
{
	return execute(base, "BEGIN IMMEDIATE", err);
}

static int prepare(struct sql_store *base, const char *text, void **out, struct err *err)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL) != SQLITE_OK)
		return sqlite_fail(store, "cannot use the history", err);
	*out = stmt;
	return 0;
}

static void finish(struct sql_store *store, void *stmt)
{
	(void)store;
	sqlite3_finalize(stmt);
}

static void bind_int(void *stmt, int column, int64_t value)
{
	(void)sqlite3_bind_int64(stmt, column, value);
}

static void bind_real(void *stmt, int column, double value)
{
	(void)sqlite3_bind_double(stmt, column, value);
}

static void bind_text(void *stmt, int column, const char *text)
{
	(void)sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
}

static void bind_bytes(void *stmt, int column, const void *data, size_t len)
{
	(void)sqlite3_bind_blob64(stmt, column, data, len, SQLITE_STATIC);
}

static int step(struct sql_store *base, void *stmt, struct err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc == SQLITE_ROW;
	return sqlite_fail((struct sqlite_store *)base, "cannot use the history", err);
}

static void reset(struct sql_store *store, void *stmt)
{
	(void)store;
	sqlite3_reset(stmt);
}

static int64_t get_int(void *stmt, int column)
{
	return sqlite3_column_int64(stmt, column);
}

static double get_real(void *stmt, int column)
{
	if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
		return NAN;
	return sqlite3_column_double(stmt, column);
}

static const char *get_text(void *stmt, int column)
{
	return (const char *)sqlite3_column_text(stmt, column);
}

static const void *get_bytes(void *stmt, int column, size_t *len)
{
	const void *data = sqlite3_column_blob(stmt, column);

	*len = (size_t)sqlite3_column_bytes(stmt, column);
	return data;
}

const struct sql_driver sqlite_driver = {
	.execute = execute,
	.begin_alone = begin_alone,
	.prepare = prepare,
	.finish = finish,
	.bind_int = bind_int,
	.bind_real = bind_real,
	.bind_text = bind_text,
	.bind_bytes = bind_bytes,
	.step = step,
	.reset = reset,
	.get_int = get_int,
	.get_real = get_real,
	.get_text = get_text,
	.get_bytes = get_bytes,
};
