#include "prompt/expect.h"

#include "base/pattern.h"
#include "prompt/expect_private.h"

#include <string.h>

#define HEADER_BYTES_MAX 4096 /* of a value that is looked at */
#define STATUS_DEFAULT 200

void expect__add(const struct expect_look *look, const char *label, const char *where,
		 const char *expected, const char *actual)
{
	struct expect_finding *finding;

	if (look->out->count >= EXPECT_FINDINGS_MAX)
		return;
	finding = arena_push(look->arena, &look->out->items, &look->out->count, sizeof(*finding));
	*finding = (struct expect_finding){label, expected, actual, where};
}

/* --- status and headers ---------------------------------------------------------------------- */

static void judge_status(const struct expect_look *look)
{
	int64_t wanted = look->expect->status;

	if (wanted == FIELD_ABSENT_INT)
		wanted = STATUS_DEFAULT;
	if (look->answer->status != wanted)
		expect__add(look, "prompt/status", "status",
			    arena_printf(look->arena, "%lld", (long long)wanted),
			    arena_printf(look->arena, "%d", look->answer->status));
}

/* A success that tells of an error is none. */
static void judge_error(const struct expect_look *look)
{
	const char *error = look->answer->reply->error;

	if (error && look->answer->status / 100 == 2)
		expect__add(look, "prompt/error-in-reply", "the answer", "no error",
			    arena_printf(look->arena, "'%s'", error));
}

/* The value of the last header NAME, NULL when there is none. */
static const char *find_header(const struct expect_look *look, const char *name)
{
	const char *line = look->answer->headers, *found = NULL;
	size_t name_len = strlen(name);

	while (line && *line) {
		size_t len = strcspn(line, "\r\n");

		if (len > name_len && line[name_len] == ':' &&
		    strncasecmp(line, name, name_len) == 0) {
			const char *value = line + name_len + 1;
			size_t value_len;

			value += strspn(value, " \t");
			value_len = strcspn(value, "\r\n");
			while (value_len && strchr(" \t", value[value_len - 1]))
				value_len--;
			found = arena_strndup(look->arena, value,
					      value_len < HEADER_BYTES_MAX ? value_len
									   : HEADER_BYTES_MAX);
		}
		line += len;
		line += strspn(line, "\r\n");
	}
	return found;
}

static int judge_header(const struct expect_look *look, const struct expect_header *spec)
{
	const char *value = find_header(look, spec->name), *expected = NULL;
	int matched = spec->matches ? 0 : 1;

	if (spec->matches && value)
		matched = pattern_find(spec->matches, value, strlen(value), NULL, NULL, look->err);
	if (matched < 0)
		return -1;
	if (spec->exists == 0)
		expected = value ? "no such header" : NULL;
	else if (!value)
		expected = spec->equals ? arena_printf(look->arena, "'%s'", spec->equals)
					: "such a header";
	else if (spec->equals && strcmp(spec->equals, value) != 0)
		expected = arena_printf(look->arena, "'%s'", spec->equals);
	else if (spec->contains && !strstr(value, spec->contains))
		expected = arena_printf(look->arena, "a value with '%s'", spec->contains);
	else if (!matched)
		expected = arena_printf(look->arena, "a match of /%s/", spec->matches);
	if (expected)
		expect__add(look, "prompt/header-mismatch",
			    arena_printf(look->arena, "header %s", spec->name), expected,
			    value ? arena_printf(look->arena, "'%s'", value) : "none");
	return 0;
}

static int judge_headers(const struct expect_look *look)
{
	const struct expect_header *headers = look->expect->headers.items;

	for (size_t i = 0; i < look->expect->headers.count; i++)
		if (judge_header(look, &headers[i]) < 0)
			return -1;
	return 0;
}

/* --- text ------------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *trimmed(const struct expect_look *look, const char *text)
{
	size_t len;

	while (is_blank(*text))
		text++;
	len = strlen(text);
	while (len && is_blank(text[len - 1]))
		len--;
	return arena_strndup(look->arena, text, len);
}

static const char *quoted(const struct expect_look *look, const char *text)
{
	return *text ? arena_printf(look->arena, "'%s'", text) : "an empty text";
}

static void text_is(const struct expect_look *look, const char *expected, const char *text)
{
	expect__add(look, "prompt/text-mismatch", "the text", expected, quoted(look, text));
}

static void judge_contained(const struct expect_look *look, const char *text)
{
	const struct expect *expect = look->expect;

	for (size_t i = 0; i < expect->contains.count; i++)
		if (!strstr(text, expect->contains.items[i]))
			text_is(look,
				arena_printf(look->arena, "a text with '%s'",
					     expect->contains.items[i]),
				text);
	for (size_t i = 0; i < expect->not_contains.count; i++)
		if (strstr(text, expect->not_contains.items[i]))
			text_is(look,
				arena_printf(look->arena, "no '%s'", expect->not_contains.items[i]),
				text);
}

static int judge_patterns(const struct expect_look *look, const struct strings *patterns,
			  bool wanted, const char *text)
{
	for (size_t i = 0; i < patterns->count; i++) {
		int found =
			pattern_find(patterns->items[i], text, strlen(text), NULL, NULL, look->err);

		if (found < 0)
			return -1;
		if ((found == 1) != wanted)
			text_is(look,
				arena_printf(look->arena, "%s match of /%s/", wanted ? "a" : "no",
					     patterns->items[i]),
				text);
	}
	return 0;
}

static void judge_golden(const struct expect_look *look, const char *text)
{
	const char *golden = look->answer->golden;

	if (!golden)
		expect__add(look, "prompt/golden-missing", "the golden file",
			    "a golden of this case", "none");
	else if (strcmp(golden, text) != 0)
		expect__add(look, "prompt/golden-differs", "the text", quoted(look, golden),
			    quoted(look, text));
}

static void judge_similar(const struct expect_look *look, const char *text)
{
	const struct expect_similar *similar = look->expect->similar;
	const char *to = similar->to ? similar->to : look->answer->golden;
	double found;

	if (!to) {
		expect__add(look, "prompt/golden-missing", "the golden file",
			    "a golden of this case", "none");
		return;
	}
	found = expect_similarity(text, to, (unsigned)similar->n, look->arena);
	if (found < similar->min)
		expect__add(look, "prompt/not-similar", "the text",
			    arena_printf(look->arena, "a similarity of at least %.3g to '%s'",
					 similar->min, to),
			    arena_printf(look->arena, "%.3f with '%s'", found, text));
}

static bool looks_at_text(const struct expect *expect)
{
	return expect->equals || expect->contains.count || expect->not_contains.count ||
	       expect->matches.count || expect->not_matches.count || expect->similar ||
	       expect->golden;
}

static int judge_text(const struct expect_look *look)
{
	const struct expect *expect = look->expect;
	const char *text = look->answer->reply->text;

	if (!looks_at_text(expect))
		return 0;
	if (!text) {
		expect__add(look, "prompt/no-text", "the answer", "a generated text",
			    "none where this template keeps it");
		return 0;
	}
	if (expect->equals && strcmp(trimmed(look, expect->equals), trimmed(look, text)) != 0)
		text_is(look, quoted(look, expect->equals), text);
	judge_contained(look, text);
	if (judge_patterns(look, &expect->matches, true, text) < 0 ||
	    judge_patterns(look, &expect->not_matches, false, text) < 0)
		return -1;
	if (expect->golden)
		judge_golden(look, text);
	if (expect->similar)
		judge_similar(look, text);
	return 0;
}

/* --- how it ended ---------------------------------------------------------------------------- */

static void judge_tokens(const struct expect_look *look)
{
	int64_t least = look->expect->tokens_min, most = look->expect->tokens_max;
	int64_t tokens = look->answer->reply->tokens;
	const char *found = tokens < 0 ? "the server does not say"
				       : arena_printf(look->arena, "%lld", (long long)tokens);

	if (least != FIELD_ABSENT_INT && tokens < least)
		expect__add(look, "prompt/token-count", "the count of tokens",
			    arena_printf(look->arena, "at least %lld", (long long)least), found);
	if (most != FIELD_ABSENT_INT && (tokens < 0 || tokens > most))
		expect__add(look, "prompt/token-count", "the count of tokens",
			    arena_printf(look->arena, "at most %lld", (long long)most), found);
}

static void judge_finish(const struct expect_look *look)
{
	const char *wanted = look->expect->finish, *found = look->answer->reply->finish;

	if (wanted && (!found || strcmp(wanted, found) != 0))
		expect__add(look, "prompt/finish-reason", "the finish reason",
			    arena_printf(look->arena, "'%s'", wanted),
			    found ? arena_printf(look->arena, "'%s'", found) : "none");
}

int expect_judge(const struct expect *expect, const struct expect_answer *answer,
		 struct arena *arena, struct expect_findings *out, struct err *err)
{
	const struct expect_look look = {expect, answer, arena, out, err};

	judge_status(&look);
	judge_error(&look);
	if (judge_headers(&look) < 0 || expect__judge_json(&look) < 0 || judge_text(&look) < 0)
		return -1;
	judge_finish(&look);
	judge_tokens(&look);
	return 0;
}
