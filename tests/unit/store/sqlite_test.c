/* What only a file can get wrong: strange files, several writers, writers that die. */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define WRITERS 8
#define RACERS_MAX 8
#define RUNS_EACH 50
#define KILLS 20
#define ROUNDS 20

struct place {
	char *folder;
	char file[128];
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	place->folder = scratch_new();
	(void)snprintf(place->file, sizeof(place->file), "%s/history.db", place->folder);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	int rc = file_remove_tree(place->folder, NULL);

	free(place);
	return rc;
}

static void sql(const char *file, const char *text)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* The first column of the first row of QUERY, as another program reads it. */
static const char *answer(const char *file, const char *query, char *out, size_t size)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, query, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", query, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	(void)snprintf(out, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return out;
}

static void refused(const char *file, enum err_code code, const char *message)
{
	struct store *store = NULL;
	struct err err = {0};

	if (store_open(file, &store, &err) == 0)
		fail_msg("%s was opened", file);
	assert_null(store);
	if (err.code != code || !strstr(err.msg, message) || !strstr(err.msg, file))
		fail_msg("code %d: %s", err.code, err.msg);
}

static struct store *opened(const char *file)
{
	struct store *store = NULL;
	struct err err = {0};

	if (store_open(file, &store, &err) < 0)
		fail_msg("%s", err.msg);
	return store;
}

static void append_one(const char *file, const char *id)
{
	struct store *store = opened(file);
	struct run *run = sample_run(id, "2026-11-23T05:51:00Z");
	struct err err = {0};

	if (store->ops->append(store, run, &err) < 0)
		fail_msg("%s", err.msg);
	run_free(run);
	store_close(store);
}

/* --- strange files --------------------------------------------------------------------------- */

static void a_text_file_is_refused_and_stays(void **state)
{
	const struct place *place = *state;
	static const char *const texts[] = {
		"no", "short",
		("this is no database, though longer than the header of "
		 "one: it goes on for a hundred bytes and a few more")};

	for (size_t i = 0; i < 3; i++) {
		struct buf text;

		assert_int_equal(file_write(place->file, texts[i], strlen(texts[i]), NULL), 0);
		refused(place->file, ERR_USAGE, "not an Assay history (not a SQLite database)");
		refused(place->file, ERR_USAGE, "--history");
		buf_init(&text, 4096);
		assert_int_equal(file_read(place->file, &text, NULL), 0);
		assert_string_equal(buf_str(&text), texts[i]);
		buf_done(&text);
	}
}

static void an_empty_file_becomes_a_history(void **state)
{
	const struct place *place = *state;

	assert_int_equal(file_write(place->file, "", 0, NULL), 0);
	append_one(place->file, "r1");
}

static void databases_of_other_programs_are_refused(void **state)
{
	const struct place *place = *state;
	static const char *const made[] = {"CREATE TABLE t (x)", "PRAGMA application_id = 7",
					   "PRAGMA application_id = -7", "PRAGMA user_version = 1"};
	char out[64];

	for (size_t i = 0; i < 4; i++) {
		(void)unlink(place->file);
		sql(place->file, made[i]);
		refused(place->file, ERR_USAGE, "another program's database");
		assert_string_equal(answer(place->file,
					   "SELECT count(*) FROM sqlite_master WHERE name = 'runs'",
					   out, sizeof(out)),
				    "0");
	}
}

static void a_newer_schema_names_both_versions(void **state)
{
	const struct place *place = *state;

	append_one(place->file, "r1");
	sql(place->file, "PRAGMA user_version = 42");
	refused(place->file, ERR_USAGE, "schema 42");
	refused(place->file, ERR_USAGE, "up to 3");
}

/* --- older schemas --------------------------------------------------------------------------- */

/* FILE becomes the history that tests/unit/store/NAME writes down. */
static void make_older(const char *file, const char *name)
{
	struct buf text;
	char path[256];

	(void)snprintf(path, sizeof(path), TEST_DATA "/unit/store/%s", name);
	buf_init(&text, JSON_BYTES_MAX);
	assert_int_equal(file_read(path, &text, NULL), 0);
	sql(file, buf_str(&text));
	buf_done(&text);
}

static void a_history_of_every_older_schema_is_brought_forward(void **state)
{
	const struct place *place = *state;
	static const char *const older[] = {"schema_1.sql", "schema_2.sql"};
	static const struct {
		const char *query;
		const char *value;
	} rows[] = {
		{"PRAGMA user_version", "3"},
		{"SELECT group_concat(run) FROM v_runs", "old0,old1,old2"},
		{"SELECT count(*) FROM v_cases", "9"},
		{"SELECT count(*) FROM v_flips", "3"},
		{"SELECT sum(count) FROM v_metrics", "6"},
		{"SELECT value FROM cell_values WHERE name = 'driver'", "570"},
		{"SELECT count(*) FROM environments", "1"},
		{"SELECT group_concat(at_ms) FROM runs",
		 "1795153860250,1795240260250,1795326660250"},
		{"SELECT count(*) FROM sqlite_master WHERE name IN ('samples', 'old_runs')", "0"},
		{"PRAGMA integrity_check", "ok"},
		{"SELECT count(*) FROM pragma_foreign_key_check", "0"},
	};
	char out[256];

	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++) {
		struct run *expected = sample_run("old0", "2026-11-20T05:51:00.250Z");
		struct run *run = NULL;
		struct store *store;
		struct err err = {0};
		char *before, *after;

		(void)unlink(place->file);
		make_older(place->file, older[i]);
		store = opened(place->file);
		for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
			assert_string_equal(answer(place->file, rows[r].query, out, sizeof(out)),
					    rows[r].value);
		assert_int_equal(store->ops->load(store, "old0", &run, &err), 0);
		before = sample_text(expected);
		after = sample_text(run);
		assert_string_equal(before, after);
		free(before);
		free(after);
		run_free(run);
		run_free(expected);
		store_close(store);
	}
}

static void alarms_of_an_older_schema_get_their_machine(void **state)
{
	const struct place *place = *state;
	char out[256];

	make_older(place->file, "schema_2.sql");
	store_close(opened(place->file));
	assert_string_equal(
		answer(place->file,
		       "SELECT environment || ' ' || state || ' ' || commit_hash FROM v_alarms",
		       out, sizeof(out)),
		"1 suspected c0ffee");
	assert_string_equal(answer(place->file, "SELECT alarm || ' ' || state FROM alarm_events",
				   out, sizeof(out)),
			    "7 suspected");
	assert_string_equal(
		answer(place->file,
		       "SELECT count(*) FROM sqlite_master WHERE sql LIKE '%old_alarms%'", out,
		       sizeof(out)),
		"0");
}

/* Half a migration would be worse than none. */
static void a_history_that_cannot_be_brought_forward_stays_as_it_was(void **state)
{
	const struct place *place = *state;
	char out[64];

	make_older(place->file, "schema_1.sql");
	sql(place->file, "UPDATE runs SET document = 'no JSON' WHERE id = 'old2'");
	refused(place->file, ERR_INFRA, "cannot bring the history to schema 2");
	assert_string_equal(answer(place->file, "PRAGMA user_version", out, sizeof(out)), "1");
	assert_string_equal(answer(place->file, "SELECT count(*) FROM samples", out, sizeof(out)),
			    "6");
	assert_string_equal(answer(place->file,
				   "SELECT count(*) FROM sqlite_master WHERE name = 'checks'", out,
				   sizeof(out)),
			    "0");
}

static void names_that_keep_nothing_are_refused(void **state)
{
	struct store *store = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(store_open("", &store, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(store_open("sqlite:", &store, &err), -1);
	assert_int_equal(store_open("sqlite::memory:", &store, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

static void a_missing_folder_is_said(void **state)
{
	const struct place *place = *state;
	char file[160];

	(void)snprintf(file, sizeof(file), "%s/no/such.db", place->folder);
	refused(file, ERR_INFRA, "No such file or directory");
	refused(place->folder, ERR_INFRA, "cannot open the history");
}

/* Overwrite from OFFSET on, but the first page's header, which says whose file it is. */
static void damage(const char *file, off_t offset, bool cut)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	struct stat info;
	char junk[256];

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &info), 0);
	memset(junk, 0xA5, sizeof(junk));
	if (cut)
		assert_int_equal(ftruncate(fd, offset), 0);
	for (off_t at = offset; !cut && at < info.st_size; at += (off_t)sizeof(junk))
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
}

static void a_damaged_history_is_infrastructure(void **state)
{
	const struct place *place = *state;
	static const struct {
		off_t offset;
		bool cut;
	} damages[] = {{100, false}, {4096, false}, {4096, true}, {8192, true}, {5000, true}};

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct store *store = NULL;
		struct run *run = NULL;
		struct err err = {0};

		append_one(place->file, "r1");
		damage(place->file, damages[i].offset, damages[i].cut);
		if (store_open(place->file, &store, &err) == 0 &&
		    store->ops->load(store, "r1", &run, &err) == 0)
			fail_msg("damage %zu was not noticed", i);
		if (err.code != ERR_INFRA)
			fail_msg("damage %zu: code %d: %s", i, err.code, err.msg);
		assert_non_null(strstr(err.msg, place->file));
		store_close(store);
		assert_int_equal(unlink(place->file), 0);
	}
}

/* Permissions do not bind root: a child that is nobody tries. Its exit status: 0 as expected. */
static int try_as_nobody(const char *file)
{
	struct store *store = NULL;
	struct err err = {0};
	bool clear;

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 3;
	if (store_open(file, &store, &err) == 0)
		return 1;
	clear = strstr(err.msg, "read-only") || strstr(err.msg, "readonly") ||
		strstr(err.msg, "Permission denied");
	if (!clear)
		(void)fprintf(stderr, "%s\n", err.msg);
	return err.code == ERR_INFRA && clear ? 0 : 2;
}

static void what_cannot_be_written_is_said(void **state)
{
	const struct place *place = *state;

	for (int existing = 0; existing < 2; existing++) {
		int status = -1;
		pid_t child;

		if (existing)
			append_one(place->file, "r1");
		assert_int_equal(chmod(place->folder, 0555), 0);
		child = fork();
		if (child == 0)
			_exit(try_as_nobody(place->file));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(chmod(place->folder, 0755), 0);
		assert_int_equal(status, 0);
	}
}

/* --- the file itself ------------------------------------------------------------------------- */

static void the_columns_say_what_the_run_says(void **state)
{
	const struct place *place = *state;
	static const struct {
		const char *query;
		const char *value;
	} rows[] = {
		{"SELECT verdict FROM runs WHERE id = 'r1'", "fail"},
		{"SELECT passed || failed || other FROM runs", "111"},
		{"SELECT image_id FROM bases WHERE reference = 'python:3'", "sha256:b"},
		{"SELECT value FROM environment_values WHERE name = 'engine'", "docker"},
		{"SELECT instruction FROM steps WHERE line = 1", "FROM python:3"},
		{"SELECT label FROM v_cases WHERE outcome = 'fail'", "version/unsatisfied"},
		{"SELECT signature FROM v_cases WHERE outcome = 'fail'", "#"},
		{"SELECT flip FROM v_cases WHERE case_name = 'torch'", "regressed"},
		{"SELECT hex(samples) FROM measurements", "9A9999999999B93F0000000000000440"},
		{"SELECT minimum || ' ' || median || ' ' || maximum FROM v_metrics", "0.1 1.3 2.5"},
		{"SELECT direction FROM series", "lower"},
		{"SELECT json_extract(body, '$.id') FROM documents", "r1"},
		{"SELECT count(*) FROM measurements", "1"},
		{"PRAGMA journal_mode", "wal"},
		{"PRAGMA user_version", "3"},
		{"PRAGMA integrity_check", "ok"},
		{"SELECT count(*) FROM pragma_foreign_key_check", "0"},
	};
	char out[256];

	append_one(place->file, "r1");
	append_one(place->file, "r1"); /* replacing leaves nothing of the first behind */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(answer(place->file, rows[i].query, out, sizeof(out)),
				    rows[i].value);
}

/* docs/history.md promises these names. */
static void views_have_the_columns_that_are_documented(void **state)
{
	const struct place *place = *state;
	static const char *const views[] = {"v_runs", "v_cases", "v_metrics", "v_flips"};
	char query[160], line[512], columns[400];
	struct buf docs;

	append_one(place->file, "r1");
	buf_init(&docs, JSON_BYTES_MAX);
	assert_int_equal(file_read(TEST_DATA "/../docs/history.md", &docs, NULL), 0);
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		(void)snprintf(query, sizeof(query),
			       "SELECT group_concat(name, ', ') FROM pragma_table_info('%s')",
			       views[i]);
		answer(place->file, query, columns, sizeof(columns));
		(void)snprintf(line, sizeof(line), "| `%s` | %s |\n", views[i], columns);
		if (!strstr(buf_str(&docs), line))
			fail_msg("docs/history.md has no line %s", line);
		(void)snprintf(query, sizeof(query), "SELECT count(*) FROM %s", views[i]);
		assert_string_not_equal(answer(place->file, query, columns, sizeof(columns)), "0");
	}
	buf_done(&docs);
}

static void what_cannot_be_written_whole_is_not_written(void **state)
{
	const struct place *place = *state;
	struct store *store = opened(place->file);
	struct run *run = sample_run("r1", "2026-11-23T05:51:00Z");
	struct err err = {0};
	char out[64];

	case_pass(run_add_case(run, "torch", "env"), NULL); /* names are unique in a run */
	assert_int_equal(store->ops->append(store, run, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	run_free(run);
	run = sample_run("r2", "2026-11-23T05:51:00Z"); /* the handle is still good */
	assert_int_equal(store->ops->append(store, run, &err), 0);
	run_free(run);
	store_close(store);
	assert_string_equal(
		answer(place->file, "SELECT group_concat(id) FROM runs", out, sizeof(out)), "r2");
	assert_string_equal(answer(place->file, "SELECT count(*) FROM cases", out, sizeof(out)),
			    "3");
}

/* --- several writers ------------------------------------------------------------------------- */

/* Opens, appends RUNS_EACH runs, closes; its exit status. */
static int write_many(const char *file, int writer)
{
	struct store *store = NULL;
	struct err err = {0};
	int rc = store_open(file, &store, &err);

	for (int i = 0; rc == 0 && i < RUNS_EACH; i++) {
		char id[32];
		struct run *run;

		(void)snprintf(id, sizeof(id), "w%d-%02d", writer, i);
		run = sample_run(id, "2026-11-23T05:51:00Z");
		rc = store->ops->append(store, run, &err);
		run_free(run);
	}
	if (rc < 0)
		(void)fprintf(stderr, "writer %d: %s\n", writer, err.msg);
	store_close(store);
	return rc < 0;
}

/* Fork COUNT children that all begin WORK at once; they end with 0. */
static void race(const char *file, int count, int (*work)(const char *file, int writer))
{
	pid_t children[RACERS_MAX];
	int gate[2];

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	for (int i = 0; i < count; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			char byte;

			close(gate[1]);
			(void)!read(gate[0], &byte, 1);
			_exit(work(file, i));
		}
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < count; i++) {
		int status = -1;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
}

static void every_run_of_several_writers_is_there(void **state)
{
	const struct place *place = *state;
	char out[64];

	race(place->file, WRITERS, write_many);
	assert_string_equal(answer(place->file, "SELECT count(*) FROM runs", out, sizeof(out)),
			    "400");
	assert_string_equal(answer(place->file, "SELECT count(*) FROM cases", out, sizeof(out)),
			    "1200");
	assert_string_equal(answer(place->file, "PRAGMA integrity_check", out, sizeof(out)), "ok");
}

static int open_only(const char *file, int writer)
{
	struct store *store = NULL;
	struct err err = {0};

	if (store_open(file, &store, &err) < 0) {
		(void)fprintf(stderr, "opener %d: %s\n", writer, err.msg);
		return 1;
	}
	store_close(store);
	return 0;
}

/* The schema and the journal mode of a new file are made by whoever comes first. */
static void several_may_make_one_history_at_once(void **state)
{
	const struct place *place = *state;

	for (int round = 0; round < ROUNDS; round++) {
		char file[160], out[64];

		(void)snprintf(file, sizeof(file), "%s.%d", place->file, round);
		race(file, RACERS_MAX, open_only);
		assert_string_equal(answer(file, "PRAGMA journal_mode", out, sizeof(out)), "wal");
	}
}

/* A file that is not in WAL yet, and is being read: turning it waits for the reader. The child is
 * forked first, as no connection of SQLite may be carried over a fork. */
static void opening_waits_for_a_reader_of_the_old_journal(void **state)
{
	const struct place *place = *state;
	struct pollfd ended = {.events = POLLIN};
	int go[2], ends[2], status = -1;
	sqlite3 *reader = NULL;
	pid_t child;

	append_one(place->file, "r1");
	sql(place->file, "PRAGMA journal_mode = DELETE");
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		char byte;

		_exit(read(go[0], &byte, 1) == 1 ? open_only(place->file, 0) : 1);
	}
	close(ends[1]);
	assert_int_equal(sqlite3_open(place->file, &reader), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM runs", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(write(go[1], "+", 1), 1);
	ended.fd = ends[0]; /* readable when the child has ended: too early */
	assert_int_equal(poll(&ended, 1, 300), 0);
	sqlite3_close(reader);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(go[0]);
	close(go[1]);
}

/* Appends for ever; writes one byte to FD when a run is recorded. */
static int write_until_killed(const char *file, int round, int fd)
{
	struct store *store = NULL;

	if (store_open(file, &store, NULL) < 0)
		return 1;
	for (int i = 0; i < 100000; i++) {
		char id[32];
		struct run *run;

		(void)snprintf(id, sizeof(id), "k%02d-%05d", round, i);
		run = sample_run(id, "2026-11-23T05:51:00Z");
		if (store->ops->append(store, run, NULL) < 0 || write(fd, "+", 1) != 1)
			return 1;
		run_free(run);
	}
	return 1;
}

/* Kill a writer after some acknowledged runs, at whatever point it is then; how many in all. */
static int kill_one(const char *file, int round)
{
	int acknowledged = 0, status = 0, ends[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		_exit(write_until_killed(file, round, ends[1]));
	}
	close(ends[1]);
	while (acknowledged < 1 + round % 5 && read(ends[0], &byte, 1) == 1)
		acknowledged++;
	for (volatile int spin = 0; spin < round * 20000; spin++)
		; /* moves the blow through the next append */
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(ends[0], &byte, 1) == 1)
		acknowledged++;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return acknowledged;
}

static void a_killed_writer_loses_nothing_that_was_acknowledged(void **state)
{
	const struct place *place = *state;

	for (int round = 0; round < KILLS; round++) {
		int acknowledged = kill_one(place->file, round);
		struct store *store = opened(place->file);
		char out[64];

		assert_true(acknowledged > 0);
		assert_string_equal(answer(place->file, "PRAGMA integrity_check", out, sizeof(out)),
				    "ok");
		for (int i = 0; i < acknowledged; i++) {
			struct run *run = NULL;
			struct err err = {0};
			char id[32];

			(void)snprintf(id, sizeof(id), "k%02d-%05d", round, i);
			if (store->ops->load(store, id, &run, &err) < 0)
				fail_msg("round %d: %s", round, err.msg);
			assert_int_equal(run->case_count, 3);
			run_free(run);
		}
		store_close(store);
		/* and no run is there in part */
		assert_string_equal(answer(place->file,
					   "SELECT count(*) FROM runs WHERE (SELECT count(*) FROM "
					   "cases WHERE run = runs.key) <> 3",
					   out, sizeof(out)),
				    "0");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_text_file_is_refused_and_stays),
		TEST(an_empty_file_becomes_a_history),
		TEST(databases_of_other_programs_are_refused),
		TEST(a_newer_schema_names_both_versions),
		TEST(a_history_of_every_older_schema_is_brought_forward),
		TEST(alarms_of_an_older_schema_get_their_machine),
		TEST(a_history_that_cannot_be_brought_forward_stays_as_it_was),
		TEST(names_that_keep_nothing_are_refused),
		TEST(a_missing_folder_is_said),
		TEST(a_damaged_history_is_infrastructure),
		TEST(what_cannot_be_written_is_said),
		TEST(the_columns_say_what_the_run_says),
		TEST(views_have_the_columns_that_are_documented),
		TEST(what_cannot_be_written_whole_is_not_written),
		TEST(every_run_of_several_writers_is_there),
		TEST(several_may_make_one_history_at_once),
		TEST(opening_waits_for_a_reader_of_the_old_journal),
		TEST(a_killed_writer_loses_nothing_that_was_acknowledged),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
