/* Summaries, quantiles and intervals of order statistics against SciPy and NumPy. */
#include "stats/summary.h"

#include "rows.h"

#include <float.h>

/* The sample of a row: its number of values, then the values; *NEXT is the index after them. */
static double *sample_of(const struct rows *rows, size_t *count, size_t *next)
{
	double *sorted = stats_sorted(rows->value + 1, (size_t)rows->value[0], count);

	assert_int_equal(*count, (size_t)rows->value[0]);
	*next = *count + 1;
	return sorted;
}

static void expect_ranks(struct rows *rows)
{
	const double *v = rows->value;
	size_t n = (size_t)v[0], ranks[2] = {0, n + 1};
	size_t needed = stats_quantile_ranks(n, v[1], v[2], ranks);

	if (v[3] > 0 && v[4] <= v[0]) {
		assert_int_equal(needed, 0);
		rows_expect(rows, 3, (double)ranks[0], 0);
		rows_expect(rows, 4, (double)ranks[1], 0);
		return;
	}
	assert_true(needed > n);
	assert_int_equal(stats_quantile_ranks(needed, v[1], v[2], ranks), 0);
	assert_true(stats_quantile_ranks(needed - 1, v[1], v[2], ranks) > 0);
}

static void numbers_are_those_of_scipy(void **state)
{
	struct rows rows;

	(void)state;
	rows_open(&rows, TEST_DATA "/unit/stats/summary.tsv");
	while (rows_next(&rows)) {
		struct stats_summary found;
		double *sorted;
		size_t n, at;

		if (rows_is(&rows, "ranks")) {
			expect_ranks(&rows);
			continue;
		}
		sorted = sample_of(&rows, &n, &at);
		if (rows_is(&rows, "quantile")) {
			rows_expect(&rows, at + 1, stats_quantile(sorted, n, rows.value[at]),
				    1e-14);
		} else {
			found = stats_summarise(rows.value + 1, n);
			rows_expect(&rows, at, found.minimum, 0);
			rows_expect(&rows, at + 1, found.maximum, 0);
			rows_expect(&rows, at + 2, found.mean, 1e-13);
			rows_expect(&rows, at + 3, found.sd, 1e-13);
			rows_expect(&rows, at + 4, found.median, 1e-15);
			rows_expect(&rows, at + 5, stats_mad(sorted, n), 1e-13);
		}
		free(sorted);
	}
}

static void of_nothing_nothing_is_known(void **state)
{
	struct stats_summary found = stats_summarise(NULL, 0);
	struct stats_estimate median = stats_median_interval(NULL, 0, .95);

	(void)state;
	assert_int_equal(found.count, 0);
	assert_true(isnan(found.minimum) && isnan(found.maximum) && isnan(found.mean));
	assert_true(isnan(found.sd) && isnan(found.median) && isnan(stats_mad(NULL, 0)));
	assert_true(isnan(median.value) && isnan(median.low) && isnan(median.high));
	assert_int_equal(median.needed, 6);
}

static void values_that_are_no_numbers_are_passed_over(void **state)
{
	const double samples[] = {3, NAN, 1, INFINITY, 2, -INFINITY};
	struct stats_summary found = stats_summarise(samples, COUNT(samples));
	struct err err = {0};

	(void)state;
	assert_int_equal(found.count, 3);
	assert_true(found.median == 2 && found.mean == 2 && found.sd == 1);
	assert_int_equal(stats_check(samples, 1, &err), 0);
	assert_int_equal(stats_check(samples, 2, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.msg, "value 2 of 2 is not a finite number");
	assert_int_equal(stats_check(samples + 2, 2, &err), -1);
}

static void the_ends_of_the_range_do_not_overflow(void **state)
{
	const double huge[] = {DBL_MAX, DBL_MAX, DBL_MAX / 2, DBL_MAX};
	const double apart[] = {-DBL_MAX, DBL_MAX};
	const double tiny[] = {1e-300, 3e-300};

	(void)state;
	assert_true(stats_summarise(huge, 4).median == DBL_MAX);
	assert_true(fabs(stats_summarise(huge, 4).mean / DBL_MAX - .875) < 1e-15);
	assert_true(fabs(stats_summarise(huge, 4).sd / DBL_MAX - .25) < 1e-15);
	assert_true(stats_summarise(apart, 2).median == 0);
	assert_true(fabs(stats_quantile(apart, 2, .75) / DBL_MAX - .5) < 1e-15);
	assert_true(isnan(stats_summarise(apart, 2).sd));
	assert_true(fabs(stats_summarise(tiny, 2).sd / 1e-300 - M_SQRT2) < 1e-15);
}

/* The ranks of the sign test's two-sided 5 % points: the largest k with P(B < k) <= 0.025 in tables
 * of the binomial distribution with p = 1/2. */
static void median_intervals_have_the_ranks_of_the_sign_test(void **state)
{
	static const struct {
		size_t count, rank;
	} rows[] = {{5, 0}, {6, 1}, {8, 1}, {9, 2}, {10, 2}, {15, 4}, {20, 6}, {25, 8}, {50, 18}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t ranks[2] = {0, 0};

		assert_int_equal(stats_quantile_ranks(rows[i].count, .5, .95, ranks) == 0,
				 rows[i].rank > 0);
		assert_int_equal(ranks[0], rows[i].rank);
		if (rows[i].rank)
			assert_int_equal(ranks[1], rows[i].count + 1 - rows[i].rank);
	}
}

static void five_values_do_not_hold_a_median(void **state)
{
	const double sorted[] = {1, 2, 3, 4, 5, 6};
	struct stats_estimate found = stats_median_interval(sorted, 5, .95);

	(void)state;
	assert_true(found.value == 3 && isnan(found.low) && isnan(found.high));
	assert_int_equal(found.needed, 6);
	found = stats_median_interval(sorted, 6, .95);
	assert_true(found.value == 3.5 && found.low == 1 && found.high == 6);
	assert_int_equal(found.needed, 0);
	assert_int_equal(stats_quantile_interval(sorted, 6, .999, .95).needed, 3688);
	assert_true(isnan(stats_quantile(sorted, 6, 1.5)));
	assert_true(isnan(stats_quantile(sorted, 6, NAN)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_scipy),
		cmocka_unit_test(of_nothing_nothing_is_known),
		cmocka_unit_test(values_that_are_no_numbers_are_passed_over),
		cmocka_unit_test(the_ends_of_the_range_do_not_overflow),
		cmocka_unit_test(median_intervals_have_the_ranks_of_the_sign_test),
		cmocka_unit_test(five_values_do_not_hold_a_median),
	};

	return cmocka_run_group_tests_name("stats/summary", tests, NULL, NULL);
}
