/*
 * An image of an engine: from the folders of its storage driver overlay2 where they can be read and
 * are those that the engine's own records name, else from an export.
 */
#include "base/file.h"
#include "image/image_private.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define RECORD_MAX ((size_t)4096) /* of one file in the engine's layer records */
#define DRIVER "overlay2"

/* The engine's data folder: what is in front of "/overlay2/ID/diff" in a layer's folder. */
static char *engine_root(struct arena *arena, const char *folder)
{
	const char *found = strstr(folder, "/" DRIVER "/");

	return found ? arena_strndup(arena, folder, (size_t)(found - folder)) : NULL;
}

static int read_record(const char *root, const char *chain, const char *name, struct buf *out)
{
	char path[PATH_MAX];

	buf_init(out, RECORD_MAX);
	if ((size_t)snprintf(path, sizeof(path), "%s/image/" DRIVER "/layerdb/sha256/%s/%s", root,
			     chain, name) >= sizeof(path))
		return -1;
	return file_read(path, out, NULL);
}

/* Does the engine's record of the layer with the id CHAIN name this folder and digest? */
static bool is_recorded(const char *root, const char *chain, const char *folder, const char *digest)
{
	char path[PATH_MAX];
	struct buf id, diff;
	bool same;

	same = read_record(root, chain, "cache-id", &id) == 0;
	same = read_record(root, chain, "diff", &diff) == 0 && same;
	(void)snprintf(path, sizeof(path), "%s/" DRIVER "/%s/diff", root, buf_str(&id));
	same = same && !strcmp(path, folder) && !strcmp(buf_str(&diff), digest);
	buf_done(&id);
	buf_done(&diff);
	return same;
}

/* A chain id is the digest of the chain id below and the layer's diff id. */
static bool is_consistent(const struct image_storage *storage, const char *root)
{
	char chain[DIGEST_HEX] = "", text[2 * DIGEST_HEX + 32];

	for (size_t i = 0; i < storage->folders.count; i++) {
		const char *digest = storage->diff_ids.items[i];

		if (strncmp(digest, "sha256:", 7) != 0 || strlen(digest) != DIGEST_HEX + 6)
			return false;
		if (i) {
			(void)snprintf(text, sizeof(text), "sha256:%s %s", chain, digest);
			digest_of(text, strlen(text), chain);
		} else {
			memcpy(chain, digest + 7, DIGEST_HEX);
		}
		if (!is_recorded(root, chain, storage->folders.items[i], digest))
			return false;
	}
	return true;
}

static bool same_strings(const struct strings *a, const struct strings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

/* TEXT is the configuration if it lists the layers that the engine lists. */
static int use_config(struct image *image, const struct image_storage *storage, const char *text,
		      size_t len)
{
	struct image_facts facts;

	if (layout_config(text, len, image->arena, &facts, NULL) < 0 ||
	    !same_strings(&facts.diff_ids, &storage->diff_ids))
		return -1;
	image->facts = facts;
	image->facts.config.id = storage->id;
	image->has_config = true;
	return 0;
}

static int config_of_engine(struct image *image, const struct image_storage *storage,
			    const char *root)
{
	const char *hex = strchr(storage->id, ':') + 1;
	char path[PATH_MAX];
	struct buf text;
	int rc = -1;

	buf_init(&text, IMAGE_JSON_MAX);
	if ((size_t)snprintf(path, sizeof(path), "%s/image/" DRIVER "/imagedb/content/sha256/%s",
			     root, hex) < sizeof(path) &&
	    file_read(path, &text, NULL) == 0)
		rc = use_config(image, storage, buf_str(&text), text.len);
	buf_done(&text);
	return rc;
}

/* -1: not these folders, and nothing is known yet; 1 with ERR: they cannot be read. */
static int try_folders(struct image *image, const struct image_storage *storage, struct err *err)
{
	const char *root;

	if (image->options->no_storage || strcmp(storage->driver, DRIVER) != 0 ||
	    !storage->folders.count)
		return 1;
	root = engine_root(image->arena, storage->folders.items[0]);
	if (!root || !is_consistent(storage, root) || config_of_engine(image, storage, root) < 0)
		return 1;
	if (image__layers(image, storage->folders.count, err) < 0)
		return -1;
	for (size_t i = 0; i < image->layer_count; i++) {
		struct err own = {0};

		image->places[i] = (struct place){
			.kind = PLACE_FOLDER, .fd = -1, .path = storage->folders.items[i]};
		if (image__cached(image, i, false) || image__read_layer(image, i, NULL, &own) == 0)
			continue;
		if (own.code == ERR_NOTFOUND || own.code == ERR_USAGE)
			return 1;
		if (err)
			*err = own;
		return -1;
	}
	return 0;
}

static void forget_layers(struct image *image)
{
	for (size_t i = 0; i < image->layer_count; i++)
		index_done(&image->indexes[i]);
	image->layer_count = 0;
}

/*
 * What an earlier export told: the names of its layers' members, one a line, an empty line, and
 * the configuration. With it and all indexes, nothing has to be exported.
 */
static const char *note_path(struct image *image, const struct image_storage *storage)
{
	const char *hex = strchr(storage->id, ':') + 1;

	if (!image->cache || strspn(hex, "0123456789abcdef") != strlen(hex))
		return NULL;
	return arena_printf(image->arena, "%s/images/%s", image->cache, hex);
}

static bool read_note(struct image *image, const struct image_storage *storage, const char *text,
		      size_t len)
{
	size_t count = storage->diff_ids.count;
	const char *at = text, *end = text + len;

	if (image__layers(image, count, NULL) < 0)
		return false;
	for (size_t i = 0; i <= count; i++) {
		const char *line = memchr(at, '\n', (size_t)(end - at));

		if (!line || (line == at) != (i == count))
			return false;
		if (i < count)
			image->places[i] = (struct place){
				.kind = PLACE_MEMBER,
				.fd = -1,
				.member = arena_strndup(image->arena, at, (size_t)(line - at))};
		at = line + 1;
	}
	if (use_config(image, storage, at, (size_t)(end - at)) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		image->layers[i].digest = image->facts.diff_ids.items[i];
		if (!image__cached(image, i, false))
			return false;
	}
	return true;
}

static bool try_note(struct image *image, const struct image_storage *storage)
{
	const char *path = note_path(image, storage);
	struct buf text;
	bool known;

	buf_init(&text, 2 * IMAGE_JSON_MAX);
	known = path && file_read(path, &text, NULL) == 0 &&
		read_note(image, storage, buf_str(&text), text.len);
	buf_done(&text);
	if (!known)
		forget_layers(image);
	return known;
}

/* Without it the next scan is slower, nothing else. */
static void write_note(struct image *image, const struct image_storage *storage)
{
	const char *path = note_path(image, storage);
	struct buf text;

	if (!path || !image->config_text.len)
		return;
	buf_init(&text, 2 * IMAGE_JSON_MAX);
	for (size_t i = 0; i < image->layer_count; i++) {
		const char *member = image->places[i].member;

		if (!member || strchr(member, '\n'))
			goto out;
		buf_printf(&text, "%s\n", member);
	}
	buf_addstr(&text, "\n");
	buf_add(&text, image->config_text.data, image->config_text.len);
	if (!text.truncated &&
	    file_mkdirs(arena_printf(image->arena, "%s/images", image->cache), NULL) == 0)
		(void)file_write_quick(path, text.data, text.len, NULL);
out:
	buf_done(&text);
}

struct export
{
	struct image *image;
	sink_fn sink;
	void *payload;
};

static int on_exported(void *payload, const void *data, size_t len, struct err *err)
{
	const struct export *export = payload;

	image__progress(export->image, len);
	return export->sink(export->payload, data, len, err);
}

static int stream_export(struct image *image, sink_fn sink, void *payload, struct err *err)
{
	struct export export = {image, sink, payload};

	return engine_image_export(image->engine, image->ref, on_exported, &export, err);
}

static int open_export(struct image *image, const struct image_storage *storage, struct err *err)
{
	struct bundle bundle;
	int rc;

	rc = stream_open(image, &bundle, err);
	if (rc == 0)
		rc = bundle_open(&bundle, NULL, err);
	bundle_done(&bundle);
	if (rc < 0)
		return -1;
	image->facts.config.id = storage->id;
	write_note(image, storage);
	return 0;
}

/* The bytes are the engine's, not the user's. */
static int blame_engine(struct err *err)
{
	if (err && err->code == ERR_USAGE)
		err->code = ERR_INFRA;
	return -1;
}

int image_open_engine(struct engine *engine, const char *ref, const struct image_options *options,
		      struct image **out, struct err *err)
{
	struct image *image = image__new(ref, "storage", options);
	struct image_storage storage;
	int rc;

	if (engine_image_storage(engine, ref, image->arena, &storage, err) < 0) {
		image_close(image);
		return -1;
	}
	image->engine = engine;
	image->ref = storage.id;
	image->stream = stream_export;
	rc = try_folders(image, &storage, err);
	if (rc > 0) {
		forget_layers(image);
		image->source = "engine";
		rc = try_note(image, &storage) ? 0 : open_export(image, &storage, err);
	}
	if (rc < 0 || image__finish(image, err) < 0) {
		image_close(image);
		return blame_engine(err);
	}
	*out = image;
	return 0;
}
