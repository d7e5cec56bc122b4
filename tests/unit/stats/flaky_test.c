/* The rate of flakes against what is known otherwise, where counting by hand is wrong. */
#include "stats/flaky.h"

#include "rows.h"
#include "stats/beta_binomial.h"

#define LIST_MAX 2000

struct list {
	struct stats_repeats images[LIST_MAX];
	size_t count;
};

static void add(struct list *list, size_t images, uint64_t failed, uint64_t passed)
{
	while (images--)
		list->images[list->count++] = (struct stats_repeats){failed, passed};
}

static struct stats_flake rate_of(const struct list *list)
{
	struct stats_flake flake = {0};
	struct err err = {0};

	assert_int_equal(stats_flake_rate(list->images, list->count, .95, &flake, &err), 0);
	assert_true(flake.within.low <= flake.rate && flake.rate <= flake.within.high);
	assert_true(flake.at_most <= flake.within.high);
	return flake;
}

/* Where no image is lost, all is one Beta distribution. */
static void good_images_alone_are_a_beta_distribution(void **state)
{
	static const struct {
		uint64_t failed, passed;
	} cases[] = {{0, 1}, {1, 1}, {1, 9}, {3, 17}, {20, 20}, {0, 300}, {5, 995}, {90, 10}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct list list = {0};
		struct stats_flake flake;
		struct stats_estimate known =
			stats_belief_rate(stats_belief_update(STATS_JEFFREYS, cases[i].failed,
							      cases[i].failed + cases[i].passed),
					  .95);

		add(&list, 1, cases[i].failed, cases[i].passed);
		flake = rate_of(&list);
		if (fabs(flake.rate - known.value) > .002 ||
		    fabs(flake.within.low - known.low) > .003 ||
		    fabs(flake.within.high - known.high) > .003)
			fail_msg("%d of %d: %g in %g to %g", (int)cases[i].failed,
				 (int)cases[i].passed, flake.rate, flake.within.low,
				 flake.within.high);
		assert_int_equal(flake.mixed, cases[i].failed > 0);
	}
}

/* Half of all results fail on 100 good images with two each; 10 images are bad. Of images that saw
 * both or only passes 1/3 fail, of all 0.55. */
static void images_that_lost_every_time_count_for_what_they_are(void **state)
{
	struct list list = {0};
	struct stats_flake flake;

	(void)state;
	add(&list, 25, 0, 2);
	add(&list, 50, 1, 1);
	add(&list, 25 + 10, 2, 0);
	flake = rate_of(&list);
	assert_true(flake.rate > .45 && flake.rate < .53);
	assert_true(flake.within.low < .5 && flake.within.high > .5);
	assert_true(flake.bad > .02 && flake.bad < .2);
	assert_int_equal(flake.mixed, 50);
}

/* 5 % fail, and only a failure is made again, until it passes: of images with several results half
 * of all fail. */
static void making_failures_again_does_not_raise_the_rate(void **state)
{
	struct list list = {0};
	struct stats_flake flake;

	(void)state;
	add(&list, 950, 0, 1);
	add(&list, 47, 1, 1);
	add(&list, 3, 2, 1);
	flake = rate_of(&list);
	assert_true(flake.rate > .045 && flake.rate < .056);
	assert_true(flake.at_most < .07);
}

static void a_regression_is_no_flake(void **state)
{
	struct list list = {0};
	struct stats_flake flake;

	(void)state;
	add(&list, 30, 0, 1);
	add(&list, 20, 7, 0);
	flake = rate_of(&list);
	assert_int_equal(flake.mixed, 0);
	assert_true(flake.at_most < .1);
	assert_true(flake.bad > .3 && flake.bad < .5);
}

static void of_nothing_anything_is_believed(void **state)
{
	struct list list = {0};
	struct stats_flake flake;

	(void)state;
	flake = rate_of(&list);
	assert_true(flake.within.low < .01 && flake.within.high > .99);
	assert_true(fabs(flake.rate - .5) < 1e-6);
	add(&list, 3, 0, 0);
	assert_true(fabs(rate_of(&list).rate - .5) < 1e-6);
}

static void what_cannot_be_reckoned_is_refused(void **state)
{
	static const struct stats_repeats none[1];
	struct stats_flake flake = {.rate = 7};
	struct err err = {0};

	(void)state;
	assert_int_equal(stats_flake_rate(none, 1, 1, &flake, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(stats_flake_rate(none, STATS_IMAGES_MAX + 1, .95, &flake, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_true(flake.rate == 7);
}

static void reruns_are_as_many_as_the_risk_asks(void **state)
{
	static const struct {
		double rate, risk;
		unsigned reruns;
	} rows[] = {{.2, 1e-4, 6},  {.1, 1e-4, 4},   {.01, 1e-4, 2}, {.5, 1e-4, 14},
		    {.05, 1e-4, 4}, {.2, .5, 1},     {.9, 1e-4, 20}, {1, 1e-4, 20},
		    {0, 1e-4, 1},   {NAN, 1e-4, 20}, {.2, 0, 20},    {.2, 1, 1}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(stats_reruns(rows[i].rate, rows[i].risk), rows[i].reruns);
}

static void unrest_is_of_one_image_and_of_neighbours(void **state)
{
	static const struct stats_repeats steady[] = {{0, 3}, {0, 1}, {0, 0}, {0, 5}},
					  torn[] = {{1, 1}, {2, 2}}, moving[] = {{0, 1}, {1, 0}},
					  broke[] = {{0, 4}, {4, 0}, {4, 0}},
					  old[] = {{1, 0}, {0, 1}, {0, 1}, {0, 1}},
					  recent[] = {{0, 1}, {0, 1}, {0, 1}, {1, 0}};
	struct stats_unrest unrest;

	(void)state;
	unrest = stats_unrest(steady, COUNT(steady));
	assert_true(unrest.entropy == 0 && unrest.flips == 0);
	unrest = stats_unrest(torn, COUNT(torn));
	assert_true(unrest.entropy == 1 && unrest.flips == .5);
	unrest = stats_unrest(moving, COUNT(moving));
	assert_true(isnan(unrest.entropy) && unrest.flips == 1);
	unrest = stats_unrest(broke, COUNT(broke));
	assert_true(unrest.entropy == 0 && unrest.flips > .4 && unrest.flips < .5);
	assert_true(stats_unrest(recent, COUNT(recent)).flips >
		    stats_unrest(old, COUNT(old)).flips);
	unrest = stats_unrest(NULL, 0);
	assert_true(isnan(unrest.entropy) && isnan(unrest.flips));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_images_alone_are_a_beta_distribution),
		cmocka_unit_test(images_that_lost_every_time_count_for_what_they_are),
		cmocka_unit_test(making_failures_again_does_not_raise_the_rate),
		cmocka_unit_test(a_regression_is_no_flake),
		cmocka_unit_test(of_nothing_anything_is_believed),
		cmocka_unit_test(what_cannot_be_reckoned_is_refused),
		cmocka_unit_test(reruns_are_as_many_as_the_risk_asks),
		cmocka_unit_test(unrest_is_of_one_image_and_of_neighbours),
	};

	return cmocka_run_group_tests_name("stats/flaky", tests, NULL, NULL);
}
