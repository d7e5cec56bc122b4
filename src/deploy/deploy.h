/*
 * From a commit to something that can be checked: base images, input hash, image (reused or
 * built), and a model target over it.
 */
#ifndef DEPLOY_DEPLOY_H
#define DEPLOY_DEPLOY_H

#include "engine/engine.h"
#include "model/run.h"
#include "source/source.h"
#include "suite/suite.h"

/* What a commit's image is made of, before anything is built. */
struct context;

/* Read Dockerfile, .dockerignore (also <Dockerfile>.dockerignore) and tree of COMMIT for IMAGE.
 * ERR_USAGE: no Dockerfile at that path (says which exist), no such context folder. */
int context_open(struct source *source, const char *commit, const struct suite_image *image,
		 struct context **out, struct err *err);
void context_close(struct context *context);

/* SHA-256 of everything that decides the image: Dockerfile, every kept path with mode and blob id,
 * args, labels, target, network, and the ids of the base images. BASES maps reference -> id;
 * a reference without id (not on this engine yet) gives -1 with ERR_NOTFOUND: no hash, no reuse. */
int context_hash(const struct context *context, const struct pairs *bases, char out[65],
		 struct err *err);
const struct strings *context_bases(const struct context *context);
const char *context_dockerfile_text(const struct context *context);
bool context_needs_buildkit(const struct context *context);
/* The context as a tar, in pieces, for build_request.read. Deterministic: sorted, times 0, owner 0.
 * Never holds more than one blob and 1 MiB in memory. */
ssize_t context_read(struct context *context, void *data, size_t len, struct err *err);

/* Ids of the base images that the engine holds. */
int deploy_bases(struct engine *engine, const struct strings *refs, struct arena *arena,
		 struct pairs *out, struct err *err);

/* A model target over an image of ENGINE: sessions are opened when first needed, one shared, one
 * per isolated command. LOCK names the owner (engine_sweep). NAME is the GPU class or NULL. */
struct deployed;
int deploy_target(struct engine *engine, const char *image_id, const char *name, const char *lock,
		  struct deployed **out, struct err *err);
const struct target *deploy_view(const struct deployed *deployed);
void deploy_close(struct deployed *deployed);

#endif
