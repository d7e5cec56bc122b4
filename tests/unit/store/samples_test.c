#include "store/store_private.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void packed_samples_come_back_bit_for_bit(void **state)
{
	static const double samples[] = {0.1, -0.0, DBL_MIN, DBL_MAX, 1e-320, 3};
	struct arena *arena = arena_new();
	const unsigned char *bytes = samples_pack(samples, 6, arena);
	double *back;
	size_t count = 0;

	(void)state;
	assert_int_equal(bytes[0], 0x9a); /* 0.1, little endian */
	assert_int_equal(bytes[7], 0x3f);
	back = samples_unpack(bytes, 6 * SAMPLE_BYTES, arena, &count);
	assert_int_equal(count, 6);
	assert_memory_equal(back, samples, sizeof(samples));
	(void)samples_unpack(bytes, SAMPLE_BYTES + 3, arena, &count);
	assert_int_equal(count, 1); /* half a number is none */
	arena_free(arena);
}

static void times_are_milliseconds_since_1970(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{"1970-01-01", 0},
		{"1970-01-02T00:00:00Z", 86400000},
		{"2000-02-29T12:00:00.250Z", INT64_C(951825600250)},
		{"2026-11-23T05:51:00.123Z", INT64_C(1795413060123)},
		{"2026-11-23", INT64_C(1795392000000)},
		{"2026-13-01", 0},
		{"2026-1", 0},
		{"2026-11-23Txx:00:00Z", 0},
		{"", 0},
		{NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(store_time_ms(rows[i].text), rows[i].ms);
}

static void a_cell_is_pairs_or_one_word(void **state)
{
	struct arena *arena = arena_new();
	struct pairs pairs = {0}, word = {0}, empty = {0};

	(void)state;
	cell_pairs("gpu=H100 80GB,driver=570=x", arena, &pairs);
	assert_int_equal(pairs.count, 2);
	assert_string_equal(pairs.items[0].key, "gpu");
	assert_string_equal(pairs.items[0].value, "H100 80GB");
	assert_string_equal(pairs.items[1].value, "570=x");
	cell_pairs("rtx5090", arena, &word);
	assert_int_equal(word.count, 1);
	assert_string_equal(word.items[0].key, "cell");
	assert_string_equal(word.items[0].value, "rtx5090");
	cell_pairs("", arena, &empty);
	assert_int_equal(empty.count, 0);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_samples_come_back_bit_for_bit),
		cmocka_unit_test(times_are_milliseconds_since_1970),
		cmocka_unit_test(a_cell_is_pairs_or_one_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
