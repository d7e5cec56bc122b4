/* The winsorised mean and its interval against SciPy's parts of them. */
#include "stats/robust.h"

#include "base/random.h"
#include "rows.h"

static void intervals_are_those_of_dixon_and_tukey(void **state)
{
	struct rows rows;

	(void)state;
	rows_open(&rows, TEST_DATA "/unit/stats/robust.tsv");
	while (rows_next(&rows)) {
		size_t n = (size_t)rows.value[0], at = n + 1;
		double share = rows.value[at], confidence = rows.value[at + 1];
		struct stats_winsorised found = {0};
		struct stats_estimate interval = {0};
		struct err err = {0};

		assert_int_equal(stats_winsorise(rows.value + 1, n, share, &found, &err), 0);
		assert_int_equal(stats_winsorised_interval(rows.value + 1, n, share, confidence,
							   &interval, &err),
				 0);
		rows_expect(&rows, at + 2, (double)found.cut, 0);
		rows_expect(&rows, at + 3, found.mean, 1e-12);
		rows_expect(&rows, at + 4, found.sd, 1e-12);
		rows_expect(&rows, at + 5, interval.low, 1e-11);
		rows_expect(&rows, at + 6, interval.high, 1e-11);
		assert_true(interval.value == found.mean && interval.needed == 0);
	}
}

static void one_outlier_in_ten_moves_little(void **state)
{
	const double plain[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	const double wild[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1e9};
	struct stats_winsorised a, b;

	(void)state;
	assert_int_equal(stats_winsorise(plain, 10, .1, &a, NULL), 0);
	assert_int_equal(stats_winsorise(wild, 10, .1, &b, NULL), 0);
	assert_true(a.mean == b.mean && a.sd == b.sd && a.cut == 1);
}

static void too_few_values_say_how_many_it_takes(void **state)
{
	const double values[] = {1, 2, 3};
	struct stats_estimate found;

	(void)state;
	assert_int_equal(stats_winsorised_interval(values, 1, .1, .95, &found, NULL), 0);
	assert_true(found.value == 1 && isnan(found.low) && isnan(found.high));
	assert_int_equal(found.needed, 2);
	assert_int_equal(stats_winsorised_interval(values, 2, .1, .95, &found, NULL), 0);
	assert_int_equal(found.needed, 0);
	assert_int_equal(stats_winsorised_interval(values, 3, .4, .95, &found, NULL), 0);
	assert_true(isnan(found.low));
	assert_int_equal(found.needed, 4);
}

static void what_is_no_sample_is_refused(void **state)
{
	const double bad[] = {1, NAN, 2}, endless[] = {1, -INFINITY};
	struct stats_estimate found = {7, 7, 7, 7};
	struct err err = {0};

	(void)state;
	assert_int_equal(stats_winsorised_interval(bad, 3, .1, .95, &found, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(stats_winsorised_interval(endless, 2, .1, .95, &found, &err), -1);
	assert_int_equal(stats_winsorised_interval(bad, 0, .1, .95, &found, &err), -1);
	assert_int_equal(stats_winsorised_interval(bad, 1, .5, .95, &found, &err), -1);
	assert_int_equal(stats_winsorised_interval(bad, 1, NAN, .95, &found, &err), -1);
	assert_int_equal(stats_winsorised_interval(bad, 1, .1, 1, &found, &err), -1);
	assert_true(found.value == 7 && found.needed == 7);
}

/* A normal value by the sum of twelve even ones; one in fifty is an outlier. */
static double draw(uint64_t *state)
{
	double sum = -6;

	for (size_t i = 0; i < 12; i++)
		sum += random_unit(state);
	return random_below(state, 50) ? sum : 8 * sum;
}

static void intervals_hold_the_middle_as_often_as_they_say(void **state)
{
	static const size_t counts[] = {6, 12, 24, 48};
	uint64_t seed = 5;

	(void)state;
	for (size_t c = 0; c < COUNT(counts); c++) {
		size_t held = 0;

		for (size_t i = 0; i < 4000; i++) {
			struct stats_estimate found;
			double values[48];

			for (size_t k = 0; k < counts[c]; k++)
				values[k] = draw(&seed);
			assert_int_equal(
				stats_winsorised_interval(values, counts[c], .1, .95, &found, NULL),
				0);
			held += found.low <= 0 && found.high >= 0;
		}
		assert_in_range(held, 3720, 3940); /* 93 to 98.5 % */
	}
}

static void values_that_are_the_same_have_no_width(void **state)
{
	const double values[] = {4, 4, 4, 4, 4, 4};
	struct stats_estimate found;

	(void)state;
	assert_int_equal(stats_winsorised_interval(values, 6, .1, .99, &found, NULL), 0);
	assert_true(found.low == 4 && found.high == 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_are_those_of_dixon_and_tukey),
		cmocka_unit_test(one_outlier_in_ten_moves_little),
		cmocka_unit_test(too_few_values_say_how_many_it_takes),
		cmocka_unit_test(what_is_no_sample_is_refused),
		cmocka_unit_test(intervals_hold_the_middle_as_often_as_they_say),
		cmocka_unit_test(values_that_are_the_same_have_no_width),
	};

	return cmocka_run_group_tests_name("stats/robust", tests, NULL, NULL);
}
