/* A whole mixture-of-experts layer, top-2: reference in fp64, and judging a fused one. */
#ifndef GPU_MOE_H
#define GPU_MOE_H

#include "gpu/product.h"

struct moe_layer {
	unsigned experts, hidden, inner;
	struct matrix w1, w3; /* gate and up: [experts * inner, hidden] */
	struct matrix w2;     /* down: [experts * hidden, inner] */
};

int moe_make(struct gpu_context *gpu, unsigned experts, unsigned hidden, unsigned inner,
	     bool nested, uint64_t seed, struct moe_layer *out, struct err *err);
void moe_done(struct gpu_context *gpu, struct moe_layer *layer);

/* Run the fused kernels of MODULE: PREFIX_up_TYPE and PREFIX_down_TYPE, with BUG as last argument
 * when not negative. X is [tokens, hidden] of TYPE, LOGITS float [tokens, experts], H scratch of
 * tokens * 2 * inner floats. THREADS: block (32, 8) and a row per warp; else (128, 1) and a row
 * per block. With RUN set, that runs the layer instead, with SCRATCH bytes as H. */
struct moe_kernels {
	void *module;
	const char *up, *down;
	bool row_per_block;
	int bug; /* -1: not passed */
	int (*run)(struct case_env *env, enum number type, const struct moe_layer *layer,
		   uint64_t x, uint64_t logits, uint64_t scratch, uint64_t out, unsigned tokens,
		   struct err *err);
	size_t scratch;
	double roundings; /* R of the norm gate; 0: sums and inner activations are fp32 */
};
int moe_run(struct case_env *env, const struct moe_kernels *kernels, const struct moe_layer *layer,
	    uint64_t x, uint64_t logits, uint64_t h, uint64_t out, unsigned tokens,
	    struct err *err);

/* Where tokens go: SKEWED: every token to one expert first, and none to two of the others. */
enum moe_routing { MOE_RANDOM, MOE_SKEWED };
/* Random logits [TOKENS, experts] at ADDRESS, routed so. */
int moe_logits(struct gpu_context *gpu, uint64_t address, unsigned tokens, unsigned experts,
	       enum moe_routing routing, uint64_t seed, struct err *err);

/* G1, G6, G4, G5, G7 for TOKENS tokens of TYPE. As product_judge. */
int moe_judge(struct case_env *env, const struct moe_kernels *kernels, enum number type,
	      const struct moe_layer *layer, unsigned tokens, enum moe_routing routing,
	      uint64_t seed, struct finding *finding, struct err *err);

#endif
