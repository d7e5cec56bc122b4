/* GitHub workflow commands: an annotation per failure, at the Dockerfile line when there is one. */
#include "report/report_private.h"

#include <string.h>

/* Workflow commands take %25, %0D, %0A; property values also %3A and %2C. Text stays on its line,
 * so that no output of an image can begin a command of its own. */
static void add_escaped(struct buf *out, const char *text, bool property)
{
	const char *bytes;
	uint32_t c;
	size_t len;

	while (text && (c = report_next(&text, &bytes, &len))) {
		if (c == '%')
			buf_addstr(out, "%25");
		else if (c == '\r')
			buf_addstr(out, "%0D");
		else if (c == '\n')
			buf_addstr(out, "%0A");
		else if (property && c == ':')
			buf_addstr(out, "%3A");
		else if (property && c == ',')
			buf_addstr(out, "%2C");
		else if (report_is_control(c))
			buf_addstr(out, " ");
		else
			buf_add(out, bytes, len);
	}
}

/* What Assay could not judge warns; only what the commit did is an error. NULL: GitHub shows ten
 * annotations of a step, and none is spent on what a failed build kept from running, nor on what is
 * known. */
static const char *level_of(const struct case_result *result)
{
	enum mark mark = case_mark(result);

	if (mark == MARK_XFAIL || mark == MARK_QUARANTINED || result->outcome == OUTCOME_NOTRUN)
		return NULL;
	if (case_verdict(result) == VERDICT_FAIL)
		return "error";
	return result->outcome == OUTCOME_PASS ? NULL : "warning";
}

static void add_place(const struct run *run, const struct case_result *result, struct buf *out)
{
	const struct step *step = report_is_build(result) ? report_failed_step(run) : NULL;
	const char *file = report_is_build(result) ? run->build.dockerfile : run->suite_file;

	if (!file)
		return;
	buf_addstr(out, "file=");
	add_escaped(out, file, true);
	if (step && step->line)
		buf_printf(out, ",line=%u", step->line);
	buf_addstr(out, ",");
}

static void add_annotation(const struct run *run, const struct case_result *result,
			   struct arena *arena, struct buf *out)
{
	const char *why = case_explain(result, arena);

	buf_printf(out, "::%s ", level_of(result));
	add_place(run, result, out);
	buf_addstr(out, "title=");
	add_escaped(out, result->name, true);
	if (result->label) {
		buf_addstr(out, " ");
		add_escaped(out, result->label, true);
	}
	buf_addstr(out, "::");
	add_escaped(out, why ? why : outcome_name(result->outcome), false);
	if (result->flip)
		buf_printf(out, " (%s)", flip_name(result->flip));
	buf_addstr(out, "\n");
}

static void write_github(const struct run *run, const struct report_options *options,
			 struct buf *out)
{
	struct arena *arena = arena_new();
	unsigned notrun = 0;

	(void)options;
	for (size_t i = 0; i < run->case_count; i++) {
		notrun += run->cases[i].outcome == OUTCOME_NOTRUN;
		if (level_of(&run->cases[i]))
			add_annotation(run, &run->cases[i], arena, out);
	}
	buf_printf(out, "::notice title=Assay %s::", verdict_name(run->verdict));
	add_escaped(out, run->reason, false);
	if (notrun)
		buf_printf(out, " (%u case%s not run)", notrun, notrun == 1 ? "" : "s");
	buf_addstr(out, "\n");
	arena_free(arena);
}

const struct report_ops report_github = {
	.format = "github",
	.summary = "workflow annotations; with GITHUB_STEP_SUMMARY set also the step summary",
	.write = write_github,
};
