/* JSON written value by value, for what is too long to be a tree first. json_print stands on it. */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include "base/buf.h"

#include <stdbool.h>

struct json_writer {
	struct buf *out;
	bool pretty;
	unsigned depth; /* containers that are open */
	bool filled;	/* the innermost of them holds something */
};

/* KEY is NULL in an array and at the top; a NULL TEXT writes nothing, and is UTF-8 (utf8_mend);
 * NaN and infinity become null. */
void json_write_open(struct json_writer *writer, const char *key, char bracket);
void json_write_close(struct json_writer *writer, char bracket);
void json_write_str(struct json_writer *writer, const char *key, const char *text);
void json_write_num(struct json_writer *writer, const char *key, double value);
void json_write_word(struct json_writer *writer, const char *key, const char *word);

#endif
