/* Friends of the room only: the place where an ELF file lies while it is read that comes in a
 * stream. */
#ifndef IMAGE_SPOOL_H
#define IMAGE_SPOOL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SPOOL_FATBIN_HEADER 16
#define SPOOL_ENTRY_HEADER 64

/* What the next bytes are to a fatbin (binary/fatbin.h). */
enum spool_state {
	SPOOL_SCAN,    /* no fatbin yet */
	SPOOL_HEADER,  /* the header of one */
	SPOOL_ENTRY,   /* the fixed part of an entry's header */
	SPOOL_REST,    /* the rest of it */
	SPOOL_PAYLOAD, /* GPU code */
};

/*
 * Bytes in memory up to a few MB, then in one file without a name that is used again. Of large
 * files the GPU code itself is left out, since nobody reads it: holes in the file are cheaper than
 * gigabytes written and dropped again.
 */
struct spool {
	const char *folder; /* of the file; NULL: TMPDIR or /tmp */
	struct buf memory;
	int fd; /* -1: none yet */
	bool in_file;
	uint64_t len;
	enum spool_state state;
	unsigned char head[SPOOL_ENTRY_HEADER]; /* of a fatbin or entry, as far as it was seen */
	size_t head_len;
	uint64_t fatbin_left, header_left, payload_left;
	bool hole; /* the payload is large enough to be left out */
};

void spool_init(struct spool *spool, const char *folder);
void spool_done(struct spool *spool);
/* ERR_INFRA when the disk is full. */
int spool_add(struct spool *spool, const void *data, size_t len, struct err *err);
void spool_reset(struct spool *spool);
/* As extract_elf of what was added. */
int spool_elf(struct spool *spool, const char *path, struct buf *out, struct err *err);

#endif
