/*
 * yard_decode_up, yard_decode_down: the MoE layer for one token, two launches.
 *
 * Idea: stream.cuh. Up: a tile is 8 rows of the gate and the same 8 of up of one of the two
 * experts, so SiLU(gate) * up is at hand where the sums meet. What it leaves for down is split into
 * a high and a low part of T, which the matrix unit's idle columns take without more products:
 * nothing is rounded between the two. Down: both experts lie one behind the other in K, their
 * routing weights are part of the scales, and the sum over the two needs no second pass. Down knows
 * its experts, and fills its ring, while up still runs; up must first see the logits. Counted:
 * 198.2 MB of weights read once, 0.70 GFLOP. Floor: 64 us at 3100 GB/s. Limit: memory, and the
 * start of up, which is not hidden; every block of down reads all of h.
 */
#include "stream.cuh"

/* route() with one load under way, not one after the other; at most 32 experts. */
static __device__ inline struct routing route_at_once(const float *logits, unsigned experts)
{
	unsigned lane = threadIdx.x % WARP;
	float mine = lane < experts ? logits[lane] : -INFINITY;
	struct routing out = {{0, 0}, {0, 0}};
	float first = -INFINITY, second = -INFINITY;

	for (unsigned e = 0; e < experts; e++) {
		float logit = __shfl_sync(0xffffffffu, mine, e);
		bool above = logit > first, between = !above && logit > second;

		second = above ? first : between ? logit : second;
		out.expert[1] = above ? out.expert[0] : between ? e : out.expert[1];
		first = above ? logit : first;
		out.expert[0] = above ? e : out.expert[0];
	}
	out.weight[0] = 1 / (1 + expf(second - first));
	out.weight[1] = 1 - out.weight[0];
	return out;
}

template <typename T> struct up_job {
	static const int DEPTH = 2, PARTS = 1;
	static const bool EARLY = false;
	const T *xs;
	const float *logits;
	const struct weights &w1, &w3;
	T *h; /* [2][2 f]: high parts of both experts, then low parts */
	unsigned experts, f, k, tiles, stages;
	bool nested;
	float low_offset, high_offset;
	struct routing routing;

	__device__ void prepare(float (*maps)[256])
	{
		routing = route_at_once(logits, experts);
		for (unsigned i = threadIdx.x; nested && i < 256; i += blockDim.x) {
			maps[0][i] = w1.map[i];
			maps[1][i] = w3.map[i];
		}
		low_offset = nested ? *w1.offset : 0;
		high_offset = nested ? *w3.offset : 0;
	}
	__device__ struct stage stage(unsigned tile, unsigned s) const
	{
		bool second = tile >= f / 8;
		unsigned e = second ? routing.expert[1] : routing.expert[0];
		unsigned row = e * f + (second ? tile - f / 8 : tile) * 8;
		unsigned at = row * k + s * STREAM_K;

		return {{&w1, &w3}, {at, at}};
	}
	__device__ const T *x(unsigned, unsigned s) const
	{
		return xs + s * STREAM_K;
	}
	__device__ float factor(unsigned) const
	{
		return 1;
	}
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
	static const int DEPTH = 2, PARTS = 2;
	static const bool EARLY = true;
	const T *h;
	const float *logits;
	const struct weights &w2;
	T *out;
	unsigned experts, d, k, tiles, stages;
	bool nested;
	float low_offset, high_offset;
	struct routing routing;

	__device__ void prepare(float (*maps)[256])
	{
		routing = route_at_once(logits, experts);
		for (unsigned i = threadIdx.x; nested && i < 256; i += blockDim.x)
			maps[0][i] = maps[1][i] = w2.map[i];
		low_offset = high_offset = nested ? *w2.offset : 0;
	}
	__device__ struct stage stage(unsigned tile, unsigned s) const
	{
		bool second = s >= stages / 2;
		unsigned row =
			(second ? routing.expert[1] : routing.expert[0]) * d + tile * STREAM_ROWS;
		unsigned at = row * k + (second ? s - stages / 2 : s) * STREAM_K;

		return {{&w2, &w2}, {at, at + 8 * k}};
	}
	/* part 0 are the high ones */
	__device__ const T *x(unsigned part, unsigned s) const
	{
		return h + (size_t)part * 2 * k + s * STREAM_K;
	}
	__device__ float factor(unsigned s) const
	{
		return s >= stages / 2 ? routing.weight[1] : routing.weight[0];
	}
	template <typename Sum> __device__ void finish(unsigned tile, unsigned row, Sum sum) const
	{
		out[(size_t)tile * STREAM_ROWS + row] = from_float<T>(sum(row));
	}
};

#define DECODE(name, T)                                                                            \
	extern "C" __global__ void __launch_bounds__(STREAM_WARPS *WARP, 2) yard_decode_up_##name( \
		const T *x, const float *logits, const __grid_constant__ struct weights w1,        \
		const __grid_constant__ struct weights w3, T *h, unsigned experts, unsigned f,     \
		unsigned k)                                                                        \
	{                                                                                          \
		struct up_job<T> job = {                                                           \
			x, logits, w1, w3, h, experts, f, k, f / 8 * 2, k / STREAM_K,              \
				w1.codes8 != NULL                                                  \
		};                                                                                 \
                                                                                                   \
		stream_run<T>(job);                                                                \
	}                                                                                          \
	extern "C" __global__ void __launch_bounds__(STREAM_WARPS *WARP, 2)                        \
		yard_decode_down_##name(const T *h, const float *logits,                           \
					const __grid_constant__ struct weights w2, T *out,         \
					unsigned experts, unsigned d, unsigned f)                  \
	{                                                                                          \
		struct down_job<T> job = {                                                         \
			h, logits, w2, out, experts, d, f, d / STREAM_ROWS, f / STREAM_K * 2,      \
				w2.codes8 != NULL                                                  \
		};                                                                                 \
                                                                                                   \
		stream_run<T>(job);                                                                \
	}

DECODE(bf16, __nv_bfloat16)
DECODE(fp16, __half)
#undef DECODE
