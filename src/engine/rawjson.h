/* BuildKit's progress as `docker buildx build --progress=rawjson` writes it: steps and output. */
#ifndef ENGINE_RAWJSON_H
#define ENGINE_RAWJSON_H

#include "engine/build_private.h"
#include "engine/stream_json.h"

#define RAWJSON_TAIL_MAX ((size_t)64 * 1024) /* of one step's output */

struct rawjson_vertex {
	const char *digest;
	const char *name;
	size_t step; /* from 1 in log->steps, 0: not a Dockerfile step */
	uint64_t began_ns;
	bool done;
	const char *error;
	struct buf tail;
};

struct rawjson {
	struct build__log *log;
	struct stream_json stream; /* objects, then lines for people */
	struct rawjson_vertex *vertices;
	size_t count;
	const char *plain; /* the last line that began with "ERROR: ", without that */
};

void rawjson_init(struct rawjson *raw, struct build__log *log);
void rawjson_done(struct rawjson *raw);
int rawjson_feed(struct rawjson *raw, const char *data, size_t len, struct err *err);
/* The words of the step that failed (its output goes to log->tail, its step to the end of the
 * steps), or of the client. NULL when nothing was said. */
const char *rawjson_failure(struct rawjson *raw);

#endif
