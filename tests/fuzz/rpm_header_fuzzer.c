/* Input: a header of rpm's database. */
#include "fuzzer.h"

#include "base/arena.h"
#include "parse/rpm_header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct rpm_header header;
	struct err err;
	size_t bytes = 0;

	if (rpm_header_read(data, size, arena, &header, &err) == 0) {
		if (!header.name || !header.version)
			abort();
		for (size_t i = 0; i < header.path_count; i++)
			bytes += strlen(header.paths[i]);
		if (bytes > size * size)
			abort();
	}
	arena_free(arena);
	return 0;
}
