/* The JSON of images: Docker's manifest.json, OCI indexes, manifests and configurations. */
#include "image/image_private.h"

#include <string.h>

#define LIST_MAX 4096	 /* entries of one list */
#define HISTORY_MAX 8192 /* entries of a history */

static const char *copy(const struct json *object, const char *key, struct arena *arena)
{
	const char *text = json_str(object, key, NULL);

	return text && *text ? arena_strdup(arena, text) : NULL;
}

static bool has_text(const struct json *object, const char *key)
{
	return *json_str(object, key, "") != '\0';
}

static bool is_type(const struct json *value, enum json_type type)
{
	return value && json_type(value) == type;
}

static const struct json *object_in(const struct json *object, const char *key)
{
	const struct json *child = json_get(object, key);

	return is_type(child, JSON_OBJECT) ? child : NULL;
}

static void push(struct arena *arena, struct strings *out, const char *text)
{
	const char **item;

	if (!text || out->count >= LIST_MAX)
		return;
	item = arena_push(arena, &out->items, &out->count, sizeof(*out->items));
	*item = arena_strdup(arena, text);
}

static void strings_of(const struct json *list, struct arena *arena, struct strings *out)
{
	if (is_type(list, JSON_STRING))
		push(arena, out, json_text(list));
	if (!is_type(list, JSON_ARRAY))
		return;
	for (const struct json *c = json_first(list); c; c = json_next(c))
		push(arena, out, json_text(c));
}

static void keys_of(const struct json *object, struct arena *arena, struct strings *out)
{
	if (!is_type(object, JSON_OBJECT))
		return;
	for (const struct json *c = json_first(object); c; c = json_next(c))
		push(arena, out, json_key(c));
}

static void pairs_of(const struct json *object, struct arena *arena, struct pairs *out)
{
	if (!is_type(object, JSON_OBJECT))
		return;
	for (const struct json *c = json_first(object); c && out->count < LIST_MAX;
	     c = json_next(c)) {
		struct pair *pair;

		if (!json_text(c))
			continue;
		pair = arena_push(arena, &out->items, &out->count, sizeof(*pair));
		pair->key = arena_strdup(arena, json_key(c));
		pair->value = arena_strdup(arena, json_text(c));
	}
}

static int parse(const char *text, size_t len, enum json_type type, const char *what,
		 struct json **out, struct err *err)
{
	struct json *json;

	if (len > IMAGE_JSON_MAX)
		return err_set(err, ERR_LIMIT, "%s has more than %zu bytes", what, IMAGE_JSON_MAX);
	if (json_parse(text, len, false, &json, err) < 0)
		return err_wrap(err, "%s", what);
	if (json_type(json) != type) {
		json_free(json);
		return err_set(err, ERR_USAGE, "%s is not %s", what, json_type_name(type));
	}
	*out = json;
	return 0;
}

static void read_settings(const struct json *config, struct arena *arena, struct image_config *out)
{
	const struct json *health = object_in(config, "Healthcheck");

	strings_of(json_get(config, "Env"), arena, &out->env);
	strings_of(json_get(config, "Entrypoint"), arena, &out->entrypoint);
	strings_of(json_get(config, "Cmd"), arena, &out->cmd);
	out->user = copy(config, "User", arena);
	out->workdir = copy(config, "WorkingDir", arena);
	pairs_of(json_get(config, "Labels"), arena, &out->labels);
	keys_of(json_get(config, "ExposedPorts"), arena, &out->ports);
	keys_of(json_get(config, "Volumes"), arena, &out->volumes);
	if (health)
		strings_of(json_get(health, "Test"), arena, &out->healthcheck);
}

static void read_history(const struct json *list, struct arena *arena, struct image_facts *out)
{
	if (!is_type(list, JSON_ARRAY))
		return;
	for (const struct json *c = json_first(list); c && out->history_count < HISTORY_MAX;
	     c = json_next(c)) {
		struct image_history *item =
			arena_push(arena, &out->history, &out->history_count, sizeof(*item));

		if (!is_type(c, JSON_OBJECT))
			continue;
		item->created_by = copy(c, "created_by", arena);
		item->empty_layer = json_bool(c, "empty_layer", false);
	}
}

int layout_config(const char *text, size_t len, struct arena *arena, struct image_facts *out,
		  struct err *err)
{
	CLEANUP(json_freep) struct json *json = NULL;
	struct image_facts facts = {0};
	const struct json *config, *rootfs;
	char hex[DIGEST_HEX];

	if (parse(text, len, JSON_OBJECT, "the image's configuration", &json, err) < 0)
		return -1;
	digest_of(text, len, hex);
	facts.config.id = arena_printf(arena, "sha256:%s", hex);
	facts.config.os = copy(json, "os", arena);
	facts.config.arch = copy(json, "architecture", arena);
	config = object_in(json, "config");
	rootfs = object_in(json, "rootfs");
	if (config)
		read_settings(config, arena, &facts.config);
	if (rootfs)
		strings_of(json_get(rootfs, "diff_ids"), arena, &facts.diff_ids);
	read_history(json_get(json, "history"), arena, &facts);
	*out = facts;
	return 0;
}

int layout_docker(const char *text, size_t len, struct arena *arena, struct layout_image **out,
		  size_t *count, struct err *err)
{
	CLEANUP(json_freep) struct json *json = NULL;
	struct layout_image *images = NULL;
	size_t n = 0;

	if (parse(text, len, JSON_ARRAY, "manifest.json", &json, err) < 0)
		return -1;
	for (const struct json *c = json_first(json); c && n < LIST_MAX; c = json_next(c)) {
		struct layout_image *image;

		if (!is_type(c, JSON_OBJECT) || !has_text(c, "Config"))
			return err_set(err, ERR_USAGE, "manifest.json: entry %zu has no Config",
				       n + 1);
		image = arena_push(arena, &images, &n, sizeof(*image));
		image->config = copy(c, "Config", arena);
		strings_of(json_get(c, "Layers"), arena, &image->layers);
		strings_of(json_get(c, "RepoTags"), arena, &image->tags);
	}
	*out = images;
	*count = n;
	return 0;
}

static bool is_index(const char *media_type)
{
	return media_type &&
	       (!strcmp(media_type, "application/vnd.oci.image.index.v1+json") ||
		!strcmp(media_type, "application/vnd.docker.distribution.manifest.list.v2+json"));
}

static void read_descriptor(const struct json *json, struct arena *arena,
			    struct layout_descriptor *out)
{
	const struct json *notes = object_in(json, "annotations");
	const struct json *platform = object_in(json, "platform");

	out->digest = copy(json, "digest", arena);
	out->media_type = copy(json, "mediaType", arena);
	out->index = is_index(out->media_type);
	if (notes) {
		out->name = copy(notes, "io.containerd.image.name", arena);
		out->tag = copy(notes, "org.opencontainers.image.ref.name", arena);
	}
	if (platform) {
		out->os = copy(platform, "os", arena);
		out->arch = copy(platform, "architecture", arena);
	}
}

int layout_index(const char *text, size_t len, struct arena *arena, struct layout_descriptor **out,
		 size_t *count, struct err *err)
{
	CLEANUP(json_freep) struct json *json = NULL;
	struct layout_descriptor *list = NULL;
	const struct json *manifests;
	size_t n = 0;

	if (parse(text, len, JSON_OBJECT, "the index of the layout", &json, err) < 0)
		return -1;
	manifests = json_get(json, "manifests");
	if (!is_type(manifests, JSON_ARRAY))
		return err_set(err, ERR_USAGE, "the index of the layout lists no manifests");
	for (const struct json *c = json_first(manifests); c && n < LIST_MAX; c = json_next(c)) {
		struct layout_descriptor *item;

		if (!is_type(c, JSON_OBJECT) || !has_text(c, "digest"))
			return err_set(err, ERR_USAGE,
				       "the index of the layout: manifest %zu has no digest",
				       n + 1);
		item = arena_push(arena, &list, &n, sizeof(*item));
		read_descriptor(c, arena, item);
	}
	*out = list;
	*count = n;
	return 0;
}

int layout_manifest(const char *text, size_t len, struct arena *arena, struct layout_image *out,
		    struct err *err)
{
	CLEANUP(json_freep) struct json *json = NULL;
	struct layout_image image = {0};
	const struct json *config, *layers;

	if (parse(text, len, JSON_OBJECT, "the image's manifest", &json, err) < 0)
		return -1;
	if (is_type(json_get(json, "manifests"), JSON_ARRAY))
		return 1;
	config = object_in(json, "config");
	layers = json_get(json, "layers");
	if (!config || !has_text(config, "digest") || !is_type(layers, JSON_ARRAY))
		return err_set(err, ERR_USAGE, "the image's manifest has no config or layers");
	image.config = copy(config, "digest", arena);
	for (const struct json *c = json_first(layers); c; c = json_next(c)) {
		const char *digest = is_type(c, JSON_OBJECT) ? json_str(c, "digest", NULL) : NULL;

		if (!digest)
			return err_set(err, ERR_USAGE,
				       "the image's manifest: layer %zu has no digest",
				       image.layers.count + 1);
		push(arena, &image.layers, digest);
	}
	*out = image;
	return 0;
}
