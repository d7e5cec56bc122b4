/*
 * The reference kernels: plain and right. They take bitsandbytes' bytes as they are stored.
 * Sums are fp32, weights are code * absmax in fp32, the output is rounded once.
 */
#include "common.cuh"

#define ROWS_PER_BLOCK 8

/* Four bytes as one word, lowest address first, whatever the alignment. */
static __device__ inline uint32_t load_word(const uint8_t *at)
{
	if (((uintptr_t)at & 3) == 0)
		return *(const uint32_t *)at;
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* One warp's share of a row times a vector of K. Blocks hold 8 elements at least. */
template <typename T>
static __device__ float row_sum(const struct weights &w, const T *a, size_t row, unsigned k,
				unsigned blocksize)
{
	float sum = 0;

	for (unsigned i = threadIdx.x * 8; i < k; i += WARP * 8) {
		size_t at = row * k + i;
		uint32_t word = load_word(w.packed + at / 2);
		float scale = absmax_at(w, at / blocksize);

		for (unsigned j = 0; j < 4; j++) {
			unsigned byte = word >> (8 * j);

			sum += nf4_codes[(byte >> 4) & 15] * scale * to_float(a[i + 2 * j]);
			sum += nf4_codes[byte & 15] * scale * to_float(a[i + 2 * j + 1]);
		}
	}
	return warp_sum(sum);
}

/* out[m, n] = a[m, k] w[n, k]^T. Block (32, 8): a warp per row; grid (n / 8 up, m). */
template <typename T>
static __device__ void gemv(const T *a, const struct weights &w, T *out, unsigned n, unsigned k,
			    unsigned blocksize)
{
	size_t row = (size_t)blockIdx.x * ROWS_PER_BLOCK + threadIdx.y;
	float sum;

	if (row >= n)
		return;
	sum = row_sum(w, a + (size_t)blockIdx.y * k, row, k, blocksize);
	if (threadIdx.x == 0)
		out[(size_t)blockIdx.y * n + row] = from_float<T>(sum);
}

template <typename T>
static __device__ void dequantise(const struct weights &w, T *out, size_t count, unsigned blocksize)
{
	for (size_t i = thread_index(); i < count; i += thread_count())
		out[i] = from_float<T>(nf4_codes[code_at(w.packed, i)] * absmax_at(w, i / blocksize));
}

/* h[token, slot, f] = silu(w1 x) * (w3 x) of the token's two experts, fp32.
 * Block (32, 8), grid (f / 8 up, tokens * 2). */
template <typename T>
static __device__ void moe_up(const T *x, const float *logits, const struct weights &w1,
			      const struct weights &w3, float *h, unsigned experts, unsigned f,
			      unsigned k, unsigned blocksize)
{
	unsigned token = blockIdx.y / 2, slot = blockIdx.y % 2;
	size_t row = (size_t)blockIdx.x * ROWS_PER_BLOCK + threadIdx.y;
	struct routing routing = route(logits + (size_t)token * experts, experts);
	unsigned e = routing.expert[slot];
	float gate, up;

	if (row >= f)
		return;
	gate = row_sum(expert_of(w1, e, f, k, blocksize), x + (size_t)token * k, row, k, blocksize);
	up = row_sum(expert_of(w3, e, f, k, blocksize), x + (size_t)token * k, row, k, blocksize);
	if (threadIdx.x == 0)
		h[(size_t)blockIdx.y * f + row] = gate / (1 + expf(-gate)) * up;
}

/* out[token, d] = sum over the two experts of weight * (w2 h). Block (32, 8), grid (d / 8, tokens). */
template <typename T>
static __device__ void moe_down(const float *h, const float *logits, const struct weights &w2, T *out,
				unsigned experts, unsigned d, unsigned f, unsigned blocksize)
{
	unsigned token = blockIdx.y;
	size_t row = (size_t)blockIdx.x * ROWS_PER_BLOCK + threadIdx.y;
	struct routing routing = route(logits + (size_t)token * experts, experts);
	float sum = 0;

	if (row >= d)
		return;
	for (unsigned slot = 0; slot < 2; slot++) {
		struct weights w = expert_of(w2, routing.expert[slot], d, f, blocksize);

		sum += routing.weight[slot] *
		       row_sum(w, h + ((size_t)token * 2 + slot) * f, row, f, blocksize);
	}
	if (threadIdx.x == 0)
		out[(size_t)token * d + row] = from_float<T>(sum);
}

#define KERNELS(name, T)                                                                           \
	extern "C" __global__ void nf4_gemv_##name(const T *a, struct weights w, T *out,           \
						   unsigned n, unsigned k, unsigned blocksize)     \
	{                                                                                          \
		gemv(a, w, out, n, k, blocksize);                                                  \
	}                                                                                          \
	extern "C" __global__ void nf4_dequantise_##name(struct weights w, T *out, size_t count,   \
							 unsigned blocksize)                       \
	{                                                                                          \
		dequantise(w, out, count, blocksize);                                              \
	}                                                                                          \
	extern "C" __global__ void nf4_moe_up_##name(const T *x, const float *logits,              \
						     struct weights w1, struct weights w3,         \
						     float *h, unsigned experts, unsigned f,       \
						     unsigned k, unsigned blocksize)               \
	{                                                                                          \
		moe_up(x, logits, w1, w3, h, experts, f, k, blocksize);                            \
	}                                                                                          \
	extern "C" __global__ void nf4_moe_down_##name(const float *h, const float *logits,        \
						       struct weights w2, T *out,                  \
						       unsigned experts, unsigned d, unsigned f,   \
						       unsigned blocksize)                         \
	{                                                                                          \
		moe_down(h, logits, w2, out, experts, d, f, blocksize);                            \
	}

KERNELS(bf16, __nv_bfloat16)
KERNELS(fp16, __half)
KERNELS(fp32, float)

extern "C" __global__ void nf4_nested_decode(struct weights w, float *out, size_t count)
{
	for (size_t i = thread_index(); i < count; i += thread_count())
		out[i] = absmax_at(w, i);
}
