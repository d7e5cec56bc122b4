/* Rank tests and shifts against SciPy, against every order of small samples, and as printed in
 * Hollander and Wolfe. */
#include "stats/compare.h"

#include "rows.h"

#include <float.h>

static void expect_test(struct rows *rows, size_t at, const struct stats_test *found)
{
	assert_int_equal(found->exact, rows->value[at] != 0);
	rows_expect(rows, at + 1, found->statistic, 0);
	rows_expect(rows, at + 2, found->p, 1e-12);
}

static void expect_estimate(struct rows *rows, size_t at, const struct stats_estimate *found)
{
	rows_expect(rows, at + 1, found->value, 1e-14);
	rows_expect(rows, at + 2, found->low, 1e-14);
	rows_expect(rows, at + 3, found->high, 1e-14);
	assert_int_equal(found->needed > 0, isnan(rows->value[at + 2]));
}

static void values_are_those_of_scipy(void **state)
{
	struct rows rows;

	(void)state;
	rows_open(&rows, TEST_DATA "/unit/stats/compare.tsv");
	while (rows_next(&rows)) {
		bool two = rows_is(&rows, "mann_whitney") || rows_is(&rows, "shift");
		size_t n = (size_t)rows.value[0], m = two ? (size_t)rows.value[1] : 0;
		const double *a = rows.value + 1 + two, *b = a + n;
		size_t at = 1 + two + n + m;
		double confidence = rows.value[at];
		struct stats_test test = {0};
		struct stats_estimate estimate = {0};
		int rc;

		if (rows_is(&rows, "mann_whitney"))
			rc = stats_mann_whitney(a, n, b, m, &test, NULL);
		else if (rows_is(&rows, "signed_rank"))
			rc = stats_signed_rank(a, n, &test, NULL);
		else if (two)
			rc = stats_shift(a, n, b, m, confidence, &estimate, NULL);
		else
			rc = stats_paired_shift(a, n, confidence, &estimate, NULL);
		assert_int_equal(rc, 0);
		if (rows_is(&rows, "mann_whitney") || rows_is(&rows, "signed_rank"))
			expect_test(&rows, at, &test);
		else
			expect_estimate(&rows, at, &estimate);
	}
}

/* Example 4.1, permeability of membranes at term and before: estimate 0.305, 96 % interval. */
static void shift_is_that_of_hollander_and_wolfe(void **state)
{
	const double term[] = {.80, .83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, .73, 1.46};
	const double early[] = {1.15, .88, .90, .74, 1.21};
	struct stats_estimate found;
	struct stats_test test;

	(void)state;
	assert_int_equal(stats_shift(early, 5, term, 10, .96, &found, NULL), 0);
	assert_true(fabs(found.value - .305) < 1e-12);
	assert_true(fabs(found.low + .15) < 1e-12 && fabs(found.high - .76) < 1e-12);
	assert_int_equal(stats_mann_whitney(early, 5, term, 10, &test, NULL), 0);
	assert_true(test.statistic == 35 && fabs(test.p / 2 - .1272) < 5e-5);
}

/* Example 3.1, depression before and after: estimate -0.46, 96.1 % interval, P of one side .02. */
static void paired_shift_is_that_of_hollander_and_wolfe(void **state)
{
	const double before[] = {1.83, .50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
	const double after[] = {.878, .647, .598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
	double differences[9];
	struct stats_estimate found;
	struct stats_test test;

	(void)state;
	for (size_t i = 0; i < 9; i++)
		differences[i] = after[i] - before[i];
	assert_int_equal(stats_paired_shift(differences, 9, .96, &found, NULL), 0);
	assert_true(fabs(found.value + .46) < 1e-9);
	assert_true(fabs(found.low + .786) < 1e-9 && fabs(found.high + .010) < 1e-9);
	assert_int_equal(stats_signed_rank(differences, 9, &test, NULL), 0);
	assert_true(test.statistic == 5 && fabs(test.p / 2 - 10. / 512) < 1e-15);
}

static void too_few_values_say_how_many_it_takes(void **state)
{
	const double low[] = {1, 2, 3, 4, 5, 6}, high[] = {11, 12, 13, 14};
	struct stats_estimate found;

	(void)state;
	assert_int_equal(stats_shift(low, 3, high, 3, .95, &found, NULL), 0);
	assert_true(found.value == 10 && isnan(found.low) && isnan(found.high));
	assert_int_equal(found.needed, 4);
	assert_int_equal(stats_shift(low, 4, high, 4, .95, &found, NULL), 0);
	assert_true(found.low == 7 && found.high == 13 && found.needed == 0);
	assert_int_equal(stats_paired_shift(low, 5, .95, &found, NULL), 0);
	assert_true(found.value == 3 && isnan(found.low));
	assert_int_equal(found.needed, 6);
	assert_int_equal(stats_paired_shift(low, 6, .95, &found, NULL), 0);
	assert_true(found.low == 1 && found.high == 6 && found.needed == 0);
	assert_true(fabs(stats_mann_whitney_least(4, 4) - 2. / 70) < 1e-15);
	assert_true(stats_mann_whitney_least(1, 1) == 1);
	assert_true(stats_mann_whitney_least(5000, 5000) == 0);
}

static void values_that_are_all_the_same_do_not_differ(void **state)
{
	const double same[] = {3, 3, 3, 3, 3}, zero[] = {0, 0, 0};
	struct stats_test test;
	struct stats_estimate found;

	(void)state;
	assert_int_equal(stats_mann_whitney(same, 5, same, 5, &test, NULL), 0);
	assert_true(test.statistic == 12.5 && test.p == 1 && !test.exact);
	assert_int_equal(stats_shift(same, 5, same, 5, .95, &found, NULL), 0);
	assert_true(found.value == 0 && found.low == 0 && found.high == 0);
	assert_false(signbit(found.value));
	assert_int_equal(stats_signed_rank(zero, 3, &test, NULL), 0);
	assert_true(test.statistic == 0 && test.p == 1);
}

static void many_values_need_no_pairs_in_memory(void **state)
{
	size_t count = 60000; /* 3.6 thousand million pairs */
	double *values = calloc(2 * count, sizeof(*values));
	struct stats_estimate found;
	struct stats_test test;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		values[i] = (double)((i * 7919) % count);
		values[count + i] = (double)((i * 104729) % count) + 500;
	}
	assert_int_equal(stats_shift(values, count, values + count, count, .95, &found, NULL), 0);
	assert_true(found.value == 500 && found.low > 250 && found.low < 350);
	assert_true(found.high == 1000 - found.low);
	assert_int_equal(stats_mann_whitney(values, count, values + count, count, &test, NULL), 0);
	assert_true(test.p < 1e-5);
	assert_int_equal(stats_paired_shift(values, count, .95, &found, NULL), 0);
	assert_true(fabs(found.value - (double)(count - 1) / 2) <= .5);
	free(values);
}

static void the_ends_of_the_range_do_not_overflow(void **state)
{
	const double huge[] = {DBL_MAX, DBL_MAX / 2, DBL_MAX, DBL_MAX, DBL_MAX, DBL_MAX};
	struct stats_estimate found;

	(void)state;
	assert_int_equal(stats_paired_shift(huge, 6, .95, &found, NULL), 0);
	assert_true(found.value == DBL_MAX && found.low == DBL_MAX / 2 && found.high == DBL_MAX);
}

static void what_is_no_sample_is_refused(void **state)
{
	const double good[] = {1, 2}, bad[] = {1, NAN}, endless[] = {INFINITY, 1};
	struct stats_test test = {.p = 7};
	struct stats_estimate found = {.value = 7};
	struct err err = {0};

	(void)state;
	assert_int_equal(stats_mann_whitney(good, 0, good, 2, &test, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(stats_mann_whitney(good, 2, good, 0, &test, &err), -1);
	assert_int_equal(stats_mann_whitney(good, 2, bad, 2, &test, &err), -1);
	assert_int_equal(stats_mann_whitney(endless, 2, good, 2, &test, &err), -1);
	assert_int_equal(stats_mann_whitney(good, STATS_VALUES_MAX + 1, good, 2, &test, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(stats_signed_rank(good, 0, &test, &err), -1);
	assert_int_equal(stats_signed_rank(bad, 2, &test, &err), -1);
	assert_int_equal(stats_shift(good, 2, endless, 2, .95, &found, &err), -1);
	assert_int_equal(stats_shift(good, 2, good, 2, 0, &found, &err), -1);
	assert_int_equal(stats_paired_shift(good, 0, .95, &found, &err), -1);
	assert_int_equal(stats_paired_shift(bad, 2, .95, &found, &err), -1);
	assert_int_equal(stats_paired_shift(good, 2, NAN, &found, &err), -1);
	assert_true(test.p == 7 && found.value == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_those_of_scipy),
		cmocka_unit_test(shift_is_that_of_hollander_and_wolfe),
		cmocka_unit_test(paired_shift_is_that_of_hollander_and_wolfe),
		cmocka_unit_test(too_few_values_say_how_many_it_takes),
		cmocka_unit_test(values_that_are_all_the_same_do_not_differ),
		cmocka_unit_test(many_values_need_no_pairs_in_memory),
		cmocka_unit_test(the_ends_of_the_range_do_not_overflow),
		cmocka_unit_test(what_is_no_sample_is_refused),
	};

	return cmocka_run_group_tests_name("stats/compare", tests, NULL, NULL);
}
