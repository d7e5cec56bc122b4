/* The plan of a layer for 2 tokens and more: (token, slot) pairs sorted by expert. */
#ifndef GPU_KERNELS_PLAN_CUH
#define GPU_KERNELS_PLAN_CUH

#include "matrix.cuh"

#define EXPERTS_MAX 32

/* Where things lie in the plan: words. */
struct plan {
	const unsigned *first; /* [experts + 1]: an expert's first place */
	const unsigned *pair;  /* by place: token * 2 + slot */
	const unsigned *place; /* by pair */
	const float *weight;   /* by pair */
};

static __device__ inline struct plan plan_of(const unsigned *words, unsigned tokens)
{
	const unsigned *pair = words + EXPERTS_MAX + 1;

	return (struct plan){words, pair, pair + 2 * tokens, (const float *)(pair + 4 * tokens)};
}

#endif
