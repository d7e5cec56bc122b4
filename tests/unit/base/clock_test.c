#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Expected texts by `date -u -d @SECONDS +%FT%T`. */
static void writes_utc_with_milliseconds(void **unused)
{
	char text[CLOCK_TEXT];

	(void)unused;
	assert_string_equal(clock_rfc3339(0, text, sizeof(text)), "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_rfc3339(1795413060123, text, sizeof(text)),
			    "2026-11-23T05:51:00.123Z");
}

static void later_texts_sort_later(void **unused)
{
	char a[CLOCK_TEXT], b[CLOCK_TEXT];

	(void)unused;
	clock_rfc3339(1795413060007, a, sizeof(a));
	clock_rfc3339(1795413060070, b, sizeof(b));
	assert_true(strcmp(a, b) < 0);
}

static void reads_what_it_writes(void **unused)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {{"1970-01-01T00:00:00.000Z", 0},
		    {"2026-11-23T05:51:00.123Z", 1795413060123},
		    {"2026-11-23T05:51:00Z", 1795413060000},
		    {"2026-11-23T05:51:00.1Z", 1795413060100},
		    {"2026-11-23T05:51:00.123456789Z", 1795413060123}};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = -1;

		assert_int_equal(clock_parse_rfc3339(rows[i].text, &ms), 0);
		assert_int_equal(ms, rows[i].ms);
	}
}

static void refuses_what_is_no_time(void **unused)
{
	static const char *const texts[] = {"",
					    "2026-11-23",
					    "2026-11-23T05:51:00",
					    "2026-11-23T05:51:00+01:00",
					    "2026-11-23T05:51:00.Z",
					    "2026-11-23T05:51:00Z ",
					    "2026-02-30T05:51:00Z",
					    "2026-13-01T05:51:00Z",
					    "2026-11-23T24:00:00Z",
					    "2026-11-23T05:60:00Z",
					    "2026-11-23t05:51:00Z",
					    "2O26-11-23T05:51:00Z"};

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t ms = -1;

		assert_int_equal(clock_parse_rfc3339(texts[i], &ms), -1);
		assert_int_equal(ms, -1);
	}
}

static void until_a_day_is_until_its_end(void **unused)
{
	int64_t ms = -1;

	(void)unused;
	assert_int_equal(clock_parse_until("1970-01-01", &ms), 0);
	assert_int_equal(ms, 24 * 3600 * 1000 - 1);
	assert_int_equal(clock_parse_until("1970-01-01T00:00:01Z", &ms), 0);
	assert_int_equal(ms, 1000);
	assert_int_equal(clock_parse_until("2026-02-30", &ms), -1);
	assert_int_equal(clock_parse_until("2026-2-3", &ms), -1);
	assert_int_equal(clock_parse_until("", &ms), -1);
	assert_int_equal(ms, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_utc_with_milliseconds),
		cmocka_unit_test(later_texts_sort_later),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(until_a_day_is_until_its_end),
	};

	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
