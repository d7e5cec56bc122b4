/* Friends of the room only: text as lines, without copying. */
#ifndef PYDIST_TEXT_H
#define PYDIST_TEXT_H

#include "base/arena.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>

struct text_line {
	const char *at;
	size_t len; /* without the line end, "\r\n" too */
};

/* The next line of what begins at *AT and ends at END; false at the end. */
bool text_next(const char **at, const char *end, struct text_line *out);
/* Without blanks at both ends. */
struct text_line text_trim(struct text_line line);
char *text_copy(struct text_line line, struct arena *arena);
void text_push(struct strings *list, const char *item, struct arena *arena);

/* Sort bytewise, each item once. */
void text_sort(struct strings *list);
bool text_holds(const struct strings *sorted, const char *word);
/* Does WORD occur anywhere in the LEN bytes of TEXT? */
bool text_mentions(const char *text, size_t len, const char *word);

#endif
