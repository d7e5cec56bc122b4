#include "gpu/product.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 16	   /* elements of the reference that the host sums itself */
#define SAMPLE_ERROR 1e-11 /* of sum |a w|; fp64 with K = 28672 terms stays below 4e-12 */
#define DELAY_NS UINT64_C(3000000)
#define WIDE_BLOCKS 1024

static const struct grid wide = {WIDE_BLOCKS, 1, 256, 1};

void product_calling(struct case_env *env, const char *what)
{
	(void)snprintf(env->out->calling, sizeof(env->out->calling), "%s", what);
	if (env->gpu.runtime.cudaGetLastError)
		(void)env->gpu.runtime.cudaGetLastError();
}

int product_called(struct case_env *env, struct err *err)
{
	int error = 0;

	if (env->gpu.runtime.cudaPeekAtLastError)
		error = env->gpu.runtime.cudaPeekAtLastError();
	if (error != 0) {
		(void)err_set(err, ERR_INFRA, "the runtime reports %s (%d)",
			      env->gpu.runtime.cudaGetErrorName(error), error);
		err->sys = error;
		return -1;
	}
	if (cuda_check(&env->gpu, env->gpu.driver.cuCtxSynchronize(), "waiting for it", err) < 0)
		return -1;
	env->out->calling[0] = '\0';
	return 0;
}

/* --- the reference --------------------------------------------------------------------------- */

void reference_done(struct reference *reference)
{
	free((void *)(uintptr_t)reference->value);
	free((void *)(uintptr_t)reference->l2);
	free((void *)(uintptr_t)reference->l1);
	*reference = (struct reference){.count = 0};
}

/* The same sum on the host, for elements spread over the output. */
static int check_samples(const struct matrix *w, const double *a, unsigned m,
			 const struct reference *ref, struct err *err)
{
	for (unsigned s = 0; s < SAMPLES; s++) {
		size_t row = (size_t)s * (w->n - 1) / (SAMPLES - 1), token = s % m;
		double sum = 0, sizes = 0;
		size_t at = token * w->n + row;

		for (size_t i = 0; i < w->k; i++) {
			size_t index = row * w->k + i;
			double term = (double)nf4_codes[nf4_code_at(w->host_packed, index)] *
				      (double)w->host_absmax[index / w->blocksize] *
				      a[token * w->k + i];

			sum += term;
			sizes += fabs(term);
		}
		if (!(fabs(sum - ref->value[at]) <= SAMPLE_ERROR * sizes))
			return err_set(err, ERR_INFRA,
				       "the card's fp64 sum of element %zu is %.17g, the host's "
				       "%.17g",
				       at, ref->value[at], sum);
	}
	return 0;
}

int reference_make(struct case_env *env, const struct matrix *w, enum number type, uint64_t a,
		   unsigned m, struct reference *out, struct err *err)
{
	struct gpu_context *gpu = &env->gpu;
	size_t count = (size_t)m * w->n, in = (size_t)m * w->k;
	uint64_t wide_a = 0, value = 0, l2 = 0, l1 = 0;
	double *host_a = xcalloc(in, sizeof(double)), *host[3];
	struct device_weights plain = w->plain;
	unsigned n = w->n, k = w->k, blocksize = w->blocksize;
	int rc = -1;

	for (size_t i = 0; i < 3; i++)
		host[i] = xcalloc(count, sizeof(double));
	*out = (struct reference){count, host[0], host[1], host[2], w->k, 0};
	if (device_alloc(gpu, in * 8, &wide_a, err) == 0 &&
	    device_alloc(gpu, count * 8, &value, err) == 0 &&
	    device_alloc(gpu, count * 8, &l2, err) == 0 &&
	    device_alloc(gpu, count * 8, &l1, err) == 0 &&
	    device_launch_typed(gpu, gpu->stream, "widen", type, wide, (void *[]){&a, &wide_a, &in},
				err) == 0 &&
	    device_launch(
		    gpu, gpu->kernels, gpu->stream, "reference_gemm", (struct grid){n, m, 32, 1},
		    (void *[]){&wide_a, &plain, &value, &l2, &l1, &n, &k, &blocksize}, err) == 0 &&
	    device_download(gpu, host[0], value, count * 8, err) == 0 &&
	    device_download(gpu, host[1], l2, count * 8, err) == 0 &&
	    device_download(gpu, host[2], l1, count * 8, err) == 0 &&
	    device_download(gpu, host_a, wide_a, in * 8, err) == 0)
		rc = check_samples(w, host_a, m, out, err);
	device_free(gpu, wide_a);
	device_free(gpu, value);
	device_free(gpu, l2);
	device_free(gpu, l1);
	free(host_a);
	if (rc < 0)
		reference_done(out);
	return rc;
}

/* --- gates ----------------------------------------------------------------------------------- */

/* One judgement: buffers that all gates share. */
struct bench {
	struct case_env *env;
	const struct product *product;
	const struct matrix *w;
	unsigned m;
	uint64_t a;
	struct output output;
	uint8_t *first, *second; /* output.room bytes each */
	struct finding *finding;
};

static const uint8_t *elements(const uint8_t *read)
{
	return read + GATE_GUARD_BYTES;
}

/* Call once into poison and read back with guards; G1. */
static int call_once(struct bench *b, const struct matrix *w, uint8_t *to, struct err *err)
{
	struct case_env *env = b->env;

	if (output_reset(&env->gpu, &b->output, err) < 0 || device_sync(&env->gpu, err) < 0)
		return -1;
	product_calling(env, b->product->name);
	if (b->product->call(env, b->product, w, b->a, b->output.address, b->m, env->gpu.stream,
			     err) < 0 ||
	    product_called(env, err) < 0 || output_read(&env->gpu, &b->output, to, err) < 0)
		return -1;
	return gate_written(b->product->type, elements(to), (size_t)b->m * w->n, to,
			    to + b->output.room - GATE_GUARD_BYTES, b->finding);
}

static int judge_lattice(struct bench *b, const struct matrix *lattice, uint64_t seed,
			 struct err *err)
{
	size_t count = (size_t)b->m * lattice->k;
	struct reference ref;
	int rc;

	case_stage(b->env->out, "lattice, M=%u", b->m);
	if (device_launch_typed(&b->env->gpu, b->env->gpu.stream, "fill_signs", b->product->type,
				wide, (void *[]){&b->a, &count, &seed}, err) < 0)
		return -1;
	rc = call_once(b, lattice, b->first, err);
	if (rc <= 0)
		return rc;
	if (reference_make(b->env, lattice, b->product->type, b->a, b->m, &ref, err) < 0)
		return -1;
	rc = gate_exact(GATE_EXACT, b->product->type, elements(b->first), ref.value, ref.count,
			b->finding);
	reference_done(&ref);
	return rc;
}

/* What a path that forms weights as FORMING gives for a one in COLUMN. */
static double formed(const struct matrix *w, enum number type, enum forming forming, size_t row,
		     size_t column)
{
	size_t index = row * w->k + column;
	float code = nf4_codes[nf4_code_at(w->host_packed, index)];
	float absmax = w->host_absmax[index / w->blocksize];

	if (forming == FORMED_ONCE)
		return (double)(code * absmax);
	if (forming == FORMED_CODE)
		return (double)((float)number_round(type, (double)code) * absmax);
	return number_round(type, (double)code) * number_round(type, (double)absmax);
}

/* Nested absmax may be decoded with one rounding less (a fused multiply-add): one next to a tie
 * then falls a step (2 u at most) to the other side, and the product with the code another. */
static void forgive_neighbours(const struct bench *b, double *want, size_t count)
{
	const double u = number_unit(b->product->type);

	for (size_t i = 0; i < count; i++) {
		double got = number_load(b->product->type, elements(b->first), i);

		if (fabs(got - want[i]) <= 4.01 * u * fabs(want[i]))
			want[i] = got;
	}
}

static bool one_hot_holds(struct bench *b, enum forming forming, unsigned first, unsigned stride)
{
	size_t n = b->w->n, count = (size_t)b->m * n;
	double *want = xcalloc(count, sizeof(*want));
	bool holds;

	for (size_t token = 0; token < b->m; token++)
		for (size_t row = 0; row < n; row++)
			want[token * n + row] = formed(b->w, b->product->type, forming, row,
						       (first + token * stride) % b->w->k);
	if (b->w->weights.codes8)
		forgive_neighbours(b, want, count);
	holds = gate_exact(GATE_CODES, b->product->type, elements(b->first), want, count,
			   b->finding);
	free(want);
	return holds;
}

static int judge_one_hot(struct bench *b, uint64_t seed, struct err *err)
{
	unsigned k = b->w->k, m = b->m, first = (unsigned)(seed % k), stride = k / 7 | 1;
	int rc;

	case_stage(b->env->out, "one-hot, M=%u", m);
	if (device_launch_typed(&b->env->gpu, b->env->gpu.stream, "fill_one_hot", b->product->type,
				wide, (void *[]){&b->a, &m, &k, &first, &stride}, err) < 0)
		return -1;
	rc = call_once(b, b->w, b->first, err);
	if (rc <= 0)
		return rc;
	if (b->product->forming != FORMED_EITHER && b->product->forming != FORMED_PARTS)
		return one_hot_holds(b, b->product->forming, first, stride);
	if (one_hot_holds(b, FORMED_ONCE, first, stride))
		return 1;
	b->finding->gate = GATE_NONE;
	return one_hot_holds(b, FORMED_PARTS, first, stride);
}

static int judge_normal(struct bench *b, uint64_t seed, float scale, struct err *err)
{
	struct case_env *env = b->env;
	enum number type = b->product->type;
	struct reference ref;
	int rc;

	case_stage(env->out, "random data, M=%u", b->m);
	if (device_fill_normal(&env->gpu, b->a, type, (size_t)b->m * b->w->k, seed, scale, err) < 0)
		return -1;
	rc = call_once(b, b->w, b->first, err);
	if (rc <= 0)
		return rc;
	if (reference_make(env, b->w, type, b->a, b->m, &ref, err) < 0)
		return -1;
	ref.roundings = type == NUMBER_FP32 ? gate_roundings_fp32(b->product->roundings, b->w->k)
					    : b->product->roundings;
	rc = gate_close(type, elements(b->first), &ref, b->finding);
	reference_done(&ref);
	if (rc == 0)
		return 0;
	rc = call_once(b, b->w, b->second, err);
	if (rc <= 0)
		return rc;
	return gate_same(GATE_REPEATABLE, type, elements(b->first), elements(b->second),
			 (size_t)b->m * b->w->n, b->finding);
}

static int bench_open(struct bench *b, struct err *err)
{
	size_t size = number_size(b->product->type);

	if (device_alloc(&b->env->gpu, (size_t)b->m * b->w->k * size, &b->a, err) < 0 ||
	    output_make(&b->env->gpu, (size_t)b->m * b->w->n * size, &b->output, err) < 0)
		return -1;
	b->first = xcalloc(b->output.room, 1);
	b->second = xcalloc(b->output.room, 1);
	return 0;
}

static void bench_close(struct bench *b)
{
	device_free(&b->env->gpu, b->a);
	device_free(&b->env->gpu, b->output.address - GATE_GUARD_BYTES);
	free(b->first);
	free(b->second);
}

int product_judge(struct case_env *env, const struct product *product, const struct matrix *w,
		  const struct matrix *lattice, unsigned m, uint64_t seed, float scale,
		  struct finding *finding, struct err *err)
{
	struct bench b = {.env = env, .product = product, .w = w, .m = m, .finding = finding};
	int rc = 1;

	*finding = (struct finding){.gate = GATE_NONE};
	if (bench_open(&b, err) < 0)
		return -1;
	if (lattice)
		rc = judge_lattice(&b, lattice, seed, err);
	if (rc > 0)
		rc = judge_one_hot(&b, seed, err);
	if (rc > 0)
		rc = judge_normal(&b, seed + 1, scale, err);
	bench_close(&b);
	return rc;
}

int product_judge_order(struct case_env *env, const struct product *product, const struct matrix *w,
			uint64_t seed, struct finding *finding, struct err *err)
{
	struct bench b = {.env = env, .product = product, .w = w, .m = 1, .finding = finding};
	size_t bytes = (size_t)w->k * number_size(product->type);
	const struct driver *d = &env->gpu.driver;
	uint64_t source, delay = DELAY_NS;
	int rc;

	*finding = (struct finding){.gate = GATE_NONE};
	case_stage(env->out, "stream order");
	if (bench_open(&b, err) < 0 || device_alloc(&env->gpu, bytes, &source, err) < 0 ||
	    device_fill_normal(&env->gpu, source, product->type, w->k, seed, 1, err) < 0 ||
	    cuda_check(&env->gpu, d->cuMemcpyDtoDAsync_v2(b.a, source, bytes, env->gpu.stream),
		       "copying on the card", err) < 0)
		return -1;
	rc = call_once(&b, w, b.first, err);
	if (rc <= 0)
		return rc;
	if (output_reset(&env->gpu, &b.output, err) < 0 ||
	    cuda_check(&env->gpu, d->cuMemsetD8Async(b.a, GATE_POISON, bytes, env->gpu.stream),
		       "poison", err) < 0 ||
	    device_sync(&env->gpu, err) < 0 ||
	    device_launch(&env->gpu, env->gpu.kernels, env->gpu.stream, "spin",
			  (struct grid){1, 1, 1, 1}, (void *[]){&delay}, err) < 0 ||
	    cuda_check(&env->gpu, d->cuMemcpyDtoDAsync_v2(b.a, source, bytes, env->gpu.stream),
		       "copying on the card", err) < 0)
		return -1;
	product_calling(env, product->name);
	if (product->call(env, product, w, b.a, b.output.address, 1, env->gpu.stream, err) < 0 ||
	    product_called(env, err) < 0 || output_read(&env->gpu, &b.output, b.second, err) < 0)
		return -1;
	rc = gate_same(GATE_ORDER, product->type, elements(b.first), elements(b.second), w->n,
		       finding);
	device_free(&env->gpu, source);
	bench_close(&b);
	return rc;
}
