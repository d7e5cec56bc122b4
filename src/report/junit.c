/* JUnit XML as Jenkins, GitLab and GitHub readers take it: failure, error and skipped apart. */
#include "report/report_private.h"

#include <string.h>

/* XML 1.0 has no way to write most controls, nor U+FFFE and U+FFFF, not even escaped. */
static bool forbidden(uint32_t c)
{
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c & 0xFFFE) == 0xFFFE;
}

/* Markup, and white space that a reader would normalise in attributes, as references. */
static void add_xml(struct buf *out, const char *text, bool attribute)
{
	const char *bytes;
	uint32_t c;
	size_t len;

	while (text && (c = report_next(&text, &bytes, &len))) {
		if (forbidden(c))
			buf_addstr(out, "\xEF\xBF\xBD");
		else if (c == '<')
			buf_addstr(out, "&lt;");
		else if (c == '>')
			buf_addstr(out, "&gt;");
		else if (c == '&')
			buf_addstr(out, "&amp;");
		else if (c == '"')
			buf_addstr(out, "&quot;");
		else if (c == '\r' || (attribute && (c == '\n' || c == '\t')))
			buf_printf(out, "&#%u;", (unsigned)c);
		else
			buf_add(out, bytes, len);
	}
}

static void add_attribute(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, " %s=\"", name);
	add_xml(out, value, true);
	buf_addstr(out, "\"");
}

static void add_element(struct buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	buf_printf(out, "      <%s>", name);
	add_xml(out, text, false);
	buf_printf(out, "</%s>\n", name);
}

static void add_detail(struct buf *out, const char *name, const char *text)
{
	if (!text)
		return;
	buf_printf(out, "%s: ", name);
	add_xml(out, text, false);
	buf_addstr(out, "\n");
}

/* NULL: a pass. An excused failure is a skip with the reason, as pytest writes it; one that nobody
 * can decide must not be green. */
static const char *element_of(const struct case_result *result)
{
	enum mark mark = case_mark(result);

	if (mark == MARK_XFAIL || mark == MARK_QUARANTINED || result->outcome == OUTCOME_SKIP ||
	    result->outcome == OUTCOME_NOTRUN)
		return "skipped";
	if (case_verdict(result) == VERDICT_FAIL)
		return "failure";
	return result->outcome == OUTCOME_PASS ? NULL : "error";
}

static const char *type_of(const struct case_result *result)
{
	if (case_mark(result) == MARK_XPASS || case_mark(result) == MARK_FLAKY || !result->label)
		return case_shown(result);
	return result->label;
}

static void add_result(const struct case_result *result, const char *element, struct arena *arena,
		       struct buf *out)
{
	bool skipped = strcmp(element, "skipped") == 0;

	buf_printf(out, "      <%s", element);
	if (!skipped)
		add_attribute(out, "type", type_of(result));
	else if (case_mark(result))
		add_attribute(out, "type", case_shown(result));
	add_attribute(out, "message", case_explain(result, arena));
	if (skipped) {
		buf_addstr(out, "/>\n");
		return;
	}
	buf_addstr(out, ">");
	add_detail(out, "expected", result->expected);
	add_detail(out, "found", result->actual);
	add_detail(out, "where", result->where);
	add_detail(out, "advice", result->advice);
	add_detail(out, "reason", result->reason);
	add_detail(out, "change", result->flip ? flip_name(result->flip) : NULL);
	buf_printf(out, "</%s>\n", element);
}

static void add_case(const struct run *run, const struct case_result *result, struct arena *arena,
		     struct buf *out)
{
	const char *element = element_of(result);
	const char *class = arena_printf(arena, "%s.%s", run->suite ? run->suite : "assay",
					 result->kind ? result->kind : "check");

	buf_addstr(out, "    <testcase");
	add_attribute(out, "classname", class);
	add_attribute(out, "name", result->name);
	buf_printf(out, " time=\"%.3f\">\n", (double)result->duration_ns / 1e9);
	if (element)
		add_result(result, element, arena, out);
	add_element(out, "system-out", result->out);
	add_element(out, "system-err", result->errout);
	buf_addstr(out, "    </testcase>\n");
}

/* Readers see only cases: a run that measured nothing gets one that says so, or it would be
 * green. */
static void add_empty(const struct run *run, struct buf *out)
{
	buf_addstr(out, "    <testcase");
	add_attribute(out, "classname", run->suite);
	buf_addstr(out, " name=\"verdict\" time=\"0.000\">\n      <error type=\"empty\"");
	add_attribute(out, "message", run->reason);
	buf_addstr(out, "/>\n    </testcase>\n");
}

static void add_property(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_addstr(out, "      <property");
	add_attribute(out, "name", name);
	add_attribute(out, "value", value);
	buf_addstr(out, "/>\n");
}

static void add_totals(const struct run *run, struct buf *out)
{
	size_t empty = run->verdict == VERDICT_EMPTY, counts[3] = {0, empty, 0};

	for (size_t i = 0; i < run->case_count; i++) {
		const char *element = element_of(&run->cases[i]);

		if (element)
			counts[*element == 'f' ? 0 : *element == 'e' ? 1 : 2]++;
	}
	add_attribute(out, "name", run->suite);
	buf_printf(out,
		   " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\"",
		   run->case_count + empty, counts[0], counts[1], counts[2],
		   (double)run->duration_ns / 1e9);
}

static void write_junit(const struct run *run, const struct report_options *options,
			struct buf *out)
{
	struct arena *arena = arena_new();

	(void)options;
	buf_addstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	add_totals(run, out);
	buf_addstr(out, ">\n  <testsuite");
	add_totals(run, out);
	add_attribute(out, "timestamp", run->started_at);
	buf_addstr(out, ">\n    <properties>\n");
	add_property(out, "assay.run", run->id);
	add_property(out, "assay.commit", run->commit.hash);
	add_property(out, "assay.image", run->build.image_id);
	add_property(out, "assay.verdict", verdict_name(run->verdict));
	add_property(out, "assay.reason", run->reason);
	buf_addstr(out, "    </properties>\n");
	for (size_t i = 0; i < run->case_count; i++)
		add_case(run, &run->cases[i], arena, out);
	if (run->verdict == VERDICT_EMPTY)
		add_empty(run, out);
	buf_addstr(out, "  </testsuite>\n</testsuites>\n");
	arena_free(arena);
}

const struct report_ops report_junit = {
	.format = "junit",
	.summary = "JUnit XML",
	.write = write_junit,
};
