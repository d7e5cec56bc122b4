/* The service of a suite: its defaults, and what contradicts itself. */
#include "fake_kind.h"

#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int parse(const char *service, struct suite **out, struct err *err)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
		       "{\"assay\": 1, \"name\": \"x\", \"service\": {%s}, \"checks\": []}",
		       service);
	return suite_parse("a.jsonc", text, strlen(text), NULL, NULL, fake_lookup, fake_kinds, NULL,
			   out, err);
}

static void a_container_has_defaults(void **state)
{
	struct suite *suite = NULL;
	const struct suite_service *service;
	struct err err = {0};

	(void)state;
	if (parse("\"ready\": {\"prompt\": \"Hi\"}", &suite, &err) < 0)
		fail_msg("%s", err.msg);
	service = suite->service;
	assert_int_equal(service->port, 8000);
	assert_int_equal(service->network, SUITE_NETWORK_PUBLISHED);
	assert_false(service->gpu);
	assert_null(service->url);
	assert_int_equal(service->ready->timeout_ns, 300 * NS_PER_S);
	assert_int_equal(service->ready->request->format, PROMPT_FASTAPI);
	assert_string_equal(service->ready->input.prompt, "Hi");
	suite_free(suite);
}

static void a_running_service_is_a_url(void **state)
{
	struct suite *suite = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(parse("\"url\": \"http://127.0.0.1:9\"", &suite, &err), 0);
	assert_string_equal(suite->service->url, "http://127.0.0.1:9");
	assert_null(suite->service->ready);
	suite_free(suite);
}

static void mistakes_are_located(void **state)
{
	static const char *const rows[][2] = {
		{"\"port\": 1", "\"ready\" is missing"},
		{"\"url\": \"http://h\", \"command\": [\"x\"]", "\"url\" starts no container"},
		{"\"url\": \"host:80\"", "\"url\" is not one"},
		{"\"port\": 0, \"ready\": {\"prompt\": \"x\"}", "\"port\" 0 is for network host"},
		{"\"mounts\": [{\"source\": \"/a\", \"target\": \"b\"}], \"ready\": {\"prompt\": "
		 "\"x\"}",
		 "\"b\" is no absolute path"},
		{"\"secrets\": [\"A=b\"], \"ready\": {\"prompt\": \"x\"}",
		 "names of variables alone"},
		{"\"ready\": {}", "ready: nothing to send"},
		{"\"ready\": {\"prompt\": \"x\", \"request\": {\"stream\": true}}", "\"stream\""},
		{"\"ready\": {\"prompt\": \"x\", \"request\": {\"url\": \"http://h\"}}",
		 "the service's own"},
		{"\"ready\": {\"prompt\": \"x\", \"expect\": {}}", "expect asserts nothing"},
		{"\"ready\": {\"prompt\": \"x\", \"expect\": {\"golden\": true}}", "golden"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct suite *suite = NULL;
		struct err err = {0};

		assert_int_equal(parse(rows[i][0], &suite, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		if (strncmp(err.msg, "a.jsonc:1:", 10) != 0 || !strstr(err.msg, rows[i][1]))
			fail_msg("%s: %s", rows[i][0], err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_has_defaults),
		cmocka_unit_test(a_running_service_is_a_url),
		cmocka_unit_test(mistakes_are_located),
	};

	return cmocka_run_group_tests_name("suite/service", tests, NULL, NULL);
}
