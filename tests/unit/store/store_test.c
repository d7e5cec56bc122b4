/* What every store must do: one table of behaviours, run over the registry. */
#include "behave.h"

#include <math.h>

static enum err_code load_error(struct bench *bench, const char *id)
{
	struct run *run = NULL;
	struct err err = {0};

	assert_int_equal(bench->store->ops->load(bench->store, id, &run, &err), -1);
	assert_null(run);
	assert_true(strlen(err.msg) > 0);
	return err.code;
}

/* The ids of the rows that FILTER selects, "b a" */
static const char *ids(struct bench *bench, struct store_filter filter)
{
	const char *list = "";
	struct run_row *rows = NULL;
	size_t count = 0;
	struct err err = {0};

	if (bench->store->ops->runs(bench->store, &filter, bench->arena, &rows, &count, &err) < 0)
		fail_msg("%s: %s", bench->store->ops->name, err.msg);
	for (size_t i = 0; i < count; i++)
		list = arena_printf(bench->arena, "%s%s%s", list, i ? " " : "", rows[i].id);
	return list;
}

/* --- the behaviours -------------------------------------------------------------------------- */

static void an_empty_history_has_nothing(struct bench *bench)
{
	struct flip_row *rows = NULL;
	size_t count = 9;
	struct err err = {0};

	assert_string_equal(ids(bench, (struct store_filter){0}), "");
	assert_int_equal(bench->store->ops->flips(bench->store, &(struct store_filter){0},
						  bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 0);
	assert_int_equal(load_error(bench, "r1"), ERR_NOTFOUND);
	assert_int_equal(load_error(bench, ""), ERR_NOTFOUND);
}

static void a_run_loads_as_it_was_appended(struct bench *bench)
{
	struct run *run = sample_run("r1", "2026-11-23T05:51:00Z"), *back;
	char *before = sample_text(run), *after;

	append(bench, run);
	back = load(bench, "r1");
	after = sample_text(back);
	assert_string_equal(before, after);
	run_free(back);
	free(before);
	free(after);
}

static void rows_are_newest_first_and_limited(struct bench *bench)
{
	append(bench, sample_run("b", "2026-11-23T00:00:02Z"));
	append(bench, sample_run("a", "2026-11-23T00:00:01Z"));
	append(bench, sample_run("d", "2026-11-23T00:00:03Z"));
	append(bench, sample_run("c", "2026-11-23T00:00:03Z"));
	assert_string_equal(ids(bench, (struct store_filter){0}), "d c b a");
	assert_string_equal(ids(bench, (struct store_filter){.limit = 2}), "d c");
	assert_string_equal(ids(bench, (struct store_filter){.limit = SIZE_MAX}), "d c b a");
	assert_string_equal(ids(bench, (struct store_filter){.as_recorded = true}), "b a d c");
	assert_string_equal(ids(bench, (struct store_filter){.as_recorded = true, .limit = 2}),
			    "b a");
}

static void the_default_limit_is_a_hundred(struct bench *bench)
{
	struct run_row *rows = NULL;
	size_t count = 0;
	struct err err = {0};

	for (int i = 0; i < 101; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "r%03d", i);
		append(bench, sample_run(id, "2026-11-23T00:00:00Z"));
	}
	assert_int_equal(bench->store->ops->runs(bench->store, &(struct store_filter){0},
						 bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 100);
	assert_string_equal(rows[0].id, "r100");
	assert_string_equal(rows[99].id, "r001");
}

static void every_filter_selects(struct bench *bench)
{
	static const enum verdict verdicts[] = {VERDICT_PASS,  VERDICT_FAIL,  VERDICT_INCONCLUSIVE,
						VERDICT_INFRA, VERDICT_EMPTY, VERDICT_OPEN};
	static const char *const names[] = {"v0", "v1", "v2", "v3", "v4", "v5"};
	struct run *run = sample_run("other", "2026-11-23T00:00:09Z");

	run->suite = "other-suite";
	run->suite_hash = "other-hash";
	run->commit.hash = "other-commit";
	run->build.input_hash = NULL;
	run->build.image_id = NULL;
	append(bench, run);
	for (size_t i = 0; i < 6; i++) {
		run = sample_run(names[i], "2026-11-23T00:00:00Z");
		run->build.image_id = i == 3 ? "sha256:third" : "sha256:image";
		run->verdict = verdicts[i];
		append(bench, run);
	}
	assert_string_equal(ids(bench, (struct store_filter){.suite = "other-suite"}), "other");
	assert_string_equal(ids(bench, (struct store_filter){.suite = "incident", .limit = 1}),
			    "v5");
	assert_string_equal(ids(bench, (struct store_filter){.suite_hash = "other-hash"}), "other");
	assert_string_equal(ids(bench, (struct store_filter){.commit = "other-commit"}), "other");
	assert_string_equal(ids(bench, (struct store_filter){.commit = "other"}), "");
	assert_string_equal(ids(bench, (struct store_filter){.input_hash = "inputs"}),
			    "v5 v4 v3 v2 v1 v0");
	assert_string_equal(ids(bench, (struct store_filter){.image_id = "sha256:third"}), "v3");
	assert_string_equal(ids(bench, (struct store_filter){.with_image = true}),
			    "v5 v4 v3 v2 v1 v0");
	assert_string_equal(ids(bench, (struct store_filter){.completed = true}), "other v2 v1 v0");
	assert_string_equal(ids(bench, (struct store_filter){.completed = true,
							     .with_image = true,
							     .suite = "incident",
							     .suite_hash = "suite-hash",
							     .commit = "c0ffee",
							     .input_hash = "inputs"}),
			    "v2 v1 v0");
	assert_string_equal(ids(bench, (struct store_filter){.suite = "' OR 1 = 1 --"}), "");
}

static void a_row_is_the_cheap_part_of_its_run(struct bench *bench)
{
	struct run_row *rows = NULL;
	size_t count = 0;
	struct run *run = sample_run("r1", "2026-11-23T05:51:00Z");
	struct err err = {0};

	run->duration_ns = 5000000000;
	append(bench, run);
	assert_int_equal(bench->store->ops->runs(bench->store, &(struct store_filter){0},
						 bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 1);
	assert_string_equal(rows->started_at, "2026-11-23T05:51:00Z");
	assert_string_equal(rows->suite, "incident");
	assert_string_equal(rows->commit, "c0ffee");
	assert_string_equal(rows->subject, "use the new index");
	assert_int_equal(rows->verdict, VERDICT_FAIL);
	assert_string_equal(rows->reason, "torch: expected ==2.6.0, found 2.7.1");
	assert_string_equal(rows->image_id, "sha256:1");
	assert_int_equal(rows->duration_ns, 5000000000);
	assert_int_equal(rows->passed, 1);
	assert_int_equal(rows->failed, 1);
	assert_int_equal(rows->other, 1);
}

static void flips_are_what_regressed_or_was_fixed(struct bench *bench)
{
	static const enum flip flips[] = {FLIP_NONE, FLIP_REGRESSED, FLIP_FIXED,
					  FLIP_NEW,  FLIP_GONE,	     FLIP_STILL_FAILING};
	static const char *const names[] = {"c0", "c1", "c2", "c3", "c4", "c5"};
	struct run *run = run_new(), *other = sample_run("r1", "2026-11-23T00:00:01Z");
	struct flip_row *rows = NULL;
	size_t count = 0;
	struct err err = {0};

	other->suite = "other-suite";
	append(bench, other);
	run->id = "r2";
	run->started_at = "2026-11-23T00:00:02Z";
	for (size_t i = 0; i < 6; i++) {
		struct case_result *result = run_add_case(run, names[i], "env");

		case_fail(result, "env/missing", "A", NULL, "the image", "set it");
		result->flip = flips[i];
	}
	append(bench, run);
	assert_int_equal(bench->store->ops->flips(bench->store, &(struct store_filter){0},
						  bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 3);
	assert_string_equal(rows[0].case_name, "c1");
	assert_int_equal(rows[0].flip, FLIP_REGRESSED);
	assert_string_equal(rows[0].label, "env/missing");
	assert_string_equal(rows[0].explanation, "expected A (the image): set it");
	assert_string_equal(rows[1].case_name, "c2");
	assert_int_equal(rows[1].flip, FLIP_FIXED);
	assert_string_equal(rows[2].run_id, "r1");
	assert_string_equal(rows[2].commit, "c0ffee");
	assert_int_equal(bench->store->ops->flips(bench->store,
						  &(struct store_filter){.suite = "other-suite"},
						  bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 1);
	assert_int_equal(bench->store->ops->flips(bench->store, &(struct store_filter){.limit = 1},
						  bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 1);
	assert_string_equal(rows[0].case_name, "c1");
}

static void appending_an_id_again_replaces_the_whole_run(struct bench *bench)
{
	struct run *run = run_new(), *back;
	struct flip_row *rows = NULL;
	size_t count = 0;
	struct err err = {0};

	append(bench, sample_run("r1", "2026-11-23T00:00:00Z"));
	run->id = "r1";
	run->verdict = VERDICT_INFRA;
	append(bench, run);
	assert_string_equal(ids(bench, (struct store_filter){0}), "r1");
	back = load(bench, "r1");
	assert_int_equal(back->verdict, VERDICT_INFRA);
	assert_int_equal(back->case_count, 0);
	run_free(back);
	assert_int_equal(bench->store->ops->flips(bench->store, &(struct store_filter){0},
						  bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 0);
}

static void a_unique_prefix_is_enough(struct bench *bench)
{
	struct run *run;

	append(bench, sample_run("2026a", "2026-11-23T00:00:00Z"));
	append(bench, sample_run("2026a1", "2026-11-23T00:00:00Z"));
	append(bench, sample_run("2026b7", "2026-11-23T00:00:00Z"));
	run = load(bench, "2026b");
	assert_string_equal(run->id, "2026b7");
	run_free(run);
	run = load(bench, "2026a"); /* exact, though also a prefix of another */
	assert_string_equal(run->id, "2026a");
	run_free(run);
	assert_int_equal(load_error(bench, "2026"), ERR_USAGE);
	assert_int_equal(load_error(bench, "2026c"), ERR_NOTFOUND);
	assert_int_equal(load_error(bench, "2026b77"), ERR_NOTFOUND);
	assert_int_equal(load_error(bench, "2026_"), ERR_NOTFOUND);
	assert_int_equal(load_error(bench, "%"), ERR_NOTFOUND);
}

static void what_was_not_measured_is_kept_as_unknown(struct bench *bench)
{
	struct run *run = run_new(), *back;
	struct metric *metric;

	run->id = "r1";
	metric = case_add_metric(run_add_case(run, "a", "command"), run->arena, "m", "s",
				 DIRECTION_LOWER);
	metric_add_sample(metric, run->arena, 1);
	metric_add_sample(metric, run->arena, NAN);
	append(bench, run);
	back = load(bench, "r1");
	assert_null(back->commit.hash);
	assert_null(back->build.image_id);
	assert_int_equal(back->cases[0].metrics[0].sample_count, 2);
	assert_true(back->cases[0].metrics[0].samples[0] == 1);
	assert_true(isnan(back->cases[0].metrics[0].samples[1]));
	run_free(back);
}

static void hostile_text_is_kept_as_text(struct bench *bench)
{
	struct run_row *rows = NULL;
	size_t count = 0;
	struct run *run = sample_run("r1", "2026-11-23T00:00:00Z"), *back;
	struct err err = {0};

	run->commit.subject = "'); DROP TABLE runs; -- \xff";
	run->cases[1].out = "\x1b[31m\x01\xc3(\n";
	append(bench, run);
	assert_int_equal(bench->store->ops->runs(bench->store, &(struct store_filter){0},
						 bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 1);
	back = load(bench, "r1");
	assert_string_equal(rows->subject, back->commit.subject);
	assert_int_equal(strncmp(back->commit.subject, "'); DROP TABLE runs; -- ", 24), 0);
	assert_int_equal(strncmp(back->cases[1].out, "\x1b[31m\x01", 6), 0);
	run_free(back);
}

static void a_run_without_id_is_refused(struct bench *bench)
{
	struct run *run = run_new();
	struct err err = {0};

	assert_int_equal(bench->store->ops->append(bench->store, run, &err), -1);
	assert_int_equal(err.code, ERR_BUG);
	run_free(run);
	assert_string_equal(ids(bench, (struct store_filter){0}), "");
}

static void a_run_too_large_to_read_back_is_refused(struct bench *bench)
{
	struct run *run = sample_run("r1", "2026-11-23T00:00:00Z");
	char *output = malloc(JSON_BYTES_MAX + 1);
	struct err err = {0};

	assert_non_null(output);
	memset(output, 'x', JSON_BYTES_MAX);
	output[JSON_BYTES_MAX] = '\0';
	run->cases[1].out = output;
	assert_int_equal(bench->store->ops->append(bench->store, run, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_string_equal(ids(bench, (struct store_filter){0}), "");
	run_free(run);
	free(output);
}

/* --- metrics --------------------------------------------------------------------------------- */

static void add_metric(struct run *run, const char *case_name, const char *name, const char *cell,
		       double value)
{
	struct case_result *result = run_add_case(run, case_name, "command");
	struct metric *metric = case_add_metric(result, run->arena, name, "ms", DIRECTION_LOWER);

	case_pass(result, "measured");
	metric->cell = cell;
	metric_add_sample(metric, run->arena, value);
	metric_add_sample(metric, run->arena, value + 0.5);
}

static void append_measured(struct bench *bench, const char *id, const char *started_at,
			    const char *cell, double value)
{
	struct run *run = sample_run(id, started_at);

	add_metric(run, "serve", "ttft", cell, value);
	append(bench, run);
}

/* "RUN:first sample RUN:…" of what FILTER selects. */
static const char *points(struct bench *bench, struct metric_filter filter)
{
	struct metric_row *rows = NULL;
	const char *list = "";
	size_t count = 0;
	struct err err = {0};

	if (bench->store->ops->metrics(bench->store, &filter, bench->arena, &rows, &count, &err) <
	    0)
		fail_msg("%s: %s", bench->store->ops->name, err.msg);
	for (size_t i = 0; i < count; i++)
		list = arena_printf(bench->arena, "%s%s%s:%g", list, i ? " " : "", rows[i].run_id,
				    rows[i].samples[0]);
	return list;
}

static void measurements_of_a_series_are_oldest_first(struct bench *bench)
{
	append_measured(bench, "b", "2026-11-23T00:00:02Z", NULL, 2);
	append_measured(bench, "a", "2026-11-23T00:00:01Z", NULL, 1);
	append_measured(bench, "c", "2026-11-24T00:00:00Z", NULL, 3);
	assert_string_equal(points(bench, (struct metric_filter){.metric = "ttft"}), "a:1 b:2 c:3");
	assert_string_equal(points(bench, (struct metric_filter){.metric = "ttft", .limit = 2}),
			    "b:2 c:3");
	assert_string_equal(
		points(bench, (struct metric_filter){.metric = "ttft", .since = "2026-11-24"}),
		"c:3");
	assert_string_equal(points(bench, (struct metric_filter){.metric = "ttft",
								 .since = "2026-11-23T00:00:02Z"}),
			    "b:2 c:3");
	assert_string_equal(points(bench, (struct metric_filter){.metric = "nosuch"}), "");
	assert_string_equal(
		points(bench, (struct metric_filter){.metric = "ttft", .case_name = "torch"}), "");
	assert_string_equal(points(bench, (struct metric_filter){.metric = "ttft", .suite = "x"}),
			    "");
}

static void cells_are_series_of_their_own(struct bench *bench)
{
	struct pair gpu = {"gpu", "H100"}, driver = {"driver", "570"}, word = {"cell", "rtx5090"};
	struct pair both[] = {gpu, driver};
	struct metric_filter filter = {.metric = "ttft"};
	struct pair many[METRIC_CELLS_MAX + 1];
	struct metric_row *rows = NULL;
	size_t count = 0;
	struct err err = {0};

	append_measured(bench, "a", "2026-11-23T00:00:01Z", "gpu=H100,driver=570", 1);
	append_measured(bench, "b", "2026-11-23T00:00:02Z", "gpu=H100,driver=575", 2);
	append_measured(bench, "c", "2026-11-23T00:00:03Z", "rtx5090", 3);
	append_measured(bench, "d", "2026-11-23T00:00:04Z", "gpu=H100,driver=570", 4);
	assert_string_equal(points(bench, filter), "a:1 d:4 b:2 c:3");
	filter.cells = (struct pairs){&gpu, 1};
	assert_string_equal(points(bench, filter), "a:1 d:4 b:2");
	filter.cells = (struct pairs){both, 2};
	assert_string_equal(points(bench, filter), "a:1 d:4");
	filter.cells = (struct pairs){&word, 1};
	assert_string_equal(points(bench, filter), "c:3");
	for (size_t i = 0; i <= METRIC_CELLS_MAX; i++)
		many[i] = gpu;
	filter.cells = (struct pairs){many, METRIC_CELLS_MAX + 1};
	assert_int_equal(bench->store->ops->metrics(bench->store, &filter, bench->arena, &rows,
						    &count, &err),
			 -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void a_measurement_says_all_of_itself(struct bench *bench)
{
	struct metric_row *rows = NULL;
	size_t count = 0;
	struct err err = {0};
	struct run *other = sample_run("b", "2026-11-23T00:00:02Z");

	append_measured(bench, "a", "2026-11-23T00:00:01Z", "rtx5090", 1);
	other->environment.items[0].value = "podman";
	add_metric(other, "serve", "ttft", "rtx5090", 2);
	append(bench, other);
	assert_int_equal(bench->store->ops->metrics(bench->store,
						    &(struct metric_filter){.metric = "ttft"},
						    bench->arena, &rows, &count, &err),
			 0);
	assert_int_equal(count, 2);
	assert_string_equal(rows[0].suite, "incident");
	assert_string_equal(rows[0].case_name, "serve");
	assert_string_equal(rows[0].metric, "ttft");
	assert_string_equal(rows[0].unit, "ms");
	assert_string_equal(rows[0].cell, "rtx5090");
	assert_string_equal(rows[0].commit, "c0ffee");
	assert_string_equal(rows[0].started_at, "2026-11-23T00:00:01Z");
	assert_int_equal(rows[0].direction, DIRECTION_LOWER);
	assert_int_equal(rows[0].sample_count, 2);
	assert_true(rows[0].samples[1] == 1.5);
	assert_true(rows[0].series == rows[1].series);
	assert_true(rows[0].environment != rows[1].environment);
}

static void replacing_a_run_replaces_its_measurements(struct bench *bench)
{
	append_measured(bench, "a", "2026-11-23T00:00:01Z", NULL, 1);
	append_measured(bench, "b", "2026-11-23T00:00:02Z", NULL, 2);
	append_measured(bench, "a", "2026-11-23T00:00:03Z", NULL, 7);
	assert_string_equal(points(bench, (struct metric_filter){.metric = "ttft"}), "b:2 a:7");
}

/* --- repeats --------------------------------------------------------------------------------- */

static void append_outcome(struct bench *bench, const char *image, const char *engine,
			   enum outcome outcome, const char *actual)
{
	static int serial;
	char id[16], at[32];
	struct run *run;
	struct case_result *result;

	(void)snprintf(id, sizeof(id), "s%06d", serial);
	(void)snprintf(at, sizeof(at), "2026-11-23T00:%02d:%02dZ", serial / 60 % 60, serial % 60);
	serial++;
	run = sample_run(id, at);
	run->build.image_id = image;
	run->environment.items[0].value = engine;
	result = run_add_case(run, "shaky", "command");
	if (outcome == OUTCOME_FAIL)
		case_fail(result, "command/exit-code", "exit 0", actual, "sh", NULL);
	else
		case_pass(result, actual);
	result->outcome = outcome;
	append(bench, run);
}

/* "IMAGE passed/failed/signatures" of case "shaky". */
static const char *repeats(struct bench *bench, struct store_filter filter)
{
	struct repeat_row *rows = NULL;
	const char *list = "";
	size_t count = 0;
	struct err err = {0};

	if (bench->store->ops->repeats(bench->store, &filter, bench->arena, &rows, &count, &err) <
	    0)
		fail_msg("%s: %s", bench->store->ops->name, err.msg);
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].case_name, "shaky") == 0)
			list = arena_printf(bench->arena, "%s%s%s %d/%d/%d", list,
					    *list ? ", " : "", rows[i].image_id,
					    (int)rows[i].passed, (int)rows[i].failed,
					    (int)rows[i].signatures);
	return list;
}

static void repeats_count_outcomes_of_one_image_and_environment(struct bench *bench)
{
	append_outcome(bench, "i1", "docker", OUTCOME_PASS, "ok");
	append_outcome(bench, "i1", "docker", OUTCOME_FAIL, "exit 1 after 250 ms");
	append_outcome(bench, "i1", "docker", OUTCOME_FAIL, "exit 1 after 31.5 ms");
	append_outcome(bench, "i1", "docker", OUTCOME_FAIL, "no answer");
	append_outcome(bench, "i1", "podman", OUTCOME_PASS, "ok");
	append_outcome(bench, "i2", "docker", OUTCOME_PASS, "ok");
	append_outcome(bench, "i2", "docker", OUTCOME_BROKEN, "ok");
	append_outcome(bench, NULL, "docker", OUTCOME_FAIL, "no image");
	assert_string_equal(repeats(bench, (struct store_filter){0}),
			    "i1 1/3/2, i2 1/0/0, i1 1/0/0");
	assert_string_equal(repeats(bench, (struct store_filter){.suite = "x"}), "");
	/* the window is the newest runs with an image: podman's, and both of i2 */
	assert_string_equal(repeats(bench, (struct store_filter){.limit = 3}), "");
}

static void append_attempts(struct bench *bench, const char *id, const char *reused_from,
			    const char *outcomes)
{
	struct run *run = sample_run(id, "2026-11-23T10:00:00Z");
	struct case_result *result = run_add_case(run, "shaky", "command");

	run->build.image_id = "i1";
	case_fail(result, "command/exit-code", "exit 0", "exit 1", "sh", NULL);
	result->reused_from = reused_from;
	case_add_attempt(result, result, run->arena);
	for (; *outcomes; outcomes++) {
		struct case_result again = {.outcome = *outcomes == 'p'	  ? OUTCOME_PASS
						       : *outcomes == 'f' ? OUTCOME_FAIL
						       : *outcomes == 't' ? OUTCOME_TIMEOUT
									  : OUTCOME_BROKEN,
					    .actual = "no answer"};

		case_add_attempt(result, &again, run->arena);
	}
	append(bench, run);
}

static void attempts_count_as_results_of_their_image(struct bench *bench)
{
	append_attempts(bench, "a1", NULL, "fbtp");
	assert_string_equal(repeats(bench, (struct store_filter){0}), "i1 1/2/2");
	append_attempts(bench, "a2", "a1", "fp"); /* taken over: it was counted there */
	assert_string_equal(repeats(bench, (struct store_filter){0}), "i1 1/2/2");
	append_attempts(bench, "a1", NULL, "f"); /* replaced with all it had */
	assert_string_equal(repeats(bench, (struct store_filter){0}), "i1 0/2/2");
}

static void timeouts_show_nothing(struct bench *bench)
{
	append_outcome(bench, "i1", "docker", OUTCOME_FAIL, "exit 1");
	append_outcome(bench, "i1", "docker", OUTCOME_TIMEOUT, "late");
	append_outcome(bench, "i1", "docker", OUTCOME_PASS, "ok");
	assert_string_equal(repeats(bench, (struct store_filter){0}), "i1 1/1/1");
}

/* --- over the registry ----------------------------------------------------------------------- */

static const struct behaviour behaviours[] = {
	BEHAVIOUR(an_empty_history_has_nothing),
	BEHAVIOUR(a_run_loads_as_it_was_appended),
	BEHAVIOUR(rows_are_newest_first_and_limited),
	BEHAVIOUR(the_default_limit_is_a_hundred),
	BEHAVIOUR(every_filter_selects),
	BEHAVIOUR(a_row_is_the_cheap_part_of_its_run),
	BEHAVIOUR(flips_are_what_regressed_or_was_fixed),
	BEHAVIOUR(appending_an_id_again_replaces_the_whole_run),
	BEHAVIOUR(a_unique_prefix_is_enough),
	BEHAVIOUR(what_was_not_measured_is_kept_as_unknown),
	BEHAVIOUR(hostile_text_is_kept_as_text),
	BEHAVIOUR(measurements_of_a_series_are_oldest_first),
	BEHAVIOUR(cells_are_series_of_their_own),
	BEHAVIOUR(a_measurement_says_all_of_itself),
	BEHAVIOUR(replacing_a_run_replaces_its_measurements),
	BEHAVIOUR(repeats_count_outcomes_of_one_image_and_environment),
	BEHAVIOUR(attempts_count_as_results_of_their_image),
	BEHAVIOUR(timeouts_show_nothing),
	BEHAVIOUR(a_run_without_id_is_refused),
	BEHAVIOUR(a_run_too_large_to_read_back_is_refused),
};

static void an_unknown_scheme_names_what_it_is(void **state)
{
	struct store *store = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(store_open("nosuch://host/db", &store, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "nosuch:"));
	assert_null(store);
}

static void every_store_is_complete(void **state)
{
	(void)state;
	assert_non_null(store_kinds[0]);
	for (size_t i = 0; store_kinds[i]; i++) {
		const struct store_ops *ops = store_kinds[i];

		assert_non_null(ops->name);
		assert_non_null(ops->summary);
		assert_non_null(ops->scheme);
		assert_true(ops->open && ops->close && ops->append && ops->load && ops->runs &&
			    ops->flips && ops->metrics && ops->repeats && ops->put_alarm &&
			    ops->alarms && ops->put_quarantine && ops->quarantines &&
			    ops->put_trial && ops->trials && ops->prune);
	}
	store_close(NULL);
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(an_unknown_scheme_names_what_it_is),
		cmocka_unit_test(every_store_is_complete),
	};

	return behave_main(behaviours, sizeof(behaviours) / sizeof(behaviours[0]), others,
			   sizeof(others) / sizeof(others[0]));
}
