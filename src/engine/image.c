/* Images: their configuration as the engine stores it, and tags. */
#include "engine/engine_private.h"

#include <string.h>

#define LIST_MAX 4096 /* entries of one list of an image's configuration */

static void push_string(struct arena *arena, struct strings *out, const char *text)
{
	const char **item;

	if (!text || out->count >= LIST_MAX)
		return;
	item = arena_push(arena, &out->items, &out->count, sizeof(*out->items));
	*item = arena_strdup(arena, text);
}

/* A list of strings; podman writes some one-element lists as a string. */
static void read_strings(const struct json *value, struct arena *arena, struct strings *out)
{
	if (value && json_type(value) == JSON_STRING)
		push_string(arena, out, json_text(value));
	if (!value || json_type(value) != JSON_ARRAY)
		return;
	for (const struct json *c = json_first(value); c; c = json_next(c))
		push_string(arena, out, json_text(c));
}

/* The keys of {"8000/tcp": {}}. */
static void read_keys(const struct json *value, struct arena *arena, struct strings *out)
{
	if (!value || json_type(value) != JSON_OBJECT)
		return;
	for (const struct json *c = json_first(value); c; c = json_next(c))
		push_string(arena, out, json_key(c));
}

static void read_pairs(const struct json *value, struct arena *arena, struct pairs *out)
{
	if (!value || json_type(value) != JSON_OBJECT)
		return;
	for (const struct json *c = json_first(value); c && out->count < LIST_MAX;
	     c = json_next(c)) {
		struct pair *pair;

		if (!json_text(c))
			continue;
		pair = arena_push(arena, &out->items, &out->count, sizeof(*pair));
		pair->key = arena_strdup(arena, json_key(c));
		pair->value = arena_strdup(arena, json_text(c));
	}
}

static const char *nonempty(const char *text, struct arena *arena)
{
	return text && *text ? arena_strdup(arena, text) : NULL;
}

static void read_config(const struct json *config, struct arena *arena, struct image_config *out)
{
	const struct json *health = json_get(config, "Healthcheck");

	read_strings(json_get(config, "Env"), arena, &out->env);
	read_strings(json_get(config, "Entrypoint"), arena, &out->entrypoint);
	read_strings(json_get(config, "Cmd"), arena, &out->cmd);
	out->user = nonempty(json_str(config, "User", NULL), arena);
	out->workdir = nonempty(json_str(config, "WorkingDir", NULL), arena);
	read_pairs(json_get(config, "Labels"), arena, &out->labels);
	read_keys(json_get(config, "ExposedPorts"), arena, &out->ports);
	read_keys(json_get(config, "Volumes"), arena, &out->volumes);
	if (health && json_type(health) == JSON_OBJECT)
		read_strings(json_get(health, "Test"), arena, &out->healthcheck);
}

static int read_image(const struct json *json, const char *host, const char *ref,
		      struct arena *arena, struct image_config *out, struct err *err)
{
	struct image_config image = {0};
	const char *id = json ? json_str(json, "Id", NULL) : NULL;
	const struct json *config = json ? json_get(json, "Config") : NULL;
	int64_t size;

	if (!id || !*id)
		return err_set(err, ERR_INFRA, "engine at %s: image %s has no id", host, ref);
	/* podman leaves the algorithm out. */
	image.id = strchr(id, ':') ? arena_strdup(arena, id) : arena_printf(arena, "sha256:%s", id);
	if (config && json_type(config) == JSON_OBJECT)
		read_config(config, arena, &image);
	image.os = nonempty(json_str(json, "Os", NULL), arena);
	image.arch = nonempty(json_str(json, "Architecture", NULL), arena);
	size = json_int(json, "Size", 0);
	image.size_bytes = size > 0 ? (uint64_t)size : 0;
	*out = image;
	return 0;
}

static int inspect(struct engine *engine, const char *ref, struct json **out, struct err *err)
{
	struct buf path;
	int rc;

	if (!ref || !*ref)
		return err_set(err, ERR_NOTFOUND, "no image: the reference is empty");
	buf_init(&path, ENGINE_PATH_MAX);
	buf_addstr(&path, "/images/");
	engine__encode_path(ref, &path);
	buf_addstr(&path, "/json");
	rc = engine__call(engine, "GET", buf_str(&path), NULL, 200, 0, out, err);
	buf_done(&path);
	return rc;
}

int engine_image(struct engine *engine, const char *ref, struct arena *arena,
		 struct image_config *out, struct err *err)
{
	CLEANUP(json_freep) struct json *json = NULL;

	if (inspect(engine, ref, &json, err) < 0)
		return -1;
	return read_image(json, engine->info.host, ref, arena, out, err);
}

/* "UPPER" and "LOWER:LOWER2:…", highest first, as a list, lowest first. */
static void read_folders(const char *upper, const char *lower, struct arena *arena,
			 struct strings *out)
{
	const char *end = lower + strlen(lower);

	while (end > lower) {
		const char *colon = memrchr(lower, ':', (size_t)(end - lower));
		const char *start = colon ? colon + 1 : lower;

		push_string(arena, out, arena_strndup(arena, start, (size_t)(end - start)));
		end = colon ? colon : lower;
	}
	push_string(arena, out, upper);
}

static const struct json *object_in(const struct json *object, const char *key)
{
	const struct json *child = object ? json_get(object, key) : NULL;

	return child && json_type(child) == JSON_OBJECT ? child : NULL;
}

int engine_image_storage(struct engine *engine, const char *ref, struct arena *arena,
			 struct image_storage *out, struct err *err)
{
	CLEANUP(json_freep) struct json *json = NULL;
	const struct json *rootfs, *graph, *data;
	struct image_storage storage = {.driver = ""};
	struct image_config image;

	if (inspect(engine, ref, &json, err) < 0 ||
	    read_image(json, engine->info.host, ref, arena, &image, err) < 0)
		return -1;
	storage.id = image.id;
	rootfs = object_in(json, "RootFS");
	graph = object_in(json, "GraphDriver");
	data = object_in(graph, "Data");
	if (rootfs)
		read_strings(json_get(rootfs, "Layers"), arena, &storage.diff_ids);
	if (graph)
		storage.driver = arena_strdup(arena, json_str(graph, "Name", ""));
	if (data && json_str(data, "UpperDir", NULL))
		read_folders(json_str(data, "UpperDir", ""), json_str(data, "LowerDir", ""), arena,
			     &storage.folders);
	if (storage.folders.count != storage.diff_ids.count)
		storage.folders = (struct strings){0};
	*out = storage;
	return 0;
}

int engine_image_export(struct engine *engine, const char *ref,
			int (*write)(void *payload, const void *data, size_t len, struct err *err),
			void *payload, struct err *err)
{
	struct http_request request = {.write = write, .payload = payload};
	struct http_answer answer = {0};
	struct buf path;
	int rc;

	buf_init(&path, ENGINE_PATH_MAX);
	buf_addstr(&path, "/images/");
	engine__encode_path(ref, &path);
	buf_addstr(&path, "/get");
	request.path = buf_str(&path);
	rc = engine__send(engine, &request, 200, 0, &answer, err);
	http_answer_done(&answer);
	buf_done(&path);
	return rc;
}

/* Length of the repository in REPO_TAG: up to the last ':' that is not a registry's port. */
static size_t repo_length(const char *repo_tag)
{
	const char *colon = strrchr(repo_tag, ':');

	return colon && !strchr(colon, '/') ? (size_t)(colon - repo_tag) : strlen(repo_tag);
}

int engine_image_tag(struct engine *engine, const char *id, const char *repo_tag, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	size_t len = repo_length(repo_tag);
	struct buf path;
	int rc;

	buf_init(&path, ENGINE_PATH_MAX);
	buf_addstr(&path, "/images/");
	engine__encode_path(id, &path);
	buf_addstr(&path, "/tag?repo=");
	http_encode(arena_strndup(arena, repo_tag, len), &path);
	buf_addstr(&path, "&tag=");
	http_encode(repo_tag[len] ? repo_tag + len + 1 : "latest", &path);
	rc = engine__call(engine, "POST", buf_str(&path), NULL, 201, 200, NULL, err);
	buf_done(&path);
	return rc;
}
