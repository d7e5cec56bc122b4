/* One PEP 508 requirement: name[extras] specifier-or-@url ; marker. */
#include "pydist/requirement.h"

#include "parse/version.h"
#include "pydist/text.h"

#include <string.h>

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

const char *py_normalise(const char *name, struct arena *arena)
{
	char *out = arena_alloc(arena, strlen(name) + 1), *to = out;

	for (; *name; name++) {
		bool separator = *name == '-' || *name == '_' || *name == '.';

		if (separator && to > out && to[-1] == '-')
			continue;
		*to++ = separator ? '-' : (char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name);
	}
	return out;
}

static void skip(const char **at)
{
	*at += strspn(*at, " \t");
}

static int take_name(const char **at, struct arena *arena, struct requirement *out, struct err *err)
{
	size_t len = 0;

	while (is_name((*at)[len]))
		len++;
	if (!len || strchr("._-", **at) || strchr("._-", (*at)[len - 1]))
		return err_set(err, ERR_USAGE, "'%.60s' begins with no package name", *at);
	out->name = arena_strndup(arena, *at, len);
	out->normalised = py_normalise(out->name, arena);
	*at += len;
	return 0;
}

static bool is_word(char c)
{
	return is_name(c) && !strchr("._-", c);
}

static int take_extras(const char **at, struct arena *arena, struct requirement *out,
		       struct err *err)
{
	const char *p = *at + strspn(*at, " \t");

	*at = p;
	if (*p != '[')
		return 0;
	do {
		size_t len = 0;

		p += 1 + strspn(p + 1, " \t");
		while (is_name(p[len]))
			len++;
		if (!len && *p == ']' && !out->extras.count)
			break; /* "[]" is none */
		if (!len || !is_word(p[0]) || !is_word(p[len - 1]))
			return err_set(err, ERR_USAGE, "'%.60s' is no name of an extra", p);
		text_push(&out->extras, py_normalise(arena_strndup(arena, p, len), arena), arena);
		p += len + strspn(p + len, " \t");
	} while (*p == ',');
	if (*p != ']')
		return err_set(err, ERR_USAGE, "'[' without ']'");
	*at = p + 1;
	return 0;
}

/* Without blanks, which mean nothing in it, and without the parentheses around. */
static int take_specifier(struct text_line part, struct arena *arena, struct requirement *out,
			  struct err *err)
{
	char *text = arena_alloc(arena, part.len + 1);
	size_t len = 0;

	if (part.len && *part.at == '(') {
		if (part.at[part.len - 1] != ')')
			return err_set(err, ERR_USAGE, "'(' without ')'");
		part.at++;
		part.len -= 2;
	}
	for (size_t i = 0; i < part.len; i++) {
		if (part.at[i] == ' ' || part.at[i] == '\t')
			continue;
		if (part.at[i] < ' ')
			return err_set(err, ERR_USAGE, "a control character in a specifier");
		text[len++] = part.at[i];
	}
	if (len > 1 && text[len - 1] == ',')
		text[--len] = '\0'; /* old metadata ends so */
	if (len && version_constraint_check(VERSION_PEP440, text, err) < 0)
		return -1;
	out->specifier = text;
	return 0;
}

/* "@ URL" up to a blank: a URL may hold ';'. */
static int take_url(const char **at, struct arena *arena, struct requirement *out, struct err *err)
{
	const char *url = *at + 1 + strspn(*at + 1, " \t");
	size_t len = strcspn(url, " \t");

	if (!len || *url == ';')
		return err_set(err, ERR_USAGE, "'@' without a URL");
	out->url = arena_strndup(arena, url, len);
	out->specifier = "";
	*at = url + len + strspn(url + len, " \t");
	return 0;
}

static int take_marker(const char *text, struct arena *arena, struct requirement *out,
		       struct err *err)
{
	static const struct py_environment any = {"3", "3", "", "", NULL};
	bool known;

	out->marker = text_copy(text_trim((struct text_line){text, strlen(text)}), arena);
	(void)requirement_applies(out->marker, &any, &known);
	return known ? 0 : err_set(err, ERR_USAGE, "'%.60s' is no marker", out->marker);
}

static int take_rest(const char *at, struct arena *arena, struct requirement *out, struct err *err)
{
	size_t len;

	skip(&at);
	if (*at == '@') {
		if (take_url(&at, arena, out, err) < 0)
			return -1;
	} else {
		len = strcspn(at, ";");
		if (take_specifier(text_trim((struct text_line){at, len}), arena, out, err) < 0)
			return -1;
		at += len;
	}
	if (*at == ';')
		return take_marker(at + 1, arena, out, err);
	return *at ? err_set(err, ERR_USAGE, "'%.60s' after the URL", at) : 0;
}

int requirement_parse(const char *line, struct arena *arena, struct requirement *out,
		      struct err *err)
{
	struct requirement requirement = {0};
	const char *at = line;

	if (strlen(line) > REQUIREMENT_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "a requirement of more than %d bytes",
			       REQUIREMENT_BYTES_MAX);
	skip(&at);
	if (take_name(&at, arena, &requirement, err) < 0 ||
	    take_extras(&at, arena, &requirement, err) < 0 ||
	    take_rest(at, arena, &requirement, err) < 0)
		return -1;
	*out = requirement;
	return 0;
}
