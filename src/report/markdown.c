/* GitHub-flavoured Markdown: a table and the reasons, for step summaries and pull requests. */
#include "base/units.h"
#include "report/report_ops.h"

#include <string.h>

/* Text from outside inside a table cell: no markup, no line breaks, no HTML. */
static void add_cell(struct buf *out, const char *text)
{
	for (; text && *text; text++) {
		if (*text == '<')
			buf_addstr(out, "&lt;");
		else if (*text == '>')
			buf_addstr(out, "&gt;");
		else if (*text == '&')
			buf_addstr(out, "&amp;");
		else if ((unsigned char)*text < 0x20 || *text == 0x7F)
			buf_addstr(out, " ");
		else if (strchr("|`*_[]\\#~@", *text))
			buf_printf(out, "\\%c", *text);
		else
			buf_add(out, text, 1);
	}
}

static const char *mark_of(enum outcome outcome)
{
	if (outcome == OUTCOME_PASS)
		return "✅";
	return outcome_is_failure(outcome) ? "❌" : "⚠️";
}

static void write_row(const struct case_result *result, struct arena *arena, struct buf *out)
{
	char took[32];

	buf_printf(out, "| %s %s | ", mark_of(result->outcome), outcome_name(result->outcome));
	add_cell(out, result->name);
	buf_printf(out, " | %s | %s | ", flip_name(result->flip),
		   units_duration(result->duration_ns, took, sizeof(took)));
	add_cell(out, case_explain(result, arena));
	buf_addstr(out, " |\n");
}

static void write_markdown(const struct run *run, const struct report_options *options,
			   struct buf *out)
{
	struct arena *arena = arena_new();

	(void)options;
	buf_printf(out, "### Assay: %s\n\n", verdict_name(run->verdict));
	add_cell(out, run->reason);
	buf_addstr(out,
		   "\n\n| outcome | case | change | time | reason |\n|---|---|---|---:|---|\n");
	for (size_t i = 0; i < run->case_count; i++)
		write_row(&run->cases[i], arena, out);
	buf_printf(out, "\nSuite `%s` on commit `%.12s`", run->suite, run->commit.hash);
	if (run->baseline.run_id)
		buf_printf(out, ", baseline `%.12s` (%u back)", run->baseline.commit,
			   run->baseline.distance);
	else
		buf_printf(out, ", no baseline: %s",
			   run->baseline.reason ? run->baseline.reason : "not looked for");
	if (run->build.image_id)
		buf_printf(out, ", image `%.19s`", run->build.image_id);
	buf_printf(out, ", run `%s`.\n", run->id);
	if (run->gone.count) {
		buf_addstr(out, "\nGone since the baseline:");
		for (size_t i = 0; i < run->gone.count; i++) {
			buf_addstr(out, i ? ", " : " ");
			add_cell(out, run->gone.items[i]);
		}
		buf_addstr(out, ".\n");
	}
	arena_free(arena);
}

const struct report_ops report_markdown = {
	.format = "markdown",
	.summary = "a table with reasons, for summaries and comments",
	.write = write_markdown,
};
