#include "bisect/buildable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void what_was_seen_is_certain(void **state)
{
	struct buildable *buildable = buildable_new(100);

	(void)state;
	buildable_add(buildable, 10, true);
	buildable_add(buildable, 20, false);
	assert_true(buildable_broken(buildable, 10) == 1);
	assert_true(buildable_broken(buildable, 20) == 0);
	buildable_add(buildable, 10, false);
	assert_true(buildable_broken(buildable, 10) == 0);
	buildable_free(buildable);
}

static void broken_neighbours_make_broken_commits(void **state)
{
	struct buildable *buildable = buildable_new(1000);

	(void)state;
	buildable_add(buildable, 999, false);
	assert_true(buildable_broken(buildable, 500) < .2);
	for (uint32_t v = 494; v <= 506; v += 4)
		buildable_add(buildable, v, true);
	assert_true(buildable_broken(buildable, 500) > .9);
	assert_true(buildable_broken(buildable, 500) > buildable_broken(buildable, 515));
	assert_true(buildable_broken(buildable, 515) > buildable_broken(buildable, 900));
	buildable_free(buildable);
}

static void single_breaks_do_not_spread(void **state)
{
	struct buildable *buildable = buildable_new(1000);

	(void)state;
	for (uint32_t v = 0; v < 200; v += 2)
		buildable_add(buildable, v, v % 20 == 0);
	assert_true(buildable_broken(buildable, 101) < .2);
	buildable_free(buildable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_seen_is_certain),
		cmocka_unit_test(broken_neighbours_make_broken_commits),
		cmocka_unit_test(single_breaks_do_not_spread),
	};

	return cmocka_run_group_tests_name("bisect/buildable", tests, NULL, NULL);
}
