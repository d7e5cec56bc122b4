/* tar: headers written for build contexts, and a bounded reader for archives from engines. Pure:
 * bytes in, bytes out. */
#ifndef PARSE_TAR_H
#define PARSE_TAR_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define TAR_BLOCK 512
#define TAR_PATH_MAX 4096
#define TAR_PIECES_MAX 65536		   /* of a sparse file */
#define TAR_META_MAX ((size_t)1024 * 1024) /* bytes of one PAX header or GNU long name */

enum tar_type { TAR_FILE, TAR_FOLDER, TAR_SYMLINK, TAR_HARDLINK, TAR_OTHER };

struct tar_entry {
	const char *path; /* as in the archive, which may be hostile ("../x", "/etc"); the slash
			     behind a folder's name is taken off when read, put on when written */
	const char *link; /* target of links, else NULL */
	enum tar_type type;
	uint32_t mode, uid, gid;
	uint64_t size; /* bytes of content that follow, padded to TAR_BLOCK; 0 unless a file */
	int64_t mtime_s;
	bool sparse; /* fewer bytes are stored; holes are given as zeros. Not written. */
};

/* Append ENTRY's header (PAX records for long names, large sizes, non-ASCII) to OUT. Content and
 * padding are the caller's: tar_padding tells how many zero bytes follow SIZE bytes. */
void tar_header(const struct tar_entry *entry, struct buf *out);
size_t tar_padding(uint64_t size);
/* Append the two zero blocks that end an archive. */
void tar_end(struct buf *out);

/* A push reader: feed bytes in any pieces; callbacks see entries and their content. ustar, PAX,
 * GNU long names and links, base-256 numbers, sparse files. Malformed archives are
 * ERR_USAGE, names beyond the maxima ERR_LIMIT. */
struct tar_reader;
struct tar_visitor {
	/* A new entry; strings live until the next. Return 0 to go on, 1 to skip its content,
	 * -1 with ERR to stop. */
	int (*entry)(void *payload, const struct tar_entry *entry, struct err *err);
	/* Content of the entry in order, may be NULL. */
	int (*data)(void *payload, const void *data, size_t len, struct err *err);
	void *payload;
};
struct tar_reader *tar_reader_new(const struct tar_visitor *visitor);
int tar_reader_feed(struct tar_reader *reader, const void *data, size_t len, struct err *err);
/* ERR_USAGE when the archive is cut off in the middle of an entry. */
int tar_reader_end(struct tar_reader *reader, struct err *err);
/* Offset in the archive of the content of the entry that the visitor saw last. */
uint64_t tar_reader_content(const struct tar_reader *reader);
/* Content and padding that nobody wants: at most MAX bytes which need not be fed. Returns how many
 * the caller has to leave out. */
uint64_t tar_reader_skip(struct tar_reader *reader, uint64_t max);
void tar_reader_free(struct tar_reader *reader);

#endif
