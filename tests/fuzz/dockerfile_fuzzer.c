#include "fuzzer.h"

#include "parse/dockerfile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct pair given = {"VERSION", "2"};
	struct pairs args = {&given, 1};
	struct dockerfile file;
	unsigned line = 0;

	dockerfile_parse((const char *)data, size, &args, arena, &file);
	for (unsigned i = 1; i <= file.count; i++) {
		const struct instruction *in = dockerfile_step(&file, i);

		if (in->line <= line || in->end_line < in->line ||
		    in->stage >= (int)file.stage_count)
			abort();
		line = in->end_line;
		if (i < 50)
			(void)dockerfile_vertex(&file, "stage-1", i, in->text);
	}
	arena_free(arena);
	return 0;
}
