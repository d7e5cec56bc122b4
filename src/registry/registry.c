#include "registry/registry_private.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPT_MANIFESTS                                                                           \
	"Accept: " OCI_MANIFEST ", application/vnd.docker.distribution.manifest.v2+json, "         \
	"application/vnd.oci.image.index.v1+json, "                                                \
	"application/vnd.docker.distribution.manifest.list.v2+json"

/* Nothing, a port or a path: localhost:80@evil.org is elsewhere. */
static bool ends_host(const char *rest)
{
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	return !*rest || *rest == '/';
}

/* The whole name, up to a port or a path: 127.evil.org and localhost.evil.org are elsewhere. */
bool registry__is_loopback(const char *host)
{
	size_t len = strcspn(host, ":/");

	if (strncmp(host, "[::1]", 5) == 0)
		return ends_host(host + 5);
	if (!ends_host(host + len))
		return false;
	if (len == 9 && strncmp(host, "localhost", len) == 0)
		return true;
	return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
}

bool registry__is_private(const struct registry *registry, const char *url)
{
	if (strncmp(url, "https://", 8) == 0)
		return true;
	return strncmp(url, "http://", 7) == 0 && registry__is_loopback(url + 7) &&
	       registry__is_loopback(registry->ref.host);
}

static const char *authorization(const char *auth, struct arena *arena)
{
	struct buf text;
	const char *header;

	if (!auth || !*auth)
		return NULL;
	buf_init(&text, 4096);
	buf_addstr(&text, "Authorization: Basic ");
	base64_add(&text, auth, strlen(auth));
	header = arena_strdup(arena, buf_str(&text));
	buf_done(&text);
	return header;
}

int registry_open(const struct registry_ref *ref, const char *auth, struct registry **out,
		  struct err *err)
{
	struct registry *registry = xcalloc(1, sizeof(*registry));
	const char *base;

	registry->arena = arena_new();
	registry->ref = *ref;
	registry->basic = registry->auth = authorization(auth, registry->arena);
	base = arena_printf(registry->arena, "http%s://%s",
			    registry__is_loopback(ref->host) ? "" : "s", ref->host);
	if (http_client_open(base, NULL, &registry->client, err) < 0) {
		registry_close(registry);
		return err_wrap(err, "registry %s", ref->host);
	}
	if (registry__is_loopback(ref->host))
		http_client_proxy(registry->client, "");
	*out = registry;
	return 0;
}

void registry_close(struct registry *registry)
{
	if (!registry)
		return;
	if (registry->client)
		http_client_close(registry->client);
	arena_free(registry->arena);
	free(registry);
}

const char *registry__digest(const void *data, size_t len, struct arena *arena)
{
	char hex[DIGEST_HEX];

	digest_of(data, len, hex);
	return arena_printf(arena, "sha256:%s", hex);
}

int registry__unexpected(struct registry *registry, const struct http_answer *answer,
			 const char *doing, struct err *err)
{
	const char *body = buf_str(&answer->body);

	if (answer->status == 404)
		return err_set(err, ERR_NOTFOUND, "registry %s: %s: not there", registry->ref.host,
			       doing);
	if (answer->status == 401 || answer->status == 403)
		return err_set(err, ERR_INFRA,
			       "registry %s: %s: refused (%d): set ASSAY_REGISTRY_AUTH to "
			       "USER:PASSWORD",
			       registry->ref.host, doing, answer->status);
	return err_set(err, ERR_INFRA, "registry %s: %s: status %d%s%.200s", registry->ref.host,
		       doing, answer->status, *body ? ": " : "", body);
}

static int send_once(struct registry *registry, const char *method, const char *path,
		     const char *accept, const char *type, const void *body, size_t len,
		     struct http_answer *out, struct err *err)
{
	const char *headers[4] = {0};
	size_t n = 0;
	const struct http_request request = {.method = method,
					     .path = path,
					     .headers = headers,
					     .body = body ? body : "",
					     .body_len = len,
					     .answer_max = REGISTRY_MANIFEST_MAX,
					     .timeout_ns = REGISTRY_TIMEOUT_NS,
					     .head = strcmp(method, "HEAD") == 0};

	if (registry->auth)
		headers[n++] = registry->auth;
	if (accept)
		headers[n++] = accept;
	if (type)
		headers[n++] = arena_printf(registry->arena, "Content-Type: %s", type);
	if (http_send(registry->client, &request, out, err) == 0)
		return 0;
	if (err->code != ERR_CANCELLED)
		err->code = ERR_INFRA;
	return err_wrap(err, "registry %s", registry->ref.host);
}

int registry__send(struct registry *registry, const char *method, const char *path,
		   const char *accept, const char *type, const void *body, size_t len,
		   struct http_answer *out, struct err *err)
{
	int rc = send_once(registry, method, path, accept, type, body, len, out, err);

	if (rc < 0 || out->status != 401)
		return rc;
	rc = registry__take_token(registry, out, err);
	if (rc == 0)
		return 0;
	http_answer_done(out);
	*out = (struct http_answer){0};
	return rc < 0 ? -1 : send_once(registry, method, path, accept, type, body, len, out, err);
}

int registry__get(struct registry *registry, const char *what, const char *name, const char *accept,
		  struct buf *out, struct err *err)
{
	struct http_answer answer = {0};
	const char *path =
		arena_printf(registry->arena, "/v2/%s/%s/%s", registry->ref.repo, what, name);
	int rc = 0;

	if (registry__send(registry, "GET", path, accept, NULL, NULL, 0, &answer, err) < 0)
		return -1;
	if (strcmp(what, "blobs") == 0 && registry__follow(registry, &answer, err) < 0)
		rc = -1;
	else if (answer.status != 200)
		rc = registry__unexpected(registry, &answer, name, err);
	else if (strncmp(name, "sha256:", 7) == 0 &&
		 strcmp(registry__digest(buf_str(&answer.body), answer.body.len, registry->arena),
			name) != 0)
		rc = err_set(err, ERR_INFRA, "registry %s: %s: the bytes have another digest",
			     registry->ref.host, name);
	else
		buf_add(out, buf_str(&answer.body), answer.body.len);
	if (rc == 0 && out->truncated)
		rc = err_set(err, ERR_LIMIT, "registry %s: %s is too large", registry->ref.host,
			     name);
	http_answer_done(&answer);
	return rc;
}

/* The image of an index for the machines that we test on. */
static const char *platform_of(const struct json *index)
{
	const struct json *item = json_first(json_get(index, "manifests"));

	for (; item; item = json_next(item)) {
		const struct json *platform = json_get(item, "platform");

		if (strcmp(json_str(platform, "os", ""), "linux") == 0 &&
		    strcmp(json_str(platform, "architecture", ""), "amd64") == 0)
			return json_str(item, "digest", NULL);
	}
	return NULL;
}

/* Read the manifest NAME. An index gives its digest in NEXT, an image its configuration in OUT. */
static int read_manifest(struct registry *registry, const char *name, struct arena *arena,
			 struct registry_image *out, const char **next, struct err *err)
{
	struct json *manifest = NULL;
	struct buf text;
	int rc;

	buf_init(&text, REGISTRY_MANIFEST_MAX);
	rc = registry__get(registry, "manifests", name, ACCEPT_MANIFESTS, &text, err);
	if (rc == 0 && json_parse(buf_str(&text), text.len, false, &manifest, err) < 0)
		rc = err_set(err, ERR_INFRA, "registry %s: %s is no manifest", registry->ref.host,
			     name);
	if (rc == 0) {
		const char *config = json_str(json_get(manifest, "config"), "digest", NULL);

		out->manifest = registry__digest(buf_str(&text), text.len, arena);
		out->image_id = arena_strdup(arena, config);
		*next = config ? NULL : arena_strdup(arena, platform_of(manifest));
		if (!config && !*next)
			rc = err_set(err, ERR_INFRA,
				     "registry %s: %s has neither a configuration nor an image for "
				     "linux/amd64",
				     registry->ref.host, name);
	}
	json_free(manifest);
	buf_done(&text);
	return rc;
}

int registry_resolve(struct registry *registry, struct arena *arena, struct registry_image *out,
		     struct err *err)
{
	const struct registry_ref *ref = &registry->ref;
	struct registry_image image = {0};
	const char *next = NULL;

	if (read_manifest(registry, ref->digest ? ref->digest : ref->tag, arena, &image, &next,
			  err) < 0)
		return err_wrap(err, "%s", ref->name);
	if (next) {
		image.index = image.manifest;
		if (read_manifest(registry, next, arena, &image, &next, err) < 0)
			return err_wrap(err, "%s", ref->name);
	}
	if (next)
		return err_set(err, ERR_INFRA, "%s: an index in an index", ref->name);
	*out = image;
	return 0;
}
