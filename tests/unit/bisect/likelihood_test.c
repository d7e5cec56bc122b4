#include "bisect/likelihood.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct likelihood_model measures = {
	{.known = true, .value = 1}, {.known = true, .value = 0}, .01, 0};

static struct seen values(const double *list, unsigned count)
{
	struct seen seen = {.measured = count};

	for (unsigned i = 0; i < count; i++) {
		seen.sum += list[i];
		seen.squares += list[i] * list[i];
	}
	return seen;
}

static double like(const double *bad, unsigned bad_count, const double *good, unsigned good_count)
{
	struct seen b = values(bad, bad_count), g = values(good, good_count);

	return likelihood_log(&measures, &b, &g);
}

static double normal(double x, double mean, double sd)
{
	return exp(-(x - mean) * (x - mean) / (2 * sd * sd)) / (sd * sqrt(2 * M_PI));
}

/* Prior times likelihood, added up over a grid of both levels and of the noise. */
static double by_grid(const double *bad, unsigned bad_count, const double *good,
		      unsigned good_count)
{
	double sum = 0;

	for (double v = 8e-6; v < 4e-2; v *= 1.12) { /* the variance: inverse gamma (1, 1e-4) */
		double sd = sqrt(v), prior = 1e-4 / (v * v) * exp(-1e-4 / v) * v;

		for (double a = -2; a < 2; a += .1)
			for (double b = a; b < 40; b += .2) {
				double p = prior * normal(a * sd, 0, sd / 4) *
					   normal(b * sd, 0, 10 * sd) * v;

				for (unsigned i = 0; i < good_count; i++)
					p *= normal(good[i], a * sd, sd);
				for (unsigned i = 0; i < bad_count; i++)
					p *= normal(bad[i], b * sd, sd);
				sum += p;
			}
	}
	return log(sum);
}

static void closed_form_agrees_with_a_grid(void **state)
{
	const double x[] = {.001, -.004, .052, .047, .049};

	(void)state;
	/* Differences between ways to split the same values are what the posterior uses. */
	for (unsigned split = 1; split < 4; split++) {
		double exact = like(x + split, 5 - split, x, split) - like(x + 2, 3, x, 2);
		double grid = by_grid(x + split, 5 - split, x, split) - by_grid(x + 2, 3, x, 2);

		assert_true(fabs(exact - grid) < .05);
	}
}

static void true_split_is_the_most_likely(void **state)
{
	const double x[] = {0, .01, -.01, .06, .05, .04};

	(void)state;
	for (unsigned split = 1; split < 6; split++)
		if (split != 3)
			assert_true(like(x + split, 6 - split, x, split) <
				    like(x + 3, 3, x, 3) - 1);
}

/* How much VALUE speaks for being of bad code rather than good. */
static double weight_of(double value)
{
	const double good[] = {0, .01, -.01, .005, -.005, value};
	const double bad[] = {.06, .05, .07, .055, .065, value};

	return like(bad, 6, good, 5) - like(bad, 5, good, 6);
}

static void borderline_value_carries_little_weight(void **state)
{
	(void)state;
	assert_true(weight_of(.06) > 3 && weight_of(0) < -3);
	assert_true(fabs(weight_of(.03)) < weight_of(.06) / 5);
	assert_true(weight_of(.035) > weight_of(.03) && weight_of(.03) > weight_of(.025));
}

static void what_is_faster_is_nobodys_fault(void **state)
{
	const double faster[] = {-.06, -.05, -.055}, slower[] = {.06, .05, .055},
		     same[] = {0, .003, -.003};

	(void)state;
	assert_true(like(slower, 3, same, 3) > like(faster, 3, same, 3) + 5);
}

static void slowdown_below_the_margin_is_none(void **state)
{
	const double slower[] = {.004, .006, .005, .004, .006, .005}, none[] = {0};
	const struct seen bad = values(slower, 6), good = values(none, 0), both = bad;
	struct likelihood_model model = {measures.fail, measures.flake, .002, 0};
	double without, with;

	(void)state;
	without = likelihood_log(&model, &bad, &good) - likelihood_log(&model, &good, &both);
	model.margin = .02;
	with = likelihood_log(&model, &bad, &good) - likelihood_log(&model, &good, &both);
	assert_true(without > 1 && with < -5);
}

static void next_value_lies_on_the_side_of_its_level(void **state)
{
	const double good[] = {0, .01, -.01, .005}, bad[] = {.06, .05, .07, .055};
	struct seen g = values(good, 4), b = values(bad, 4), none = {0};
	struct levels levels = likelihood_levels(&measures, &b, &g);
	double fail, flake;

	(void)state;
	assert_true(fabs(levels.bad - .0588) < .001 && fabs(levels.good) < .001);
	assert_true(levels.noise > .005 && levels.noise < .015);
	likelihood_next(&measures, &b, &g, .03, &fail, &flake);
	assert_true(fail > .95 && flake < .05);
	likelihood_next(&measures, &none, &g, .03, &fail, &flake);
	assert_true(fail >= 1);
}

static void noise_that_is_no_number_is_refused(void **state)
{
	struct likelihood_model model = measures;

	(void)state;
	assert_true(likelihood_is_sound(&model));
	model.noise = -1;
	assert_false(likelihood_is_sound(&model));
	model.noise = NAN;
	assert_false(likelihood_is_sound(&model));
	model = measures;
	model.margin = -1;
	assert_false(likelihood_is_sound(&model));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_form_agrees_with_a_grid),
		cmocka_unit_test(true_split_is_the_most_likely),
		cmocka_unit_test(borderline_value_carries_little_weight),
		cmocka_unit_test(what_is_faster_is_nobodys_fault),
		cmocka_unit_test(slowdown_below_the_margin_is_none),
		cmocka_unit_test(next_value_lies_on_the_side_of_its_level),
		cmocka_unit_test(noise_that_is_no_number_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
