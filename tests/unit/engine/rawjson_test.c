#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "engine/rawjson.h"

#include <string.h>

/* What data/buildx-failed-run.rawjson was recorded from (buildx 0.13, Docker 20.10). */
static const char dockerfile[] = "FROM assay-fixture/base:1 AS one\n"
				 "ARG V=1\n"
				 "WORKDIR /w\n"
				 "RUN --mount=type=cache,target=/c echo hi $V; \\\n"
				 "  echo err >&2\n"
				 "FROM one\n"
				 "COPY --from=one /w /x\n"
				 "RUN python3 -c \"assert 0, \\\"Wrong CUDA: 12.6\\\"\"\n";

struct trial {
	struct arena *arena;
	struct build_request request;
	struct build__log log;
	struct rawjson raw;
};

static int setup(void **state)
{
	static struct trial trial;

	trial = (struct trial){.arena = arena_new()};
	trial.request.dockerfile_text = dockerfile;
	build__log_init(&trial.log, &trial.request, false, trial.arena);
	rawjson_init(&trial.raw, &trial.log);
	*state = &trial;
	return 0;
}

static int teardown(void **state)
{
	struct trial *t = *state;

	rawjson_done(&t->raw);
	build__log_done(&t->log);
	arena_free(t->arena);
	return 0;
}

static void feed(struct trial *t, const char *text, size_t len, size_t piece)
{
	struct err err = {0};

	for (size_t from = 0; from < len; from += piece) {
		size_t now = piece < len - from ? piece : len - from;

		if (rawjson_feed(&t->raw, text + from, now, &err) < 0)
			fail_msg("%s", err.msg);
	}
}

static void check_recorded(struct trial *t, size_t piece)
{
	struct build__log *log = &t->log;
	struct buf text;
	const char *message;

	buf_init(&text, 1 << 20);
	assert_int_equal(
		file_read(TEST_DATA "/unit/engine/data/buildx-failed-run.rawjson", &text, NULL), 0);
	feed(t, text.data, text.len, piece);
	buf_done(&text);
	message = rawjson_failure(&t->raw);
	assert_non_null(message);
	assert_true(build__is_command(message));
	assert_int_equal(log->count, 5);
	assert_string_equal(log->steps[1].stage, "one");
	assert_int_equal(log->steps[1].line, 3);
	assert_int_equal(log->steps[2].line, 4);
	assert_int_equal(log->steps[3].line, 7);
	assert_int_equal(log->steps[4].number, 2);
	assert_int_equal(log->steps[4].total, 2);
	assert_string_equal(log->steps[4].stage, "stage-1");
	assert_int_equal(log->steps[4].line, 8);
	assert_true(log->steps[4].failed);
	assert_false(log->steps[2].failed);
	assert_true(log->steps[2].duration_ns > 0);
	assert_non_null(strstr(buf_str(&log->tail), "AssertionError: Wrong CUDA: 12.6"));
	assert_null(strstr(buf_str(&log->tail), "hi 1")); /* another step's output */
}

static void reads_a_recorded_failure(void **state)
{
	check_recorded(*state, 1 << 20);
}

static void reads_it_byte_by_byte(void **state)
{
	check_recorded(*state, 1);
}

static void the_step_that_failed_comes_last_and_is_not_a_cancelled_one(void **state)
{
	static const char text[] =
		"{\"vertexes\":[{\"digest\":\"a\",\"name\":\"[2/3] RUN a\",\"started\":\"x\"},"
		"{\"digest\":\"b\",\"name\":\"[3/3] RUN b\",\"started\":\"x\"},"
		"{\"digest\":\"c\",\"name\":\"exporting to image\",\"started\":\"x\"}]}\n"
		"{\"vertexes\":[{\"digest\":\"b\",\"name\":\"[3/3] RUN b\",\"started\":\"x\","
		"\"completed\":\"y\",\"error\":\"context canceled\"}]}\n"
		"{\"vertexes\":[{\"digest\":\"a\",\"name\":\"[2/3] RUN a\",\"started\":\"x\","
		"\"completed\":\"y\",\"error\":\"exit code: 3\"}]}\n";
	struct trial *t = *state;

	feed(t, text, sizeof(text) - 1, sizeof(text));
	assert_string_equal(rawjson_failure(&t->raw), "exit code: 3");
	assert_int_equal(t->log.count, 2);
	assert_string_equal(t->log.steps[1].instruction, "RUN a");
	assert_true(t->log.steps[1].failed);
}

static void takes_the_client_s_own_words(void **state)
{
	static const char text[] = "{\"vertexes\":[]}\nDockerfile:2\nERROR: failed to solve: "
				   "dockerfile parse error line 2: unknown instruction: RNU";
	struct trial *t = *state;

	feed(t, text, sizeof(text) - 1, 7);
	assert_string_equal(
		rawjson_failure(&t->raw),
		"failed to solve: dockerfile parse error line 2: unknown instruction: RNU");
}

static void marks_cached_steps(void **state)
{
	static const char text[] =
		"{\"vertexes\":[{\"digest\":\"a\",\"name\":\"[stage-0 2/2] RUN a\","
		"\"started\":\"x\",\"completed\":\"y\",\"cached\":true}]}";
	struct trial *t = *state;

	feed(t, text, sizeof(text) - 1, 3);
	assert_int_equal(t->log.count, 1);
	assert_true(t->log.steps[0].cached);
	assert_null(rawjson_failure(&t->raw));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_a_recorded_failure),
		TEST(reads_it_byte_by_byte),
		TEST(the_step_that_failed_comes_last_and_is_not_a_cancelled_one),
		TEST(takes_the_client_s_own_words),
		TEST(marks_cached_steps),
	};

	return cmocka_run_group_tests_name("engine/rawjson", tests, NULL, NULL);
}
