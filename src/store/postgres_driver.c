/*
 * PostgreSQL as a driver of query.h. Values go out as text, whose type the server takes from the
 * statement, bytes as they are; rows come back in the binary format.
 */
#include "store/postgres_private.h"

#include "base/mem.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX 64
#define NUMBER_TEXT 32
#define PREPARED_NAME 24

/* Makes writers wait for each other to the end of their transactions, as SQLite does: ids are the
 * largest so far and one, and no two can wait for each other's rows. The number is only ours. */
#define BEGIN_ALONE "BEGIN; SELECT pg_advisory_xact_lock(1095979865)"

struct postgres_stmt {
	char name[PREPARED_NAME]; /* on the server */
	const char *values[PARAMETERS_MAX];
	int lengths[PARAMETERS_MAX], formats[PARAMETERS_MAX];
	char numbers[PARAMETERS_MAX][NUMBER_TEXT];
	int count;
	PGresult *result; /* NULL: not run yet */
	int row;
};

int postgres_fail(const struct postgres_store *store, const PGresult *result, struct err *err)
{
	const char *text = result ? PQresultErrorMessage(result) : PQerrorMessage(store->db);

	return err_set(err, ERR_INFRA, "%s: %.*s", store->sql.name, (int)strcspn(text, "\n"), text);
}

static int execute(struct sql_store *base, const char *script, struct err *err)
{
	struct postgres_store *store = (struct postgres_store *)base;
	PGresult *result = PQexec(store->db, script);
	ExecStatusType status = PQresultStatus(result);
	int rc = 0;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		rc = postgres_fail(store, result, err);
	/* a COMMIT of a transaction that failed answers so, and is no error to the server */
	else if (strcmp(script, "COMMIT") == 0 && strcmp(PQcmdStatus(result), "COMMIT") != 0)
		rc = err_set(err, ERR_INFRA, "%s: the transaction was taken back", base->name);
	PQclear(result);
	return rc;
}

static int begin_alone(struct sql_store *store, struct err *err)
{
	return execute(store, BEGIN_ALONE, err);
}

static int prepare(struct sql_store *base, const char *text, void **out, struct err *err)
{
	struct postgres_store *store = (struct postgres_store *)base;
	struct postgres_stmt *stmt = xcalloc(1, sizeof(*stmt));
	PGresult *result;
	int rc = 0;

	(void)snprintf(stmt->name, sizeof(stmt->name), "q%u", ++store->prepared);
	result = PQprepare(store->db, stmt->name, text, 0, NULL);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		rc = postgres_fail(store, result, err);
	PQclear(result);
	if (rc == 0)
		*out = stmt;
	else
		free(stmt);
	return rc;
}

static void reset(struct sql_store *store, void *data)
{
	struct postgres_stmt *stmt = data;

	(void)store;
	PQclear(stmt->result);
	stmt->result = NULL;
	stmt->count = 0;
	stmt->row = 0;
}

static void finish(struct sql_store *base, void *data)
{
	struct postgres_store *store = (struct postgres_store *)base;
	struct postgres_stmt *stmt = data;
	char text[PREPARED_NAME + 16];

	reset(base, stmt);
	/* in a transaction that failed this fails too: the connection is closed soon */
	(void)snprintf(text, sizeof(text), "DEALLOCATE %s", stmt->name);
	PQclear(PQexec(store->db, text));
	free(stmt);
}

static void bind(struct postgres_stmt *stmt, int column, const char *value, size_t len, int format)
{
	if (column > PARAMETERS_MAX)
		return; /* the server then misses a value and says so */
	stmt->values[column - 1] = value;
	stmt->lengths[column - 1] = (int)len;
	stmt->formats[column - 1] = format;
	stmt->count = column;
}

static void bind_int(void *data, int column, int64_t value)
{
	struct postgres_stmt *stmt = data;
	char *text = stmt->numbers[(column - 1) % PARAMETERS_MAX];

	(void)snprintf(text, NUMBER_TEXT, "%lld", (long long)value);
	bind(stmt, column, text, 0, 0);
}

static void bind_real(void *data, int column, double value)
{
	struct postgres_stmt *stmt = data;
	char *text = stmt->numbers[(column - 1) % PARAMETERS_MAX];

	(void)snprintf(text, NUMBER_TEXT, "%.17g", value);
	bind(stmt, column, text, 0, 0);
}

static void bind_text(void *data, int column, const char *text)
{
	bind(data, column, text, 0, 0);
}

static void bind_bytes(void *data, int column, const void *bytes, size_t len)
{
	bind(data, column, bytes, len, 1);
}

static int step(struct sql_store *base, void *data, struct err *err)
{
	struct postgres_store *store = (struct postgres_store *)base;
	struct postgres_stmt *stmt = data;
	ExecStatusType status;

	if (stmt->result)
		return ++stmt->row < PQntuples(stmt->result);
	stmt->result = PQexecPrepared(store->db, stmt->name, stmt->count, stmt->values,
				      stmt->lengths, stmt->formats, 1);
	status = PQresultStatus(stmt->result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		return postgres_fail(store, stmt->result, err);
	stmt->row = 0;
	return PQntuples(stmt->result) > 0;
}

static bool is_null(const struct postgres_stmt *stmt, int column)
{
	return PQgetisnull(stmt->result, stmt->row, column);
}

/* INTEGER and BIGINT, big endian. */
static int64_t get_int(void *data, int column)
{
	const struct postgres_stmt *stmt = data;
	const char *bytes = PQgetvalue(stmt->result, stmt->row, column);
	uint64_t wide;
	uint32_t narrow;

	if (is_null(stmt, column))
		return 0;
	if (PQgetlength(stmt->result, stmt->row, column) == (int)sizeof(narrow)) {
		memcpy(&narrow, bytes, sizeof(narrow));
		return (int32_t)be32toh(narrow);
	}
	memcpy(&wide, bytes, sizeof(wide));
	return (int64_t)be64toh(wide);
}

static double get_real(void *data, int column)
{
	const struct postgres_stmt *stmt = data;
	uint64_t word;
	double value;

	if (is_null(stmt, column))
		return NAN;
	memcpy(&word, PQgetvalue(stmt->result, stmt->row, column), sizeof(word));
	word = be64toh(word);
	memcpy(&value, &word, sizeof(value));
	return value;
}

static const char *get_text(void *data, int column)
{
	const struct postgres_stmt *stmt = data;

	return is_null(stmt, column) ? NULL : PQgetvalue(stmt->result, stmt->row, column);
}

static const void *get_bytes(void *data, int column, size_t *len)
{
	const struct postgres_stmt *stmt = data;

	*len = (size_t)PQgetlength(stmt->result, stmt->row, column);
	return PQgetvalue(stmt->result, stmt->row, column);
}

const struct sql_driver postgres_driver = {
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
