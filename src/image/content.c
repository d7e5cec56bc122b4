/* Content of one file, read again from where its layer lies. */
#include "base/mem.h"
#include "image/image_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reading a tar up to one file in it. */
struct search {
	struct image *image;
	const char *member; /* of an outer archive that is looked for first, or NULL */
	const char *path;
	uint64_t offset; /* of the content in the tar, 0: unknown */
	sink_fn sink;
	void *payload;
	struct tar_reader *outer, *tar;
	struct unpack *outer_unpack, *unpack;
	bool in_member, in_file;
	uint64_t left;
	bool found, done; /* done: what follows is not read */
};

/* Ends the reading without being an error. */
static int enough(struct search *s, struct err *err)
{
	s->done = true;
	return err_set(err, ERR_BUG, "the content of %s was read", s->path);
}

static int on_entry(void *payload, const struct tar_entry *entry, struct err *err)
{
	struct search *s = payload;
	char path[TAR_PATH_MAX + 2];

	s->in_file = false;
	if (s->found)
		return enough(s, err);
	if (entry->type != TAR_FILE || index_normalise(entry->path, path) < 0 ||
	    strcmp(path, s->path) != 0 || (s->offset && s->offset != tar_reader_content(s->tar)))
		return 1;
	s->found = s->in_file = true;
	s->left = entry->size;
	return 0;
}

static int on_data(void *payload, const void *data, size_t len, struct err *err)
{
	struct search *s = payload;

	if (!s->in_file)
		return 0;
	if (s->sink(s->payload, data, len, err) < 0)
		return -1;
	s->left -= len;
	return s->left ? 0 : enough(s, err);
}

static int on_unpacked(void *payload, const void *data, size_t len, struct err *err)
{
	return tar_reader_feed(((struct search *)payload)->tar, data, len, err);
}

static int on_packed(void *payload, const void *data, size_t len, struct err *err)
{
	return unpack_feed(((struct search *)payload)->unpack, data, len, err);
}

static int on_member(void *payload, const struct tar_entry *entry, struct err *err)
{
	struct search *s = payload;
	char name[TAR_PATH_MAX + 2];

	(void)err;
	s->in_member = entry->type == TAR_FILE && index_normalise(entry->path, name) == 0 &&
		       !strcmp(name, s->member);
	return s->in_member ? 0 : 1;
}

static int on_outer(void *payload, const void *data, size_t len, struct err *err)
{
	return tar_reader_feed(((struct search *)payload)->outer, data, len, err);
}

static int on_stream(void *payload, const void *data, size_t len, struct err *err)
{
	return unpack_feed(((struct search *)payload)->outer_unpack, data, len, err);
}

static int read_stream(struct search *s, struct err *err)
{
	struct tar_visitor visitor = {on_member, on_packed, s};
	int rc;

	s->outer = tar_reader_new(&visitor);
	s->outer_unpack = unpack_new(on_outer, s);
	rc = s->image->stream(s->image, on_stream, s, err);
	unpack_free(s->outer_unpack);
	tar_reader_free(s->outer);
	return rc;
}

static int search_tar(struct search *s, const struct place *place, struct err *err)
{
	struct tar_visitor visitor = {on_entry, on_data, s};
	struct err own = {0};
	int rc;

	s->tar = tar_reader_new(&visitor);
	s->unpack = unpack_new(on_unpacked, s);
	s->member = place->member;
	if (place->kind == PLACE_MEMBER)
		rc = read_stream(s, &own);
	else
		rc = image__read_file(s->image, place->fd, place->offset, place->size, on_packed, s,
				      &own);
	unpack_free(s->unpack);
	tar_reader_free(s->tar);
	if (rc < 0 && !s->done) {
		if (err)
			*err = own;
		return -1;
	}
	return s->found ? 0 : err_set(err, ERR_INFRA, "%s is no longer in its layer", s->path);
}

/* Open PATH below FOLDER without following a link anywhere on the way. */
static int open_below(const char *folder, const char *path)
{
	char part[TAR_PATH_MAX + 2];
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && *path) {
		size_t len = strcspn(++path, "/");
		int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, next;

		memcpy(part, path, len);
		part[len] = '\0';
		path += len;
		next = openat(fd, part, flags | (*path ? O_DIRECTORY : 0));
		close(fd);
		fd = next;
	}
	return fd;
}

static int read_folder(struct image *image, const char *folder, const char *path, sink_fn sink,
		       void *payload, struct err *err)
{
	char *piece;
	ssize_t got;
	int rc = 0, fd = open_below(folder, path);

	if (fd < 0)
		return err_sys(err, ERR_INFRA, "%s%s", folder, path);
	piece = xcalloc(1, IMAGE_READ_BYTES);
	while (rc == 0 && (got = read(fd, piece, IMAGE_READ_BYTES)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			rc = err_sys(err, ERR_INFRA, "reading %s%s", folder, path);
			break;
		}
		image->bytes_read += (uint64_t)got;
		rc = sink(payload, piece, (size_t)got, err);
	}
	free(piece);
	close(fd);
	return rc;
}

static bool is_plain(const struct place *place)
{
	unsigned char magic[PACKING_MAGIC];

	return place->kind == PLACE_FILE &&
	       pread(place->fd, magic, sizeof(magic), (off_t)place->offset) == sizeof(magic) &&
	       packing_of(magic, sizeof(magic)) == PACKING_NONE;
}

/* The entry that holds the content of FILE: another one, perhaps of a lower layer, for links. */
static bool locate(const struct image *image, const struct image_file *file, struct entry *out,
		   size_t *layer)
{
	const char *path = file->path;
	unsigned number = file->layer->number;

	for (unsigned hops = 0; hops <= IMAGE_LINKS_MAX; hops++) {
		const struct image_file *there = image__version(image, path, number);

		if (!there)
			return false;
		*layer = there->layer->number - 1;
		if (!index_find(&image->indexes[*layer], path, out))
			return false;
		if (out->kind != ENTRY_HARD)
			return out->kind == ENTRY_FILE;
		path = out->link;
		number = there->layer->number;
	}
	return false;
}

static int read_content(struct image *image, const struct image_file *file, sink_fn sink,
			void *payload, struct err *err)
{
	const struct place *place;
	struct search search = {.image = image, .sink = sink, .payload = payload};
	struct entry entry;
	size_t layer;

	if (file->type != FILE_REGULAR)
		return err_set(err, ERR_USAGE, "%s is no regular file", file->path);
	if (file->text)
		return sink(payload, file->text, file->text_len, err);
	if (!file->size_bytes)
		return 0;
	if (!locate(image, file, &entry, &layer))
		return err_set(err, ERR_BUG, "%s has no content", file->path);
	place = &image->places[layer];
	if (place->kind == PLACE_FOLDER)
		return read_folder(image, place->path, entry.path, sink, payload, err);
	if (entry.offset && is_plain(place)) {
		if (entry.offset > place->size || entry.size > place->size - entry.offset)
			return err_set(err, ERR_USAGE, "%s is cut off", image->name);
		return image__read_file(image, place->fd, place->offset + entry.offset, entry.size,
					sink, payload, err);
	}
	search.path = entry.path;
	search.offset = entry.offset;
	return search_tar(&search, place, err);
}

static int to_buf(void *payload, const void *data, size_t len, struct err *err)
{
	struct buf *out = payload;

	buf_add(out, data, len);
	return out->truncated ? err_set(err, ERR_LIMIT, "more is not wanted") : 0;
}

int image_read(struct image *image, const struct image_file *file, size_t max, struct buf *out,
	       struct err *err)
{
	struct buf content;
	struct err own = {0};

	buf_init(&content, max);
	if (read_content(image, file, to_buf, &content, &own) < 0 && !content.truncated) {
		buf_done(&content);
		if (err)
			*err = own;
		return -1;
	}
	*out = content;
	return 0;
}

static int to_digest(void *payload, const void *data, size_t len, struct err *err)
{
	(void)err;
	digest_add(payload, data, len);
	return 0;
}

int image_hash(struct image *image, const struct image_file *file, char out[DIGEST_HEX],
	       struct err *err)
{
	struct digest *digest = digest_new();
	char hex[DIGEST_HEX];
	int rc = read_content(image, file, to_digest, digest, err);

	digest_final(digest, hex);
	if (rc == 0)
		memcpy(out, hex, sizeof(hex));
	return rc;
}
