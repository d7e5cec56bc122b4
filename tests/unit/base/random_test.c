/* Random numbers that a seed decides. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The first numbers of the seed 1234567, as published with the generator (rosettacode.org). */
static void numbers_are_those_of_splitmix64(void **state)
{
	static const uint64_t wanted[] = {
		UINT64_C(6457827717110365317),	UINT64_C(3203168211198807973),
		UINT64_C(9817491932198370423),	UINT64_C(4593380528125082431),
		UINT64_C(16408922859458223821),
	};
	uint64_t seed = 1234567;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_true(random_next(&seed) == wanted[i]);
}

static void units_are_above_zero_and_at_most_one(void **state)
{
	uint64_t seed = 1;
	double sum = 0;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		double unit = random_unit(&seed);

		assert_true(unit > 0 && unit <= 1);
		sum += unit;
	}
	assert_true(sum > 49500 && sum < 50500);
}

static void every_index_comes_about_as_often(void **state)
{
	uint64_t seed = 2;
	size_t seen[7] = {0};

	(void)state;
	for (size_t i = 0; i < 70000; i++)
		seen[random_below(&seed, 7)]++;
	for (size_t i = 0; i < 7; i++)
		assert_in_range(seen[i], 9600, 10400);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(random_below(&seed, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_splitmix64),
		cmocka_unit_test(units_are_above_zero_and_at_most_one),
		cmocka_unit_test(every_index_comes_about_as_often),
	};

	return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
