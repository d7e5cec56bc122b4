/* Bootstrap intervals against SciPy's from the same resamples. */
#include "stats/bootstrap.h"

#include "rows.h"

static double mean(const double *values, size_t count, void *context)
{
	double sum = 0;

	(void)context;
	for (size_t i = 0; i < count; i++)
		sum += values[i];
	return sum / (double)count;
}

static double median(const double *values, size_t count, void *context)
{
	(void)context;
	return stats_summarise(values, count).median;
}

static double maximum(const double *values, size_t count, void *context)
{
	(void)context;
	return stats_summarise(values, count).maximum;
}

static double inverse_sd(const double *values, size_t count, void *context)
{
	(void)context;
	return 1 / stats_summarise(values, count).sd;
}

static void intervals_are_those_of_scipy(void **state)
{
	struct rows rows;

	(void)state;
	rows_open(&rows, TEST_DATA "/unit/stats/bootstrap.tsv");
	while (rows_next(&rows)) {
		size_t n = (size_t)rows.value[0], at = n + 1;
		struct stats_bootstrap options = {
			.method = rows.value[at + 2] != 0 ? BOOTSTRAP_BCA : BOOTSTRAP_PERCENTILE,
			.statistic = rows_is(&rows, "mean") ? mean : median,
			.resamples = (size_t)rows.value[at + 1],
			.confidence = .9,
			.seed = (uint64_t)rows.value[at],
		};
		struct stats_estimate found;

		assert_int_equal(stats_bootstrap(&options, rows.value + 1, n, &found, NULL), 0);
		rows_expect(&rows, at + 3, found.value, 1e-13);
		rows_expect(&rows, at + 4, found.low, 1e-9);
		rows_expect(&rows, at + 5, found.high, 1e-9);
		assert_int_equal(found.needed, 0);
	}
}

static void one_seed_gives_one_interval(void **state)
{
	const double values[] = {1, 5, 2, 8, 3, 9, 4};
	struct stats_bootstrap options = {BOOTSTRAP_BCA, mean, NULL, 500, .95, 42};
	struct stats_estimate first, second, other;

	(void)state;
	assert_int_equal(stats_bootstrap(&options, values, 7, &first, NULL), 0);
	assert_int_equal(stats_bootstrap(&options, values, 7, &second, NULL), 0);
	options.seed = 43;
	assert_int_equal(stats_bootstrap(&options, values, 7, &other, NULL), 0);
	assert_true(first.low == second.low && first.high == second.high);
	assert_true(first.low != other.low || first.high != other.high);
}

static void one_value_has_no_interval(void **state)
{
	const double values[] = {3, 3, 3};
	struct stats_bootstrap options = {BOOTSTRAP_PERCENTILE, mean, NULL, 100, .95, 1};
	struct stats_estimate found;

	(void)state;
	assert_int_equal(stats_bootstrap(&options, values, 1, &found, NULL), 0);
	assert_true(found.value == 3 && isnan(found.low) && isnan(found.high));
	assert_int_equal(found.needed, 2);
	options.method = BOOTSTRAP_BCA;
	assert_int_equal(stats_bootstrap(&options, values, 3, &found, NULL), 0);
	assert_true(found.low == 3 && found.high == 3 && found.needed == 0);
}

static void no_bca_where_no_resample_lies_on_one_side(void **state)
{
	const double values[] = {1, 2};
	struct stats_bootstrap options = {BOOTSTRAP_BCA, maximum, NULL, 1, .95, 1};
	struct stats_estimate found;

	(void)state;
	while (options.seed < 100) { /* a seed whose only resample is 1, 1 */
		assert_int_equal(stats_bootstrap(&options, values, 2, &found, NULL), 0);
		if (isnan(found.low))
			break;
		options.seed++;
	}
	assert_true(found.value == 2 && isnan(found.low) && isnan(found.high));
	assert_int_equal(found.needed, 0);
}

static void what_has_no_interval_is_refused(void **state)
{
	const double values[] = {1, 2, 3}, bad[] = {1, NAN};
	const struct stats_bootstrap good = {BOOTSTRAP_BCA, mean, NULL, 100, .95, 1};
	struct stats_bootstrap options = good;
	struct stats_estimate found = {.value = 7};
	struct err err = {0};

	(void)state;
	assert_int_equal(stats_bootstrap(&good, values, 0, &found, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(stats_bootstrap(&good, bad, 2, &found, &err), -1);
	options.resamples = 0;
	assert_int_equal(stats_bootstrap(&options, values, 3, &found, &err), -1);
	options.resamples = STATS_RESAMPLES_MAX + 1;
	assert_int_equal(stats_bootstrap(&options, values, 3, &found, &err), -1);
	options = good;
	options.confidence = 1;
	assert_int_equal(stats_bootstrap(&options, values, 3, &found, &err), -1);
	options = good;
	options.statistic = inverse_sd; /* infinite for three same values */
	assert_int_equal(stats_bootstrap(&options, values, 3, &found, &err), -1);
	assert_true(found.value == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_are_those_of_scipy),
		cmocka_unit_test(one_seed_gives_one_interval),
		cmocka_unit_test(one_value_has_no_interval),
		cmocka_unit_test(no_bca_where_no_resample_lies_on_one_side),
		cmocka_unit_test(what_has_no_interval_is_refused),
	};

	return cmocka_run_group_tests_name("stats/bootstrap", tests, NULL, NULL);
}
