#include "cmd/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct step steps[] = {{.number = 1, .duration_ns = 10},
			      {.number = 2, .duration_ns = 200},
			      {.number = 3, .duration_ns = 3000}};

static struct run typical(void)
{
	return (struct run){.duration_ns = 5000,
			    .build = {.steps = steps, .step_count = 3, .duration_ns = 4000}};
}

static void a_build_leaves_its_later_steps_and_the_checks(void **state)
{
	struct run run = typical();

	(void)state;
	assert_int_equal(progress_of_build(&run, 1), 3210 + 1000);
	assert_int_equal(progress_of_build(&run, 2), 3200 + 1000);
	assert_int_equal(progress_of_build(&run, 3), 3000 + 1000);
}

static void cases_leave_their_share_of_what_is_no_build(void **state)
{
	struct run run = typical();

	(void)state;
	assert_int_equal(progress_of_cases(&run, 0, 10), 1000);
	assert_int_equal(progress_of_cases(&run, 9, 10), 100);
	assert_int_equal(progress_of_cases(&run, 10, 10), 0);
}

static void says_nothing_that_it_cannot_know(void **state)
{
	struct run run = typical();

	(void)state;
	assert_true(progress_of_build(NULL, 1) == UINT64_MAX);
	assert_true(progress_of_cases(NULL, 0, 1) == UINT64_MAX);
	assert_true(progress_of_build(&run, 4) == UINT64_MAX);
	assert_true(progress_of_cases(&run, 0, 0) == UINT64_MAX);
	run.build.reused = true;
	assert_true(progress_of_build(&run, 1) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_build_leaves_its_later_steps_and_the_checks),
		cmocka_unit_test(cases_leave_their_share_of_what_is_no_build),
		cmocka_unit_test(says_nothing_that_it_cannot_know),
	};

	return cmocka_run_group_tests_name("cmd/progress", tests, NULL, NULL);
}
