/* .dockerignore against what a real builder left out (ignore.tsv says how it was asked). */
#include "parse/ignore.h"

#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool ignored(const char *patterns, const char *path)
{
	struct ignore *ignore = ignore_parse(patterns, strlen(patterns));
	bool out = ignore_match(ignore, path);

	ignore_free(ignore);
	return out;
}

/* The table writes the line breaks of a .dockerignore as " ; ". */
static void unfold(char *text)
{
	char *at;

	while ((at = strstr(text, " ; ")) != NULL) {
		at[0] = '\n';
		memmove(at + 1, at + 3, strlen(at + 3) + 1);
	}
}

static void agrees_with_the_builder(void **state)
{
	struct table table;
	unsigned rows = 0, wrong = 0;

	(void)state;
	assert_int_equal(table_open(&table, TEST_DATA "/unit/parse/ignore.tsv"), 0);
	while (table_next(&table)) {
		bool got, want = !strcmp(table.column[2], "yes");

		rows++;
		unfold(table.column[0]);
		got = ignored(table.column[0], table.column[1]);
		if (got != want) {
			print_error("row %u: \"%s\" %s: %s, not %s\n", table.line, table.column[0],
				    table.column[1], got ? "ignored" : "kept", table.column[2]);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	assert_true(rows > 1000);
}

static void ignores_nothing_without_patterns(void **state)
{
	(void)state;
	assert_false(ignore_match(NULL, "a"));
	assert_false(ignored("", "a"));
	assert_false(ignored("\n# only words\n\n", "a"));
}

static void the_first_lines_byte_order_mark_is_not_part_of_a_pattern(void **state)
{
	(void)state;
	assert_true(ignored("\xef\xbb\xbf"
			    "a\r\n",
			    "a"));
}

static void malformed_patterns_match_nothing(void **state)
{
	(void)state;
	assert_false(ignored("[a", "a"));
	assert_false(ignored("[]a]", "a"));
	assert_false(ignored("a\\", "a"));
	assert_false(ignored("[z-", "z"));
	assert_false(ignored("!", "a"));
}

static void hostile_patterns_cost_no_exponential_time(void **state)
{
	char pattern[2001], path[2001];

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		pattern[i] = "**/a*"[i % 5];
	memset(path, 'a', 2000);
	pattern[2000] = path[2000] = '\0';
	path[1000] = '/';
	assert_false(ignored(pattern, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_builder),
		cmocka_unit_test(ignores_nothing_without_patterns),
		cmocka_unit_test(the_first_lines_byte_order_mark_is_not_part_of_a_pattern),
		cmocka_unit_test(malformed_patterns_match_nothing),
		cmocka_unit_test(hostile_patterns_cost_no_exponential_time),
	};

	return cmocka_run_group_tests_name("parse/ignore", tests, NULL, NULL);
}
