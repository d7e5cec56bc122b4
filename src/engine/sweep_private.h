/* Friends of the room only: the labels by which engine_sweep knows a container. */
#ifndef ENGINE_SWEEP_PRIVATE_H
#define ENGINE_SWEEP_PRIVATE_H

#include "engine/engine_private.h"

#define SWEEP_LOCK "assay.lock" /* path of the owner's lock file */
#define SWEEP_BOOT "assay.boot" /* engine__boot_id */
#define SWEEP_HOST "assay.host" /* engine__host_name */
#define SWEEP_NAME_MAX 256

/* "" when unknown. */
void engine__host_name(char out[SWEEP_NAME_MAX]);
void engine__boot_id(char out[SWEEP_NAME_MAX]);

/* Give BODY, which makes a container, the labels of OWNER, the path of a lock file; NULL: none. */
void engine__mark(struct json *body, const char *owner);

/* Is the owner gone: the file missing, or its lock free? */
bool engine__lock_dead(const char *path);

#endif
