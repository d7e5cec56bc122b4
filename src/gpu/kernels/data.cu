/* Test data, made on the card: normal, lattice, one-hot; and NF4 quantisation to hold others to. */
#include "common.cuh"

#define FILLS(name, T)                                                                             \
	extern "C" __global__ void fill_normal_##name(T *out, size_t count, uint64_t seed,         \
						      float scale)                                 \
	{                                                                                          \
		for (size_t i = thread_index(); i < count; i += thread_count())                    \
			out[i] = from_float<T>(scale * random_normal(seed, i));                    \
	}                                                                                          \
	/* -1 or +1 */                                                                             \
	extern "C" __global__ void fill_signs_##name(T *out, size_t count, uint64_t seed)          \
	{                                                                                          \
		for (size_t i = thread_index(); i < count; i += thread_count())                    \
			out[i] = from_float<T>(random_bits(seed, i) & 1 ? 1.0f : -1.0f);           \
	}                                                                                          \
	/* Row r of m has a one in column (first + r * stride) mod k. */                           \
	extern "C" __global__ void fill_one_hot_##name(T *out, unsigned m, unsigned k,             \
						       unsigned first, unsigned stride)            \
	{                                                                                          \
		for (size_t i = thread_index(); i < (size_t)m * k; i += thread_count())            \
			out[i] = from_float<T>(                                                    \
				i % k == (first + i / k * (size_t)stride) % k ? 1.0f : 0.0f);      \
	}                                                                                          \
	/* A thread per block of BLOCKSIZE elements. */                                            \
	extern "C" __global__ void quantise_##name(const T *in, size_t count, unsigned blocksize,  \
						   uint8_t *packed, float *absmax)                 \
	{                                                                                          \
		quantise(in, count, blocksize, packed, absmax);                                    \
	}

static __device__ unsigned encode(float scaled)
{
	unsigned code = 0;

	while (code < 15 &&
	       scaled > (float)(((double)nf4_codes[code] + (double)nf4_codes[code + 1]) / 2))
		code++;
	return code;
}

template <typename T>
static __device__ void quantise(const T *in, size_t count, unsigned blocksize, uint8_t *packed,
				float *absmax)
{
	for (size_t block = thread_index(); block * blocksize < count; block += thread_count()) {
		const T *at = in + block * blocksize;
		float largest = 0, inverse;

		for (unsigned i = 0; i < blocksize; i++)
			largest = fmaxf(largest, fabsf(to_float(at[i])));
		absmax[block] = largest;
		inverse = largest > 0 ? __fdiv_rn(1.0f, largest) : 0;
		for (unsigned i = 0; i < blocksize; i += 2)
			packed[(block * blocksize + i) / 2] =
				encode(__fmul_rn(to_float(at[i]), inverse)) << 4 |
				encode(__fmul_rn(to_float(at[i + 1]), inverse));
	}
}

FILLS(bf16, __nv_bfloat16)
FILLS(fp16, __half)
FILLS(fp32, float)

extern "C" __global__ void fill_bits(uint32_t *out, size_t count, uint64_t seed)
{
	for (size_t i = thread_index(); i < count; i += thread_count())
		out[i] = (uint32_t)random_bits(seed, i);
}

/* Codes 7 (zero), one in eight 0 or 15 (-1, +1): products and sums of these are exact. */
extern "C" __global__ void fill_lattice_codes(uint8_t *out, size_t bytes, uint64_t seed)
{
	for (size_t i = thread_index(); i < bytes; i += thread_count()) {
		uint64_t bits = random_bits(seed, i);
		unsigned high = bits & 7 ? 7 : bits & 8 ? 15 : 0;
		unsigned low = bits >> 4 & 7 ? 7 : bits & 128 ? 15 : 0;

		out[i] = high << 4 | low;
	}
}

extern "C" __global__ void fill_lattice_absmax(float *out, size_t count, uint64_t seed)
{
	for (size_t i = thread_index(); i < count; i += thread_count())
		out[i] = (float)(1u << random_bits(seed, i) % 3);
}

/* What the Python side adds after decoding nested absmax. */
extern "C" __global__ void add_value(float *out, size_t count, const float *value)
{
	for (size_t i = thread_index(); i < count; i += thread_count())
		out[i] = __fadd_rn(out[i], *value);
}

/* Keep a stream busy for NS nanoseconds, so that what does not wait for it is seen. */
extern "C" __global__ void spin(uint64_t ns)
{
	uint64_t start, now;

	asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
	do {
		asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
	} while (now - start < ns);
}
