/* Shared by the parts of the PostgreSQL store. */
#ifndef STORE_POSTGRES_PRIVATE_H
#define STORE_POSTGRES_PRIVATE_H

#include "store/query.h"

#include <libpq-fe.h>

struct postgres_store {
	struct sql_store sql;
	PGconn *db;
	unsigned prepared; /* statements so far, for their names */
};

extern const struct sql_driver postgres_driver;

/* ERR_INFRA "ADDRESS: the server's reason", of RESULT or, when that is NULL, the connection. */
int postgres_fail(const struct postgres_store *store, const PGresult *result, struct err *err);

#endif
