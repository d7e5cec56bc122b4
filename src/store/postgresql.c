/*
 * History in a PostgreSQL database, for several machines: "postgresql://USER@HOST/DATABASE" as
 * libpq takes it. The tables are those of SQLite from schema 2 on, in the first schema of the
 * search path; assay_schema says which version they are.
 */
#include "store/postgres_private.h"

#include "base/mem.h"
#include "postgres_002_tables.h"
#include "postgres_003_attempts.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_VERSION 2 /* there are no older histories on PostgreSQL */

/* Migration I brings schema FIRST_VERSION + I - 1 to the next; the first makes it. */
static const char *const migrations[] = {postgres_002_tables, postgres_003_attempts};

#define SCHEMA_VERSION (FIRST_VERSION + (int)(sizeof(migrations) / sizeof(migrations[0])) - 1)

static int64_t ask(struct query *query, const char *text)
{
	int64_t value = 0;

	query_begin(query, text);
	while (query_next(query))
		value = query_get_int(query, 0);
	query_end(query);
	return value;
}

/* 0: nothing there yet. */
static int64_t version_of(struct query *query)
{
	if (!ask(query, "SELECT CASE WHEN to_regclass('assay_schema') IS NULL THEN 0 ELSE 1 END"))
		return 0;
	return ask(query, "SELECT max(version) FROM assay_schema");
}

static int refuse_newer(const struct sql_store *store, int64_t version, struct err *err)
{
	return err_set(err, ERR_USAGE,
		       "%s has history schema %lld, this Assay knows up to %d: use a newer Assay",
		       store->name, (long long)version, SCHEMA_VERSION);
}

/* Two processes may try at once: the second finds it done. */
static int migrate(struct sql_store *store, struct err *err)
{
	struct query query = {.store = store, .err = err};
	int64_t version;

	if (store->driver->begin_alone(store, err) < 0)
		return -1;
	version = version_of(&query);
	if (!query.failed && version == 0)
		query.failed =
			store->driver->execute(
				store, "CREATE TABLE assay_schema (version INTEGER NOT NULL)",
				err) < 0;
	for (int64_t next = version ? version + 1 : FIRST_VERSION;
	     !query.failed && next <= SCHEMA_VERSION; next++) {
		query.failed =
			store->driver->execute(store, migrations[next - FIRST_VERSION], err) < 0;
		query_begin(&query, "INSERT INTO assay_schema VALUES ($1)");
		query_int(&query, next);
		query_run(&query);
		query_end(&query);
	}
	return sql_end(&query);
}

static int prepare(struct sql_store *store, struct err *err)
{
	/* an acknowledged run survives a power cut, whatever the server's default */
	static const char session[] = "SET synchronous_commit = on; SET client_encoding = 'UTF8';"
				      "SET client_min_messages = warning";
	struct query query = {.store = store, .err = err};
	int64_t version;

	if (store->driver->execute(store, session, err) < 0)
		return -1;
	version = version_of(&query);
	if (query.failed)
		return -1;
	if (version > SCHEMA_VERSION)
		return refuse_newer(store, version, err);
	return version < SCHEMA_VERSION ? migrate(store, err) : 0;
}

static void postgres_close(struct store *base)
{
	struct postgres_store *store = (struct postgres_store *)base;

	PQfinish(store->db);
	free(store->sql.name);
	free(store);
}

/* For messages: host and database, never a password. */
static char *address(const PGconn *db)
{
	const char *host = PQhost(db), *name = PQdb(db);
	size_t size = strlen("postgresql:///") + (host ? strlen(host) : 0) +
		      (name ? strlen(name) : 0) + 1;
	char *text = xcalloc(1, size);
	struct buf buf;

	buf_init(&buf, size);
	buf_printf(&buf, "postgresql://%s/%s", host ? host : "", name ? name : "");
	memcpy(text, buf_str(&buf), buf.len);
	buf_done(&buf);
	return text;
}

static int postgres_open(const char *location, struct store **out, struct err *err)
{
	struct postgres_store *store = xcalloc(1, sizeof(*store));
	struct buf url;

	buf_init(&url, 64 * 1024);
	buf_printf(&url, "postgresql:%s", location);
	store->sql.base.ops = &store_postgresql;
	store->sql.driver = &postgres_driver;
	store->db = PQconnectdb(buf_str(&url));
	store->sql.name = address(store->db);
	buf_done(&url);
	if (PQstatus(store->db) != CONNECTION_OK)
		postgres_fail(store, NULL, err);
	else if (prepare(&store->sql, err) == 0) {
		*out = &store->sql.base;
		return 0;
	}
	postgres_close(&store->sql.base);
	return -1;
}

const struct store_ops store_postgresql = {
	.name = "postgresql",
	.summary = "a database for several machines",
	.scheme = "postgresql",
	.open = postgres_open,
	.close = postgres_close,
	SQL_OPS,
};
