#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void durations_have_one_number_and_one_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = {{"500ms", 500 * NS_PER_MS}, {"1.5s", 1500 * NS_PER_MS},
		    {"30 s", 30 * NS_PER_S},	{"5m", 300 * NS_PER_S},
		    {"2min", 120 * NS_PER_S},	{"1h", 3600 * NS_PER_S},
		    {"0.25h", 900 * NS_PER_S},	{"0s", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t ns = 1;

		assert_int_equal(units_parse_duration(rows[i].text, &ns), 0);
		assert_int_equal(ns, rows[i].ns);
	}
}

static void refuses_what_is_no_duration(void **state)
{
	static const char *const rows[] = {
		"",	"s",	"5",   "5 days", "-1s",	  "1s ",  "1h5m",
		"1e3s", "0x5s", " 5s", "5S",	 "1..5s", "1,5s", "99999999999999999999s"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t ns = 42;

		assert_int_equal(units_parse_duration(rows[i], &ns), -1);
		assert_int_equal(ns, 42);
	}
}

static void sizes_are_decimal_or_binary(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {{"0", 0},	      {"4096", 4096},	      {"12B", 12},
		    {"10KiB", 10240}, {"64MB", 64000000},     {"1 GiB", 1073741824},
		    {"0.5KiB", 512},  {"1.5GiB", 1610612736}, {"0.25MiB", 262144},
		    {"2.5KB", 2500}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t bytes = 1;

		assert_int_equal(units_parse_size(rows[i].text, &bytes), 0);
		assert_int_equal(bytes, rows[i].bytes);
	}
}

static void refuses_what_is_no_size(void **state)
{
	static const char *const rows[] = {"",
					   "KiB",
					   "1.5",
					   "1 K",
					   "-4",
					   "1e3",
					   "5kib",
					   "99999999999999999999",
					   "18446744073709551615GiB"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t bytes = 42;

		assert_int_equal(units_parse_size(rows[i], &bytes), -1);
		assert_int_equal(bytes, 42);
	}
}

static void whole_numbers_stay_in_their_range(void **state)
{
	int64_t value = 42;

	(void)state;
	assert_int_equal(units_parse_int("-17", -20, 20, &value), 0);
	assert_int_equal(value, -17);
	assert_int_equal(units_parse_int("20", -20, 20, &value), 0);
	assert_int_equal(value, 20);
	assert_int_equal(units_parse_int("21", -20, 20, &value), -1);
	assert_int_equal(units_parse_int("-21", -20, 20, &value), -1);
	assert_int_equal(units_parse_int("", -20, 20, &value), -1);
	assert_int_equal(units_parse_int("-", -20, 20, &value), -1);
	assert_int_equal(units_parse_int("+1", -20, 20, &value), -1);
	assert_int_equal(units_parse_int("1 ", -20, 20, &value), -1);
	assert_int_equal(units_parse_int("99999999999999999999", 0, INT64_MAX, &value), -1);
	assert_int_equal(value, 20);
}

static void durations_and_sizes_read_well(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(units_duration(0, out, sizeof(out)), "0 ms");
	assert_string_equal(units_duration(999, out, sizeof(out)), "999 ns");
	assert_string_equal(units_duration(200 * NS_PER_MS / 1000, out, sizeof(out)), "200 us");
	assert_string_equal(units_duration(3160 * NS_PER_MS / 1000, out, sizeof(out)), "3.2 ms");
	assert_string_equal(units_duration(5 * NS_PER_MS, out, sizeof(out)), "5 ms");
	assert_string_equal(units_duration(9990 * NS_PER_MS / 1000, out, sizeof(out)), "10 ms");
	assert_string_equal(units_duration(850 * NS_PER_MS, out, sizeof(out)), "850 ms");
	assert_string_equal(units_duration(12300 * NS_PER_MS, out, sizeof(out)), "12.3 s");
	assert_string_equal(units_duration(245 * NS_PER_S, out, sizeof(out)), "4 min 05 s");
	assert_string_equal(units_size(1023, out, sizeof(out)), "1023 B");
	assert_string_equal(units_size(1536, out, sizeof(out)), "1.5 KiB");
	assert_string_equal(units_size(UINT64_C(5) << 30, out, sizeof(out)), "5.0 GiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_one_number_and_one_unit),
		cmocka_unit_test(refuses_what_is_no_duration),
		cmocka_unit_test(sizes_are_decimal_or_binary),
		cmocka_unit_test(refuses_what_is_no_size),
		cmocka_unit_test(whole_numbers_stay_in_their_range),
		cmocka_unit_test(durations_and_sizes_read_well),
	};

	return cmocka_run_group_tests_name("base/units", tests, NULL, NULL);
}
