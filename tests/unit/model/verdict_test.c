#include "model/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum excused { NO, YES, ENDED, OTHER_LABEL };

struct row {
	const char *what;
	enum outcome outcome;
	enum excused expected, quarantine;
	const char *attempts; /* "fpb": failed, passed, broken; NULL: it was made once */
	enum mark mark;
	enum verdict verdict;
	const char *remark; /* NULL: none */
};

#define EXPECTED "expected to fail until 2026-12-31: bug 7"
#define QUARANTINE "quarantine until 2026-12-01: races"

static const struct row rows[] = {
	{"pass", OUTCOME_PASS, NO, NO, NULL, MARK_NONE, VERDICT_PASS, NULL},
	{"fail", OUTCOME_FAIL, NO, NO, NULL, MARK_NONE, VERDICT_FAIL, NULL},
	{"timeout", OUTCOME_TIMEOUT, NO, NO, NULL, MARK_NONE, VERDICT_FAIL, NULL},
	{"skip", OUTCOME_SKIP, NO, NO, NULL, MARK_NONE, VERDICT_INCONCLUSIVE, NULL},
	{"broken", OUTCOME_BROKEN, NO, NO, NULL, MARK_NONE, VERDICT_INFRA, NULL},
	{"incomplete", OUTCOME_INCOMPLETE, NO, NO, NULL, MARK_NONE, VERDICT_INFRA, NULL},
	{"notrun", OUTCOME_NOTRUN, NO, NO, NULL, MARK_NONE, VERDICT_INFRA, NULL},

	{"expected", OUTCOME_FAIL, YES, NO, NULL, MARK_XFAIL, VERDICT_PASS, EXPECTED},
	{"expected timeout", OUTCOME_TIMEOUT, YES, NO, NULL, MARK_XFAIL, VERDICT_PASS, EXPECTED},
	{"expected no more", OUTCOME_FAIL, ENDED, NO, NULL, MARK_NONE, VERDICT_FAIL,
	 "expect_failure ended 2026-12-31: bug 7"},
	{"expected otherwise", OUTCOME_FAIL, OTHER_LABEL, NO, NULL, MARK_NONE, VERDICT_FAIL,
	 "expected to fail otherwise: file/missing"},
	{"passes", OUTCOME_PASS, YES, NO, NULL, MARK_XPASS, VERDICT_FAIL,
	 "expected to fail (bug 7), passes: remove expect_failure"},
	{"passes, label or not", OUTCOME_PASS, OTHER_LABEL, NO, NULL, MARK_XPASS, VERDICT_FAIL,
	 "expected to fail (bug 7), passes: remove expect_failure"},
	{"passes in the end", OUTCOME_PASS, ENDED, NO, NULL, MARK_NONE, VERDICT_PASS, NULL},
	{"a skip is not expected", OUTCOME_SKIP, YES, NO, NULL, MARK_NONE, VERDICT_INCONCLUSIVE,
	 NULL},
	{"nor broken", OUTCOME_BROKEN, YES, YES, NULL, MARK_NONE, VERDICT_INFRA, NULL},

	{"quarantined", OUTCOME_FAIL, NO, YES, NULL, MARK_QUARANTINED, VERDICT_PASS, QUARANTINE},
	{"quarantined timeout", OUTCOME_TIMEOUT, NO, YES, NULL, MARK_QUARANTINED, VERDICT_PASS,
	 QUARANTINE},
	{"out of quarantine", OUTCOME_FAIL, NO, ENDED, NULL, MARK_NONE, VERDICT_FAIL,
	 "quarantine ended 2026-12-01: races"},
	{"passes in quarantine", OUTCOME_PASS, NO, YES, NULL, MARK_NONE, VERDICT_PASS, NULL},
	{"both", OUTCOME_FAIL, YES, YES, NULL, MARK_XFAIL, VERDICT_PASS, EXPECTED "; " QUARANTINE},
	{"both, passes", OUTCOME_PASS, YES, YES, NULL, MARK_NONE, VERDICT_PASS, NULL},
	{"another failure in quarantine", OUTCOME_FAIL, OTHER_LABEL, YES, NULL, MARK_QUARANTINED,
	 VERDICT_PASS, "expected to fail otherwise: file/missing; " QUARANTINE},

	{"fails again", OUTCOME_FAIL, NO, NO, "ff", MARK_NONE, VERDICT_FAIL,
	 "failed 2 of 2 attempts on this image"},
	{"passes again", OUTCOME_FAIL, NO, NO, "ffp", MARK_FLAKY, VERDICT_INCONCLUSIVE,
	 "flaky: failed 2 of 3 attempts on this image"},
	{"breaks again", OUTCOME_FAIL, NO, NO, "fbb", MARK_NONE, VERDICT_FAIL,
	 "could not be tried again"},
	{"what breaks does not count", OUTCOME_FAIL, NO, NO, "fbp", MARK_FLAKY,
	 VERDICT_INCONCLUSIVE, "flaky: failed 1 of 2 attempts on this image"},
	{"nor does a timeout", OUTCOME_FAIL, NO, NO, "ftf", MARK_NONE, VERDICT_FAIL,
	 "failed 2 of 2 attempts on this image"},
	{"flaky in quarantine", OUTCOME_FAIL, NO, YES, "fp", MARK_QUARANTINED, VERDICT_PASS,
	 "flaky: failed 1 of 2 attempts on this image; " QUARANTINE},
	{"flaky after quarantine", OUTCOME_FAIL, NO, ENDED, "fp", MARK_FLAKY, VERDICT_INCONCLUSIVE,
	 "flaky: failed 1 of 2 attempts on this image; quarantine ended 2026-12-01: races"},
};

static const struct row *row_of(const char *what)
{
	const struct row *row = rows;

	while (strcmp(row->what, what) != 0)
		row++;
	return row;
}

static void excuse(struct excuse *out, enum excused excused, const char *reason, const char *until)
{
	static const char *labels[] = {"file/missing"};

	if (excused == NO)
		return;
	*out = (struct excuse){.reason = reason, .until = until, .ended = excused == ENDED};
	if (excused == OTHER_LABEL)
		out->labels = (struct strings){labels, 1};
}

static void attempt(struct case_result *result, const char *letters, struct arena *arena)
{
	for (; letters && *letters; letters++) {
		struct case_result made = {.outcome = *letters == 'f'	? OUTCOME_FAIL
						      : *letters == 'p' ? OUTCOME_PASS
						      : *letters == 't' ? OUTCOME_TIMEOUT
									: OUTCOME_BROKEN};

		made.actual = "exit code 1";
		case_add_attempt(result, &made, arena);
	}
}

static struct case_result *make(struct run *run, const struct row *row, const char *kind)
{
	struct case_result *result = run_add_case(run, row->what, kind);

	result->outcome = row->outcome;
	result->label = row->outcome == OUTCOME_FAIL ? "command/exit-code" : NULL;
	result->actual = "exit code 1";
	excuse(&result->known, row->expected, "bug 7", "2026-12-31");
	excuse(&result->quarantine, row->quarantine, "races", "2026-12-01");
	attempt(result, row->attempts, run->arena);
	return result;
}

static void every_row_has_its_mark_verdict_and_remark(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct run *run = run_new();
		struct case_result *result = make(run, row, "command");
		const char *remark = case_remark(result, run->arena);

		run_decide(run);
		if (case_mark(result) != row->mark || case_verdict(result) != row->verdict ||
		    run->verdict != row->verdict)
			fail_msg("%s: '%s', %s", row->what, mark_name(case_mark(result)),
				 verdict_name(run->verdict));
		if (!remark != !row->remark || (remark && strcmp(remark, row->remark) != 0))
			fail_msg("%s: %s", row->what, remark ? remark : "no remark");
		run_free(run);
	}
}

static void nothing_excuses_a_build(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run *run = run_new();
		const struct case_result *result = make(run, &rows[i], "build");

		assert_int_equal(case_mark(result), MARK_NONE);
		if (outcome_is_failure(rows[i].outcome))
			assert_int_equal(case_verdict(result), VERDICT_FAIL);
		assert_null(case_remark(result, run->arena));
		run_free(run);
	}
}

/* fail, infra, inconclusive, pass: which of two decides. */
static void the_worst_of_two_decides(void **state)
{
	static const enum verdict order[] = {VERDICT_FAIL, VERDICT_INFRA, VERDICT_INCONCLUSIVE,
					     VERDICT_PASS};
	const size_t count = sizeof(rows) / sizeof(rows[0]);

	(void)state;
	for (size_t i = 0; i < count * count; i++) {
		const struct row *a = &rows[i / count], *b = &rows[i % count];
		struct run *run = run_new();
		size_t k = 0;

		make(run, a, "command");
		make(run, b, "command");
		run_decide(run);
		while (a->verdict != order[k] && b->verdict != order[k])
			k++;
		if (run->verdict != order[k])
			fail_msg("%s, %s: %s", a->what, b->what, verdict_name(run->verdict));
		run_free(run);
	}
}

static void the_reason_counts_what_was_excused(void **state)
{
	struct run *run = run_new();

	(void)state;
	run_add_case(run, "a", "command")->outcome = OUTCOME_PASS;
	make(run, row_of("expected"), "command");
	make(run, row_of("quarantined"), "command");
	run_decide(run);
	assert_string_equal(run->reason,
			    "1 check passed, 1 failed as expected, 1 failed in quarantine");
	run_free(run);
}

static void ways_to_fail_are_told_apart_by_label_and_text(void **state)
{
	struct run *run = run_new();
	struct case_result *result = run_add_case(run, "a", "command");
	const struct case_result made[] = {
		{.outcome = OUTCOME_FAIL, .label = "command/exit-code", .actual = "after 12 ms"},
		{.outcome = OUTCOME_FAIL, .label = "command/exit-code", .actual = "after 99 ms"},
		{.outcome = OUTCOME_FAIL, .label = "file/missing", .actual = "after 12 ms"},
		{.outcome = OUTCOME_FAIL, .label = "command/exit-code", .actual = "at once"},
	};

	(void)state;
	result->outcome = OUTCOME_FAIL;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		case_add_attempt(result, &made[i], run->arena);
	assert_string_equal(case_remark(result, run->arena),
			    "failed 4 of 4 attempts on this image, in 3 ways");
	run_free(run);
}

static void what_comes_and_goes_does_not_flip(void **state)
{
	static const struct {
		const char *before, *now;
		enum flip flip;
	} pairs[] = {{"pass", "fail", FLIP_REGRESSED},	  {"pass", "expected", FLIP_REGRESSED},
		     {"expected", "pass", FLIP_FIXED},	  {"pass", "quarantined", FLIP_NONE},
		     {"quarantined", "pass", FLIP_NONE},  {"pass", "passes again", FLIP_NONE},
		     {"passes again", "pass", FLIP_NONE}, {"pass", "fails again", FLIP_REGRESSED}};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct run *before = run_new(), *now = run_new();

		make(before, row_of(pairs[i].before), "command")->name = "a";
		make(now, row_of(pairs[i].now), "command")->name = "a";
		run_compare(now, before);
		if (now->cases[0].flip != pairs[i].flip)
			fail_msg("%s -> %s: '%s'", pairs[i].before, pairs[i].now,
				 flip_name(now->cases[0].flip));
		run_free(before);
		run_free(now);
	}
}

static void a_copy_owes_nothing_to_its_source(void **state)
{
	struct run *run = run_new(), *other = run_new();
	struct case_result *copy = run_add_case(other, NULL, NULL);

	(void)state;
	case_copy(copy, make(run, row_of("flaky in quarantine"), "command"), other->arena);
	run_free(run);
	assert_int_equal(case_mark(copy), MARK_QUARANTINED);
	assert_string_equal(case_remark(copy, other->arena), row_of("flaky in quarantine")->remark);
	run_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_its_mark_verdict_and_remark),
		cmocka_unit_test(nothing_excuses_a_build),
		cmocka_unit_test(the_worst_of_two_decides),
		cmocka_unit_test(the_reason_counts_what_was_excused),
		cmocka_unit_test(ways_to_fail_are_told_apart_by_label_and_text),
		cmocka_unit_test(what_comes_and_goes_does_not_flip),
		cmocka_unit_test(a_copy_owes_nothing_to_its_source),
	};

	return cmocka_run_group_tests_name("model/verdict", tests, NULL, NULL);
}
