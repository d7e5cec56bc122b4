#include "gpu/program.h"

extern const unsigned char gpu_binary[];
extern const unsigned char gpu_binary_end[];

const void *gpu_program(size_t *len)
{
	*len = (size_t)(gpu_binary_end - gpu_binary);
	return gpu_binary;
}
