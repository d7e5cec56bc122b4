/* An index that was accepted is in order, and everything in it lies inside it. */
#include "fuzzer.h"

#include "image/index.h"

#include <stdlib.h>
#include <string.h>

static void touch(const struct bytes *bytes)
{
	volatile unsigned char sum = 0;

	for (size_t i = 0; bytes->data && i < bytes->len; i++)
		sum = (unsigned char)(sum + ((const unsigned char *)bytes->data)[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct index index;
	struct index_cursor cursor = {.index = &index};
	struct entry entry, found;
	char *before = NULL;

	if (index_open(data, size, &index, NULL) < 0)
		return 0;
	while (index_next(&cursor, &entry) > 0) {
		if (before && index_compare(before, entry.path) > 0)
			abort();
		if (entry.text.data && ((const char *)entry.text.data)[entry.text.len])
			abort();
		touch(&entry.binary);
		touch(&entry.source);
		free(before);
		before = strdup(entry.path);
	}
	if (cursor.seen != index.count)
		abort();
	(void)index_find(&index, "/etc/os-release", &found);
	free(before);
	return 0;
}
