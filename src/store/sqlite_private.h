/* Shared by the parts of the SQLite store. */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include "store/store_ops.h"

#include <sqlite3.h>

struct sqlite_store {
	struct store base;
	sqlite3 *db;
	char *path;
};

/* ERR_INFRA "PATH: WHAT: SQLite's reason". */
int sqlite_fail(const struct sqlite_store *store, const char *what, struct err *err);

int sqlite_append(struct store *store, const struct run *run, struct err *err);
int sqlite_load(struct store *store, const char *id, struct run **out, struct err *err);
int sqlite_runs(struct store *store, const struct store_filter *filter, struct arena *arena,
		struct run_row **rows, size_t *count, struct err *err);
int sqlite_flips(struct store *store, const struct store_filter *filter, struct arena *arena,
		 struct flip_row **rows, size_t *count, struct err *err);

#endif
