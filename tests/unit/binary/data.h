/* Files that the tests read, whole in memory, exactly as long as they are. */
#ifndef UNIT_BINARY_DATA_H
#define UNIT_BINARY_DATA_H

#include "base/file.h"
#include "binary/binary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_MAX ((size_t)64 * 1024 * 1024)

static inline struct buf data_load(const char *folder, const char *name)
{
	char path[4096];
	struct buf out;
	struct err err;

	buf_init(&out, FILE_MAX);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (file_read(path, &out, &err) < 0)
		fail_msg("%s", err.msg);
	return out;
}

/* Read a copy of LEN bytes that ends where the allocation ends, so that a byte too far is caught.
 */
static inline int data_read(const char *name, const void *data, size_t len, struct arena *arena,
			    struct binary *out, struct err *err)
{
	void *exact = malloc(len ? len : 1);
	int rc;

	assert_non_null(exact);
	memcpy(exact, data, len);
	rc = binary_read(name, exact, len, arena, out, err);
	free(exact);
	return rc;
}

static inline void data_put(struct buf *file, size_t at, unsigned bytes, uint64_t value)
{
	assert_true(at + bytes <= file->len);
	for (unsigned i = 0; i < bytes; i++)
		file->data[at + i] = (char)(value >> (8 * i));
}

static inline uint64_t data_get(const struct buf *file, size_t at, unsigned bytes)
{
	uint64_t value = 0;

	assert_true(at + bytes <= file->len);
	for (unsigned i = bytes; i > 0; i--)
		value = value << 8 | (unsigned char)file->data[at + i - 1];
	return value;
}

/* As `sstrip` leaves a 64-bit file: without section headers. */
static inline void data_strip(struct buf *file)
{
	data_put(file, 40, 8, 0);
	data_put(file, 58, 2, 0);
	data_put(file, 60, 2, 0);
	data_put(file, 62, 2, 0);
}

#endif
