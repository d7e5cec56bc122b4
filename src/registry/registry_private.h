/* Shared by the files of this room. */
#ifndef REGISTRY_REGISTRY_PRIVATE_H
#define REGISTRY_REGISTRY_PRIVATE_H

#include "base/digest.h"
#include "http/http.h"
#include "registry/registry.h"

#define REGISTRY_TIMEOUT_NS (UINT64_C(60) * 1000000000)
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"

struct registry {
	struct http_client *client;
	struct registry_ref ref;
	struct arena *arena;
	const char *auth; /* header, NULL: none */
};

/* One exchange. TYPE is the body's, NULL without a body; ACCEPT may be NULL. */
int registry__send(struct registry *registry, const char *method, const char *path,
		   const char *accept, const char *type, const void *body, size_t len,
		   struct http_answer *out, struct err *err);

/* GET "/v2/REPO/WHAT/NAME" into OUT. A NAME that is a digest must be that of the bytes. */
int registry__get(struct registry *registry, const char *what, const char *name, const char *accept,
		  struct buf *out, struct err *err);

/* ERR that says what ANSWER was to DOING. */
int registry__unexpected(struct registry *registry, const struct http_answer *answer,
			 const char *doing, struct err *err);

/* "sha256:" and the digest of the bytes, ARENA's. */
const char *registry__digest(const void *data, size_t len, struct arena *arena);

#endif
