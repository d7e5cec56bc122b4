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

static int take_extras(const char **at, struct arena *arena, struct requirement *out,
		       struct err *err)
{
	const char *close;

	skip(at);
	if (**at != '[')
		return 0;
	close = strchr(*at, ']');
	if (!close)
		return err_set(err, ERR_USAGE, "'[' without ']'");
	for (const char *p = *at + 1; p < close;) {
		size_t len = 0;

		p += strspn(p, " \t,");
		while (p + len < close && is_name(p[len]))
			len++;
		if (!len && p < close)
			return err_set(err, ERR_USAGE, "'%c' in a list of extras", *p);
		if (len)
			text_push(&out->extras, py_normalise(arena_strndup(arena, p, len), arena),
				  arena);
		p += len;
	}
	*at = close + 1;
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
	for (size_t i = 0; i < part.len; i++)
		if (part.at[i] != ' ' && part.at[i] != '\t')
			text[len++] = part.at[i];
	if (len && text[len - 1] == ',')
		text[--len] = '\0'; /* old metadata ends so */
	if (len && version_constraint_check(VERSION_PEP440, text, err) < 0)
		return -1;
	out->specifier = text;
	return 0;
}

static int take_rest(const char *at, struct arena *arena, struct requirement *out, struct err *err)
{
	const char *marker;
	struct text_line part;

	skip(&at);
	/* A URL may hold ';', its marker stands behind a blank. */
	if (*at == '@') {
		at += 1 + strspn(at + 1, " \t");
		marker = strstr(at, " ;");
		part = text_trim(
			(struct text_line){at, marker ? (size_t)(marker - at) : strlen(at)});
		out->url = text_copy(part, arena);
		out->specifier = "";
		marker = marker ? marker + 1 : NULL;
		if (!part.len)
			return err_set(err, ERR_USAGE, "'@' without a URL");
	} else {
		marker = strchr(at, ';');
		part = text_trim(
			(struct text_line){at, marker ? (size_t)(marker - at) : strlen(at)});
		if (take_specifier(part, arena, out, err) < 0)
			return -1;
	}
	if (marker) {
		part = text_trim((struct text_line){marker + 1, strlen(marker + 1)});
		if (!part.len)
			return err_set(err, ERR_USAGE, "';' without a marker");
		out->marker = text_copy(part, arena);
	}
	return 0;
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
