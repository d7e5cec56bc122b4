/* TAP version 14 with YAML diagnostics. */
#include "report/report_ops.h"

#include <string.h>

/* A description or directive text: one line, '#' and '\' escaped. */
static void add_plain(struct buf *out, const char *text)
{
	for (; text && *text; text++) {
		if (*text == '#' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7F)
			buf_addstr(out, " ");
		else
			buf_add(out, text, 1);
	}
}

/* A YAML double-quoted scalar. */
static void add_yaml(struct buf *out, const char *key, const char *text)
{
	if (!text)
		return;
	buf_printf(out, "  %s: \"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7F)
			buf_printf(out, "\\x%02X", (unsigned)(unsigned char)*text);
		else
			buf_add(out, text, 1);
	}
	buf_addstr(out, "\"\n");
}

static void write_case(const struct case_result *result, size_t number, struct buf *out)
{
	bool skipped = result->outcome == OUTCOME_SKIP;
	bool ok = result->outcome == OUTCOME_PASS || skipped;

	buf_printf(out, "%sok %zu - ", ok ? "" : "not ", number);
	add_plain(out, result->name);
	if (skipped) {
		buf_addstr(out, " # SKIP ");
		add_plain(out, result->reason);
	}
	buf_addstr(out, "\n");
	if (ok)
		return;
	buf_addstr(out, "  ---\n");
	add_yaml(out, "outcome", outcome_name(result->outcome));
	add_yaml(out, "label", result->label);
	add_yaml(out, "expected", result->expected);
	add_yaml(out, "actual", result->actual);
	add_yaml(out, "where", result->where);
	add_yaml(out, "advice", result->advice);
	add_yaml(out, "reason", result->reason);
	buf_addstr(out, "  ...\n");
}

static void write_tap(const struct run *run, const struct report_options *options, struct buf *out)
{
	(void)options;
	buf_printf(out, "TAP version 14\n1..%zu\n", run->case_count);
	for (size_t i = 0; i < run->case_count; i++)
		write_case(&run->cases[i], i + 1, out);
	buf_printf(out, "# verdict: %s\n", verdict_name(run->verdict));
}

const struct report_ops report_tap = {
	.format = "tap",
	.summary = "Test Anything Protocol 14",
	.write = write_tap,
};
