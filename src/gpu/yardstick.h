/*
 * The yardstick: our fast kernels for 4-bit weights (kernels/NOTES.md), what a card can do with the
 * library's own bytes. Here is which kernel serves which shape on which card, and how it is
 * launched. Functions give 0, or -1 with ERR when CUDA refuses; what a kernel does wrong shows when
 * the stream is waited for. Addresses are on the device and the caller's.
 */
#ifndef GPU_YARDSTICK_H
#define GPU_YARDSTICK_H

#include "gpu/moe.h"

/* One row of activations, N a multiple of 8, K of 256, bf16 or fp16. */
struct product yardstick_gemv(enum number type);

/* out[n * k] of TYPE from all weights of W, on GPU's stream. */
int yardstick_dequantise(struct case_env *env, const struct matrix *w, enum number type,
			 uint64_t out, struct err *err);

/* A whole layer: X and OUT are TOKENS x the layer's width of TYPE, LOGITS TOKENS x its experts,
 * fp32; SCRATCH has yardstick_scratch bytes. */
int yardstick_layer(struct case_env *env, enum number type, const struct moe_layer *layer,
		    uint64_t x, uint64_t logits, uint64_t scratch, uint64_t out, unsigned tokens,
		    struct err *err);
size_t yardstick_scratch(const struct card *card, const struct moe_layer *layer, unsigned tokens);

/* For moe_judge: the layer by yardstick_layer. */
struct moe_kernels yardstick_moe(const struct card *card, const struct moe_layer *layer,
				 unsigned tokens);

#endif
