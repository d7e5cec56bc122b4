/* What samples prove; reference values of MLPerf LoadGen. */
#include "load/quantile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void needs_as_many_requests_as_loadgen(void **state)
{
	static const struct {
		double share, confidence;
		uint64_t over, needed;
	} rows[] = {
		{.5, .99, 0, 7},	{.5, .99, 1, 11},     {.5, .99, 2, 14},
		{.5, .99, 5, 22},	{.5, .99, 10, 35},    {.9, .99, 0, 44},
		{.9, .99, 1, 64},	{.9, .99, 2, 81},     {.9, .99, 5, 127},
		{.9, .99, 10, 197},	{.95, .99, 0, 90},    {.95, .99, 1, 130},
		{.95, .99, 2, 165},	{.95, .99, 5, 259},   {.95, .99, 10, 398},
		{.99, .99, 0, 459},	{.99, .99, 1, 662},   {.99, .99, 2, 838},
		{.99, .99, 5, 1307},	{.99, .99, 10, 2010}, {.999, .99, 0, 4603},
		{.999, .99, 1, 6636},	{.999, .99, 2, 8403}, {.999, .99, 5, 13105},
		{.999, .99, 10, 20140}, {.5, .95, 0, 5},      {.9, .95, 0, 29},
		{.95, .95, 0, 59},	{.99, .95, 0, 299},   {.999, .95, 0, 2995},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(quantile_needed(rows[i].share, rows[i].confidence, rows[i].over),
				 rows[i].needed);
}

static void claims_only_what_the_sample_shows(void **state)
{
	uint64_t needed = 0;

	(void)state;
	assert_int_equal(quantile_claim(.99, .99, 0, 458, &needed), CLAIM_UNKNOWN);
	assert_int_equal(needed, 459);
	assert_int_equal(quantile_claim(.99, .99, 0, 459, NULL), CLAIM_HOLDS);
	assert_int_equal(quantile_claim(.99, .99, 1, 661, &needed), CLAIM_UNKNOWN);
	assert_int_equal(needed, 662);
	assert_int_equal(quantile_claim(.99, .99, 60, 459, NULL), CLAIM_BROKEN);
	assert_int_equal(quantile_claim(.99, .99, 1, 1, NULL), CLAIM_BROKEN);
	assert_int_equal(quantile_claim(.5, .99, 1, 1, NULL), CLAIM_UNKNOWN);
	assert_int_equal(quantile_claim(.99, .99, 0, 0, NULL), CLAIM_UNKNOWN);
	assert_int_equal(quantile_claim(.99, .99, 5000, 1000000, NULL), CLAIM_HOLDS);
	assert_int_equal(quantile_claim(.99, .99, 15000, 1000000, NULL), CLAIM_BROKEN);
}

static void a_budget_is_a_bound_not_an_average(void **state)
{
	uint64_t needed = 0;

	(void)state;
	assert_int_equal(budget_claim(.01, .99, 0, 100, &needed), CLAIM_UNKNOWN);
	assert_int_equal(needed, 459);
	assert_int_equal(budget_claim(.01, .99, 0, 459, NULL), CLAIM_HOLDS);
	assert_int_equal(budget_claim(.01, .99, 100, 459, NULL), CLAIM_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needs_as_many_requests_as_loadgen),
		cmocka_unit_test(claims_only_what_the_sample_shows),
		cmocka_unit_test(a_budget_is_a_bound_not_an_average),
	};

	return cmocka_run_group_tests_name("load/quantile", tests, NULL, NULL);
}
