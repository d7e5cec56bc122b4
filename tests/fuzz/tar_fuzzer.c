/* The first byte is the size of the pieces. Content may never exceed what the entry announced. */
#include "fuzzer.h"

#include "parse/tar.h"

#include <stdlib.h>
#include <string.h>

static int on_entry(void *payload, const struct tar_entry *entry, struct err *err)
{
	uint64_t *left = payload;

	(void)err;
	if (!entry->path || strlen(entry->path) > TAR_PATH_MAX)
		abort();
	*left = entry->size;
	/* the holes of a file may be larger than any patience */
	return entry->mode & 1 || (entry->sparse && entry->size > 1 << 20);
}

static int on_data(void *payload, const void *data, size_t len, struct err *err)
{
	uint64_t *left = payload;

	(void)data;
	(void)err;
	if (len > *left)
		abort();
	*left -= len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t left = 0;
	struct tar_visitor visitor = {on_entry, on_data, &left};
	struct tar_reader *reader = tar_reader_new(&visitor);
	size_t step = size ? (size_t)data[0] * 3 + 1 : 1;
	struct err err;
	int rc = 0;

	for (size_t at = 1; at < size && rc == 0; at += step)
		rc = tar_reader_feed(reader, data + at, size - at < step ? size - at : step, &err);
	if (rc == 0)
		(void)tar_reader_end(reader, &err);
	tar_reader_free(reader);
	return 0;
}
