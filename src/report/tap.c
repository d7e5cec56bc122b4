/* TAP version 14 with YAML diagnostics. */
#include "report/report_private.h"

#include <string.h>

/* A description or directive text: one line, '#' and '\' escaped. */
static void add_plain(struct buf *out, const char *text)
{
	const char *bytes;
	uint32_t c;
	size_t len;

	while (text && (c = report_next(&text, &bytes, &len))) {
		if (c == '#' || c == '\\')
			buf_printf(out, "\\%c", (int)c);
		else if (report_is_control(c))
			buf_addstr(out, " ");
		else
			buf_add(out, bytes, len);
	}
}

/* A YAML double-quoted scalar; a NULL TEXT is left out. */
static void add_yaml(struct buf *out, const char *key, const char *text)
{
	const char *bytes;
	uint32_t c;
	size_t len;

	if (!text)
		return;
	buf_printf(out, "  %s: \"", key);
	while ((c = report_next(&text, &bytes, &len))) {
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (int)c);
		else if (report_is_control(c) || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF)
			buf_printf(out, "\\u%04X", (unsigned)c);
		else
			buf_add(out, bytes, len);
	}
	buf_addstr(out, "\"\n");
}

static void add_diagnostics(const struct case_result *result, struct arena *arena, struct buf *out)
{
	buf_addstr(out, "  ---\n");
	add_yaml(out, "outcome", outcome_name(result->outcome));
	add_yaml(out, "mark", case_mark(result) ? mark_name(case_mark(result)) : NULL);
	add_yaml(out, "label", result->label);
	add_yaml(out, "expected", result->expected);
	add_yaml(out, "actual", result->actual);
	add_yaml(out, "where", result->where);
	add_yaml(out, "advice", result->advice);
	add_yaml(out, "reason", result->reason);
	add_yaml(out, "remark", case_remark(result, arena));
	add_yaml(out, "change", result->flip ? flip_name(result->flip) : NULL);
	buf_printf(out, "  duration_ms: %.3f\n  ...\n", (double)result->duration_ns / 1e6);
}

/* A failure that is excused is a TODO, which harnesses tolerate. They would tolerate a TODO that
 * passes as well, so that is one that failed. */
static void add_case(const struct case_result *result, size_t number, struct arena *arena,
		     struct buf *out)
{
	enum mark mark = case_mark(result);
	bool skipped = result->outcome == OUTCOME_SKIP;
	bool ok = (result->outcome == OUTCOME_PASS && mark != MARK_XPASS) || skipped;

	buf_printf(out, "%sok %zu - ", ok ? "" : "not ", number);
	add_plain(out, result->name);
	if (skipped) {
		buf_addstr(out, " # SKIP ");
		add_plain(out, result->reason);
	} else if (mark == MARK_XFAIL || mark == MARK_QUARANTINED) {
		buf_addstr(out, " # TODO ");
		add_plain(out, case_remark(result, arena));
	}
	buf_addstr(out, "\n");
	if (!ok)
		add_diagnostics(result, arena, out);
}

static void write_tap(const struct run *run, const struct report_options *options, struct buf *out)
{
	struct arena *arena = arena_new();

	(void)options;
	buf_printf(out, "TAP version 14\n1..%zu\n", run->case_count);
	for (size_t i = 0; i < run->case_count; i++)
		add_case(&run->cases[i], i + 1, arena, out);
	arena_free(arena);
	buf_printf(out, "# verdict: %s: ", verdict_name(run->verdict));
	add_plain(out, run->reason);
	buf_addstr(out, "\n");
	if (run->verdict != VERDICT_EMPTY)
		return;
	/* A green stream that measured nothing must not count as a pass. */
	buf_addstr(out, "Bail out! ");
	add_plain(out, run->reason);
	buf_addstr(out, "\n");
}

const struct report_ops report_tap = {
	.format = "tap",
	.summary = "Test Anything Protocol 14",
	.write = write_tap,
};
