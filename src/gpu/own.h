/* Our own kernels, right or with a planted bug, as products. */
#ifndef GPU_OWN_H
#define GPU_OWN_H

#include "gpu/product.h"

/* nf4_gemv of kernels/nf4.cu. */
struct product own_gemv(enum number type);
/* mutant_gemv of kernels/mutants.cu with the planted BUG (gpu/mutants.def); bf16 or fp16. */
struct product own_mutant(enum number type, int bug);
/* The module with mutants, loaded on first use. */
int own_load_mutants(struct gpu_context *gpu, struct err *err);

#define MUTANT(name, number, what, gate) MUTANT_##name = (number),
enum mutant {
#include "gpu/mutants.def"
};
#undef MUTANT

#endif
