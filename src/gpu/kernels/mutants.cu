/*
 * Kernels with one planted bug each, for `assay-gpu --self-test`: a harness that cannot tell them
 * from right ones proves nothing. BUG is a number of gpu/mutants.def; 0 is the right kernel.
 */
#include "common.cuh"

#define MUTANT(name, number, ...) BUG_##name = number,
enum bug {
#include "../mutants.def"
};
#undef MUTANT

#define WARPS 4 /* of a block; one output row per block */

__constant__ const float fp4_codes[16] = {
	0.0f,	     0.005208333333f, 0.66666667f, 1.0f,   0.33333333f,	 0.5f,	0.16666667f,  0.25f,
	-0.0f, -0.005208333333f, -0.66666667f, -1.0f, -0.33333333f, -0.5f, -0.16666667f, -0.25f,
};

static __device__ float value_of(unsigned code, int bug)
{
	if (bug == BUG_fp4_table)
		return fp4_codes[code];
	if (bug == BUG_codebook_entry && code == 3)
		return nf4_codes[4];
	return nf4_codes[code];
}

static __device__ float scale_of(const struct weights &w, size_t row, unsigned i, unsigned k,
				 unsigned blocksize, int bug)
{
	size_t block = (row * k + i) / blocksize, last = (row * k + k - 1) / blocksize;
	struct weights other = w;

	if (bug == BUG_neighbour_absmax)
		block = block ? block - 1 : 1;
	if (bug == BUG_stale_last_scale && block == last)
		block--;
	if (bug == BUG_stale_offset && w.codes8) {
		other.offset = w.map + 200; /* a value of another tensor */
		return absmax_at(other, block);
	}
	return absmax_at(w, block);
}

static __device__ unsigned columns_of(unsigned k, int bug)
{
	if (bug == BUG_two_columns)
		return k - 2;
	return bug == BUG_last_block ? k - 64 : k;
}

template <typename T>
static __device__ float partial(const T *a, const struct weights &w, size_t row, unsigned k,
				unsigned blocksize, int bug)
{
	unsigned end = columns_of(k, bug);
	float sum = 0;

	for (unsigned i = threadIdx.x; i < end; i += blockDim.x) {
		size_t at = row * k + i;
		unsigned code = code_at(w.packed, bug == BUG_nibbles ? at ^ 1 : at);
		float term = value_of(code, bug) * scale_of(w, row, i, k, blocksize, bug) *
			     to_float(a[i]);

		sum += term;
		if (bug == BUG_bf16_sum)
			sum = to_float(__float2bfloat16_rn(sum));
	}
	if (bug == BUG_lost_lane && threadIdx.x == 77)
		sum = 0;
	return sum;
}

/* Sum over the block through shared memory. */
static __device__ float reduce(float sum, int bug)
{
	__shared__ float parts[WARPS];
	__shared__ volatile float total;
	unsigned warp = threadIdx.x / WARP;

	sum = warp_sum(sum);
	if (threadIdx.x == 0)
		total = 0;
	if (threadIdx.x < WARPS)
		parts[threadIdx.x] = NAN;
	__syncthreads();
	if (bug == BUG_race) {
		/* unsynchronised read, add, write of one cell */
		if (threadIdx.x % WARP == 0)
			total = total + sum;
		__syncthreads();
		return total;
	}
	if (bug == BUG_no_barrier && threadIdx.x < WARPS)
		parts[threadIdx.x] = 0;
	if (bug == BUG_no_barrier)
		__syncthreads();
	if (threadIdx.x % WARP == 0)
		parts[warp] = sum;
	if (bug != BUG_no_barrier)
		__syncthreads();
	sum = 0;
	for (unsigned i = 0; i < WARPS; i++)
		sum += ((volatile float *)parts)[i];
	return sum;
}

static __device__ void misbehave(const struct weights &w, size_t row, int bug)
{
	if (bug == BUG_trap && row == 5)
		__trap();
	if (bug == BUG_hang && row == 5)
		for (volatile int i = 0; i >= 0; i = 0)
			;
	if (bug == BUG_misaligned && row == 5) {
		uint32_t x, y, z, last;

		asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
			     : "=r"(x), "=r"(y), "=r"(z), "=r"(last)
			     : "l"(w.packed + 8));
		if ((x ^ y ^ z ^ last) == 0x12345678)
			__trap();
	}
	if (bug == BUG_wild_read && row == 5 &&
	    *((const volatile uint8_t *)((uintptr_t)1 << 46)) == 1)
		__trap();
}

/* As nf4_gemv. Block 128, grid (n rounded up to 16, m). */
template <typename T>
static __device__ void gemv(const T *a, const struct weights &w, T *out, unsigned n, unsigned k,
			    unsigned blocksize, int bug)
{
	size_t row = blockIdx.x, at = (size_t)blockIdx.y * n + row;
	float sum;

	if (bug == BUG_tail_tile && row >= n - n % 16)
		return;
	if (bug == BUG_past_the_end ? row >= (n + 15) / 16 * 16 : row >= n)
		return;
	if (bug == BUG_last_rows && row + 16 >= n)
		return;
	misbehave(w, row, bug);
	sum = reduce(partial(a + (size_t)blockIdx.y * k, w, row < n ? row : 0, k, blocksize, bug),
		     bug);
	if (threadIdx.x != 0)
		return;
	/* sums of the lattice are whole: large odd ones are ties, which this would break at times */
	if (bug == BUG_second_row && blockIdx.y > 0 && fabsf(sum) < 1)
		sum *= 1 + 0.0005f * blockIdx.y;
	if (bug == BUG_fp16_overflow)
		sum = to_float(__float2half_rn(sum * 1024)) / 1024;
	if (bug == BUG_adds_to_output)
		sum += to_float(out[at]);
	out[at] = from_float<T>(sum);
}

#define GEMV(name, T)                                                                              \
	extern "C" __global__ void mutant_gemv_##name(const T *a, struct weights w, T *out,        \
						      unsigned n, unsigned k, unsigned blocksize,  \
						      int bug)                                     \
	{                                                                                          \
		gemv(a, w, out, n, k, blocksize, bug);                                             \
	}

GEMV(bf16, __nv_bfloat16)
GEMV(fp16, __half)

/* Rounding by cutting off, as a cast of bits does. */
extern "C" __global__ void mutant_dequantise_bf16(struct weights w, __nv_bfloat16 *out, size_t count,
						  unsigned blocksize, int bug)
{
	for (size_t i = thread_index(); i < count; i += thread_count()) {
		float value = nf4_codes[code_at(w.packed, i)] * absmax_at(w, i / blocksize);

		out[i] = bug == BUG_truncates ? __float2bfloat16_rz(value)
					      : __float2bfloat16_rn(value);
	}
}

/* --- the fused layer ------------------------------------------------------------------------- */

static __device__ struct routing mutant_route(const float *logits, unsigned experts, int bug)
{
	struct routing out = route(logits, experts);
	float all = 0;

	if (bug == BUG_wrong_expert)
		out.expert[1] = (out.expert[1] + 1) % experts;
	if (bug != BUG_unnormalised)
		return out;
	for (unsigned e = 0; e < experts; e++)
		all += expf(logits[e]);
	for (unsigned slot = 0; slot < 2; slot++)
		out.weight[slot] = expf(logits[out.expert[slot]]) / all;
	return out;
}

extern "C" __global__ void mutant_moe_up_bf16(const __nv_bfloat16 *x, const float *logits,
					      struct weights w1, struct weights w3, float *h,
					      unsigned experts, unsigned f, unsigned k,
					      unsigned blocksize, int bug)
{
	unsigned token = blockIdx.y / 2, slot = blockIdx.y % 2;
	struct routing routing = mutant_route(logits + (size_t)token * experts, experts, bug);
	const __nv_bfloat16 *a = x + (size_t)token * k;
	unsigned e = routing.expert[slot];
	float gate = reduce(partial(a, expert_of(w1, e, f, k, blocksize), blockIdx.x, k, blocksize,
				    0),
			    0);
	float up;

	__syncthreads();
	up = reduce(partial(a, expert_of(w3, e, f, k, blocksize), blockIdx.x, k, blocksize, 0), 0);
	if (bug == BUG_swapped_gate_up) {
		float other = gate;

		gate = up;
		up = other;
	}
	if (threadIdx.x == 0)
		h[(size_t)blockIdx.y * f + blockIdx.x] =
			gate / (1 + expf(-gate)) * (bug == BUG_no_up ? 1 : up);
}

extern "C" __global__ void mutant_moe_down_bf16(const float *h, const float *logits,
						struct weights w2, __nv_bfloat16 *out,
						unsigned experts, unsigned d, unsigned f,
						unsigned blocksize, int bug)
{
	unsigned token = blockIdx.y;
	struct routing routing = mutant_route(logits + (size_t)token * experts, experts, bug);
	float sum = 0;

	for (unsigned slot = 0; slot < 2; slot++) {
		const float *a = h + ((size_t)token * 2 + (bug == BUG_same_slot ? 0 : slot)) * f;

		__syncthreads();
		sum += routing.weight[slot] *
		       reduce(partial(a, expert_of(w2, routing.expert[slot], d, f, blocksize),
				      blockIdx.x, f, blocksize, 0),
			      0);
	}
	if (threadIdx.x == 0)
		out[(size_t)token * d + blockIdx.x] = __float2bfloat16_rn(sum);
}
