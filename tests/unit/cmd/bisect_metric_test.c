#include "cmd/bisect_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct bisect_options options;
static struct hunt hunt = {.options = &options, .good.hash = "1111111111111111"};

static int open_fixture(void **state)
{
	(void)state;
	options = (struct bisect_options){.metric = "latency"};
	hunt.arena = arena_new();
	hunt.sightings = NULL;
	hunt.sighting_count = 0;
	return 0;
}

static int close_fixture(void **state)
{
	(void)state;
	arena_free(hunt.arena);
	return 0;
}

static void add_case(struct run *run, const char *name, enum direction direction,
		     const double *samples, size_t count)
{
	struct case_result *result = run_add_case(run, name, "command");
	struct metric *metric = case_add_metric(result, run->arena, "latency", "ms", direction);

	for (size_t i = 0; i < count; i++)
		metric_add_sample(metric, run->arena, samples[i]);
	case_pass(result, "measured");
}

static struct measured see(enum direction direction, double value)
{
	struct run *run = run_new();
	struct measured out;

	run->id = "id";
	run->verdict = VERDICT_PASS;
	add_case(run, "bench", direction, &value, 1);
	assert_int_equal(bisect__see_metric(&hunt, run, &out, NULL), 0);
	run_free(run);
	return out;
}

static double worse(enum direction direction, double base, double probe)
{
	struct measured b = see(direction, base), p = see(direction, probe);
	struct sighting out;

	assert_int_equal(bisect__compare_measured(&hunt, "c", &b, &p, &out, NULL), 0);
	assert_int_equal(out.sight, SIGHT_MEASURED);
	hunt.sightings = &out;
	hunt.sighting_count = 1;
	assert_true(fabs(bisect__change(&hunt, out.value) - 100 * (probe / base - 1)) < 1e-9);
	hunt.sighting_count = 0;
	return out.value;
}

static void worse_is_above_zero_whatever_the_direction(void **state)
{
	(void)state;
	assert_true(fabs(worse(DIRECTION_LOWER, 20, 22) - log(1.1)) < 1e-12);
	assert_true(fabs(worse(DIRECTION_HIGHER, 22, 20) - log(1.1)) < 1e-12);
	options.fix = true;
	assert_true(fabs(worse(DIRECTION_LOWER, 22, 20) - log(1.1)) < 1e-12);
	assert_true(fabs(worse(DIRECTION_HIGHER, 20, 22) - log(1.1)) < 1e-12);
}

static void median_stands_for_the_samples(void **state)
{
	const double samples[] = {10, 1000, 11, NAN, 12};
	struct run *run = run_new();
	struct measured out;

	(void)state;
	add_case(run, "bench", DIRECTION_LOWER, samples, 5);
	assert_int_equal(bisect__see_metric(&hunt, run, &out, NULL), 0);
	assert_true(out.value == 11.5);
	assert_string_equal(out.unit, "ms");
	run_free(run);
}

static void nothing_measured_is_no_evidence(void **state)
{
	struct measured base = see(DIRECTION_LOWER, 20), probe;
	struct run *run = run_new();
	struct sighting out;
	struct err err = {0};

	(void)state;
	run->verdict = VERDICT_FAIL;
	case_fail(run_add_case(run, "bench", "command"), "command/exit-code", "exit 0", "exit 1",
		  NULL, NULL);
	assert_int_equal(bisect__see_metric(&hunt, run, &probe, NULL), 0);
	assert_string_equal(probe.why_not, "bench fails before latency is measured");
	assert_int_equal(bisect__compare_measured(&hunt, "c", &base, &probe, &out, NULL), 0);
	assert_int_equal(out.sight, SIGHT_BROKEN);
	/* Without the good end there is nothing to compare with. */
	assert_int_equal(bisect__compare_measured(&hunt, "c", &probe, &base, &out, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	run->verdict = VERDICT_INFRA;
	assert_int_equal(bisect__see_metric(&hunt, run, &probe, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	run_free(run);
	assert_non_null(see(DIRECTION_LOWER, 0).why_not);
}

static void metric_that_cannot_be_worse_is_refused(void **state)
{
	const double value = 1;
	struct run *run = run_new();
	struct measured out;
	struct err err = {0};

	(void)state;
	add_case(run, "bench", DIRECTION_NONE, &value, 1);
	assert_int_equal(bisect__see_metric(&hunt, run, &out, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	add_case(run, "other", DIRECTION_LOWER, &value, 1);
	assert_int_equal(bisect__see_metric(&hunt, run, &out, &err), -1);
	assert_non_null(strstr(err.msg, "by bench and by other"));
	run_free(run);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(worse_is_above_zero_whatever_the_direction),
		CASE(median_stands_for_the_samples),
		CASE(nothing_measured_is_no_evidence),
		CASE(metric_that_cannot_be_worse_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
