/* Adjusted p values against SciPy, and as printed by Benjamini and Hochberg. */
#include "stats/adjust.h"

#include "rows.h"

static void values_are_those_of_scipy(void **state)
{
	struct rows rows;

	(void)state;
	rows_open(&rows, TEST_DATA "/unit/stats/adjust.tsv");
	while (rows_next(&rows)) {
		size_t n = (size_t)rows.value[0];
		double out[ROW_NUMBERS];

		assert_int_equal((rows_is(&rows, "holm") ? stats_adjust_holm
							 : stats_adjust_benjamini_hochberg)(
					 rows.value + 1, n, out, NULL),
				 0);
		for (size_t i = 0; i < n; i++)
			rows_expect(&rows, 1 + n + i, out[i], 1e-14);
	}
}

/* The 15 comparisons of their section 4: at 0.05 Bonferroni and Holm reject three, they four. */
static void finds_as_many_as_benjamini_and_hochberg(void **state)
{
	const double p[] = {.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344,
			    .0459, .3240, .4262, .5719, .6528, .7590, 1};
	double holm[15], rate[15];
	size_t by_holm = 0, by_rate = 0;

	(void)state;
	assert_int_equal(stats_adjust_holm(p, 15, holm, NULL), 0);
	assert_int_equal(stats_adjust_benjamini_hochberg(p, 15, rate, NULL), 0);
	for (size_t i = 0; i < 15; i++) {
		by_holm += holm[i] <= .05;
		by_rate += rate[i] <= .05;
	}
	assert_int_equal(by_holm, 3);
	assert_int_equal(by_rate, 4);
}

static void may_write_over_its_input(void **state)
{
	double p[] = {.04, .01, .03};

	(void)state;
	assert_int_equal(stats_adjust_holm(p, 3, p, NULL), 0);
	assert_true(p[0] == .06 && p[1] == .03 && p[2] == .06);
	assert_int_equal(stats_adjust_holm(p, 0, p, NULL), 0);
	assert_int_equal(stats_adjust_benjamini_hochberg(p, 0, p, NULL), 0);
}

static void what_is_no_probability_is_refused(void **state)
{
	const double bad[][2] = {{.5, NAN}, {-.1, .5}, {.5, 1.1}, {INFINITY, 0}};
	double out[2] = {7, 7};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(stats_adjust_holm(bad[i], 2, out, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_int_equal(stats_adjust_benjamini_hochberg(bad[i], 2, out, &err), -1);
	}
	assert_true(out[0] == 7 && out[1] == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_those_of_scipy),
		cmocka_unit_test(finds_as_many_as_benjamini_and_hochberg),
		cmocka_unit_test(may_write_over_its_input),
		cmocka_unit_test(what_is_no_probability_is_refused),
	};

	return cmocka_run_group_tests_name("stats/adjust", tests, NULL, NULL);
}
