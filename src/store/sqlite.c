/*
 * History in one SQLite file, WAL, synchronous FULL: an acknowledged run survives a power cut.
 * Opening, schema and migrations; reading and writing are in sqlite_read.c and sqlite_write.c.
 */
#include "001_init.h"
#include "base/mem.h"
#include "store/sqlite_private.h"

#include <stdlib.h>
#include <string.h>

#define APPLICATION_ID 0x41535359 /* "ASSY" */
#define SCHEMA_VERSION 1
#define BUSY_TIMEOUT_MS 30000

int sqlite_fail(const struct sqlite_store *store, const char *what, struct err *err)
{
	return err_set(err, ERR_INFRA, "%s: %s: %s", store->path, what,
		       store->db ? sqlite3_errmsg(store->db) : "out of memory");
}

static int execute(const struct sqlite_store *store, const char *sql, struct err *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return sqlite_fail(store, "cannot prepare the history", err);
}

/* A pragma or count as a number; -1 when SQLite cannot say. */
static sqlite3_int64 number(const struct sqlite_store *store, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3_int64 value = -1;

	if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

static int not_ours(const struct sqlite_store *store, const char *why, struct err *err)
{
	return err_set(err, ERR_USAGE,
		       "%s is not an Assay history (%s): move it away, or give --history another "
		       "path",
		       store->path, why);
}

/* Bring an empty or older file to SCHEMA_VERSION; two processes may try at once. */
static int migrate(const struct sqlite_store *store, struct err *err)
{
	sqlite3_int64 version;
	int rc = 0;

	if (execute(store, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	version = number(store, "PRAGMA user_version");
	if (version == 0) {
		rc = execute(store, migration_001, err);
		if (rc == 0)
			rc = execute(store,
				     "PRAGMA application_id = 1095979865; "
				     "PRAGMA user_version = 1",
				     err);
	}
	if (rc == 0)
		return execute(store, "COMMIT", err);
	(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static int check_identity(const struct sqlite_store *store, struct err *err)
{
	sqlite3_int64 tables = number(store, "SELECT count(*) FROM sqlite_master");
	sqlite3_int64 application = number(store, "PRAGMA application_id");
	sqlite3_int64 version = number(store, "PRAGMA user_version");

	if (tables < 0) {
		int code = sqlite3_errcode(store->db);

		if (code == SQLITE_NOTADB)
			return not_ours(store, "not a SQLite database", err);
		return sqlite_fail(store, "cannot read the history", err);
	}
	if (tables > 0 && application != APPLICATION_ID)
		return not_ours(store, "another program's database", err);
	if (version > SCHEMA_VERSION)
		return err_set(err, ERR_USAGE,
			       "%s has history schema %lld, this Assay knows up to %d: use a newer "
			       "Assay",
			       store->path, (long long)version, SCHEMA_VERSION);
	return version < SCHEMA_VERSION ? migrate(store, err) : 0;
}

static int prepare(const struct sqlite_store *store, struct err *err)
{
	sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
	sqlite3_extended_result_codes(store->db, 0);
	if (check_identity(store, err) < 0)
		return -1;
	if (execute(store,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
		    "PRAGMA foreign_keys = ON",
		    err) < 0)
		return -1;
	return 0;
}

static void sqlite_close(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	sqlite3_close(store->db);
	free(store->path);
	free(store);
}

static int sqlite_open(const char *location, struct store **out, struct err *err)
{
	struct sqlite_store *store = xcalloc(1, sizeof(*store));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	store->base.ops = &store_sqlite;
	store->path = xstrdup(location);
	if (sqlite3_open_v2(location, &store->db, flags, NULL) != SQLITE_OK)
		sqlite_fail(store, "cannot open the history", err);
	else if (prepare(store, err) == 0) {
		*out = &store->base;
		return 0;
	}
	sqlite_close(&store->base);
	return -1;
}

const struct store_ops store_sqlite = {
	.name = "sqlite",
	.summary = "one file, safe with several writers; the default",
	.scheme = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.append = sqlite_append,
	.load = sqlite_load,
	.runs = sqlite_runs,
	.flips = sqlite_flips,
};
