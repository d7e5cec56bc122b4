/*
 * A container that runs what its image is made to run: a service under test. Unlike a session it
 * has a network, and the engine keeps what it prints.
 *
 * It carries the mark of its owner, so engine_sweep removes it when the owner dies, however that
 * dies. One thread at a time, but for container_logs and container_memory.
 */
#ifndef ENGINE_CONTAINER_H
#define ENGINE_CONTAINER_H

#include "engine/engine.h"

#define CONTAINER_LOG_BYTES_MAX ((size_t)16 * 1024 * 1024) /* what container_logs gives */

struct container_mount {
	const char *source; /* absolute, on the engine's host */
	const char *target; /* absolute, in the container */
	bool writable;
};

struct container_spec {
	const char *image;	   /* id */
	struct strings entrypoint; /* empty: the image's */
	struct strings command;	   /* empty: the image's */
	struct pairs env;	   /* added to the image's */
	const char *user;	   /* NULL: the image's */
	const char *workdir;	   /* NULL: the image's */
	const struct container_mount *mounts;
	size_t mount_count;
	bool host_network;     /* the host's own, else the engine's default with PORT published */
	unsigned port;	       /* 1..65535, inside; published on a free one of the host */
	bool gpu;	       /* all GPUs */
	uint64_t memory_bytes; /* 0: no limit */
	uint64_t shm_bytes;    /* of /dev/shm, 0: the engine's default */
	const char *owner;     /* see engine_sweep */
};

struct container;

/* Make and start it. ERR_USAGE: the image's program cannot be started, in the engine's words;
 * ERR_INFRA otherwise. After a failure nothing is left. */
int container_start(struct engine *engine, const struct container_spec *spec,
		    struct container **out, struct err *err);
/* End its program as engines do, by the signal that the image names, or SIGTERM, and after GRACE_S
 * seconds by SIGKILL; its log has then all that it said. One that has ended is left as it is. */
int container_stop(struct container *container, unsigned grace_s, struct err *err);
/* Kill and remove it with its volumes, also after Ctrl-C. NULL is allowed. */
void container_remove(struct container *container);

struct container_state {
	bool running;
	bool out_of_memory;
	int exit_code; /* when it no longer runs */
	unsigned port; /* of the host; 0: none published */
};
int container_look(struct container *container, struct container_state *out, struct err *err);

/* The end of what it printed so far into OUT, empty before, both streams in the engine's order, up
 * to CONTAINER_LOG_BYTES_MAX and OUT's room. Raw: it may hold secrets. Goes on after Ctrl-C. */
int container_logs(struct container *container, struct buf *out, struct err *err);

/* Memory in use now, without the page cache. ERR_NOTFOUND: the engine does not say. */
int container_memory(struct container *container, uint64_t *bytes_out, struct err *err);

/* Address of the host on which published ports are reached, "127.0.0.1" for a local engine. */
const char *engine_address(struct engine *engine, struct arena *arena);

#endif
