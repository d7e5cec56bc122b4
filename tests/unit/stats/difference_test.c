/* Findings of many pairs of samples. */
#include "stats/difference.h"

#include "rows.h"

static void a_shift_beyond_chance_is_different(void **state)
{
	const double before[] = {10, 11, 12, 13, 14, 15}, after[] = {20, 21, 22, 23, 24, 25};
	struct stats_difference found;

	(void)state;
	assert_int_equal(stats_difference(before, 6, after, 6, .05, &found, NULL), 0);
	assert_int_equal(found.finding, STATS_DIFFERENT);
	assert_string_equal(stats_finding_name(found.finding), "different");
	assert_true(found.before == 12.5 && found.after == 22.5 && found.shift.value == 10);
	assert_true(fabs(found.p - 2. / 924) < 1e-15 && found.adjusted == found.p);
	assert_true(found.shift.low > 0 && found.needed == 0);
	assert_int_equal(stats_difference(before, 6, before, 6, .05, &found, NULL), 0);
	assert_int_equal(found.finding, STATS_SAME);
	assert_true(found.shift.value == 0);
}

static void three_values_a_side_cannot_tell(void **state)
{
	const double before[] = {1, 2, NAN, 3}, after[] = {11, 12, 13};
	struct stats_difference found;

	(void)state;
	assert_int_equal(stats_difference(before, 4, after, 3, .05, &found, NULL), 0);
	assert_int_equal(found.before_count, 3);
	assert_int_equal(found.finding, STATS_TOO_FEW);
	assert_string_equal(stats_finding_name(found.finding), "too few");
	assert_int_equal(found.needed, 4);
	assert_true(found.before == 2 && found.shift.value == 10 && isnan(found.shift.low));
}

/* P = 2/70 alone; of three together it would take 0.05 / 3, that five a side can have. */
static void what_is_read_side_by_side_takes_more_to_be_found(void **state)
{
	const double before[] = {1, 2, 3, 4}, after[] = {11, 12, 13, 14};
	struct stats_difference list[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(stats_difference(before, 4, after, 4, .05, &list[i], NULL), 0);
		assert_int_equal(list[i].finding, STATS_DIFFERENT);
	}
	stats_judge_together(list, 3, .05, stats_adjust_holm);
	for (size_t i = 0; i < 3; i++) {
		assert_true(fabs(list[i].adjusted - 6. / 70) < 1e-15);
		assert_int_equal(list[i].finding, STATS_TOO_FEW);
		assert_int_equal(list[i].needed, 5);
	}
	stats_judge_together(list, 3, .05, stats_adjust_benjamini_hochberg);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(list[i].finding, STATS_DIFFERENT);
		assert_int_equal(list[i].needed, 0);
	}
	stats_judge_together(list, 0, .05, stats_adjust_holm);
}

static void a_side_without_values_is_refused(void **state)
{
	const double none[] = {NAN, INFINITY}, one[] = {1};
	struct stats_difference found = {.p = 7};
	struct err err = {0};

	(void)state;
	assert_int_equal(stats_difference(none, 2, one, 1, .05, &found, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(stats_difference(one, 1, one, 0, .05, &found, &err), -1);
	assert_int_equal(stats_difference(one, 1, one, 1, 0, &found, &err), -1);
	assert_true(found.p == 7);
	assert_int_equal(stats_difference(one, 1, one, 1, .05, &found, &err), 0);
	assert_int_equal(found.finding, STATS_TOO_FEW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shift_beyond_chance_is_different),
		cmocka_unit_test(three_values_a_side_cannot_tell),
		cmocka_unit_test(what_is_read_side_by_side_takes_more_to_be_found),
		cmocka_unit_test(a_side_without_values_is_refused),
	};

	return cmocka_run_group_tests_name("stats/difference", tests, NULL, NULL);
}
