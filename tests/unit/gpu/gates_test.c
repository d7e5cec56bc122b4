/* Each gate on arrays that it must pass and arrays that it must not. */
#include "gpu/gates.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 2048
#define TERMS 4096

static double value[COUNT], l2[COUNT], l1[COUNT];
static uint16_t out[COUNT];
static uint8_t guard[GATE_GUARD_BYTES];
static const struct reference reference = {COUNT, value, l2, l1, TERMS, 2};

static double uniform(void)
{
	return (double)rand() / RAND_MAX * 2 - 1;
}

/* Outputs as a right kernel makes them: ref plus R roundings of rms 0.415 u, then one to bf16. */
static int set_up(void **state)
{
	const double u = number_unit(NUMBER_BF16);

	(void)state;
	srand(3);
	memset(guard, GATE_GUARD, sizeof(guard));
	for (size_t i = 0; i < COUNT; i++) {
		l2[i] = 64;
		l1[i] = 64 * sqrt(TERMS) * 0.8;
		value[i] = 64 * uniform() * 1.7;
		number_store(NUMBER_BF16, out, i, value[i] + 64 * u * 0.415 * 1.7 * uniform());
	}
	return 0;
}

static enum gate close_gate(void)
{
	struct finding finding = {.gate = GATE_NONE};

	return gate_close(NUMBER_BF16, out, &reference, &finding) ? GATE_NONE : finding.gate;
}

static void a_right_output_passes(void **state)
{
	struct finding finding = {.gate = GATE_NONE};

	(void)state;
	assert_true(gate_written(NUMBER_BF16, out, COUNT, guard, guard, &finding));
	assert_true(gate_close(NUMBER_BF16, out, &reference, &finding));
	assert_true(finding.relf > 1e-3 && finding.relf < finding.relf_limit);
	assert_true(finding.element_max < 6);
}

static void poison_that_is_left_is_found(void **state)
{
	struct finding finding = {.gate = GATE_NONE};

	(void)state;
	out[7] = out[9] = 0xffff;
	assert_false(gate_written(NUMBER_BF16, out, COUNT, guard, guard, &finding));
	assert_int_equal(finding.gate, GATE_WRITTEN);
	assert_int_equal(finding.bad, 2);
	assert_int_equal(finding.index, 7);
	memset(out, GATE_POISON, sizeof(out));
	assert_false(gate_written(NUMBER_BF16, out, COUNT, guard, guard, &finding));
	assert_int_equal(finding.gate, GATE_UNTOUCHED);
}

static void a_changed_guard_is_found(void **state)
{
	struct finding finding = {.gate = GATE_NONE};

	(void)state;
	guard[100] = 0;
	assert_false(gate_written(NUMBER_BF16, out, COUNT, NULL, guard, &finding));
	assert_int_equal(finding.gate, GATE_GUARDED);
	assert_true(gate_written(NUMBER_BF16, out, COUNT, NULL, NULL, &finding));
}

static void one_wrong_bit_fails_the_lattice(void **state)
{
	struct finding finding = {.gate = GATE_NONE};

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		value[i] = (double)(rand() % 8000 - 4000);
		number_store(NUMBER_BF16, out, i, value[i]);
	}
	assert_true(gate_exact(GATE_EXACT, NUMBER_BF16, out, value, COUNT, &finding));
	out[5] ^= 1;
	assert_false(gate_exact(GATE_EXACT, NUMBER_BF16, out, value, COUNT, &finding));
	assert_int_equal(finding.gate, GATE_EXACT);
	assert_int_equal(finding.index, 5);
	assert_int_equal(finding.bad, 1);
}

static void zero_has_no_sign_in_the_lattice(void **state)
{
	const uint16_t minus = 0x8000;
	const double zero = 0;
	struct finding finding = {.gate = GATE_NONE};

	(void)state;
	assert_true(gate_exact(GATE_EXACT, NUMBER_BF16, &minus, &zero, 1, &finding));
}

static void a_small_error_everywhere_fails_the_norm(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		number_store(NUMBER_BF16, out, i, value[i] * 1.006);
	assert_int_equal(close_gate(), GATE_NORM);
}

static void one_bad_element_fails_the_element_gate(void **state)
{
	const double u = number_unit(NUMBER_BF16);

	(void)state;
	number_store(NUMBER_BF16, out, 11, value[11] + u * fabs(value[11]) + 12 * u * 64);
	assert_int_equal(close_gate(), GATE_ELEMENT);
}

static void an_impossible_element_fails_the_worst_case(void **state)
{
	(void)state;
	number_store(NUMBER_BF16, out, 11, value[11] + l1[11]);
	assert_int_equal(close_gate(), GATE_WORST);
	number_store(NUMBER_BF16, out, 11, (double)INFINITY);
	assert_int_equal(close_gate(), GATE_WORST);
}

static void two_runs_that_differ_are_not_repeatable(void **state)
{
	struct finding finding = {.gate = GATE_NONE};
	uint16_t again[COUNT];

	(void)state;
	memcpy(again, out, sizeof(out));
	assert_true(gate_same(GATE_REPEATABLE, NUMBER_BF16, out, again, COUNT, &finding));
	again[COUNT - 1] ^= 1;
	assert_false(gate_same(GATE_REPEATABLE, NUMBER_BF16, out, again, COUNT, &finding));
	assert_int_equal(finding.gate, GATE_REPEATABLE);
}

static void every_gate_has_a_name_and_a_label(void **state)
{
	(void)state;
	for (enum gate gate = GATE_UNTOUCHED; gate < GATE_COUNT; gate++) {
		struct finding finding = {.gate = gate};
		char text[256];

		assert_non_null(gate_label(gate));
		assert_true(strlen(gate_text(&finding, text, sizeof(text))) > 10);
		assert_non_null(strstr(text, gate_name(gate)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_right_output_passes, set_up),
		cmocka_unit_test_setup(poison_that_is_left_is_found, set_up),
		cmocka_unit_test_setup(a_changed_guard_is_found, set_up),
		cmocka_unit_test_setup(one_wrong_bit_fails_the_lattice, set_up),
		cmocka_unit_test(zero_has_no_sign_in_the_lattice),
		cmocka_unit_test_setup(a_small_error_everywhere_fails_the_norm, set_up),
		cmocka_unit_test_setup(one_bad_element_fails_the_element_gate, set_up),
		cmocka_unit_test_setup(an_impossible_element_fails_the_worst_case, set_up),
		cmocka_unit_test_setup(two_runs_that_differ_are_not_repeatable, set_up),
		cmocka_unit_test(every_gate_has_a_name_and_a_label),
	};

	return cmocka_run_group_tests_name("gpu/gates", tests, NULL, NULL);
}
