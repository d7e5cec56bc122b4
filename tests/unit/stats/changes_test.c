/* Changes of level: found, placed, measured; and what is none. */
#include "stats/changes.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define POINTS 200

static double values[POINTS];
static struct arena *arena;
static struct stats_change *found;
static size_t count;
static struct err err;

/* 100 with evenly spread noise of up to NOISE to either side. */
static void fill(double noise)
{
	uint64_t seed = 1;

	for (size_t i = 0; i < POINTS; i++)
		values[i] = 100 * (1 + noise * (2 * random_unit(&seed) - 1));
}

static void step(size_t at, double by)
{
	for (size_t i = at; i < POINTS; i++)
		values[i] *= by;
}

static int look(size_t points)
{
	return stats_changes(values, points, STATS_CHANGES_FLOOR, arena, &found, &count, &err);
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void noise_alone_has_no_change(void **state)
{
	(void)state;
	fill(.02);
	assert_int_equal(look(POINTS), 0);
	assert_int_equal(count, 0);
}

static void steps_up_and_down_are_found_where_they_are(void **state)
{
	(void)state;
	fill(.01);
	step(60, 1.05);
	step(140, .9);
	assert_int_equal(look(POINTS), 0);
	assert_int_equal(count, 2);
	assert_int_equal(found[0].at, 60);
	assert_int_equal(found[1].at, 140);
	assert_true(fabs(found[0].size - .05) < .003 && fabs(found[1].size + .1) < .003);
	assert_true(found[0].within.low < .05 && found[0].within.high > .05);
	assert_true(fabs(found[1].before - 105) < .5 && fabs(found[1].after - 94.5) < .5);
}

static void a_step_is_found_within_five_points(void **state)
{
	(void)state;
	fill(.01);
	step(100, 1.05);
	assert_int_equal(look(102), 0);
	assert_int_equal(count, 0);
	assert_int_equal(look(105), 0);
	assert_int_equal(count, 1);
	assert_int_equal(found[0].at, 100);
}

/* Of 2-sigma steps the likeliest place alone is within three points 3871 times. */
static void faint_steps_are_told_within_three_points(void **state)
{
	uint64_t seed = 1;
	size_t near = 0;

	(void)state;
	for (size_t trial = 0; trial < 4000; trial++) {
		size_t at = 50 + (size_t)(random_unit(&seed) * 100);

		for (size_t i = 0; i < POINTS; i++) {
			double noise =
				-6; /* of twelve uniform numbers: nearly normal, of deviation 1 */

			for (size_t part = 0; part < 12; part++)
				noise += random_unit(&seed);
			values[i] = 100 + noise;
		}
		step(at, 1.02);
		assert_int_equal(look(POINTS), 0);
		for (size_t i = 0; i < count; i++)
			near += found[i].at + 3 >= at && found[i].at <= at + 3;
	}
	assert_in_range(near, 3890, 4000);
}

/* Never put on a point of the old level, however large it is. */
static void a_large_step_is_told_at_its_own_first_point(void **state)
{
	(void)state;
	fill(.001);
	step(100, 2);
	for (size_t points = 101; points < 110; points++) {
		assert_int_equal(look(points), 0);
		assert_true(count == 0 || (count == 1 && found[0].at == 100));
	}
	assert_int_equal(count, 1);
}

static void a_spike_beside_a_step_does_not_move_it(void **state)
{
	(void)state;
	fill(.01);
	step(100, 1.02);
	values[98] *= 1.1;
	assert_int_equal(look(POINTS), 0);
	assert_int_equal(count, 1);
	assert_int_equal(found[0].at, 100);
}

static void spikes_are_no_change(void **state)
{
	(void)state;
	fill(.01);
	values[50] *= 2;
	values[51] *= 1.5;
	values[120] /= 3;
	values[POINTS - 1] *= 1.4;
	assert_int_equal(look(POINTS), 0);
	assert_int_equal(count, 0);
}

static void a_change_below_the_floor_is_not_told(void **state)
{
	(void)state;
	fill(.0005);
	step(100, 1.004);
	assert_int_equal(look(POINTS), 0);
	assert_int_equal(count, 0);
	assert_int_equal(stats_changes(values, POINTS, .003, arena, &found, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(found[0].at, 100);
}

/* Each point keeps nine tenths of the one before: it wanders without changing. */
static void a_wandering_series_is_not_taken_for_steps(void **state)
{
	uint64_t seed = 3;
	double at = 0;

	(void)state;
	for (size_t i = 0; i < POINTS; i++) {
		at = .9 * at + .01 * (2 * random_unit(&seed) - 1);
		values[i] = 100 * (1 + at);
	}
	assert_int_equal(look(POINTS), 0);
	assert_int_equal(count, 0);
}

static void equal_values_have_no_noise_and_steps_of_them_are_steps(void **state)
{
	(void)state;
	fill(0);
	assert_int_equal(look(POINTS), 0);
	assert_int_equal(count, 0);
	step(30, 1.01);
	assert_int_equal(look(POINTS), 0);
	assert_int_equal(count, 1);
	assert_int_equal(found[0].at, 30);
}

static void the_same_is_found_again(void **state)
{
	struct stats_change first;

	(void)state;
	fill(.01);
	step(77, 1.02);
	look(POINTS);
	first = found[0];
	look(POINTS);
	assert_memory_equal(&first, &found[0], sizeof(first));
}

static void too_few_points_have_no_change(void **state)
{
	(void)state;
	fill(0);
	step(2, 2);
	for (size_t points = 0; points < 2 * STATS_CHANGES_SEGMENT; points++) {
		assert_int_equal(look(points), 0);
		assert_int_equal(count, 0);
	}
}

static void what_is_no_measurement_is_refused(void **state)
{
	static const double bad[] = {NAN, INFINITY, 0, -1};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fill(.01);
		values[5] = bad[i];
		assert_int_equal(look(POINTS), -1);
		assert_int_equal(err.code, ERR_USAGE);
	}
	fill(.01);
	assert_int_equal(stats_changes(values, POINTS, 0, arena, &found, &count, &err), -1);
	assert_int_equal(stats_changes(values, STATS_CHANGES_POINTS_MAX + 1, .01, arena, &found,
				       &count, &err),
			 -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise_alone_has_no_change),
		cmocka_unit_test(steps_up_and_down_are_found_where_they_are),
		cmocka_unit_test(a_step_is_found_within_five_points),
		cmocka_unit_test(faint_steps_are_told_within_three_points),
		cmocka_unit_test(a_large_step_is_told_at_its_own_first_point),
		cmocka_unit_test(a_spike_beside_a_step_does_not_move_it),
		cmocka_unit_test(spikes_are_no_change),
		cmocka_unit_test(a_change_below_the_floor_is_not_told),
		cmocka_unit_test(a_wandering_series_is_not_taken_for_steps),
		cmocka_unit_test(equal_values_have_no_noise_and_steps_of_them_are_steps),
		cmocka_unit_test(the_same_is_found_again),
		cmocka_unit_test(too_few_points_have_no_change),
		cmocka_unit_test(what_is_no_measurement_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
