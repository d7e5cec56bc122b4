#include "model/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTCOMES (OUTCOME_NOTRUN + 1)

static const enum outcome PASS = OUTCOME_PASS, FAIL = OUTCOME_FAIL, SKIP = OUTCOME_SKIP,
			  BROKEN = OUTCOME_BROKEN, TIMEOUT = OUTCOME_TIMEOUT,
			  INCOMPLETE = OUTCOME_INCOMPLETE, NOTRUN = OUTCOME_NOTRUN;

static struct case_result *add(struct run *run, const char *name, enum outcome outcome)
{
	struct case_result *result =
		run_add_case(run, name, strcmp(name, "build") == 0 ? "build" : "command");

	result->outcome = outcome;
	result->reason = arena_printf(run->arena, "why of %s", name);
	return result;
}

/* --- verdict: a build and two checks in every combination ------------------------------------ */

/* The rule of DESIGN section 3, said by counting, not in the order of the code. */
static enum verdict expected_verdict(const enum outcome *outcomes, size_t count)
{
	unsigned seen[OUTCOMES] = {0};

	for (size_t i = 0; i < count; i++)
		seen[outcomes[i]]++;
	if (seen[OUTCOME_FAIL] + seen[OUTCOME_TIMEOUT])
		return VERDICT_FAIL;
	if (seen[OUTCOME_BROKEN] + seen[OUTCOME_INCOMPLETE] + seen[OUTCOME_NOTRUN])
		return VERDICT_INFRA;
	return seen[OUTCOME_SKIP] ? VERDICT_INCONCLUSIVE : VERDICT_PASS;
}

static void every_triple_of_outcomes_has_its_verdict(void **state)
{
	(void)state;
	for (int code = 0; code < OUTCOMES * OUTCOMES * OUTCOMES; code++) {
		const enum outcome outcomes[] = {(enum outcome)(code % OUTCOMES),
						 (enum outcome)(code / OUTCOMES % OUTCOMES),
						 (enum outcome)(code / OUTCOMES / OUTCOMES)};
		struct run *run = run_new();

		add(run, "build", outcomes[0]);
		add(run, "a", outcomes[1]);
		add(run, "b", outcomes[2]);
		run_decide(run);
		if (run->verdict != expected_verdict(outcomes, 3))
			fail_msg("build %s, a %s, b %s: verdict %s", outcome_name(outcomes[0]),
				 outcome_name(outcomes[1]), outcome_name(outcomes[2]),
				 verdict_name(run->verdict));
		assert_non_null(run->reason);
		run_free(run);
	}
}

struct decision {
	const char *what;
	enum outcome build;
	const enum outcome *a, *b; /* NULL: no such check */
	enum verdict verdict;
	const char *reason; /* part of it */
};

static const struct decision decisions[] = {
	{"all pass", OUTCOME_PASS, &PASS, &PASS, VERDICT_PASS, "2 checks passed"},
	{"one passes", OUTCOME_PASS, &PASS, NULL, VERDICT_PASS, "1 check passed"},
	{"only the build", OUTCOME_PASS, NULL, NULL, VERDICT_EMPTY, "no check was selected"},
	{"a failure", OUTCOME_PASS, &PASS, &FAIL, VERDICT_FAIL, "b: "},
	{"two failures", OUTCOME_PASS, &FAIL, &FAIL, VERDICT_FAIL, "a and others"},
	{"a timeout is a failure", OUTCOME_PASS, &TIMEOUT, &PASS, VERDICT_FAIL, "a: why of a"},
	{"failure beats broken", OUTCOME_PASS, &BROKEN, &FAIL, VERDICT_FAIL, "b: "},
	{"failed build", OUTCOME_FAIL, &NOTRUN, &NOTRUN, VERDICT_FAIL, "build: "},
	{"broken build", OUTCOME_BROKEN, &NOTRUN, NULL, VERDICT_INFRA, "build: why of build"},
	{"broken beats skip", OUTCOME_PASS, &SKIP, &BROKEN, VERDICT_INFRA, "b: why of b"},
	{"incomplete", OUTCOME_PASS, &PASS, &INCOMPLETE, VERDICT_INFRA, "b: why of b"},
	{"not run", OUTCOME_PASS, &NOTRUN, &PASS, VERDICT_INFRA, "a: why of a"},
	{"a skip is no pass", OUTCOME_PASS, &PASS, &SKIP, VERDICT_INCONCLUSIVE,
	 "b was skipped: why of b"},
	{"only skips", OUTCOME_PASS, &SKIP, NULL, VERDICT_INCONCLUSIVE, "a was skipped"},
};

static void verdicts_explain_themselves(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++) {
		const struct decision *row = &decisions[i];
		struct run *run = run_new();

		add(run, "build", row->build);
		if (row->a)
			add(run, "a", *row->a);
		if (row->b)
			add(run, "b", *row->b);
		run_decide(run);
		if (run->verdict != row->verdict || !strstr(run->reason, row->reason))
			fail_msg("%s: %s: %s", row->what, verdict_name(run->verdict), run->reason);
		run_free(run);
	}
}

static void a_run_without_any_case_is_empty(void **state)
{
	struct run *run = run_new();

	(void)state;
	assert_int_equal(run->verdict, VERDICT_OPEN);
	run_decide(run);
	assert_int_equal(run->verdict, VERDICT_EMPTY);
	run_free(run);
}

static void a_skip_without_reason_is_still_explained(void **state)
{
	struct run *run = run_new();

	(void)state;
	add(run, "a", OUTCOME_SKIP)->reason = NULL;
	run_decide(run);
	assert_string_equal(run->reason, "a was skipped: no reason recorded");
	run_free(run);
}

static void a_skip_of_an_optional_check_does_not_count(void **state)
{
	struct run *run = run_new();

	(void)state;
	add(run, "build", OUTCOME_PASS);
	add(run, "a", OUTCOME_SKIP)->optional = true;
	run_decide(run);
	assert_int_equal(run->verdict, VERDICT_EMPTY); /* nothing was measured all the same */
	add(run, "b", OUTCOME_PASS);
	run_decide(run);
	assert_int_equal(run->verdict, VERDICT_PASS);
	assert_string_equal(run->reason, "1 check passed");
	add(run, "c", OUTCOME_SKIP);
	run_decide(run);
	assert_int_equal(run->verdict, VERDICT_INCONCLUSIVE);
	assert_string_equal(run->reason, "c was skipped: why of c");
	run_free(run);
}

static void an_optional_check_that_fails_is_a_failure(void **state)
{
	struct run *run = run_new();

	(void)state;
	add(run, "a", OUTCOME_FAIL)->optional = true;
	add(run, "b", OUTCOME_PASS);
	run_decide(run);
	assert_int_equal(run->verdict, VERDICT_FAIL);
	run_free(run);
}

static void a_failed_check_says_expected_found_where_and_what_to_do(void **state)
{
	struct run *run = run_new();

	(void)state;
	case_fail(add(run, "torch", OUTCOME_NOTRUN), "version/unsatisfied", "==2.6.0", "2.7.1",
		  "pip show torch", "pin it");
	run_decide(run);
	assert_string_equal(run->reason,
			    "torch: expected ==2.6.0, found 2.7.1 (pip show torch): pin it");
	run_free(run);
}

/* --- comparison: every pair of outcomes ------------------------------------------------------ */

enum side { GOOD, BAD, OPEN };

static const enum side sides[OUTCOMES] = {
	[OUTCOME_PASS] = GOOD,	 [OUTCOME_FAIL] = BAD,	  [OUTCOME_SKIP] = OPEN,
	[OUTCOME_BROKEN] = OPEN, [OUTCOME_TIMEOUT] = BAD, [OUTCOME_INCOMPLETE] = OPEN,
	[OUTCOME_NOTRUN] = OPEN,
};

/* flips[before][now] */
static const enum flip flips[3][3] = {
	[GOOD] = {FLIP_NONE, FLIP_REGRESSED, FLIP_NONE},
	[BAD] = {FLIP_FIXED, FLIP_STILL_FAILING, FLIP_NONE},
	[OPEN] = {FLIP_NONE, FLIP_NONE, FLIP_NONE},
};

static void every_pair_of_outcomes_flips_as_the_design_says(void **state)
{
	(void)state;
	for (int before = 0; before < OUTCOMES; before++) {
		for (int now = 0; now < OUTCOMES; now++) {
			struct run *old = run_new(), *new = run_new();
			struct case_result *result;

			add(old, "a", (enum outcome)before);
			result = add(new, "a", (enum outcome)now);
			run_compare(new, old);
			if (result->flip != flips[sides[before]][sides[now]])
				fail_msg("%s -> %s: '%s'", outcome_name((enum outcome)before),
					 outcome_name((enum outcome)now), flip_name(result->flip));
			run_free(old);
			run_free(new);
		}
	}
}

static void cases_of_one_side_only_are_new_or_gone(void **state)
{
	struct run *old = run_new(), *new = run_new();

	(void)state;
	add(old, "build", OUTCOME_PASS);
	add(old, "removed", OUTCOME_PASS);
	add(old, "removed too", OUTCOME_FAIL);
	add(new, "build", OUTCOME_PASS);
	add(new, "added", OUTCOME_FAIL);
	run_compare(new, old);
	run_free(old); /* nothing of the baseline may be borrowed */
	assert_int_equal(run_find_case(new, "build")->flip, FLIP_NONE);
	assert_int_equal(run_find_case(new, "added")->flip, FLIP_NEW);
	assert_int_equal(new->gone.count, 2);
	assert_string_equal(new->gone.items[0], "removed");
	assert_string_equal(new->gone.items[1], "removed too");
	run_free(new);
}

static void without_a_baseline_nothing_flips(void **state)
{
	struct run *run = run_new();

	(void)state;
	add(run, "a", OUTCOME_FAIL)->flip = FLIP_REGRESSED;
	run_compare(run, NULL);
	assert_int_equal(run->cases[0].flip, FLIP_NONE);
	assert_int_equal(run->gone.count, 0);
	run_free(run);
}

static void comparing_twice_is_comparing_once(void **state)
{
	struct run *old = run_new(), *new = run_new();

	(void)state;
	add(old, "gone", OUTCOME_PASS);
	add(new, "a", OUTCOME_PASS);
	run_compare(new, old);
	run_compare(new, old);
	assert_int_equal(new->gone.count, 1);
	run_free(old);
	run_free(new);
}

/* --- cases ----------------------------------------------------------------------------------- */

static void a_copied_case_owns_everything(void **state)
{
	struct arena *first = arena_new(), *second = arena_new();
	struct case_result source = {.name = arena_strdup(first, "n"), .kind = "command"}, copy;
	const char **tag = arena_push(first, &source.tags.items, &source.tags.count, sizeof(*tag));
	struct metric *metric = case_add_metric(&source, first, arena_strdup(first, "latency"),
						arena_strdup(first, "ms"), DIRECTION_LOWER);

	(void)state;
	*tag = arena_strdup(first, "fast");
	metric->cell = arena_strdup(first, "rtx5090");
	for (int i = 0; i < 5; i++)
		metric_add_sample(metric, first, i * 0.5);
	source.out = arena_strdup(first, "output");
	case_copy(&copy, &source, second);
	arena_free(first); /* a borrowed pointer shows under a sanitizer */
	assert_string_equal(copy.name, "n");
	assert_string_equal(copy.tags.items[0], "fast");
	assert_string_equal(copy.metrics[0].name, "latency");
	assert_string_equal(copy.metrics[0].cell, "rtx5090");
	assert_int_equal(copy.metrics[0].sample_count, 5);
	assert_true(copy.metrics[0].samples[4] == 2.0);
	assert_string_equal(copy.out, "output");
	assert_null(copy.errout);
	arena_free(second);
}

static void a_failure_takes_the_advice_of_its_label_unless_given_one(void **state)
{
	struct case_result result = {.reason = "old"};

	(void)state;
	case_fail(&result, "file/missing", "a file", "nothing", "/app", NULL);
	assert_int_equal(result.outcome, OUTCOME_FAIL);
	assert_string_equal(result.advice, label_find("file/missing")->advice);
	assert_null(result.reason);
	case_fail(&result, "file/missing", "a file", "nothing", "/app", "look");
	assert_string_equal(result.advice, "look");
}

static void explanations_leave_out_what_is_unknown(void **state)
{
	struct arena *arena = arena_new();
	struct case_result result = {.outcome = OUTCOME_FAIL, .actual = "3", .where = "sh"};

	(void)state;
	assert_string_equal(case_explain(&result, arena), "found 3 (sh)");
	result.expected = "4";
	assert_string_equal(case_explain(&result, arena), "expected 4, found 3 (sh)");
	case_skip(&result, "needs a GPU");
	assert_string_equal(case_explain(&result, arena), "needs a GPU");
	case_pass(&result, NULL);
	assert_null(case_explain(&result, arena));
	arena_free(arena);
}

static void names_and_values_round_trip(void **state)
{
	enum outcome outcome;
	enum verdict verdict;

	(void)state;
	for (int i = 0; i < OUTCOMES; i++) {
		assert_int_equal(outcome_parse(outcome_name((enum outcome)i), &outcome), 0);
		assert_int_equal(outcome, i);
	}
	for (int i = 0; i <= VERDICT_OPEN; i++) {
		assert_int_equal(verdict_parse(verdict_name((enum verdict)i), &verdict), 0);
		assert_int_equal(verdict, i);
	}
	outcome = OUTCOME_BROKEN;
	assert_int_equal(outcome_parse("passed", &outcome), -1);
	assert_int_equal(outcome_parse("", &outcome), -1);
	assert_int_equal(outcome, OUTCOME_BROKEN);
	assert_int_equal(verdict_parse("PASS", &verdict), -1);
	assert_string_equal(flip_name(FLIP_STILL_FAILING), "still failing");
	assert_string_equal(flip_name(FLIP_NONE), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_triple_of_outcomes_has_its_verdict),
		cmocka_unit_test(verdicts_explain_themselves),
		cmocka_unit_test(a_run_without_any_case_is_empty),
		cmocka_unit_test(a_skip_without_reason_is_still_explained),
		cmocka_unit_test(a_skip_of_an_optional_check_does_not_count),
		cmocka_unit_test(an_optional_check_that_fails_is_a_failure),
		cmocka_unit_test(a_failed_check_says_expected_found_where_and_what_to_do),
		cmocka_unit_test(every_pair_of_outcomes_flips_as_the_design_says),
		cmocka_unit_test(cases_of_one_side_only_are_new_or_gone),
		cmocka_unit_test(without_a_baseline_nothing_flips),
		cmocka_unit_test(comparing_twice_is_comparing_once),
		cmocka_unit_test(a_copied_case_owns_everything),
		cmocka_unit_test(a_failure_takes_the_advice_of_its_label_unless_given_one),
		cmocka_unit_test(explanations_leave_out_what_is_unknown),
		cmocka_unit_test(names_and_values_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
