/* Durations in buckets. */
#include "load/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_value_comes_back_within_the_stated_error(void **state)
{
	(void)state;
	for (uint64_t value = 1; value < HISTOGRAM_MAX_NS; value += value / 3 + 1) {
		const uint64_t far = value * 3 < HISTOGRAM_MAX_NS ? value * 3 : HISTOGRAM_MAX_NS;
		struct histogram histogram;
		uint64_t got, error;

		histogram_init(&histogram);
		histogram_add(&histogram, value);
		histogram_add(&histogram, value);
		histogram_add(&histogram, far);
		got = histogram_quantile(&histogram, .5);
		error = got > value ? got - value : value - got;
		assert_true(error <= value >> (HISTOGRAM_BITS + 1));
		assert_int_equal(histogram_quantile(&histogram, 1), far);
		histogram_done(&histogram);
	}
}

static void quantiles_are_nearest_ranks(void **state)
{
	struct histogram histogram;

	(void)state;
	histogram_init(&histogram);
	assert_int_equal(histogram_quantile(&histogram, .5), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		histogram_add(&histogram, i);
	assert_int_equal(histogram_quantile(&histogram, .5), 500);
	assert_int_equal(histogram_quantile(&histogram, .99), 990);
	assert_int_equal(histogram_quantile(&histogram, .999), 999);
	assert_int_equal(histogram_quantile(&histogram, 0), 1);
	assert_int_equal(histogram_quantile(&histogram, 1), 1000);
	assert_int_equal(histogram_above(&histogram, 990), 10);
	assert_int_equal(histogram_above(&histogram, 1000), 0);
	assert_true(histogram_mean(&histogram) == 500.5);
	histogram_done(&histogram);
}

static void merging_is_as_if_all_were_added_to_one(void **state)
{
	struct histogram parts[3], whole;
	uint64_t value = 12345;

	(void)state;
	histogram_init(&whole);
	for (int i = 0; i < 3; i++)
		histogram_init(&parts[i]);
	for (int i = 0; i < 30000; i++) {
		value = value * UINT64_C(6364136223846793005) + 1442695040888963407U;
		histogram_add(&whole, value >> 28);
		histogram_add(&parts[i % 3], value >> 28);
	}
	histogram_merge(&parts[0], &parts[1]);
	histogram_merge(&parts[0], &parts[2]);
	assert_int_equal(parts[0].count, whole.count);
	assert_int_equal(parts[0].least_ns, whole.least_ns);
	assert_int_equal(parts[0].most_ns, whole.most_ns);
	assert_memory_equal(parts[0].buckets, whole.buckets,
			    HISTOGRAM_BUCKETS * sizeof(*whole.buckets));
	for (int i = 0; i < 3; i++)
		histogram_done(&parts[i]);
	histogram_done(&whole);
}

static void what_is_too_long_counts_as_the_longest(void **state)
{
	struct histogram histogram;

	(void)state;
	histogram_init(&histogram);
	histogram_add(&histogram, UINT64_MAX);
	histogram_add(&histogram, 0);
	assert_int_equal(histogram.count, 2);
	assert_int_equal(histogram_above(&histogram, HISTOGRAM_MAX_NS / 2), 1);
	histogram_done(&histogram);
}

static void buckets_can_be_walked(void **state)
{
	static const uint64_t values[] = {0, 7, 1023, 1024, 5000, 123456789, HISTOGRAM_MAX_NS};
	struct histogram histogram;
	uint64_t from, to, count, seen = 0, before = 0;
	size_t at = 0;

	(void)state;
	histogram_init(&histogram);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		histogram_add(&histogram, values[i]);
		histogram_add(&histogram, values[i]);
	}
	while (histogram_next(&histogram, &at, &from, &to, &count)) {
		assert_true(from >= before && from <= values[seen] && values[seen] < to);
		assert_int_equal(count, 2);
		before = to;
		seen++;
	}
	assert_int_equal(seen, sizeof(values) / sizeof(*values));
	histogram_done(&histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_can_be_walked),
		cmocka_unit_test(a_value_comes_back_within_the_stated_error),
		cmocka_unit_test(quantiles_are_nearest_ranks),
		cmocka_unit_test(merging_is_as_if_all_were_added_to_one),
		cmocka_unit_test(what_is_too_long_counts_as_the_longest),
	};

	return cmocka_run_group_tests_name("load/histogram", tests, NULL, NULL);
}
