/*
 * yard_decode_up, yard_decode_down: the MoE layer for one token, two launches.
 *
 * Idea: stream.cuh. Up: a tile is 8 rows of the gate and the same 8 of up of one of the two experts,
 * so SiLU(gate) * up is at hand where the sums meet. What it leaves for down is split into a high
 * and a low part of T, which the matrix unit's idle columns take at no cost: nothing is rounded
 * between the two. Down: both experts lie one behind the other in K, their routing weights are part
 * of the scales, and the sum over the two needs no second pass. Down knows its experts, and fills
 * its ring, while up still runs; up must first see the logits.
 * Counted: 198.2 MB of weights read once, 0.70 GFLOP. Floor: 64 us at 3100 GB/s.
 * Limit: as gemv.cu; the start of up, which is not hidden.
 */
#include "stream.cuh"

template <typename T> struct up_job {
	static const int ROWS = 16, PARTS = 1;
	static const bool EARLY = false;
	const T *xs;
	const float *logits;
	struct weights w1, w3;
	T *h; /* [2][2 f]: high parts of both experts, then low parts */
	unsigned experts, f, k, tiles, stages;
	bool nested;
	float low_offset, high_offset;
	struct routing routing;

	__device__ void prepare(float (*maps)[256])
	{
		routing = route(logits, experts);
		for (unsigned i = threadIdx.x; nested && i < 256; i += blockDim.x) {
			maps[0][i] = w1.map[i];
			maps[1][i] = w3.map[i];
		}
		low_offset = nested ? *w1.offset : 0;
		high_offset = nested ? *w3.offset : 0;
	}
	__device__ void copy(const struct stage &stage, unsigned tile, unsigned s) const
	{
		bool second = tile >= f / 8;
		unsigned e = second ? routing.expert[1] : routing.expert[0];
		unsigned row = e * f + (second ? tile - f / 8 : tile) * 8;

		stream_copy(stage, 0, w1, nested, row, k, s * STREAM_K);
		stream_copy(stage, 1, w3, nested, row, k, s * STREAM_K);
	}
	__device__ const T *x(unsigned, unsigned s) const { return xs + s * STREAM_K; }
	__device__ float factor(unsigned) const { return 1; }
	template <typename Sum> __device__ void finish(unsigned tile, unsigned row, Sum sum) const
	{
		float g, value;
		T high;

		if (row >= 8)
			return;
		g = sum(row);
		value = g / (1 + expf(-g)) * sum(row + 8);
		high = from_float<T>(value);
		h[(size_t)tile * 8 + row] = high;
		h[(size_t)f * 2 + tile * 8 + row] = from_float<T>(value - to_float(high));
	}
};

template <typename T> struct down_job {
	static const int ROWS = 16, PARTS = 2;
	static const bool EARLY = true;
	const T *h;
	const float *logits;
	struct weights w2;
	T *out;
	unsigned experts, d, f, tiles, stages;
	bool nested;
	float low_offset, high_offset;
	struct routing routing;

	__device__ void prepare(float (*maps)[256])
	{
		routing = route(logits, experts);
		for (unsigned i = threadIdx.x; nested && i < 256; i += blockDim.x)
			maps[0][i] = maps[1][i] = w2.map[i];
		low_offset = high_offset = nested ? *w2.offset : 0;
	}
	__device__ void copy(const struct stage &stage, unsigned tile, unsigned s) const
	{
		bool second = s >= stages / 2;
		unsigned column = (second ? s - stages / 2 : s) * STREAM_K;

		unsigned row = (second ? routing.expert[1] : routing.expert[0]) * d + tile * 16;

		stream_copy(stage, 0, w2, nested, row, f, column);
		stream_copy(stage, 1, w2, nested, row + 8, f, column);
	}
	/* even columns of the matrix unit see high parts, odd ones low parts */
	__device__ const T *x(unsigned, unsigned s) const
	{
		return h + (threadIdx.x / 4 % 2 ? (size_t)f * 2 : 0) + s * STREAM_K;
	}
	__device__ float factor(unsigned s) const
	{
		return s >= stages / 2 ? routing.weight[1] : routing.weight[0];
	}
	template <typename Sum> __device__ void finish(unsigned tile, unsigned row, Sum sum) const
	{
		out[(size_t)tile * 16 + row] = from_float<T>(sum(row));
	}
};

#define DECODE(name, T)                                                                            \
	extern "C" __global__ void __launch_bounds__(STREAM_WARPS * WARP, 2) yard_decode_up_##name(  \
		const T *x, const float *logits, struct weights w1, struct weights w3, T *h,        \
		unsigned experts, unsigned f, unsigned k)                           \
	{                                                                                          \
		struct up_job<T> job = {x, logits, w1, w3, h, experts, f, k, f / 8 * 2,              \
					k / STREAM_K, w1.codes8 != NULL};                          \
                                                                                                   \
		stream<T>(job);                                                              \
	}                                                                                          \
	extern "C" __global__ void __launch_bounds__(STREAM_WARPS * WARP, 2)                       \
		yard_decode_down_##name(const T *h, const float *logits, struct weights w2, T *out,  \
					unsigned experts, unsigned d, unsigned f)   \
	{                                                                                          \
		struct down_job<T> job = {h, logits, w2, out, experts, d, f, d / 16,                \
					  f / STREAM_K * 2, w2.codes8 != NULL};                    \
                                                                                                   \
		stream<T>(job);                                                              \
	}

DECODE(bf16, __nv_bfloat16)
DECODE(fp16, __half)
#undef DECODE
