/* Is the card well: bandwidth, memory, arithmetic. Also the ceilings that rates are held against. */
#include "common.cuh"

#include <mma.h>

/* Read only: a sum that nothing can leave out. */
extern "C" __global__ void read_all(const uint4 *in, size_t count, uint32_t *out)
{
	uint32_t sum = 0;
	size_t step = thread_count(), i = thread_index();

	for (; i + 3 * step < count; i += 4 * step) {
		uint4 a = in[i], b = in[i + step], c = in[i + 2 * step], d = in[i + 3 * step];

		sum += a.x ^ a.y ^ a.z ^ a.w ^ b.x ^ b.y ^ b.z ^ b.w;
		sum += c.x ^ c.y ^ c.z ^ c.w ^ d.x ^ d.y ^ d.z ^ d.w;
	}
	for (; i < count; i += step)
		sum += in[i].x ^ in[i].y ^ in[i].z ^ in[i].w;
	if (sum == 0x5ca1ab1e)
		*out = sum;
}

extern "C" __global__ void copy_all(const uint4 *in, uint4 *out, size_t count)
{
	for (size_t i = thread_index(); i < count; i += thread_count())
		out[i] = in[i];
}

/* Every word gets a value of its own address and SEED; INVERT flips all bits. */
static __device__ inline uint32_t pattern(size_t i, uint64_t seed, uint32_t invert)
{
	return (uint32_t)random_bits(seed, i) ^ invert;
}

extern "C" __global__ void pattern_write(uint32_t *out, size_t count, uint64_t seed, uint32_t invert)
{
	for (size_t i = thread_index(); i < count; i += thread_count())
		out[i] = pattern(i, seed, invert);
}

/* found[0]: words that differ; found[1]: the first word's index, as far as threads agree. */
extern "C" __global__ void pattern_check(const uint32_t *in, size_t count, uint64_t seed,
					 uint32_t invert, unsigned long long *found)
{
	for (size_t i = thread_index(); i < count; i += thread_count())
		if (in[i] != pattern(i, seed, invert)) {
			atomicAdd(&found[0], 1ull);
			atomicMin(&found[1], (unsigned long long)i);
		}
}

/* c = a b^T with tensor cores, all row-major, side a multiple of 16. Small integers: exact.
 * A warp per 16 x 16 tile: block 32, grid (side / 16, side / 16). */
extern "C" __global__ void matmul(const __nv_bfloat16 *a, const __nv_bfloat16 *b, float *c,
				  unsigned side)
{
	using namespace nvcuda;
	wmma::fragment<wmma::matrix_a, 16, 16, 16, __nv_bfloat16, wmma::row_major> left;
	wmma::fragment<wmma::matrix_b, 16, 16, 16, __nv_bfloat16, wmma::col_major> right;
	wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
	size_t row = (size_t)blockIdx.y * 16, column = (size_t)blockIdx.x * 16;

	wmma::fill_fragment(sum, 0.0f);
	for (unsigned k = 0; k < side; k += 16) {
		wmma::load_matrix_sync(left, a + row * side + k, side);
		wmma::load_matrix_sync(right, b + column * side + k, side);
		wmma::mma_sync(sum, left, right, sum);
	}
	wmma::store_matrix_sync(c + row * side + column, sum, side, wmma::mem_row_major);
}

/* The same product by whole numbers, of elements 0, step, 2 step …; counts those that differ. */
extern "C" __global__ void matmul_check(const __nv_bfloat16 *a, const __nv_bfloat16 *b,
					const float *c, unsigned side, unsigned step,
					unsigned long long *found)
{
	size_t count = (size_t)side * side;

	for (size_t i = thread_index() * step; i < count; i += thread_count() * step) {
		int sum = 0;

		for (unsigned k = 0; k < side; k++)
			sum += (int)to_float(a[i / side * side + k]) *
			       (int)to_float(b[i % side * side + k]);
		if ((float)sum != c[i])
			atomicAdd(&found[0], 1ull);
	}
}

extern "C" __global__ void empty(void)
{
}
