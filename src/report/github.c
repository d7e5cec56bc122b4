/* GitHub workflow commands: an annotation per failure, at the Dockerfile line when there is one. */
#include "report/report_ops.h"

#include <string.h>

/* Workflow commands take %25, %0D, %0A; property values also %3A and %2C. */
static void add_escaped(struct buf *out, const char *text, bool property)
{
	for (; text && *text; text++) {
		if (*text == '%')
			buf_addstr(out, "%25");
		else if (*text == '\r')
			buf_addstr(out, "%0D");
		else if (*text == '\n')
			buf_addstr(out, "%0A");
		else if (property && *text == ':')
			buf_addstr(out, "%3A");
		else if (property && *text == ',')
			buf_addstr(out, "%2C");
		else
			buf_add(out, text, 1);
	}
}

static const char *level_of(const struct case_result *result)
{
	if (outcome_is_failure(result->outcome))
		return "error";
	return result->outcome == OUTCOME_NOTRUN ? "notice" : "warning";
}

static void write_place(const struct run *run, const struct case_result *result, struct buf *out)
{
	const struct build *build = &run->build;
	unsigned line = build->step_count ? build->steps[build->step_count - 1].line : 0;
	bool in_build = result->kind && strcmp(result->kind, "build") == 0;

	buf_addstr(out, "file=");
	add_escaped(out, in_build && build->dockerfile ? build->dockerfile : run->suite_file, true);
	if (in_build && line)
		buf_printf(out, ",line=%u", line);
}

static void write_github(const struct run *run, const struct report_options *options,
			 struct buf *out)
{
	struct arena *arena = arena_new();

	(void)options;
	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *result = &run->cases[i];

		if (result->outcome == OUTCOME_PASS)
			continue;
		buf_printf(out, "::%s ", level_of(result));
		write_place(run, result, out);
		buf_addstr(out, ",title=");
		add_escaped(out, result->name, true);
		if (result->label) {
			buf_addstr(out, " ");
			add_escaped(out, result->label, true);
		}
		buf_addstr(out, "::");
		add_escaped(out, case_explain(result, arena), false);
		buf_addstr(out, "\n");
	}
	buf_printf(out, "::notice title=Assay %s::", verdict_name(run->verdict));
	add_escaped(out, run->reason, false);
	buf_addstr(out, "\n");
	arena_free(arena);
}

const struct report_ops report_github = {
	.format = "github",
	.summary = "workflow annotations; with GITHUB_STEP_SUMMARY set also the step summary",
	.write = write_github,
};
