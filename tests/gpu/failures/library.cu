/*
 * A small library with bitsandbytes' names and manners, to be built for one card or another: right
 * where it runs, and failing as the real one does where it does not. naive: prints and calls
 * exit(1); cgemm_4bit_*: says nothing. Built by `build` beside it.
 */
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

__constant__ const float codes[16] = {
	-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
	-0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
	0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
	0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
};

template <typename T> static __device__ float widen(T x) { return (float)x; }

template <typename T>
static __global__ void product(const T *a, const uint8_t *b, const float *absmax,
			       const uint8_t *absmax8, const float *map, const float *offset, T *out,
			       int n, int k, int blocksize)
{
	int row = blockIdx.x;
	float sum = 0;

	for (int i = threadIdx.x; i < k; i += 32) {
		size_t at = (size_t)row * k + i, block = at / blocksize;
		unsigned code = at & 1 ? b[at / 2] & 15 : b[at / 2] >> 4;
		float scale = absmax8 ? map[absmax8[block]] * absmax[block / 256] + *offset
				      : absmax[block];

		sum += codes[code] * scale * widen(a[(size_t)blockIdx.y * k + i]);
	}
	for (int step = 16; step; step /= 2)
		sum += __shfl_down_sync(~0u, sum, step);
	if (threadIdx.x == 0)
		out[(size_t)blockIdx.y * n + row] = (T)sum;
}

static void check_or_exit(void)
{
	cudaError_t error = cudaPeekAtLastError();

	if (error != cudaSuccess) {
		fprintf(stderr, "Error %s at line %d in file %s\n", cudaGetErrorString(error), __LINE__,
			__FILE__);
		exit(1);
	}
}

#define EXPORT extern "C" __attribute__((visibility("default")))
#define NAIVE(name, T)                                                                             \
	EXPORT void cgemm_4bit_inference_naive_##name(int m, int n, int k, const T *a,             \
						      const uint8_t *b, const float *absmax,       \
						      const float *code, T *out, int lda, int ldb, \
						      int ldc, int blocksize, cudaStream_t stream) \
	{                                                                                          \
		product<T><<<m, 32, 0, stream>>>(a, b, absmax, NULL, NULL, NULL, out, m, k,        \
						 blocksize);                                       \
		check_or_exit();                                                                   \
	}
#define FUSED(name, T)                                                                             \
	EXPORT void cgemm_4bit_##name(const T *a, const uint8_t *b, const float *absmax,           \
				      const uint8_t *absmax8, const float *map,                    \
				      const float *offset, T *out, const T *bias, int m, int n,    \
				      int k, int blocksize, int kind, cudaStream_t stream)         \
	{                                                                                          \
		product<T><<<dim3(n, m), 32, 0, stream>>>(a, b, absmax, absmax8, map, offset, out, \
							  n, k, blocksize);                        \
	}
#define OTHERS(name)                                                                               \
	EXPORT void cdequantize_blockwise_##name(void) {}                                          \
	EXPORT void cdequantize_blockwise_##name##_nf4(void) {}                                    \
	EXPORT void cquantize_blockwise_##name##_nf4(void) {}

NAIVE(bf16, __nv_bfloat16)
NAIVE(fp16, __half)
NAIVE(fp32, float)
#ifdef WITH_FUSED
FUSED(bf16, __nv_bfloat16)
FUSED(fp16, __half)
FUSED(fp32, float)
#endif
OTHERS(bf16)
OTHERS(fp16)
OTHERS(fp32)
