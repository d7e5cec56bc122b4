/* Shared by the stores on SQLite. */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include "store/query.h"

#include <sqlite3.h>

struct sqlite_store {
	struct sql_store sql;
	sqlite3 *db;
};

extern const struct sql_driver sqlite_driver;

/* ERR_INFRA "PATH: WHAT: SQLite's reason". */
int sqlite_fail(const struct sqlite_store *store, const char *what, struct err *err);

/* A history that OPS names, in the file LOCATION; ":memory:" ends with the process. */
int sqlite_open_as(const struct store_ops *ops, const char *location, struct store **out,
		   struct err *err);
void sqlite_close(struct store *base);

#endif
