/* Cases: those that are required, and all others. */
#include "policy/policy_private.h"

#include <string.h>

static bool opens_on(const struct policy *policy, enum verdict verdict)
{
	for (size_t i = 0; i < policy->opens_on.count; i++)
		if (strcmp(policy->opens_on.items[i], verdict_name(verdict)) == 0)
			return true;
	return false;
}

static const char *again(const struct judge *judge, const struct standing *standing)
{
	const char *command = policy__run_command(judge, standing->run, standing->result);

	if (standing->undecided > judge->policy->reruns)
		return arena_printf(
			judge->arena,
			"assay history show %s: %lld runs gave no decision, more of the "
			"same will not",
			standing->run->id, (long long)standing->undecided);
	return arena_printf(judge->arena, "%s (rerun %lld of %lld)", command,
			    (long long)standing->undecided, (long long)judge->policy->reruns);
}

static const char *rule_of(const struct case_result *result)
{
	switch (case_mark(result)) {
	case MARK_XFAIL:
	case MARK_QUARANTINED:
		return "excused";
	case MARK_XPASS:
		return "passes";
	case MARK_FLAKY:
		return "flaky";
	case MARK_NONE:
		break;
	}
	if (outcome_is_failure(result->outcome))
		return "failed";
	return result->outcome == OUTCOME_SKIP ? "skipped" : "undecided";
}

static void close_on(const struct judge *judge, const struct standing *standing, const char *note)
{
	const struct case_result *result = standing->result;
	const char *why = case_explain(result, judge->arena);
	bool failed = outcome_is_failure(result->outcome) || case_mark(result);

	policy__close(judge, rule_of(result), standing->run, result,
		      arena_printf(judge->arena, "%s: %s%s%s%s", result->name, case_shown(result),
				   why && *why ? ": " : "", why ? why : "", note),
		      failed ? arena_printf(judge->arena,
					    "repair it and run the new commit (assay history show "
					    "%s), or waive it: assay key waive --check '%s'",
					    standing->run->id, result->name)
			     : again(judge, standing));
}

/* A failure on the same image is not undone by what came since: not by a pass, and much less by
 * what shows nothing and is tolerated. */
static void judge_contradiction(const struct judge *judge, const struct standing *standing,
				const struct run *failed_in)
{
	const struct case_result *result = standing->result;
	const struct policy_waiver *waiver;
	const char *note;

	if (!failed_in || judge->policy->after_fail == POLICY_AFTER_FAIL_NEWEST)
		return;
	waiver = policy__waiver(judge, result, NULL, &note);
	if (waiver) {
		policy__waived(judge, waiver, result->name);
		return;
	}
	policy__close(judge, "contradiction", standing->run, result,
		      arena_printf(judge->arena,
				   "%s: %s in %s, but failed in %s on the same image with the "
				   "same suite%s",
				   result->name, case_shown(result), standing->run->id,
				   failed_in->id, note),
		      arena_printf(judge->arena,
				   "find out why (assay compare %s %s), or waive it: assay key "
				   "waive --check '%s'",
				   failed_in->id, standing->run->id, result->name));
}

/* Ages are days or hours, not minutes. */
static const char *age_text(const struct judge *judge, int64_t ms)
{
	const double hours = (double)ms / 3600000;

	return hours < 72 ? arena_printf(judge->arena, "%.1f hours", hours)
			  : arena_printf(judge->arena, "%.1f days", hours / 24);
}

void policy__judge_age(const struct judge *judge, const struct standing *standing,
		       const struct policy_require *require)
{
	const struct case_result *result = standing->result;
	int64_t max = policy__max_age_ms(judge->policy, require, result->kind ? result->kind : "");
	int64_t made = 0, age;

	if (policy__made_ms(standing->run, result, &made) < 0) {
		policy__close(judge, "unreadable", standing->run, result,
			      arena_printf(judge->arena,
					   "%s: taken from run %s, whose time is not "
					   "known",
					   result->name, result->reused_from),
			      policy__run_command(judge, standing->run, result));
		return;
	}
	age = judge->input->now_ms - made;
	if (age < -POLICY_SKEW_MS) {
		policy__close(
			judge, "future", standing->run, result,
			arena_printf(judge->arena, "%s: taken from run %s in the future",
				     result->name,
				     result->reused_from ? result->reused_from : standing->run->id),
			policy__run_command(judge, standing->run, result));
		return;
	}
	if (age <= max)
		return;
	policy__close(judge, "too-old", standing->run, result,
		      arena_printf(judge->arena, "%s: the result is %s old, at most %s counts",
				   result->name, age_text(judge, age), age_text(judge, max)),
		      policy__run_command(judge, standing->run, result));
}

/* Does the result in STANDING do for REQUIRE? */
static bool satisfies(const struct judge *judge, const struct standing *standing,
		      const struct policy_require *require)
{
	const struct case_result *result = standing->result;
	int skip = require->skip >= 0 ? require->skip : judge->policy->skip;

	if (result->outcome == OUTCOME_SKIP)
		return skip == POLICY_SKIP_ALLOWED;
	if (case_verdict(result) != VERDICT_PASS)
		return false;
	return result->outcome == OUTCOME_PASS || (outcome_is_failure(result->outcome) &&
						   judge->policy->excused == POLICY_SKIP_ALLOWED);
}

static void judge_one(const struct judge *judge, const struct standing *standing,
		      const struct policy_require *require)
{
	const struct case_result *result = standing->result;
	const struct policy_waiver *waiver;
	bool lenient = judge->policy->excused == POLICY_SKIP_ALLOWED;
	const char *note;

	policy__judge_age(judge, standing, require);
	if (satisfies(judge, standing, require)) {
		judge_contradiction(judge, standing,
				    standing->failed_in || lenient ? standing->failed_in
								   : standing->excused_in);
		return;
	}
	waiver = policy__waiver(judge, result, NULL, &note);
	if (waiver)
		policy__waived(judge, waiver, result->name);
	else
		close_on(judge, standing, note);
}

static bool is_required(const struct policy_require *require, const struct case_result *result)
{
	if (require->check)
		return policy__names(require->check, result);
	for (size_t i = 0; i < result->tags.count; i++)
		if (strcmp(result->tags.items[i], require->tag) == 0)
			return true;
	return false;
}

static void judge_in_cell(const struct judge *judge, struct past *pasts, size_t count,
			  const struct policy_require *require, const struct policy_cell *cell)
{
	const struct run *newest = NULL;
	const char *what = require->check ? "check" : "check with tag";
	const char *name = require->check ? require->check : require->tag;
	bool any = cell->target || cell->driver != FIELD_ABSENT_INT;
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		newest = !newest && pasts[i].run_count ? pasts[i].runs[0] : newest;
		for (size_t k = 0; k < pasts[i].case_count; k++) {
			struct standing *standing = &pasts[i].cases[k];

			if (!is_required(require, standing->result) ||
			    !policy__in_cell(judge, cell, standing))
				continue;
			standing->required = true;
			found++;
			judge_one(judge, standing, require);
		}
	}
	if (found)
		return;
	policy__close(judge, any ? "no-cell" : "missing", NULL, NULL,
		      arena_printf(judge->arena, "required %s '%s': no result%s%s%s", what, name,
				   any ? " from " : "",
				   any ? policy__cell_name(cell, judge->arena) : "",
				   any ? "" : "; is it in the suite?"),
		      arena_printf(judge->arena, "%s%s%s%s", any ? "on a machine with " : "",
				   any ? policy__cell_name(cell, judge->arena) : "",
				   any ? ": " : "", policy__run_command(judge, newest, NULL)));
}

void policy__judge_required(const struct judge *judge, struct past *pasts, size_t count)
{
	const struct policy_require *list = judge->policy->require.items;
	static const struct policy_cell anywhere = {NULL, FIELD_ABSENT_INT};

	for (size_t i = 0; i < judge->policy->require.count; i++) {
		const struct objects *cells =
			list[i].cells.count ? &list[i].cells : &judge->policy->cells;
		const struct policy_cell *cell = cells->items;

		for (size_t k = 0; k < cells->count; k++)
			judge_in_cell(judge, pasts, count, &list[i], &cell[k]);
		if (!cells->count)
			judge_in_cell(judge, pasts, count, &list[i], &anywhere);
	}
}

void policy__judge_others(const struct judge *judge, const struct past *pasts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < pasts[i].case_count; k++) {
			const struct standing *standing = &pasts[i].cases[k];
			enum verdict verdict = case_verdict(standing->result);
			const struct policy_waiver *waiver;
			const char *note;

			if (standing->required)
				continue;
			if (verdict == VERDICT_PASS || opens_on(judge->policy, verdict)) {
				if (!opens_on(judge->policy, VERDICT_FAIL))
					judge_contradiction(judge, standing, standing->failed_in);
				continue;
			}
			waiver = policy__waiver(judge, standing->result, NULL, &note);
			if (waiver)
				policy__waived(judge, waiver, standing->result->name);
			else
				close_on(judge, standing, note);
		}
}
