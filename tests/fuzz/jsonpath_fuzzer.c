/* Input: a path; looked up in a fixed document. */
#include "fuzzer.h"

#include "base/arena.h"
#include "parse/jsonpath.h"

#include <stdlib.h>
#include <string.h>

static const char document[] = "{\"a\":{\"b\":[1,2,[3]],\"c d\":{}},\"\":null}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	const char *path = arena_strndup(arena, (const char *)data, size);
	struct json *root = NULL;
	struct err err;

	if (json_parse(document, strlen(document), false, &root, &err) < 0)
		abort();
	if (jsonpath_check(path, &err) == 0)
		(void)jsonpath_find(root, path);
	json_free(root);
	arena_free(arena);
	return 0;
}
