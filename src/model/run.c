#include "model/run.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char *const outcome_names[] = {"pass",    "fail",	     "skip",  "broken",
					    "timeout", "incomplete", "notrun"};
static const char *const verdict_names[] = {"pass",  "fail",  "inconclusive",
					    "infra", "empty", "open"};
static const char *const flip_names[] = {"", "regressed", "fixed", "new", "gone", "still failing"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int find_name(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

const char *outcome_name(enum outcome outcome)
{
	return outcome_names[outcome];
}

const char *verdict_name(enum verdict verdict)
{
	return verdict_names[verdict];
}

const char *flip_name(enum flip flip)
{
	return flip_names[flip];
}

const char *direction_name(enum direction direction)
{
	static const char *const names[] = {"none", "higher", "lower"};

	return names[direction];
}

int outcome_parse(const char *name, enum outcome *out)
{
	int i = find_name(outcome_names, COUNT(outcome_names), name);

	if (i < 0)
		return -1;
	*out = (enum outcome)i;
	return 0;
}

int verdict_parse(const char *name, enum verdict *out)
{
	int i = find_name(verdict_names, COUNT(verdict_names), name);

	if (i < 0)
		return -1;
	*out = (enum verdict)i;
	return 0;
}

bool outcome_is_failure(enum outcome outcome)
{
	return outcome == OUTCOME_FAIL || outcome == OUTCOME_TIMEOUT;
}

bool outcome_is_decided(enum outcome outcome)
{
	return outcome == OUTCOME_PASS || outcome_is_failure(outcome);
}

struct run *run_new(void)
{
	struct run *run = xcalloc(1, sizeof(*run));

	run->arena = arena_new();
	run->verdict = VERDICT_OPEN;
	return run;
}

void run_free(struct run *run)
{
	if (!run)
		return;
	arena_free(run->arena);
	free(run);
}

void run_freep(struct run **run)
{
	run_free(*run);
}

struct case_result *run_add_case(struct run *run, const char *name, const char *kind)
{
	struct case_result *result =
		arena_push(run->arena, &run->cases, &run->case_count, sizeof(*result));

	result->name = name;
	result->kind = kind;
	result->outcome = OUTCOME_NOTRUN;
	return result;
}

const struct case_result *run_find_case(const struct run *run, const char *name)
{
	for (size_t i = 0; i < run->case_count; i++)
		if (strcmp(run->cases[i].name, name) == 0)
			return &run->cases[i];
	return NULL;
}

static void copy_metric(struct metric *out, const struct metric *source, struct arena *arena)
{
	*out = *source;
	out->name = arena_strdup(arena, source->name);
	out->unit = arena_strdup(arena, source->unit);
	out->cell = arena_strdup(arena, source->cell);
	out->samples = NULL;
	out->sample_count = 0;
	for (size_t i = 0; i < source->sample_count; i++)
		metric_add_sample(out, arena, source->samples[i]);
}

static struct strings copy_strings(const struct strings *source, struct arena *arena)
{
	struct strings out = {0};

	for (size_t i = 0; i < source->count; i++) {
		const char **item = arena_push(arena, &out.items, &out.count, sizeof(*item));

		*item = arena_strdup(arena, source->items[i]);
	}
	return out;
}

struct excuse excuse_copy(const struct excuse *source, struct arena *arena)
{
	return (struct excuse){arena_strdup(arena, source->reason),
			       arena_strdup(arena, source->until),
			       copy_strings(&source->labels, arena), source->ended};
}

void case_add_attempt(struct case_result *result, const struct case_result *made,
		      struct arena *arena)
{
	struct case_attempt *attempt =
		arena_push(arena, &result->attempts, &result->attempt_count, sizeof(*attempt));

	*attempt = (struct case_attempt){made->outcome, arena_strdup(arena, made->label),
					 arena_strdup(arena, made->actual),
					 arena_strdup(arena, made->reason), made->duration_ns};
}

static void copy_attempts(struct case_result *out, const struct case_result *source,
			  struct arena *arena)
{
	out->attempts = NULL;
	out->attempt_count = 0;
	for (size_t i = 0; i < source->attempt_count; i++) {
		const struct case_attempt *attempt = &source->attempts[i];
		const struct case_result made = {.outcome = attempt->outcome,
						 .label = attempt->label,
						 .actual = attempt->actual,
						 .reason = attempt->reason,
						 .duration_ns = attempt->duration_ns};

		case_add_attempt(out, &made, arena);
	}
}

void case_copy(struct case_result *out, const struct case_result *source, struct arena *arena)
{
	struct case_result copy = *source;

	copy.name = arena_strdup(arena, source->name);
	copy.kind = arena_strdup(arena, source->kind);
	copy.target = arena_strdup(arena, source->target);
	copy.label = arena_strdup(arena, source->label);
	copy.expected = arena_strdup(arena, source->expected);
	copy.actual = arena_strdup(arena, source->actual);
	copy.where = arena_strdup(arena, source->where);
	copy.advice = arena_strdup(arena, source->advice);
	copy.reason = arena_strdup(arena, source->reason);
	copy.definition = arena_strdup(arena, source->definition);
	copy.reused_from = arena_strdup(arena, source->reused_from);
	copy.out = arena_strdup(arena, source->out);
	copy.errout = arena_strdup(arena, source->errout);
	copy.tags = copy_strings(&source->tags, arena);
	copy.known = excuse_copy(&source->known, arena);
	copy.quarantine = excuse_copy(&source->quarantine, arena);
	copy.files = NULL;
	copy.file_count = 0;
	copy_attempts(&copy, source, arena);
	copy.metrics = NULL;
	copy.metric_count = 0;
	for (size_t i = 0; i < source->metric_count; i++)
		copy_metric(
			arena_push(arena, &copy.metrics, &copy.metric_count, sizeof(*copy.metrics)),
			&source->metrics[i], arena);
	*out = copy;
}

void case_add_file(struct case_result *result, struct arena *arena, const char *name,
		   const char *text, size_t len)
{
	struct case_file *file =
		arena_push(arena, &result->files, &result->file_count, sizeof(*file));

	*file = (struct case_file){name, text, len};
}

struct metric *case_add_metric(struct case_result *result, struct arena *arena, const char *name,
			       const char *unit, enum direction direction)
{
	struct metric *metric =
		arena_push(arena, &result->metrics, &result->metric_count, sizeof(*metric));

	metric->name = name;
	metric->unit = unit;
	metric->direction = direction;
	return metric;
}

void metric_add_sample(struct metric *metric, struct arena *arena, double value)
{
	double *slot = arena_push(arena, &metric->samples, &metric->sample_count, sizeof(*slot));

	*slot = value;
}

void case_fail(struct case_result *out, const char *label, const char *expected, const char *actual,
	       const char *where, const char *advice)
{
	const struct label *known = label_find(label);

	if (!known)
		abort(); /* a label outside the table would key nothing */
	out->outcome = OUTCOME_FAIL;
	out->label = label;
	out->expected = expected;
	out->actual = actual;
	out->where = where;
	out->advice = advice ? advice : known->advice;
	out->reason = NULL;
}

void case_pass(struct case_result *out, const char *actual)
{
	out->outcome = OUTCOME_PASS;
	out->actual = actual;
	out->reason = NULL;
}

void case_skip(struct case_result *out, const char *reason)
{
	out->outcome = OUTCOME_SKIP;
	out->reason = reason;
}

void case_broken(struct case_result *out, const char *reason)
{
	out->outcome = OUTCOME_BROKEN;
	out->reason = reason;
}

/* "expected X, found Y (at Z): advice" with the parts that are known. */
static const char *explain_failure(const struct case_result *result, struct arena *arena)
{
	struct buf text;
	const char *out;

	buf_init(&text, 8192);
	if (result->expected)
		buf_printf(&text, "expected %s", result->expected);
	if (result->actual)
		buf_printf(&text, "%sfound %s", text.len ? ", " : "", result->actual);
	if (result->where)
		buf_printf(&text, " (%s)", result->where);
	if (result->advice)
		buf_printf(&text, ": %s", result->advice);
	out = arena_strdup(arena, buf_str(&text));
	buf_done(&text);
	return out;
}

const char *case_explain(const struct case_result *result, struct arena *arena)
{
	const char *remark = case_remark(result, arena), *text;

	if (result->outcome == OUTCOME_FAIL)
		text = explain_failure(result, arena);
	else
		text = result->reason ? result->reason : result->actual;
	if (!remark || case_mark(result) == MARK_XPASS)
		return remark ? remark : text;
	return text && *text ? arena_printf(arena, "%s (%s)", text, remark) : remark;
}

/* --- comparison ------------------------------------------------------------------------------ */

/* A failure that comes and goes says nothing by coming or going. */
static bool is_settled(const struct case_result *result)
{
	enum mark mark = case_mark(result);

	return outcome_is_decided(result->outcome) && mark != MARK_FLAKY &&
	       mark != MARK_QUARANTINED;
}

static enum flip flip_of(const struct case_result *now, const struct case_result *before)
{
	bool bad_now = outcome_is_failure(now->outcome), bad_before;

	if (!before)
		return FLIP_NEW;
	if (!is_settled(now) || !is_settled(before))
		return FLIP_NONE;
	bad_before = outcome_is_failure(before->outcome);
	if (bad_now)
		return bad_before ? FLIP_STILL_FAILING : FLIP_REGRESSED;
	return bad_before ? FLIP_FIXED : FLIP_NONE;
}

/* What one run has because it was asked to says nothing by being new or gone in another. */
static bool is_in_every_run(const struct case_result *result)
{
	return !result->kind ||
	       (strcmp(result->kind, KIND_AGAINST) != 0 && strcmp(result->kind, KIND_SERVICE) != 0);
}

void run_compare(struct run *run, const struct run *baseline)
{
	for (size_t i = 0; i < run->case_count; i++) {
		struct case_result *now = &run->cases[i];

		now->flip = baseline && is_in_every_run(now)
				    ? flip_of(now, run_find_case(baseline, now->name))
				    : FLIP_NONE;
	}
	run->gone = (struct strings){0};
	for (size_t i = 0; baseline && i < baseline->case_count; i++) {
		const char **name;

		if (run_find_case(run, baseline->cases[i].name) ||
		    !is_in_every_run(&baseline->cases[i]))
			continue;
		name = arena_push(run->arena, &run->gone.items, &run->gone.count, sizeof(*name));
		*name = arena_strdup(run->arena, baseline->cases[i].name);
	}
}
