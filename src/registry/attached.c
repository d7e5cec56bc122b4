/* Attestations beside an image: an OCI manifest whose layers are envelopes. */
#include "registry/registry_private.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

#define ENVELOPE_TYPE "application/vnd.dsse.envelope.v1+json"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define STORE_TRIES 5

static const char *tag_of(const char *manifest, struct arena *arena)
{
	return arena_printf(arena, "sha256-%s.att",
			    strncmp(manifest, "sha256:", 7) == 0 ? manifest + 7 : manifest);
}

/* --- fetch ----------------------------------------------------------------------------------- */

static int add_layer(struct registry *registry, const struct json *layer, struct buf *out,
		     struct err *err)
{
	const char *digest = json_str(layer, "digest", "");

	if (strcmp(json_str(layer, "mediaType", ""), ENVELOPE_TYPE) != 0)
		return err_set(err, ERR_INFRA, "registry %s: a layer that is no envelope",
			       registry->ref.host);
	if (strncmp(digest, "sha256:", 7) != 0)
		return err_set(err, ERR_INFRA, "registry %s: a layer without digest",
			       registry->ref.host);
	if (registry__get(registry, "blobs", digest, NULL, out, err) < 0)
		return -1;
	buf_addstr(out, "\n");
	return 0;
}

static int add_layers(struct registry *registry, const struct json *manifest, struct buf *out,
		      struct err *err)
{
	const struct json *list = json_get(manifest, "layers");

	if (json_size(list) > REGISTRY_LAYERS_MAX)
		return err_set(err, ERR_LIMIT, "registry %s: more than %d attestations",
			       registry->ref.host, REGISTRY_LAYERS_MAX);
	for (const struct json *layer = json_first(list); layer; layer = json_next(layer))
		if (add_layer(registry, layer, out, err) < 0)
			return -1;
	return 0;
}

int registry_fetch(struct registry *registry, const char *manifest, struct buf *out,
		   struct err *err)
{
	struct json *json = NULL;
	struct buf text;
	int rc;

	buf_init(&text, REGISTRY_MANIFEST_MAX);
	rc = registry__get(registry, "manifests", tag_of(manifest, registry->arena),
			   "Accept: " OCI_MANIFEST, &text, err);
	if (rc == 0 && json_parse(buf_str(&text), text.len, false, &json, err) < 0)
		rc = err_set(err, ERR_INFRA, "registry %s: what is attached is no manifest",
			     registry->ref.host);
	if (rc == 0)
		rc = add_layers(registry, json, out, err);
	json_free(json);
	buf_done(&text);
	return rc;
}

/* --- store ----------------------------------------------------------------------------------- */

/* The path of an upload: a registry may answer with its own host in front. */
static const char *path_of(const char *location, struct arena *arena)
{
	const char *host = strstr(location, "://");
	const char *path = host ? strchr(host + 3, '/') : location;

	return path && *path == '/' ? arena_strdup(arena, path) : NULL;
}

static int start_upload(struct registry *registry, const char **path, struct err *err)
{
	const char *where =
		arena_printf(registry->arena, "/v2/%s/blobs/uploads/", registry->ref.repo);
	struct http_answer answer = {0};
	char location[2048];
	int rc = 0;

	if (registry__send(registry, "POST", where, NULL, NULL, NULL, 0, &answer, err) < 0)
		return -1;
	*path = path_of(http_header(&answer, "Location", location, sizeof(location)),
			registry->arena);
	if (answer.status != 202 || !*path)
		rc = registry__unexpected(registry, &answer, "an upload", err);
	http_answer_done(&answer);
	return rc;
}

static int put(struct registry *registry, const char *path, const char *type, const void *data,
	       size_t len, const char *doing, struct err *err)
{
	struct http_answer answer = {0};
	int rc = 0;

	if (registry__send(registry, "PUT", path, NULL, type, data, len, &answer, err) < 0)
		return -1;
	if (answer.status != 201)
		rc = registry__unexpected(registry, &answer, doing, err);
	http_answer_done(&answer);
	return rc;
}

static int store_blob(struct registry *registry, const void *data, size_t len, const char *digest,
		      struct err *err)
{
	const char *path = NULL;

	if (start_upload(registry, &path, err) < 0)
		return -1;
	path = arena_printf(registry->arena, "%s%sdigest=%s", path, strchr(path, '?') ? "&" : "?",
			    digest);
	return put(registry, path, "application/octet-stream", data, len, "storing a blob", err);
}

static void describe(struct json *out, const char *type, const char *digest, size_t len)
{
	json_add_str(out, "mediaType", type);
	json_add_str(out, "digest", digest);
	json_add_int(out, "size", (int64_t)len);
}

static int store_layers(struct registry *registry, const char *bundle, size_t len,
			struct json *manifest, struct err *err)
{
	struct json *list = json_add_array(manifest, "layers");

	while (len) {
		const char *end = memchr(bundle, '\n', len);
		size_t line = end ? (size_t)(end - bundle) : len;
		const char *digest = registry__digest(bundle, line, registry->arena);

		if (store_blob(registry, bundle, line, digest, err) < 0)
			return -1;
		describe(json_add_object(list, NULL), ENVELOPE_TYPE, digest, line);
		line += end ? 1 : 0;
		bundle += line;
		len -= line;
	}
	return 0;
}

/* Is what stands under TAG what we put there? */
static bool stands(struct registry *registry, const char *tag, const struct buf *manifest)
{
	struct err ignored = {0};
	struct buf now;
	bool same;

	buf_init(&now, REGISTRY_MANIFEST_MAX);
	same = registry__get(registry, "manifests", tag, "Accept: " OCI_MANIFEST, &now, &ignored) ==
		       0 &&
	       now.len == manifest->len && memcmp(buf_str(&now), buf_str(manifest), now.len) == 0;
	buf_done(&now);
	return same;
}

static int store_manifest(struct registry *registry, const char *tag, const struct buf *manifest,
			  struct err *err)
{
	const char *path =
		arena_printf(registry->arena, "/v2/%s/manifests/%s", registry->ref.repo, tag);

	for (int i = 0; i < STORE_TRIES; i++) {
		if (put(registry, path, OCI_MANIFEST, buf_str(manifest), manifest->len,
			"storing a manifest", err) < 0)
			return -1;
		if (stands(registry, tag, manifest))
			return 0;
	}
	return err_set(err, ERR_INFRA, "registry %s: %s is written by others again and again",
		       registry->ref.host, tag);
}

int registry_store(struct registry *registry, const char *manifest, const char *bundle, size_t len,
		   struct err *err)
{
	static const char empty[] = "{}";
	const char *config = registry__digest(empty, 2, registry->arena);
	struct json *json = json_new_object();
	struct buf text;
	int rc;

	json_add_int(json, "schemaVersion", 2);
	json_add_str(json, "mediaType", OCI_MANIFEST);
	describe(json_add_object(json, "config"), CONFIG_TYPE, config, 2);
	buf_init(&text, REGISTRY_MANIFEST_MAX);
	rc = store_blob(registry, empty, 2, config, err);
	if (rc == 0)
		rc = store_layers(registry, bundle, len, json, err);
	json_print(json, false, &text);
	if (rc == 0)
		rc = store_manifest(registry, tag_of(manifest, registry->arena), &text, err);
	json_free(json);
	buf_done(&text);
	return rc;
}
