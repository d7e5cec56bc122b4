/* Friends of the room only: the bytes of an index, in the order of this machine. */
#ifndef IMAGE_INDEX_FORMAT_H
#define IMAGE_INDEX_FORMAT_H

#include "image/index.h"

#define INDEX_MAGIC "AssayIdx"

struct index_header {
	char magic[8];
	uint32_t format, binary_format, source_format, offsets;
	uint64_t checksum; /* CRC-64 of everything behind this field */
	uint64_t count, file_count, size_bytes;
	uint64_t records_len, names_len, data_len;
};

/* A record begins with its kind and these. */
#define RECORD_KIND 7U
#define RECORD_SAME 8U /* mode, uid and gid are those of the record before */
#define RECORD_IMPLIED 16U
#define RECORD_TEXT 32U
#define RECORD_BINARY 64U
#define RECORD_SOURCE 128U
#define RECORD_FLAGS_MAX 255U

/* Set the pointers and counts of OUT from the header; -1: not these bytes. */
int index__layout(const void *data, size_t len, struct index *out);

#endif
