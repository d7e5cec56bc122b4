/* A kept binary is accepted only if keeping it again and loading that gives the same bytes. */
#include "fuzzer.h"

#include "binary/binary.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_MAX ((size_t)256 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct binary binary, again;
	struct buf first, second;
	struct err err;

	buf_init(&first, KEPT_MAX);
	buf_init(&second, KEPT_MAX);
	if (binary_load(data, size, arena, &binary, &err) == 0) {
		(void)binary_defines(&binary, "malloc");
		(void)fatbin_best(&binary.device, 120);
		(void)fatbin_text(&binary.device, arena);
		binary_save(&binary, &first);
		if (binary_load(first.data, first.len, arena, &again, &err) < 0)
			abort();
		binary_save(&again, &second);
		if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
			abort();
	} else if (err.code != ERR_NOTFOUND) {
		abort();
	}
	buf_done(&first);
	buf_done(&second);
	arena_free(arena);
	return 0;
}
