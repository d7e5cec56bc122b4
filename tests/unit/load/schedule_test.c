/* When requests are due. */
#include "load/schedule.h"

#include "base/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t make(const struct schedule_options *options, uint64_t *out, size_t max)
{
	struct schedule schedule;
	size_t count = 0;

	schedule_init(&schedule, options);
	while (count < max && schedule_next(&schedule, &out[count])) {
		assert_true(!count || out[count] >= out[count - 1]);
		count++;
	}
	return count;
}

static void constant_rate_is_even(void **state)
{
	const struct schedule_options options = {.rate = 100, .duration_ns = NS_PER_S};
	uint64_t times[200];

	(void)state;
	assert_int_equal(make(&options, times, 200), 100);
	assert_int_equal(times[0], 0);
	assert_int_equal(times[50], 500 * NS_PER_MS);
}

static void so_many_requests_at_most(void **state)
{
	const struct schedule_options options = {
		.rate = 100, .duration_ns = NS_PER_S, .requests = 7};
	uint64_t times[200];

	(void)state;
	assert_int_equal(make(&options, times, 200), 7);
}

static void poisson_gaps_are_exponential_and_repeatable(void **state)
{
	enum { MANY = 100000 };
	struct schedule_options options = {.arrival = ARRIVAL_POISSON,
					   .rate = 1000,
					   .duration_ns = 200 * NS_PER_S,
					   .requests = MANY,
					   .seed = 7};
	uint64_t *times = calloc(MANY, sizeof(*times)), *again = calloc(MANY, sizeof(*again));
	double mean = 0, square = 0;

	(void)state;
	assert_int_equal(make(&options, times, MANY), MANY);
	assert_int_equal(make(&options, again, MANY), MANY);
	assert_memory_equal(times, again, MANY * sizeof(*times));
	for (int i = 1; i < MANY; i++) {
		double gap = (double)(times[i] - times[i - 1]) / NS_PER_MS;

		mean += gap / (MANY - 1);
		square += gap * gap / (MANY - 1);
	}
	/* An exponential of mean 1 has E[x^2] = 2; the bounds are 4 standard errors. */
	assert_true(fabs(mean - 1) < 4 / sqrt(MANY));
	assert_true(fabs(square - 2) < 4 * sqrt(20. / MANY));
	options.seed = 8;
	assert_int_equal(make(&options, again, MANY), MANY);
	assert_true(memcmp(times, again, MANY * sizeof(*times)) != 0);
	free(times);
	free(again);
}

static void ramp_goes_from_one_rate_to_the_other(void **state)
{
	static const struct {
		double from, to;
	} rows[] = {{10, 190}, {190, 10}, {0, 200}, {200, 0}, {100, 100}};
	uint64_t times[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct schedule_options options = {.arrival = ARRIVAL_RAMP,
							 .rate = rows[i].from,
							 .rate_end = rows[i].to,
							 .duration_ns = 10 * NS_PER_S};
		size_t count = make(&options, times, 2000), half = 0;
		double expected = 5 * (rows[i].from + (rows[i].to - rows[i].from) / 4);

		assert_in_range(count, 999, 1001);
		while (times[half] < 5 * NS_PER_S)
			half++;
		assert_true(fabs((double)half - expected) <= 2);
	}
}

static void trace_is_replayed_in_order(void **state)
{
	static const char text[] = "# arrivals\n0.5\r\n\n0\n1.25";
	struct arena *arena = arena_new();
	struct schedule_options options = {.arrival = ARRIVAL_TRACE};
	uint64_t *trace = NULL, times[5];
	struct err err;

	(void)state;
	assert_int_equal(trace_read(text, strlen(text), arena, &trace, &options.trace_count, &err),
			 0);
	options.trace = trace;
	assert_int_equal(make(&options, times, 5), 3);
	assert_int_equal(times[0], 0);
	assert_int_equal(times[1], 500 * NS_PER_MS);
	assert_int_equal(times[2], 1250 * NS_PER_MS);
	arena_free(arena);
}

static void wrong_traces_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {{"1\nx\n", "line 2"},
		    {"-1\n", "line 1"},
		    {"1 2\n", "line 1"},
		    {"1e9\n", "line 1"},
		    {"nan\n", "line 1"},
		    {"inf\n", "line 1"},
		    {"# nothing\n", "holds no request"},
		    {"", "holds no request"}};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t *trace = NULL;
		size_t count = 0;
		struct err err;

		assert_int_equal(
			trace_read(rows[i].text, strlen(rows[i].text), arena, &trace, &count, &err),
			-1);
		assert_non_null(strstr(err.msg, rows[i].message));
		assert_null(trace);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_rate_is_even),
		cmocka_unit_test(so_many_requests_at_most),
		cmocka_unit_test(poisson_gaps_are_exponential_and_repeatable),
		cmocka_unit_test(ramp_goes_from_one_rate_to_the_other),
		cmocka_unit_test(trace_is_replayed_in_order),
		cmocka_unit_test(wrong_traces_are_refused_with_their_line),
	};

	return cmocka_run_group_tests_name("load/schedule", tests, NULL, NULL);
}
