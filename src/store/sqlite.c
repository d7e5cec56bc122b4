/*
 * History in one SQLite file, WAL, synchronous FULL: an acknowledged run survives a power cut.
 * Opening, schema and migrations; reading and writing are in sql_*.c.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"
#include "sqlite_001_init.h"
#include "sqlite_002_tables.h"
#include "sqlite_003_attempts.h"
#include "store/sqlite_private.h"
#include "store/store_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION_ID 0x41535359 /* "ASSY"; set by the first migration */
#define BUSY_TIMEOUT_MS 30000
#define BUSY_PAUSE_MS 5

static int move_documents(struct sqlite_store *store, struct err *err);

/* Migration I brings schema I to I + 1. */
static const struct {
	const char *prepare; /* before the tables are made; NULL: nothing */
	const char *tables;
	int (*move)(struct sqlite_store *store, struct err *err); /* NULL: nothing to move */
	const char *finish;
} migrations[] = {
	{NULL, sqlite_001_init, NULL, NULL},
	{"ALTER TABLE runs RENAME TO old_runs;"
	 "DROP TABLE samples; DROP TABLE cases; DROP TABLE steps; DROP TABLE environment;"
	 "DROP TABLE bases; DROP INDEX runs_by_time; DROP INDEX runs_by_suite;"
	 "DROP INDEX runs_by_commit; DROP INDEX runs_by_input",
	 sqlite_002_tables, move_documents, "DROP TABLE old_runs; PRAGMA user_version = 2"},
	{NULL, sqlite_003_attempts, NULL, "PRAGMA user_version = 3"},
};

#define SCHEMA_VERSION ((int)(sizeof(migrations) / sizeof(migrations[0])))

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
		       store->sql.name, why);
}

/* Schema 1 kept every run whole as its document: each is written anew from that. */
static int move_documents(struct sqlite_store *store, struct err *err)
{
	struct query read = {.store = &store->sql, .err = err}, write = read;

	query_begin(&read, "SELECT document FROM old_runs ORDER BY started_at, id");
	while (!write.failed && query_next(&read)) {
		const char *text = query_get_text(&read, 0);
		struct run *run = NULL, *copy = NULL;
		struct buf document;

		buf_init(&document, JSON_BYTES_MAX);
		write.failed = store_parse(text, strlen(text), &run, err) < 0 ||
			       store_document(run, &document, &copy, err) < 0;
		if (!write.failed)
			sql_write_run(&write, copy, buf_str(&document));
		buf_done(&document);
		run_free(copy);
		run_free(run);
	}
	query_end(&read);
	return read.failed || write.failed ? -1 : 0;
}

static int migrate_one(struct sqlite_store *store, size_t from, struct err *err)
{
	if (migrations[from].prepare && execute(store, migrations[from].prepare, err) < 0)
		return -1;
	if (execute(store, migrations[from].tables, err) < 0)
		return -1;
	if (migrations[from].move && migrations[from].move(store, err) < 0)
		return err_wrap(err, "%s: cannot bring the history to schema %zu", store->sql.name,
				from + 1);
	return migrations[from].finish ? execute(store, migrations[from].finish, err) : 0;
}

/* Bring an empty or older file to SCHEMA_VERSION; two processes may try at once. */
static int migrate(struct sqlite_store *store, struct err *err)
{
	sqlite3_int64 version;
	int rc = 0;

	if (execute(store, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	version = number(store, "PRAGMA user_version"); /* again, now that nobody else writes */
	for (; rc == 0 && version >= 0 && version < SCHEMA_VERSION; version++)
		rc = migrate_one(store, (size_t)version, err);
	if (rc == 0)
		rc = execute(store, "COMMIT", err);
	if (rc < 0)
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

struct identity {
	sqlite3_int64 tables;
	sqlite3_int64 application;
	sqlite3_int64 version;
};

/* One statement, so that a schema made meanwhile is seen whole or not at all. */
static int read_identity(const struct sqlite_store *store, struct identity *out)
{
	static const char sql[] = "SELECT (SELECT count(*) FROM sqlite_master), application_id, "
				  "user_version FROM pragma_application_id, pragma_user_version";
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		out->tables = sqlite3_column_int64(stmt, 0);
		out->application = sqlite3_column_int64(stmt, 1);
		out->version = sqlite3_column_int64(stmt, 2);
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* Is this file ours? Asked before anything is written to it. */
static int check_identity(const struct sqlite_store *store, struct identity *found, struct err *err)
{
	int rc = read_identity(store, found);

	if (rc == SQLITE_NOTADB)
		return not_ours(store, "not a SQLite database", err);
	if (rc != SQLITE_ROW)
		return sqlite_fail(store, "cannot read the history", err);
	if (found->application != APPLICATION_ID &&
	    (found->tables || found->application || found->version))
		return not_ours(store, "another program's database", err);
	if (found->version > SCHEMA_VERSION)
		return err_set(err, ERR_USAGE,
			       "%s has history schema %lld, this Assay knows up to %d: use a newer "
			       "Assay",
			       store->sql.name, (long long)found->version, SCHEMA_VERSION);
	return 0;
}

/*
 * Turn a new file to WAL. SQLite does not call its busy handler here (two that both read could
 * wait for each other for ever), so the same bounded wait is made by hand.
 */
static int use_wal(const struct sqlite_store *store, struct err *err)
{
	uint64_t deadline = clock_ns() + BUSY_TIMEOUT_MS * NS_PER_MS;
	int rc;

	do
		rc = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	while (rc == SQLITE_BUSY && sqlite3_sleep(BUSY_PAUSE_MS) && clock_ns() < deadline);
	return rc == SQLITE_OK ? 0 : sqlite_fail(store, "cannot prepare the history", err);
}

static int prepare(struct sqlite_store *store, struct err *err)
{
	struct identity found = {0};

	sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
	if (check_identity(store, &found, err) < 0)
		return -1;
	if (sqlite3_db_readonly(store->db, "main"))
		return err_set(err, ERR_INFRA,
			       "%s: cannot open the history: it is read-only; make it writable, or "
			       "give --history another path",
			       store->sql.name);
	if (found.version < SCHEMA_VERSION && migrate(store, err) < 0)
		return -1;
	if (use_wal(store, err) < 0)
		return -1;
	return execute(store, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", err);
}

void sqlite_close(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	sqlite3_close(store->db);
	free(store->sql.name);
	free(store);
}

/* SQLite says only that it was unable; the folder is the usual reason. */
static int fail_open(const struct sqlite_store *store, struct err *err)
{
	const char *slash = strrchr(store->sql.name, '/');
	char *folder = xstrdup(slash ? store->sql.name : ".");
	int rc;

	if (slash)
		folder[slash == store->sql.name ? 1 : slash - store->sql.name] = '\0';
	if (access(folder, W_OK) < 0)
		rc = err_sys(err, ERR_INFRA, "%s: cannot open the history: folder %s",
			     store->sql.name, folder);
	else
		rc = sqlite_fail(store, "cannot open the history", err);
	free(folder);
	return rc;
}

int sqlite_open_as(const struct store_ops *ops, const char *location, struct store **out,
		   struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	struct sqlite_store *store = xcalloc(1, sizeof(*store));

	store->sql.base.ops = ops;
	store->sql.driver = &sqlite_driver;
	store->sql.name = xstrdup(location);
	if (sqlite3_open_v2(location, &store->db, flags, NULL) != SQLITE_OK)
		fail_open(store, err);
	else if (prepare(store, err) == 0) {
		*out = &store->sql.base;
		return 0;
	}
	sqlite_close(&store->sql.base);
	return -1;
}

static int sqlite_open(const char *location, struct store **out, struct err *err)
{
	/* SQLite's names for a database that ends with the process: history lost unnoticed. */
	if (!*location || strcmp(location, ":memory:") == 0)
		return err_set(err, ERR_USAGE, "history '%s' names no file: write a path",
			       location);
	return sqlite_open_as(&store_sqlite, location, out, err);
}

const struct store_ops store_sqlite = {
	.name = "sqlite",
	.summary = "one file, safe with several writers; the default",
	.scheme = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	SQL_OPS,
};
