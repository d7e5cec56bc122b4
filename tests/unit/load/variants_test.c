#include "load/variants.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void answers_unlike_the_commonest_diverge(void **state)
{
	struct variants variants = {0};
	uint64_t all;

	(void)state;
	assert_int_equal(variants_diverging(&variants, &all), 0);
	assert_int_equal(all, 0);
	variants_add(&variants, variants_hash("London", 6), 1);
	assert_int_equal(variants_diverging(&variants, &all), 0);
	variants_add(&variants, variants_hash("Paris", 5), 8);
	variants_add(&variants, variants_hash("Lyon", 4), 1);
	assert_int_equal(variants_diverging(&variants, &all), 2);
	assert_int_equal(all, 10);
}

static void threads_add_up(void **state)
{
	struct variants one = {0}, other = {0};
	uint64_t all;

	(void)state;
	variants_add(&one, variants_hash("a", 1), 3);
	variants_add(&one, variants_hash("b", 1), 2);
	variants_add(&other, variants_hash("b", 1), 3);
	variants_merge(&one, &other);
	assert_int_equal(variants_diverging(&one, &all), 3);
	assert_int_equal(all, 8);
}

static void too_many_texts_all_differ(void **state)
{
	struct variants variants = {0};
	uint64_t all;

	(void)state;
	for (char c = 0; c < 100; c++)
		variants_add(&variants, variants_hash(&c, 1), 1);
	assert_int_equal(variants_diverging(&variants, &all), 99);
	assert_int_equal(all, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_unlike_the_commonest_diverge),
		cmocka_unit_test(threads_add_up),
		cmocka_unit_test(too_many_texts_all_differ),
	};

	return cmocka_run_group_tests_name("load/variants", tests, NULL, NULL);
}
