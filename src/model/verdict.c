/* What a case makes of its run: marks, and the verdict. */
#include "model/run.h"
#include "model/signature.h"

#include <string.h>

/* --- marks ----------------------------------------------------------------------------------- */

static const char *const mark_names[] = {"", "xfail", "xpass", "quarantined", "flaky"};

const char *mark_name(enum mark mark)
{
	return mark_names[mark];
}

static bool is_check(const struct case_result *result)
{
	return strcmp(result->kind ? result->kind : "", "build") != 0;
}

static bool is_in_force(const struct excuse *excuse)
{
	return excuse->reason && !excuse->ended;
}

static bool has_label(const struct excuse *excuse, const char *label)
{
	for (size_t i = 0; i < excuse->labels.count; i++)
		if (label && strcmp(excuse->labels.items[i], label) == 0)
			return true;
	return excuse->labels.count == 0;
}

static size_t count_attempts(const struct case_result *result, enum outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < result->attempt_count; i++)
		count += result->attempts[i].outcome == outcome;
	return count;
}

enum mark case_mark(const struct case_result *result)
{
	if (!is_check(result))
		return MARK_NONE;
	if (result->outcome == OUTCOME_PASS)
		return is_in_force(&result->known) && !is_in_force(&result->quarantine) ? MARK_XPASS
											: MARK_NONE;
	if (!outcome_is_failure(result->outcome))
		return MARK_NONE;
	if (is_in_force(&result->known) && has_label(&result->known, result->label))
		return MARK_XFAIL;
	if (is_in_force(&result->quarantine))
		return MARK_QUARANTINED;
	return count_attempts(result, OUTCOME_PASS) ? MARK_FLAKY : MARK_NONE;
}

bool case_wants_attempt(const struct case_result *result, unsigned reruns)
{
	size_t made = result->attempt_count ? result->attempt_count - 1 : 0;

	return result->outcome == OUTCOME_FAIL && is_check(result) &&
	       case_mark(result) == MARK_NONE && made < reruns;
}

const char *case_shown(const struct case_result *result)
{
	enum mark mark = case_mark(result);

	return mark ? mark_name(mark) : outcome_name(result->outcome);
}

/* --- remarks --------------------------------------------------------------------------------- */

static const char *and_also(const char *text, const char *more, struct arena *arena)
{
	return text ? arena_printf(arena, "%s; %s", text, more) : more;
}

/* How many kinds of failure the attempts show. */
static size_t count_kinds(const struct case_result *result, struct arena *arena)
{
	size_t kinds = 0;

	for (size_t i = 0; i < result->attempt_count; i++) {
		size_t k = 0;

		if (result->attempts[i].outcome != OUTCOME_FAIL)
			continue;
		while (k < i &&
		       !signature_is_same(&result->attempts[k], &result->attempts[i], arena))
			k++;
		kinds += k == i;
	}
	return kinds;
}

/* "failed 2 of 7 attempts on this image, in 2 ways" */
static const char *tell_attempts(const struct case_result *result, struct arena *arena)
{
	size_t failed = count_attempts(result, OUTCOME_FAIL);
	size_t passed = count_attempts(result, OUTCOME_PASS), kinds;
	const char *text;

	if (failed + passed < 2)
		return "could not be tried again";
	text = arena_printf(arena, "%s%zu of %zu attempts on this image",
			    passed ? "flaky: failed " : "failed ", failed, failed + passed);
	kinds = count_kinds(result, arena);
	return kinds > 1 ? arena_printf(arena, "%s, in %zu ways", text, kinds) : text;
}

static const char *tell_excuse(const struct excuse *excuse, const char *what, struct arena *arena)
{
	if (excuse->ended)
		return arena_printf(arena, "%s ended %s: %s", what,
				    excuse->until ? excuse->until : "", excuse->reason);
	if (excuse->until)
		return arena_printf(arena, "%s until %s: %s", what, excuse->until, excuse->reason);
	return arena_printf(arena, "%s: %s", what, excuse->reason);
}

static const char *tell_expected(const struct case_result *result, struct arena *arena)
{
	const struct excuse *known = &result->known;
	const char *list = "";

	if (known->ended)
		return tell_excuse(known, "expect_failure", arena);
	if (has_label(known, result->label))
		return tell_excuse(known, "expected to fail", arena);
	for (size_t i = 0; i < known->labels.count; i++)
		list = arena_printf(arena, "%s%s%s", list, i ? ", " : "", known->labels.items[i]);
	return arena_printf(arena, "expected to fail otherwise: %s", list);
}

const char *case_remark(const struct case_result *result, struct arena *arena)
{
	const char *text = NULL;

	if (case_mark(result) == MARK_XPASS)
		return arena_printf(arena, "expected to fail (%s), passes: remove expect_failure",
				    result->known.reason);
	if (!outcome_is_failure(result->outcome) || !is_check(result))
		return NULL;
	if (result->attempt_count)
		text = tell_attempts(result, arena);
	if (result->known.reason)
		text = and_also(text, tell_expected(result, arena), arena);
	if (result->quarantine.reason)
		text = and_also(text, tell_excuse(&result->quarantine, "quarantine", arena), arena);
	return text;
}

/* --- verdict --------------------------------------------------------------------------------- */

enum verdict case_verdict(const struct case_result *result)
{
	enum mark mark = case_mark(result);

	if (result->outcome == OUTCOME_PASS)
		return mark == MARK_XPASS ? VERDICT_FAIL : VERDICT_PASS;
	if (outcome_is_failure(result->outcome))
		return mark == MARK_NONE    ? VERDICT_FAIL
		       : mark == MARK_FLAKY ? VERDICT_INCONCLUSIVE
					    : VERDICT_PASS;
	if (result->outcome == OUTCOME_SKIP)
		return result->optional ? VERDICT_PASS : VERDICT_INCONCLUSIVE;
	return VERDICT_INFRA;
}

struct tally {
	unsigned passed, expected, quarantined; /* checks */
	unsigned failures;
	const struct case_result *first[VERDICT_OPEN]; /* of each verdict */
};

static void count_case(struct tally *tally, const struct case_result *result)
{
	enum verdict verdict = case_verdict(result);
	enum mark mark = case_mark(result);

	tally->passed += result->outcome == OUTCOME_PASS && is_check(result);
	tally->expected += mark == MARK_XFAIL;
	tally->quarantined += mark == MARK_QUARANTINED;
	tally->failures += verdict == VERDICT_FAIL;
	if (!tally->first[verdict])
		tally->first[verdict] = result;
}

static const char *why_undecided(const struct case_result *result, struct arena *arena)
{
	if (result->outcome == OUTCOME_SKIP)
		return arena_printf(arena, "%s was skipped: %s", result->name,
				    result->reason ? result->reason : "no reason recorded");
	if (result->outcome == OUTCOME_FAIL)
		return arena_printf(arena, "%s: %s", result->name, case_explain(result, arena));
	return arena_printf(arena, "%s: %s", result->name,
			    result->reason ? result->reason : outcome_name(result->outcome));
}

static const char *why_passed(const struct tally *tally, struct arena *arena)
{
	const char *text = arena_printf(arena, "%u check%s passed", tally->passed,
					tally->passed == 1 ? "" : "s");

	if (tally->expected)
		text = arena_printf(arena, "%s, %u failed as expected", text, tally->expected);
	if (tally->quarantined)
		text = arena_printf(arena, "%s, %u failed in quarantine", text, tally->quarantined);
	return text;
}

void run_decide(struct run *run)
{
	static const enum verdict order[] = {VERDICT_FAIL, VERDICT_INFRA, VERDICT_INCONCLUSIVE};
	struct tally tally = {0};
	const struct case_result *worst = NULL;

	for (size_t i = 0; i < run->case_count; i++)
		count_case(&tally, &run->cases[i]);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && !worst; i++) {
		worst = tally.first[order[i]];
		run->verdict = order[i];
	}
	if (worst && run->verdict == VERDICT_FAIL) {
		const char *why = case_explain(worst, run->arena);

		run->reason = arena_printf(run->arena, "%s%s: %s", worst->name,
					   tally.failures > 1 ? " and others" : "",
					   why ? why : outcome_name(worst->outcome));
	} else if (worst) {
		run->reason = why_undecided(worst, run->arena);
	} else if (tally.passed + tally.expected + tally.quarantined) {
		run->verdict = VERDICT_PASS;
		run->reason = why_passed(&tally, run->arena);
	} else {
		run->verdict = VERDICT_EMPTY;
		run->reason = "no check was selected: nothing was measured";
	}
}
