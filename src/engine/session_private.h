/* Friends of the room only: a session and its three files: the conversation (session.c), the
 * container (session_container.c), looking at files (session_files.c). */
#ifndef ENGINE_SESSION_PRIVATE_H
#define ENGINE_SESSION_PRIVATE_H

#include "agent/protocol.h"
#include "engine/engine_private.h"

#include <pthread.h>

#define SESSION_MEMORY_BYTES (INT64_C(4) * 1024 * 1024 * 1024) /* of the container, no swap */
#define SESSION_PIDS 1024
#define SESSION_TMP "rw,exec,nosuid,nodev,mode=1777,size=256m" /* /tmp over a read-only root */
#define SESSION_LINKS_MAX 16

struct waiter;

struct session {
	struct engine *engine;
	struct arena *arena; /* of the strings below; nobody allocates from it after the opening */
	struct image_config image;
	const char *home; /* HOME=… of the image's environment or NULL */
	const char *id;	  /* of the container, NULL before it exists */
	bool bound;	  /* the agent is a file of this host */
	struct http_stream *stream;
	pthread_mutex_t write_lock; /* a request is written as a whole */
	pthread_t reader;
	bool reading; /* READER was started */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct waiter *waiters;
	unsigned running;
	uint32_t last_id;
	bool ready; /* the agent said so */
	bool closing;
	bool dead; /* nothing can be run any more, because of WHY */
	struct err why;
};

/* Make the container with the agent in it; session->id is set as soon as it exists. */
int session__create(struct session *session, const struct session_spec *spec, struct err *err);
int session__attach(struct session *session, struct err *err);
int session__start(struct session *session, struct err *err);
/* ERR says why the container's output ended; WORDS is what the agent wrote last to its stderr. */
void session__explain(struct session *session, const char *words, struct err *err);
/* Kill and remove the container and its volumes, also after Ctrl-C. */
void session__remove(struct session *session);

#endif
