/* One layer as a tar: entries into the index, contents of a few of them too. */
#include "base/cancel.h"
#include "base/mem.h"
#include "image/keep.h"
#include "image/layer.h"
#include "image/relay.h"
#include "image/unpack.h"
#include "parse/tar.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ELF_MAGIC 4

struct layer_reader {
	struct spool *spool;
	int fd; /* -1: no file */
	uint64_t base;
	uint64_t packed; /* bytes so far */
	bool plain;	 /* unpacking changes nothing */
	struct unpack *unpack;
	struct relay *relay;
	/* from here on, the other thread's until the relay has ended */
	struct digest *digest;
	struct tar_reader *tar;
	struct index_builder *builder;
	/* the entry that is being read */
	bool open;
	struct entry entry;
	char path[TAR_PATH_MAX + 2], link[TAR_PATH_MAX + 2];
	struct keep keep;
	struct buf content; /* for text and source */
	struct buf binary;  /* when read in place */
	char magic[ELF_MAGIC];
	size_t magic_len;
};

const char *layer_split(const char *path, char *out)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == path ? 1 : (size_t)(slash - path);

	memcpy(out, path, len);
	out[len] = '\0';
	return slash + 1;
}

/* A mark for lower layers: ".wh.NAME", or ".wh..wh..opq". False: it is an entry as any other. */
static bool read_mark(struct layer_reader *r)
{
	char folder[TAR_PATH_MAX + 2];
	const char *name = layer_split(r->path, folder);
	size_t len = strlen(folder);

	if (strncmp(name, ".wh.", 4) != 0)
		return false;
	r->entry = (struct entry){.path = r->path};
	if (!strcmp(name, ".wh..wh..opq")) {
		r->entry.kind = ENTRY_OPAQUE;
		memcpy(r->path, folder, len + 1);
		r->open = true;
	} else if (strncmp(name, ".wh..wh.", 8) != 0 && name[4] && strcmp(name, ".wh..") != 0 &&
		   strcmp(name, ".wh...") != 0) {
		r->entry.kind = ENTRY_WHITEOUT;
		memmove(r->path + (name - r->path), name + 4, strlen(name + 4) + 1);
		r->open = true;
	}
	return true;
}

static int add_facts(struct layer_reader *r, struct err *err)
{
	struct buf binary, source;
	int rc = 0;

	buf_init(&binary, 0);
	buf_init(&source, 0);
	if (r->binary.len)
		r->entry.binary = (struct bytes){r->binary.data, r->binary.len};
	else if (r->keep.elf && binary_is_elf(r->magic, r->magic_len))
		rc = spool_elf(r->spool, r->path, &binary, err);
	if (binary.len)
		r->entry.binary = (struct bytes){binary.data, binary.len};
	if (r->keep.text && r->content.len == r->entry.size)
		r->entry.text = (struct bytes){buf_str(&r->content), r->content.len};
	if (rc == 0 && r->keep.source) {
		extract_source(buf_str(&r->content), r->content.len, &source);
		r->entry.source = (struct bytes){source.data, source.len};
	}
	if (rc == 0)
		rc = index_add(r->builder, &r->entry, err);
	buf_done(&binary);
	buf_done(&source);
	return rc;
}

/* The entry is complete. */
static int close_entry(struct layer_reader *r, struct err *err)
{
	int rc;

	if (!r->open)
		return 0;
	rc = add_facts(r, err);
	r->open = false;
	r->content.len = r->binary.len = r->magic_len = 0;
	r->keep = (struct keep){0};
	spool_reset(r->spool);
	return rc;
}

static int name_error(const char *path, struct err *err)
{
	return err_set(err, ERR_USAGE, "the name \"%.200s\" leads out of the image", path);
}

static int read_link(struct layer_reader *r, const struct tar_entry *entry, struct err *err)
{
	if (entry->type == TAR_HARDLINK) {
		if (index_normalise(entry->link, r->link) < 0)
			return name_error(entry->link, err);
		r->entry.link = r->link;
	} else if (entry->type == TAR_SYMLINK) {
		memcpy(r->link, entry->link, strlen(entry->link) + 1);
		r->entry.link = r->link;
	}
	return 0;
}

/* The file lies in FD as it is: read it there. */
static int read_in_place(struct layer_reader *r, uint64_t size, struct err *err)
{
	uint64_t at = r->base + r->entry.offset;

	r->keep.elf = false;
	if (pread(r->fd, r->magic, ELF_MAGIC, (off_t)at) != ELF_MAGIC ||
	    !binary_is_elf(r->magic, ELF_MAGIC))
		return 0;
	buf_done(&r->binary);
	return extract_elf_at(r->path, r->fd, at, size, &r->binary, err);
}

static int on_entry(void *payload, const struct tar_entry *entry, struct err *err)
{
	static const enum entry_kind kinds[] = {[TAR_FILE] = ENTRY_FILE,
						[TAR_FOLDER] = ENTRY_FOLDER,
						[TAR_SYMLINK] = ENTRY_SYMLINK,
						[TAR_HARDLINK] = ENTRY_HARD,
						[TAR_OTHER] = ENTRY_OTHER};
	struct layer_reader *r = payload;

	if (close_entry(r, err) < 0)
		return -1;
	if (index_normalise(entry->path, r->path) < 0)
		return name_error(entry->path, err);
	if ((!r->path[1] && entry->type != TAR_FOLDER) || read_mark(r))
		return 1;
	r->entry = (struct entry){.kind = kinds[entry->type],
				  .path = r->path,
				  .mode = entry->mode,
				  .uid = entry->uid,
				  .gid = entry->gid};
	r->open = true;
	if (entry->type != TAR_FILE)
		return read_link(r, entry, err) < 0 ? -1 : 1;
	r->entry.size = entry->size;
	r->entry.offset = entry->sparse ? 0 : tar_reader_content(r->tar);
	r->keep = keep_of(r->path, entry->mode, entry->size);
	if (entry->size > (entry->sparse ? EXTRACT_SPARSE_MAX : EXTRACT_ELF_MAX))
		r->keep.elf = false;
	if (r->keep.elf && r->plain && r->fd >= 0 && !entry->sparse &&
	    read_in_place(r, entry->size, err) < 0)
		return -1;
	return r->keep.elf || r->keep.text || r->keep.source ? 0 : 1;
}

static int on_data(void *payload, const void *data, size_t len, struct err *err)
{
	struct layer_reader *r = payload;
	const char *at = data;

	if (r->keep.text || r->keep.source)
		buf_add(&r->content, data, len);
	if (!r->keep.elf)
		return 0;
	while (len && r->magic_len < ELF_MAGIC) {
		r->magic[r->magic_len++] = *at++;
		len--;
		if (r->magic_len < ELF_MAGIC)
			continue;
		r->keep.elf = binary_is_elf(r->magic, ELF_MAGIC);
		if (r->keep.elf && spool_add(r->spool, r->magic, ELF_MAGIC, err) < 0)
			return -1;
	}
	return r->keep.elf && len ? spool_add(r->spool, at, len, err) : 0;
}

static int on_unpacked(void *payload, const void *data, size_t len, struct err *err)
{
	return relay_feed(((struct layer_reader *)payload)->relay, data, len, err);
}

static int on_relayed(void *payload, const void *data, size_t len, struct err *err)
{
	struct layer_reader *r = payload;

	digest_add(r->digest, data, len);
	return tar_reader_feed(r->tar, data, len, err);
}

struct layer_reader *layer_reader_new(struct spool *spool, int fd, uint64_t base)
{
	struct layer_reader *r = xcalloc(1, sizeof(*r));
	struct tar_visitor visitor = {on_entry, on_data, r};

	r->spool = spool;
	r->fd = fd;
	r->base = base;
	r->unpack = unpack_new(on_unpacked, r);
	r->relay = relay_new(on_relayed, r);
	r->digest = digest_new();
	r->tar = tar_reader_new(&visitor);
	r->builder = index_builder_new();
	buf_init(&r->content, IMAGE_TEXT_MAX > PY_SOURCE_MAX ? IMAGE_TEXT_MAX : PY_SOURCE_MAX);
	buf_init(&r->binary, 0);
	return r;
}

void layer_reader_free(struct layer_reader *r)
{
	char hex[DIGEST_HEX];

	if (!r)
		return;
	relay_free(r->relay);
	spool_reset(r->spool);
	unpack_free(r->unpack);
	if (r->digest)
		digest_final(r->digest, hex);
	tar_reader_free(r->tar);
	index_builder_free(r->builder);
	buf_done(&r->content);
	buf_done(&r->binary);
	free(r);
}

int layer_reader_feed(struct layer_reader *r, const void *data, size_t len, struct err *err)
{
	if (!r->packed)
		r->plain = packing_of(data, len) == PACKING_NONE;
	r->packed += len;
	if (cancel_check(err) < 0)
		return -1;
	return unpack_feed(r->unpack, data, len, err);
}

int layer_reader_end(struct layer_reader *r, char diff_id[DIGEST_HEX], struct index *out,
		     struct err *err)
{
	struct index_builder *builder = r->builder;

	if (unpack_end(r->unpack, err) < 0 || relay_end(r->relay, err) < 0 ||
	    tar_reader_end(r->tar, err) < 0 || close_entry(r, err) < 0)
		return -1;
	r->builder = NULL;
	if (index_finish(builder, true, out, err) < 0)
		return -1;
	digest_final(r->digest, diff_id);
	r->digest = NULL;
	return 0;
}
