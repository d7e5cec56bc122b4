/* assay-gpu as bytes: the program that is copied to where the GPU is. */
#ifndef GPU_PROGRAM_H
#define GPU_PROGRAM_H

#include <stddef.h>

/* The ELF file; its length into LEN. */
const void *gpu_program(size_t *len);

#endif
