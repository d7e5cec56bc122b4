/*
 * A container registry (OCI distribution 1.0, Docker registry 2): which image a reference means,
 * and attestations beside it, under the tag "sha256-<digest>.att" that cosign uses too. Loopback is
 * plain HTTP, everything else HTTPS. What a registry says of a digest is never believed: bytes are
 * hashed here.
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

#define REGISTRY_MANIFEST_MAX ((size_t)4 * 1024 * 1024)
#define REGISTRY_LAYERS_MAX 1000

struct registry_ref {
	const char *host;   /* "127.0.0.1:5000" */
	const char *repo;   /* "team/llm" */
	const char *tag;    /* NULL with DIGEST */
	const char *digest; /* "sha256:…" */
	const char *name;   /* "host/repo" */
};

/* "HOST/REPO[:TAG][@sha256:HEX]"; HOST has a dot, a port or is localhost. No tag: "latest".
 * ERR_USAGE. Memory is ARENA's. */
int registry_parse(const char *text, struct arena *arena, struct registry_ref *out,
		   struct err *err);
/* Is TEXT such a reference, and not an id or a local name? */
bool registry_is_reference(const char *text);

struct registry_image {
	const char *manifest; /* digest of the manifest, of one platform */
	const char *index;    /* digest of the index that named it, NULL: none did */
	const char *image_id; /* digest of its configuration */
};

struct registry;

/* "USER:PASSWORD" for HOST from $DOCKER_CONFIG/config.json or ~/.docker/config.json, ARENA's; NULL
 * where there is none. ERR_USAGE, ERR_INFRA: the file cannot be used. */
int registry_credentials(const char *host, struct arena *arena, const char **out, struct err *err);

/* AUTH: "USER:PASSWORD", or NULL. Where the registry wants a token, it is fetched with that. */
int registry_open(const struct registry_ref *ref, const char *auth, struct registry **out,
		  struct err *err);
void registry_close(struct registry *registry);

/* What the reference means now. An index is followed to its linux/amd64 image. ERR_NOTFOUND: no
 * such image; ERR_INFRA: the registry does not answer, or not with what was asked for. */
int registry_resolve(struct registry *registry, struct arena *arena, struct registry_image *out,
		     struct err *err);

/* Append what is stored beside MANIFEST, as one bundle: an envelope a line. ERR_NOTFOUND. */
int registry_fetch(struct registry *registry, const char *manifest, struct buf *out,
		   struct err *err);

/* Store BUNDLE beside MANIFEST in place of what is there, and read it back: two gates that store at
 * once do not lose the later one. */
int registry_store(struct registry *registry, const char *manifest, const char *bundle, size_t len,
		   struct err *err);

#endif
