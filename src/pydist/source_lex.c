#include "pydist/source_lex.h"

#include <string.h>

#define NESTING_MAX 16 /* f-strings inside f-strings */
#define PREFIX_MAX 2   /* letters before a quote: "rb" */

/* Bytes at which a logical line may end or change: quotes, comments, brackets, breaks. */
static const bool special[256] = {
	['\n'] = true, ['\r'] = true, ['\''] = true, ['"'] = true, ['#'] = true, ['('] = true,
	[')'] = true,  ['['] = true,  [']'] = true,  ['{'] = true, ['}'] = true, ['\\'] = true,
};

static bool name_byte(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The letters of a string's prefix before QUOTE, none when they belong to a longer name. */
static size_t prefix_before(const char *begin, const char *quote)
{
	size_t n = 0;

	while (n < PREFIX_MAX && quote - n > begin && quote[-(ptrdiff_t)n - 1] &&
	       strchr("rRbBuUfFtT", quote[-(ptrdiff_t)n - 1]))
		n++;
	if (quote - n > begin && name_byte(quote[-(ptrdiff_t)n - 1]))
		return 0;
	return n;
}

struct string_form {
	bool raw, fields, triple;
	char quote;
};

static struct string_form form_of(const char *prefix, const char *quote, const char *end)
{
	struct string_form form = {.quote = *quote};

	for (; prefix < quote; prefix++) {
		char c = (char)(*prefix | 0x20);

		form.raw |= c == 'r';
		form.fields |= c == 'f' || c == 't';
	}
	form.triple = end - quote >= 3 && quote[1] == *quote && quote[2] == *quote;
	return form;
}

static const char *skip_string(const char *prefix, const char *quote, const char *end,
			       unsigned nesting);

static bool closes(const struct string_form *form, const char *at, const char *end)
{
	if (*at != form->quote)
		return false;
	return !form->triple || (end - at >= 3 && at[1] == form->quote && at[2] == form->quote);
}

/* Behind the "}" of a replacement field whose "{" is before AT. A single-quoted string that ends
 * in the middle of a field is no Python; the field then ends with the line. */
static const char *skip_field(const struct string_form *form, const char *at, const char *end,
			      unsigned nesting)
{
	unsigned depth = 0;
	bool spec = false; /* behind the colon: text again, with fields of its own */

	while (at < end) {
		if (*at == '\n' && !form->triple)
			return at;
		if (spec && (closes(form, at, end) || *at == '}'))
			return *at == '}' ? at + 1 : at;
		if (*at == '{' && spec) {
			if (nesting >= NESTING_MAX)
				return end;
			at = skip_field(form, at + 1, end, nesting + 1);
			continue;
		}
		if (!spec && (*at == '\'' || *at == '"')) {
			at = skip_string(at - prefix_before(at - 2, at), at, end, nesting + 1);
			continue;
		}
		if (spec) {
			at++;
			continue;
		}
		if (*at == '(' || *at == '[' || *at == '{')
			depth++;
		else if (*at == '}' && depth == 0)
			return at + 1;
		else if ((*at == ')' || *at == ']' || *at == '}') && depth > 0)
			depth--;
		else if (*at == ':' && depth == 0)
			spec = true;
		at++;
	}
	return end;
}

static const char *skip_escape(const struct string_form *form, const char *at, const char *end)
{
	if (end - at < 2)
		return end;
	if (form->fields && !form->raw && end - at > 3 && at[1] == 'N' && at[2] == '{') {
		const char *close = memchr(at, '}', (size_t)(end - at));

		return close ? close + 1 : end;
	}
	if (form->fields && (at[1] == '{' || at[1] == '}'))
		return at + 1;
	if (at[1] == '\r' && end - at > 2 && at[2] == '\n')
		return at + 3;
	return at + 2;
}

/* Behind the string whose first quote is QUOTE; an unfinished one ends with its line, or with the
 * text when it is a triple one. */
static const char *skip_string(const char *prefix, const char *quote, const char *end,
			       unsigned nesting)
{
	struct string_form form = form_of(prefix, quote, end);
	const char *at = quote + (form.triple ? 3 : 1);

	while (at < end) {
		if (closes(&form, at, end))
			return at + (form.triple ? 3 : 1);
		if (*at == '\\')
			at = skip_escape(&form, at, end);
		else if (!form.triple && (*at == '\n' || *at == '\r'))
			return at;
		else if (form.fields && *at == '{' && end - at > 1 && at[1] == '{')
			at += 2;
		else if (form.fields && *at == '{' && nesting < NESTING_MAX)
			at = skip_field(&form, at + 1, end, nesting);
		else
			at++;
	}
	return end;
}

static unsigned count_breaks(const char *at, const char *end)
{
	unsigned count = 0;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		at++;
		count++;
	}
	return count;
}

void py_lexer_start(struct py_lexer *lexer, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";

	*lexer = (struct py_lexer){text, text + len, 1};
	if (len >= 3 && !memcmp(text, mark, 3))
		lexer->at += 3;
}

static const char *comment_end(const char *at, const char *end)
{
	while (at < end && *at != '\n' && *at != '\r')
		at++;
	return at;
}

/* Behind the line break at AT. */
static const char *skip_break(struct py_lexer *lexer, const char *at)
{
	lexer->line++;
	if (*at == '\r' && lexer->end - at > 1 && at[1] == '\n')
		return at + 2;
	return at + 1;
}

static const char *skip_indent(const char *at, const char *end, unsigned *indent)
{
	*indent = 0;
	for (; at < end; at++) {
		if (*at == ' ')
			(*indent)++;
		else if (*at == '\t')
			*indent = (*indent / 8 + 1) * 8;
		else if (*at == '\f')
			*indent = 0;
		else
			break;
	}
	return at;
}

/* To the first line that holds code; false at the end of the text. */
static bool find_code(struct py_lexer *lexer, unsigned *indent)
{
	while (lexer->at < lexer->end) {
		const char *at = skip_indent(lexer->at, lexer->end, indent);

		if (at < lexer->end && *at == '#')
			at = comment_end(at, lexer->end);
		if (at == lexer->end)
			break;
		if (*at != '\n' && *at != '\r') {
			lexer->at = at;
			return true;
		}
		lexer->at = skip_break(lexer, at);
	}
	lexer->at = lexer->end;
	return false;
}

bool py_lexer_next(struct py_lexer *lexer, struct py_line *out)
{
	const char *at, *end = lexer->end, *next;
	unsigned depth = 0;

	if (!find_code(lexer, &out->indent))
		return false;
	out->at = at = lexer->at;
	out->number = lexer->line;
	for (;;) {
		while (at < end && !special[(unsigned char)*at])
			at++;
		if (at == end)
			break;
		if (*at == '\n' || *at == '\r') {
			if (depth == 0)
				break;
			at = skip_break(lexer, at);
		} else if (*at == '\\') {
			at++;
			if (at < end && (*at == '\n' || *at == '\r'))
				at = skip_break(lexer, at);
		} else if (*at == '#') {
			at = comment_end(at, end);
		} else if (*at == '\'' || *at == '"') {
			next = skip_string(at - prefix_before(out->at, at), at, end, 0);
			lexer->line += count_breaks(at, next);
			at = next;
		} else {
			if (*at == '(' || *at == '[' || *at == '{')
				depth++;
			else if (depth > 0)
				depth--;
			at++;
		}
	}
	out->end = at;
	lexer->at = at < end ? skip_break(lexer, at) : end;
	return true;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end) {
		if (*at == '#')
			at = comment_end(at, end);
		else if (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r' || *at == '\f' ||
			 *at == '\\')
			at++;
		else
			break;
	}
	return at;
}

/* Length of the name at AT, or of the string when it is a string's prefix. */
static const char *read_word(const char *at, const char *end, enum py_token_kind *kind)
{
	const char *stop = at;

	while (stop < end && name_byte(*stop))
		stop++;
	*kind = PY_NAME;
	if (stop < end && (*stop == '\'' || *stop == '"') && stop - at <= PREFIX_MAX &&
	    prefix_before(at, stop) == (size_t)(stop - at)) {
		*kind = PY_STRING;
		return skip_string(at, stop, end, 0);
	}
	return stop;
}

static const char *read_number(const char *at, const char *end)
{
	while (at < end && (name_byte(*at) || *at == '.'))
		at++;
	return at;
}

static const char *read_op(const char *at, const char *end, struct py_token *out)
{
	char next = end - at > 1 ? at[1] : '\0';

	out->op = *at;
	if (next == '=' && strchr("=!<>", *at)) {
		out->op = 'c';
		return at + 2;
	}
	if (next == '=' && *at == ':') {
		out->op = 'w';
		return at + 2;
	}
	if (next == '=' && strchr("+-*/%&|^@", *at)) {
		out->op = 'a';
		return at + 2;
	}
	if (next == '>' && *at == '-') {
		out->op = 'c';
		return at + 2;
	}
	if (next == *at && strchr("*/<>", *at) && end - at > 2 && at[2] == '=') {
		out->op = 'a';
		return at + 3;
	}
	return at + 1;
}

void py_token_next(struct py_tokens *tokens, struct py_token *out)
{
	const char *at = skip_blanks(tokens->at, tokens->end), *end = tokens->end, *stop;

	*out = (struct py_token){.at = at, .depth = tokens->depth};
	if (at == end) {
		tokens->at = end;
		return;
	}
	if (*at == '\'' || *at == '"') {
		out->kind = PY_STRING;
		stop = skip_string(at, at, end, 0);
	} else if (digit(*at) || (*at == '.' && end - at > 1 && digit(at[1]))) {
		out->kind = PY_NUMBER;
		stop = read_number(at, end);
	} else if (name_byte(*at)) {
		stop = read_word(at, end, &out->kind);
	} else {
		out->kind = PY_OP;
		stop = read_op(at, end, out);
		if (strchr("([{", out->op) && out->op) {
			tokens->depth++;
		} else if (out->op && strchr(")]}", out->op) && tokens->depth > 0) {
			tokens->depth--;
			out->depth--;
		}
	}
	out->len = (size_t)(stop - at);
	tokens->at = stop;
}

bool py_token_is(const struct py_token *token, const char *name)
{
	return token->kind == PY_NAME && token->len == strlen(name) &&
	       !memcmp(token->at, name, token->len);
}

bool py_token_op(const struct py_token *token, char op)
{
	return token->kind == PY_OP && token->op == op;
}

bool py_token_text(const struct py_token *token, const char **text, size_t *len)
{
	const char *at = token->at, *end = token->at + token->len;
	size_t quotes;

	if (token->kind != PY_STRING)
		return false;
	while (at < end && *at != '\'' && *at != '"') {
		if (!strchr("rRuU", *at))
			return false;
		at++;
	}
	quotes = end - at >= 6 && at[1] == *at && at[2] == *at ? 3 : 1;
	if ((size_t)(end - at) < 2 * quotes || end[-1] != *at)
		return false;
	*text = at + quotes;
	*len = (size_t)(end - at) - 2 * quotes;
	return !memchr(*text, '\\', *len);
}
