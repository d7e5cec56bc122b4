/* Shared by the stores. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "base/json.h"
#include "store/store_ops.h"

#define STORE_ROWS_DEFAULT 100

/*
 * What a store keeps of RUN: its JSON text without samples is appended to DOCUMENT, and COPY, the
 * caller's, is what that reads back as, with the samples. A run that would not read back is refused
 * before it is written: ERR_LIMIT when too large for one document, else ERR_BUG.
 */
int store_document(const struct run *run, struct buf *document, struct run **copy, struct err *err);

/* The run in the LEN bytes of TEXT; ERR_INFRA, as we wrote them ourselves. */
int store_parse(const char *text, size_t len, struct run **out, struct err *err);

/* COUNT doubles as bytes, little endian, and back; *COUNT is what LEN bytes hold. Memory is
 * ARENA's. */
#define SAMPLE_BYTES 8
const void *samples_pack(const double *samples, size_t count, struct arena *arena);
double *samples_unpack(const void *data, size_t len, struct arena *arena, size_t *count);

/* Milliseconds since 1970 of "2026-11-23", "2026-11-23T05:51:00Z" or with milliseconds; 0 when TEXT
 * is NULL or none of these. */
int64_t store_time_ms(const char *text);

/* The direction of that name; DIRECTION_NONE for any other. */
enum direction store_direction(const char *name);

/* "gpu=H100,driver=570" as pairs; a word without "=" is the value of "cell". Memory is ARENA's. */
void cell_pairs(const char *cell, struct arena *arena, struct pairs *out);

#endif
