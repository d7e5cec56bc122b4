/* The replay against the release's own function: make-dispatch-tsv says how the table was made. */
#include "gpu/dispatch.h"

#include "../parse/table.h"
#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t whole(const char *text)
{
	int64_t value = 0;

	assert_int_equal(units_parse_int(text, 1, 1000000, &value), 0);
	return (uint64_t)value;
}

static enum number type_of(const char *text)
{
	for (enum number type = 0; type < NUMBER_COUNT; type++)
		if (!strcmp(number_name(type), text))
			return type;
	fail_msg("no such type: %s", text);
	return NUMBER_COUNT;
}

static void release_50_chooses_as_its_python_does(void **state)
{
	struct table table;
	unsigned rows = 0, wrong = 0;

	(void)state;
	assert_int_equal(table_open(&table, TEST_DATA "/unit/gpu/dispatch.tsv"), 0);
	while (table_next(&table)) {
		char *slash = strchr(table.column[0], '/');
		struct card card;
		enum path got, want;

		assert_non_null(slash);
		*slash = '\0';
		card = (struct card){(unsigned)whole(table.column[0]) / 10,
				     (unsigned)whole(table.column[0]) % 10,
				     (unsigned)whole(slash + 1)};
		got = dispatch_path(50, &card, type_of(table.column[1]), whole(table.column[2]),
				    whole(table.column[3]), whole(table.column[4]), 64);
		want = !strcmp(table.column[5], "yes") ? PATH_FUSED : PATH_DEQUANT;
		rows++;
		if (got != want) {
			print_error("row %u: %s\n", table.line, path_name(got));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	assert_true(rows > 2000);
}

static void earlier_releases_have_a_kernel_for_one_row_only(void **state)
{
	const struct card card = {9, 0, 132};

	(void)state;
	assert_int_equal(dispatch_path(43, &card, NUMBER_BF16, 1, 14336, 4096, 64), PATH_GEMV);
	assert_int_equal(dispatch_path(49, &card, NUMBER_BF16, 2, 14336, 4096, 64), PATH_DEQUANT);
	assert_int_equal(dispatch_path(49, &card, NUMBER_BF16, 1, 14336, 4064, 64), PATH_DEQUANT);
}

static void release_50_leaves_ragged_rows_and_large_batches_to_the_matrix_product(void **state)
{
	const struct card card = {12, 0, 170};

	(void)state;
	assert_int_equal(dispatch_path(50, &card, NUMBER_BF16, 1, 14336, 4064, 64), PATH_DEQUANT);
	assert_int_equal(dispatch_path(50, &card, NUMBER_BF16, 1537, 64, 64, 64), PATH_DEQUANT);
	assert_int_equal(dispatch_path(50, &card, NUMBER_BF16, 64, 14336, 4096, 64), PATH_FUSED);
	assert_int_equal(dispatch_path(50, &card, NUMBER_BF16, 9, 4096, 14336, 64), PATH_DEQUANT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(release_50_chooses_as_its_python_does),
		cmocka_unit_test(earlier_releases_have_a_kernel_for_one_row_only),
		cmocka_unit_test(
			release_50_leaves_ragged_rows_and_large_batches_to_the_matrix_product),
	};

	return cmocka_run_group_tests_name("gpu/dispatch", tests, NULL, NULL);
}
