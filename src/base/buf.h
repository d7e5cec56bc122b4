/*
 * A growing byte buffer with a maximum. Always NUL-terminated after the first append, so DATA
 * is a C string whenever the bytes hold no NUL.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;	/* NULL while empty */
	size_t len;	/* bytes used */
	size_t cap;	/* bytes allocated */
	size_t max;	/* largest LEN allowed */
	bool truncated; /* something was dropped at the maximum */
};

/* An empty buffer that holds MAX bytes at most. */
void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);

/* Append; what would pass the maximum is dropped and `truncated` set. */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_addstr(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Forget the first LEN bytes. */
void buf_consume(struct buf *buf, size_t len);

/* The text, "" when empty. Borrowed, valid until the next change. */
const char *buf_str(const struct buf *buf);

#endif
