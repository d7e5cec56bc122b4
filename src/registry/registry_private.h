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
	const char *basic; /* header with USER:PASSWORD, NULL: none */
	const char *auth;  /* header that is sent: that, or a token; NULL: none */
};

/* One exchange. TYPE is the body's, NULL without a body; ACCEPT may be NULL. */
int registry__send(struct registry *registry, const char *method, const char *path,
		   const char *accept, const char *type, const void *body, size_t len,
		   struct http_answer *out, struct err *err);

/* Take a token where REFUSAL, a 401, says. 1: there is one now; 0: it does not ask for one; -1:
 * ERR.
 */
int registry__take_token(struct registry *registry, const struct http_answer *refusal,
			 struct err *err);
/* Is HOST, with whatever follows, this machine? */
bool registry__is_loopback(const char *host);
/* Is the way to URL safe from others: HTTPS, or on this machine as the registry itself is? No
 * registry elsewhere sends us to services of this machine. */
bool registry__is_private(const struct registry *registry, const char *url);

/* Follow ANSWER's redirects, if it is one, without credentials; ANSWER is then the last. */
int registry__follow(struct registry *registry, struct http_answer *answer, struct err *err);

/* GET "/v2/REPO/WHAT/NAME" into OUT. A NAME that is a digest must be that of the bytes. */
int registry__get(struct registry *registry, const char *what, const char *name, const char *accept,
		  struct buf *out, struct err *err);

/* ERR that says what ANSWER was to DOING. */
int registry__unexpected(struct registry *registry, const struct http_answer *answer,
			 const char *doing, struct err *err);

/* "sha256:" and the digest of the bytes, ARENA's. */
const char *registry__digest(const void *data, size_t len, struct arena *arena);

#endif
