#include "gpu/nf4.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_code_decodes_to_itself(void **state)
{
	(void)state;
	for (unsigned code = 0; code < NF4_CODES; code++)
		assert_int_equal(nf4_encode(nf4_codes[code]), code);
}

static void a_midpoint_goes_down(void **state)
{
	const float middle = (nf4_codes[7] + nf4_codes[8]) / 2;

	(void)state;
	assert_int_equal(nf4_encode(middle), 7);
	assert_int_equal(nf4_encode(nextafterf(middle, 1)), 8);
}

static void the_first_element_is_the_high_nibble(void **state)
{
	const float values[4] = {-1, 1, 0, 0.5f};
	uint8_t packed[2];
	float absmax[1];

	(void)state;
	nf4_quantise(values, 4, 64, packed, absmax);
	assert_int_equal(packed[0], 0x0f);
	assert_int_equal(packed[1] >> 4, 7);
	assert_true(absmax[0] == 1.0f);
	assert_int_equal(nf4_code_at(packed, 1), 15);
	assert_true(nf4_value_at(packed, absmax, 64, 0) == -1.0f);
}

static void a_block_of_zeros_stays_zero(void **state)
{
	const float values[64] = {0};
	uint8_t packed[32];
	float absmax[1];

	(void)state;
	nf4_quantise(values, 64, 64, packed, absmax);
	for (size_t i = 0; i < 64; i++)
		assert_true(nf4_value_at(packed, absmax, 64, i) == 0);
}

static void the_dynamic_map_is_the_release_s(void **state)
{
	float map[NESTED_CODES];

	(void)state;
	nested_map(map);
	/* literals from the release's create_dynamic_map */
	assert_true(map[0] == -0.992968738079071f);
	assert_true(map[1] == -0.9789062738418579f);
	assert_true(map[127] == 0);
	assert_true(map[254] == 0.992968738079071f);
	assert_true(map[255] == 1.0f);
	for (size_t i = 1; i < NESTED_CODES; i++)
		assert_true(map[i] > map[i - 1]);
}

static void nested_absmax_decode_within_the_map_s_steps(void **state)
{
	enum { COUNT = 1000 };
	float map[NESTED_CODES], absmax[COUNT], decoded[COUNT], scales[4], offset;
	uint8_t codes[COUNT];
	double error = 0, size = 0;

	(void)state;
	srand(1);
	nested_map(map);
	for (size_t i = 0; i < COUNT; i++)
		absmax[i] = 2.0f + (float)(rand() % 1000) / 1000.0f;
	offset = nested_quantise(absmax, COUNT, map, codes, scales);
	nested_decode(codes, scales, map, offset, COUNT, decoded);
	for (size_t i = 0; i < COUNT; i++) {
		error += (double)fabsf(decoded[i] - absmax[i]);
		size += (double)absmax[i];
	}
	assert_true(offset > 2.4f && offset < 2.6f);
	assert_true(error / size < 0.004);
	assert_true(error > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_decodes_to_itself),
		cmocka_unit_test(a_midpoint_goes_down),
		cmocka_unit_test(the_first_element_is_the_high_nibble),
		cmocka_unit_test(a_block_of_zeros_stays_zero),
		cmocka_unit_test(the_dynamic_map_is_the_release_s),
		cmocka_unit_test(nested_absmax_decode_within_the_map_s_steps),
	};

	return cmocka_run_group_tests_name("gpu/nf4", tests, NULL, NULL);
}
