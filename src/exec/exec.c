#include "exec/exec.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/units.h"
#include "check/check_ops.h"
#include "exec/reference.h"

#include <pthread.h>
#include <string.h>

struct pool {
	pthread_mutex_t lock;
	const struct suite *suite;
	const struct target *target;
	struct run *run;
	const struct exec_options *options;
	size_t next;
	struct err err; /* first failure to keep a result */
};

/* The check of a planned case: "name" or "name@target". */
static const struct suite_check *find_check(const struct suite *suite,
					    const struct case_result *result)
{
	size_t len = strlen(result->name);

	if (result->target)
		len -= strlen(result->target) + 1;
	for (size_t i = 0; i < suite->check_count; i++)
		if (strlen(suite->checks[i].name) == len &&
		    memcmp(suite->checks[i].name, result->name, len) == 0)
			return &suite->checks[i];
	return NULL;
}

static bool is_in(const struct strings *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++)
		if (word && strcmp(list->items[i], word) == 0)
			return true;
	return false;
}

/* When RUN began; now, where it does not say. */
static int64_t started_ms(const struct run *run)
{
	int64_t ms;

	return run->started_at && clock_parse_rfc3339(run->started_at, &ms) == 0 ? ms
										 : clock_unix_ms();
}

static void plan_expectation(struct run *run, const struct suite_expect *expect,
			     struct case_result *result)
{
	const struct excuse excuse = {
		.reason = expect->reason, .until = expect->until, .labels = expect->labels};
	int64_t end = INT64_MAX;

	if (expect->targets.count && !is_in(&expect->targets, result->target))
		return;
	result->known = excuse_copy(&excuse, run->arena);
	if (expect->until)
		(void)clock_parse_until(expect->until, &end); /* proved when it was loaded */
	result->known.ended = end < started_ms(run);
}

static void plan_case(struct run *run, const struct suite_check *check, const char *target,
		      const char *reason)
{
	const char *name =
		target ? arena_printf(run->arena, "%s@%s", check->name, target) : check->name;
	struct case_result *result = run_add_case(run, arena_strdup(run->arena, name),
						  arena_strdup(run->arena, check->kind));

	result->target = arena_strdup(run->arena, target);
	result->outcome = OUTCOME_NOTRUN;
	result->reason = reason;
	result->optional = check->optional;
	result->definition = arena_strdup(run->arena, check->definition);
	for (size_t i = 0; i < check->tags.count; i++) {
		const char **tag = arena_push(run->arena, &result->tags.items, &result->tags.count,
					      sizeof(*tag));

		*tag = arena_strdup(run->arena, check->tags.items[i]);
	}
	if (check->expect_failure)
		plan_expectation(run, check->expect_failure, result);
}

void exec_plan(const struct suite *suite, struct run *run, const char *reason)
{
	for (size_t i = 0; i < suite->check_count; i++) {
		const struct suite_check *check = &suite->checks[i];

		const struct check_ops *ops = check_find(check->kind);
		const struct strings *targets = &check->targets;

		if (!targets->count && ops && ops->per_target)
			targets = &suite->targets;
		if (!targets->count)
			plan_case(run, check, NULL, reason);
		for (size_t t = 0; t < targets->count; t++)
			if (is_in(&suite->targets, targets->items[t]))
				plan_case(run, check, targets->items[t], reason);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* What looks at the commit or its baseline sees more than the image. A service that is named by its
 * URL may be another by now. What was timed was timed then, on the card of then: it is asked anew
 * unless only the change is of interest. */
static bool asks_anew(const struct suite *suite, const struct case_result *now, bool changed)
{
	const struct suite_check *check = find_check(suite, now);
	const struct check_ops *ops = check_find(now->kind);

	if (!check || !ops || ops->needs & NEED_COMMIT)
		return true;
	if (ops->needs & NEED_SERVICE)
		return !changed || (suite->service && suite->service->url) ||
		       (ops->elsewhere && ops->elsewhere(check->spec));
	return ops->needs & NEED_GPU && !changed;
}

bool exec_can_reuse(const struct suite *suite, const struct case_result *now, const struct run *old,
		    bool changed)
{
	const struct case_result *before = run_find_case(old, now->name);

	return before && outcome_is_decided(before->outcome) &&
	       same_text(now->definition, before->definition) && !asks_anew(suite, now, changed);
}

/* What excuses a failure is today's. */
static void take_result(struct case_result *now, const struct case_result *old, struct arena *arena)
{
	struct excuse known = now->known, quarantine = now->quarantine;

	case_copy(now, old, arena);
	now->known = known;
	now->quarantine = quarantine;
	now->flip = FLIP_NONE;
}

size_t exec_reuse(const struct suite *suite, struct run *run, const struct run *old, bool changed)
{
	size_t reused = 0;

	for (size_t i = 0; i < run->case_count; i++) {
		struct case_result *now = &run->cases[i];

		if (now->outcome != OUTCOME_NOTRUN || !exec_can_reuse(suite, now, old, changed))
			continue;
		take_result(now, run_find_case(old, now->name), run->arena);
		if (!now->reused_from)
			now->reused_from = arena_strdup(run->arena, old->id);
		reused++;
	}
	return reused;
}

/* Judge one case into RESULT, whose memory is ARENA's. */
static void run_case(const struct pool *pool, const struct suite_check *check, struct arena *arena,
		     struct case_result *result)
{
	const struct check_ops *ops = check_find(check->kind);
	struct target view = *pool->target;
	struct check_ctx ctx = {&view,
				arena,
				check->timeout_ns,
				check->output_max,
				check->isolated,
				pool->suite->targets};
	struct err err = {0};
	uint64_t start = clock_ns();

	view.name = result->target;
	if (result->target)
		ctx.targets = (struct strings){&result->target, 1};
	result->outcome = OUTCOME_INCOMPLETE;
	result->reason = NULL;
	if (check->needs.count) {
		case_skip(result, "needs a GPU, and this engine offers none");
	} else if (ops->unavailable) {
		case_skip(result, ops->unavailable);
	} else if (ops->run(&ctx, check->spec, result, &err) < 0) {
		case_broken(result, arena_strdup(arena, err.msg));
		if (err.code == ERR_TIMEOUT)
			result->outcome = OUTCOME_TIMEOUT;
		else if (err.code == ERR_CANCELLED)
			result->outcome = OUTCOME_NOTRUN;
	} else if (result->outcome == OUTCOME_INCOMPLETE) {
		result->reason = "the check ended without a verdict";
	} else if (result->outcome == OUTCOME_PASS) {
		reference_judge(&check->references, arena, result);
	}
	result->duration_ns = clock_ns() - start;
}

static unsigned reruns_of(const struct pool *pool, const struct suite_check *check,
			  const struct case_result *result)
{
	if (pool->options->once)
		return 0;
	if (check->reruns != FIELD_ABSENT_INT)
		return (unsigned)check->reruns;
	if (!pool->options->reruns || result->outcome != OUTCOME_FAIL)
		return 0;
	return pool->options->reruns(pool->options->payload, result);
}

/* What is found again counts for the attempt alone: output and metrics stay those of the first. */
static void rerun_case(const struct pool *pool, const struct suite_check *check,
		       const struct case_result *planned, struct arena *arena,
		       struct case_result *result)
{
	unsigned reruns = reruns_of(pool, check, result);

	if (!case_wants_attempt(result, reruns))
		return;
	case_add_attempt(result, result, arena);
	while (case_wants_attempt(result, reruns) && !cancel_requested()) {
		struct case_result again = *planned;

		run_case(pool, check, arena, &again);
		case_add_attempt(result, &again, arena);
	}
}

static struct case_result *next_case(struct pool *pool)
{
	struct case_result *found = NULL;

	pthread_mutex_lock(&pool->lock);
	while (!found && pool->next < pool->run->case_count && !pool->err.code &&
	       !cancel_requested()) {
		struct case_result *result = &pool->run->cases[pool->next++];

		if (result->outcome == OUTCOME_NOTRUN)
			found = result;
	}
	pthread_mutex_unlock(&pool->lock);
	return found;
}

static void keep_case(struct pool *pool, struct case_result *slot, const struct case_result *result)
{
	struct err err = {0};

	if (pool->options->dir)
		(void)rundir_case(pool->options->dir, result, &err);
	pthread_mutex_lock(&pool->lock);
	case_copy(slot, result, pool->run->arena);
	if (err.code && !pool->err.code)
		pool->err = err;
	if (pool->options->progress)
		pool->options->progress(pool->options->payload, slot);
	pthread_mutex_unlock(&pool->lock);
}

static void *worker(void *payload)
{
	struct pool *pool = payload;
	struct case_result *slot;

	while ((slot = next_case(pool)) != NULL) {
		struct arena *arena = arena_new();
		const struct suite_check *check = find_check(pool->suite, slot);
		struct case_result result = *slot;

		run_case(pool, check, arena, &result);
		rerun_case(pool, check, slot, arena, &result);
		keep_case(pool, slot, &result);
		arena_free(arena);
	}
	return NULL;
}

int exec_run(const struct suite *suite, const struct target *target, struct run *run,
	     const struct exec_options *options, struct err *err)
{
	struct pool pool = {.suite = suite, .target = target, .run = run, .options = options};
	pthread_t threads[EXEC_JOBS_MAX];
	unsigned started = 0;

	pthread_mutex_init(&pool.lock, NULL);
	while (started < options->jobs && started < EXEC_JOBS_MAX &&
	       pthread_create(&threads[started], NULL, worker, &pool) == 0)
		started++;
	if (!started)
		worker(&pool);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&pool.lock);
	if (pool.err.code) {
		*err = pool.err;
		return -1;
	}
	return cancel_check(err);
}
