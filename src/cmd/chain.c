#include "cmd/chain_private.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/units.h"
#include "cmd/progress.h"
#include "exec/exec.h"
#include "model/gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>

#define SUITE_NAME_DEFAULT "assay.jsonc"
#define ANCESTORS_MAX 5000

void chain__say(const struct chain *chain, const char *fmt, ...)
{
	char line[1200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	chain->request->say(chain->request->payload, line);
}

/* --- commit and suite ------------------------------------------------------------------------ */

/* The commit's suite stands in its root, so paths beside it are paths of the tree. */
static int read_of_commit(void *self, const char *path, struct buf *out, struct err *err)
{
	const struct chain *chain = self;
	const char *commit = chain->run->commit.hash;

	if (source_read(chain->source, commit, path, out, err) == 0)
		return 0;
	if (err->code == ERR_NOTFOUND)
		return err_set(err, ERR_NOTFOUND, "commit %.12s has no %s", commit, path);
	return -1;
}

static int load_suite(struct chain *chain, struct err *err)
{
	const struct chain_request *request = chain->request;
	const char *file = request->suite_file;
	struct file_reader files = {read_of_commit, chain};
	struct buf text;
	int rc;

	buf_init(&text, SUITE_BYTES_MAX);
	if (file) {
		files = cmd_files_beside(file);
		rc = file_read(file, &text, err);
		if (rc < 0 && err->code == ERR_NOTFOUND)
			err_set(err, ERR_USAGE, "suite %s: no such file", file);
	} else {
		file = SUITE_NAME_DEFAULT;
		rc = source_read(chain->source, chain->run->commit.hash, file, &text, err);
		if (rc < 0 && err->code == ERR_NOTFOUND)
			err_set(err, ERR_USAGE,
				"commit %.12s has no %s: write one with `assay init` and commit "
				"it, "
				"or give --suite FILE",
				chain->run->commit.hash, file);
	}
	if (rc == 0)
		rc = suite_parse(file, buf_str(&text), text.len, &request->vars, &files,
				 cmd_kind_lookup, cmd_kind_names(), NULL, &chain->suite, err);
	buf_done(&text);
	return rc;
}

static void select_checks(struct chain *chain)
{
	const struct chain_request *request = chain->request;
	struct suite *suite = chain->suite;

	if (request->targets.count)
		suite->targets = request->targets;
	if (request->only.count &&
	    suite_select(suite, request->only.items, request->only.count) == 0)
		chain__say(chain, "no check of suite %s has the name or tag %s", suite->name,
			   request->only.items[0]);
	exec_plan(suite, chain->run, "the image was not built");
}

/* --- the run's own facts --------------------------------------------------------------------- */

static void copy_strings(struct arena *arena, const struct strings *from, struct strings *to)
{
	for (size_t i = 0; i < from->count; i++) {
		const char **item = arena_push(arena, &to->items, &to->count, sizeof(*item));

		*item = arena_strdup(arena, from->items[i]);
	}
}

static void add_environment(struct run *run, const char *key, const char *value)
{
	struct pair *pair = arena_push(run->arena, &run->environment.items, &run->environment.count,
				       sizeof(*pair));

	pair->key = key;
	pair->value = arena_strdup(run->arena, value ? value : "unknown");
}

static void describe_run(struct run *run, const struct suite *suite)
{
	struct utsname host;
	unsigned int salt = 0;
	char stamp[CLOCK_TEXT];

	if (getrandom(&salt, sizeof(salt), 0) < 0)
		salt = (unsigned int)clock_ns();
	run->started_at =
		arena_strdup(run->arena, clock_rfc3339(clock_unix_ms(), stamp, sizeof(stamp)));
	run->id = arena_printf(run->arena, "%.4s%.2s%.2sT%.2s%.2s%.2s%.3sZ-%08x", stamp, stamp + 5,
			       stamp + 8, stamp + 11, stamp + 14, stamp + 17, stamp + 20, salt);
	run->suite = arena_strdup(run->arena, suite->name);
	run->suite_file = arena_strdup(run->arena, suite->file);
	run->suite_hash = arena_strdup(run->arena, suite->hash);
	copy_strings(run->arena, &suite->targets, &run->targets);
	add_environment(run, "assay", ASSAY_VERSION);
	if (uname(&host) == 0)
		add_environment(run, "host", host.nodename);
}

static void describe_engine(struct run *run, struct engine *engine)
{
	const struct engine_info *info = engine_info(engine);

	add_environment(run, "engine", info->name);
	add_environment(run, "engine-version", info->version);
	add_environment(run, "engine-api", info->api);
	add_environment(run, "storage-driver", info->driver);
	add_environment(run, "kernel", info->kernel);
	add_environment(run, "platform", info->os_arch);
}

/* --- opening --------------------------------------------------------------------------------- */

static int keep_killed(void *payload, struct run *run, struct err *err)
{
	struct chain *chain = payload;

	chain__say(chain, "run %s was killed: recorded as %s", run->id, verdict_name(run->verdict));
	return chain->store->ops->append(chain->store, run, err);
}

static int sweep(struct chain *chain, struct err *err)
{
	unsigned removed = 0;

	if (rundir_sweep(chain->state, keep_killed, chain, err) < 0 ||
	    engine_sweep(chain->engine, &removed, err) < 0)
		return -1;
	if (removed)
		chain__say(chain, "removed %u container%s of killed runs", removed,
			   removed == 1 ? "" : "s");
	return 0;
}

/* Before anything is built: a wrong name must not cost a build. */
static int resolve_baseline(struct chain *chain, struct err *err)
{
	struct commit commit = {0};

	if (!chain->request->baseline)
		return 0;
	if (source_resolve(chain->source, chain->request->baseline, chain->run->arena, &commit,
			   err) < 0)
		return err_wrap(err, "--baseline");
	chain->baseline = commit.hash;
	return 0;
}

/* The image whose layers are taken, if any: one that is not there is the user's slip. */
static int find_cache(struct chain *chain, struct err *err)
{
	const char *from = chain->request->cache_from;

	if (!from || engine_image(chain->engine, from, chain->arena, &chain->cache_from, err) == 0)
		return 0;
	if (err->code == ERR_NOTFOUND)
		err_set(err, ERR_USAGE, "--cache-from %s: the engine has no such image", from);
	return -1;
}

static int open_all(struct chain *chain, struct err *err)
{
	const struct chain_request *request = chain->request;
	struct run *run = chain->run;

	if (source_open(request->repo, &chain->source, err) < 0 ||
	    source_resolve(chain->source, request->commit, run->arena, &run->commit, err) < 0 ||
	    resolve_baseline(chain, err) < 0 || load_suite(chain, err) < 0)
		return -1;
	run->commit.asked = arena_strdup(run->arena, request->commit);
	run->commit.repo = arena_strdup(run->arena, source_root(chain->source));
	describe_run(run, chain->suite);
	select_checks(chain);
	if (context_open(chain->source, run->commit.hash, chain->suite->image, &chain->context,
			 err) < 0 ||
	    source_ancestors(chain->source, run->commit.hash, ANCESTORS_MAX, chain->arena,
			     &chain->ancestors, &chain->shallow, err) < 0)
		return -1;
	chain->state = cmd_state_dir(chain->source, chain->arena);
	if (cmd_history_open(request->history, chain->state, &chain->store, err) < 0 ||
	    engine_open(request->engine, &chain->engine, err) < 0)
		return -1;
	describe_engine(run, chain->engine);
	if (chain__quarantine(chain, err) < 0)
		return -1;
	chain__find_typical(chain);
	if (find_cache(chain, err) < 0 || chain__resolve_against(chain, err) < 0 ||
	    sweep(chain, err) < 0)
		return -1;
	return rundir_create(chain->state, run, &chain->dir, err);
}

/* --- image ----------------------------------------------------------------------------------- */

/* Does the parent commit make the same image? Its Dockerfile may be missing: then no. */
static bool same_as(struct chain *chain, const char *commit, const char *hash)
{
	struct context *other = NULL;
	struct err ignored;
	char theirs[65];
	bool same;

	if (context_open(chain->source, commit, chain->suite->image, &other, &ignored) < 0)
		return false;
	same = context_hash(other, &chain->run->build.bases, theirs, &ignored) == 0 &&
	       strcmp(theirs, hash) == 0;
	context_close(other);
	return same;
}

/* What an image is made of that takes another's layers: these too. */
static void mix_cache(const struct chain *chain, char hash[DIGEST_HEX])
{
	struct digest *digest = digest_new();

	digest_add_field(digest, hash);
	digest_add_field(digest, chain->cache_from.id);
	digest_final(digest, hash);
}

static int hash_inputs(struct chain *chain, struct err *err)
{
	struct run *run = chain->run;
	char hash[DIGEST_HEX];

	if (deploy_bases(chain->engine, context_bases(chain->context), run->arena,
			 &run->build.bases, err) < 0)
		return -1;
	if (context_hash(chain->context, &run->build.bases, hash, err) < 0)
		return err->code == ERR_NOTFOUND ? 0 : -1;
	if (chain->cache_from.id)
		mix_cache(chain, hash);
	run->build.input_hash = arena_strdup(run->arena, hash);
	if (chain->ancestors.count && same_as(chain, chain->ancestors.items[0], hash)) {
		run->build.same_inputs_as = arena_strdup(run->arena, chain->ancestors.items[0]);
		chain__say(chain, "commit %.12s changes no image input since %.12s",
			   run->commit.hash, chain->ancestors.items[0]);
	}
	return 0;
}

enum equal { EQUAL_INPUTS, EQUAL_NAME, EQUAL_SUITE };

/* Newest run of equal image inputs; NULL when none. With the suite's name or its hash equal too it
 * is a completed one. */
static int find_equal(struct chain *chain, enum equal equal, bool with_image, struct run **out,
		      struct err *err)
{
	const struct run *run = chain->run;
	struct store_filter filter = {.input_hash = run->build.input_hash,
				      .limit = 20,
				      .with_image = with_image,
				      .completed = equal != EQUAL_INPUTS};
	struct run_row *rows = NULL;
	size_t count = 0;

	*out = NULL;
	if (!run->build.input_hash)
		return 0;
	if (equal == EQUAL_SUITE)
		filter.suite_hash = run->suite_hash;
	else if (equal == EQUAL_NAME)
		filter.suite = run->suite;
	if (chain->store->ops->runs(chain->store, &filter, chain->arena, &rows, &count, err) < 0)
		return -1;
	return count ? chain->store->ops->load(chain->store, rows[0].id, out, err) : 0;
}

/* The image of OLD, or its failure with the step that failed, becomes this run's. */
static void take_image(struct run *run, const struct run *old)
{
	struct build *build = &run->build;

	build->image_id = arena_strdup(run->arena, old->build.image_id);
	build->image_tag = arena_strdup(run->arena, old->build.image_tag);
	build->builder = arena_strdup(run->arena, old->build.builder);
	build->message = arena_strdup(run->arena, old->build.message);
	build->failed = old->build.failed;
	build->reused = true;
	build->reused_from = arena_strdup(run->arena, old->id);
	build->dockerfile = arena_strdup(run->arena, old->build.dockerfile);
	if (build->failed) /* the image that explained it need not be there any more */
		copy_strings(run->arena, &old->notes, &run->notes);
	for (size_t i = 0; i < old->build.step_count; i++) {
		struct step *step =
			arena_push(run->arena, &build->steps, &build->step_count, sizeof(*step));

		*step = old->build.steps[i];
		step->stage = arena_strdup(run->arena, step->stage);
		step->instruction = arena_strdup(run->arena, step->instruction);
	}
}

bool chain__engine_has(struct chain *chain, const char *image_id)
{
	struct image_config config;
	struct err ignored;

	return image_id &&
	       engine_image(chain->engine, image_id, chain->arena, &config, &ignored) == 0;
}

/* Take the image of an earlier run when the engine still has it. */
static int reuse_image(struct chain *chain, struct err *err)
{
	struct run *old = NULL;

	if (chain->request->rebuild)
		return 0;
	if (find_equal(chain, EQUAL_INPUTS, true, &old, err) < 0)
		return -1;
	if (old && chain__engine_has(chain, old->build.image_id)) {
		take_image(chain->run, old);
		chain__say(chain, "image %.19s of run %s has the same inputs: not built again",
			   old->build.image_id, old->id);
	}
	run_free(old);
	return 0;
}

int chain__image_of_inputs(struct chain *chain, const char *hash, const char **image_id,
			   struct err *err)
{
	const struct store_filter filter = {.input_hash = hash, .limit = 1, .with_image = true};
	struct run_row *rows = NULL;
	struct run *old = NULL;
	size_t count = 0;

	*image_id = NULL;
	if (chain->store->ops->runs(chain->store, &filter, chain->arena, &rows, &count, err) < 0 ||
	    (count && chain->store->ops->load(chain->store, rows[0].id, &old, err) < 0))
		return -1;
	if (old && chain__engine_has(chain, old->build.image_id))
		*image_id = arena_strdup(chain->arena, old->build.image_id);
	run_free(old);
	return 0;
}

static void on_log(void *payload, const char *data, size_t len)
{
	struct chain *chain = payload;

	rundir_log(chain->dir, data, len);
}

static void on_step(void *payload, const struct step *step)
{
	struct chain *chain = payload;
	char took[32];

	if (chain->request->left && step->duration_ns == 0)
		chain->request->left(chain->request->payload,
				     progress_of_build(chain->typical, step->number));
	if (step->duration_ns == 0 && !step->cached)
		chain__say(chain, "step %u/%u %.90s", step->number, step->total, step->instruction);
	else if (step->duration_ns > 5 * NS_PER_S)
		chain__say(chain, "step %u/%u took %s", step->number, step->total,
			   units_duration(step->duration_ns, took, sizeof(took)));
}

/* The build as a case of its own, so that it flips, reports and bisects like any other. */
static void judge_build(struct run *run, const struct err *failure)
{
	struct case_result *result = (struct case_result *)run_find_case(run, "build");
	const struct build *build = &run->build;
	const struct step *step = build->step_count ? &build->steps[build->step_count - 1] : NULL;
	const char *where = NULL;

	result->duration_ns = build->duration_ns;
	result->reused_from = build->reused_from;
	if (failure) {
		case_broken(result, arena_strdup(run->arena, failure->msg));
		return;
	}
	if (!build->failed) {
		case_pass(result, build->image_id);
		return;
	}
	if (step)
		where = arena_printf(run->arena, "step %u/%u, %s:%u: %s", step->number, step->total,
				     build->dockerfile, step->line, step->instruction);
	case_fail(result, "build/step-failed", "every step succeeds", build->message, where, NULL);
}

static int build_image(struct chain *chain, struct err *err)
{
	struct run *run = chain->run;
	const struct deploy_callbacks callbacks = {on_log, on_step, chain};
	struct deploy_options options = {.no_cache = chain->request->no_cache,
					 .cache_from = chain->cache_from.id};
	uint64_t start = clock_ns();
	int rc;

	options.tag = arena_printf(run->arena, "assay/%s:%.16s", run->suite,
				   run->build.input_hash ? run->build.input_hash : run->id);
	chain__say(chain, "building %.12s \"%.60s\"", run->commit.hash, run->commit.subject);
	rc = deploy_build(chain->engine, chain->context, chain->suite->image, &options, &callbacks,
			  run->arena, &run->build, err);
	if (!run->build.duration_ns)
		run->build.duration_ns = clock_ns() - start;
	return rc;
}

/* --- checks ---------------------------------------------------------------------------------- */

static bool anything_to_run(const struct run *run)
{
	for (size_t i = 0; i < run->case_count; i++)
		if (run->cases[i].outcome == OUTCOME_NOTRUN)
			return true;
	return false;
}

/* Does OLD decide every check? The build is taken over with the image. */
static bool covers(const struct chain *chain, const struct run *old)
{
	for (size_t i = 0; i < chain->run->case_count; i++) {
		const struct case_result *result = &chain->run->cases[i];

		if (strcmp(result->kind, "build") != 0 &&
		    !exec_can_reuse(chain->suite, result, old, chain->request->changed))
			return false;
	}
	return true;
}

/*
 * Take over what an earlier run of equal inputs decided, together with its image: equal inputs may
 * have been built twice, and results of two images must not stand in one run. So where something is
 * left to check and that image is gone, nothing is taken over. With --changed the rest of the suite
 * may be another.
 */
static int reuse_checks(struct chain *chain, struct err *err)
{
	bool changed = chain->request->changed;
	struct run *old = NULL;

	if (!chain->request->reuse && !changed)
		return 0;
	if (find_equal(chain, changed ? EQUAL_NAME : EQUAL_SUITE, false, &old, err) < 0)
		return -1;
	if (old && (old->build.failed || covers(chain, old) ||
		    chain__engine_has(chain, old->build.image_id))) {
		size_t count = exec_reuse(chain->suite, chain->run, old, changed);

		take_image(chain->run, old);
		chain__say(chain, "%zu result%s of run %s reused: same %s, same image inputs",
			   count, count == 1 ? "" : "s", old->id, changed ? "checks" : "suite");
	}
	run_free(old);
	return 0;
}

static void on_case(void *payload, const struct case_result *result)
{
	const struct chain *chain = payload;
	const struct run *run = chain->run;
	size_t done = 0;

	for (size_t i = 0; i < run->case_count; i++)
		done += run->cases[i].outcome != OUTCOME_NOTRUN;
	if (chain->request->left)
		chain->request->left(chain->request->payload,
				     progress_of_cases(chain->typical, done, run->case_count));
	chain__say(chain, "%s %s (%zu of %zu)", case_shown(result), result->name, done,
		   run->case_count);
}

/* What the service printed after the last check had read its log. */
static int judge_last_words(struct chain *chain, struct err *err)
{
	struct case_result *result;

	if (!deploy_told_secret(chain->deployed))
		return 0;
	result = run_add_case(chain->run, "service.log", KIND_SERVICE);
	case_fail(result, "service/secret-in-log", "no secret",
		  "one of the image, of the suite, or that was sent", "the service's log", NULL);
	return rundir_case(chain->dir, result, err);
}

/* The card that this run's own cases were made on, as its part of the environment. */
static void note_card(struct run *run)
{
	struct gpu_cell cell;

	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *result = &run->cases[i];
		bool ours = strcmp(result->kind, "kernel") == 0 ||
			    strcmp(result->kind, "gpu-health") == 0;

		if (!ours || result->reused_from ||
		    !gpu_cell_read(result->where, run->arena, &cell))
			continue;
		add_environment(run, "gpu", cell.card);
		add_environment(run, "gpu-driver", cell.driver);
		return;
	}
}

static int run_checks(struct chain *chain, struct err *err)
{
	struct run *run = chain->run;
	struct exec_options options = {.jobs = (unsigned)chain->request->jobs,
				       .dir = chain->dir,
				       .reruns = chain__reruns,
				       .once = chain->request->once,
				       .progress = on_case,
				       .payload = chain};

	struct deploy_spec spec = {.image_id = run->build.image_id,
				   .lock = rundir_lock(chain->dir),
				   .folder = rundir_state(chain->dir),
				   .service = chain->suite->service,
				   .run_folder = rundir_path(chain->dir)};
	int rc;

	if (!anything_to_run(run) && !chain->request->against)
		return 0;
	if (chain__learn_flakes(chain, err) < 0)
		return -1;
	chain__inspect(chain, run->build.image_id);
	spec.inspection = chain->inspection;
	if (deploy_target(chain->engine, &spec, &chain->deployed, err) < 0)
		return -1;
	rc = exec_run(chain->suite, deploy_view(chain->deployed), run, &options, err);
	note_card(run);
	if (rc == 0)
		rc = chain__against(chain, err);
	if (rc == 0)
		rc = judge_last_words(chain, err);
	deploy_finish(chain->deployed);
	return rc;
}

static int image_and_checks(struct chain *chain, struct err *err)
{
	struct run *run = chain->run;

	if (hash_inputs(chain, err) < 0 || reuse_checks(chain, err) < 0)
		return -1;
	if (!run->build.reused && reuse_image(chain, err) < 0)
		return -1;
	if (!run->build.reused && build_image(chain, err) < 0)
		return -1;
	if (run_find_case(run, "build")->outcome == OUTCOME_NOTRUN)
		judge_build(run, NULL);
	if (run->build.failed)
		return 0;
	return run_checks(chain, err);
}

/* --- verdict --------------------------------------------------------------------------------- */

static int conclude(struct chain *chain, uint64_t start, struct err *err)
{
	struct run *run = chain->run;

	if (chain__find_baseline(chain, err) < 0)
		return -1;
	run_decide(run);
	run_compare(run, chain->baseline_run);
	chain__explain(chain);
	run->duration_ns = clock_ns() - start;
	if (chain__keep_facts(chain, err) < 0 || rundir_finish(chain->dir, run, err) < 0)
		return -1;
	if (chain->store->ops->append(chain->store, run, err) < 0)
		return -1;
	chain__watch(chain);
	return 0;
}

/* A run that infrastructure or the user stopped is recorded, with what is known, as infra. */
static void mark_stopped(struct run *run, const struct err *failure)
{
	if (run_find_case(run, "build")->outcome == OUTCOME_NOTRUN)
		judge_build(run, failure);
	for (size_t i = 0; i < run->case_count; i++)
		if (run->cases[i].outcome == OUTCOME_NOTRUN)
			run->cases[i].reason = arena_strdup(run->arena, failure->msg);
}

static void close_all(struct chain *chain)
{
	deploy_close(chain->deployed);
	inspection_free(chain->inspection);
	inspection_free(chain->earlier);
	facts_free(chain->kept);
	run_free(chain->baseline_run);
	run_free(chain->imaged_run);
	run_free(chain->typical);
	rundir_close(chain->dir);
	context_close(chain->context);
	context_close(chain->against.context);
	engine_close(chain->engine);
	store_close(chain->store);
	suite_free(chain->suite);
	source_close(chain->source);
	arena_free(chain->arena);
}

int chain_run(const struct chain_request *request, struct run **out, char *folder,
	      size_t folder_size, struct err *err)
{
	struct chain chain = {.request = request, .arena = arena_new(), .run = run_new()};
	uint64_t start = clock_ns();
	struct err stopped = {0}, failure = {0};
	struct case_result *build = run_add_case(chain.run, "build", "build");
	int rc;

	build->outcome = OUTCOME_NOTRUN;
	rc = open_all(&chain, err);
	if (rc == 0) {
		(void)snprintf(folder, folder_size, "%s", rundir_path(chain.dir));
		if (image_and_checks(&chain, &stopped) < 0)
			mark_stopped(chain.run, &stopped);
		rc = conclude(&chain, start, &failure);
		if (rc < 0)
			*err = failure;
		else
			*out = chain.run;
		if (rc == 0 && stopped.code == ERR_CANCELLED) {
			*err = stopped;
			rc = -1;
		}
	}
	if (*out != chain.run)
		run_free(chain.run);
	close_all(&chain);
	return rc;
}
