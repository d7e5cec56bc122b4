#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../http/stub_server.h"
#include "base/units.h"
#include "engine/engine.h"
#include "engine/stream_json.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define OPENING                                                                                    \
	{.match = "/_ping", .answer = HEAD "OK"},                                                  \
		{.match = "/version",                                                              \
		 .answer = HEAD "{\"Version\":\"1\",\"ApiVersion\":\"1.41\",\"Components\":[]}"},  \
	{                                                                                          \
		.match = "/info", .answer = HEAD "{}"                                              \
	}
#define INSPECT(id)                                                                                \
	{                                                                                          \
		.match = "/images/t:1/json", .answer = HEAD "{\"Id\":\"" id "\"}"                  \
	}

/* As Docker 20.10 writes it. */
#define STEPS                                                                                      \
	"{\"stream\":\"Step 1/3 : FROM base:1\"}\r\n{\"stream\":\"\\n\"}\r\n"                      \
	"{\"stream\":\" ---\\u003e 865e22eab25b\\n\"}\r\n"                                         \
	"{\"stream\":\"Step 2/3 : RUN echo\"}\r\n{\"stream\":\"\\n\"}\r\n"                         \
	"{\"stream\":\" ---\\u003e Using cache\\n\"}\r\n"                                          \
	"{\"stream\":\"Step 3/3 : RUN python3 check.py\"}\r\n{\"stream\":\"\\n\"}\r\n"             \
	"{\"stream\":\" ---\\u003e Running in af2e38e73b29\\n\"}\r\n"
#define GOOD                                                                                       \
	STEPS "{\"stream\":\"fine \\u0000 \\u00e9 \\\"}{\\n\"}\r\n"                                \
	      "{\"aux\":{\"ID\":\"sha256:ab\"}}\r\n{\"stream\":\"Successfully built ab\\n\"}\r\n"
#define BAD                                                                                        \
	STEPS "{\"stream\":\"\\u001b[91mTraceback (most recent call last):\\nAssertionError: "     \
	      "Wrong CUDA: 12.6\\n\\u001b[0m\"}\r\n{\"errorDetail\":{\"code\":1,\"message\":"      \
	      "\"The command '/bin/sh -c python3 check.py' returned a non-zero code: 1\"},"        \
	      "\"error\":\"x\"}\r\n"
#define WORDS(text) "{\"errorDetail\":{\"message\":\"" text "\"},\"error\":\"" text "\"}\r\n"

static const char dockerfile[] = "FROM base:1\n# remark\nRUN echo\nRUN python3 \\\n  check.py\n";

struct trial {
	struct stub *stub;
	struct engine *engine;
	struct arena *arena;
	struct build build;
	struct err err;
	size_t context_left;
	struct buf log;
	unsigned began, ended;
	int rc;
};

static ssize_t read_context(void *payload, void *data, size_t len, struct err *err)
{
	struct trial *trial = payload;

	(void)err;
	if (len > trial->context_left)
		len = trial->context_left;
	memset(data, 0, len);
	trial->context_left -= len;
	return (ssize_t)len;
}

static void keep_log(void *payload, const char *data, size_t len)
{
	buf_add(&((struct trial *)payload)->log, data, len);
}

static void count_step(void *payload, const struct step *step)
{
	struct trial *trial = payload;

	trial->began += step->duration_ns == 0;
	trial->ended += step->duration_ns != 0;
}

static void build(struct trial *trial, const struct stub_rule *rules)
{
	struct build_request request = {
		.dockerfile = "Dockerfile",
		.tag = "t:1",
		.network = "none",
		.timeout_ns = 20 * NS_PER_S,
		.dockerfile_text = dockerfile,
		.read = read_context,
		.log = keep_log,
		.progress = count_step,
		.payload = trial,
	};
	char host[128];

	*trial = (struct trial){.context_left = 4096, .arena = arena_new()};
	buf_init(&trial->log, 1 << 20);
	trial->stub = stub_start(rules);
	(void)snprintf(host, sizeof(host), "unix://%s", trial->stub->path);
	if (engine_open(host, &trial->engine, &trial->err) < 0)
		fail_msg("%s", trial->err.msg);
	trial->rc = engine_build(trial->engine, &request, trial->arena, &trial->build, &trial->err);
}

static void done(struct trial *trial)
{
	engine_close(trial->engine);
	stub_stop(trial->stub);
	buf_done(&trial->log);
	arena_free(trial->arena);
}

static void build_with(struct trial *trial, const char *answer, size_t piece)
{
	const struct stub_rule rules[] = {
		OPENING,
		INSPECT("sha256:ab"),
		{.match = "/build", .answer = answer, .piece = piece},
		{0},
	};

	build(trial, rules);
}

static void returns_the_image_and_its_steps(void **state)
{
	struct trial t;

	(void)state;
	build_with(&t, HEAD GOOD, 0);
	assert_int_equal(t.rc, 0);
	assert_false(t.build.failed);
	assert_string_equal(t.build.builder, "classic");
	assert_string_equal(t.build.image_id, "sha256:ab");
	assert_string_equal(t.build.image_tag, "t:1");
	assert_int_equal(t.build.step_count, 3);
	assert_int_equal(t.build.steps[1].line, 3);
	assert_true(t.build.steps[1].cached);
	assert_int_equal(t.build.steps[2].line, 4);
	assert_false(t.build.steps[2].cached);
	assert_string_equal(t.build.steps[2].instruction, "RUN python3 check.py");
	assert_true(t.build.steps[2].duration_ns > 0);
	assert_int_equal(t.began, 3);
	assert_int_equal(t.ended, 3);
	assert_non_null(strstr(buf_str(&t.log), "Step 3/3 : RUN python3 check.py\n"));
	assert_non_null(strstr(t.stub->requests, "networkmode=none"));
	assert_non_null(strstr(t.stub->requests, "t=t%3A1"));
	done(&t);
}

static void does_not_depend_on_how_the_output_is_cut(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 8; piece += 3) {
		struct trial t;

		build_with(&t, HEAD GOOD, piece);
		assert_int_equal(t.rc, 0);
		assert_string_equal(t.build.image_id, "sha256:ab");
		assert_int_equal(t.build.step_count, 3);
		done(&t);
	}
}

static void says_which_step_failed_and_why(void **state)
{
	struct trial t;

	(void)state;
	build_with(&t, HEAD BAD, 0);
	assert_int_equal(t.rc, 0);
	assert_true(t.build.failed);
	assert_null(t.build.image_id);
	assert_int_equal(t.build.step_count, 3);
	assert_true(t.build.steps[2].failed);
	assert_int_equal(t.build.steps[2].line, 4);
	assert_string_equal(t.build.message, "AssertionError: Wrong CUDA: 12.6");
	done(&t);
}

static void a_failure_without_a_command_is_told_by_the_engine(void **state)
{
	struct trial t;

	(void)state;
	build_with(&t, HEAD STEPS WORDS("COPY failed: stat nope: file does not exist"), 0);
	assert_int_equal(t.rc, 0);
	assert_true(t.build.failed);
	assert_string_equal(t.build.message, "COPY failed: stat nope: file does not exist");
	done(&t);
	build_with(&t, HEAD STEPS WORDS("pull access denied for x, repository does not exist"), 0);
	assert_int_equal(t.rc, 0);
	assert_true(t.build.failed);
	done(&t);
}

static void expect_infra(const char *answer, const char *words)
{
	struct trial t;

	build_with(&t, answer, 0);
	assert_int_equal(t.rc, -1);
	assert_int_equal(t.err.code, ERR_INFRA);
	assert_int_equal(t.build.step_count, 0); /* untouched */
	if (!strstr(t.err.msg, words))
		fail_msg("\"%s\" lacks \"%s\"", t.err.msg, words);
	done(&t);
}

static void a_broken_engine_is_no_failed_build(void **state)
{
	(void)state;
	expect_infra(CHUNKED "2f\r\n{\"stream\":\"Step 1/3 : FROM base:1\"}\n", "ended after");
	expect_infra(HEAD STEPS, "neither an image id nor an error");
	expect_infra(HEAD STEPS "{\"aux\":{\"ID\":\"sha256:ab\"}}{\"stre", "neither an image id");
	expect_infra(HEAD "<html>", "not JSON");
	expect_infra(HEAD STEPS WORDS("write /x: no space left on device"), "no space left");
	expect_infra(HEAD STEPS WORDS("error creating overlay mount to /y"), "step 3/3 (line 4");
	expect_infra(HEAD STEPS WORDS("Get https://r/v2/: dial tcp: lookup r: no such host"),
		     "dial tcp");
	expect_infra("HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n{\"message\":\"boom\"}",
		     "boom");
}

static void a_command_that_cannot_start_is_a_failed_build(void **state)
{
	struct trial t;

	(void)state;
	build_with(
		&t,
		HEAD STEPS WORDS("failed to create shim task: OCI runtime create failed: exec: "
				 "\\\"/nope\\\": stat /nope: no such file or directory: unknown"),
		0);
	assert_int_equal(t.rc, 0);
	assert_true(t.build.failed);
	done(&t);
	expect_infra(HEAD STEPS WORDS("failed to create shim task: OCI runtime create failed: "
				      "unable to apply cgroup configuration"),
		     "cgroup");
}

static void points_at_a_line_that_does_not_parse(void **state)
{
	struct trial t;

	(void)state;
	build_with(&t,
		   "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{\"message\":"
		   "\"dockerfile parse error line 3: unknown instruction: RNU\"}",
		   0);
	assert_int_equal(t.rc, 0);
	assert_true(t.build.failed);
	assert_int_equal(t.build.step_count, 1);
	assert_int_equal(t.build.steps[0].line, 3);
	assert_true(t.build.steps[0].failed);
	assert_string_equal(t.build.message,
			    "dockerfile parse error line 3: unknown instruction: RNU");
	done(&t);
}

static void the_tag_must_be_the_image_that_was_built(void **state)
{
	const struct stub_rule other[] = {
		OPENING,
		INSPECT("sha256:cd"),
		{.match = "/build", .answer = HEAD GOOD},
		{0},
	};
	const struct stub_rule gone[] = {
		OPENING,
		{.match = "/build", .answer = HEAD GOOD},
		{.match = "/images/t:1/json",
		 .answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
		{0},
	};
	struct trial t;

	(void)state;
	build(&t, other);
	assert_int_equal(t.rc, -1);
	assert_int_equal(t.err.code, ERR_INFRA);
	assert_non_null(strstr(t.err.msg, "another build uses the same tag"));
	done(&t);
	build(&t, gone);
	assert_int_equal(t.rc, -1);
	assert_int_equal(t.err.code, ERR_INFRA);
	done(&t);
}

static void a_command_cannot_pretend_to_be_a_step(void **state)
{
	struct trial t;

	(void)state;
	build_with(&t,
		   HEAD "{\"stream\":\"Step 1/3 : FROM base:1\\n\"}"
			"{\"stream\":\"Step 3/3 : RUN python3\\nStep 2/9 : RUN x\\nStep 2/3 : COPY "
			"x y\\n\"}"
			"{\"stream\":\"Step 2/3 : RUN echo\\n\"}{\"aux\":{\"ID\":\"sha256:ab\"}}",
		   0);
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.build.step_count, 2);
	assert_int_equal(t.build.steps[1].number, 2);
	done(&t);
}

#define PODMAN                                                                                     \
	{.match = "/_ping", .answer = HEAD "OK"},                                                  \
		{.match = "/version",                                                              \
		 .answer = HEAD "{\"ApiVersion\":\"1.41\","                                        \
				"\"Components\":[{\"Name\":\"Podman Engine\"}]}"},                 \
	{                                                                                          \
		.match = "/info", .answer = HEAD "{}"                                              \
	}
#define PROBED(status) "{\"error\":\"while running runtime: exit status " status "\"}"

/* As podman 4.3 writes it, with two stages: it counts by stage. */
static void reads_podman_s_steps(void **state)
{
	const struct stub_rule rules[] = {
		PODMAN,
		{.match = "layers=0", .answer = HEAD PROBED("4")},
		INSPECT("sha256:ab"),
		{.match = "/build",
		 .answer = HEAD "{\"stream\":\"[1/2] STEP 1/2: FROM base:1 AS a\\n\"}"
				"{\"stream\":\"[1/2] STEP 2/2: RUN echo\\n\"}"
				"{\"stream\":\"--\\u003e Using cache bd1d\\n\"}"
				"{\"stream\":\"[2/2] STEP 1/2: FROM base:1\\nStep 2/2 : RUN x\\n\"}"
				"{\"stream\":\"[2/2] STEP 2/2: COPY --from=a /x /x\\n\"}"
				"{\"aux\":{\"ID\":\"sha256:ab\"}}"},
		{0},
	};
	struct trial t;

	(void)state;
	build(&t, rules);
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.build.step_count, 4);
	assert_true(t.build.steps[1].cached);
	assert_int_equal(t.build.steps[3].number, 2);
	assert_string_equal(t.build.steps[3].stage, "2");
	assert_non_null(strstr(t.stub->requests, "ulimits=%5B%22nofile%3D"));
	assert_non_null(strstr(t.stub->requests, "networkmode=NetworkDisabled"));
	assert_non_null(strstr(t.stub->requests, "Host%22%3Afalse"));
	done(&t);
}

static void does_not_build_where_podman_ignores_the_network(void **state)
{
	const struct stub_rule open[] = {
		PODMAN,
		{.match = "layers=0", .answer = HEAD PROBED("3")},
		{0},
	};
	const struct stub_rule silent[] = {
		PODMAN,
		{.match = "layers=0", .answer = HEAD "{\"stream\":\"exit status 4\"}"},
		{0},
	};
	struct trial t;

	(void)state;
	build(&t, open);
	assert_int_equal(t.rc, -1);
	assert_int_equal(t.err.code, ERR_INFRA);
	assert_non_null(strstr(t.err.msg, "lets builds reach the host's network"));
	done(&t);
	build(&t, silent);
	assert_int_equal(t.rc, -1);
	assert_int_equal(t.err.code, ERR_INFRA);
	assert_non_null(strstr(t.err.msg, "does not say whether"));
	done(&t);
}

static int count_object(void *payload, const struct json *object, struct err *err)
{
	(void)object;
	(void)err;
	(*(unsigned *)payload)++;
	return 0;
}

static void splits_objects_at_every_byte(void **state)
{
	static const char text[] = " {\"a\":\"}\\\"{\\\\\"}\r\n{\"b\":[{},{\"c\":\"\\u0000\"}]}{}";
	const size_t len = sizeof(text) - 1;

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		struct stream_json stream;
		unsigned count = 0;

		stream_json_init(&stream, count_object, &count);
		assert_int_equal(stream_json_feed(&stream, text, cut, NULL), 0);
		assert_int_equal(stream_json_feed(&stream, text + cut, len - cut, NULL), 0);
		assert_int_equal(count, 3);
		assert_false(stream_json_cut(&stream));
		stream_json_done(&stream);
	}
}

static void bounds_one_object(void **state)
{
	struct stream_json stream;
	char block[4096];
	unsigned count = 0;
	struct err err = {0};
	int rc;

	(void)state;
	memset(block, ' ', sizeof(block));
	stream_json_init(&stream, count_object, &count);
	rc = stream_json_feed(&stream, "{", 1, &err);
	for (size_t fed = 0; rc == 0 && fed <= STREAM_OBJECT_MAX; fed += sizeof(block))
		rc = stream_json_feed(&stream, block, sizeof(block), &err);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, ERR_INFRA);
	stream_json_done(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(returns_the_image_and_its_steps),
		cmocka_unit_test(does_not_depend_on_how_the_output_is_cut),
		cmocka_unit_test(says_which_step_failed_and_why),
		cmocka_unit_test(a_failure_without_a_command_is_told_by_the_engine),
		cmocka_unit_test(a_broken_engine_is_no_failed_build),
		cmocka_unit_test(a_command_that_cannot_start_is_a_failed_build),
		cmocka_unit_test(points_at_a_line_that_does_not_parse),
		cmocka_unit_test(the_tag_must_be_the_image_that_was_built),
		cmocka_unit_test(a_command_cannot_pretend_to_be_a_step),
		cmocka_unit_test(reads_podman_s_steps),
		cmocka_unit_test(does_not_build_where_podman_ignores_the_network),
		cmocka_unit_test(splits_objects_at_every_byte),
		cmocka_unit_test(bounds_one_object),
	};

	return cmocka_run_group_tests_name("engine/build", tests, NULL, NULL);
}
