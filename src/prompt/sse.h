/*
 * Server-sent events (WHATWG HTML, "event stream interpretation"): bytes in, data of events out.
 * Pieces may be cut anywhere. Comments, event names, ids and retry times are read over.
 */
#ifndef PROMPT_SSE_H
#define PROMPT_SSE_H

#include "base/buf.h"

#include <stdbool.h>

#define SSE_LINE_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define SSE_DATA_BYTES_MAX ((size_t)8 * 1024 * 1024) /* of one event */

struct sse {
	void (*event)(void *payload, const char *data, size_t len);
	void *payload;
	struct buf line, data;
	bool has_data; /* a data field came, maybe an empty one */
	bool skip_lf;  /* the line ended with CR: a LF behind it is part of that */
	bool begun;    /* past the place of a byte order mark */
};

/* EVENT is called with the data of each event, lines joined by LF; NUL-terminated too. */
void sse_init(struct sse *sse, void (*event)(void *payload, const char *data, size_t len),
	      void *payload);
void sse_done(struct sse *sse);

/* 0, or -1 when a line or an event is larger than its maximum: nothing more can be read. */
int sse_feed(struct sse *sse, const char *data, size_t len);

/* The stream has ended. An event that no empty line closed is given, too: servers leave it out
 * behind the last one, and what is cut inside a text is no JSON. */
void sse_end(struct sse *sse);

#endif
