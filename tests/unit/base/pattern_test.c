#include "base/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
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

/* Rows are what the real thing said. */
static void patterns_of_go_are_read_as_go_does(void **state)
{
	static const char text[] = "hello world\nline two\nversion=1.2.3\n";
	FILE *in = fopen(TEST_DATA "/unit/base/go_patterns.tsv", "re");
	unsigned rows = 0, wrong = 0;
	char line[256];

	(void)state;
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		char *pattern = strchr(line, '\t');
		struct err err = {0};
		const char *found;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		assert_non_null(pattern);
		*pattern++ = '\0';
		rows++;
		if (pattern_go_check(pattern, &err) < 0)
			found = "refused";
		else
			found = pattern_go_find(pattern, text, strlen(text), NULL, NULL, &err) == 1
					? "found"
					: "missing";
		if (strcmp(found, line) != 0) {
			print_error("/%s/: %s, but is %s: %s\n", pattern, line, found, err.msg);
			wrong++;
		}
	}
	(void)fclose(in);
	assert_true(rows > 100);
	assert_int_equal(wrong, 0);
}

static void a_long_pattern_of_go_is_refused(void **state)
{
	static char pattern[70000];
	struct err err = {0};

	(void)state;
	memset(pattern, 'a', sizeof(pattern) - 1);
	assert_int_equal(pattern_go_check(pattern, &err), -1);
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
		cmocka_unit_test(patterns_of_go_are_read_as_go_does),
		cmocka_unit_test(a_long_pattern_of_go_is_refused),
	};

	return cmocka_run_group_tests_name("base/pattern", tests, NULL, NULL);
}
