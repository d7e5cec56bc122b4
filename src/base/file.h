/* Whole files and folders: read bounded, written atomically. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

/*
 * Files beside a document that names them, of a commit's tree or of a folder. READ appends the file
 * at PATH, which is relative and stays below the document's folder; errors as file_read.
 */
struct file_reader {
	int (*read)(void *self, const char *path, struct buf *out, struct err *err);
	void *self;
};

/* Append the content of PATH to OUT; a file larger than OUT's room is ERR_LIMIT. A missing file is
 * ERR_NOTFOUND, anything else ERR_USAGE. */
int file_read(const char *path, struct buf *out, struct err *err);

/* Write through a temporary name, fsync, rename: a reader sees the old content or the new. A device
 * or a pipe is written to. */
int file_write(const char *path, const void *data, size_t len, struct err *err);

/* The same without fsync: for files whose content is also kept elsewhere. */
int file_write_quick(const char *path, const void *data, size_t len, struct err *err);

/* Write in place: for a file that nobody reads before something else says it is whole. After an
 * error nothing is there. */
int file_create(const char *path, const void *data, size_t len, struct err *err);

/* All LEN bytes to FD, however many writes it takes. 0, or -1 with errno. */
int file_write_all(int fd, const char *data, size_t len);

/* mkdir -p. */
int file_mkdirs(const char *path, struct err *err);

/* rm -r without following links; a missing PATH is fine. */
int file_remove_tree(const char *path, struct err *err);

#endif
