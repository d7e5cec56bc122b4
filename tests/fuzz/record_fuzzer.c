/* Input: a RECORD. */
#include "fuzzer.h"

#include "base/arena.h"
#include "pydist/dist.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)data, size);
	struct record_line *lines = NULL;
	struct err err;
	size_t count = 0;

	if (dist_record_parse(text, size, arena, &lines, &count, &err) == 0)
		for (size_t i = 0; i < count; i++)
			if (!lines[i].path || (lines[i].sha256 && strlen(lines[i].sha256) != 64))
				abort();
	arena_free(arena);
	return 0;
}
