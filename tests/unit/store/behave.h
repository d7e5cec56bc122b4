/*
 * Behaviours that every store must have, each tested in every store of the registry. A test program
 * has a table of them and calls behave_main. PostgreSQL is a private server, started once; where
 * there is none its tests are skipped, under REQUIRE_DOCKER they fail.
 */
#ifndef STORE_BEHAVE_H
#define STORE_BEHAVE_H

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#define BEHAVE_TESTS_MAX 256

struct bench {
	struct store *store;
	struct arena *arena;
	const char *url;
};

struct behaviour {
	const char *name;
	void (*check)(struct bench *bench);
};

#define BEHAVIOUR(function)                                                                        \
	{                                                                                          \
#function, function                                                                \
	}

static const struct behaviour *behave_table;
static size_t behave_count;
static char *behave_server; /* folder of the server; NULL: none */

static inline int behave_postgres(const char *what)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		execl(TEST_DATA "/postgres.sh", "postgres.sh", what, behave_server, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int behave_start(void **state)
{
	int rc;

	(void)state;
	behave_server = strdup(scratch_new());
	rc = behave_postgres("start");
	if (rc == 0)
		return 0;
	(void)file_remove_tree(behave_server, NULL);
	free(behave_server);
	behave_server = NULL;
	return rc == 77 && !getenv("REQUIRE_DOCKER") ? 0 : -1;
}

static inline int behave_stop(void **state)
{
	int rc;

	(void)state;
	if (!behave_server)
		return 0;
	rc = behave_postgres("stop");
	(void)file_remove_tree(behave_server, NULL);
	free(behave_server);
	return rc;
}

/* A new database, and its URL. */
static inline void behave_database(char *url, size_t size)
{
	static int serial;
	char sql[64], server[128];
	PGresult *result;
	PGconn *db;

	if (!behave_server)
		skip();
	(void)snprintf(server, sizeof(server), "postgresql://assay@/postgres?host=%s/pg",
		       behave_server);
	(void)snprintf(sql, sizeof(sql), "CREATE DATABASE t%d", ++serial);
	db = PQconnectdb(server);
	result = PQexec(db, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s", PQerrorMessage(db));
	PQclear(result);
	PQfinish(db);
	(void)snprintf(url, size, "postgresql://assay@/t%d?host=%s/pg", serial, behave_server);
}

static inline void behave_one(void **state)
{
	const size_t *index = *state;
	const struct store_ops *ops = store_kinds[*index / behave_count];
	char *folder = scratch_new(), url[256];
	struct bench bench = {.arena = arena_new(), .url = url};
	struct err err = {0};

	if (strcmp(ops->scheme, "postgresql") == 0)
		behave_database(url, sizeof(url));
	else
		(void)snprintf(url, sizeof(url), "%s:%s/history", ops->scheme, folder);
	if (store_open(url, &bench.store, &err) < 0)
		fail_msg("%s: %s", url, err.msg);
	assert_ptr_equal(bench.store->ops, ops);
	behave_table[*index % behave_count].check(&bench);
	store_close(bench.store);
	arena_free(bench.arena);
	assert_int_equal(file_remove_tree(folder, &err), 0);
}

/* Every behaviour in every store, after the OTHERS. */
static inline int behave_main(const struct behaviour *table, size_t table_count,
			      const struct CMUnitTest *others, size_t other_count)
{
	static struct CMUnitTest tests[BEHAVE_TESTS_MAX];
	static size_t indexes[BEHAVE_TESTS_MAX];
	static char names[BEHAVE_TESTS_MAX][96];
	size_t count = 0;

	behave_table = table;
	behave_count = table_count;
	for (size_t i = 0; i < other_count; i++)
		tests[count++] = others[i];
	for (size_t kind = 0; store_kinds[kind]; kind++) {
		for (size_t i = 0; i < table_count && count < BEHAVE_TESTS_MAX; i++, count++) {
			indexes[count] = kind * table_count + i;
			(void)snprintf(names[count], sizeof(names[count]), "%s: %s",
				       store_kinds[kind]->name, table[i].name);
			tests[count] = (struct CMUnitTest){names[count], behave_one, NULL, NULL,
							   &indexes[count]};
		}
	}
	return _cmocka_run_group_tests("store", tests, count, behave_start, behave_stop);
}

static inline void append(struct bench *bench, struct run *run)
{
	struct err err = {0};

	if (bench->store->ops->append(bench->store, run, &err) < 0)
		fail_msg("%s: %s", bench->store->ops->name, err.msg);
	run_free(run);
}

static inline struct run *load(struct bench *bench, const char *id)
{
	struct run *run = NULL;
	struct err err = {0};

	if (bench->store->ops->load(bench->store, id, &run, &err) < 0)
		fail_msg("%s: %s", bench->store->ops->name, err.msg);
	return run;
}

#endif
