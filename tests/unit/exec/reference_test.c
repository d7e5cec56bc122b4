#include "exec/reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define H100 "gpu=H100,driver=570"

static struct suite_reference references[] = {
	{"*", "rate", 100, -10, 5, "req/s"},
	{H100, "rate", 200, -10, 5, "req/s"},
	{H100, "ttft", 50, (double)NAN, 20, "ms"},
	{"*", "error", -4, -50, (double)NAN, ""},
};

struct row {
	const char *what;
	const char *metric, *unit, *cell;
	enum direction direction;
	double samples[3];
	const char *label;    /* NULL: it passes */
	const char *expected; /* of a failure; of a pass the whole of what was found */
	const char *actual;
};

static const struct row rows[] = {
	{"inside", "rate", "req/s", NULL, DIRECTION_HIGHER, {91, 90, 300}, NULL, "ok", NULL},
	{"below",
	 "rate",
	 "req/s",
	 NULL,
	 DIRECTION_HIGHER,
	 {89, 89, 300},
	 "metric/out-of-reference",
	 "rate from 90 to 105 req/s (100 req/s -10 % +5 %)",
	 "89 req/s, -11 %, worse"},
	{"above",
	 "rate",
	 "req/s",
	 "gpu=L4",
	 DIRECTION_HIGHER,
	 {106, 106, 1},
	 "metric/out-of-reference",
	 "rate from 90 to 105 req/s (100 req/s -10 % +5 %)",
	 "106 req/s, +6 %, better"},
	{"no direction",
	 "rate",
	 "req/s",
	 NULL,
	 DIRECTION_NONE,
	 {106, 106, 106},
	 "metric/out-of-reference",
	 "rate from 90 to 105 req/s (100 req/s -10 % +5 %)",
	 "106 req/s, +6 %"},
	{"its own cell first",
	 "rate",
	 "req/s",
	 H100,
	 DIRECTION_HIGHER,
	 {190, 190, 190},
	 NULL,
	 "ok",
	 NULL},
	{"and no other then",
	 "rate",
	 "req/s",
	 H100,
	 DIRECTION_HIGHER,
	 {100, 100, 100},
	 "metric/out-of-reference",
	 "rate from 180 to 210 req/s (200 req/s -10 % +5 %)",
	 "100 req/s, -50 %, worse"},
	{"no lower bound", "ttft", "ms", H100, DIRECTION_LOWER, {1, 1, 1}, NULL, "ok", NULL},
	{"upper bound",
	 "ttft",
	 "ms",
	 H100,
	 DIRECTION_LOWER,
	 {61, 61, 61},
	 "metric/out-of-reference",
	 "ttft at most 60 ms (50 ms +20 %)",
	 "61 ms, +22 %, worse"},
	{"another cell",
	 "ttft",
	 "ms",
	 "gpu=L4",
	 DIRECTION_LOWER,
	 {900, 900, 900},
	 NULL,
	 "ok; ttft not judged: no reference for gpu=L4",
	 NULL},
	{"half of a cell",
	 "ttft",
	 "ms",
	 "gpu=H100",
	 DIRECTION_LOWER,
	 {900, 900, 900},
	 NULL,
	 "ok; ttft not judged: no reference for gpu=H100",
	 NULL},
	{"no cell",
	 "ttft",
	 "ms",
	 NULL,
	 DIRECTION_LOWER,
	 {900, 900, 900},
	 NULL,
	 "ok; ttft not judged: no reference for a metric without cell",
	 NULL},
	{"below zero", "error", NULL, NULL, DIRECTION_NONE, {-6, -6, -6}, NULL, "ok", NULL},
	{"too far below zero",
	 "error",
	 NULL,
	 NULL,
	 DIRECTION_HIGHER,
	 {-7, -7, -7},
	 "metric/out-of-reference",
	 "error at least -6 (-4 -50 %)",
	 "-7, -75 %, worse"},
	{"another unit",
	 "rate",
	 "tok/s",
	 NULL,
	 DIRECTION_HIGHER,
	 {100, 100, 100},
	 "metric/unit-mismatch",
	 "rate in req/s",
	 "tok/s"},
	{"no unit",
	 "rate",
	 NULL,
	 NULL,
	 DIRECTION_HIGHER,
	 {100, 100, 100},
	 "metric/unit-mismatch",
	 "rate in req/s",
	 "no unit"},
	{"a unit too many",
	 "error",
	 "%",
	 NULL,
	 DIRECTION_NONE,
	 {-4, -4, -4},
	 "metric/unit-mismatch",
	 "error in no unit",
	 "%"},
	{"nothing measured",
	 "rate",
	 "req/s",
	 NULL,
	 DIRECTION_HIGHER,
	 {(double)NAN, (double)NAN, (double)NAN},
	 "metric/not-reported",
	 "values of rate",
	 "none"},
	{"without reference", "tokens", "1", NULL, DIRECTION_NONE, {5, 5, 5}, NULL, "ok", NULL},
};

static void measure(struct case_result *result, struct arena *arena, const struct row *row)
{
	struct metric *metric =
		case_add_metric(result, arena, row->metric, row->unit, row->direction);

	metric->cell = row->cell;
	for (size_t i = 0; i < 3; i++)
		metric_add_sample(metric, arena, row->samples[i]);
}

/* The references of the row's own metric: another one would not be reported. */
static struct suite_references of_metric(const char *name, struct suite_reference *space)
{
	struct suite_references out = {space, 0};

	for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
		if (strcmp(references[i].metric, name) == 0)
			space[out.count++] = references[i];
	return out;
}

static void a_metric_is_judged_by_the_reference_of_its_cell(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct suite_reference space[4];
		struct suite_references own = of_metric(row->metric, space);
		struct arena *arena = arena_new();
		struct case_result result = {0};

		case_pass(&result, "ok");
		measure(&result, arena, row);
		reference_judge(&own, arena, &result);
		if (row->label) {
			assert_int_equal(result.outcome, OUTCOME_FAIL);
			assert_string_equal(result.label, row->label);
			assert_string_equal(result.expected, row->expected);
			assert_string_equal(result.actual, row->actual);
			assert_true(result.where == row->cell);
		} else {
			if (result.outcome != OUTCOME_PASS)
				fail_msg("%s: %s", row->what, case_explain(&result, arena));
			assert_string_equal(result.actual, row->expected);
		}
		arena_free(arena);
	}
}

static void a_reference_of_what_is_not_measured_fails(void **state)
{
	const struct suite_references all = {references, 4};
	struct arena *arena = arena_new();
	struct case_result result = {0};

	(void)state;
	case_pass(&result, NULL);
	measure(&result, arena, &rows[0]);
	reference_judge(&all, arena, &result);
	assert_string_equal(result.label, "metric/not-reported");
	assert_string_equal(result.expected, "values of ttft");
	assert_string_equal(result.actual, "no such metric");
	arena_free(arena);
}

static void without_references_nothing_is_said(void **state)
{
	const struct suite_references none = {NULL, 0};
	struct arena *arena = arena_new();
	struct case_result result = {0};

	(void)state;
	case_pass(&result, "ok");
	measure(&result, arena, &rows[1]);
	reference_judge(&none, arena, &result);
	assert_int_equal(result.outcome, OUTCOME_PASS);
	assert_string_equal(result.actual, "ok");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_metric_is_judged_by_the_reference_of_its_cell),
		cmocka_unit_test(a_reference_of_what_is_not_measured_fails),
		cmocka_unit_test(without_references_nothing_is_said),
	};

	return cmocka_run_group_tests_name("exec/reference", tests, NULL, NULL);
}
