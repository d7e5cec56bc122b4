/* Friends of the room only: reading one layer, from a tar or from a folder, into its index. */
#ifndef IMAGE_LAYER_H
#define IMAGE_LAYER_H

#include "base/digest.h"
#include "image/extract.h"
#include "image/index.h"
#include "image/spool.h"

#define LAYER_DEPTH_MAX 256 /* folders inside each other, on disk */

/*
 * A layer as a tar, plain or packed, in whatever pieces it comes. Malformed ones are ERR_USAGE.
 * With FD, the packed bytes are those of this file from BASE on: when they turn out to be a plain
 * tar, ELF files are read where they lie, else through SPOOL.
 */
struct layer_reader;
struct layer_reader *layer_reader_new(struct spool *spool, int fd, uint64_t base);
int layer_reader_feed(struct layer_reader *reader, const void *data, size_t len, struct err *err);
/* The end: DIFF_ID is the digest of the unpacked tar. */
int layer_reader_end(struct layer_reader *reader, char diff_id[DIGEST_HEX], struct index *out,
		     struct err *err);
void layer_reader_free(struct layer_reader *reader);

/*
 * A layer as the folder PATH. With OVERLAY, devices 0:0 and the attribute trusted.overlay.opaque
 * are what whiteouts are in a tar, and a folder that was moved or a file without its data is
 * ERR_NOTFOUND: only the kernel can put these together. READ is increased by the bytes read.
 */
int layer_folder(const char *path, bool overlay, uint64_t *read, struct index *out,
		 struct err *err);

/* The folder that PATH lies in into OUT, which has TAR_PATH_MAX + 2 bytes; returns the name. */
const char *layer_split(const char *path, char *out);

#endif
