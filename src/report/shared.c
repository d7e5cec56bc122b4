#include "report/report_private.h"

#include <string.h>

#define REPLACEMENT 0xFFFD

/* Length of the sequence that LEAD begins, 0 when no sequence begins so. */
static size_t sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xC2 && lead <= 0xDF)
		return 2;
	if (lead >= 0xE0 && lead <= 0xEF)
		return 3;
	return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/* Code point of the LEN bytes at P; REPLACEMENT when they are none (RFC 3629). */
static uint32_t decode(const unsigned char *p, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c = len == 1 ? p[0] : p[0] & (0x7Fu >> len);

	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xC0) != 0x80) /* also the NUL at the end */
			return REPLACEMENT;
		c = c << 6 | (p[i] & 0x3Fu);
	}
	if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return REPLACEMENT;
	return c;
}

uint32_t report_next(const char **text, const char **bytes, size_t *len)
{
	const unsigned char *p = (const unsigned char *)*text;
	size_t need = sequence_length(*p);
	uint32_t c = need ? decode(p, need) : REPLACEMENT;

	if (!*p)
		return 0;
	if (c == REPLACEMENT) {
		bool written = strncmp(*text, "\xEF\xBF\xBD", 3) == 0;

		*bytes = "\xEF\xBF\xBD";
		*len = 3;
		*text += written ? 3 : 1;
		return c;
	}
	*bytes = *text;
	*len = need;
	*text += need;
	return c;
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

		if (outcome == OUTCOME_PASS)
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
