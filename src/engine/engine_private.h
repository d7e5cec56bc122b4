/* Friends of the room only: the handle and how the files of this room talk to the engine. */
#ifndef ENGINE_ENGINE_PRIVATE_H
#define ENGINE_ENGINE_PRIVATE_H

#include "base/json.h"
#include "engine/engine.h"
#include "http/http.h"

#include <stdatomic.h>

#define ENGINE_PATH_MAX ((size_t)256 * 1024) /* of a request, with its query */
#define ENGINE_CALL_NS (UINT64_C(60) * 1000 * 1000 * 1000)
/*
 * Limits that are asked of podman for every container and build step. Without any it asks for
 * 1048576 files and the highest number of processes, and fails with "error setting rlimits" where
 * its own hard limits are lower and it may not raise them. Linux' own hard limit for files is 4096,
 * so that is what any engine can give.
 */
#define ENGINE_PODMAN_FILES 4096
#define ENGINE_PODMAN_PROCESSES 1024
#define ENGINE_ID_MAX 128 /* of a container's id */
#define ENGINE_PREFIX "/v" ENGINE_API_MIN

struct engine {
	struct http_client *http;
	struct arena *arena; /* owns the strings of INFO */
	struct engine_info info;
	bool podman;
	bool asked_buildx, buildx; /* engine_has_buildkit */
	atomic_bool gpus_by_cdi;   /* engine__try_cdi */
};

/*
 * METHOD on "/v1.41" PATH (already encoded, starting with "/") with BODY as JSON (NULL: none).
 * The status must be EXPECT_A or EXPECT_B (0: only A). ANSWER may be NULL; else the caller frees
 * it, and it is NULL when the body is empty. DELETE and ".../kill" go on after Ctrl-C, so that
 * containers can be removed. Errors are those of engine__error.
 */
int engine__call(struct engine *engine, const char *method, const char *path,
		 const struct json *body, int expect_a, int expect_b, struct json **answer,
		 struct err *err);

/* The same for any request: sends it, checks the status, wraps errors. request->path without the
 * prefix. OUT is the caller's to free. */
int engine__send(struct engine *engine, const struct http_request *request, int expect_a,
		 int expect_b, struct http_answer *out, struct err *err);

/* http_upgrade with the prefix and the errors of engine__send. */
int engine__upgrade(struct engine *engine, const char *method, const char *path,
		    struct http_stream **out, struct err *err);

/*
 * ERR for an answer of another status: 404 is ERR_NOTFOUND, anything else ERR_INFRA, with the
 * engine's own message. Returns -1.
 */
int engine__refused(struct engine *engine, const char *what, const struct http_answer *answer,
		    struct err *err);

/* Reword an error of http_send: "cannot reach the engine at HOST: … (is it running? see `assay
 * doctor`)" for connect failures, "engine HOST: …" for others. Returns -1. */
int engine__reword(struct engine *engine, struct err *err);

/* Append TEXT as a part of a path: "/", ":" and "@" stay as they are. */
void engine__encode_path(const char *text, struct buf *out);

/* Is ID one that engines use? It becomes part of paths. */
bool engine__is_id(const char *id);

/* Ask for ENGINE_PODMAN_FILES and _PROCESSES in HOST, the HostConfig of a container. */
void engine__podman_limits(struct json *host);

/* The message of an engine's error body, "{"message": …}" or any text. ARENA's. */
const char *engine__message(const struct buf *body, struct arena *arena);

/* Append the agent's program, as "agent", to a tar. */
void engine__pack_agent(struct buf *out);
/* GPUs for a container: all, or DEVICE by the Container Device Interface. */
void engine__add_gpus(struct json *host, const struct engine *engine, const char *device);
/* After ERR: does it say that the engine has no such GPU? */
bool engine__blames_gpu(const struct err *err);
/* The engine has no driver for GPUs, as ERR says, but devices by CDI: true, once, when the same
 * should be tried with these, as engine__add_gpus does from now on. */
bool engine__try_cdi(struct engine *engine, const struct err *err);

/* Is `docker buildx` found? */
bool engine__buildx(const struct engine *engine);

#endif
