/* Distributions and intervals of rates against SciPy. */
#include "stats/distributions.h"

#include "rows.h"

static double value_of(const struct rows *rows)
{
	const double *v = rows->value;

	if (rows_is(rows, "normal_cdf"))
		return stats_normal_cdf(v[0]);
	if (rows_is(rows, "normal_quantile"))
		return stats_normal_quantile(v[0]);
	if (rows_is(rows, "beta_cdf"))
		return stats_beta_cdf(v[0], v[1], v[2]);
	if (rows_is(rows, "beta_quantile"))
		return stats_beta_quantile(v[0], v[1], v[2]);
	if (rows_is(rows, "student_cdf"))
		return stats_student_cdf(v[0], v[1]);
	if (rows_is(rows, "student_quantile"))
		return stats_student_quantile(v[0], v[1]);
	if (rows_is(rows, "binomial_cdf"))
		return stats_binomial_cdf((uint64_t)v[0], (uint64_t)v[1], v[2]);
	assert_string_equal(rows->name, "rate_at_most");
	return stats_rate_at_most((uint64_t)v[0], (uint64_t)v[1], v[2]);
}

static void values_are_those_of_scipy(void **state)
{
	struct rows rows;

	(void)state;
	rows_open(&rows, TEST_DATA "/unit/stats/distributions.tsv");
	while (rows_next(&rows)) {
		const double *v = rows.value;
		bool exact = rows_is(&rows, "clopper_pearson");
		struct stats_interval found;

		if (!exact && !rows_is(&rows, "wilson")) {
			rows_expect(&rows, rows.count - 1, value_of(&rows), 1e-12);
			continue;
		}
		found = (exact ? stats_clopper_pearson : stats_wilson)((uint64_t)v[0],
								       (uint64_t)v[1], v[2]);
		rows_expect(&rows, 3, found.low, 1e-12);
		rows_expect(&rows, 4, found.high, 1e-12);
	}
}

/* Where SciPy 1.17.1 loses digits itself: from 50 digits of mpmath and from atan(). */
static void digits_stay_where_parameters_are_far_apart(void **state)
{
	(void)state;
	assert_true(fabs(stats_beta_quantile(3, 1e9, .8) / 4.2790298466912563e-09 - 1) < 1e-14);
	assert_true(fabs(stats_beta_cdf(3, 1e9, 1e-9) / 0.080301397347303777 - 1) < 1e-13);
	assert_true(fabs(stats_beta_cdf(1e8, 1e8, .5) - .5) < 1e-11);
	assert_true(fabs(.5 - stats_student_cdf(-1e-8, 1) - atan(1e-8) / acos(-1)) < 1e-16);
}

static void ends_of_a_distribution_are_its_limits(void **state)
{
	(void)state;
	assert_true(stats_normal_quantile(0) == -INFINITY);
	assert_true(stats_normal_quantile(1) == INFINITY);
	assert_true(stats_student_quantile(0, 3) == -INFINITY);
	assert_true(stats_student_quantile(1, 3) == INFINITY);
	assert_true(stats_student_cdf(-INFINITY, 3) == 0);
	assert_true(stats_student_cdf(INFINITY, 3) == 1);
	assert_true(stats_student_cdf(1.5, INFINITY) == stats_normal_cdf(1.5));
	assert_true(stats_beta_quantile(2, 3, 0) == 0);
	assert_true(stats_beta_quantile(2, 3, 1) == 1);
	assert_true(stats_binomial_cdf(5, 5, .99) == 1);
	assert_true(stats_wilson(0, 50, .95).low == 0);
	assert_true(stats_wilson(50, 50, .95).high == 1);
}

static void nothing_is_known_of_a_rate_without_trials(void **state)
{
	struct stats_interval exact = stats_clopper_pearson(0, 0, .95);
	struct stats_interval score = stats_wilson(0, 0, .95);

	(void)state;
	assert_true(exact.low == 0 && exact.high == 1);
	assert_true(score.low == 0 && score.high == 1);
	assert_true(stats_rate_at_most(0, 0, .95) == 1);
}

static void arguments_outside_give_nan(void **state)
{
	(void)state;
	assert_true(isnan(stats_normal_cdf(NAN)));
	assert_true(isnan(stats_normal_quantile(NAN)));
	assert_true(isnan(stats_normal_quantile(-.1)));
	assert_true(isnan(stats_normal_quantile(1.1)));
	assert_true(isnan(stats_beta_cdf(0, 1, .5)));
	assert_true(isnan(stats_beta_cdf(1, INFINITY, .5)));
	assert_true(isnan(stats_beta_cdf(1, 1, NAN)));
	assert_true(isnan(stats_beta_quantile(1, -1, .5)));
	assert_true(isnan(stats_beta_quantile(1, 1, NAN)));
	assert_true(isnan(stats_student_cdf(NAN, 3)));
	assert_true(isnan(stats_student_cdf(1, 0)));
	assert_true(isnan(stats_student_quantile(.3, NAN)));
	assert_true(isnan(stats_binomial_cdf(1, 2, NAN)));
	assert_true(isnan(stats_clopper_pearson(3, 2, .95).low));
	assert_true(isnan(stats_wilson(1, 2, 1).high));
	assert_true(isnan(stats_rate_at_most(1, 2, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_those_of_scipy),
		cmocka_unit_test(digits_stay_where_parameters_are_far_apart),
		cmocka_unit_test(ends_of_a_distribution_are_its_limits),
		cmocka_unit_test(nothing_is_known_of_a_rate_without_trials),
		cmocka_unit_test(arguments_outside_give_nan),
	};

	return cmocka_run_group_tests_name("stats/distributions", tests, NULL, NULL);
}
