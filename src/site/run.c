/* The page of one run. */
#include "site/site_private.h"

#include "stats/summary.h"

#include <string.h>

#define CASES_MAX 5000
#define METRICS_MAX 64 /* of one case */
#define STEPS_MAX 1000
#define DIFFERENCES_MAX 2000
#define LINES_MAX 200 /* notes, gone cases */

/* --- captured output ------------------------------------------------------------------------- */

static bool is_good(const struct case_result *result)
{
	return result->outcome == OUTCOME_PASS && !case_mark(result);
}

static size_t stream_bytes(const char *text)
{
	return text ? strnlen(text, SITE_STREAM_MAX) : 0;
}

/*
 * Which cases show their output: all of failures first, then of the others, until the page has
 * enough. The array is ARENA's.
 */
static bool *choose_outputs(const struct run *run, size_t count, struct arena *arena)
{
	bool *shown = arena_alloc(arena, count + 1);
	size_t left = SITE_OUTPUT_MAX;

	for (int good = 0; good <= 1; good++)
		for (size_t i = 0; i < count; i++) {
			const struct case_result *result = &run->cases[i];
			size_t need = stream_bytes(result->out) + stream_bytes(result->errout);

			if (is_good(result) != good || need > left)
				continue;
			shown[i] = true;
			left -= need;
		}
	return shown;
}

/* The end of TEXT says most: it is kept, and how much is missing. */
static void put_stream(struct json *out, const char *key, const char *text, size_t len,
		       uint64_t bytes, size_t max)
{
	struct json *stream = json_add_object(out, key);
	struct arena *arena CLEANUP(arena_freep) = arena_new();

	if (len > max) {
		text += len - max;
		len = max;
		while (len && ((unsigned char)*text & 0xC0) == 0x80) {
			text++; /* not inside a character */
			len--;
		}
	}
	json_add_str(stream, "text", arena_strndup(arena, text, len));
	if (bytes > len)
		json_add_int(stream, "cut_bytes", (int64_t)(bytes - len));
}

static void put_output(const struct case_result *result, bool shown, struct json *out)
{
	size_t out_len = result->out ? strlen(result->out) : 0;
	size_t err_len = result->errout ? strlen(result->errout) : 0;

	if (!out_len && !err_len)
		return;
	if (!shown) {
		json_add_int(out, "output_left_out_bytes", (int64_t)(out_len + err_len));
		return;
	}
	if (out_len)
		put_stream(out, "stdout", result->out, out_len, out_len, SITE_STREAM_MAX);
	if (err_len)
		put_stream(out, "stderr", result->errout, err_len, err_len, SITE_STREAM_MAX);
}

/* --- cases ----------------------------------------------------------------------------------- */

static void put_metrics(const struct run *run, const struct case_result *result, struct json *out)
{
	struct json *list = json_add_array(out, "metrics");

	for (size_t i = 0; i < result->metric_count && i < METRICS_MAX; i++) {
		const struct metric *metric = &result->metrics[i];
		struct json *item = json_add_object(list, NULL);
		struct stats_summary summary =
			stats_summarise(metric->samples, metric->sample_count);
		char path[SITE_METRIC_PATH];

		site__metric_path(run, result, metric, path);
		site_add_text(item, "name", metric->name, SITE_FIELD_MAX);
		site_add_text(item, "unit", metric->unit, SITE_FIELD_MAX);
		site_add_text(item, "cell", metric->cell, SITE_FIELD_MAX);
		json_add_num(item, "median", summary.median);
		json_add_int(item, "count", (int64_t)summary.count);
		if (summary.count)
			json_add_str(item, "page", path);
	}
}

static void put_case(const struct run *run, const struct case_result *result, bool shown,
		     struct arena *arena, struct json *out)
{
	const char letters[] = {site_outcome_letter(result->outcome), '\0'};

	site_add_text(out, "name", result->name, SITE_FIELD_MAX);
	json_add_str(out, "kind", result->kind);
	site_add_text(out, "target", result->target, SITE_FIELD_MAX);
	json_add_str(out, "outcome", letters);
	json_add_str(out, "flip", result->flip ? flip_name(result->flip) : NULL);
	json_add_str(out, "label", result->label);
	if (!is_good(result))
		site_add_text(out, "explanation", case_explain(result, arena), SITE_FIELD_MAX);
	site_add_text(out, "expected", result->expected, SITE_FIELD_MAX);
	site_add_text(out, "actual", result->actual, SITE_FIELD_MAX);
	site_add_text(out, "where", result->where, SITE_FIELD_MAX);
	site_add_text(out, "advice", result->advice, SITE_FIELD_MAX);
	site_add_text(out, "reason", result->reason, SITE_FIELD_MAX);
	site_add_text(out, "reused_from", result->reused_from, SITE_FIELD_MAX);
	if (result->optional)
		json_add_bool(out, "optional", true);
	site_add_seconds(out, "duration_s", result->duration_ns);
	if (result->metric_count)
		put_metrics(run, result, out);
	put_output(result, shown, out);
}

static void put_cases(const struct run *run, struct arena *arena, struct json *out)
{
	size_t count = run->case_count < CASES_MAX ? run->case_count : CASES_MAX;
	bool *shown = choose_outputs(run, count, arena);
	struct json *list = json_add_array(out, "cases");

	for (size_t i = 0; i < count; i++)
		put_case(run, &run->cases[i], shown[i], arena, json_add_object(list, NULL));
	if (count < run->case_count)
		json_add_int(out, "cases_left_out", (int64_t)(run->case_count - count));
}

/* --- the rest -------------------------------------------------------------------------------- */

static void put_lines(struct json *out, const char *key, const struct strings *lines)
{
	struct json *list = json_add_array(out, key);

	for (size_t i = 0; i < lines->count && i < LINES_MAX; i++)
		site_add_text(list, NULL, lines->items[i], SITE_FIELD_MAX);
}

static void put_pairs(struct json *out, const char *key, const struct pairs *pairs)
{
	struct json *list = json_add_array(out, key);

	for (size_t i = 0; i < pairs->count && i < LINES_MAX; i++) {
		struct json *item = json_add_array(list, NULL);

		site_add_text(item, NULL, pairs->items[i].key, SITE_FIELD_MAX);
		site_add_text(item, NULL, pairs->items[i].value ? pairs->items[i].value : "",
			      SITE_FIELD_MAX);
	}
}

static void put_steps(const struct build *build, struct json *out)
{
	struct json *list = json_add_array(out, "steps");

	for (size_t i = 0; i < build->step_count && i < STEPS_MAX; i++) {
		const struct step *step = &build->steps[i];
		struct json *item = json_add_object(list, NULL);

		json_add_int(item, "number", step->number);
		json_add_int(item, "total", step->total);
		site_add_text(item, "stage", step->stage, SITE_FIELD_MAX);
		site_add_text(item, "instruction", step->instruction, SITE_FIELD_MAX);
		if (step->line)
			json_add_int(item, "line", step->line);
		site_add_seconds(item, "duration_s", step->duration_ns);
		if (step->cached)
			json_add_bool(item, "cached", true);
		if (step->failed)
			json_add_bool(item, "failed", true);
	}
}

static void put_build(const struct site_run *page, struct json *out)
{
	const struct build *build = &page->run->build;

	json_add_str(out, "builder", build->builder);
	site_add_text(out, "dockerfile", build->dockerfile, SITE_FIELD_MAX);
	json_add_str(out, "input_hash", build->input_hash);
	json_add_str(out, "image_id", build->image_id);
	json_add_bool(out, "reused", build->reused);
	site_add_text(out, "reused_from", build->reused_from, SITE_FIELD_MAX);
	json_add_str(out, "same_inputs_as", build->same_inputs_as);
	site_add_seconds(out, "duration_s", build->duration_ns);
	json_add_bool(out, "failed", build->failed);
	site_add_text(out, "message", build->message, SITE_FIELD_MAX);
	put_pairs(out, "bases", &build->bases);
	put_steps(build, out);
	if (page->log && page->log_len)
		put_stream(out, "log", page->log, page->log_len, page->log_bytes, SITE_LOG_MAX);
}

static void put_differences(const struct site_run *page, struct json *out)
{
	struct json *list;

	json_add_str(out, "no_differences", page->no_differences);
	if (page->no_differences)
		return;
	list = json_add_array(out, "differences");
	for (size_t i = 0; i < page->difference_count && i < DIFFERENCES_MAX; i++) {
		const struct difference *difference = &page->differences[i];
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "topic", difference->topic);
		site_add_text(item, "name", difference->name, SITE_FIELD_MAX);
		site_add_text(item, "before", difference->before, SITE_FIELD_MAX);
		site_add_text(item, "after", difference->after, SITE_FIELD_MAX);
		site_add_text(item, "where", difference->where, SITE_FIELD_MAX);
	}
	if (page->difference_count > DIFFERENCES_MAX)
		json_add_int(out, "differences_left_out",
			     (int64_t)(page->difference_count - DIFFERENCES_MAX));
}

static void put_baseline(const struct site_run *page, struct arena *arena, struct json *out)
{
	const struct baseline *baseline = &page->run->baseline;

	json_add_str(out, "run", baseline->run_id);
	json_add_str(out, "commit", baseline->commit);
	json_add_int(out, "distance", baseline->distance);
	site_add_text(out, "reason", baseline->reason, SITE_FIELD_MAX);
	if (page->has_baseline_page && baseline->run_id)
		json_add_str(out, "page", site_run_path(baseline->run_id, arena));
}

static void put_head(const struct site_run *page, struct arena *arena, struct json *out)
{
	const struct run *run = page->run;
	struct json *commit = json_add_object(out, "commit");

	json_add_str(out, "id", run->id);
	json_add_str(out, "verdict", verdict_name(run->verdict));
	site_add_text(out, "reason", run->reason, SITE_FIELD_MAX);
	json_add_str(out, "started_at", run->started_at);
	site_add_seconds(out, "duration_s", run->duration_ns);
	site_add_text(out, "suite", run->suite, SITE_FIELD_MAX);
	site_add_text(out, "suite_file", run->suite_file, SITE_FIELD_MAX);
	put_lines(out, "targets", &run->targets);
	json_add_str(commit, "hash", run->commit.hash);
	site_add_text(commit, "asked", run->commit.asked, SITE_FIELD_MAX);
	site_add_text(commit, "subject", run->commit.subject, SITE_FIELD_MAX);
	site_add_text(commit, "author", run->commit.author, SITE_FIELD_MAX);
	json_add_int(commit, "time_s", run->commit.time_s);
	if (page->newer)
		json_add_str(out, "newer", site_run_path(page->newer, arena));
	if (page->older)
		json_add_str(out, "older", site_run_path(page->older, arena));
	if (page->has_image)
		json_add_str(out, "image", site_image_path(run->build.image_id, arena));
}

void site_run_write(const struct site_run *page, const struct site_frame *frame, struct buf *out)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct run *run = page->run;
	struct site_page frame_page = {.kind = "run", .root = "../"};
	struct json *data = json_new_object();

	put_head(page, arena, data);
	put_baseline(page, arena, json_add_object(data, "baseline"));
	put_cases(run, arena, data);
	put_lines(data, "gone", &run->gone);
	put_lines(data, "notes", &run->notes);
	put_build(page, json_add_object(data, "build"));
	put_differences(page, data);
	put_pairs(data, "environment", &run->environment);
	frame_page.title =
		arena_printf(arena, "%s %.12s %s – %s", verdict_name(run->verdict),
			     run->commit.hash ? run->commit.hash : "",
			     run->commit.subject ? run->commit.subject : "", frame->title);
	frame_page.data = data;
	site_page_write(&frame_page, frame, out);
}
