/*
 * From a commit to something that can be checked: base images, input hash, image (reused or
 * built), and a model target over it.
 */
#ifndef DEPLOY_DEPLOY_H
#define DEPLOY_DEPLOY_H

#include "deploy/inspect.h"
#include "engine/engine.h"
#include "model/run.h"
#include "source/source.h"
#include "suite/suite.h"

#define CONTEXT_IGNORE_BYTES_MAX ((size_t)1024 * 1024) /* of a .dockerignore */

/* What a commit's image is made of, before anything is built. One thread at a time, as SOURCE,
 * which it borrows. */
struct context;

/* Read Dockerfile, .dockerignore (<Dockerfile>.dockerignore wins) and tree of COMMIT for IMAGE;
 * both paths of IMAGE are relative to the repository's root. IMAGE is borrowed. ERR_USAGE: no
 * Dockerfile at that path (says which exist), no such context folder. */
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
/* The Dockerfile's path in the repository. */
const char *context_dockerfile_path(const struct context *context);
/* Its path in the tar: relative to the context, or ".assay.Dockerfile" when it lies outside of it
 * or is a symbolic link. */
const char *context_dockerfile_name(const struct context *context);
bool context_needs_buildkit(const struct context *context);
/* "Dockerfile:4: RUN --mount", the first thing in the Dockerfile that only BuildKit builds, with
 * its path in the repository; NULL when there is none. */
const char *context_buildkit_reason(const struct context *context, struct arena *arena);
/* The context as a tar, in pieces, for build_request.read: 0 at the end. Deterministic: sorted,
 * times 0, owner 0. Never holds more than one blob and 1 MiB in memory. Dockerfile and
 * .dockerignore are sent even when they are ignored: the builder needs them, and takes them out
 * of the context itself. */
ssize_t context_read(struct context *context, void *data, size_t len, struct err *err);
/* Begin the tar again. */
void context_rewind(struct context *context);

/* BuildKit keeps no image of a failed build: build what comes before LINE of the Dockerfile again,
 * from its cache, as TAG. ERR_NOTFOUND: nothing comes before it, or that fails too. */
int deploy_build_before(struct engine *engine, struct context *context,
			const struct suite_image *image, unsigned line, const char *tag,
			struct arena *arena, const char **image_id, struct err *err);

/* Ids of the base images that the engine holds; those it does not hold are left out of OUT. */
int deploy_bases(struct engine *engine, const struct strings *refs, struct arena *arena,
		 struct pairs *out, struct err *err);

struct deploy_callbacks {
	void (*log)(void *payload, const char *data, size_t len); /* see build_request */
	void (*step)(void *payload, const struct step *step);
	void *payload;
};

struct deploy_options {
	const char *tag;
	bool no_cache;
	const char *cache_from; /* as of struct build_request */
};

/* Build CONTEXT's image as IMAGE says; CALLBACKS may be NULL. Takes BuildKit when IMAGE wants it,
 * or leaves the choice open and the Dockerfile or a secret needs it. ERR_USAGE when it is needed
 * and not there: names the line and what to install. Else as engine_build; `dockerfile` is filled
 * too, with its path in the repository. */
int deploy_build(struct engine *engine, struct context *context, const struct suite_image *image,
		 const struct deploy_options *options, const struct deploy_callbacks *callbacks,
		 struct arena *arena, struct build *out, struct err *err);

struct deploy_spec {
	const char *image_id;
	const char *name;   /* GPU class or NULL */
	const char *lock;   /* names the owner of containers (engine_sweep) */
	const char *folder; /* absolute; keeps the agent for this and later runs, NULL: nowhere */
	struct inspection *inspection;	     /* borrowed; answers for facts, NULL: there are none */
	const struct suite_service *service; /* borrowed; NULL: the suite has none */
	const char *run_folder;		     /* keeps the service's log, NULL: nowhere */
};

/* A model target over an image of ENGINE: sessions are opened when first needed, one shared, one
 * per isolated command. When the container of the shared one dies, what runs in it is ERR_INFRA and
 * what comes later gets another, once. */
struct deployed;
int deploy_target(struct engine *engine, const struct deploy_spec *spec, struct deployed **out,
		  struct err *err);
const struct target *deploy_view(const struct deployed *deployed);
/* What was measured on a card is measured anew when it is asked again. */
void deploy_forget(struct deployed *deployed);
/* Nothing more is under way: the service's log holds a secret that no check was told of. */
bool deploy_told_secret(struct deployed *deployed);
/* No more will be asked: begin to remove the container; deploy_close waits for that. */
void deploy_finish(struct deployed *deployed);
void deploy_close(struct deployed *deployed);

#endif
