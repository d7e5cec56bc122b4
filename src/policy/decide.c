#include "policy/policy_private.h"

#include <stdlib.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

const char *policy_short_id(const char *id, struct arena *arena)
{
	if (!id)
		return "an unknown image";
	return arena_printf(arena, "%.*s", strncmp(id, "sha256:", 7) == 0 ? 19 : 12, id);
}

void policy__close(const struct judge *judge, const char *rule, const struct run *run,
		   const struct case_result *result, const char *text, const char *command)
{
	struct policy_decision *out = judge->out;
	const char *check = result ? result->name : NULL;
	struct policy_reason *reason;

	for (size_t i = 0; i < out->reason_count; i++)
		if (strcmp(out->reasons[i].rule, rule) == 0 &&
		    strcmp(out->reasons[i].text, text) == 0)
			return;
	reason = arena_push(judge->arena, &out->reasons, &out->reason_count, sizeof(*reason));
	*reason = (struct policy_reason){.rule = rule,
					 .check = check,
					 .text = text,
					 .command = command,
					 .run_id = run ? run->id : NULL,
					 .where = result ? result->where : NULL};
}

const char *policy__run_command(const struct judge *judge, const struct run *run,
				const struct case_result *result)
{
	const char *commit = run ? run->commit.hash : judge->input->commit;
	const char *at = result ? strrchr(result->name, '@') : NULL;
	const char *suite = run && run->suite_file ? run->suite_file : NULL;

	if (!commit)
		return "assay run --commit REV, with the commit that this image is built from";
	return arena_printf(judge->arena, "assay run --commit %s%s%s%s%.*s", commit,
			    suite ? " --suite " : "", suite ? suite : "", result ? " --only " : "",
			    result ? (int)(at ? (size_t)(at - result->name) : strlen(result->name))
				   : 0,
			    result ? result->name : "");
}

/* --- the records of a suite ------------------------------------------------------------------ */

static bool is_of_subject(const struct policy_input *input, const struct run *run)
{
	if (input->image_id)
		return same(run->build.image_id, input->image_id);
	return same(run->commit.hash, input->commit);
}

static int newer_first(const void *a, const void *b)
{
	const struct run *x = *(const struct run *const *)a, *y = *(const struct run *const *)b;
	int order = strcmp(y->started_at, x->started_at);

	return order ? order : strcmp(y->id, x->id);
}

/* Started at a time that can be, and not later than now. */
static bool has_time(const struct judge *judge, const struct run *run)
{
	int64_t ms = 0;

	if (policy__made_ms(run, NULL, &ms) < 0) {
		policy__close(judge, "unreadable", run, NULL,
			      arena_printf(judge->arena, "run %s has no readable time", run->id),
			      policy__run_command(judge, run, NULL));
		return false;
	}
	if (ms <= judge->input->now_ms + POLICY_SKEW_MS)
		return true;
	policy__close(judge, "future", run, NULL,
		      arena_printf(judge->arena, "run %s was started in the future, at %s", run->id,
				   run->started_at),
		      "set the clock of the machine that made it, and run it again");
	return false;
}

/* A commit may have been built more than once: what was seen on another image says nothing of this
 * one. A build that failed, and one that has not ended, have none yet. */
static bool is_of_image(const struct judge *judge, const struct run *run)
{
	if (run->build.image_id)
		return same(run->build.image_id, judge->image_id);
	if (run->build.failed || (run->verdict != VERDICT_PASS && run->verdict != VERDICT_FAIL &&
				  run->verdict != VERDICT_INCONCLUSIVE))
		return true;
	policy__close(
		judge, "unreadable", run, NULL,
		arena_printf(judge->arena, "run %s does not say which image it is of", run->id),
		policy__run_command(judge, run, NULL));
	return false;
}

static void find_runs(const struct judge *judge, struct past *past)
{
	const struct policy_input *input = judge->input;

	for (size_t i = 0; i < input->record_count; i++) {
		const struct run *run = input->records[i].run;

		if (!run || input->records[i].fault || !same(run->suite, past->suite) ||
		    !is_of_subject(input, run) || !has_time(judge, run) || !is_of_image(judge, run))
			continue;
		*(const struct run **)arena_push(judge->arena, &past->runs, &past->run_count,
						 sizeof(run)) = run;
	}
	if (past->run_count)
		qsort(past->runs, past->run_count, sizeof(*past->runs), newer_first);
}

/* Runs that have not ended, and such with another suite than the newest, say nothing of the cases.
 */
static void keep_comparable(struct past *past)
{
	const char *hash = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < past->run_count; i++) {
		const struct run *run = past->runs[i];

		if (run->verdict == VERDICT_OPEN)
			continue;
		if (!kept)
			hash = run->suite_hash;
		if (!kept || same(run->suite_hash, hash))
			past->runs[kept++] = run;
	}
	past->run_count = kept;
}

static struct standing *find_standing(const struct past *past, const struct case_result *result,
				      const char *driver)
{
	for (size_t i = 0; i < past->case_count; i++)
		if (strcmp(past->cases[i].result->name, result->name) == 0 &&
		    strcmp(past->cases[i].driver, driver) == 0)
			return &past->cases[i];
	return NULL;
}

static void note_failure(struct standing *standing, const struct run *run,
			 const struct case_result *result)
{
	const struct run **slot =
		case_verdict(result) == VERDICT_PASS ? &standing->excused_in : &standing->failed_in;

	if (!*slot)
		*slot = run;
}

/* RUN is older than all before it. */
static void add_cases(const struct judge *judge, struct past *past, const struct run *run)
{
	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *result = &run->cases[i];
		const char *known = policy__environment(judge, run, result, "gpu-driver");
		const char *driver = known ? known : "";
		struct standing *standing = find_standing(past, result, driver);

		if (!standing) {
			standing = arena_push(judge->arena, &past->cases, &past->case_count,
					      sizeof(*standing));
			*standing =
				(struct standing){.result = result, .run = run, .driver = driver};
			standing->undecided = !outcome_is_decided(result->outcome);
			continue;
		}
		if (standing->undecided && !outcome_is_decided(result->outcome))
			standing->undecided++;
		if (outcome_is_failure(result->outcome))
			note_failure(standing, run, result);
	}
}

/* What no case says. */
static void judge_newest(const struct judge *judge, const struct past *past)
{
	const struct run *run = past->runs[0];
	const char *again = policy__run_command(judge, run, NULL);

	if (run->build.failed)
		policy__close(judge, "build-failed", run, NULL,
			      arena_printf(judge->arena, "run %s: the image did not build%s%s",
					   run->id, run->build.message ? ": " : "",
					   run->build.message ? run->build.message : ""),
			      arena_printf(judge->arena,
					   "repair the Dockerfile (assay history show "
					   "%s), and run the new commit",
					   run->id));
	else if (run->verdict == VERDICT_EMPTY)
		policy__close(judge, "empty", run, NULL,
			      arena_printf(judge->arena, "run %s measured nothing", run->id),
			      again);
	else if (run->verdict == VERDICT_OPEN)
		policy__close(
			judge, "in-progress", run, NULL,
			arena_printf(judge->arena,
				     "run %s is newer than any completed one, and has not "
				     "ended",
				     run->id),
			arena_printf(judge->arena, "wait for it; if it was killed: %s", again));
}

void policy__collect(const struct judge *judge, const char *suite, struct past *past)
{
	*past = (struct past){.suite = suite};
	find_runs(judge, past);
	if (past->run_count)
		judge_newest(judge, past);
	keep_comparable(past);
	for (size_t i = 0; i < past->run_count; i++) {
		add_cases(judge, past, past->runs[i]);
		*(const struct run **)arena_push(judge->arena, &judge->out->runs,
						 &judge->out->run_count, sizeof(struct run *)) =
			past->runs[i];
	}
	if (!past->run_count)
		policy__close(judge, "no-record", NULL, NULL,
			      arena_printf(judge->arena,
					   "no completed run of suite %s is known for %s", suite,
					   judge->input->subject),
			      policy__run_command(judge, NULL, NULL));
}

/* --- the decision ---------------------------------------------------------------------------- */

static void judge_records(const struct judge *judge)
{
	for (size_t i = 0; i < judge->input->record_count; i++) {
		const struct policy_record *record = &judge->input->records[i];

		if (record->fault || !record->run)
			policy__close(judge, "unreadable", NULL, NULL,
				      arena_printf(judge->arena,
						   "record %s cannot be relied on: %s",
						   record->id ? record->id : "without id",
						   record->fault ? record->fault : "it is empty"),
				      "restore the history from a copy that was not changed");
	}
}

/* The image that a commit's newest completed run has. */
static const char *newest_image(const struct policy_input *input)
{
	const struct run *newest = NULL;

	for (size_t i = 0; i < input->record_count; i++) {
		const struct run *run = input->records[i].run;

		if (run && !input->records[i].fault && run->started_at &&
		    is_of_subject(input, run) && run->build.image_id &&
		    (!newest || newer_first(&run, &newest) < 0))
			newest = run;
	}
	return newest ? newest->build.image_id : NULL;
}

void policy_decide(const struct policy *policy, const struct policy_input *input,
		   struct arena *arena, struct policy_decision *out)
{
	struct judge judge = {.policy = policy, .input = input, .arena = arena, .out = out};
	struct past *pasts = arena_alloc(arena, policy->suites.count * sizeof(*pasts));

	*out = (struct policy_decision){.advisory = policy->advisory};
	if (input->unreachable) {
		policy__close(
			&judge, "unreachable", NULL, NULL,
			arena_printf(arena, "the history cannot be read: %s", input->unreachable),
			"assay doctor, then the same gate again");
		return;
	}
	judge.image_id = input->image_id ? input->image_id : newest_image(input);
	judge_records(&judge);
	for (size_t i = 0; i < policy->suites.count; i++)
		policy__collect(&judge, policy->suites.items[i], &pasts[i]);
	policy__judge_required(&judge, pasts, policy->suites.count);
	policy__judge_others(&judge, pasts, policy->suites.count);
	policy__judge_metrics(&judge, pasts, policy->suites.count);
	out->open = out->reason_count == 0;
}
