#include "base/utf8.h"
#include "report/report_private.h"

#include <string.h>

uint32_t report_next(const char **text, const char **bytes, size_t *len)
{
	size_t left = strnlen(*text, 4), need = left ? utf8_length(*text, left) : 0;

	if (!left)
		return 0;
	*bytes = need ? *text : "\xEF\xBF\xBD"; /* U+FFFD */
	*len = need ? need : 3;
	*text += need ? need : 1;
	return utf8_decode(*bytes, *len);
}

bool report_is_control(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7F && c <= 0x9F))
		return true;
	return c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
	       (c >= 0x2066 && c <= 0x2069); /* line ends and bidirectional overrides */
}

size_t report_columns(const char *text)
{
	const char *bytes;
	size_t columns = 0, len;

	while (text && report_next(&text, &bytes, &len))
		columns++;
	return columns;
}

void report_add_line(struct buf *out, const char *text, size_t columns)
{
	bool cut = columns && report_columns(text) > columns;
	const char *bytes;
	size_t len, written = 0;
	uint32_t c;

	while (text && (!cut || written + 1 < columns) && (c = report_next(&text, &bytes, &len))) {
		if (report_is_control(c))
			buf_addstr(out, " ");
		else
			buf_add(out, bytes, len);
		written++;
	}
	if (cut)
		buf_addstr(out, "…");
}

struct counts report_count(const struct run *run)
{
	struct counts counts = {0};

	for (size_t i = 0; i < run->case_count; i++) {
		enum outcome outcome = run->cases[i].outcome;
		enum mark mark = case_mark(&run->cases[i]);

		if (mark == MARK_XFAIL)
			counts.expected++;
		else if (mark == MARK_XPASS)
			counts.unexpected++;
		else if (mark == MARK_QUARANTINED)
			counts.quarantined++;
		else if (mark == MARK_FLAKY)
			counts.flaky++;
		else if (outcome == OUTCOME_PASS)
			counts.passed++;
		else if (outcome_is_failure(outcome))
			counts.failed++;
		else if (outcome == OUTCOME_SKIP)
			counts.skipped++;
		else
			counts.undone++;
	}
	return counts;
}

const char *report_counts_text(const struct counts *counts, struct arena *arena)
{
	const struct {
		unsigned count;
		const char *word;
	} parts[] = {{counts->passed, "passed"},
		     {counts->failed, "failed"},
		     {counts->unexpected, "passed against expectation"},
		     {counts->flaky, "flaky"},
		     {counts->expected, "failed as expected"},
		     {counts->quarantined, "failed in quarantine"},
		     {counts->skipped, "skipped"},
		     {counts->undone, "not decided"}};
	const char *text = NULL;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].count)
			text = arena_printf(arena, "%s%s%u %s", text ? text : "", text ? ", " : "",
					    parts[i].count, parts[i].word);
	return text ? text : "none";
}

const struct step *report_failed_step(const struct run *run)
{
	for (size_t i = 0; i < run->build.step_count; i++)
		if (run->build.steps[i].failed)
			return &run->build.steps[i];
	return NULL;
}

bool report_is_build(const struct case_result *result)
{
	return result->kind && strcmp(result->kind, "build") == 0;
}

static void add_name(struct buf *list, const char *name)
{
	if (list->len)
		buf_addstr(list, ", ");
	buf_addstr(list, name);
}

const char *report_flip_names(const struct run *run, enum flip flip, struct arena *arena)
{
	struct buf list;
	const char *text;

	buf_init(&list, REPORT_BYTES_MAX);
	for (size_t i = 0; i < run->case_count; i++)
		if (run->cases[i].flip == flip)
			add_name(&list, run->cases[i].name);
	for (size_t i = 0; flip == FLIP_GONE && i < run->gone.count; i++)
		add_name(&list, run->gone.items[i]);
	text = list.len ? arena_strdup(arena, buf_str(&list)) : NULL;
	buf_done(&list);
	return text;
}
