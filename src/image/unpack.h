/* Friends of the room only: gzip and zstd undone as the bytes come, with a bound on what a few
 * packed bytes may become. */
#ifndef IMAGE_UNPACK_H
#define IMAGE_UNPACK_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Where unpacked bytes go; 0, or -1 with ERR. */
typedef int (*sink_fn)(void *payload, const void *data, size_t len, struct err *err);

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

#define PACKING_MAGIC 4 /* bytes that packing_of wants to see */
enum packing packing_of(const void *data, size_t len);

struct unpack;
/* The packing is told by the first bytes. */
struct unpack *unpack_new(sink_fn sink, void *payload);
void unpack_free(struct unpack *unpack);
/* Malformed input is ERR_USAGE, more than IMAGE_LAYER_BYTES_MAX unpacked or IMAGE_RATIO_MAX times
 * as much unpacked as packed ERR_LIMIT. */
int unpack_feed(struct unpack *unpack, const void *data, size_t len, struct err *err);
/* ERR_USAGE when the input was cut off. */
int unpack_end(struct unpack *unpack, struct err *err);

#endif
