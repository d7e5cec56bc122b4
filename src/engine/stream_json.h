/* JSON objects one after the other, in pieces of any size: builds, events. Bounded. */
#ifndef ENGINE_STREAM_JSON_H
#define ENGINE_STREAM_JSON_H

#include "base/json.h"

#define STREAM_OBJECT_MAX ((size_t)4 * 1024 * 1024)

struct stream_json {
	struct buf object; /* the unfinished object */
	unsigned depth;
	bool string, escape;
	int (*found)(void *payload, const struct json *object, struct err *err);
	/* Lines between objects; NULL: there must be none. Set after stream_json_init. */
	void (*plain)(void *payload, const char *line);
	void *payload;
};

void stream_json_init(struct stream_json *stream,
		      int (*found)(void *payload, const struct json *object, struct err *err),
		      void *payload);
/* ERR_INFRA for anything that is not JSON objects, or what FOUND said. */
int stream_json_feed(struct stream_json *stream, const char *data, size_t len, struct err *err);
/* The last line between objects, if it had no end. */
void stream_json_flush(struct stream_json *stream);
/* Is an object unfinished? */
bool stream_json_cut(const struct stream_json *stream);
void stream_json_done(struct stream_json *stream);

#endif
