/* An image: its layers, what was merged of them, and looking paths up. */
#include "image/image.h"

#include "base/cancel.h"
#include "base/mem.h"
#include "image/image_private.h"
#include "parse/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct image *image__new(const char *name, const char *source, const struct image_options *options)
{
	static const struct image_options none;
	struct image *image = xcalloc(1, sizeof(*image));

	image->arena = arena_new();
	image->options = options ? options : &none;
	image->name = arena_strdup(image->arena, name);
	image->source = source;
	image->cache = arena_strdup(image->arena, image->options->cache);
	spool_init(&image->spool, NULL);
	buf_init(&image->config_text, IMAGE_JSON_MAX);
	return image;
}

void image_close(struct image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->layer_count; i++)
		index_done(&image->indexes[i]);
	for (size_t i = 0; i < image->fd_count; i++)
		close(image->fds[i]);
	spool_done(&image->spool);
	buf_done(&image->config_text);
	free(image->files);
	free(image->hidden);
	arena_free(image->arena);
	free(image);
}

void image_closep(struct image **image)
{
	image_close(*image);
}

int image__own(struct image *image, int fd)
{
	int *slot = arena_push(image->arena, &image->fds, &image->fd_count, sizeof(*slot));

	*slot = fd;
	return fd;
}

int image__layers(struct image *image, size_t count, struct err *err)
{
	if (count > IMAGE_LAYERS_MAX)
		return err_set(err, ERR_LIMIT, "%s has %zu layers, more than %d", image->name,
			       count, IMAGE_LAYERS_MAX);
	image->layers = arena_alloc(image->arena, count * sizeof(*image->layers));
	image->indexes = arena_alloc(image->arena, count * sizeof(*image->indexes));
	image->places = arena_alloc(image->arena, count * sizeof(*image->places));
	image->layer_count = count;
	for (size_t i = 0; i < count; i++) {
		image->layers[i].number = (unsigned)i + 1;
		image->layers[i].digest =
			i < image->facts.diff_ids.count ? image->facts.diff_ids.items[i] : NULL;
		image->places[i].fd = -1;
	}
	return 0;
}

void image__progress(struct image *image, uint64_t bytes)
{
	image->bytes_read += bytes;
	if (image->options && image->options->progress)
		image->options->progress(image->options->payload, image->bytes_read,
					 image->bytes_total);
}

bool image__cached(struct image *image, size_t at, bool offsets)
{
	struct image_layer *layer = &image->layers[at];
	struct index index = {0};

	if (!image->cache || !layer->digest ||
	    index_load(image->cache, layer->digest, &index, NULL) < 0)
		return false;
	if (offsets && !index.offsets) {
		index_done(&index);
		return false;
	}
	image->indexes[at] = index;
	layer->cached = true;
	return true;
}

int image__keep(struct image *image, size_t at, const char diff_id[DIGEST_HEX], struct index *index,
		struct err *err)
{
	const struct image_layer *layer = &image->layers[at];
	const char *hex = layer->digest ? strchr(layer->digest, ':') : NULL;

	if (hex && strcmp(hex + 1, diff_id) != 0) {
		index_done(index);
		return err_set(err, ERR_USAGE,
			       "layer %u does not hold what the configuration says: its digest is "
			       "sha256:%s, not %s",
			       layer->number, diff_id, layer->digest);
	}
	image->indexes[at] = *index;
	/* without the cache the next scan is slower, nothing else */
	if (image->cache && layer->digest)
		(void)index_store(image->cache, layer->digest, index, NULL);
	return 0;
}

int image__read_file(struct image *image, int fd, uint64_t offset, uint64_t size, sink_fn sink,
		     void *payload, struct err *err)
{
	char *piece = xcalloc(1, IMAGE_READ_BYTES);
	int rc = 0;

	while (size && rc == 0) {
		size_t want = size < IMAGE_READ_BYTES ? (size_t)size : IMAGE_READ_BYTES;
		ssize_t got = pread(fd, piece, want, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			rc = got ? err_sys(err, ERR_INFRA, "reading %s", image->name)
				 : err_set(err, ERR_USAGE, "%s is cut off", image->name);
			break;
		}
		image__progress(image, (uint64_t)got);
		rc = cancel_check(err) < 0 ? -1 : sink(payload, piece, (size_t)got, err);
		offset += (uint64_t)got;
		size -= (uint64_t)got;
	}
	free(piece);
	return rc;
}

struct feed {
	struct layer_reader *reader;
	struct digest *packed;
};

static int on_packed(void *payload, const void *data, size_t len, struct err *err)
{
	struct feed *feed = payload;

	if (feed->packed)
		digest_add(feed->packed, data, len);
	return layer_reader_feed(feed->reader, data, len, err);
}

static int check_packed(struct feed *feed, const char *want, struct err *err)
{
	char hex[DIGEST_HEX];

	if (!feed->packed)
		return 0;
	digest_final(feed->packed, hex);
	feed->packed = NULL;
	if (!strncmp(want, "sha256:", 7) && !strcmp(want + 7, hex))
		return 0;
	return err_set(err, ERR_USAGE, "its digest is sha256:%s, not %s", hex, want);
}

static int read_tar(struct image *image, size_t at, const char *packed, struct err *err)
{
	const struct place *place = &image->places[at];
	struct feed feed = {0};
	char diff_id[DIGEST_HEX];
	struct index index;
	int rc;

	feed.reader = layer_reader_new(&image->spool, place->fd, place->offset);
	/* of a plain tar both digests are the same */
	if (packed && (!image->layers[at].digest || strcmp(packed, image->layers[at].digest) != 0))
		feed.packed = digest_new();
	rc = image__read_file(image, place->fd, place->offset, place->size, on_packed, &feed, err);
	if (rc == 0)
		rc = check_packed(&feed, packed, err);
	if (rc == 0)
		rc = layer_reader_end(feed.reader, diff_id, &index, err);
	if (feed.packed)
		digest_final(feed.packed, diff_id);
	layer_reader_free(feed.reader);
	return rc < 0 ? -1 : image__keep(image, at, diff_id, &index, err);
}

int image__read_layer(struct image *image, size_t at, const char *packed, struct err *err)
{
	struct place *place = &image->places[at];
	struct index index;
	uint64_t bytes = 0;
	int rc;

	if (place->kind == PLACE_FOLDER) {
		rc = layer_folder(place->path, image->layers[at].digest != NULL, &bytes, &index,
				  err);
		image__progress(image, bytes);
		if (rc < 0)
			return -1;
		image->indexes[at] = index;
		if (image->cache && image->layers[at].digest)
			(void)index_store(image->cache, image->layers[at].digest, &index, NULL);
		return 0;
	}
	if (read_tar(image, at, packed, err) < 0)
		return err_wrap(err, "%s: layer %u", image->name, (unsigned)at + 1);
	return 0;
}

/* "/bin/sh -c #(nop) CMD x" and "RUN |1 A=b /bin/sh -c make # buildkit" as they were written. */
static const char *step_text(const char *text, struct arena *arena)
{
	static const char shell[] = "/bin/sh -c ", nop[] = "#(nop)", tail[] = " # buildkit";
	const char *at = text, *found;
	size_t len;
	bool run = !strncmp(at, "RUN ", 4);

	at += run ? 4 : 0;
	found = at[0] == '|' ? strstr(at, shell) : at;
	at = found ? found : at;
	if (!strncmp(at, shell, sizeof(shell) - 1)) {
		at += sizeof(shell) - 1;
		run = strncmp(at, nop, sizeof(nop) - 1) != 0;
	}
	if (!strncmp(at, nop, sizeof(nop) - 1))
		at += sizeof(nop) - 1;
	at += strspn(at, " ");
	len = strlen(at);
	if (len >= sizeof(tail) - 1 && !strcmp(at + len - (sizeof(tail) - 1), tail))
		len -= sizeof(tail) - 1;
	return arena_printf(arena, "%s%.*s", run ? "RUN " : "", (int)len, at);
}

/* The entries of the history that are not empty are the layers, when there are as many. */
static void name_steps(struct image *image)
{
	size_t full = 0, at = 0;

	for (size_t i = 0; i < image->facts.history_count; i++)
		full += !image->facts.history[i].empty_layer;
	if (full != image->layer_count)
		return;
	for (size_t i = 0; i < image->facts.history_count; i++) {
		const struct image_history *history = &image->facts.history[i];

		if (history->empty_layer)
			continue;
		image->layers[at].step_number = (unsigned)i + 1;
		if (history->created_by && *history->created_by)
			image->layers[at].step = step_text(history->created_by, image->arena);
		at++;
	}
}

int image__finish(struct image *image, struct err *err)
{
	name_steps(image);
	for (size_t i = 0; i < image->layer_count; i++) {
		image->layers[i].size_bytes = image->indexes[i].size_bytes;
		image->layers[i].file_count = image->indexes[i].file_count;
	}
	if (image__merge(image, err) < 0)
		return err_wrap(err, "%s", image->name);
	image->options = NULL;
	return 0;
}

const char *image_name(const struct image *image)
{
	return image->name;
}

const char *image_source(const struct image *image)
{
	return image->source;
}

const struct image_config *image_config(const struct image *image)
{
	return image->has_config ? &image->facts.config : NULL;
}

const struct image_history *image_history(const struct image *image, size_t *count)
{
	*count = image->facts.history_count;
	return image->facts.history;
}

const struct image_layer *image_layers(const struct image *image, size_t *count)
{
	*count = image->layer_count;
	return image->layers;
}

const struct image_file *image_files(const struct image *image, size_t *count)
{
	*count = image->file_count;
	return image->files;
}

const struct image_file *image_hidden(const struct image *image, size_t *count)
{
	*count = image->hidden_count;
	return image->hidden;
}

uint64_t image_bytes_read(const struct image *image)
{
	return image->bytes_read;
}
