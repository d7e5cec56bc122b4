/* Friends of dockerfile.c only: words of an instruction and build arguments. */
#ifndef PARSE_DOCKERFILE_ARGS_H
#define PARSE_DOCKERFILE_ARGS_H

#include "base/arena.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>

#define DOCKERFILE_ARGS_MAX 1000
#define DOCKERFILE_VALUE_MAX 4096 /* bytes of a value after substitution */
#define DOCKERFILE_NEST_MAX 8	  /* ${A:-${B:-…}} */

struct dockerfile_args {
	const struct pairs *given; /* --build-arg, may be NULL */
	struct pair *known;	   /* declared so far; the last of a name wins */
	size_t count;
	char escape;
	struct arena *arena;
};

/* The next word, quotes kept; false at the end. AT moves behind it. */
bool dockerfile__word(const char **at, const char **word, size_t *len);
/* WORD with $X, ${X}, ${X:-d}, ${X-d}, ${X:+d}, ${X+d} put in and quotes taken off. */
const char *dockerfile__expand(const struct dockerfile_args *args, const char *word, size_t len);
/* ARG NAME[=DEFAULT]…: TEXT is what follows "ARG". */
void dockerfile__declare(struct dockerfile_args *args, const char *text);

#endif
