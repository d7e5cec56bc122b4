/*
 * What is right, in fp64: the values outputs are held against, and the sums their bounds need.
 * Slow on purpose; one warp per element. The host checks sampled rows against its own sum.
 */
#include "common.cuh"

struct sums {
	double value, squares, sizes;
};

template <typename A>
static __device__ struct sums row_sums(const struct weights &w, const A *a, size_t row, unsigned k,
				       unsigned blocksize)
{
	struct sums s = {0, 0, 0};

	for (unsigned i = threadIdx.x; i < k; i += WARP) {
		size_t at = row * k + i;
		double term = (double)nf4_codes[code_at(w.packed, at)] *
			      (double)absmax_at(w, at / blocksize) * (double)a[i];

		s.value += term;
		s.squares += term * term;
		s.sizes += fabs(term);
	}
	s.value = warp_sum(s.value);
	s.squares = warp_sum(s.squares);
	s.sizes = warp_sum(s.sizes);
	return s;
}

/* Block 32, grid (n, m); A is widened to fp64 first. */
extern "C" __global__ void reference_gemm(const double *a, struct weights w, double *value,
					  double *l2, double *l1, unsigned n, unsigned k,
					  unsigned blocksize)
{
	size_t at = (size_t)blockIdx.y * n + blockIdx.x;
	struct sums s = row_sums(w, a + (size_t)blockIdx.y * k, blockIdx.x, k, blocksize);

	if (threadIdx.x == 0) {
		value[at] = s.value;
		l2[at] = sqrt(s.squares);
		l1[at] = s.sizes;
	}
}

/* Block 32, grid (f, tokens * 2). */
extern "C" __global__ void reference_moe_up(const double *x, const float *logits, struct weights w1,
					    struct weights w3, double *h, unsigned experts,
					    unsigned f, unsigned k, unsigned blocksize)
{
	unsigned token = blockIdx.y / 2;
	struct routing routing = route(logits + (size_t)token * experts, experts);
	unsigned e = routing.expert[blockIdx.y % 2];
	double gate = row_sums(expert_of(w1, e, f, k, blocksize), x + (size_t)token * k, blockIdx.x,
			       k, blocksize)
			      .value;
	double up = row_sums(expert_of(w3, e, f, k, blocksize), x + (size_t)token * k, blockIdx.x,
			     k, blocksize)
			    .value;

	if (threadIdx.x == 0)
		h[(size_t)blockIdx.y * f + blockIdx.x] = gate / (1 + exp(-gate)) * up;
}

/* Block 32, grid (d, tokens). */
extern "C" __global__ void reference_moe_down(const double *h, const float *logits,
					      struct weights w2, double *value, double *l2,
					      double *l1, unsigned experts, unsigned d, unsigned f,
					      unsigned blocksize)
{
	unsigned token = blockIdx.y;
	size_t at = (size_t)token * d + blockIdx.x;
	struct routing routing = route(logits + (size_t)token * experts, experts);
	double value_sum = 0, squares = 0, sizes = 0;

	for (unsigned slot = 0; slot < 2; slot++) {
		double weight = routing.weight[slot];
		struct sums s = row_sums(expert_of(w2, routing.expert[slot], d, f, blocksize),
					 h + ((size_t)token * 2 + slot) * f, blockIdx.x, f,
					 blocksize);

		value_sum += weight * s.value;
		squares += weight * weight * s.squares;
		sizes += weight * s.sizes;
	}
	if (threadIdx.x == 0) {
		value[at] = value_sum;
		l2[at] = sqrt(squares);
		l1[at] = sizes;
	}
}

#define WIDEN(name, T)                                                                             \
	extern "C" __global__ void widen_##name(const T *in, double *out, size_t count)            \
	{                                                                                          \
		for (size_t i = thread_index(); i < count; i += thread_count())                    \
			out[i] = (double)to_float(in[i]);                                          \
	}

WIDEN(bf16, __nv_bfloat16)
WIDEN(fp16, __half)
WIDEN(fp32, float)
