/* The first byte chooses the file's name, which decides what else is looked for. What was read must
 * come back from its kept form, and be kept as the same bytes again. */
#include "fuzzer.h"

#include "binary/binary.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_MAX ((size_t)256 * 1024 * 1024)

static void keep_and_load(const struct binary *binary, struct arena *arena)
{
	struct buf first, second;
	struct binary again;
	struct err err;

	buf_init(&first, KEPT_MAX);
	buf_init(&second, KEPT_MAX);
	binary_save(binary, &first);
	if (binary_load(first.data, first.len, arena, &again, &err) < 0)
		abort();
	binary_save(&again, &second);
	if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
		abort();
	buf_done(&first);
	buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"/a/libx.so", "/a/libtorch_python.so", "/a/ptxas"};
	struct arena *arena;
	struct binary binary;
	struct err err;

	if (!size)
		return 0;
	arena = arena_new();
	if (binary_read(paths[data[0] % 3], data + 1, size - 1, arena, &binary, &err) == 0) {
		(void)fatbin_best(&binary.device, 120);
		(void)fatbin_text(&binary.device, arena);
		keep_and_load(&binary, arena);
	} else if (binary_is_elf(data + 1, size - 1)) {
		abort();
	}
	arena_free(arena);
	return 0;
}
