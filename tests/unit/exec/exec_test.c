/* Which results of an earlier run stand for a new one. */
#include "exec/exec.h"

#include "check/load_private.h"
#include "check/prompt_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool stands(const char *kind, const void *spec, const struct suite_service *service,
		   bool changed)
{
	struct suite_check check = {.name = "c", .kind = kind, .definition = "d", .spec = spec};
	const struct suite suite = {
		.checks = &check, .check_count = 1, .service = (struct suite_service *)service};
	struct run *old = run_new();
	struct case_result now = {.name = "c", .kind = kind, .definition = "d"};
	struct case_result *before = run_add_case(old, "c", kind);
	bool answer;

	before->outcome = OUTCOME_PASS;
	before->definition = "d";
	answer = exec_can_reuse(&suite, &now, old, changed);
	run_free(old);
	return answer;
}

static void what_looks_at_the_image_alone_stands(void **state)
{
	(void)state;
	assert_true(stands("arch", NULL, NULL, false));
	assert_true(stands("arch", NULL, NULL, true));
	assert_false(stands("rules", NULL, NULL, false));
	assert_false(stands("rules", NULL, NULL, true));
	assert_false(stands("kernel", NULL, NULL, false));
	assert_true(stands("kernel", NULL, NULL, true));
}

static void an_endpoint_elsewhere_is_asked_anew(void **state)
{
	const struct suite_service own = {0}, far = {.url = "https://example"};
	const struct prompt_template here = {0}, there = {.url = "https://example"};
	const struct prompt_spec at_service = {.request = (struct prompt_template *)&here};
	const struct prompt_spec at_url = {.request = (struct prompt_template *)&there};
	const struct load_spec load_service = {.request = (struct prompt_template *)&here};
	const struct load_spec load_url = {.request = (struct prompt_template *)&there};

	(void)state;
	assert_true(stands("prompt", &at_service, &own, true));
	assert_false(stands("prompt", &at_service, &own, false));
	assert_false(stands("prompt", &at_service, &far, true));
	assert_false(stands("prompt", &at_url, &own, true));
	assert_false(stands("prompt", &at_url, NULL, true));
	assert_true(stands("load", &load_service, &own, true));
	assert_false(stands("load", &load_url, &own, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_looks_at_the_image_alone_stands),
		cmocka_unit_test(an_endpoint_elsewhere_is_asked_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
