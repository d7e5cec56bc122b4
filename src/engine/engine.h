/*
 * A container engine over the Docker Engine API (1.41 or newer): images, builds, containers.
 *
 * A handle may be used from several threads; each call uses its own connection. All waits poll
 * base/cancel. Errors: ERR_INFRA when the engine cannot be reached, went away or answers
 * nonsense; ERR_NOTFOUND for missing images and containers; ERR_CANCELLED.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/run.h"
#include "model/target.h"

#include <sys/types.h>

#define ENGINE_API_MIN "1.41"

struct engine;

/* HOST: "unix:///path", "tcp://host:port", NULL: DOCKER_HOST, then /var/run/docker.sock, then
 * podman's sockets. Pings, negotiates the version, checks that it is at least ENGINE_API_MIN. */
int engine_open(const char *host, struct engine **out, struct err *err);
void engine_close(struct engine *engine);
void engine_closep(struct engine **engine);

struct engine_info {
	const char *host;
	const char *name; /* "docker" or "podman" */
	const char *version;
	const char *api;
	const char *driver; /* storage driver */
	const char *kernel;
	const char *os_arch; /* "linux/amd64" */
	bool nvidia;	     /* has NVIDIA's runtime: session_spec.gpu without a device */
	bool cdi;	     /* looks for devices by the Container Device Interface, and says so */
};
const struct engine_info *engine_info(struct engine *engine);

/* Is `docker buildx` there, and can the engine BuildKit? Runs the client once, the first time:
 * some 25 ms that a run without BuildKit does not pay. For the thread that builds. */
bool engine_has_buildkit(struct engine *engine);

/* Configuration and identity of an image; strings are ARENA's. ERR_NOTFOUND. */
int engine_image(struct engine *engine, const char *ref, struct arena *arena,
		 struct image_config *out, struct err *err);

/* Where an image's layers lie, lowest first. */
struct image_storage {
	const char *id;		 /* "sha256:…" */
	struct strings diff_ids; /* "sha256:…" of each layer's tar */
	const char *driver;	 /* "overlay2", "" when the engine does not say */
	/* The driver's folder of each layer on the engine's host, as many as DIFF_IDS; empty when
	 * the engine names none. Whether they are there and readable is for the caller to see. */
	struct strings folders;
};
/* Strings are ARENA's. ERR_NOTFOUND. */
int engine_image_storage(struct engine *engine, const char *ref, struct arena *arena,
			 struct image_storage *out, struct err *err);
/* The image as an archive (`docker save`), uncompressed, piece by piece to WRITE, which returns 0
 * to go on, or -1 with ERR. ERR_NOTFOUND: no such image. */
int engine_image_export(struct engine *engine, const char *ref,
			int (*write)(void *payload, const void *data, size_t len, struct err *err),
			void *payload, struct err *err);
int engine_image_tag(struct engine *engine, const char *id, const char *repo_tag, struct err *err);

struct build_request {
	const char *dockerfile; /* path inside the context */
	const char *tag;
	struct pairs args;
	struct pairs labels;
	const char *target;  /* stage or NULL */
	const char *network; /* "none", "host", … */
	bool buildkit;
	bool pull;
	bool no_cache;
	const char *cache_from; /* id of an image whose layers count as cached; NULL: as usual */
	struct strings secrets; /* BuildKit only */
	uint64_t timeout_ns;
	const char *dockerfile_text; /* to map steps to lines */
	/* The context, an uncompressed tar: fill DATA with up to LEN bytes, return the number,
	 * 0 at the end, -1 with ERR. Called until the end or until the build fails. */
	ssize_t (*read)(void *payload, void *data, size_t len, struct err *err);
	/* Every piece of the builder's output as it comes, for build.log. May be NULL. */
	void (*log)(void *payload, const char *data, size_t len);
	/* A step began (duration 0) or ended. May be NULL. */
	void (*progress)(void *payload, const struct step *step);
	void *payload;
};

/*
 * Build. 0 with OUT->failed false: transport complete, image id given, no error reported, and
 * inspect agrees: image_id and steps are filled. 0 with OUT->failed: the Dockerfile failed;
 * steps (the last has `failed`, line and instruction) and message are filled. -1: infrastructure.
 * Fills builder, image_id, image_tag, steps, failed, message, duration_ns only.
 */
int engine_build(struct engine *engine, const struct build_request *request, struct arena *arena,
		 struct build *out, struct err *err);

/*
 * A container of IMAGE in which commands are run by the agent (src/agent): no network, all
 * capabilities dropped, memory and pids limited, and unless WRITABLE a read-only root with a
 * writable /tmp. Nothing of the image is run by itself. Labelled so that engine_sweep finds it.
 */
struct session;
/* With NETWORK, session_open fails (ERR_INFRA) where the engine has none to give. */
struct session_spec {
	const char *image; /* id */
	bool writable;
	bool network;
	int64_t memory_bytes; /* of the container, no swap; 0: 4 GiB */
	const char *owner;    /* see engine_sweep */
	const char *agent;    /* from session_agent_file, NULL: none */
	/* GPUs of the engine: all, by NVIDIA's driver or else by the Container Device Interface;
	 * or DEVICE by the latter, "vendor.com/class=name". An engine that has none of these:
	 * ERR_NOTFOUND. */
	bool gpu;
	const char *device;
	const void *program; /* a file to run: uploaded as SESSION_PROGRAM, NULL: none */
	size_t program_len;
};
#define SESSION_PROGRAM "/.assay/program"
/* Keep the agent as a file in FOLDER, absolute, so that an engine of this host can bind it into
 * containers; an engine that cannot gets it uploaded, which costs some 80 ms a container. */
int session_agent_file(const char *folder, struct arena *arena, const char **path_out,
		       struct err *err);
int session_open(struct engine *engine, const struct session_spec *spec, struct session **out,
		 struct err *err);
/* Thread safe; commands of several threads run side by side. */
int session_run(struct session *session, const struct command *command, struct arena *arena,
		struct command_result *out, struct err *err);
/* Has the container ended, so that nothing can be run in it any more? session_run says why. */
bool session_dead(struct session *session);
/* By the archive API: nothing of the image is run. Thread safe. */
int session_file(struct session *session, const char *path, bool follow, size_t content_max,
		 struct arena *arena, struct file_info *out, struct err *err);
/* Kill and remove the container. NULL is allowed. */
void session_close(struct session *session);

/*
 * Remove containers of dead owners. OWNER is the path of a lock file (base: flock held while the
 * owner lives) on this host; containers carry it and the host's boot id as labels. A container
 * whose lock can be taken, or whose file is gone, is removed with its volumes. REMOVED may be
 * NULL.
 */
int engine_sweep(struct engine *engine, unsigned *removed, struct err *err);

#endif
