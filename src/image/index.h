/*
 * Friends of the room only: what one layer holds, as compact bytes that are kept in the cache.
 *
 * A builder takes entries in any order; the index gives them sorted as image_files is, every folder
 * on the way to an entry included, each path at most once as whiteout, once as opaque mark and once
 * as entry. The bytes are the same whether the layer was read from a tar or from a folder, but for
 * the offsets of contents.
 */
#ifndef IMAGE_INDEX_H
#define IMAGE_INDEX_H

#include "base/buf.h"
#include "base/err.h"
#include "image/image.h"

#define INDEX_FORMAT 2
#define INDEX_NAMES_MAX ((size_t)512 << 20)	    /* bytes of all names of a layer */
#define INDEX_TEXTS_MAX ((size_t)64 * 1024 * 1024)  /* kept texts of a layer, all together */
#define INDEX_FACTS_MAX ((size_t)256 * 1024 * 1024) /* ELF and Python facts of a layer */
#define INDEX_BYTES_MAX ((size_t)2 << 30)	    /* of a whole index */

enum entry_kind {
	ENTRY_WHITEOUT, /* PATH of lower layers is removed */
	ENTRY_OPAQUE,	/* what lower layers hold in folder PATH is removed */
	ENTRY_FILE,
	ENTRY_FOLDER,
	ENTRY_SYMLINK,
	ENTRY_OTHER,
	ENTRY_HARD, /* the regular file LINK of this layer, or of a lower one, by another name */
};

struct bytes {
	const void *data; /* NULL: none */
	size_t len;
};

struct entry {
	enum entry_kind kind;
	const char *path; /* normalised */
	const char *link; /* symlinks: as written; hard links: a normalised path; else NULL */
	uint32_t mode, uid, gid;
	uint64_t size;
	uint64_t offset;   /* of the content in the unpacked tar, 0: unknown */
	bool implied;	   /* a folder that has no entry of its own */
	struct bytes text; /* followed by a NUL */
	struct bytes binary;
	struct bytes source;
};

/* Bytewise, '/' before every other byte. */
int index_compare(const char *a, const char *b);
/* Is PATH inside FOLDER, at any depth? A path is not inside itself. */
bool index_below(const char *path, const char *folder);
/* "a/./b/../c" as "/a/c" into OUT, which has TAR_PATH_MAX + 2 bytes. -1: too long, or it leaves the
 * root. */
int index_normalise(const char *path, char *out);

struct index_builder;
struct index_builder *index_builder_new(void);
void index_builder_free(struct index_builder *builder);
/* Copies what ENTRY points to. A text that would pass INDEX_TEXTS_MAX is left out; other maxima are
 * ERR_LIMIT. */
int index_add(struct index_builder *builder, const struct entry *entry, struct err *err);

struct index {
	struct buf bytes; /* what the builder made, or nothing */
	void *mapping;	  /* of a file, or NULL */
	size_t mapping_len;
	const unsigned char *records, *names, *data; /* in either */
	size_t records_len, names_len, data_len;
	size_t count;
	size_t file_count;   /* regular files */
	uint64_t size_bytes; /* of their contents, hard links counted once */
	bool offsets;	     /* of contents are known: read from a tar */
};

/* Sort, complete and encode; frees BUILDER, also when it fails (ERR_LIMIT). */
int index_finish(struct index_builder *builder, bool offsets, struct index *out, struct err *err);
/* Read LEN bytes as index_finish made them, which stay the caller's. Anything else, or another
 * format, is ERR_NOTFOUND. */
int index_open(const void *data, size_t len, struct index *out, struct err *err);
void index_done(struct index *index);
/* A copy of what index_finish made. */
void index_copy(const struct index *index, struct index *out);

/* One entry after the other. */
struct index_cursor {
	const struct index *index;
	size_t record, name, seen;
	uint32_t mode, uid, gid; /* of the entry before */
};
/* 1 with OUT, whose pointers are the index's; 0 at the end; -1: malformed, only before index_open
 * has accepted it. */
int index_next(struct index_cursor *cursor, struct entry *out);
/* The entry (no whiteout) at PATH; false: none. */
bool index_find(const struct index *index, const char *path, struct entry *out);

/* <CACHE>/layers/<hex of DIGEST>.idx. ERR_NOTFOUND: not there, damaged, or of another format. */
int index_load(const char *cache, const char *digest, struct index *out, struct err *err);
int index_store(const char *cache, const char *digest, const struct index *index, struct err *err);

#endif
