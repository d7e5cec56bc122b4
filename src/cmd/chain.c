#include "cmd/chain.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "deploy/deploy.h"
#include "exec/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>

#define SUITE_NAME_DEFAULT "assay.jsonc"
#define ANCESTORS_MAX 5000
#define HISTORY_ROWS_MAX 20000

struct chain {
	const struct chain_request *request;
	struct arena *arena;
	struct run *run;
	struct source *source;
	struct suite *suite;
	struct store *store;
	struct engine *engine;
	struct context *context;
	struct rundir *dir;
	struct deployed *deployed;
	const char *state;
	struct strings ancestors; /* first parents, nearest first */
	bool shallow;
	unsigned said_step; /* progress: last step announced */
};

static void say(const struct chain *chain, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct chain *chain, const char *fmt, ...)
{
	char line[1200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	chain->request->say(chain->request->payload, line);
}

/* --- commit and suite ------------------------------------------------------------------------ */

static int load_suite(struct chain *chain, struct err *err)
{
	const struct chain_request *request = chain->request;
	const char *file = request->suite_file;
	struct buf text;
	int rc;

	buf_init(&text, SUITE_BYTES_MAX);
	if (file) {
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
		rc = suite_parse(file, buf_str(&text), text.len, &request->vars, cmd_kind_lookup,
				 cmd_kind_names(), NULL, &chain->suite, err);
	buf_done(&text);
	return rc;
}

static int select_checks(struct chain *chain, struct err *err)
{
	const struct chain_request *request = chain->request;
	struct suite *suite = chain->suite;

	if (request->targets.count)
		suite->targets = request->targets;
	if (request->only.count &&
	    suite_select(suite, request->only.items, request->only.count) == 0)
		say(chain, "no check of suite %s has the name or tag %s", suite->name,
		    request->only.items[0]);
	return exec_plan(suite, chain->run, "the image was not built", err);
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
	char stamp[32];
	int64_t now = clock_unix();

	if (getrandom(&salt, sizeof(salt), 0) < 0)
		salt = (unsigned int)clock_ns();
	run->started_at = arena_strdup(run->arena, clock_rfc3339(now, stamp, sizeof(stamp)));
	run->id = arena_printf(run->arena, "%.4s%.2s%.2sT%.2s%.2s%.2sZ-%08x", stamp, stamp + 5,
			       stamp + 8, stamp + 11, stamp + 14, stamp + 17, salt);
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

	say(chain, "run %s was killed before its end: recorded as infra", run->id);
	return chain->store->ops->append(chain->store, run, err);
}

static int sweep(struct chain *chain, struct err *err)
{
	unsigned removed = 0;

	if (rundir_sweep(chain->state, keep_killed, chain, err) < 0 ||
	    engine_sweep(chain->engine, &removed, err) < 0)
		return -1;
	if (removed)
		say(chain, "removed %u container%s of killed runs", removed,
		    removed == 1 ? "" : "s");
	return 0;
}

static int open_all(struct chain *chain, struct err *err)
{
	const struct chain_request *request = chain->request;
	struct run *run = chain->run;

	if (source_open(request->repo, &chain->source, err) < 0 ||
	    source_resolve(chain->source, request->commit, run->arena, &run->commit, err) < 0 ||
	    load_suite(chain, err) < 0)
		return -1;
	run->commit.asked = arena_strdup(run->arena, request->commit);
	run->commit.repo = arena_strdup(run->arena, source_root(chain->source));
	describe_run(run, chain->suite);
	if (select_checks(chain, err) < 0 ||
	    context_open(chain->source, run->commit.hash, chain->suite->image, &chain->context,
			 err) < 0 ||
	    source_ancestors(chain->source, run->commit.hash, ANCESTORS_MAX, chain->arena,
			     &chain->ancestors, &chain->shallow, err) < 0)
		return -1;
	chain->state = cmd_state_dir(chain->source, chain->arena);
	if (cmd_history_open(request->history, chain->state, &chain->store, err) < 0 ||
	    engine_open(request->engine, &chain->engine, err) < 0)
		return -1;
	describe_engine(run, chain->engine);
	if (sweep(chain, err) < 0)
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

static int hash_inputs(struct chain *chain, struct err *err)
{
	struct run *run = chain->run;
	char hash[65];

	if (deploy_bases(chain->engine, context_bases(chain->context), run->arena,
			 &run->build.bases, err) < 0)
		return -1;
	if (context_hash(chain->context, &run->build.bases, hash, err) < 0)
		return err->code == ERR_NOTFOUND ? 0 : -1;
	run->build.input_hash = arena_strdup(run->arena, hash);
	if (chain->ancestors.count && same_as(chain, chain->ancestors.items[0], hash)) {
		run->build.same_inputs_as = arena_strdup(run->arena, chain->ancestors.items[0]);
		say(chain, "commit %.12s changes no image input since %.12s", run->commit.hash,
		    chain->ancestors.items[0]);
	}
	return 0;
}

/* Newest run of equal inputs that passes FILTER's wishes; NULL when none. */
static int find_equal(struct chain *chain, bool same_suite, bool with_image, struct run **out,
		      struct err *err)
{
	const struct run *run = chain->run;
	struct store_filter filter = {
		.input_hash = run->build.input_hash, .limit = 20, .with_image = with_image};
	struct run_row *rows = NULL;
	size_t count = 0;

	*out = NULL;
	if (!run->build.input_hash)
		return 0;
	if (same_suite) {
		filter.suite_hash = run->suite_hash;
		filter.completed = true;
	}
	if (chain->store->ops->runs(chain->store, &filter, chain->arena, &rows, &count, err) < 0)
		return -1;
	return count ? chain->store->ops->load(chain->store, rows[0].id, out, err) : 0;
}

/* The image of OLD becomes this run's. */
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
}

/* Take the image of an earlier run when the engine still has it. */
static int reuse_image(struct chain *chain, bool *reused, struct err *err)
{
	struct image_config config;
	struct err ignored;
	struct run *old = NULL;

	*reused = false;
	if (chain->request->rebuild)
		return 0;
	if (find_equal(chain, false, true, &old, err) < 0)
		return -1;
	if (old && engine_image(chain->engine, old->build.image_id, chain->arena, &config,
				&ignored) == 0) {
		take_image(chain->run, old);
		*reused = true;
		say(chain, "image %.19s of run %s has the same inputs: not built again",
		    old->build.image_id, old->id);
	}
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

	if (step->duration_ns == 0 && !step->cached)
		say(chain, "step %u/%u %.90s", step->number, step->total, step->instruction);
	else if (step->duration_ns > 5 * NS_PER_S)
		say(chain, "step %u/%u took %s", step->number, step->total,
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
	struct deploy_options options = {.no_cache = chain->request->no_cache};
	uint64_t start = clock_ns();
	int rc;

	options.tag = arena_printf(run->arena, "assay/%s:%.16s", run->suite,
				   run->build.input_hash ? run->build.input_hash : run->id);
	say(chain, "building %.12s \"%.60s\"", run->commit.hash, run->commit.subject);
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

static int reuse_checks(struct chain *chain, struct err *err)
{
	struct run *old = NULL;
	size_t count;

	if (!chain->request->reuse)
		return 0;
	if (find_equal(chain, true, false, &old, err) < 0)
		return -1;
	if (!old)
		return 0;
	count = exec_reuse(chain->run, old);
	if (count)
		say(chain, "%zu result%s of run %s reused: same suite, same image inputs", count,
		    count == 1 ? "" : "s", old->id);
	if (old->build.failed || !anything_to_run(chain->run))
		take_image(chain->run, old);
	run_free(old);
	return 0;
}

static void on_case(void *payload, const struct case_result *result)
{
	const struct chain *chain = payload;

	say(chain, "%s %s", outcome_name(result->outcome), result->name);
}

static int run_checks(struct chain *chain, struct err *err)
{
	struct run *run = chain->run;
	struct exec_options options = {.jobs = (unsigned)chain->request->jobs,
				       .dir = chain->dir,
				       .progress = on_case,
				       .payload = chain};

	if (!anything_to_run(run))
		return 0;
	if (deploy_target(chain->engine, run->build.image_id, NULL, rundir_lock(chain->dir),
			  &chain->deployed, err) < 0)
		return -1;
	return exec_run(chain->suite, deploy_view(chain->deployed), run, &options, err);
}

static int image_and_checks(struct chain *chain, struct err *err)
{
	struct run *run = chain->run;
	bool reused = false;

	if (hash_inputs(chain, err) < 0 || reuse_checks(chain, err) < 0)
		return -1;
	if (run->build.reused) /* a known failure, or nothing is left to check */
		return 0;
	if (reuse_image(chain, &reused, err) < 0)
		return -1;
	if (!reused && build_image(chain, err) < 0)
		return -1;
	judge_build(run, NULL);
	if (run->build.failed)
		return 0;
	return run_checks(chain, err);
}

/* --- verdict --------------------------------------------------------------------------------- */

static const char *find_run_of(const struct run_row *rows, size_t count, const char *commit)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].commit, commit) == 0)
			return rows[i].id;
	return NULL;
}

static int named_baseline(struct chain *chain, struct strings *commits, struct err *err)
{
	struct commit commit = {0};
	const char **item;

	if (source_resolve(chain->source, chain->request->baseline, chain->run->arena, &commit,
			   err) < 0)
		return err_wrap(err, "--baseline");
	item = arena_push(chain->arena, &commits->items, &commits->count, sizeof(*item));
	*item = commit.hash;
	return 0;
}

/* The nearest first-parent ancestor with a completed run of this suite, by the commit graph. */
static int find_baseline(struct chain *chain, struct run **out, struct err *err)
{
	struct store_filter filter = {
		.suite = chain->run->suite, .completed = true, .limit = HISTORY_ROWS_MAX};
	struct baseline *baseline = &chain->run->baseline;
	struct strings commits = chain->ancestors;
	struct run_row *rows = NULL;
	size_t count = 0;

	if (chain->request->baseline) {
		commits = (struct strings){0};
		if (named_baseline(chain, &commits, err) < 0)
			return -1;
	}
	if (chain->store->ops->runs(chain->store, &filter, chain->arena, &rows, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < commits.count; i++) {
		const char *id = find_run_of(rows, count, commits.items[i]);

		if (!id)
			continue;
		baseline->run_id = arena_strdup(chain->run->arena, id);
		baseline->commit = arena_strdup(chain->run->arena, commits.items[i]);
		baseline->distance = chain->request->baseline ? 0 : (unsigned)i + 1;
		return chain->store->ops->load(chain->store, id, out, err);
	}
	baseline->reason = chain->shallow   ? "the clone is shallow; no run of the commits it holds"
			   : !commits.count ? "this is the first commit"
					    : "no ancestor has a completed run of this suite";
	return 0;
}

static int conclude(struct chain *chain, uint64_t start, struct err *err)
{
	struct run *run = chain->run;
	struct run *baseline = NULL;

	if (find_baseline(chain, &baseline, err) < 0)
		return -1;
	run->duration_ns = clock_ns() - start;
	run_decide(run);
	run_compare(run, baseline);
	run_free(baseline);
	if (rundir_finish(chain->dir, run, err) < 0)
		return -1;
	return chain->store->ops->append(chain->store, run, err);
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
	rundir_close(chain->dir);
	context_close(chain->context);
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
