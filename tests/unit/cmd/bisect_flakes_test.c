#include "cmd/bisect_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct rate prior = {.yes = .5, .no = 9.5};
static const struct wanted torch = {"torch", "check/exit 1"};

/* Of the hunt, not under test here. */
int bisect__journal_repeats(struct hunt *hunt, struct err *err)
{
	(void)err;
	hunt->flakes_known = true;
	return 0;
}

static double mean_of(const struct repeats *repeats)
{
	return repeats->rate.yes / (repeats->rate.yes + repeats->rate.no);
}

static struct repeats count(const struct repeat_row *rows, size_t rows_count)
{
	return bisect__count_repeats(rows, rows_count, &torch, 1, &prior);
}

static void nothing_seen_leaves_the_prior(void **state)
{
	const struct repeat_row rows[] = {
		{.case_name = "other", .passed = 90, .failed = 10},
		{.case_name = "torch", .passed = 1},
	};
	struct repeats repeats = count(rows, 2);

	(void)state;
	assert_int_equal(repeats.trials, 0);
	assert_true(repeats.rate.yes == prior.yes && repeats.rate.no == prior.no);
}

static void images_that_mostly_fail_are_bad_not_flaky(void **state)
{
	const struct repeat_row rows[] = {
		{.case_name = "torch", .passed = 1, .failed = 5},
		{.case_name = "torch", .passed = 0, .failed = 9},
		{.case_name = "torch", .passed = 9, .failed = 2},
	};
	struct repeats repeats = count(rows, 3);

	(void)state;
	assert_int_equal(repeats.failed, 2);
	assert_int_equal(repeats.trials, 10);
}

static void rate_is_rounded_up_when_unsure(void **state)
{
	const struct repeat_row few[] = {{.case_name = "torch", .passed = 9, .failed = 1}};
	const struct repeat_row many[] = {{.case_name = "torch", .passed = 9000, .failed = 1000}};
	const struct repeat_row never[] = {{.case_name = "torch", .passed = 5000}};
	struct repeats unsure = count(few, 1), sure = count(many, 1), clean = count(never, 1);

	(void)state;
	assert_true(mean_of(&unsure) > .1 && mean_of(&unsure) < .2);
	assert_true(fabs(mean_of(&sure) - .1) < .01);
	assert_true(mean_of(&clean) >= .01 && mean_of(&clean) < .011);
	assert_true(sure.rate.yes + sure.rate.no <= 50.001); /* it may have changed since */
}

static void check_that_flakes_most_counts(void **state)
{
	const struct wanted both[] = {{"torch", "x"}, {"gpu", "y"}};
	const struct repeat_row rows[] = {
		{.case_name = "torch", .passed = 99, .failed = 1},
		{.case_name = "gpu", .passed = 80, .failed = 20},
	};
	struct repeats repeats = bisect__count_repeats(rows, 2, both, 2, &prior);

	(void)state;
	assert_int_equal(repeats.failed, 20);
}

static void option_goes_before_history(void **state)
{
	const struct bisect_options options = {.flake_rate = "0.3"};
	struct wanted wanted = torch;
	/* Without a store: it must not be asked. */
	struct hunt hunt = {.options = &options, .wanted = &wanted, .wanted_count = 1};

	(void)state;
	assert_int_equal(bisect__learn_flakes(&hunt, NULL), 0);
	assert_false(hunt.flakes_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_seen_leaves_the_prior),
		cmocka_unit_test(images_that_mostly_fail_are_bad_not_flaky),
		cmocka_unit_test(rate_is_rounded_up_when_unsure),
		cmocka_unit_test(check_that_flakes_most_counts),
		cmocka_unit_test(option_goes_before_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
