/* The ways through the library under test, as products and as plain calls. */
#ifndef GPU_PATHS_H
#define GPU_PATHS_H

#include "gpu/product.h"

/* Buffers that the dequantising path needs beside its arguments; grown on demand, kept. */
struct path_scratch {
	uint64_t weights, absmax;
	size_t weights_bytes, absmax_bytes;
};

/* The path PATH for TYPE; NESTED counts one rounding more where absmax is decoded inside. Its
 * `call` runs what Python runs, nested decoding included. */
struct product path_product(enum path path, enum number type, bool nested);

/* Whether the library has it; the name of what is missing otherwise, NULL when all is there. */
const char *path_missing(const struct library *library, enum path path, enum number type);

/* Pointers as the library takes them. */
static inline void *path_pointer(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

/* out[m, n] = a[m, k] w[n, k]^T by cuBLAS, w as TYPE. */
int path_gemm(struct case_env *env, enum number type, uint64_t a, uint64_t w, uint64_t out,
	      unsigned m, unsigned n, unsigned k, struct err *err);

#endif
