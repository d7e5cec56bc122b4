/* Every byte a tensor claims must lie in the input; every 4-bit weight found is decoded. */
#include "fuzzer.h"

#include "gpu/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct safetensors file;
	struct err err;
	const char *name;

	if (safetensors_read(data, size, arena, &file, &err) == 0) {
		for (size_t i = 0; i < file.count; i++)
			if (file.tensors[i].data < data ||
			    file.tensors[i].size > size - (size_t)(file.tensors[i].data - data))
				abort();
		for (size_t i = 0; (name = safetensors_weight4_name(&file, i, arena)) != NULL;
		     i++) {
			struct weight4 weight;

			if (safetensors_weight4(&file, name, arena, &weight, &err) == 0 &&
			    weight.absmax_count * weight.blocksize < weight.n * weight.k)
				abort();
		}
	}
	arena_free(arena);
	return 0;
}
