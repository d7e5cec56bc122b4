/*
 * Shared by the kernels: NF4 as bitsandbytes stores it, number types, random numbers by counter.
 * Weights are [N, K] row-major, two codes a byte, the first in the high nibble; K is a multiple of
 * the block size, so no block crosses a row.
 */
#ifndef GPU_KERNELS_COMMON_CUH
#define GPU_KERNELS_COMMON_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

#define WARP 32

__constant__ const float nf4_codes[16] = {
	-1.0f,
	-0.6961928009986877f,
	-0.5250730514526367f,
	-0.39491748809814453f,
	-0.28444138169288635f,
	-0.18477343022823334f,
	-0.09105003625154495f,
	0.0f,
	0.07958029955625534f,
	0.16093020141124725f,
	0.24611230194568634f,
	0.33791524171829224f,
	0.44070982933044434f,
	0.5626170039176941f,
	0.7229568362236023f,
	1.0f,
};

/* One matrix of 4-bit weights. codes8 NULL: absmax are plain fp32. */
struct weights {
	const uint8_t *packed;
	const float *absmax;   /* plain, or the second level of nested ones */
	const uint8_t *codes8; /* nested: 8-bit codes of absmax */
	const float *map;      /* nested: 256 values */
	const float *offset;   /* nested: one value */
};

/* map[code] * scale + offset, each operation rounded: what the library computes. */
static __device__ inline float absmax_at(const struct weights &w, size_t block)
{
	if (!w.codes8)
		return w.absmax[block];
	return __fadd_rn(__fmul_rn(w.map[w.codes8[block]], w.absmax[block >> 8]), *w.offset);
}

static __device__ inline unsigned code_at(const uint8_t *packed, size_t index)
{
	return index & 1 ? packed[index >> 1] & 15 : packed[index >> 1] >> 4;
}

static __device__ inline float to_float(float x) { return x; }
static __device__ inline float to_float(__half x) { return __half2float(x); }
static __device__ inline float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }

template <typename T> static __device__ T from_float(float x);
template <> __device__ inline float from_float<float>(float x) { return x; }
template <> __device__ inline __half from_float<__half>(float x) { return __float2half_rn(x); }
template <> __device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float x)
{
	return __float2bfloat16_rn(x);
}

template <typename S> static __device__ inline S warp_sum(S sum)
{
	for (int step = WARP / 2; step > 0; step /= 2)
		sum += __shfl_down_sync(0xffffffffu, sum, step);
	return sum;
}

/* splitmix64: every counter gives 64 independent bits. */
static __device__ inline uint64_t random_bits(uint64_t seed, uint64_t counter)
{
	uint64_t z = seed + (counter + 1) * 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static __device__ inline float random_normal(uint64_t seed, uint64_t counter)
{
	uint64_t bits = random_bits(seed, counter);
	float u = ((uint32_t)(bits >> 40) + 1) * (1.0f / 16777217.0f);
	float angle = (uint32_t)(bits & 0xffffff) * (6.2831853f / 16777216.0f);

	return sqrtf(-2 * logf(u)) * cosf(angle);
}

static __device__ inline size_t thread_index(void)
{
	return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

static __device__ inline size_t thread_count(void)
{
	return (size_t)gridDim.x * blockDim.x;
}

/* The two experts of a token and their weights: softmax over all, renormalised over two, which is
 * the softmax of the two. Equal logits: the lower index first. */
struct routing {
	unsigned expert[2];
	float weight[2];
};

static __device__ inline struct routing route(const float *logits, unsigned experts)
{
	struct routing out = {{0, 0}, {0, 0}};
	float first = -INFINITY, second = -INFINITY;

	for (unsigned e = 0; e < experts; e++) {
		if (logits[e] > first) {
			out.expert[1] = out.expert[0];
			second = first;
			out.expert[0] = e;
			first = logits[e];
		} else if (logits[e] > second) {
			out.expert[1] = e;
			second = logits[e];
		}
	}
	out.weight[0] = 1 / (1 + expf(second - first));
	out.weight[1] = 1 - out.weight[0];
	return out;
}

/* The matrix of expert E out of several that lie one behind the other, N x K each. */
static __device__ inline struct weights expert_of(const struct weights &all, unsigned e, size_t n,
						  size_t k, unsigned blocksize)
{
	struct weights out = all;
	size_t blocks = n * k / blocksize;

	out.packed += e * (n * k / 2);
	if (all.codes8) {
		out.codes8 += e * blocks;
		out.absmax += e * (blocks / 256);
	} else {
		out.absmax += e * blocks;
	}
	return out;
}

#endif
