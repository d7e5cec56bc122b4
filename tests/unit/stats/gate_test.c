/* The gate of pairs: what it says, when, and of how many metrics. */
#include "stats/gate.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PAIRS 48

static double ratios[3][PAIRS];
static struct stats_gate_metric metrics[3];
static struct stats_gate_rule rule;

/* Log ratios about log(1 + CHANGE), spread evenly by SPREAD to either side. */
static void fill(size_t metric, double change, double spread)
{
	uint64_t seed = metric + 1;

	for (size_t i = 0; i < PAIRS; i++)
		ratios[metric][i] = log1p(change) + spread * (2 * random_unit(&seed) - 1);
	metrics[metric] = (struct stats_gate_metric){.ratios = ratios[metric], .count = PAIRS};
}

static enum stats_gate_decision decide(size_t count)
{
	metrics[0].count = count;
	metrics[0].decision = STATS_GATE_MORE;
	stats_gate_judge(&rule, metrics, 1);
	return metrics[0].decision;
}

static int setup(void **state)
{
	(void)state;
	rule = stats_gate_rule(0.02, PAIRS);
	return 0;
}

static void looks_rise_to_the_last_pair(void **state)
{
	size_t seen = 0;

	(void)state;
	assert_int_equal(stats_gate_next(&rule, 0), 6);
	for (size_t next; (next = stats_gate_next(&rule, seen)); seen = next)
		assert_true(next > seen && next <= PAIRS);
	assert_int_equal(seen, PAIRS);
	rule = stats_gate_rule(0.02, 6);
	assert_int_equal(rule.look_count, 1);
	rule = stats_gate_rule(0.02, STATS_GATE_PAIRS_MAX);
	assert_int_equal(rule.looks[rule.look_count - 1], STATS_GATE_PAIRS_MAX);
}

static void a_loss_of_five_percent_fails_at_the_first_look(void **state)
{
	(void)state;
	fill(0, -.05, .01);
	assert_int_equal(decide(5), STATS_GATE_MORE);
	assert_int_equal(decide(6), STATS_GATE_FAIL);
	assert_true(fabs(metrics[0].change + .05) < .01);
	assert_true(metrics[0].within.high < 0 && metrics[0].p < .001);
}

static void no_loss_passes(void **state)
{
	(void)state;
	fill(0, 0, .01);
	assert_int_equal(decide(PAIRS), STATS_GATE_PASS);
	assert_true(metrics[0].within.low > -.02);
}

static void a_gain_passes(void **state)
{
	(void)state;
	fill(0, .1, .01);
	assert_int_equal(decide(6), STATS_GATE_PASS);
}

static void a_loss_below_half_the_margin_never_fails(void **state)
{
	(void)state;
	fill(0, -.009, .001);
	assert_int_equal(decide(PAIRS), STATS_GATE_PASS);
	assert_true(metrics[0].p < 1e-6);
}

static void noise_without_end_is_inconclusive_at_the_last_look_only(void **state)
{
	(void)state;
	fill(0, -.02, .2);
	assert_int_equal(decide(PAIRS - 1), STATS_GATE_MORE);
	assert_int_equal(decide(PAIRS), STATS_GATE_INCONCLUSIVE);
}

static void pairs_after_a_look_change_nothing(void **state)
{
	double change;

	(void)state;
	fill(0, -.05, .01);
	decide(6);
	change = metrics[0].change;
	ratios[0][6] = 5;
	decide(7);
	assert_true(metrics[0].change == change);
}

/* Six equal values have no deviation: they are not believed to be that sure. */
static void equal_values_are_not_certainty(void **state)
{
	(void)state;
	fill(0, -.0101, 0);
	assert_int_equal(decide(6), STATS_GATE_FAIL);
	assert_true(metrics[0].within.high - metrics[0].within.low > .004);
	fill(0, -.019, 0);
	rule.margin = .0195;
	assert_int_equal(decide(6), STATS_GATE_FAIL);
	fill(0, -.0099, 0);
	rule.margin = .02;
	assert_int_equal(decide(6), STATS_GATE_PASS);
}

static void one_wild_pair_of_many_does_not_decide(void **state)
{
	(void)state;
	fill(0, 0, .01);
	ratios[0][3] = -1;
	assert_int_equal(decide(20), STATS_GATE_PASS);
}

/* Just significant when it is alone, not among three. */
static void several_metrics_share_the_risk(void **state)
{
	size_t at = 0;

	(void)state;
	fill(1, 0, .01);
	fill(2, 0, .01);
	for (double change = -.01; change > -.03 && !at; change -= .0002) {
		fill(0, change, .02);
		metrics[0].count = 10;
		stats_gate_judge(&rule, metrics, 1);
		at = metrics[0].decision == STATS_GATE_FAIL;
	}
	assert_int_equal(at, 1);
	stats_gate_judge(&rule, metrics, 3);
	assert_int_equal(metrics[0].decision, STATS_GATE_FAIL); /* as it was decided */
	metrics[0].decision = STATS_GATE_MORE;
	assert_true(metrics[0].p > rule.fail_risk / 3);
	stats_gate_judge(&rule, metrics, 3);
	assert_int_equal(metrics[0].decision, STATS_GATE_MORE);
	assert_int_equal(metrics[1].decision, STATS_GATE_PASS);
}

static void nothing_to_judge_is_fine(void **state)
{
	(void)state;
	stats_gate_judge(&rule, NULL, 0);
	metrics[0] = (struct stats_gate_metric){.ratios = ratios[0]};
	assert_int_equal(decide(0), STATS_GATE_MORE);
	assert_true(metrics[0].within.low == -1 && isinf(metrics[0].within.high));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(looks_rise_to_the_last_pair, setup),
		cmocka_unit_test_setup(a_loss_of_five_percent_fails_at_the_first_look, setup),
		cmocka_unit_test_setup(no_loss_passes, setup),
		cmocka_unit_test_setup(a_gain_passes, setup),
		cmocka_unit_test_setup(a_loss_below_half_the_margin_never_fails, setup),
		cmocka_unit_test_setup(noise_without_end_is_inconclusive_at_the_last_look_only,
				       setup),
		cmocka_unit_test_setup(pairs_after_a_look_change_nothing, setup),
		cmocka_unit_test_setup(equal_values_are_not_certainty, setup),
		cmocka_unit_test_setup(one_wild_pair_of_many_does_not_decide, setup),
		cmocka_unit_test_setup(several_metrics_share_the_risk, setup),
		cmocka_unit_test_setup(nothing_to_judge_is_fine, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
