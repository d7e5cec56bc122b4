#include "model/run_json.h"

#include <string.h>

/* --- writing --------------------------------------------------------------------------------- */

static void put_strings(struct json *out, const char *key, const struct strings *list)
{
	struct json *array = json_add_array(out, key);

	for (size_t i = 0; i < list->count; i++)
		json_add_str(array, NULL, list->items[i]);
}

static void put_pairs(struct json *out, const char *key, const struct pairs *pairs)
{
	struct json *object = json_add_object(out, key);

	/* A key twice (two stages FROM one image) would be JSON that nobody reads: the first stays.
	 */
	for (size_t i = 0; i < pairs->count; i++)
		if (!json_get(object, pairs->items[i].key))
			json_add_str(object, pairs->items[i].key, pairs->items[i].value);
}

/* ns fit a double exactly up to 104 days. */
static void put_duration(struct json *out, uint64_t ns)
{
	json_add_int(out, "duration_ns", (int64_t)ns);
}

static void put_metric(const struct metric *metric, struct json *out)
{
	struct json *samples;

	json_add_str(out, "name", metric->name);
	json_add_str(out, "unit", metric->unit);
	json_add_str(out, "direction", direction_name(metric->direction));
	json_add_str(out, "cell", metric->cell);
	samples = json_add_array(out, "samples");
	for (size_t i = 0; i < metric->sample_count; i++)
		json_add_num(samples, NULL, metric->samples[i]);
}

/* Nothing where there is none. */
static void put_excuse(struct json *out, const char *key, const struct excuse *excuse)
{
	if (!excuse->reason)
		return;
	out = json_add_object(out, key);
	json_add_str(out, "reason", excuse->reason);
	json_add_str(out, "until", excuse->until);
	if (excuse->labels.count)
		put_strings(out, "labels", &excuse->labels);
	if (excuse->ended)
		json_add_bool(out, "ended", true);
}

static void put_attempts(const struct case_result *result, struct json *out)
{
	struct json *list;

	if (!result->attempt_count)
		return;
	list = json_add_array(out, "attempts");
	for (size_t i = 0; i < result->attempt_count; i++) {
		const struct case_attempt *attempt = &result->attempts[i];
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "outcome", outcome_name(attempt->outcome));
		json_add_str(item, "label", attempt->label);
		json_add_str(item, "actual", attempt->actual);
		json_add_str(item, "reason", attempt->reason);
		put_duration(item, attempt->duration_ns);
	}
}

void case_to_json(const struct case_result *result, struct json *out)
{
	enum mark mark = case_mark(result);
	struct json *metrics;

	json_add_str(out, "name", result->name);
	json_add_str(out, "kind", result->kind);
	json_add_str(out, "target", result->target);
	put_strings(out, "tags", &result->tags);
	json_add_str(out, "outcome", outcome_name(result->outcome));
	json_add_str(out, "label", result->label);
	json_add_str(out, "expected", result->expected);
	json_add_str(out, "actual", result->actual);
	json_add_str(out, "where", result->where);
	json_add_str(out, "advice", result->advice);
	json_add_str(out, "reason", result->reason);
	put_duration(out, result->duration_ns);
	json_add_str(out, "definition", result->definition);
	json_add_str(out, "reused_from", result->reused_from);
	if (result->optional)
		json_add_bool(out, "optional", true);
	json_add_str(out, "mark", mark ? mark_name(mark) : NULL);
	put_excuse(out, "expected_failure", &result->known);
	put_excuse(out, "quarantine", &result->quarantine);
	put_attempts(result, out);
	json_add_str(out, "flip", result->flip ? flip_name(result->flip) : NULL);
	metrics = json_add_array(out, "metrics");
	for (size_t i = 0; i < result->metric_count; i++)
		put_metric(&result->metrics[i], json_add_object(metrics, NULL));
	json_add_str(out, "stdout", result->out);
	json_add_str(out, "stderr", result->errout);
}

static void put_step(const struct step *step, struct json *out)
{
	json_add_int(out, "number", step->number);
	json_add_int(out, "total", step->total);
	json_add_str(out, "stage", step->stage);
	json_add_str(out, "instruction", step->instruction);
	json_add_int(out, "line", step->line);
	put_duration(out, step->duration_ns);
	json_add_bool(out, "cached", step->cached);
	json_add_bool(out, "failed", step->failed);
}

static void put_build(const struct build *build, struct json *out)
{
	struct json *steps;

	json_add_str(out, "builder", build->builder);
	json_add_str(out, "dockerfile", build->dockerfile);
	json_add_str(out, "input_hash", build->input_hash);
	json_add_str(out, "image_id", build->image_id);
	json_add_str(out, "image_tag", build->image_tag);
	put_pairs(out, "bases", &build->bases);
	json_add_bool(out, "reused", build->reused);
	json_add_str(out, "reused_from", build->reused_from);
	json_add_str(out, "same_inputs_as", build->same_inputs_as);
	put_duration(out, build->duration_ns);
	json_add_bool(out, "failed", build->failed);
	json_add_str(out, "message", build->message);
	steps = json_add_array(out, "steps");
	for (size_t i = 0; i < build->step_count; i++)
		put_step(&build->steps[i], json_add_object(steps, NULL));
}

static void put_commit(const struct commit *commit, struct json *out)
{
	json_add_str(out, "hash", commit->hash);
	json_add_str(out, "tree", commit->tree);
	json_add_str(out, "asked", commit->asked);
	json_add_str(out, "subject", commit->subject);
	json_add_str(out, "author", commit->author);
	json_add_int(out, "time_s", commit->time_s);
	json_add_str(out, "repo", commit->repo);
	put_strings(out, "submodules", &commit->submodules);
}

struct json *run_to_json(const struct run *run)
{
	struct json *out = json_new_object(), *part;

	json_add_int(out, "assay_run", RUN_JSON_VERSION);
	json_add_str(out, "id", run->id);
	json_add_str(out, "verdict", verdict_name(run->verdict));
	json_add_str(out, "reason", run->reason);
	json_add_str(out, "started_at", run->started_at);
	put_duration(out, run->duration_ns);
	part = json_add_object(out, "suite");
	json_add_str(part, "name", run->suite);
	json_add_str(part, "file", run->suite_file);
	json_add_str(part, "hash", run->suite_hash);
	put_strings(part, "targets", &run->targets);
	put_commit(&run->commit, json_add_object(out, "commit"));
	put_build(&run->build, json_add_object(out, "build"));
	put_pairs(out, "environment", &run->environment);
	part = json_add_object(out, "baseline");
	json_add_str(part, "run_id", run->baseline.run_id);
	json_add_str(part, "commit", run->baseline.commit);
	json_add_int(part, "distance", run->baseline.distance);
	json_add_str(part, "reason", run->baseline.reason);
	part = json_add_array(out, "cases");
	for (size_t i = 0; i < run->case_count; i++)
		case_to_json(&run->cases[i], json_add_object(part, NULL));
	put_strings(out, "gone", &run->gone);
	put_strings(out, "notes", &run->notes);
	return out;
}

/* --- reading --------------------------------------------------------------------------------- */

static const char *get_str(const struct json *json, const char *key, struct arena *arena)
{
	return arena_strdup(arena, json_str(json, key, NULL));
}

static void get_strings(const struct json *json, const char *key, struct arena *arena,
			struct strings *out)
{
	*out = (struct strings){0};
	for (const struct json *item = json_first(json_get(json, key)); item;
	     item = json_next(item)) {
		const char **text = arena_push(arena, &out->items, &out->count, sizeof(*text));

		*text = arena_strdup(arena, json_text(item) ? json_text(item) : "");
	}
}

static void get_pairs(const struct json *json, const char *key, struct arena *arena,
		      struct pairs *out)
{
	*out = (struct pairs){0};
	for (const struct json *item = json_first(json_get(json, key)); item;
	     item = json_next(item)) {
		struct pair *pair = arena_push(arena, &out->items, &out->count, sizeof(*pair));

		pair->key = arena_strdup(arena, json_key(item));
		pair->value = arena_strdup(arena, json_text(item) ? json_text(item) : "");
	}
}

static uint64_t get_duration(const struct json *json)
{
	int64_t ns = json_int(json, "duration_ns", 0);

	return ns > 0 ? (uint64_t)ns : 0;
}

static enum flip get_flip(const struct json *json)
{
	const char *name = json_str(json, "flip", "");

	for (int flip = FLIP_NONE; flip <= FLIP_STILL_FAILING; flip++)
		if (strcmp(flip_name((enum flip)flip), name) == 0)
			return (enum flip)flip;
	return FLIP_NONE;
}

static void get_metric(const struct json *json, struct arena *arena, struct metric *out)
{
	const char *direction = json_str(json, "direction", "none");

	out->name = get_str(json, "name", arena);
	out->unit = get_str(json, "unit", arena);
	out->cell = get_str(json, "cell", arena);
	out->direction = strcmp(direction, "higher") == 0  ? DIRECTION_HIGHER
			 : strcmp(direction, "lower") == 0 ? DIRECTION_LOWER
							   : DIRECTION_NONE;
	for (const struct json *item = json_first(json_get(json, "samples")); item;
	     item = json_next(item))
		metric_add_sample(out, arena, json_number(item));
}

static void get_excuse(const struct json *json, struct arena *arena, struct excuse *out)
{
	if (!json)
		return;
	out->reason = get_str(json, "reason", arena);
	out->until = get_str(json, "until", arena);
	get_strings(json, "labels", arena, &out->labels);
	out->ended = json_bool(json, "ended", false);
}

static void get_attempts(const struct json *list, struct arena *arena, struct case_result *out)
{
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		struct case_result made = {.outcome = OUTCOME_INCOMPLETE};

		(void)outcome_parse(json_str(item, "outcome", ""), &made.outcome);
		made.label = json_str(item, "label", NULL);
		made.actual = json_str(item, "actual", NULL);
		made.reason = json_str(item, "reason", NULL);
		made.duration_ns = get_duration(item);
		case_add_attempt(out, &made, arena);
	}
}

/* The mark follows from the rest. */
void case_from_json(const struct json *json, struct arena *arena, struct case_result *out)
{
	struct case_result result = {.outcome = OUTCOME_INCOMPLETE};

	result.name = get_str(json, "name", arena);
	result.kind = get_str(json, "kind", arena);
	result.target = get_str(json, "target", arena);
	get_strings(json, "tags", arena, &result.tags);
	(void)outcome_parse(json_str(json, "outcome", ""), &result.outcome);
	result.label = get_str(json, "label", arena);
	result.expected = get_str(json, "expected", arena);
	result.actual = get_str(json, "actual", arena);
	result.where = get_str(json, "where", arena);
	result.advice = get_str(json, "advice", arena);
	result.reason = get_str(json, "reason", arena);
	result.duration_ns = get_duration(json);
	result.definition = get_str(json, "definition", arena);
	result.reused_from = get_str(json, "reused_from", arena);
	result.optional = json_bool(json, "optional", false);
	get_excuse(json_get(json, "expected_failure"), arena, &result.known);
	get_excuse(json_get(json, "quarantine"), arena, &result.quarantine);
	get_attempts(json_get(json, "attempts"), arena, &result);
	result.flip = get_flip(json);
	for (const struct json *item = json_first(json_get(json, "metrics")); item;
	     item = json_next(item))
		get_metric(item, arena,
			   arena_push(arena, &result.metrics, &result.metric_count,
				      sizeof(*result.metrics)));
	result.out = get_str(json, "stdout", arena);
	result.errout = get_str(json, "stderr", arena);
	*out = result;
}

static void get_step(const struct json *json, struct arena *arena, struct step *out)
{
	out->number = (unsigned)json_int(json, "number", 0);
	out->total = (unsigned)json_int(json, "total", 0);
	out->stage = get_str(json, "stage", arena);
	out->instruction = get_str(json, "instruction", arena);
	out->line = (unsigned)json_int(json, "line", 0);
	out->duration_ns = get_duration(json);
	out->cached = json_bool(json, "cached", false);
	out->failed = json_bool(json, "failed", false);
}

static void get_build(const struct json *json, struct arena *arena, struct build *out)
{
	out->builder = get_str(json, "builder", arena);
	out->dockerfile = get_str(json, "dockerfile", arena);
	out->input_hash = get_str(json, "input_hash", arena);
	out->image_id = get_str(json, "image_id", arena);
	out->image_tag = get_str(json, "image_tag", arena);
	get_pairs(json, "bases", arena, &out->bases);
	out->reused = json_bool(json, "reused", false);
	out->reused_from = get_str(json, "reused_from", arena);
	out->same_inputs_as = get_str(json, "same_inputs_as", arena);
	out->duration_ns = get_duration(json);
	out->failed = json_bool(json, "failed", false);
	out->message = get_str(json, "message", arena);
	for (const struct json *item = json_first(json_get(json, "steps")); item;
	     item = json_next(item))
		get_step(item, arena,
			 arena_push(arena, &out->steps, &out->step_count, sizeof(*out->steps)));
}

static void get_commit(const struct json *json, struct arena *arena, struct commit *out)
{
	out->hash = get_str(json, "hash", arena);
	out->tree = get_str(json, "tree", arena);
	out->asked = get_str(json, "asked", arena);
	out->subject = get_str(json, "subject", arena);
	out->author = get_str(json, "author", arena);
	out->time_s = json_int(json, "time_s", 0);
	out->repo = get_str(json, "repo", arena);
	get_strings(json, "submodules", arena, &out->submodules);
}

static void get_rest(const struct json *json, struct run *run)
{
	const struct json *suite = json_get(json, "suite"), *baseline = json_get(json, "baseline");

	run->suite = get_str(suite, "name", run->arena);
	run->suite_file = get_str(suite, "file", run->arena);
	run->suite_hash = get_str(suite, "hash", run->arena);
	get_strings(suite, "targets", run->arena, &run->targets);
	get_commit(json_get(json, "commit"), run->arena, &run->commit);
	get_build(json_get(json, "build"), run->arena, &run->build);
	get_pairs(json, "environment", run->arena, &run->environment);
	run->baseline.run_id = get_str(baseline, "run_id", run->arena);
	run->baseline.commit = get_str(baseline, "commit", run->arena);
	run->baseline.distance = (unsigned)json_int(baseline, "distance", 0);
	run->baseline.reason = get_str(baseline, "reason", run->arena);
	get_strings(json, "gone", run->arena, &run->gone);
	get_strings(json, "notes", run->arena, &run->notes);
}

/* Everything keys on the name of a case; a case without outcome could be read as anything. */
static int check_cases(const struct json *cases, struct err *err)
{
	size_t i = 0;

	if (!cases || json_type(cases) != JSON_ARRAY)
		return err_set(err, ERR_USAGE, "not a run: \"cases\" is missing");
	for (const struct json *item = json_first(cases); item; item = json_next(item), i++) {
		enum outcome outcome;

		if (!json_str(item, "name", NULL) || !json_str(item, "kind", NULL))
			return err_set(err, ERR_USAGE, "not a run: cases[%zu] has no name or kind",
				       i);
		if (outcome_parse(json_str(item, "outcome", ""), &outcome) < 0)
			return err_set(err, ERR_USAGE, "not a run: cases[%zu].outcome '%s'", i,
				       json_str(item, "outcome", ""));
	}
	return 0;
}

static int check_shape(const struct json *json, struct err *err)
{
	static const char *const parts[] = {"suite", "commit", "build", "baseline", NULL};
	int64_t version;

	if (json_type(json) != JSON_OBJECT)
		return err_set(err, ERR_USAGE, "not a run: expected an object");
	version = json_int(json, "assay_run", 0);
	if (version != RUN_JSON_VERSION)
		return err_set(err, ERR_USAGE, "not a run of version %d (assay_run is %lld)",
			       RUN_JSON_VERSION, (long long)version);
	for (size_t i = 0; parts[i]; i++)
		if (!json_get(json, parts[i]) || json_type(json_get(json, parts[i])) != JSON_OBJECT)
			return err_set(err, ERR_USAGE, "not a run: \"%s\" is missing", parts[i]);
	if (!json_str(json, "id", NULL))
		return err_set(err, ERR_USAGE, "not a run: \"id\" is missing");
	return check_cases(json_get(json, "cases"), err);
}

int run_from_json(const struct json *json, struct run **out, struct err *err)
{
	struct run *run;

	if (check_shape(json, err) < 0)
		return -1;
	run = run_new();
	if (verdict_parse(json_str(json, "verdict", ""), &run->verdict) < 0) {
		run_free(run);
		return err_set(err, ERR_USAGE, "not a run: verdict '%s'",
			       json_str(json, "verdict", ""));
	}
	run->id = get_str(json, "id", run->arena);
	run->reason = get_str(json, "reason", run->arena);
	run->started_at = get_str(json, "started_at", run->arena);
	run->duration_ns = get_duration(json);
	get_rest(json, run);
	for (const struct json *item = json_first(json_get(json, "cases")); item;
	     item = json_next(item))
		case_from_json(item, run->arena, run_add_case(run, NULL, NULL));
	*out = run;
	return 0;
}
