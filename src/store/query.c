#include "store/query.h"

#include "store/store_private.h"

#include <math.h>

#define SQL_BYTES_MAX ((size_t)64 * 1024)

void query_begin(struct query *query, const char *text)
{
	query->bound = 0;
	query->stmt = NULL;
	if (!query->failed)
		query->failed = query->store->driver->prepare(query->store, text, &query->stmt,
							      query->err) < 0;
}

void query_int(struct query *query, int64_t value)
{
	if (!query->failed)
		query->store->driver->bind_int(query->stmt, ++query->bound, value);
}

void query_real(struct query *query, double value)
{
	if (query->failed)
		return;
	if (isnan(value))
		query->store->driver->bind_text(query->stmt, ++query->bound, NULL);
	else
		query->store->driver->bind_real(query->stmt, ++query->bound, value);
}

void query_text(struct query *query, const char *text)
{
	if (!query->failed)
		query->store->driver->bind_text(query->stmt, ++query->bound, text);
}

void query_bytes(struct query *query, const void *data, size_t len)
{
	if (!query->failed)
		query->store->driver->bind_bytes(query->stmt, ++query->bound, data, len);
}

bool query_next(struct query *query)
{
	int rc;

	if (query->failed)
		return false;
	rc = query->store->driver->step(query->store, query->stmt, query->err);
	query->failed = rc < 0;
	return rc == 1;
}

void query_reset(struct query *query)
{
	if (query->stmt)
		query->store->driver->reset(query->store, query->stmt);
	query->bound = 0;
}

void query_run(struct query *query)
{
	while (query_next(query))
		;
	query_reset(query);
}

void query_end(struct query *query)
{
	if (query->stmt)
		query->store->driver->finish(query->store, query->stmt);
	query->stmt = NULL;
}

struct query query_beside(const struct query *query)
{
	return (struct query){.store = query->store, .err = query->err, .failed = query->failed};
}

void query_join(struct query *query, struct query *other)
{
	query_end(other);
	query->failed = query->failed || other->failed;
}

void query_once(struct query *query, const char *text, const char *value)
{
	query_begin(query, text);
	if (value)
		query_text(query, value);
	query_run(query);
	query_end(query);
}

int64_t query_get_int(const struct query *query, int column)
{
	return query->store->driver->get_int(query->stmt, column);
}

double query_get_real(const struct query *query, int column)
{
	return query->store->driver->get_real(query->stmt, column);
}

const char *query_get_text(const struct query *query, int column)
{
	return query->store->driver->get_text(query->stmt, column);
}

const char *query_copy(const struct query *query, int column, struct arena *arena)
{
	return arena_strdup(arena, query_get_text(query, column));
}

const void *query_get_bytes(const struct query *query, int column, size_t *len)
{
	return query->store->driver->get_bytes(query->stmt, column, len);
}

void select_init(struct select *select, const char *sql)
{
	*select = (struct select){0};
	buf_init(&select->sql, SQL_BYTES_MAX);
	buf_addstr(&select->sql, sql);
}

void select_add(struct select *select, const char *sql)
{
	buf_addstr(&select->sql, sql);
}

static void add_value(struct select *select, const char *sql, const char *text, int64_t number)
{
	if (select->count == SELECT_VALUES_MAX)
		return; /* callers bound what they add */
	select->values[select->count].text = text;
	select->values[select->count].number = number;
	buf_printf(&select->sql, "%s$%d", sql, ++select->count);
}

void select_text(struct select *select, const char *sql, const char *text)
{
	if (text)
		add_value(select, sql, text, 0);
}

void select_int(struct select *select, const char *sql, int64_t value)
{
	add_value(select, sql, NULL, value);
}

void select_begin(struct select *select, struct query *query)
{
	query_begin(query, buf_str(&select->sql));
	for (int i = 0; i < select->count; i++) {
		if (select->values[i].text)
			query_text(query, select->values[i].text);
		else
			query_int(query, select->values[i].number);
	}
	buf_done(&select->sql);
}

int sql_end(struct query *query)
{
	struct sql_store *store = query->store;

	if (!query->failed)
		query->failed = store->driver->execute(store, "COMMIT", query->err) < 0;
	if (query->failed)
		(void)store->driver->execute(store, "ROLLBACK", NULL);
	return query->failed ? -1 : 0;
}

int64_t sql_limit(size_t limit)
{
	if (!limit)
		return STORE_ROWS_DEFAULT;
	return limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
}
