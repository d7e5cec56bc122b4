/* What a run shows: the wanted failure, its absence, or nothing that can be used. */
#include "cmd/bisect_private.h"
#include "model/signature.h"

#include <string.h>

#define RUNS_LOOKED_AT 200

/* As the history has it, with the label. */
static const char *signature_of(const struct case_result *result, struct arena *arena)
{
	return arena_printf(arena, "%s %s",
			    result->label ? result->label : outcome_name(result->outcome),
			    signature_text(result, arena));
}

static bool is_build(const struct case_result *result)
{
	return strcmp(result->name, "build") == 0;
}

/* An earlier run may have had checks that are not asked about now. */
static bool is_asked(const struct hunt *hunt, const struct case_result *result)
{
	size_t len = strcspn(result->name, "@"); /* and the target */

	if (is_build(result) || !hunt->suite)
		return true;
	for (size_t i = 0; i < hunt->suite->check_count; i++) {
		const char *name = hunt->suite->checks[i].name;

		if (strcmp(result->name, name) == 0 ||
		    (strlen(name) == len && strncmp(result->name, name, len) == 0))
			return true;
	}
	return false;
}

/* Failures that can be looked for; the build's own only when it is the property. */
static void learn_wanted(struct hunt *hunt, const struct run *run)
{
	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *result = &run->cases[i];
		struct wanted *wanted;

		if (!outcome_is_failure(result->outcome) || !is_asked(hunt, result) ||
		    (is_build(result) && hunt->options->build_failure != 1))
			continue;
		wanted = arena_push(hunt->arena, &hunt->wanted, &hunt->wanted_count,
				    sizeof(*wanted));
		wanted->name = arena_strdup(hunt->arena, result->name);
		wanted->signature = signature_of(result, hunt->arena);
	}
}

static bool is_wanted(struct hunt *hunt, const struct case_result *result,
		      const struct wanted *wanted)
{
	return outcome_is_failure(result->outcome) &&
	       strcmp(signature_of(result, hunt->arena), wanted->signature) == 0;
}

/* The image was not built. That is the wanted failure when the bad end does not build either, for
 * the same reason, or when any failed build counts as bad. */
static enum sight see_failed_build(struct hunt *hunt, const struct run *run, const char **note)
{
	const struct case_result *build = run_find_case(run, "build");

	*note = arena_printf(hunt->arena, "does not build: %s",
			     build->actual ? build->actual : "unknown reason");
	if (hunt->options->build_failure != 1)
		return SIGHT_BROKEN;
	for (size_t i = 0; i < hunt->wanted_count; i++)
		if (strcmp(hunt->wanted[i].name, "build") == 0)
			return is_wanted(hunt, build, &hunt->wanted[i]) ? SIGHT_FAIL : SIGHT_BROKEN;
	return SIGHT_FAIL;
}

static enum sight see_checks(struct hunt *hunt, const struct run *run, const char **note)
{
	enum sight sight = SIGHT_PASS;

	*note = "passes";
	for (size_t i = 0; i < hunt->wanted_count; i++) {
		const struct wanted *wanted = &hunt->wanted[i];
		const struct case_result *result = run_find_case(run, wanted->name);

		if (result && is_wanted(hunt, result, wanted)) {
			*note = arena_printf(hunt->arena, "%s fails: %s", wanted->name,
					     result->actual ? result->actual : "");
			return SIGHT_FAIL;
		}
		if (result && result->outcome == OUTCOME_PASS)
			continue;
		sight = SIGHT_BROKEN;
		*note = !result ? arena_printf(hunt->arena, "there is no %s", wanted->name)
			: outcome_is_failure(result->outcome)
				? arena_printf(hunt->arena, "%s fails otherwise: %s", wanted->name,
					       result->actual ? result->actual : "")
				: arena_printf(hunt->arena, "%s: %s", wanted->name,
					       outcome_name(result->outcome));
	}
	return sight;
}

/* Before the wanted failure is known: did anything fail at all? */
static enum sight see_anything(const struct run *run, const char **note)
{
	bool passed = false;

	*note = "passes";
	for (size_t i = 0; i < run->case_count; i++) {
		if (outcome_is_failure(run->cases[i].outcome)) {
			*note = "fails";
			return SIGHT_FAIL;
		}
		passed |= run->cases[i].outcome == OUTCOME_PASS && !is_build(&run->cases[i]);
	}
	if (!passed)
		*note = "nothing was measured";
	return passed ? SIGHT_PASS : SIGHT_BROKEN;
}

/* What fails at the good end in the same way is no news; something else has to be left. */
static void forget_old_failures(struct hunt *hunt, const struct run *run)
{
	size_t kept = 0, old = 0;

	for (size_t i = 0; i < hunt->wanted_count; i++) {
		const struct case_result *result = run_find_case(run, hunt->wanted[i].name);

		old += result && is_wanted(hunt, result, &hunt->wanted[i]);
	}
	if (old == 0 || old == hunt->wanted_count)
		return;
	for (size_t i = 0; i < hunt->wanted_count; i++) {
		const struct case_result *result = run_find_case(run, hunt->wanted[i].name);

		if (!(result && is_wanted(hunt, result, &hunt->wanted[i])))
			hunt->wanted[kept++] = hunt->wanted[i];
	}
	hunt->wanted_count = kept;
}

static const char *broken_reason(const struct run *run)
{
	for (size_t i = 0; i < run->case_count; i++)
		if (run->cases[i].outcome == OUTCOME_BROKEN ||
		    run->cases[i].outcome == OUTCOME_INCOMPLETE)
			return run->cases[i].reason ? run->cases[i].reason : "a check broke";
	return run->reason ? run->reason : "the run could not be finished";
}

/* Is HASH that end, or a commit with the same inputs? */
static bool is_end(const struct hunt *hunt, const char *hash, bool bad)
{
	uint32_t end = bad ? graph_count(hunt->graph) - 1 : GRAPH_NOWHERE;

	return search_face(hunt->search, bisect__position_of(hunt, hash)) ==
	       search_face(hunt->search, end);
}

int bisect__see_run(struct hunt *hunt, const struct run *run, struct sighting *out, struct err *err)
{
	const char *note = NULL;
	bool learns = hunt->wanted_count == 0;
	enum sight sight;

	if (run->verdict == VERDICT_INFRA || run->verdict == VERDICT_OPEN)
		return err_set(err, ERR_INFRA, "%s", broken_reason(run));
	if (learns && is_end(hunt, run->commit.hash, !hunt->options->fix))
		learn_wanted(hunt, run);
	if (is_end(hunt, run->commit.hash, false) && !hunt->options->fix)
		forget_old_failures(hunt, run);
	if (run->build.failed)
		sight = see_failed_build(hunt, run, &note);
	else if (hunt->wanted_count)
		sight = see_checks(hunt, run, &note);
	else
		sight = see_anything(run, &note);
	if (hunt->options->fix && sight != SIGHT_BROKEN)
		sight = sight == SIGHT_PASS ? SIGHT_FAIL : SIGHT_PASS;
	out->sight = sight;
	out->commit = arena_strdup(hunt->arena, run->commit.hash);
	out->run = arena_strdup(hunt->arena, run->id);
	out->image = arena_strdup(hunt->arena, run->build.image_id);
	out->note = arena_strdup(hunt->arena, note ? note : "fails");
	out->build_s = run->build.reused ? 0 : (double)run->build.duration_ns / 1e9;
	out->test_s = (double)run->duration_ns / 1e9 - out->build_s;
	return 0;
}

int bisect__recall_wanted(struct hunt *hunt, struct err *err)
{
	const char *failing = hunt->options->fix ? hunt->good.hash : hunt->bad.hash;
	const struct store_filter filter = {.suite = hunt->suite->name,
					    .commit = failing,
					    .suite_hash = hunt->suite->hash,
					    .completed = true,
					    .limit = RUNS_LOOKED_AT};
	struct run_row *rows = NULL;
	size_t count = 0;

	if (hunt->store->ops->runs(hunt->store, &filter, hunt->arena, &rows, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count && hunt->wanted_count == 0; i++) {
		struct run *run = NULL;

		if (rows[i].verdict != VERDICT_FAIL)
			continue;
		if (hunt->store->ops->load(hunt->store, rows[i].id, &run, err) < 0)
			return -1;
		learn_wanted(hunt, run);
		run_free(run);
	}
	return 0;
}
