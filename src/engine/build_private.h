/* Friends of the room only: what both builders share. */
#ifndef ENGINE_BUILD_PRIVATE_H
#define ENGINE_BUILD_PRIVATE_H

#include "engine/engine_private.h"
#include "parse/dockerfile.h"

#define BUILD_STEPS_MAX 10000
#define BUILD_TAIL_MAX ((size_t)256 * 1024) /* of the output of the step that runs */
#define BUILD_LINE_MAX ((size_t)8 * 1024)
#define BUILD_MESSAGE_MAX 400

/* What is known of a build while it runs; the memory is the caller's arena's but for the bufs. */
struct build__log {
	const struct build_request *request;
	struct arena *arena;
	struct dockerfile file;
	struct step *steps;
	size_t count;
	bool podman;
	unsigned stage;	   /* of the last step, by podman's count; 0: there is one stage */
	bool open;	   /* the last step runs */
	uint64_t began_ns; /* of it */
	struct buf line;
	struct buf tail;
	char last_id[80];  /* the last line that was an image id: podman's result */
	char layer_id[80]; /* image of the last step that ended well, as the builder shows it */
};

void build__log_init(struct build__log *log, const struct build_request *request, bool podman,
		     struct arena *arena);
void build__log_done(struct build__log *log);
/* Output of the classic builder: kept in the tail, cut into steps. */
void build__log_text(struct build__log *log, const char *text);
/* Take the last line, which had no end, as a line. */
void build__log_flush(struct build__log *log);
/* The running step, if any, has ended. */
void build__log_end(struct build__log *log, bool failed);
/* A new step; NULL past BUILD_STEPS_MAX. */
struct step *build__log_push(struct build__log *log);
/* Keep the last BUILD_TAIL_MAX bytes or a little more. */
void build__tail_add(struct buf *tail, const char *text, size_t len);
/* "step 2/6 (line 4: RUN pip …)", or "the build" before the first step. */
const char *build__log_where(const struct build__log *log);
void build__log_out(const struct build__log *log, const char *text, size_t len);

/* Whose fault is MESSAGE, the engine's own words about a failed build? */
bool build__is_infra(const char *message);
/* Did a command of the Dockerfile fail, so that its output tells why? */
bool build__is_command(const char *message);
/* Fill OUT as failed or ERR: decides whose fault it is. STATUS is HTTP's, 200 for the stream. */
int build__failure(struct engine *engine, struct build__log *log, int status, const char *message,
		   struct build *out, struct err *err);
/* The image behind REQUEST->tag must be ID ("sha256:…"; a prefix when podman gave one). */
int build__verify(struct engine *engine, const struct build_request *request, const char *id,
		  struct arena *arena, struct build *out, struct err *err);

/* Append the limits, and NETWORK in podman's words, to the query of a build. */
void build__podman_query(const char *network, struct buf *path);
/* Try whether podman keeps a build without network from the host's; ERR_INFRA when it does not. */
int build__podman_isolates(struct engine *engine, struct err *err);

int build__classic(struct engine *engine, const struct build_request *request, struct arena *arena,
		   struct build *out, struct err *err);
int build__buildkit(struct engine *engine, const struct build_request *request, struct arena *arena,
		    struct build *out, struct err *err);

#endif
