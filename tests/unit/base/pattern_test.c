#include "base/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int find(const char *pattern, const char *text)
{
	struct err err = {0};

	return pattern_find(pattern, text, strlen(text), NULL, NULL, &err);
}

static void anchors_match_at_lines(void **state)
{
	(void)state;
	assert_int_equal(find("^two$", "one\ntwo\nthree"), 1);
	assert_int_equal(find("^wo$", "one\ntwo\nthree"), 0);
	assert_int_equal(find("", ""), 1);
}

static void gives_the_first_group_or_the_whole_match(void **state)
{
	struct err err = {0};
	const char *at = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(pattern_find("v(\\d+)", "at v12.", 7, &at, &len, &err), 1);
	assert_int_equal(len, 2);
	assert_memory_equal(at, "12", 2);
	assert_int_equal(pattern_find("v\\d+", "at v12.", 7, &at, &len, &err), 1);
	assert_int_equal(len, 3);
	assert_memory_equal(at, "v12", 3);
	assert_int_equal(pattern_find("a(x)?", "a", 1, &at, &len, &err), 1);
	assert_int_equal(len, 1);
}

static void bytes_that_are_no_utf8_do_not_stop_it(void **state)
{
	(void)state;
	assert_int_equal(find("end", "\xFF\xFE then the end"), 1);
}

static void a_bad_pattern_is_explained(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(pattern_check("a(b", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "bad pattern 'a(b' at offset 3"));
	assert_int_equal(pattern_check("a(b)", &err), 0);
	assert_int_equal(find("[", "x"), -1);
}

static void endless_work_ends(void **state)
{
	struct err err = {0};
	char text[41];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(pattern_find("^(a+)+[bc]$", text, strlen(text), NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anchors_match_at_lines),
		cmocka_unit_test(gives_the_first_group_or_the_whole_match),
		cmocka_unit_test(bytes_that_are_no_utf8_do_not_stop_it),
		cmocka_unit_test(a_bad_pattern_is_explained),
		cmocka_unit_test(endless_work_ends),
	};

	return cmocka_run_group_tests_name("base/pattern", tests, NULL, NULL);
}
