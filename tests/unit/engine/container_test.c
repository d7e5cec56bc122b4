/* Containers of services: what the engine is asked, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../http/stub_server.h"
#include "engine/container.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define DELETED "HTTP/1.1 204 No Content\r\n\r\n"
#define HELLO                                                                                      \
	{.match = "/_ping", .answer = HEAD "OK"},                                                  \
		{.match = "/version", .answer = HEAD "{\"ApiVersion\":\"1.41\"}"},                 \
	{                                                                                          \
		.match = "/info", .answer = HEAD "{}"                                              \
	}
#define CREATED                                                                                    \
	{                                                                                          \
		.match = "/containers/create",                                                     \
		.answer = "HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n{\"Id\":\"c0ffee\"}"   \
	}

static struct stub *stub;
static struct engine *engine;
static struct container *container;
static struct err err;

static void begin(const struct stub_rule *rules)
{
	char target[128];

	err = (struct err){0};
	container = NULL;
	stub = stub_start(rules);
	(void)snprintf(target, sizeof(target), "unix://%s", stub->path);
	if (engine_open(target, &engine, &err) < 0)
		fail_msg("%s", err.msg);
}

static void end(void)
{
	container_remove(container);
	engine_close(engine);
	stub_stop(stub);
}

static int start(bool host)
{
	struct pair variable = {"A", "b=c"};
	const struct container_spec spec = {.image = "sha256:1",
					    .env = {&variable, 1},
					    .host_network = host,
					    .port = 8000,
					    .gpu = true,
					    .shm_bytes = 1024,
					    .owner = "/tmp/lock"};

	return container_start(engine, &spec, &container, &err);
}

static void a_port_is_published_on_the_loopback(void **state)
{
	static const struct stub_rule rules[] = {
		HELLO,
		CREATED,
		{.match = "/c0ffee/start", .answer = DELETED},
		{.match = "/c0ffee/json",
		 .answer = HEAD
		 "{\"State\":{\"Running\":true},\"NetworkSettings\":{\"Ports\":{"
		 "\"8000/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"32768\"}]}}}"},
		{.match = "DELETE", .answer = DELETED},
		{0},
	};
	static const char *const parts[] = {
		"\"Image\":\"sha256:1\"",
		"\"Env\":[\"A=b=c\"]",
		"\"NetworkMode\":\"default\"",
		"\"PortBindings\":{\"8000/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]}",
		"\"ShmSize\":1024",
		"\"DeviceRequests\":[{\"Driver\":\"nvidia\",\"Count\":-1,",
		"\"Capabilities\":[[\"gpu\"]]}]",
		"\"assay.lock\":\"/tmp/lock\"",
		"\"Healthcheck\":{\"Test\":[\"NONE\"]}",
	};
	struct container_state seen;

	(void)state;
	begin(rules);
	assert_int_equal(start(false), 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(stub->body, parts[i]))
			fail_msg("%s is not in %s", parts[i], stub->body);
	assert_int_equal(container_look(container, &seen, &err), 0);
	assert_true(seen.running);
	assert_int_equal(seen.port, 32768);
	end();
}

static void the_host_network_publishes_nothing(void **state)
{
	static const struct stub_rule rules[] = {
		HELLO,
		CREATED,
		{.match = "/c0ffee/start", .answer = DELETED},
		{.match = "/c0ffee/json",
		 .answer = HEAD
		 "{\"State\":{\"Running\":false,\"ExitCode\":137,\"OOMKilled\":true}}"},
		{.match = "DELETE", .answer = DELETED},
		{0},
	};
	struct container_state seen;

	(void)state;
	begin(rules);
	assert_int_equal(start(true), 0);
	assert_non_null(strstr(stub->body, "\"NetworkMode\":\"host\""));
	assert_null(strstr(stub->body, "PortBindings"));
	assert_int_equal(container_look(container, &seen, &err), 0);
	assert_false(seen.running);
	assert_true(seen.out_of_memory);
	assert_int_equal(seen.exit_code, 137);
	assert_int_equal(seen.port, 8000);
	end();
}

static void a_missing_program_is_the_images_fault(void **state)
{
	static const struct stub_rule rules[] = {
		HELLO,
		CREATED,
		{.match = "/c0ffee/start",
		 .answer = "HTTP/1.1 400 Bad Request\r\nConnection: "
			   "close\r\n\r\n{\"message\":\"exec: "
			   "\\\"vllm\\\": executable file not found in $PATH: unknown\"}"},
		{.match = "DELETE", .answer = DELETED},
		{0},
	};

	(void)state;
	begin(rules);
	assert_int_equal(start(true), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "vllm"));
	assert_non_null(strstr(stub->requests, "DELETE /v1.41/containers/c0ffee"));
	end();
}

static void an_engine_that_refuses_is_infrastructure(void **state)
{
	static const struct stub_rule rules[] = {
		HELLO,
		CREATED,
		{.match = "/c0ffee/start",
		 .answer = "HTTP/1.1 500 X\r\nConnection: close\r\n\r\n{\"message\":\"could not "
			   "select device driver \\\"nvidia\\\"\"}"},
		{.match = "DELETE", .answer = DELETED},
		{0},
	};

	(void)state;
	begin(rules);
	assert_int_equal(start(true), -1);
	assert_int_equal(err.code, ERR_INFRA);
	end();
}

static void a_stopped_container_is_not_removed(void **state)
{
	static const struct stub_rule rules[] = {
		HELLO,
		CREATED,
		{.match = "/c0ffee/start", .answer = DELETED},
		{.match = "/c0ffee/stop?t=2 ",
		 .answer = "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"},
		{.match = "/c0ffee/stop",
		 .answer = "HTTP/1.1 500 X\r\nConnection: close\r\n\r\n{}"},
		{.match = "DELETE", .answer = DELETED},
		{0},
	};

	(void)state;
	begin(rules);
	assert_int_equal(start(true), 0);
	assert_int_equal(container_stop(container, 2, &err), 0);
	assert_null(strstr(stub->requests, "DELETE"));
	assert_int_equal(container_stop(container, 3, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	end();
}

static void logs_are_freed_of_their_frames(void **state)
{
	static const char answer[] = HEAD "\1\0\0\0\0\0\0\6hello\n"
					  "\2\0\0\0\0\0\0\4err\n"
					  "\1\0\0\0\0\0\0\0"
					  "\1\0\0\0\0\0\0\x09half a li";
	struct stub_rule rules[] = {
		HELLO,
		CREATED,
		{.match = "/c0ffee/start", .answer = DELETED},
		{.match = "/c0ffee/logs", .answer = answer, .len = sizeof(answer) - 1, .piece = 3},
		{.match = "DELETE", .answer = DELETED},
		{0},
	};
	struct buf log;

	(void)state;
	for (size_t piece = 1; piece < 40; piece += 5) {
		rules[5].piece = piece;
		begin(rules);
		assert_int_equal(start(true), 0);
		buf_init(&log, CONTAINER_LOG_BYTES_MAX);
		assert_int_equal(container_logs(container, &log, &err), 0);
		assert_string_equal(buf_str(&log), "hello\nerr\nhalf a li");
		buf_done(&log);
		end();
	}
}

static void the_end_of_a_long_log_is_kept(void **state)
{
	static const char answer[] = HEAD "\1\0\0\0\0\0\0\x1a"
					  "abcdefghijklmnopqrstuvwxyz"
					  "\1\0\0\0\0\0\0\5"
					  "12345";
	const struct stub_rule rules[] = {
		HELLO,
		CREATED,
		{.match = "/c0ffee/start", .answer = DELETED},
		{.match = "/c0ffee/logs", .answer = answer, .len = sizeof(answer) - 1},
		{.match = "DELETE", .answer = DELETED},
		{0},
	};
	struct buf log;

	(void)state;
	begin(rules);
	assert_int_equal(start(true), 0);
	buf_init(&log, 16);
	assert_int_equal(container_logs(container, &log, &err), 0);
	assert_true(log.len <= 16 && log.len > 5);
	assert_string_equal(buf_str(&log) + log.len - 6, "z12345");
	buf_done(&log);
	end();
}

static void memory_is_counted_without_the_cache(void **state)
{
	static const struct stub_rule rules[] = {
		HELLO,
		CREATED,
		{.match = "/c0ffee/start", .answer = DELETED},
		{.match = "/c0ffee/stats",
		 .answer = HEAD
		 "{\"memory_stats\":{\"usage\":1000,\"stats\":{\"inactive_file\":300}}}"},
		{.match = "DELETE", .answer = DELETED},
		{0},
	};
	uint64_t bytes = 0;

	(void)state;
	begin(rules);
	assert_int_equal(start(true), 0);
	assert_int_equal(container_memory(container, &bytes, &err), 0);
	assert_int_equal(bytes, 700);
	end();
}

/* A session that is refused asks for the GPU in the words the engine takes. */
static int open_gpu(const char *device)
{
	const struct session_spec spec = {.image = "sha256:1",
					  .owner = "/tmp/lock",
					  .gpu = true,
					  .device = device,
					  .program = "ELF",
					  .program_len = 3};
	struct session *session = NULL;
	int rc = session_open(engine, &spec, &session, &err);

	session_close(session);
	return rc;
}

#define INSPECTED                                                                                  \
	{                                                                                          \
		.match = "/images/", .answer = HEAD "{\"Id\":\"sha256:1\",\"Os\":\"linux\"}"       \
	}
#define REFUSES(message)                                                                           \
	{                                                                                          \
		.match = "/containers/create",                                                     \
		.answer =                                                                          \
			"HTTP/1.1 500 X\r\nConnection: close\r\n\r\n{\"message\":\"" message "\"}" \
	}

static void a_session_asks_for_every_gpu_of_the_nvidia_runtime(void **state)
{
	static const struct stub_rule rules[] = {
		HELLO,
		INSPECTED,
		REFUSES("could not select device driver \\\"nvidia\\\" with capabilities: [[gpu]]"),
		{0},
	};

	(void)state;
	begin(rules);
	assert_int_equal(open_gpu(NULL), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(stub->body,
			       "\"DeviceRequests\":[{\"Driver\":\"nvidia\",\"Count\":-1,"
			       "\"Capabilities\":[[\"gpu\"]]}]"));
	end();
}

static void a_session_asks_for_a_device_by_its_cdi_name(void **state)
{
	static const struct stub_rule rules[] = {
		HELLO,
		INSPECTED,
		REFUSES("CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=7"),
		{0},
	};

	(void)state;
	begin(rules);
	assert_int_equal(open_gpu("nvidia.com/gpu=7"), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(stub->body, "\"DeviceRequests\":[{\"Driver\":\"cdi\","
					   "\"DeviceIDs\":[\"nvidia.com/gpu=7\"]}]"));
	end();
}

/* Docker lists folders for CDI whether a specification lies in them or not. */
static void without_nvidias_driver_every_gpu_is_asked_for_by_cdi(void **state)
{
	static const struct stub_rule rules[] = {
		{.match = "/_ping", .answer = HEAD "OK"},
		{.match = "/version", .answer = HEAD "{\"ApiVersion\":\"1.45\"}"},
		{.match = "/info", .answer = HEAD "{\"CDISpecDirs\":[\"/etc/cdi\"]}"},
		INSPECTED,
		REFUSES("could not select device driver \\\"nvidia\\\" with capabilities: [[gpu]]"),
		{0},
	};

	(void)state;
	begin(rules);
	assert_int_equal(open_gpu(NULL), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(stub->body, "\"DeviceRequests\":[{\"Driver\":\"cdi\","
					   "\"DeviceIDs\":[\"nvidia.com/gpu=all\"]}]"));
	assert_int_equal(start(true), -1); /* a service, from now on at once */
	assert_non_null(strstr(stub->body, "\"DeviceIDs\":[\"nvidia.com/gpu=all\"]"));
	end();
}

static void another_refusal_of_a_session_with_a_gpu_is_infrastructure(void **state)
{
	static const struct stub_rule rules[] = {
		HELLO,
		INSPECTED,
		REFUSES("no space left on device"),
		{0},
	};

	(void)state;
	begin(rules);
	assert_int_equal(open_gpu(NULL), -1);
	assert_int_equal(err.code, ERR_INFRA);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_is_published_on_the_loopback),
		cmocka_unit_test(the_host_network_publishes_nothing),
		cmocka_unit_test(a_missing_program_is_the_images_fault),
		cmocka_unit_test(a_session_asks_for_every_gpu_of_the_nvidia_runtime),
		cmocka_unit_test(a_session_asks_for_a_device_by_its_cdi_name),
		cmocka_unit_test(without_nvidias_driver_every_gpu_is_asked_for_by_cdi),
		cmocka_unit_test(another_refusal_of_a_session_with_a_gpu_is_infrastructure),
		cmocka_unit_test(an_engine_that_refuses_is_infrastructure),
		cmocka_unit_test(a_stopped_container_is_not_removed),
		cmocka_unit_test(logs_are_freed_of_their_frames),
		cmocka_unit_test(the_end_of_a_long_log_is_kept),
		cmocka_unit_test(memory_is_counted_without_the_cache),
	};

	return cmocka_run_group_tests_name("engine/container", tests, NULL, NULL);
}
