/*
 * The service under test: a container of the image, or a URL; ready when it answers a prompt well.
 *
 * Nothing is started before the first service_begin. Cases have the service one at a time. The
 * container is removed by service_close, and by engine_sweep when this process is killed.
 */
#ifndef DEPLOY_SERVICE_H
#define DEPLOY_SERVICE_H

#include "engine/engine.h"
#include "model/target.h"
#include "suite/suite.h"

#include <stdbool.h>

#define SERVICE_LOG_FILE "service.log" /* in the run directory */

struct service_spec {
	struct engine *engine;		    /* may be NULL with a URL */
	const struct image_config *image;   /* may be NULL with a URL */
	const char *lock;		    /* names the owner of the container (engine_sweep) */
	const char *folder;		    /* where the log is kept, NULL: nowhere */
	const struct suite_service *wanted; /* NULL: the suite has none */
};

struct service;
/* SPEC is copied, what it points to is borrowed. */
struct service *service_new(const struct service_spec *spec);
/* As target_ops.service and its kin. */
int service_begin(struct service *service, const struct target_service **out, struct err *err);
void service_end(struct service *service);
int service_state(struct service *service, bool memory, struct arena *arena,
		  struct target_service_state *out, struct err *err);
void service_hide(struct service *service, const char *secret);
/* After the last case: the log holds a secret that no case was told of. A service that has secrets
 * is ended for it: what it prints on its way out counts. */
bool service_told_secret(struct service *service);
/* Keep the log and remove the container. NULL is allowed. */
void service_close(struct service *service);

#endif
