/*
 * yard_gemv: out[n] = w[n, k] a[k], one token; n a multiple of 16, k of 512, blocks of 64.
 *
 * Idea: stream.cuh; q, k and v fused are one such product of 6144 rows.
 * Counted, 14336 x 4096, fp32 absmax: 33.03 MB read once, 117 MFLOP. Floor: bytes over the read
 * bandwidth, 10.7 us at 3100 GB/s; arithmetic would take a hundredth of that.
 * Limit: memory, for the large shapes; for the small ones what stands between two launches, the
 * wait for the one before and a load of the activations.
 */
#include "stream.cuh"

template <typename T> struct gemv_job {
	static const int DEPTH = 4, PARTS = 1;
	static const bool EARLY = true;
	const T *a;
	const struct weights &w;
	T *out;
	unsigned k, tiles, stages;
	bool nested;
	float low_offset, high_offset;

	__device__ void prepare(float (*maps)[256])
	{
		for (unsigned i = threadIdx.x; nested && i < 256; i += blockDim.x)
			maps[0][i] = maps[1][i] = w.map[i];
		low_offset = high_offset = nested ? *w.offset : 0;
	}
	__device__ struct stage stage(unsigned tile, unsigned s) const
	{
		unsigned at = tile * STREAM_ROWS * k + s * STREAM_K;

		return {{&w, &w}, {at, at + 8 * k}};
	}
	__device__ const T *x(unsigned, unsigned s) const
	{
		return a + s * STREAM_K;
	}
	__device__ float factor(unsigned) const
	{
		return 1;
	}
	template <typename Sum> __device__ void finish(unsigned tile, unsigned row, Sum sum) const
	{
		out[(size_t)tile * STREAM_ROWS + row] = from_float<T>(sum(row));
	}
};

#define GEMV(name, T)                                                                              \
	extern "C" __global__ void __launch_bounds__(STREAM_WARPS *WARP, 2)                        \
		yard_gemv_##name(const T *a, const __grid_constant__ struct weights w, T *out,     \
				 unsigned n, unsigned k)                                           \
	{                                                                                          \
		struct gemv_job<T> job = {                                                         \
			a, w, out, k, n / STREAM_ROWS, k / STREAM_K, w.codes8 != NULL, 0, 0        \
		};                                                                                 \
                                                                                                   \
		stream_run<T>(job);                                                                \
	}

GEMV(bf16, __nv_bfloat16)
GEMV(fp16, __half)
#undef GEMV
