/* GitHub-flavoured Markdown: a table and the reasons, for step summaries and pull requests. */
#include "base/units.h"
#include "report/report_private.h"

#include <string.h>

/* Text from outside: one line, no markup, no HTML, nobody mentioned, no issue linked. */
static void add_text(struct buf *out, const char *text)
{
	const char *bytes;
	uint32_t c;
	size_t len;

	while (text && (c = report_next(&text, &bytes, &len))) {
		if (c == '<')
			buf_addstr(out, "&lt;");
		else if (c == '>')
			buf_addstr(out, "&gt;");
		else if (c == '&')
			buf_addstr(out, "&amp;");
		else if (c == '@' || c == '#') /* an empty comment breaks mentions and links */
			buf_printf(out, "%s%c<!-- -->", c == '#' ? "\\" : "", (int)c);
		else if (report_is_control(c))
			buf_addstr(out, " ");
		else if (c < 0x80 && strchr("\\|`*_[]~!$", (int)c))
			buf_printf(out, "\\%c", (int)c);
		else
			buf_add(out, bytes, len);
	}
}

static const char *sign_of(const struct case_result *result)
{
	if (case_verdict(result) == VERDICT_FAIL)
		return "❌";
	return result->outcome == OUTCOME_PASS ? "✅" : "⚠️";
}

static void add_row(const struct case_result *result, struct arena *arena, struct buf *out)
{
	char took[32];

	buf_printf(out, "| %s %s | ", sign_of(result), case_shown(result));
	add_text(out, result->name);
	buf_printf(out, " | %s | %s | ", flip_name(result->flip),
		   units_duration(result->duration_ns, took, sizeof(took)));
	add_text(out, case_explain(result, arena));
	buf_addstr(out, " |\n");
}

static void add_flips(const struct run *run, struct arena *arena, struct buf *out)
{
	static const struct {
		enum flip flip;
		const char *title;
	} rows[] = {{FLIP_REGRESSED, "Regressed"},
		    {FLIP_FIXED, "Fixed"},
		    {FLIP_STILL_FAILING, "Still failing"},
		    {FLIP_NEW, "New"},
		    {FLIP_GONE, "Gone since the baseline"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *names = report_flip_names(run, rows[i].flip, arena);

		if (!names)
			continue;
		buf_printf(out, "\n**%s:** ", rows[i].title);
		add_text(out, names);
		buf_addstr(out, "\n");
	}
}

static void add_notes(const struct run *run, struct buf *out)
{
	if (run->notes.count)
		buf_addstr(out, "\n**What the image tells:**\n\n");
	for (size_t i = 0; i < run->notes.count; i++) {
		buf_addstr(out, "- ");
		add_text(out, run->notes.items[i]);
		buf_addstr(out, "\n");
	}
}

static void add_baseline(const struct baseline *baseline, struct buf *out)
{
	if (!baseline->run_id) {
		buf_addstr(out, "no baseline: ");
		add_text(out, baseline->reason ? baseline->reason : "not looked for");
		return;
	}
	buf_printf(out, "baseline %.12s", baseline->commit ? baseline->commit : "unknown");
	if (baseline->distance)
		buf_printf(out, " (%u commit%s back)", baseline->distance,
			   baseline->distance == 1 ? "" : "s");
}

static void add_origin(const struct run *run, struct buf *out)
{
	buf_addstr(out, "\nSuite ");
	add_text(out, run->suite);
	buf_printf(out, " on commit %.12s, ", run->commit.hash ? run->commit.hash : "unknown");
	add_baseline(&run->baseline, out);
	if (run->build.image_id)
		buf_printf(out, ", image %.19s%s", run->build.image_id,
			   run->build.reused ? " (not built again)" : "");
	if (run->build.same_inputs_as)
		buf_printf(out, ", no image input changed since %.12s", run->build.same_inputs_as);
	buf_addstr(out, ", run ");
	add_text(out, run->id);
	buf_addstr(out, ".\n");
}

static void write_markdown(const struct run *run, const struct report_options *options,
			   struct buf *out)
{
	struct arena *arena = arena_new();

	(void)options;
	buf_printf(out, "### Assay: %s\n\n", verdict_name(run->verdict));
	add_text(out, run->reason);
	buf_addstr(out,
		   "\n\n| outcome | case | change | time | reason |\n|---|---|---|---:|---|\n");
	for (size_t i = 0; i < run->case_count; i++)
		add_row(&run->cases[i], arena, out);
	add_flips(run, arena, out);
	add_notes(run, out);
	add_origin(run, out);
	arena_free(arena);
}

const struct report_ops report_markdown = {
	.format = "markdown",
	.summary = "a table with reasons, for summaries and comments",
	.write = write_markdown,
};
