/* Build arguments, by the rules of Docker's shell lexer. */
#include "parse/dockerfile_args.h"

#include "base/buf.h"

#include <string.h>

struct expansion {
	const struct dockerfile_args *args;
	struct buf out;
};

static void expand(struct expansion *ex, const char *at, const char *end, unsigned depth);

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_name(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

bool dockerfile__word(const char **at, const char **word, size_t *len)
{
	const char *p = *at;
	char quote = '\0';

	while (is_space(*p))
		p++;
	*word = p;
	for (; *p && (quote || !is_space(*p)); p++) {
		if (quote) {
			if (*p == quote)
				quote = '\0';
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		}
	}
	*len = (size_t)(p - *word);
	*at = p;
	return *len > 0;
}

static const char *lookup(const struct dockerfile_args *args, const char *name, size_t len)
{
	for (size_t i = args->count; i-- > 0;) {
		const char *key = args->known[i].key;

		if (!strncmp(key, name, len) && !key[len])
			return args->known[i].value;
	}
	return NULL;
}

/* "X}" or "X:-d}" behind "${"; returns what follows the brace, NULL when it is not closed. */
static const char *braced(struct expansion *ex, const char *at, const char *end, unsigned depth)
{
	const char *name = at, *word, *value;
	unsigned open = 1;
	size_t name_len;
	bool colon;

	while (at < end && is_name(*at))
		at++;
	name_len = (size_t)(at - name);
	word = at;
	for (; at < end; at++) {
		if (*at == '{')
			open++;
		else if (*at == '}' && --open == 0)
			break;
	}
	if (at == end)
		return NULL;
	value = lookup(ex->args, name, name_len);
	colon = *word == ':';
	word += colon;
	if (value && colon && !*value && word < at && (*word == '-' || *word == '+'))
		value = NULL; /* ":" counts empty as absent */
	if (word < at && *word == '+') {
		if (value)
			expand(ex, word + 1, at, depth + 1);
	} else if (value) {
		buf_addstr(&ex->out, value);
	} else if (word < at && *word == '-') {
		expand(ex, word + 1, at, depth + 1);
	}
	return at + 1;
}

static const char *dollar(struct expansion *ex, const char *at, const char *end, unsigned depth)
{
	const char *name = at, *value, *after;

	if (at < end && *at == '{') {
		after = braced(ex, at + 1, end, depth);
		if (after)
			return after;
	}
	while (at < end && is_name(*at))
		at++;
	if (at == name) {
		buf_addstr(&ex->out, "$");
		return at;
	}
	value = lookup(ex->args, name, (size_t)(at - name));
	buf_addstr(&ex->out, value ? value : "");
	return at;
}

static void expand(struct expansion *ex, const char *at, const char *end, unsigned depth)
{
	char quote = '\0';

	if (depth > DOCKERFILE_NEST_MAX)
		return;
	while (at < end && !ex->out.truncated) {
		char c = *at++;

		if ((c == '"' || c == '\'') && (!quote || quote == c)) {
			quote = quote ? '\0' : c;
		} else if (c == ex->args->escape && at < end && quote != '\'') {
			buf_add(&ex->out, at++, 1);
		} else if (c == '$' && quote != '\'') {
			at = dollar(ex, at, end, depth);
		} else {
			buf_add(&ex->out, &c, 1);
		}
	}
}

const char *dockerfile__expand(const struct dockerfile_args *args, const char *word, size_t len)
{
	struct expansion ex = {.args = args};
	const char *out;

	buf_init(&ex.out, DOCKERFILE_VALUE_MAX);
	expand(&ex, word, word + len, 0);
	out = arena_strdup(args->arena, buf_str(&ex.out));
	buf_done(&ex.out);
	return out;
}

static const char *given_value(const struct pairs *given, const char *name)
{
	for (size_t i = 0; given && i < given->count; i++)
		if (!strcmp(given->items[i].key, name))
			return given->items[i].value;
	return NULL;
}

void dockerfile__declare(struct dockerfile_args *args, const char *text)
{
	const char *word;
	size_t len;

	while (dockerfile__word(&text, &word, &len) && args->count < DOCKERFILE_ARGS_MAX) {
		const char *equals = memchr(word, '=', len);
		size_t name_len = equals ? (size_t)(equals - word) : len;
		const char *name = dockerfile__expand(args, word, name_len);
		const char *value = given_value(args->given, name);
		struct pair *pair;

		if (!value && equals)
			value = dockerfile__expand(args, equals + 1, len - name_len - 1);
		if (!value)
			continue;
		pair = arena_push(args->arena, &args->known, &args->count, sizeof(*pair));
		*pair = (struct pair){name, value};
	}
}
