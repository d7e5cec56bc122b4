/* Archives in a file. A plain one is searched by its headers; a packed one is read from the start.
 */
#include "image/image_private.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct search {
	struct bundle *bundle;
	struct tar_reader *tar;
	int fd;
};

static int on_entry(void *payload, const struct tar_entry *entry, struct err *err)
{
	struct search *s = payload;
	struct member *member;

	if (bundle_add(s->bundle, entry, &member, err) < 0)
		return -1;
	if (member && entry->type == TAR_FILE && !entry->sparse) {
		member->stored = true;
		member->fd = s->fd;
		member->offset = tar_reader_content(s->tar);
	}
	return 1;
}

static int search(struct bundle *bundle, int fd, uint64_t size, struct err *err)
{
	struct search s = {.bundle = bundle, .fd = fd};
	struct tar_visitor visitor = {on_entry, NULL, &s};
	char piece[TAR_BLOCK];
	uint64_t at = 0;
	int rc = 0;

	s.tar = tar_reader_new(&visitor);
	while (at < size && rc == 0) {
		/* up to the end of a block, so that no content is fed that could be skipped */
		size_t want = TAR_BLOCK - at % TAR_BLOCK;
		ssize_t got = pread(fd, piece, want, (off_t)at);

		if (got <= 0)
			rc = err_sys(err, ERR_INFRA, "reading %s", bundle->image->name);
		else
			rc = tar_reader_feed(s.tar, piece, (size_t)got, err);
		at += rc == 0 ? (uint64_t)got : 0;
		at += rc == 0 ? tar_reader_skip(s.tar, size - at) : 0;
	}
	if (rc == 0)
		rc = tar_reader_end(s.tar, err);
	tar_reader_free(s.tar);
	return rc < 0 ? err_wrap(err, "%s", bundle->image->name) : 0;
}

static int stream_file(struct image *image, sink_fn sink, void *payload, struct err *err)
{
	struct stat st;

	if (fstat(image->fds[0], &st) < 0)
		return err_sys(err, ERR_INFRA, "%s", image->name);
	return image__read_file(image, image->fds[0], 0, (uint64_t)st.st_size, sink, payload, err);
}

static int open_file(struct image *image, const char *path, uint64_t *size, enum packing *packing,
		     struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	unsigned char magic[PACKING_MAGIC];
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return err_sys(err, ERR_USAGE, "cannot read %s", path);
	image__own(image, fd);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is no file", path);
	got = pread(fd, magic, sizeof(magic), 0);
	if (got < 0)
		return err_sys(err, ERR_USAGE, "cannot read %s", path);
	*packing = packing_of(magic, (size_t)got);
	*size = (uint64_t)st.st_size;
	return 0;
}

int image_open_archive(const char *path, const char *ref, const struct image_options *options,
		       struct image **out, struct err *err)
{
	struct image *image = image__new(path, "archive", options);
	struct bundle bundle = {.image = image};
	enum packing packing = PACKING_NONE;
	uint64_t size = 0;
	int rc;

	rc = open_file(image, path, &size, &packing, err);
	if (rc == 0 && packing == PACKING_NONE) {
		rc = search(&bundle, image->fds[0], size, err);
	} else if (rc == 0) {
		image->stream = stream_file;
		image->bytes_total = size;
		rc = stream_open(image, &bundle, err);
	}
	if (rc == 0)
		rc = bundle_open(&bundle, ref, err);
	bundle_done(&bundle);
	if (rc < 0 || image__finish(image, err) < 0) {
		image_close(image);
		return -1;
	}
	*out = image;
	return 0;
}
