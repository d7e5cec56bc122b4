/*
 * Python text as logical lines and tokens: what the scanner of source.c needs and no more.
 * Private to the room.
 */
#ifndef PYDIST_SOURCE_LEX_H
#define PYDIST_SOURCE_LEX_H

#include <stdbool.h>
#include <stddef.h>

/* One logical line: brackets, strings over lines and backslashes joined, comments inside. */
struct py_line {
	const char *at, *end; /* without indentation and line break */
	unsigned number;      /* of its first physical line, from 1 */
	unsigned indent;      /* in columns, tabs to the next multiple of 8 */
};

struct py_lexer {
	const char *at, *end;
	unsigned line;
};

void py_lexer_start(struct py_lexer *lexer, const char *text, size_t len);
/* The next line that holds code; false at the end. */
bool py_lexer_next(struct py_lexer *lexer, struct py_line *out);

enum py_token_kind { PY_END, PY_NAME, PY_STRING, PY_NUMBER, PY_OP };

struct py_token {
	enum py_token_kind kind;
	const char *at;
	size_t len;
	char op;	/* of PY_OP: its first byte, 'w' for ":=", 'c' for a comparison or "->", 'a'
			   for an augmented assignment */
	unsigned depth; /* brackets open around it; a bracket itself counts as outside */
};

struct py_tokens {
	const char *at, *end;
	unsigned depth;
};

/* The next token of a logical line; PY_END at its end. */
void py_token_next(struct py_tokens *tokens, struct py_token *out);
bool py_token_is(const struct py_token *token, const char *name); /* PY_NAME of that text */
bool py_token_op(const struct py_token *token, char op);

/* Content of a plain string literal: no f or b prefix, no escapes. False: not such a token. */
bool py_token_text(const struct py_token *token, const char **text, size_t *len);

#endif
