#include "fuzzer.h"

#include "parse/output.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	const char *text = (const char *)data;
	const char *reason = output_reason(text, size, arena);

	if (reason && (strlen(reason) > OUTPUT_LINE_MAX || strpbrk(reason, "\x1b\n\r")))
		abort();
	if (strlen(output_oneline(text, size, 40, arena)) > 40)
		abort();
	arena_free(arena);
	return 0;
}
