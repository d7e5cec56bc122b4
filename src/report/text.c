/* For people at a terminal: one line per case, one more under a failure, then the verdict. */
#include "base/units.h"
#include "report/report_private.h"

#include <stdio.h>
#include <string.h>

#define NAME_COLUMNS_MAX 40
#define VALUE_COLUMNS_MAX 40
#define VALUE_COLUMNS_MIN 12
#define TIME_COLUMNS 10
#define INSTRUCTION_COLUMNS_MAX 60
#define IMAGE_ID_COLUMNS 20 /* "sha256:" and 12 digits, as engines show it; and the "…" */
#define INDENT 6

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define RESET "\033[0m"

struct page {
	const struct run *run;
	const struct report_options *options;
	struct arena *arena;
	struct buf *out;
	size_t outcome, name, value; /* columns */
};

static const char *color_of(const struct case_result *result)
{
	if (case_verdict(result) == VERDICT_FAIL)
		return RED;
	return result->outcome == OUTCOME_PASS ? GREEN : YELLOW;
}

static const char *verdict_color(enum verdict verdict)
{
	if (verdict == VERDICT_PASS)
		return GREEN;
	return verdict == VERDICT_FAIL ? RED : YELLOW;
}

static void paint(const struct page *page, const char *code)
{
	if (page->options->color)
		buf_addstr(page->out, code);
}

/* TEXT in COLUMNS columns at least */
static void add_padded(struct buf *out, const char *text, size_t columns, size_t max)
{
	size_t width = report_columns(text);

	report_add_line(out, text, max);
	if (max && width > max)
		width = max;
	for (; width < columns; width++)
		buf_addstr(out, " ");
}

/* TEXT from column USED on; what passes the width goes on at column INDENT, words whole. */
static void add_wrapped(const struct page *page, const char *text, size_t used, size_t indent)
{
	size_t width = page->options->width;
	bool first = true;

	while (text && *text) {
		size_t len = strcspn(text, " "), columns;
		char *word = arena_strndup(page->arena, text, len);

		columns = report_columns(word);
		if (!first && width && used + 1 + columns > width) {
			buf_printf(page->out, "\n%*s", (int)indent, "");
			used = indent;
		} else if (!first) {
			buf_addstr(page->out, " ");
			used++;
		}
		report_add_line(page->out, word, 0);
		used += columns;
		first = false;
		text += len + strspn(text + len, " ");
	}
	buf_addstr(page->out, "\n");
}

/* --- cases ----------------------------------------------------------------------------------- */

/* "step 7/12, Dockerfile:14: RUN python3 -c …: AssertionError: Wrong CUDA: 12.6" */
static const char *build_failure(const struct page *page, const struct case_result *result)
{
	const struct build *build = &page->run->build;
	const struct step *step = report_failed_step(page->run);
	const char *message = result->actual ? result->actual : "no output", *text;
	struct buf instruction;

	if (!step)
		return result->where ? arena_printf(page->arena, "%s: %s", result->where, message)
				     : message;
	buf_init(&instruction, 1024);
	report_add_line(&instruction, step->instruction, INSTRUCTION_COLUMNS_MAX);
	text = arena_printf(page->arena, "step %u/%u, %s:%u: %s: %s", step->number, step->total,
			    build->dockerfile ? build->dockerfile : "Dockerfile", step->line,
			    buf_str(&instruction), message);
	buf_done(&instruction);
	return text;
}

/* What stands in the value column: of a pass what was found. */
static const char *value_of(const struct case_result *result)
{
	return result->outcome == OUTCOME_PASS && result->actual ? result->actual : "";
}

static size_t value_limit(const struct page *page, const struct case_result *result)
{
	if (report_is_build(result) && page->value > IMAGE_ID_COLUMNS)
		return IMAGE_ID_COLUMNS;
	return page->options->width || report_is_build(result) ? page->value : 0;
}

static void add_output(const struct page *page, const char *name, const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		buf_printf(page->out, "%*s%s | ", INDENT, "", name);
		report_add_line(page->out, arena_strndup(page->arena, text, len), 0);
		buf_addstr(page->out, "\n");
		text += len + (text[len] == '\n');
	}
}

/* Why RESULT is no pass, and what to do; the line above has said where a build failed. */
static void add_reason(const struct page *page, const struct case_result *result)
{
	bool build = report_is_build(result) && result->outcome == OUTCOME_FAIL;
	const char *why = build ? result->advice : case_explain(result, page->arena);

	if (!why)
		why = outcome_name(result->outcome);
	if (result->label)
		why = arena_printf(page->arena, "%s [%s]", why, result->label);
	buf_printf(page->out, "%*s", INDENT, "");
	add_wrapped(page, why, INDENT, INDENT);
	if (page->options->show_output) {
		add_output(page, "stdout", result->out);
		add_output(page, "stderr", result->errout);
	}
}

/* Cases that did not run for one reason, such as a failed build, say it once, after the last. */
static bool says_reason(const struct run *run, size_t i)
{
	const struct case_result *now = &run->cases[i], *next = now + 1;

	if (now->outcome == OUTCOME_PASS)
		return case_mark(now) == MARK_XPASS;
	return now->outcome != OUTCOME_NOTRUN || i + 1 == run->case_count ||
	       next->outcome != OUTCOME_NOTRUN || !now->reason || !next->reason ||
	       strcmp(now->reason, next->reason) != 0;
}

/* "  (reused)  <regressed>" */
static const char *marks_of(const struct page *page, const struct case_result *result)
{
	const char *reused = result->reused_from ? "  (reused)" : "";

	if (!result->flip)
		return reused;
	return arena_printf(page->arena, "%s  <%s>", reused, flip_name(result->flip));
}

static void add_outcome(const struct page *page, const struct case_result *result)
{
	const char *name = case_shown(result);
	size_t columns = 0;

	paint(page, color_of(result));
	for (; name[columns]; columns++)
		buf_printf(page->out, "%c", name[columns] - 'a' + 'A');
	paint(page, RESET);
	for (; columns < page->outcome + 2; columns++)
		buf_addstr(page->out, " ");
}

/* Of a case's line: all but value and marks */
static size_t fixed_columns(const struct page *page)
{
	return page->outcome + 2 + page->name + 2 + TIME_COLUMNS;
}

static void add_case(const struct page *page, const struct case_result *result)
{
	const char *marks = marks_of(page, result);
	char took[32];

	add_outcome(page, result);
	add_padded(page->out, result->name, page->name, page->options->width ? page->name : 0);
	buf_addstr(page->out, "  ");
	if (report_is_build(result) && result->outcome == OUTCOME_FAIL) {
		const char *text =
			arena_printf(page->arena, "%s%s", build_failure(page, result), marks);

		add_wrapped(page, text, page->outcome + page->name + 4, INDENT);
		return;
	}
	add_padded(page->out, value_of(result), page->value, value_limit(page, result));
	buf_printf(page->out, "%*s", TIME_COLUMNS,
		   units_duration(result->duration_ns, took, sizeof(took)));
	if (page->options->width &&
	    fixed_columns(page) + page->value + report_columns(marks) > page->options->width)
		buf_printf(page->out, "\n%*s", INDENT - 2, "");
	buf_printf(page->out, "%s\n", marks);
}

/* --- summary --------------------------------------------------------------------------------- */

static void add_fact(const struct page *page, const char *name, const char *value)
{
	buf_printf(page->out, "  %-14s", name);
	add_wrapped(page, value, 16, 16);
}

static void add_baseline(const struct page *page)
{
	static const enum flip order[] = {FLIP_REGRESSED, FLIP_FIXED, FLIP_STILL_FAILING, FLIP_NEW,
					  FLIP_GONE};
	const struct baseline *baseline = &page->run->baseline;
	const char *text, *distance = "";

	if (baseline->run_id && baseline->distance)
		distance = arena_printf(page->arena, ", %u commit%s back", baseline->distance,
					baseline->distance == 1 ? "" : "s");
	if (baseline->run_id)
		text = arena_printf(page->arena, "%.12s%s (run %s)",
				    baseline->commit ? baseline->commit : "unknown commit",
				    distance, baseline->run_id);
	else
		text = arena_printf(page->arena, "no baseline: %s",
				    baseline->reason ? baseline->reason : "not looked for");
	add_fact(page, "baseline", text);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const char *names = report_flip_names(page->run, order[i], page->arena);

		if (names)
			add_fact(page, flip_name(order[i]), names);
	}
}

static void add_image(const struct page *page)
{
	const struct build *build = &page->run->build;
	const struct strings *submodules = &page->run->commit.submodules;
	const char *reused = "";

	if (build->reused)
		reused = arena_printf(page->arena, ", not built again: of run %s",
				      build->reused_from ? build->reused_from : "unknown");
	if (build->image_id)
		add_fact(page, "image",
			 arena_printf(page->arena, "%.19s%s", build->image_id, reused));
	if (build->same_inputs_as)
		add_fact(page, "inputs",
			 arena_printf(page->arena, "no image input changed since %.12s",
				      build->same_inputs_as));
	if (submodules->count)
		add_fact(page, "submodules",
			 arena_printf(page->arena, "%zu, not part of the build context (first: %s)",
				      submodules->count, submodules->items[0]));
}

static void add_verdict(const struct page *page)
{
	const char *name = verdict_name(page->run->verdict);

	paint(page, BOLD);
	paint(page, verdict_color(page->run->verdict));
	buf_addstr(page->out, name);
	paint(page, RESET);
	buf_addstr(page->out, "  ");
	add_wrapped(page, page->run->reason ? page->run->reason : "no reason recorded",
		    strlen(name) + 2, INDENT);
}

static void add_notes(const struct page *page)
{
	const struct strings *notes = &page->run->notes;

	for (size_t i = 0; i < notes->count; i++)
		add_fact(page, i ? "" : "why", notes->items[i]);
}

static void add_summary(const struct page *page)
{
	const struct counts counts = report_count(page->run);
	char took[32];

	buf_addstr(page->out, "\n");
	add_verdict(page);
	add_notes(page);
	add_fact(page, "cases", report_counts_text(&counts, page->arena));
	add_baseline(page);
	add_image(page);
	add_fact(page, "run",
		 arena_printf(page->arena, "%s, %s", page->run->id ? page->run->id : "unknown",
			      units_duration(page->run->duration_ns, took, sizeof(took))));
}

/* --- page ------------------------------------------------------------------------------------ */

static size_t grow(size_t columns, size_t wanted, size_t max)
{
	wanted = wanted > max ? max : wanted;
	return wanted > columns ? wanted : columns;
}

static void measure(struct page *page)
{
	const struct run *run = page->run;
	size_t width = page->options->width;
	size_t name = width && width / 3 < NAME_COLUMNS_MAX ? width / 3 : NAME_COLUMNS_MAX;

	page->outcome = 4;
	page->name = 5;
	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *result = &run->cases[i];
		size_t value = report_is_build(result) ? IMAGE_ID_COLUMNS : VALUE_COLUMNS_MAX;

		page->outcome = grow(page->outcome, strlen(case_shown(result)), 16);
		page->name = grow(page->name, report_columns(result->name), name);
		page->value = grow(page->value, report_columns(value_of(result)), value);
	}
	if (width && fixed_columns(page) + page->value > width)
		page->value = width > fixed_columns(page) + VALUE_COLUMNS_MIN
				      ? width - fixed_columns(page)
				      : VALUE_COLUMNS_MIN;
}

static void add_head(const struct page *page)
{
	const struct run *run = page->run;

	report_add_line(page->out, run->suite ? run->suite : "unknown suite", 0);
	buf_addstr(page->out, " on ");
	report_add_line(page->out,
			run->commit.hash ? arena_printf(page->arena, "%.12s", run->commit.hash)
			: run->build.image_tag ? run->build.image_tag
					       : "unknown commit",
			0);
	if (run->commit.subject) {
		buf_addstr(page->out, " \"");
		report_add_line(page->out, run->commit.subject, 50);
		buf_addstr(page->out, "\"");
	}
	buf_addstr(page->out, "\n\n");
}

static void write_text(const struct run *run, const struct report_options *options, struct buf *out)
{
	struct page page = {.run = run, .options = options, .arena = arena_new(), .out = out};

	if (options->quiet) {
		add_verdict(&page);
		arena_free(page.arena);
		return;
	}
	measure(&page);
	add_head(&page);
	for (size_t i = 0; i < run->case_count; i++) {
		add_case(&page, &run->cases[i]);
		if (says_reason(run, i))
			add_reason(&page, &run->cases[i]);
	}
	add_summary(&page);
	arena_free(page.arena);
}

const struct report_ops report_text = {
	.format = "text",
	.summary = "for people: a line per case, the verdict, what changed",
	.write = write_text,
};
