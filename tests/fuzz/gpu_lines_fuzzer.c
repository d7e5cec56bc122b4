/* Input: what assay-gpu printed, in an image that may print anything. */
#include "fuzzer.h"

#include "check/gpu_private.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct gpu_lines lines = {0};
	struct gpu_open open = {0};
	struct err err = {0};

	if (check_gpu_read((const char *)data, size, arena, &lines, &err) < 0) {
		if (err.code != ERR_INFRA || !*err.msg || lines.items)
			abort();
	} else {
		check_gpu_health_judge(&lines, arena, &open);
		(void)check_gpu_cell(&lines);
		for (size_t i = 0; i < lines.count; i++)
			if (lines.items[i].outcome == OUTCOME_FAIL && !lines.items[i].label)
				abort();
	}
	arena_free(arena);
	return 0;
}
