/*
 * One layer as a folder: an unpacked root, or a folder of the overlay2 storage driver. Every path
 * is opened below its parent's descriptor without following links, so nothing outside is reached.
 */
#include "base/cancel.h"
#include "base/mem.h"
#include "binary/binary.h"
#include "image/keep.h"
#include "image/layer.h"
#include "parse/tar.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ELF_MAGIC 4

/* A file with several names, by the first one seen. */
struct inode {
	ino_t number;
	char *path; /* NULL: a free slot */
};

struct walk {
	bool overlay;
	dev_t device;
	uint64_t *read;
	struct index_builder *builder;
	char path[TAR_PATH_MAX + 2];
	size_t path_len; /* 0 at the root */
	unsigned depth;
	struct inode *inodes; /* open addressing, a power of two */
	size_t inode_count, inode_cap;
};

static int failed(const struct walk *w, struct err *err)
{
	return err_sys(err, errno == EACCES || errno == EPERM ? ERR_USAGE : ERR_INFRA,
		       "cannot read %s", w->path_len ? w->path : "/");
}

static struct inode *slot_of(struct inode *table, size_t cap, ino_t number)
{
	size_t at = (size_t)(number * 0x9e3779b97f4a7c15ULL) & (cap - 1);

	while (table[at].path && table[at].number != number)
		at = (at + 1) & (cap - 1);
	return &table[at];
}

static void grow(struct walk *w)
{
	size_t cap = w->inode_cap ? w->inode_cap * 2 : 256;
	struct inode *table = xcalloc(cap, sizeof(*table));

	for (size_t i = 0; i < w->inode_cap; i++)
		if (w->inodes[i].path)
			*slot_of(table, cap, w->inodes[i].number) = w->inodes[i];
	free(w->inodes);
	w->inodes = table;
	w->inode_cap = cap;
}

/* The first name of this file, NULL: this is it. */
static const char *first_name(struct walk *w, const struct stat *st)
{
	struct inode *slot;

	if (st->st_nlink < 2)
		return NULL;
	if (2 * w->inode_count >= w->inode_cap)
		grow(w);
	slot = slot_of(w->inodes, w->inode_cap, st->st_ino);
	if (slot->path)
		return slot->path;
	*slot = (struct inode){st->st_ino, xstrdup(w->path)};
	w->inode_count++;
	return NULL;
}

static int read_all(struct walk *w, int fd, size_t size, struct buf *out, struct err *err)
{
	char *chunk = xcalloc(1, size + 1);
	size_t len = 0;
	ssize_t got;

	while (len < size && (got = read(fd, chunk + len, size - len)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(chunk);
			return failed(w, err);
		}
		len += (size_t)got;
	}
	*w->read += len;
	buf_add(out, chunk, len);
	free(chunk);
	return 0;
}

static int read_elf(struct walk *w, int fd, uint64_t size, struct buf *out, struct err *err)
{
	char magic[ELF_MAGIC];

	if (size > EXTRACT_ELF_MAX || pread(fd, magic, ELF_MAGIC, 0) != ELF_MAGIC ||
	    !binary_is_elf(magic, ELF_MAGIC))
		return 0;
	*w->read += size;
	return extract_elf_at(w->path, fd, 0, size, out, err);
}

static int read_contents(struct walk *w, int fd, const struct keep *keep, struct entry *entry,
			 struct err *err)
{
	struct buf text, binary, source;
	int rc = 0;

	buf_init(&text, IMAGE_TEXT_MAX);
	buf_init(&binary, 0);
	buf_init(&source, 0);
	if (keep->elf)
		rc = read_elf(w, fd, entry->size, &binary, err);
	if (rc == 0 && (keep->text || keep->source))
		rc = read_all(w, fd, (size_t)entry->size, &text, err);
	if (rc == 0 && keep->source) {
		extract_source(buf_str(&text), text.len, &source);
		entry->source = (struct bytes){source.data, source.len};
	}
	if (keep->text && text.len == entry->size)
		entry->text = (struct bytes){buf_str(&text), text.len};
	if (binary.len)
		entry->binary = (struct bytes){binary.data, binary.len};
	if (rc == 0)
		rc = index_add(w->builder, entry, err);
	buf_done(&text);
	buf_done(&binary);
	buf_done(&source);
	return rc;
}

static int add_regular(struct walk *w, int parent, const char *name, const struct stat *st,
		       struct entry *entry, struct err *err)
{
	struct keep keep = keep_of(w->path, entry->mode, (uint64_t)st->st_size);
	bool bare; /* of data */
	int fd, rc;

	entry->kind = ENTRY_FILE;
	entry->size = (uint64_t)st->st_size;
	entry->link = first_name(w, st);
	if (entry->link) {
		entry->kind = ENTRY_HARD;
		entry->size = 0;
		return index_add(w->builder, entry, err);
	}
	bare = w->overlay && st->st_size && !st->st_blocks;
	if (!bare && !keep.elf && !keep.text && !keep.source)
		return index_add(w->builder, entry, err);
	fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return failed(w, err);
	/* with the option metacopy the data may lie in a lower layer */
	if (bare && fgetxattr(fd, "trusted.overlay.metacopy", NULL, 0) >= 0)
		rc = err_set(err, ERR_NOTFOUND, "%s has no data of its own", w->path);
	else
		rc = read_contents(w, fd, &keep, entry, err);
	close(fd);
	return rc;
}

static int add_symlink(struct walk *w, int parent, const char *name, struct entry *entry,
		       struct err *err)
{
	char link[TAR_PATH_MAX + 1];
	ssize_t len = readlinkat(parent, name, link, sizeof(link) - 1);

	if (len < 0)
		return failed(w, err);
	link[len] = '\0';
	entry->kind = ENTRY_SYMLINK;
	entry->link = link;
	return index_add(w->builder, entry, err);
}

static bool has_mark(int fd, const char *name)
{
	char value[4];

	return fgetxattr(fd, name, value, sizeof(value)) > 0 && value[0] == 'y';
}

/* What overlayfs notes at a folder. */
static int add_marks(struct walk *w, int fd, struct err *err)
{
	struct entry mark = {.kind = ENTRY_OPAQUE, .path = w->path_len ? w->path : "/"};

	if (!w->overlay)
		return 0;
	if (fgetxattr(fd, "trusted.overlay.redirect", NULL, 0) >= 0)
		return err_set(err, ERR_NOTFOUND, "%s was moved", w->path);
	if (!has_mark(fd, "trusted.overlay.opaque"))
		return 0;
	return index_add(w->builder, &mark, err);
}

static int walk_folder(struct walk *w, int fd, struct err *err);

static int add_folder(struct walk *w, int parent, const char *name, const struct stat *st,
		      struct entry *entry, struct err *err)
{
	int fd, rc;

	entry->kind = ENTRY_FOLDER;
	if (index_add(w->builder, entry, err) < 0)
		return -1;
	if (st->st_dev != w->device) /* another file system is mounted here */
		return 0;
	if (w->depth >= LAYER_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "%.200s…: more than %d folders inside each other",
			       w->path, LAYER_DEPTH_MAX);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(w, err);
	w->depth++;
	rc = walk_folder(w, fd, err);
	w->depth--;
	return rc;
}

static int add_one(struct walk *w, int parent, const char *name, struct err *err)
{
	struct entry entry = {.path = w->path};
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(w, err);
	if (w->overlay && S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0)) {
		entry.kind = ENTRY_WHITEOUT;
		return index_add(w->builder, &entry, err);
	}
	entry.mode = st.st_mode & 07777;
	entry.uid = st.st_uid;
	entry.gid = st.st_gid;
	if (S_ISREG(st.st_mode))
		return add_regular(w, parent, name, &st, &entry, err);
	if (S_ISLNK(st.st_mode))
		return add_symlink(w, parent, name, &entry, err);
	if (S_ISDIR(st.st_mode))
		return add_folder(w, parent, name, &st, &entry, err);
	entry.kind = ENTRY_OTHER;
	return index_add(w->builder, &entry, err);
}

static int add_name(struct walk *w, int parent, const char *name, struct err *err)
{
	size_t before = w->path_len, len = strlen(name);
	int rc;

	if (before + len + 1 > TAR_PATH_MAX)
		return err_set(err, ERR_LIMIT, "%.200s…: a path of more than %d bytes", w->path,
			       TAR_PATH_MAX);
	w->path[before] = '/';
	memcpy(w->path + before + 1, name, len + 1);
	w->path_len = before + 1 + len;
	rc = add_one(w, parent, name, err);
	w->path_len = before;
	w->path[before] = '\0';
	return rc;
}

/* FD is closed. */
static int walk_folder(struct walk *w, int fd, struct err *err)
{
	DIR *dir = fdopendir(fd);
	struct dirent *item;
	int rc = 0;

	if (!dir) {
		failed(w, err);
		close(fd);
		return -1;
	}
	if (cancel_check(err) < 0 || add_marks(w, fd, err) < 0)
		rc = -1;
	errno = 0;
	while (rc == 0 && (item = readdir(dir)) != NULL) {
		if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
			rc = add_name(w, fd, item->d_name, err);
		errno = 0;
	}
	if (rc == 0 && errno)
		rc = failed(w, err);
	(void)closedir(dir);
	return rc;
}

int layer_folder(const char *path, bool overlay, uint64_t *read, struct index *out, struct err *err)
{
	struct walk w = {.overlay = overlay, .read = read};
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_sys(err, overlay ? ERR_NOTFOUND : ERR_USAGE, "cannot read the folder %s",
			       path);
	if (fstat(fd, &st) < 0) {
		close(fd);
		return err_sys(err, ERR_INFRA, "cannot read the folder %s", path);
	}
	w.device = st.st_dev;
	w.builder = index_builder_new();
	rc = walk_folder(&w, fd, err);
	if (rc == 0)
		rc = index_finish(w.builder, false, out, err);
	else
		index_builder_free(w.builder);
	for (size_t i = 0; i < w.inode_cap; i++)
		free(w.inodes[i].path);
	free(w.inodes);
	return rc < 0 ? err_wrap(err, "%s", path) : 0;
}
