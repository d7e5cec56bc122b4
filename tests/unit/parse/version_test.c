/* Versions against tables whose answers come from elsewhere: each table says from where. */
#include "parse/version.h"

#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *row_match(enum version_scheme scheme, char **column)
{
	struct err err = {0};
	bool out = false;

	if (version_matches(scheme, column[1], column[2], &out, &err) < 0)
		return "error";
	return out ? "yes" : "no";
}

static const char *row_order(enum version_scheme scheme, char **column)
{
	int out = 0, back = 0;

	if (version_compare(scheme, column[1], column[2], &out, NULL) < 0 ||
	    version_compare(scheme, column[2], column[1], &back, NULL) < 0)
		return "error";
	if (out != -back)
		return "not antisymmetric";
	return out < 0 ? "<" : out > 0 ? ">" : "=";
}

static const char *row_answer(enum version_scheme scheme, char **column)
{
	struct err err = {0};
	int rc;

	if (!strcmp(column[0], "match"))
		return row_match(scheme, column);
	if (!strcmp(column[0], "order"))
		return row_order(scheme, column);
	rc = !strcmp(column[0], "version") ? version_check(scheme, column[1], &err)
					   : version_constraint_check(scheme, column[1], &err);
	if (rc == 0)
		return "ok";
	return err.code == ERR_USAGE && err.msg[0] ? "bad" : "error without words";
}

static void check_table(enum version_scheme scheme, const char *path, unsigned at_least)
{
	struct table table;
	unsigned rows = 0, wrong = 0;

	assert_int_equal(table_open(&table, path), 0);
	while (table_next(&table)) {
		const char *want = table.column[table.columns - 1];
		const char *got = row_answer(scheme, table.column);

		rows++;
		if (strcmp(got, want) != 0) {
			print_error("%s:%u: %s \"%s\" \"%s\": %s, not %s\n", path, table.line,
				    table.column[0], table.column[1],
				    table.columns > 3 ? table.column[2] : "", got, want);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	assert_true(rows >= at_least);
}

static void pep440_agrees_with_packaging(void **state)
{
	(void)state;
	check_table(VERSION_PEP440, TEST_DATA "/unit/parse/pep440.tsv", 800);
}

static void semver_agrees_with_its_specification(void **state)
{
	(void)state;
	check_table(VERSION_SEMVER, TEST_DATA "/unit/parse/semver.tsv", 90);
}

static void dotted_treats_missing_numbers_as_zero(void **state)
{
	(void)state;
	check_table(VERSION_DOTTED, TEST_DATA "/unit/parse/dotted.tsv", 35);
}

static bool matches(const char *constraint, const char *text)
{
	bool out = false;
	struct err err = {0};

	if (version_matches(VERSION_PEP440, constraint, text, &out, &err) < 0)
		fail_msg("%s", err.msg);
	return out;
}

static void a_named_local_label_must_be_the_same(void **state)
{
	(void)state;
	assert_false(matches("==2.7.1+cu126", "2.7.1+cu128"));
	assert_true(matches("!=2.7.1+cu126", "2.7.1+cu128"));
	assert_true(matches("==2.7.1+cu126", "2.7.1+cu126"));
	assert_false(matches("==2.7.1+cu126", "2.7.1"));
	assert_true(matches("==2.7.1", "2.7.1+cu126"));
}

static void exclusive_bounds_leave_out_neighbours_of_the_bound(void **state)
{
	(void)state;
	assert_false(matches(">1.7", "1.7.post1"));
	assert_false(matches("<3.0", "3.0rc1"));
	assert_true(matches("<3.0rc2", "3.0rc1"));
	assert_true(matches(">1.7.post0", "1.7.post1"));
}

static void names_the_bad_clause(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(version_constraint_check(VERSION_PEP440, ">=2.7,=<3", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "\"=<3\""));
}

static void rejects_a_trailing_comma_and_nothing_at_all(void **state)
{
	(void)state;
	assert_int_equal(version_constraint_check(VERSION_PEP440, ">=2.7,", NULL), -1);
	assert_int_equal(version_constraint_check(VERSION_PEP440, " ", NULL), -1);
	assert_int_equal(version_constraint_check(VERSION_DOTTED, "", NULL), -1);
	assert_int_equal(version_check(VERSION_SEMVER, "", NULL), -1);
}

static void leaves_the_output_alone_on_failure(void **state)
{
	bool out = true;
	int order = 42;

	(void)state;
	assert_int_equal(version_matches(VERSION_PEP440, ">=1", "x", &out, NULL), -1);
	assert_true(out);
	assert_int_equal(version_compare(VERSION_PEP440, "1", "x", &order, NULL), -1);
	assert_int_equal(order, 42);
}

static void refuses_texts_beyond_the_maximum(void **state)
{
	char text[VERSION_BYTES_MAX + 2];

	(void)state;
	memset(text, '1', sizeof(text));
	text[VERSION_BYTES_MAX + 1] = '\0';
	assert_int_equal(version_check(VERSION_PEP440, text, NULL), -1);
	text[VERSION_BYTES_MAX] = '\0';
	assert_int_equal(version_check(VERSION_PEP440, text, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pep440_agrees_with_packaging),
		cmocka_unit_test(semver_agrees_with_its_specification),
		cmocka_unit_test(dotted_treats_missing_numbers_as_zero),
		cmocka_unit_test(a_named_local_label_must_be_the_same),
		cmocka_unit_test(exclusive_bounds_leave_out_neighbours_of_the_bound),
		cmocka_unit_test(names_the_bad_clause),
		cmocka_unit_test(rejects_a_trailing_comma_and_nothing_at_all),
		cmocka_unit_test(leaves_the_output_alone_on_failure),
		cmocka_unit_test(refuses_texts_beyond_the_maximum),
	};

	return cmocka_run_group_tests_name("parse/version", tests, NULL, NULL);
}
