/*
 * SQL, written once for every database: statements use what SQLite and PostgreSQL share, and a
 * driver per database runs them. Parameters are $1, $2, … in the order of their first use, which
 * is the only order both number alike.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "store/store_ops.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sql_store;

/* A database. Failures are ERR_INFRA and name it. */
struct sql_driver {
	/* Required. One or several statements without parameters; rows are thrown away. */
	int (*execute)(struct sql_store *store, const char *script, struct err *err);
	/* Required. Begin a transaction in which nobody else writes. */
	int (*begin_alone)(struct sql_store *store, struct err *err);
	/* Required. One statement, to be stepped and reset as often as wished. */
	int (*prepare)(struct sql_store *store, const char *text, void **stmt, struct err *err);
	void (*finish)(struct sql_store *store, void *stmt);
	/* Required. COLUMN from 1; text and bytes are borrowed until the statement is reset. */
	void (*bind_int)(void *stmt, int column, int64_t value);
	void (*bind_real)(void *stmt, int column, double value);
	void (*bind_text)(void *stmt, int column, const char *text); /* NULL: null */
	void (*bind_bytes)(void *stmt, int column, const void *data, size_t len);
	/* Required. 1: a row, 0: the end. */
	int (*step)(struct sql_store *store, void *stmt, struct err *err);
	void (*reset)(struct sql_store *store, void *stmt);
	/* Required. COLUMN from 0 of the row; borrowed until the next step. Null is 0, NAN, NULL.
	 */
	int64_t (*get_int)(void *stmt, int column);
	double (*get_real)(void *stmt, int column);
	const char *(*get_text)(void *stmt, int column);
	const void *(*get_bytes)(void *stmt, int column, size_t *len);
};

/* What every store of SQL begins with. */
struct sql_store {
	struct store base;
	const struct sql_driver *driver;
	char *name; /* for messages: the path, the address without password */
};

/* One statement; the first failure is kept and later calls do nothing. */
struct query {
	struct sql_store *store;
	void *stmt;
	int bound; /* parameters so far */
	bool failed;
	struct err *err;
};

void query_begin(struct query *query, const char *text);
void query_int(struct query *query, int64_t value);
void query_real(struct query *query, double value); /* NAN: null */
void query_text(struct query *query, const char *text);
void query_bytes(struct query *query, const void *data, size_t len);
/* The next row? After the last one, or a failure, false. */
bool query_next(struct query *query);
/* Write a row, and be ready for the next one's values. */
void query_run(struct query *query);
/* Forget values and rows; the statement may be used again. */
void query_reset(struct query *query);
void query_end(struct query *query);
/* A query beside QUERY that fails when it has failed; and QUERY fails when OTHER has. */
struct query query_beside(const struct query *query);
void query_join(struct query *query, struct query *other);
/* Statement TEXT with at most one parameter, to its end. */
void query_once(struct query *query, const char *text, const char *value);

int64_t query_get_int(const struct query *query, int column);
double query_get_real(const struct query *query, int column);
const char *query_get_text(const struct query *query, int column); /* borrowed */
const char *query_copy(const struct query *query, int column, struct arena *arena);
const void *query_get_bytes(const struct query *query, int column, size_t *len);

/* A SELECT that grows by the conditions that are set: one that is always there would keep a
 * database from its indexes. */
#define SELECT_VALUES_MAX 64
struct select {
	struct buf sql;
	struct {
		const char *text; /* NULL: NUMBER */
		int64_t number;
	} values[SELECT_VALUES_MAX];
	int count;
};

void select_init(struct select *select, const char *sql);
void select_add(struct select *select, const char *sql);
/* SQL, then the parameter's number; nothing when TEXT is NULL. */
void select_text(struct select *select, const char *sql, const char *text);
void select_int(struct select *select, const char *sql, int64_t value);
/* Begin QUERY with it, and release it. */
void select_begin(struct select *select, struct query *query);

/* The operations of store_ops.h over a driver. */
int sql_append(struct store *store, const struct run *run, struct err *err);
int sql_load(struct store *store, const char *id, struct run **out, struct err *err);
int sql_runs(struct store *store, const struct store_filter *filter, struct arena *arena,
	     struct run_row **rows, size_t *count, struct err *err);
int sql_flips(struct store *store, const struct store_filter *filter, struct arena *arena,
	      struct flip_row **rows, size_t *count, struct err *err);
int sql_metrics(struct store *store, const struct metric_filter *filter, struct arena *arena,
		struct metric_row **rows, size_t *count, struct err *err);
int sql_repeats(struct store *store, const struct store_filter *filter, struct arena *arena,
		struct repeat_row **rows, size_t *count, struct err *err);

int sql_put_alarm(struct store *store, const struct alarm_row *alarm, struct err *err);
int sql_alarms(struct store *store, const struct alarm_filter *filter, struct arena *arena,
	       struct alarm_row **rows, size_t *count, struct err *err);
int sql_put_quarantine(struct store *store, const struct quarantine_row *row, struct err *err);
int sql_quarantines(struct store *store, const char *at, struct arena *arena,
		    struct quarantine_row **rows, size_t *count, struct err *err);
int sql_put_trial(struct store *store, const struct trial_row *row, struct err *err);
int sql_trials(struct store *store, const struct trial_filter *filter, struct arena *arena,
	       struct trial_row **rows, size_t *count, struct err *err);
int sql_prune(struct store *store, const struct prune_rule *rule, struct arena *arena,
	      struct prune_row **rows, size_t *count, size_t *kept, struct err *err);

#define SQL_OPS                                                                                    \
	.append = sql_append, .load = sql_load, .runs = sql_runs, .flips = sql_flips,              \
	.metrics = sql_metrics, .repeats = sql_repeats, .put_alarm = sql_put_alarm,                \
	.alarms = sql_alarms, .put_quarantine = sql_put_quarantine,                                \
	.quarantines = sql_quarantines, .put_trial = sql_put_trial, .trials = sql_trials,          \
	.prune = sql_prune

/* End the caller's transaction: commit, or take everything back after a failure. */
int sql_end(struct query *query);
/* What a filter's limit means in SQL. */
int64_t sql_limit(size_t limit);
/* Write RUN within the caller's transaction: everything of it, and nothing of an older one. */
void sql_write_run(struct query *query, const struct run *run, const char *document);
/* Remove the run ID, if there is one, within the caller's transaction. */
void sql_remove_run(struct query *query, const char *id);

#endif
