/* A service that runs already, or cannot be started: ready, not ready, not there. */
#include "deploy/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../check/fake_service.h"
#include "../http/stub_server.h"
#include "base/units.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

static struct arena *arena;
static struct fake_service fake;
static struct json *answers;
static struct err err;

static struct prompt_template request = {
	.max_tokens = FIELD_ABSENT_INT, .temperature = 0, .seed = FIELD_ABSENT_INT};
static struct suite_ready ready = {.request = &request,
				   .input = {.prompt = "Hi", .max_tokens = FIELD_ABSENT_INT},
				   .timeout_ns = 2 * NS_PER_S,
				   .interval_ns = 10 * NS_PER_MS,
				   .answer_ns = NS_PER_S};

static void serve(const char *text)
{
	arena = arena_new();
	err = (struct err){0};
	assert_int_equal(json_parse(text, strlen(text), false, &answers, &err), 0);
	fake_service_open(&fake, answers, arena);
}

static void end(void)
{
	fake_service_close(&fake);
	json_free(answers);
	arena_free(arena);
}

static struct service *service_of(struct suite_service *wanted)
{
	const struct service_spec spec = {.wanted = wanted};

	wanted->url = fake.view.url;
	wanted->ready = &ready;
	return service_new(&spec);
}

static void ready_is_a_good_answer(void **state)
{
	struct suite_service wanted = {0};
	const struct target_service *view = NULL;
	struct service *service;

	(void)state;
	serve("{\"answers\":[{\"match\":\"POST "
	      "/prompt\",\"status\":503,\"json\":{}},{\"match\":\"POST "
	      "/prompt\",\"json\":{\"output\":\"\"}},{\"match\":\"POST "
	      "/prompt\",\"json\":{\"output\":"
	      "\"Hello\"}}]}");
	service = service_of(&wanted);
	assert_int_equal(service_begin(service, &view, &err), 0);
	assert_null(view->label);
	assert_false(view->started);
	assert_int_equal(view->cold_start_ns, 0); /* nobody knows when it was started */
	assert_string_equal(view->url, fake.view.url);
	assert_true(fake.used[0] && fake.used[1] && fake.used[2]);
	service_end(service);
	service_close(service);
	end();
}

static void what_never_answers_well_is_a_finding(void **state)
{
	struct suite_service wanted = {0};
	const struct target_service *view = NULL;
	struct service *service;

	(void)state;
	serve("{\"answers\":[{\"match\":\"/prompt\",\"json\":{\"error\":\"CUDA out of "
	      "memory\"}}]}");
	ready.timeout_ns = 100 * NS_PER_MS;
	service = service_of(&wanted);
	for (int i = 0; i < 2; i++) { /* tried once, told to each */
		assert_int_equal(service_begin(service, &view, &err), 0);
		assert_string_equal(view->label, "service/not-ready");
		assert_non_null(strstr(view->actual, "CUDA out of memory"));
		service_end(service);
	}
	service_close(service);
	ready.timeout_ns = 2 * NS_PER_S;
	end();
}

static void an_expectation_decides_what_is_good(void **state)
{
	static const char *words[] = {"Paris"};
	struct expect expect = {.status = FIELD_ABSENT_INT,
				.contains = {words, 1},
				.tokens_min = FIELD_ABSENT_INT,
				.tokens_max = FIELD_ABSENT_INT};
	struct suite_service wanted = {0};
	const struct target_service *view = NULL;
	struct service *service;

	(void)state;
	serve("{\"answers\":[{\"match\":\"/prompt\",\"json\":{\"output\":\"London\"}},{\"match\":"
	      "\"/prompt\",\"json\":{\"output\":\"Paris\"}}]}");
	ready.expect = &expect;
	service = service_of(&wanted);
	assert_int_equal(service_begin(service, &view, &err), 0);
	assert_null(view->label);
	assert_true(fake.used[1]);
	service_end(service);
	service_close(service);
	ready.expect = NULL;
	end();
}

static void without_a_service_nothing_is_held(void **state)
{
	const struct suite_service container = {.port = 8000, .ready = &ready};
	const struct service_spec none = {0}, still = {.wanted = &container};
	const struct target_service *view = NULL;
	struct service *service = service_new(&none);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(service_begin(service, &view, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(strstr(err.msg, "request.url"));
	}
	service_close(service);
	service = service_new(&still);
	assert_int_equal(service_begin(service, &view, &err), -1);
	assert_non_null(strstr(err.msg, "only lies there"));
	service_close(service);
}

static void a_port_of_something_else_is_refused(void **state)
{
	static const struct stub_rule rules[] = {
		{.match = "/_ping", .answer = HEAD "OK"},
		{.match = "/version", .answer = HEAD "{\"ApiVersion\":\"1.41\"}"},
		{.match = "/info", .answer = HEAD "{}"},
		{0},
	};
	const struct image_config image = {.id = "sha256:1"};
	struct suite_service wanted = {.network = SUITE_NETWORK_HOST, .ready = &ready};
	struct service_spec spec = {.image = &image, .wanted = &wanted};
	const struct target_service *view = NULL;
	struct stub *stub = stub_start(rules);
	struct service *service;
	char target[128];

	(void)state;
	serve("{\"answers\":[]}");
	assert_int_equal(units_parse_int(strrchr(fake.view.url, ':') + 1, 1, 65535, &wanted.port),
			 0);
	(void)snprintf(target, sizeof(target), "unix://%s", stub->path);
	assert_int_equal(engine_open(target, &spec.engine, &err), 0);
	service = service_new(&spec);
	assert_int_equal(service_begin(service, &view, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_non_null(strstr(err.msg, "taken by something else"));
	assert_null(strstr(stub->requests, "create"));
	service_close(service);
	engine_close(spec.engine);
	stub_stop(stub);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_is_a_good_answer),
		cmocka_unit_test(what_never_answers_well_is_a_finding),
		cmocka_unit_test(an_expectation_decides_what_is_good),
		cmocka_unit_test(without_a_service_nothing_is_held),
		cmocka_unit_test(a_port_of_something_else_is_refused),
	};

	return cmocka_run_group_tests_name("deploy/service", tests, NULL, NULL);
}
