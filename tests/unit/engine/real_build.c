/*
 * Against the engine of DOCKER_HOST, which holds assay-fixture/base:1. Skips (77) without one,
 * fails when REQUIRE_DOCKER is set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "engine/sweep_private.h"
#include "parse/tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct engine *engine;
static char tag[64];

struct context {
	struct buf tar;
	size_t from;
	struct buf log;
};

static ssize_t read_context(void *payload, void *data, size_t len, struct err *err)
{
	struct context *context = payload;
	size_t left = context->tar.len - context->from;

	(void)err;
	if (len > left)
		len = left;
	memcpy(data, context->tar.data + context->from, len);
	context->from += len;
	return (ssize_t)len;
}

static void keep_log(void *payload, const char *data, size_t len)
{
	buf_add(&((struct context *)payload)->log, data, len);
}

static void add_file(struct buf *tar, const char *path, const char *text)
{
	static const char zeros[TAR_BLOCK];
	const struct tar_entry entry = {
		.path = path, .type = TAR_FILE, .mode = 0644, .size = strlen(text)};

	tar_header(&entry, tar);
	buf_addstr(tar, text);
	buf_add(tar, zeros, tar_padding(entry.size));
}

static int build(const char *dockerfile, bool buildkit, struct arena *arena, struct build *out,
		 struct err *err)
{
	struct context context = {0};
	struct build_request request = {
		.dockerfile = "Dockerfile",
		.tag = tag,
		.network = "none",
		.buildkit = buildkit,
		.timeout_ns = 100 * NS_PER_S,
		.dockerfile_text = dockerfile,
		.read = read_context,
		.log = keep_log,
		.payload = &context,
	};
	int rc;

	buf_init(&context.tar, 1 << 20);
	buf_init(&context.log, 1 << 20);
	add_file(&context.tar, "Dockerfile", dockerfile);
	add_file(&context.tar, "hello", "hello\n");
	tar_end(&context.tar);
	rc = engine_build(engine, &request, arena, out, err);
	if (rc < 0)
		(void)fprintf(stderr, "%s\n%s\n", err->msg, buf_str(&context.log));
	buf_done(&context.tar);
	buf_done(&context.log);
	return rc;
}

static void remove_image(const char *id)
{
	struct buf path;

	buf_init(&path, ENGINE_PATH_MAX);
	buf_addstr(&path, "/images/");
	engine__encode_path(id, &path);
	assert_int_equal(engine__call(engine, "DELETE", buf_str(&path), NULL, 200, 0, NULL, NULL),
			 0);
	buf_done(&path);
}

static void check_success(bool buildkit)
{
	static const char dockerfile[] = "FROM assay-fixture/base:1\nCOPY hello /hello\n"
					 "ENV GREETING=hi\n# remark\n"
					 "RUN test \"$(cat /hello)\" = hello \\\n && true\n";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct image_config image;
	struct build first = {0}, second = {0};
	struct err err = {0};

	assert_int_equal(build(dockerfile, buildkit, arena, &first, &err), 0);
	assert_false(first.failed);
	assert_true(first.step_count >= 3);
	assert_int_equal(first.steps[first.step_count - 1].line, 5);
	assert_int_equal(engine_image(engine, first.image_id, arena, &image, &err), 0);
	assert_string_equal(image.id, first.image_id);
	assert_string_equal(image.env.items[image.env.count - 1], "GREETING=hi");
	assert_int_equal(build(dockerfile, buildkit, arena, &second, &err), 0);
	assert_string_equal(second.image_id, first.image_id);
	assert_true(second.steps[second.step_count - 1].cached);
	remove_image(tag);
}

static void check_failure(bool buildkit)
{
	static const char dockerfile[] =
		"FROM assay-fixture/base:1\nRUN echo \"Step 3/3 : RUN nonsense\"\n"
		"RUN python3 -c 'assert False, \"Wrong CUDA: 12.6\"'\n";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct build out = {0};
	struct err err = {0};

	assert_int_equal(build(dockerfile, buildkit, arena, &out, &err), 0);
	assert_true(out.failed);
	assert_null(out.image_id);
	assert_int_equal(out.step_count, 3);
	assert_true(out.steps[2].failed);
	assert_int_equal(out.steps[2].line, 3);
	assert_string_equal(out.message, "AssertionError: Wrong CUDA: 12.6");
}

static void check_bad_dockerfile(bool buildkit)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct build out = {0};
	struct err err = {0};

	assert_int_equal(
		build("FROM assay-fixture/base:1\nRNU true\n", buildkit, arena, &out, &err), 0);
	assert_true(out.failed);
	assert_int_equal(out.steps[out.step_count - 1].line, 2);
	assert_non_null(strcasestr(out.message, "unknown instruction: "));
}

static void need_buildkit(void)
{
	if (!engine_has_buildkit(engine)) {
		print_message("skipped: %s\n", strcmp(engine_info(engine)->name, "podman") == 0
						       ? "podman has no BuildKit"
						       : "docker buildx is not installed");
		skip();
	}
}

static void builds_an_image_and_finds_it_again(void **state)
{
	(void)state;
	check_success(false);
}

static void network_none_isolates(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct build out = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(build("FROM assay-fixture/base:1\n"
			       "RUN test \"$(tail -n +3 /proc/net/dev | grep -vc ' lo:')\" = 0\n",
			       false, arena, &out, &err),
			 0);
	assert_false(out.failed);
	remove_image(tag);
}

static void says_which_step_failed(void **state)
{
	(void)state;
	check_failure(false);
}

static void says_which_line_does_not_parse(void **state)
{
	(void)state;
	check_bad_dockerfile(false);
}

static void buildkit_builds_an_image(void **state)
{
	(void)state;
	need_buildkit();
	check_success(true);
}

static void buildkit_says_which_step_failed(void **state)
{
	(void)state;
	need_buildkit();
	check_failure(true);
}

static void buildkit_says_which_line_does_not_parse(void **state)
{
	(void)state;
	need_buildkit();
	check_bad_dockerfile(true);
}

static void a_base_that_is_nowhere_is_no_success(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct build out = {0};
	struct err err = {0};
	int rc = build("FROM assay-fixture/does-not-exist:1\nRUN true\n", false, arena, &out, &err);

	(void)state;
	/* Without a registry in reach it is the network's fault, with one the Dockerfile's. */
	assert_true(rc < 0 ? err.code == ERR_INFRA : out.failed);
}

static void add_labels(struct json *labels_out, const char *lock)
{
	char boot[SWEEP_NAME_MAX], host[SWEEP_NAME_MAX];

	engine__boot_id(boot);
	engine__host_name(host);
	json_add_str(labels_out, SWEEP_LOCK, lock);
	json_add_str(labels_out, SWEEP_BOOT, boot);
	json_add_str(labels_out, SWEEP_HOST, host);
}

static void a_dead_owner_s_container_is_swept(void **state)
{
	CLEANUP(json_freep) struct json *body = json_new_object();
	CLEANUP(json_freep) struct json *answer = NULL;
	unsigned removed = 0;
	char path[128];

	(void)state;
	json_add_str(body, "Image", "assay-fixture/base:1");
	json_add_str(json_add_object(body, "HostConfig"), "NetworkMode", "none");
	json_add_str(body, "Entrypoint", "true");
	add_labels(json_add_object(body, "Labels"), "/nonexistent/assay/lock");
	assert_int_equal(
		engine__call(engine, "POST", "/containers/create", body, 201, 0, &answer, NULL), 0);
	assert_int_equal(engine_sweep(engine, &removed, NULL), 0);
	assert_true(removed >= 1);
	(void)snprintf(path, sizeof(path), "/containers/%.64s/json", json_str(answer, "Id", ""));
	assert_int_equal(engine__call(engine, "GET", path, NULL, 404, 0, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builds_an_image_and_finds_it_again),
		cmocka_unit_test(network_none_isolates),
		cmocka_unit_test(says_which_step_failed),
		cmocka_unit_test(says_which_line_does_not_parse),
		cmocka_unit_test(buildkit_builds_an_image),
		cmocka_unit_test(buildkit_says_which_step_failed),
		cmocka_unit_test(buildkit_says_which_line_does_not_parse),
		cmocka_unit_test(a_base_that_is_nowhere_is_no_success),
		cmocka_unit_test(a_dead_owner_s_container_is_swept),
	};
	struct err err = {0};
	int failures;

	if (!getenv("DOCKER_HOST")) {
		(void)fprintf(stderr, "skipped: DOCKER_HOST is not set\n");
		return getenv("REQUIRE_DOCKER") ? 1 : 77;
	}
	(void)snprintf(tag, sizeof(tag), "assay-test/build:%d", (int)getpid());
	if (engine_open(NULL, &engine, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	failures = cmocka_run_group_tests_name("engine/real_build", tests, NULL, NULL);
	engine_close(engine);
	return failures;
}
