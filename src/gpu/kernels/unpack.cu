/*
 * yard_dequantise: every weight, code * absmax in fp32 and rounded once.
 *
 * Idea: a warp takes 1024 weights: 512 bytes in four loads under way at once, 2 KB out in whole lines,
 * past the cache. A byte gives two fp32 codes by one load of shared memory, 16 columns of the table
 * so that no two lanes of a half warp meet.
 * Counted, 58.7 M weights to 16 bits: 33.0 MB in, 117.4 MB out. Floor 48.5 us at 3100 GB/s.
 * Limit: memory, which turns between reading and writing.
 */
#include "matrix.cuh"

#define UNPACK_WORDS 4 /* under way per lane */

template <typename T>
static __device__ void unpack(const struct weights &w, T *out, size_t count)
{
	__shared__ float2 table[256][WARP / 2];
	const size_t words = count / 8, step = thread_count() * UNPACK_WORDS;
	const uint32_t *in = (const uint32_t *)w.packed;
	const unsigned lane = threadIdx.x % WARP;

	for (unsigned i = threadIdx.x; i < 256 * (WARP / 2); i += blockDim.x)
		table[i / 16][i % 16] = make_float2(nf4_codes[i / 16 >> 4], nf4_codes[i / 16 & 15]);
	__syncthreads();
	launch_wait();
	launch_next();
	for (size_t at = thread_index() / WARP * WARP * UNPACK_WORDS + lane; at < words; at += step) {
		uint32_t word[UNPACK_WORDS];
		float scale[UNPACK_WORDS];

		for (int i = 0; i < UNPACK_WORDS; i++) {
			size_t j = at + i * WARP < words ? at + i * WARP : words - 1;

			word[i] = __ldcs(in + j);
			scale[i] = absmax_at(w, j / (BLOCK / 8));
		}
		for (int i = 0; i < UNPACK_WORDS; i++) {
			uint32_t two[4];

			for (int j = 0; j < 4; j++) {
				float2 codes = table[word[i] >> 8 * j & 255][lane % 16];

				two[j] = two_of(from_float<T>(codes.x * scale[i]),
						from_float<T>(codes.y * scale[i]));
			}
			if (at + i * WARP < words)
				__stcs((uint4 *)out + at + i * WARP,
				       make_uint4(two[0], two[1], two[2], two[3]));
		}
	}
}

#define UNPACK(name, T)                                                                            \
	extern "C" __global__ void __launch_bounds__(512)                                          \
		yard_dequantise_##name(struct weights w, T *out, size_t count)                     \
	{                                                                                          \
		unpack(w, out, count);                                                             \
	}

UNPACK(bf16, __nv_bfloat16)
UNPACK(fp16, __half)
#undef UNPACK
