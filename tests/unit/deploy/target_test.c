/* A target on the engine of DOCKER_HOST, whose shared container is killed. 77 without an engine. */
#include "deploy/deploy.h"

#include "base/units.h"
#include "engine/engine_private.h"
#include "engine/sweep_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct engine *engine;
static struct arena *arena;
static char lock[64];

static int run(const struct target *target, struct err *err)
{
	static const char *const argv[] = {"true"};
	const struct command command = {.argv = {(const char **)(uintptr_t)argv, 1},
					.timeout_ns = 60 * NS_PER_S};
	struct command_result result;

	*err = (struct err){0};
	if (target->ops->run(target->self, &command, arena, &result, err) < 0)
		return -1;
	assert_int_equal(result.exit_code, 0);
	return 0;
}

/* Kill what carries our lock; how many that were. */
static unsigned kill_containers(void)
{
	CLEANUP(json_freep) struct json *list = NULL;
	unsigned killed = 0;
	struct buf path;

	buf_init(&path, ENGINE_PATH_MAX);
	buf_addstr(&path, "/containers/json?filters=");
	http_encode(arena_printf(arena, "{\"label\":[\"" SWEEP_LOCK "=%s\"]}", lock), &path);
	assert_int_equal(engine__call(engine, "GET", buf_str(&path), NULL, 200, 0, &list, NULL), 0);
	buf_done(&path);
	for (const struct json *c = json_first(list); c; c = json_next(c)) {
		const char *kill =
			arena_printf(arena, "/containers/%s/kill", json_str(c, "Id", ""));

		killed += engine__call(engine, "POST", kill, NULL, 204, 0, NULL, NULL) == 0;
	}
	return killed;
}

static void a_killed_container_is_replaced_once(void **state)
{
	const struct deploy_spec spec = {.image_id = "assay-fixture/base:1", .lock = lock};
	struct deployed *deployed = NULL;
	const struct target *target;
	struct err err = {0};

	(void)state;
	if (deploy_target(engine, &spec, &deployed, &err) < 0)
		fail_msg("%s", err.msg);
	target = deploy_view(deployed);
	assert_int_equal(run(target, &err), 0);
	assert_int_equal(kill_containers(), 1);
	if (run(target, &err) < 0) { /* it was given to the dying one */
		assert_int_equal(err.code, ERR_INFRA);
		assert_non_null(strstr(err.msg, "killed by signal 9"));
	}
	assert_int_equal(run(target, &err), 0);
	assert_int_equal(kill_containers(), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run(target, &err), -1);
		assert_int_equal(err.code, ERR_INFRA);
		assert_non_null(strstr(err.msg, "killed by signal 9"));
	}
	deploy_close(deployed);
	assert_int_equal(kill_containers(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_killed_container_is_replaced_once)};
	struct err err = {0};
	int failures;

	if (!getenv("DOCKER_HOST")) {
		(void)puts("skipped: DOCKER_HOST is not set");
		return getenv("REQUIRE_DOCKER") ? 1 : 77;
	}
	(void)snprintf(lock, sizeof(lock), "/tmp/assay-target-test-%d", (int)getpid());
	if (engine_open(NULL, &engine, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	arena = arena_new();
	failures = cmocka_run_group_tests_name("deploy/target", tests, NULL, NULL);
	arena_free(arena);
	engine_close(engine);
	return failures;
}
