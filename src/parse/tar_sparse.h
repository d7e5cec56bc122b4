/* Friends of the room only: sparse files, whose holes an archive leaves out. */
#ifndef PARSE_TAR_SPARSE_H
#define PARSE_TAR_SPARSE_H

#include "parse/tar.h"

#include <stddef.h>

struct tar_block;

struct tar_piece {
	uint64_t offset, len; /* of the file's content, as stored one after the other */
};

struct tar_sparse {
	bool active;   /* the current entry is sparse */
	bool in_data;  /* its map comes first in its content (PAX 1.0) */
	uint64_t size; /* of the whole file */
	struct tar_piece *pieces;
	size_t count, cap;
	size_t piece; /* that content belongs to */
	uint64_t at;  /* bytes of the file passed on */
	/* reading a map as text */
	uint64_t number, wanted; /* numbers of it: SIZE_MAX before the first is known */
	size_t numbers, digits, map_bytes;
};

void tar_sparse_done(struct tar_sparse *sparse);
/* Forget the entry, keep the memory. */
void tar_sparse_reset(struct tar_sparse *sparse);

/* The map in an old GNU header; 1: a block of more follows, 0: complete. */
int tar_sparse_header(struct tar_sparse *sparse, const struct tar_block *block, struct err *err);
/* Such a block. */
int tar_sparse_block(struct tar_sparse *sparse, const struct tar_block *block, struct err *err);
/* A "GNU.sparse.KEY" record; other keys are passed over. NAME gets the file's own name. */
int tar_sparse_record(struct tar_sparse *sparse, const char *key, size_t key_len, const char *value,
		      size_t len, struct buf *name, struct err *err);
/* Read the map at the front of the content: *USED bytes of it. 0 when it is complete, 1: more. */
int tar_sparse_map(struct tar_sparse *sparse, const char *data, size_t len, size_t *used,
		   struct err *err);
/* Is the map sound: in order, inside the file, as long as the STORED bytes? */
int tar_sparse_check(const struct tar_sparse *sparse, uint64_t stored, struct err *err);
/* Pass content on with its holes as zeros; DATA NULL: the end of it. */
int tar_sparse_data(struct tar_sparse *sparse, const struct tar_visitor *visitor, const char *data,
		    size_t len, struct err *err);

#endif
