/*
 * yard_gemv: out[n] = w[n, k] a[k], one token; n a multiple of 8 or 16, k of 256, blocks of 64.
 *
 * Idea: stream.cuh; q, k and v fused are one such product of 6144 rows.
 * Counted, 14336 x 4096, fp32 absmax: 33.03 MB read once, 117 MFLOP. Floor: bytes over the read
 * bandwidth, 10.7 us at 3100 GB/s; arithmetic would take a hundredth of that.
 * Limit: what stands between two launches, and the loads of shared memory (47 wavefronts for 2048
 * weights, half of what a multiprocessor has at full bandwidth).
 */
#include "stream.cuh"

template <typename T, int R> struct gemv_job {
	static const int ROWS = R, PARTS = 1;
	static const bool EARLY = true;
	const T *a;
	struct weights w;
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
	__device__ void copy(const struct stage &stage, unsigned tile, unsigned s) const
	{
		stream_copy(stage, 0, w, nested, tile * R, k, s * STREAM_K);
		if (R > 8)
			stream_copy(stage, 1, w, nested, tile * R + 8, k, s * STREAM_K);
	}
	__device__ const T *x(unsigned, unsigned s) const { return a + s * STREAM_K; }
	__device__ float factor(unsigned) const { return 1; }
	template <typename Sum> __device__ void finish(unsigned tile, unsigned row, Sum sum) const
	{
		out[(size_t)tile * R + row] = from_float<T>(sum(row));
	}
};

template <typename T, int R>
static __device__ void yard_gemv(const T *a, const struct weights &w, T *out, unsigned n, unsigned k)
{
	struct gemv_job<T, R> job = {a, w, out, k, n / R, k / STREAM_K, w.codes8 != NULL, 0, 0};

	stream<T>(job);
}

#define GEMV(name, T, R)                                                                           \
	extern "C" __global__ void __launch_bounds__(STREAM_WARPS * WARP, 2)                       \
		yard_gemv##R##_##name(const T *a, struct weights w, T *out, unsigned n, unsigned k) \
	{                                                                                          \
		yard_gemv<T, R>(a, w, out, n, k);                                                  \
	}

GEMV(bf16, __nv_bfloat16, 8)
GEMV(bf16, __nv_bfloat16, 16)
GEMV(fp16, __half, 8)
GEMV(fp16, __half, 16)
#undef GEMV
