#include "gpu/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint32_t stored(enum number type, double value)
{
	uint32_t word = 0;

	number_store(type, &word, 0, value);
	return number_bits(type, &word, 0);
}

static void halves_round_to_nearest_even(void **state)
{
	(void)state;
	assert_int_equal(stored(NUMBER_FP16, 1.0), 0x3c00);
	assert_int_equal(stored(NUMBER_FP16, 65504.0), 0x7bff);
	assert_int_equal(stored(NUMBER_FP16, 65519.9), 0x7bff);
	assert_int_equal(stored(NUMBER_FP16, 65520.0), 0x7c00);
	assert_int_equal(stored(NUMBER_FP16, 1.0 + ldexp(1, -11)), 0x3c00);
	assert_int_equal(stored(NUMBER_FP16, 1.0 + 3 * ldexp(1, -11)), 0x3c02);
	assert_int_equal(stored(NUMBER_FP16, ldexp(1, -24)), 0x0001);
	assert_int_equal(stored(NUMBER_FP16, ldexp(1, -25)), 0x0000);
	assert_int_equal(stored(NUMBER_FP16, -ldexp(1023.6, -24)), 0x8400);
}

static void bfloats_round_to_nearest_even(void **state)
{
	(void)state;
	assert_int_equal(stored(NUMBER_BF16, 1.0), 0x3f80);
	assert_int_equal(stored(NUMBER_BF16, 257.0), 0x4380);
	assert_int_equal(stored(NUMBER_BF16, 259.0), 0x4382);
	assert_int_equal(stored(NUMBER_BF16, -3.3895e38), 0xff7f);
	assert_int_equal(stored(NUMBER_BF16, 3.4e38), 0x7f80);
	/* rounding to float first would make this a tie */
	assert_int_equal(stored(NUMBER_BF16, 1.0 + ldexp(1, -8) + ldexp(1, -40)), 0x3f81);
}

static void every_half_and_bfloat_reads_back(void **state)
{
	(void)state;
	for (uint32_t bits = 0; bits < 0x10000; bits++)
		for (enum number type = NUMBER_BF16; type <= NUMBER_FP16; type++) {
			uint16_t word = (uint16_t)bits;
			double value = number_load(type, &word, 0);

			if (!isnan(value))
				assert_int_equal(stored(type, value), bits);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halves_round_to_nearest_even),
		cmocka_unit_test(bfloats_round_to_nearest_even),
		cmocka_unit_test(every_half_and_bfloat_reads_back),
	};

	return cmocka_run_group_tests_name("gpu/number", tests, NULL, NULL);
}
