/* Input: a path, a line break, then the .dockerignore. */
#include "fuzzer.h"

#include "base/arena.h"
#include "parse/ignore.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t len = newline ? (size_t)(newline - data) : 0;
	struct arena *arena = arena_new();
	char *path = arena_strndup(arena, newline ? (const char *)data : "", len);
	size_t skip = newline ? len + 1 : 0;
	struct ignore *ignore = ignore_parse((const char *)data + skip, size - skip);

	(void)ignore_match(ignore, path);
	ignore_free(ignore);
	arena_free(arena);
	return 0;
}
