/* A Python source, or with a first byte of 0 a saved record of one. What was read must come back
 * from its record the same. */
#include "fuzzer.h"

#include "pydist/source.h"

#include <stdlib.h>
#include <string.h>

static void save_and_load(const struct py_source *source, struct arena *arena)
{
	struct py_source back;
	struct buf once, twice;
	struct err err;

	buf_init(&once, SIZE_MAX);
	buf_init(&twice, SIZE_MAX);
	py_source_save(source, &once);
	if (py_source_load(once.data, once.len, arena, &back, &err) < 0)
		abort();
	py_source_save(&back, &twice);
	if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
		abort();
	buf_done(&once);
	buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct py_source source;
	struct err err;

	if (size && data[0] == 0) {
		if (py_source_load(data + 1, size - 1, arena, &source, &err) == 0)
			save_and_load(&source, arena);
	} else {
		py_source_read((const char *)data, size, arena, &source);
		save_and_load(&source, arena);
	}
	arena_free(arena);
	return 0;
}
