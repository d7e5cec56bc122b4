#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_buffer_is_the_empty_string(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	assert_string_equal(buf_str(&buf), "");
	assert_null(buf.data);
	buf_add(&buf, NULL, 0);
	assert_string_equal(buf_str(&buf), "");
	buf_done(&buf);
}

static void keeps_what_fits_and_says_so(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	buf_addstr(&buf, "abc");
	assert_false(buf.truncated);
	buf_addstr(&buf, "def");
	assert_string_equal(buf_str(&buf), "abcde");
	assert_int_equal(buf.len, 5);
	assert_true(buf.truncated);
	buf_done(&buf);
}

static void holds_bytes_with_a_nul(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	buf_add(&buf, "a\0b", 3);
	assert_int_equal(buf.len, 3);
	assert_memory_equal(buf.data, "a\0b\0", 4);
	buf_done(&buf);
}

static void prints_text_of_any_length(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10000);
	buf_printf(&buf, "%d-", 7);
	buf_printf(&buf, "%0999d", 1);
	assert_int_equal(buf.len, 2 + 999);
	assert_memory_equal(buf.data, "7-000", 5);
	assert_int_equal(buf.data[buf.len - 1], '1');
	buf_done(&buf);
}

static void grows_by_doubling(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, SIZE_MAX / 2);
	for (int i = 0; i < 100000; i++)
		buf_add(&buf, "x", 1);
	assert_int_equal(buf.len, 100000);
	assert_int_equal(strlen(buf_str(&buf)), 100000);
	buf_done(&buf);
}

static void consume_forgets_the_front(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	buf_addstr(&buf, "line\nrest");
	buf_consume(&buf, 5);
	assert_string_equal(buf_str(&buf), "rest");
	buf_consume(&buf, 4);
	assert_string_equal(buf_str(&buf), "");
	buf_consume(&buf, 0);
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_the_empty_string),
		cmocka_unit_test(keeps_what_fits_and_says_so),
		cmocka_unit_test(holds_bytes_with_a_nul),
		cmocka_unit_test(prints_text_of_any_length),
		cmocka_unit_test(grows_by_doubling),
		cmocka_unit_test(consume_forgets_the_front),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
