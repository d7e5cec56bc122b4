#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../http/stub_server.h"
#include "engine/engine.h"

#define JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define PING                                                                                       \
	{                                                                                          \
		.match = "/_ping", .answer = JSON "OK"                                             \
	}
#define INFO                                                                                       \
	{                                                                                          \
		.match = "/info",                                                                  \
		.answer = JSON "{\"Driver\":\"overlay2\",\"KernelVersion\":\"6.1\"}"               \
	}
#define VERSION(api, component)                                                                    \
	{                                                                                          \
		.match = "/version", .answer =                                                     \
					     JSON "{\"Version\":\"20.10\",\"ApiVersion\":\"" api   \
						  "\",\"Os\":\"linux\",\"Arch\":\"amd64\","        \
						  "\"Components\":[{\"Name\":\"" component "\"}]}" \
	}

static struct stub *stub;

static int try_open(const struct stub_rule *rules, struct engine **engine, struct err *err)
{
	char host[128];

	stub = stub_start(rules);
	(void)snprintf(host, sizeof(host), "unix://%s", stub->path);
	return engine_open(host, engine, err);
}

static void expect_open_error(const struct stub_rule *rules, const char *words)
{
	struct engine *engine = NULL;
	struct err err = {0};

	assert_int_equal(try_open(rules, &engine, &err), -1);
	assert_null(engine);
	assert_int_equal(err.code, ERR_INFRA);
	if (!strstr(err.msg, words))
		fail_msg("\"%s\" lacks \"%s\"", err.msg, words);
	stub_stop(stub);
}

static void tells_how_gpus_get_into_containers(void **state)
{
	const struct stub_rule both[] = {PING,
					 VERSION("1.45", "Engine"),
					 {.match = "/info",
					  .answer =
						  JSON "{\"Runtimes\":{\"runc\":{},\"nvidia\":{}},"
						       "\"CDISpecDirs\":[\"/etc/cdi\"]}"},
					 {0}};
	const struct stub_rule neither[] = {
		PING,
		VERSION("1.45", "Engine"),
		{.match = "/info",
		 .answer = JSON "{\"Runtimes\":{\"runc\":{}},\"CDISpecDirs\":[]}"},
		{0}};
	struct engine *engine;

	(void)state;
	assert_int_equal(try_open(both, &engine, NULL), 0);
	assert_true(engine_info(engine)->nvidia && engine_info(engine)->cdi);
	engine_close(engine);
	stub_stop(stub);
	assert_int_equal(try_open(neither, &engine, NULL), 0);
	assert_false(engine_info(engine)->nvidia || engine_info(engine)->cdi);
	engine_close(engine);
	stub_stop(stub);
}

static void tells_docker_from_podman(void **state)
{
	const struct stub_rule docker[] = {PING, VERSION("1.41", "Engine"), INFO, {0}};
	const struct stub_rule podman[] = {PING, VERSION("1.45", "Podman Engine"), INFO, {0}};
	struct engine *engine;

	(void)state;
	assert_int_equal(try_open(docker, &engine, NULL), 0);
	assert_string_equal(engine_info(engine)->name, "docker");
	assert_string_equal(engine_info(engine)->driver, "overlay2");
	assert_string_equal(engine_info(engine)->kernel, "6.1");
	assert_string_equal(engine_info(engine)->os_arch, "linux/amd64");
	engine_close(engine);
	stub_stop(stub);
	assert_int_equal(try_open(podman, &engine, NULL), 0);
	assert_string_equal(engine_info(engine)->name, "podman");
	assert_false(engine_has_buildkit(engine));
	engine_close(engine);
	stub_stop(stub);
}

static void refuses_an_engine_that_is_too_old(void **state)
{
	const struct stub_rule rules[] = {PING, VERSION("1.40", "Engine"), INFO, {0}};

	(void)state;
	expect_open_error(rules, "speaks API 1.40, Assay needs 1.41 or newer: "
				 "Docker 20.10+ or podman 3+");
}

static void refuses_what_is_no_engine(void **state)
{
	const struct stub_rule text[] = {
		PING, {.match = "/version", .answer = JSON "<html>hello"}, {0}};
	const struct stub_rule strange[] = {PING, {.match = "/version", .answer = JSON "{}"}, {0}};
	const struct stub_rule sick[] = {{.match = "/_ping",
					  .answer = "HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n"
						    "{\"message\":\"containerd is down\"}"},
					 {0}};

	(void)state;
	expect_open_error(text, "not JSON");
	expect_open_error(strange, "names no API version");
	expect_open_error(sick, "containerd is down");
}

static void says_how_to_get_on_when_nothing_listens(void **state)
{
	struct engine *engine = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(engine_open("unix:///nonexistent/docker.sock", &engine, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_non_null(
		strstr(err.msg, "cannot reach the engine at unix:///nonexistent/docker.sock: "));
	assert_non_null(strstr(err.msg, "is it running? see `assay doctor`"));
	assert_int_equal(engine_open("ssh://host", &engine, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

static const struct stub_rule image_rules[] = {
	PING,
	VERSION("1.41", "Engine"),
	INFO,
	{.match = "/images/repo:1/json",
	 .answer = JSON
	 "{\"Id\":\"sha256:ab\",\"Os\":\"linux\",\"Architecture\":\"amd64\",\"Size\":42,"
	 "\"Config\":{\"Env\":[\"A=b\",\"C=d\"],\"Entrypoint\":null,\"Cmd\":[\"sh\"],"
	 "\"User\":\"\",\"WorkingDir\":\"/w\",\"Labels\":{\"k\":\"v\"},"
	 "\"ExposedPorts\":{\"8000/tcp\":{}},\"Volumes\":null,"
	 "\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"]}}}"},
	{.match = "/images/empty/json", .answer = JSON "{}"},
	{.match = "/tag?repo=host%3A5000%2Fa&tag=b",
	 .answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
	{.match = "/tag?repo=host%3A5000%2Fa&tag=latest",
	 .answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
	{.match = "/images/",
	 .answer = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n"
		   "{\"message\":\"No such image: gone:1\"}"},
	{0},
};

static void reads_an_image_s_configuration(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct image_config image = {0};
	struct engine *engine;

	(void)state;
	assert_int_equal(try_open(image_rules, &engine, NULL), 0);
	assert_int_equal(engine_image(engine, "repo:1", arena, &image, NULL), 0);
	assert_string_equal(image.id, "sha256:ab");
	assert_int_equal(image.env.count, 2);
	assert_string_equal(image.env.items[1], "C=d");
	assert_int_equal(image.entrypoint.count, 0);
	assert_string_equal(image.cmd.items[0], "sh");
	assert_null(image.user);
	assert_string_equal(image.workdir, "/w");
	assert_string_equal(image.labels.items[0].value, "v");
	assert_string_equal(image.ports.items[0], "8000/tcp");
	assert_int_equal(image.volumes.count, 0);
	assert_string_equal(image.healthcheck.items[1], "true");
	assert_int_equal(image.size_bytes, 42);
	engine_close(engine);
	stub_stop(stub);
}

static void tells_a_missing_image_from_a_broken_answer(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct image_config image = {.id = "untouched"};
	struct engine *engine;
	struct err err = {0};

	(void)state;
	assert_int_equal(try_open(image_rules, &engine, NULL), 0);
	assert_int_equal(engine_image(engine, "gone:1", arena, &image, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "No such image: gone:1"));
	assert_int_equal(engine_image(engine, "empty", arena, &image, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_string_equal(image.id, "untouched");
	engine_close(engine);
	stub_stop(stub);
}

static void splits_tag_from_repository(void **state)
{
	struct engine *engine;

	(void)state;
	assert_int_equal(try_open(image_rules, &engine, NULL), 0);
	assert_int_equal(engine_image_tag(engine, "sha256:ab", "host:5000/a:b", NULL), 0);
	assert_int_equal(engine_image_tag(engine, "sha256:ab", "host:5000/a", NULL), 0);
	engine_close(engine);
	stub_stop(stub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_docker_from_podman),
		cmocka_unit_test(tells_how_gpus_get_into_containers),
		cmocka_unit_test(refuses_an_engine_that_is_too_old),
		cmocka_unit_test(refuses_what_is_no_engine),
		cmocka_unit_test(says_how_to_get_on_when_nothing_listens),
		cmocka_unit_test(reads_an_image_s_configuration),
		cmocka_unit_test(tells_a_missing_image_from_a_broken_answer),
		cmocka_unit_test(splits_tag_from_repository),
	};

	return cmocka_run_group_tests_name("engine/engine", tests, NULL, NULL);
}
