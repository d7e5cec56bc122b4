/* Beliefs of a rate against SciPy. */
#include "stats/beta_binomial.h"

#include "rows.h"

static void values_are_those_of_scipy(void **state)
{
	struct rows rows;

	(void)state;
	rows_open(&rows, TEST_DATA "/unit/stats/beta_binomial.tsv");
	while (rows_next(&rows)) {
		const double *v = rows.value;
		struct stats_belief belief = stats_belief_update((struct stats_belief){v[0], v[1]},
								 (uint64_t)v[2], (uint64_t)v[3]);

		if (rows_is(&rows, "rate")) {
			struct stats_estimate found = stats_belief_rate(belief, v[4]);

			rows_expect(&rows, 5, found.value, 1e-14);
			rows_expect(&rows, 6, found.low, 1e-10);
			rows_expect(&rows, 7, found.high, 1e-10);
			assert_int_equal(found.needed, 0);
		} else if (rows_is(&rows, "at_most")) {
			rows_expect(&rows, 5, stats_belief_at_most(belief, v[4]), 1e-10);
		} else {
			uint64_t k = (uint64_t)v[4], n = (uint64_t)v[5];

			rows_expect(&rows, 6, stats_belief_predict(belief, k, n), 1e-9);
			rows_expect(&rows, 7, stats_belief_predict_at_most(belief, k, n), 1e-9);
		}
	}
}

static void a_belief_says_how_a_rate_is_before_any_trial(void **state)
{
	struct stats_estimate found = stats_belief_rate(STATS_JEFFREYS, .95);

	(void)state;
	assert_true(found.value == .5 && found.low < .002 && found.high > .998);
	assert_true(stats_belief_predict(STATS_JEFFREYS, 0, 0) == 1);
}

static void chances_of_what_may_come_add_up_to_one(void **state)
{
	struct stats_belief belief = stats_belief_update(STATS_JEFFREYS, 3, 1000);
	double sum = 0;

	(void)state;
	for (uint64_t k = 0; k <= 50; k++)
		sum += stats_belief_predict(belief, k, 50);
	assert_true(fabs(sum - 1) < 1e-9);
	assert_true(fabs(stats_belief_predict_at_most(belief, 9999, 10000) - 1) < 1e-9);
	assert_true(stats_belief_predict_at_most(belief, 50, 50) == 1);
}

static void what_is_no_belief_gives_nan(void **state)
{
	(void)state;
	assert_true(isnan(stats_belief_update(STATS_JEFFREYS, 2, 1).a));
	assert_true(isnan(stats_belief_rate((struct stats_belief){0, 1}, .95).value));
	assert_true(isnan(stats_belief_rate((struct stats_belief){1, NAN}, .95).low));
	assert_true(isnan(stats_belief_rate(STATS_JEFFREYS, 1).value));
	assert_true(isnan(stats_belief_at_most(STATS_JEFFREYS, NAN)));
	assert_true(isnan(stats_belief_predict(STATS_JEFFREYS, 2, 1)));
	assert_true(isnan(stats_belief_predict_at_most((struct stats_belief){-1, 1}, 0, 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_those_of_scipy),
		cmocka_unit_test(a_belief_says_how_a_rate_is_before_any_trial),
		cmocka_unit_test(chances_of_what_may_come_add_up_to_one),
		cmocka_unit_test(what_is_no_belief_gives_nan),
	};

	return cmocka_run_group_tests_name("stats/beta_binomial", tests, NULL, NULL);
}
