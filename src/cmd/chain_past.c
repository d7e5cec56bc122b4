#include "cmd/alarms.h"
#include "cmd/chain_private.h"
#include "cmd/explain.h"
#include "cmd/subject.h"

#include <string.h>

#define HISTORY_ROWS_MAX 20000
#define OLDER_RUNS_MAX 50   /* loaded to complete a baseline that decided too little */
#define TYPICAL_RUNS_MAX 10 /* looked at for one that built its image */

/* --- baseline -------------------------------------------------------------------------------- */

static const char *find_run_of(const struct run_row *rows, size_t count, const char *commit)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].commit, commit) == 0)
			return rows[i].id;
	return NULL;
}

static bool all_decided(const struct run *run)
{
	for (size_t i = 0; i < run->case_count; i++)
		if (!outcome_is_decided(run->cases[i].outcome))
			return false;
	return true;
}

/* Where BASELINE decided nothing, because it did not build, say, what OLDER decided counts. */
static void take_decided(struct run *baseline, const struct run *older)
{
	for (size_t i = 0; i < baseline->case_count; i++) {
		struct case_result *now = &baseline->cases[i];
		const struct case_result *before = run_find_case(older, now->name);

		if (!outcome_is_decided(now->outcome) && before &&
		    outcome_is_decided(before->outcome))
			case_copy(now, before, baseline->arena);
	}
}

/* Older ancestors complete the baseline: each case's last decided outcome, the last image. */
static int look_further(struct chain *chain, const struct run_row *rows, size_t count, size_t from,
			struct err *err)
{
	struct run *baseline = chain->baseline_run;
	unsigned looked = 0;

	for (size_t i = from; i < chain->ancestors.count && looked < OLDER_RUNS_MAX; i++) {
		const char *id = find_run_of(rows, count, chain->ancestors.items[i]);
		bool image = baseline->build.image_id || chain->imaged_run;
		struct run *older = NULL;

		if (image && all_decided(baseline))
			break;
		if (!id)
			continue;
		looked++;
		if (chain->store->ops->load(chain->store, id, &older, err) < 0)
			return -1;
		take_decided(baseline, older);
		if (!image && older->build.image_id)
			chain->imaged_run = older;
		else
			run_free(older);
	}
	return 0;
}

/* The nearest first-parent ancestor with a completed run of this suite, by the commit graph. */
int chain__find_baseline(struct chain *chain, struct err *err)
{
	struct store_filter filter = {
		.suite = chain->run->suite, .completed = true, .limit = HISTORY_ROWS_MAX};
	struct baseline *baseline = &chain->run->baseline;
	struct strings commits = chain->ancestors;
	struct run_row *rows = NULL;
	size_t count = 0;

	if (chain->baseline_known)
		return 0;
	if (chain->baseline)
		commits = (struct strings){&chain->baseline, 1};
	if (chain->store->ops->runs(chain->store, &filter, chain->arena, &rows, &count, err) < 0)
		return -1;
	chain->baseline_known = true;
	for (size_t i = 0; i < commits.count; i++) {
		const char *id = find_run_of(rows, count, commits.items[i]);

		if (!id)
			continue;
		baseline->run_id = arena_strdup(chain->run->arena, id);
		baseline->commit = arena_strdup(chain->run->arena, commits.items[i]);
		baseline->distance = chain->baseline ? 0 : (unsigned)i + 1;
		if (chain->store->ops->load(chain->store, id, &chain->baseline_run, err) < 0)
			return -1;
		return chain->baseline ? 0 : look_further(chain, rows, count, i + 1, err);
	}
	baseline->reason = chain->baseline ? "the named baseline has no completed run of this suite"
			   : chain->shallow ? "the clone is shallow; no run of the commits it holds"
			   : !commits.count ? "this is the first commit"
					    : "no ancestor has a completed run of this suite";
	return 0;
}

/* --- quarantine ------------------------------------------------------------------------------ */

/* The newest word on a case counts. */
int chain__quarantine(struct chain *chain, struct err *err)
{
	struct run *run = chain->run;
	struct quarantine_row *rows = NULL;
	size_t count = 0;

	if (chain->store->ops->quarantines(chain->store, NULL, chain->arena, &rows, &count, err) <
	    0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct case_result *result =
			(struct case_result *)run_find_case(run, rows[i].case_name);

		if (!result || strcmp(rows[i].suite, run->suite) != 0 ||
		    strcmp(rows[i].created_at, run->started_at) > 0)
			continue;
		result->quarantine = (struct excuse){
			.reason = arena_strdup(run->arena, rows[i].reason),
			.until = arena_printf(run->arena, "%.10s", rows[i].expires_at),
			.ended = strcmp(rows[i].expires_at, run->started_at) <= 0};
	}
	return 0;
}

/* --- what the image tells -------------------------------------------------------------------- */

/* Facts of the baseline: as its run kept them, else from its image, else none. */
static const struct facts *baseline_facts(struct chain *chain)
{
	const struct run *before = chain->imaged_run ? chain->imaged_run : chain->baseline_run;
	const struct rule_input *input = NULL;
	struct inspect_spec spec = {.engine = chain->engine,
				    .cache = subject_cache_dir(chain->arena)};
	struct err ignored;

	if (subject_read_facts(
		    arena_printf(chain->arena, "%s/runs/%s/facts.json", chain->state, before->id),
		    &chain->kept, &ignored) == 0)
		return chain->kept;
	spec.image_id = before->build.image_id;
	if (!chain__engine_has(chain, spec.image_id))
		return NULL;
	chain->earlier = inspection_new(&spec);
	if (inspection_begin(chain->earlier, &input, &ignored) < 0)
		return NULL;
	inspection_end(chain->earlier);
	return input->facts;
}

/* The chain's own thread waits while cases are judged, so its handles are free to be used. */
static int prepare_inspection(void *payload, struct rule_input *input, struct err *err)
{
	struct chain *chain = payload;
	const struct commit *commit = &chain->run->commit;

	if (chain__find_baseline(chain, err) < 0 ||
	    repo_read_commit(chain->source, commit->hash, chain->arena, &chain->files, err) < 0)
		return -1;
	input->files = chain->files.items;
	input->file_count = chain->files.count;
	input->dockerfile = context_dockerfile_path(chain->context);
	if (!chain->baseline_run)
		return 0;
	input->before = baseline_facts(chain);
	if (repo_read_commit(chain->source, chain->baseline_run->commit.hash, chain->arena,
			     &chain->earlier_files, err) < 0)
		return -1;
	input->before_files = chain->earlier_files.items;
	input->before_file_count = chain->earlier_files.count;
	return 0;
}

void chain__inspect(struct chain *chain, const char *image_id)
{
	const struct inspect_spec spec = {.engine = chain->engine,
					  .image_id = image_id,
					  .cache = subject_cache_dir(chain->arena),
					  .prepare = prepare_inspection,
					  .payload = chain};

	chain->inspection = inspection_new(&spec);
}

/* A step that failed has changed nothing: the image before it tells what it met. */
static void find_last_good(struct chain *chain)
{
	struct build *build = &chain->run->build;
	const struct step *step = build->step_count ? &build->steps[build->step_count - 1] : NULL;
	struct err ignored;

	if (build->partial_image || !step || !step->line || !build->builder || build->reused ||
	    strcmp(build->builder, "buildkit") != 0)
		return;
	(void)deploy_build_before(
		chain->engine, chain->context, chain->suite->image, step->line,
		arena_printf(chain->arena, "assay/%s:before-%.16s", chain->run->suite,
			     build->input_hash ? build->input_hash : chain->run->id),
		chain->run->arena, &build->partial_image, &ignored);
}

/* Facts explain, they do not judge: where they cannot be had the verdict stands. */
void chain__explain(struct chain *chain)
{
	struct run *run = chain->run;
	struct err why = {0};

	if (!explain_needed(run))
		return;
	if (run->build.failed)
		find_last_good(chain);
	if (!chain->inspection && run->build.partial_image)
		chain__inspect(chain, run->build.partial_image);
	if (!chain->inspection && chain__engine_has(chain, run->build.image_id))
		chain__inspect(chain, run->build.image_id);
	if (chain->inspection)
		chain__say(chain, "reading the image for an explanation");
	if (chain->inspection && explain_run(run, chain->inspection, &why) < 0)
		chain__say(chain, "no explanation from the image: %s", why.msg);
}

int chain__keep_facts(struct chain *chain, struct err *err)
{
	const struct facts *facts = chain->inspection ? inspection_facts(chain->inspection) : NULL;

	if (!facts || chain->run->build.failed)
		return 0;
	return rundir_facts(chain->dir, facts_json(facts), err);
}

static void on_alarm(void *payload, const char *line)
{
	chain__say(payload, "%s", line);
}

/* The run is recorded and decided: what cannot be looked at afterwards is told, and changes
 * nothing. */
void chain__watch(struct chain *chain)
{
	struct err why = {0};

	if (alarms_watch(chain->store, chain->run, &chain->ancestors, on_alarm, chain, &why) < 0)
		chain__say(chain, "no look for alarms: %s", why.msg);
}

/* An estimate is a courtesy: without one nothing is lost. */
void chain__find_typical(struct chain *chain)
{
	const struct store_filter filter = {
		.suite = chain->suite->name, .completed = true, .limit = TYPICAL_RUNS_MAX};
	struct run_row *rows = NULL;
	struct err ignored;
	size_t count = 0;

	if (!chain->request->left || chain->store->ops->runs(chain->store, &filter, chain->arena,
							     &rows, &count, &ignored) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		run_free(chain->typical);
		chain->typical = NULL;
		if (chain->store->ops->load(chain->store, rows[i].id, &chain->typical, &ignored) <
			    0 ||
		    !chain->typical->build.reused)
			return;
	}
}
