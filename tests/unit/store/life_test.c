/* What is kept beside runs, and what leaves: alarms, quarantines, trials, pruning, many writers. */
#include "behave.h"

#include <math.h>

#define WRITERS 8
#define RUNS_EACH 10

/* --- alarms ---------------------------------------------------------------------------------- */

static void put_alarm(struct bench *bench, const char *commit, enum alarm_state state,
		      const char *at, const char *note)
{
	const struct alarm_row row = {.suite = "perf",
				      .case_name = "serve",
				      .metric = "ttft",
				      .commit = commit,
				      .state = state,
				      .change = 0.031,
				      .low = 0.02,
				      .high = NAN,
				      .at = at,
				      .note = note};
	struct err err = {0};

	if (bench->store->ops->put_alarm(bench->store, &row, &err) < 0)
		fail_msg("%s: %s", bench->store->ops->name, err.msg);
}

static struct alarm_row *alarms(struct bench *bench, struct alarm_filter filter, size_t *count)
{
	struct alarm_row *rows = NULL;
	struct err err = {0};

	if (bench->store->ops->alarms(bench->store, &filter, bench->arena, &rows, count, &err) < 0)
		fail_msg("%s: %s", bench->store->ops->name, err.msg);
	return rows;
}

static void an_alarm_goes_from_state_to_state(struct bench *bench)
{
	struct alarm_row *rows;
	size_t count = 0;

	put_alarm(bench, "c1", ALARM_SUSPECTED, "2026-11-23T00:00:01Z", NULL);
	put_alarm(bench, "c1", ALARM_CONFIRMED, "2026-11-23T00:00:02Z", "A/B: -3.1 %");
	put_alarm(bench, "c2", ALARM_SUSPECTED, "2026-11-23T00:00:03Z", NULL);
	rows = alarms(bench, (struct alarm_filter){0}, &count);
	assert_int_equal(count, 2);
	assert_string_equal(rows[0].commit, "c2");
	assert_string_equal(rows[1].suite, "perf");
	assert_string_equal(rows[1].metric, "ttft");
	assert_null(rows[1].cell);
	assert_null(rows[1].before_commit);
	assert_int_equal(rows[1].state, ALARM_CONFIRMED);
	assert_true(rows[1].change == 0.031 && rows[1].low == 0.02 && isnan(rows[1].high));
	assert_string_equal(rows[1].since, "2026-11-23T00:00:01Z");
	assert_string_equal(rows[1].at, "2026-11-23T00:00:02Z");
	assert_string_equal(rows[1].note, "A/B: -3.1 %");
	rows = alarms(bench, (struct alarm_filter){.state_name = "suspected"}, &count);
	assert_int_equal(count, 1);
	assert_string_equal(rows[0].commit, "c2");
	(void)alarms(bench, (struct alarm_filter){.commit = "c1", .metric = "ttft"}, &count);
	assert_int_equal(count, 1);
	(void)alarms(bench, (struct alarm_filter){.metric = "other"}, &count);
	assert_int_equal(count, 0);
}

static void alarm_states_have_names(void **state)
{
	enum alarm_state back;

	(void)state;
	for (int i = ALARM_SUSPECTED; i <= ALARM_FIXED; i++) {
		assert_int_equal(alarm_state_parse(alarm_state_name((enum alarm_state)i), &back),
				 0);
		assert_int_equal(back, i);
	}
	assert_int_equal(alarm_state_parse("nosuch", &back), -1);
}

/* --- quarantines ----------------------------------------------------------------------------- */

static size_t in_force(struct bench *bench, const char *at)
{
	struct quarantine_row *rows = NULL;
	struct err err = {0};
	size_t count = 0;

	if (bench->store->ops->quarantines(bench->store, at, bench->arena, &rows, &count, &err) < 0)
		fail_msg("%s: %s", bench->store->ops->name, err.msg);
	if (count) {
		assert_string_equal(rows[0].case_name, "shaky");
		assert_string_equal(rows[0].reason, "6 % flaky");
	}
	return count;
}

static void a_quarantine_ends(struct bench *bench)
{
	struct quarantine_row row = {"perf", "shaky", "2026-11-01T00:00:00Z",
				     "2026-11-15T00:00:00Z", "6 % flaky"};
	struct err err = {0};

	assert_int_equal(bench->store->ops->put_quarantine(bench->store, &row, &err), 0);
	assert_int_equal(in_force(bench, "2026-10-31T00:00:00Z"), 0);
	assert_int_equal(in_force(bench, "2026-11-01T00:00:00Z"), 1);
	assert_int_equal(in_force(bench, "2026-11-15T00:00:00Z"), 0);
	row.expires_at = "2026-12-01T00:00:00Z"; /* longer */
	assert_int_equal(bench->store->ops->put_quarantine(bench->store, &row, &err), 0);
	assert_int_equal(in_force(bench, "2026-11-15T00:00:00Z"), 1);
	assert_int_equal(in_force(bench, NULL), 1);
}

/* --- trials ---------------------------------------------------------------------------------- */

static void a_trial_keeps_its_raw_pairs(struct bench *bench)
{
	double before[] = {1.5, 2.5, 0.1}, after[] = {1.25, 2.75, 1e300};
	const struct trial_row row = {.id = "t1",
				      .started_at = "2026-11-23T00:00:01Z",
				      .suite = "perf",
				      .case_name = "serve",
				      .metric = "ttft",
				      .direction = DIRECTION_LOWER,
				      .cell = "gpu=H100",
				      .before_image = "sha256:a",
				      .after_commit = "c1",
				      .after_image = "sha256:b",
				      .verdict = VERDICT_INCONCLUSIVE,
				      .orders = "abbaab",
				      .before = before,
				      .after = after,
				      .count = 3};
	struct trial_filter filter = {.metric = "ttft", .commit = "c1"};
	struct trial_row *rows = NULL;
	struct err err = {0};
	size_t count = 0;

	for (int i = 0; i < 2; i++) /* the second replaces the first */
		assert_int_equal(bench->store->ops->put_trial(bench->store, &row, &err), 0);
	assert_int_equal(
		bench->store->ops->trials(bench->store, &filter, bench->arena, &rows, &count, &err),
		0);
	assert_int_equal(count, 1);
	assert_null(rows[0].unit);
	assert_null(rows[0].before_commit);
	assert_string_equal(rows[0].cell, "gpu=H100");
	assert_string_equal(rows[0].orders, "abbaab");
	assert_int_equal(rows[0].verdict, VERDICT_INCONCLUSIVE);
	assert_int_equal(rows[0].direction, DIRECTION_LOWER);
	assert_int_equal(rows[0].count, 3);
	assert_memory_equal(rows[0].before, before, sizeof(before));
	assert_memory_equal(rows[0].after, after, sizeof(after));
	filter.commit = "c2";
	assert_int_equal(
		bench->store->ops->trials(bench->store, &filter, bench->arena, &rows, &count, &err),
		0);
	assert_int_equal(count, 0);
}

/* --- pruning --------------------------------------------------------------------------------- */

/* Run ID of day DAY on COMMIT, compared with BASELINE. */
static void append_on(struct bench *bench, const char *id, int day, const char *commit,
		      const char *baseline)
{
	char at[32];
	struct run *run;

	(void)snprintf(at, sizeof(at), "2026-11-%02dT00:00:00Z", day);
	run = sample_run(id, at);
	run->commit.hash = commit;
	run->baseline.run_id = baseline;
	append(bench, run);
}

static const char *pruned(struct bench *bench, struct prune_rule rule, size_t *kept)
{
	struct prune_row *rows = NULL;
	const char *list = "";
	struct err err = {0};
	size_t count = 0;

	if (bench->store->ops->prune(bench->store, &rule, bench->arena, &rows, &count, kept, &err) <
	    0)
		fail_msg("%s: %s", bench->store->ops->name, err.msg);
	for (size_t i = 0; i < count; i++)
		list = arena_printf(bench->arena, "%s%s%s", list, i ? " " : "", rows[i].run_id);
	return list;
}

static void fill_for_pruning(struct bench *bench)
{
	append_on(bench, "a1", 1, "ca", NULL);
	append_on(bench, "a2", 2, "ca", NULL); /* newest of ca */
	append_on(bench, "b1", 3, "cb", NULL); /* baseline of c1, which is d's */
	append_on(bench, "b2", 4, "cb", NULL);
	append_on(bench, "c1", 5, "cc", "b1");
	append_on(bench, "c2", 6, "cc", NULL);
	append_on(bench, "d1", 7, "cd", "c1");
	append_on(bench, "d2", 8, "cd", NULL);
}

static void pruning_keeps_baselines_and_the_newest_of_a_commit(struct bench *bench)
{
	size_t kept = 0;

	fill_for_pruning(bench);
	/* d2 is new, a2, b2, c2 are the newest of theirs; nobody that stays needs the others */
	assert_string_equal(
		pruned(bench, (struct prune_rule){.keep_newest = 1, .dry_run = true}, &kept),
		"a1 b1 c1 d1");
	/* d1 stays by its age, so c1 does, so b1 does */
	assert_string_equal(
		pruned(bench,
		       (struct prune_rule){.keep_since = "2026-11-07T00:00:00Z", .dry_run = true},
		       &kept),
		"a1");
	assert_int_equal(kept, 7);
	run_free(load(bench, "a1")); /* a dry run removes nothing */
	assert_string_equal(pruned(bench, (struct prune_rule){.keep_newest = 2}, &kept), "a1");
	assert_string_equal(pruned(bench, (struct prune_rule){.keep_newest = 2}, &kept), "");
	assert_int_equal(kept, 7);
}

static void what_is_pruned_is_gone_and_the_rest_is_whole(struct bench *bench)
{
	struct metric_row *rows = NULL;
	struct run *run = NULL;
	struct err err = {0};
	size_t kept = 0, count = 0;

	fill_for_pruning(bench);
	(void)pruned(bench, (struct prune_rule){.keep_newest = 1}, &kept);
	assert_int_equal(kept, 4);
	assert_int_equal(bench->store->ops->load(bench->store, "b1", &run, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	run = load(bench, "b2");
	assert_int_equal(run->cases[1].metrics[0].sample_count, 2);
	run_free(run);
	assert_int_equal(bench->store->ops->metrics(bench->store,
						    &(struct metric_filter){.metric = "latency"},
						    bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 4);
	append_on(bench, "e1", 9, "ce", "b1"); /* a baseline that is gone is no obstacle */
}

/* --- many writers ---------------------------------------------------------------------------- */

/* Opens, appends and reads; its exit status. */
static int write_many(const char *url, int writer)
{
	struct store *store = NULL;
	struct arena *arena = arena_new();
	struct err err = {0};
	int rc = store_open(url, &store, &err);

	for (int i = 0; rc == 0 && i < RUNS_EACH; i++) {
		struct flip_row *rows = NULL;
		struct run *run;
		size_t count = 0;
		char id[32];

		(void)snprintf(id, sizeof(id), "w%d-%02d", writer, i);
		run = sample_run(id, "2026-11-23T05:51:00Z");
		rc = store->ops->append(store, run, &err);
		run_free(run);
		if (rc == 0)
			rc = store->ops->flips(store, &(struct store_filter){0}, arena, &rows,
					       &count, &err);
	}
	if (rc < 0)
		(void)fprintf(stderr, "writer %d: %s\n", writer, err.msg);
	store_close(store);
	arena_free(arena);
	return rc < 0;
}

static void eight_writers_lose_nothing(struct bench *bench)
{
	pid_t children[WRITERS];
	struct run_row *rows = NULL;
	struct err err = {0};
	size_t count = 0;

	if (strcmp(bench->store->ops->name, "memory") == 0)
		return;		   /* is one process's */
	store_close(bench->store); /* no connection may be carried over a fork */
	for (int i = 0; i < WRITERS; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(write_many(bench->url, i));
	}
	for (int i = 0; i < WRITERS; i++) {
		int status = -1;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(store_open(bench->url, &bench->store, &err), 0);
	assert_int_equal(bench->store->ops->runs(bench->store,
						 &(struct store_filter){.limit = SIZE_MAX},
						 bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, WRITERS * RUNS_EACH);
	for (size_t i = 0; i < count; i++) {
		struct run *run = load(bench, rows[i].id);

		assert_int_equal(run->case_count, 3);
		assert_int_equal(run->cases[1].metrics[0].sample_count, 2);
		run_free(run);
	}
}

/* --- a server -------------------------------------------------------------------------------- */

static void a_newer_schema_of_a_server_is_refused(struct bench *bench)
{
	struct store *store = NULL;
	struct err err = {0};
	PGconn *db;

	if (strcmp(bench->store->ops->name, "postgresql") != 0)
		return; /* sqlite_test.c */
	db = PQconnectdb(bench->url);
	PQclear(PQexec(db, "INSERT INTO assay_schema VALUES (42)"));
	PQfinish(db);
	assert_int_equal(store_open(bench->url, &store, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "schema 42, this Assay knows up to 3"));
	assert_null(strchr(err.msg, '\n'));
}

static void a_server_that_is_not_there_is_infrastructure(void **state)
{
	struct store *store = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(store_open("postgresql://me:secret@/h?host=/nonexistent", &store, &err),
			 -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_non_null(strstr(err.msg, "postgresql://"));
	assert_null(strstr(err.msg, "secret"));
	assert_null(strchr(err.msg, '\n'));
}

int main(void)
{
	static const struct behaviour behaviours[] = {
		BEHAVIOUR(an_alarm_goes_from_state_to_state),
		BEHAVIOUR(a_quarantine_ends),
		BEHAVIOUR(a_trial_keeps_its_raw_pairs),
		BEHAVIOUR(pruning_keeps_baselines_and_the_newest_of_a_commit),
		BEHAVIOUR(what_is_pruned_is_gone_and_the_rest_is_whole),
		BEHAVIOUR(eight_writers_lose_nothing),
		BEHAVIOUR(a_newer_schema_of_a_server_is_refused),
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test(alarm_states_have_names),
		cmocka_unit_test(a_server_that_is_not_there_is_infrastructure),
	};

	return behave_main(behaviours, sizeof(behaviours) / sizeof(behaviours[0]), others,
			   sizeof(others) / sizeof(others[0]));
}
