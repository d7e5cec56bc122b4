/* JUnit XML as Jenkins, GitLab and GitHub readers take it: failure, error and skipped apart. */
#include "report/report_ops.h"

#include <string.h>

/* XML 1.0 text: markup escaped, forbidden control characters and broken UTF-8 replaced by '?'. */
static void add_xml(struct buf *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)(text ? text : "");

	while (*p) {
		size_t need = *p < 0x80		    ? 1
			      : (*p & 0xE0) == 0xC0 ? 2
			      : (*p & 0xF0) == 0xE0 ? 3
			      : (*p & 0xF8) == 0xF0 ? 4
						    : 0,
		       have = 1;

		while (have < need && (p[have] & 0xC0) == 0x80)
			have++;
		if (!need || have < need || (need > 1 && *p < 0xC2) || *p > 0xF4 ||
		    (*p == 0xED && p[1] > 0x9F) || (*p == 0xEF && p[1] == 0xBF && p[2] >= 0xBE) ||
		    (*p < 0x20 && *p != '\n' && *p != '\t')) {
			buf_addstr(out, "?");
			p++;
			continue;
		}
		if (*p == '<')
			buf_addstr(out, "&lt;");
		else if (*p == '>')
			buf_addstr(out, "&gt;");
		else if (*p == '&')
			buf_addstr(out, "&amp;");
		else if (*p == '"')
			buf_addstr(out, "&quot;");
		else
			buf_add(out, p, need);
		p += need;
	}
}

static void add_element(struct buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	buf_printf(out, "      <%s>", name);
	add_xml(out, text);
	buf_printf(out, "</%s>\n", name);
}

static void write_result(const struct case_result *result, struct arena *arena, struct buf *out)
{
	const char *element = outcome_is_failure(result->outcome) ? "failure"
			      : result->outcome == OUTCOME_SKIP || result->outcome == OUTCOME_NOTRUN
				      ? "skipped"
				      : "error";

	if (result->outcome == OUTCOME_PASS)
		return;
	buf_printf(out, "      <%s", element);
	if (strcmp(element, "skipped") != 0) {
		buf_addstr(out, " type=\"");
		add_xml(out, result->label ? result->label : outcome_name(result->outcome));
		buf_addstr(out, "\"");
	}
	buf_addstr(out, " message=\"");
	add_xml(out, case_explain(result, arena));
	buf_addstr(out, "\"/>\n");
}

static void write_case(const struct run *run, const struct case_result *result, struct arena *arena,
		       struct buf *out)
{
	buf_addstr(out, "    <testcase classname=\"");
	add_xml(out, run->suite);
	buf_addstr(out, ".");
	add_xml(out, result->kind);
	buf_addstr(out, "\" name=\"");
	add_xml(out, result->name);
	buf_printf(out, "\" time=\"%.3f\">\n", (double)result->duration_ns / 1e9);
	write_result(result, arena, out);
	add_element(out, "system-out", result->out);
	add_element(out, "system-err", result->errout);
	buf_addstr(out, "    </testcase>\n");
}

static void write_property(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(out, "      <property name=\"%s\" value=\"", name);
	add_xml(out, value);
	buf_addstr(out, "\"/>\n");
}

static void write_junit(const struct run *run, const struct report_options *options,
			struct buf *out)
{
	struct arena *arena = arena_new();
	unsigned failures = 0, errors = 0, skipped = 0;

	(void)options;
	for (size_t i = 0; i < run->case_count; i++) {
		enum outcome outcome = run->cases[i].outcome;

		failures += outcome_is_failure(outcome);
		skipped += outcome == OUTCOME_SKIP || outcome == OUTCOME_NOTRUN;
		errors += outcome == OUTCOME_BROKEN || outcome == OUTCOME_INCOMPLETE;
	}
	buf_addstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  "
			"<testsuite name=\"");
	add_xml(out, run->suite);
	buf_printf(out,
		   "\" tests=\"%zu\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" "
		   "time=\"%.3f\" timestamp=\"%s\">\n    <properties>\n",
		   run->case_count, failures, errors, skipped, (double)run->duration_ns / 1e9,
		   run->started_at ? run->started_at : "");
	write_property(out, "assay.run", run->id);
	write_property(out, "assay.commit", run->commit.hash);
	write_property(out, "assay.image", run->build.image_id);
	write_property(out, "assay.verdict", verdict_name(run->verdict));
	write_property(out, "assay.reason", run->reason);
	buf_addstr(out, "    </properties>\n");
	for (size_t i = 0; i < run->case_count; i++)
		write_case(run, &run->cases[i], arena, out);
	buf_addstr(out, "  </testsuite>\n</testsuites>\n");
	arena_free(arena);
}

const struct report_ops report_junit = {
	.format = "junit",
	.summary = "JUnit XML",
	.write = write_junit,
};
