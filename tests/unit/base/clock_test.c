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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_utc_with_milliseconds),
		cmocka_unit_test(later_texts_sort_later),
	};

	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
