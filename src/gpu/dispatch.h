/*
 * Which library function the Python side of bitsandbytes calls for one matrix product.
 *
 * The library does not choose; its Python wrapper does, by release, card and shape. A harness
 * that called one entry point for all shapes would test what the deployed model never runs.
 * Sources: bitsandbytes 0.43 to 0.50, autograd/_functions.py and backends/cuda/ops.py; the ladder
 * of 0.50 is compared with the release's own function in tests/unit/gpu/dispatch.tsv.
 */
#ifndef GPU_DISPATCH_H
#define GPU_DISPATCH_H

#include "gpu/number.h"

#include <stdbool.h>
#include <stdint.h>

enum path {
	PATH_GEMV,    /* cgemm_4bit_inference_naive_*, one row */
	PATH_FUSED,   /* cgemm_4bit_*, 0.50 on, any number of rows, nested absmax inside */
	PATH_DEQUANT, /* cdequantize_blockwise_*_nf4, then a plain matrix product */
};

struct card {
	unsigned major, minor; /* compute capability */
	unsigned sms;	       /* multiprocessors */
};

/* RELEASE is the minor version of bitsandbytes 0.x: 43 to 50. M rows of activations, weights
 * [N, K], BLOCKSIZE elements per absmax. */
enum path dispatch_path(unsigned release, const struct card *card, enum number type, uint64_t m,
			uint64_t n, uint64_t k, unsigned blocksize);

const char *path_name(enum path path); /* "gemv", "fused", "dequant+gemm" */

#endif
