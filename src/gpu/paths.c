#include "gpu/paths.h"

#include <stdio.h>

/* cublas_api.h and library_types.h */
enum { OP_N = 0, OP_T = 1, COMPUTE_32F = 68, DEFAULT_ALGORITHM = -1 };
static const int blas_types[NUMBER_COUNT] = {14, 2, 0};

/* One child, one case, one thread: scratch lives with the process. */
static struct path_scratch scratch;

int path_gemm(struct case_env *env, enum number type, uint64_t a, uint64_t w, uint64_t out,
	      unsigned m, unsigned n, unsigned k, struct err *err)
{
	const float one = 1, zero = 0;
	const int t = blas_types[type];
	int rc;

	if (!env->gpu.blas_handle && cuda_bind_blas(&env->gpu, env->library.handle, err) < 0)
		return err_wrap(err, "cuBLAS");
	/* column-major: out^T [n, m] = w [n, k] a^T */
	rc = env->gpu.blas.cublasGemmEx(env->gpu.blas_handle, OP_T, OP_N, (int)n, (int)m, (int)k,
					&one, path_pointer(w), t, (int)k, path_pointer(a), t,
					(int)k, &zero, path_pointer(out), t, (int)n, COMPUTE_32F,
					DEFAULT_ALGORITHM);
	if (rc != 0)
		return err_set(err, ERR_INFRA, "cublasGemmEx: status %d", rc);
	return 0;
}

static int grow(struct gpu_context *gpu, uint64_t *address, size_t *have, size_t want,
		struct err *err)
{
	if (*have >= want)
		return 0;
	device_free(gpu, *address);
	*have = 0;
	if (device_alloc(gpu, want, address, err) < 0)
		return -1;
	*have = want;
	return 0;
}

/* absmax as fp32: as they are, or decoded by the library and shifted as Python does. */
static int plain_absmax(struct case_env *env, const struct matrix *w, void *stream, uint64_t *out,
			struct err *err)
{
	size_t blocks = (size_t)w->n * w->k / w->blocksize;
	uint64_t offset = w->weights.offset;

	*out = w->weights.absmax;
	if (!w->weights.codes8)
		return 0;
	if (grow(&env->gpu, &scratch.absmax, &scratch.absmax_bytes, blocks * sizeof(float), err) <
	    0)
		return -1;
	env->library.decode[NUMBER_FP32](
		path_pointer(w->weights.map), path_pointer(w->weights.codes8),
		path_pointer(w->weights.absmax), path_pointer(scratch.absmax), NESTED_BLOCK,
		(int)blocks, stream);
	*out = scratch.absmax;
	return device_launch(&env->gpu, env->gpu.kernels, stream, "add_value",
			     (struct grid){256, 1, 256, 1},
			     (void *[]){&scratch.absmax, &blocks, &offset}, err);
}

static int call_gemv(struct case_env *env, const struct product *p, const struct matrix *w,
		     uint64_t a, uint64_t out, unsigned m, void *stream, struct err *err)
{
	uint64_t absmax;

	(void)m;
	if (plain_absmax(env, w, stream, &absmax, err) < 0)
		return -1;
	env->library.gemv[p->type]((int)w->n, 1, (int)w->k, path_pointer(a),
				   path_pointer(w->weights.packed), path_pointer(absmax),
				   path_pointer(w->code), path_pointer(out), (int)w->n,
				   (int)(w->k + 1) / 2, (int)w->n, (int)w->blocksize, stream);
	return 0;
}

static int call_fused(struct case_env *env, const struct product *p, const struct matrix *w,
		      uint64_t a, uint64_t out, unsigned m, void *stream, struct err *err)
{
	const struct device_weights *d = &w->weights;

	(void)err;
	env->library.fused[p->type](path_pointer(a), path_pointer(d->packed),
				    path_pointer(d->absmax), path_pointer(d->codes8),
				    path_pointer(d->map), path_pointer(d->offset),
				    path_pointer(out), NULL, (int)m, (int)w->n, (int)w->k,
				    (int)w->blocksize, LIBRARY_NF4, stream);
	return 0;
}

static int call_dequant(struct case_env *env, const struct product *p, const struct matrix *w,
			uint64_t a, uint64_t out, unsigned m, void *stream, struct err *err)
{
	size_t count = (size_t)w->n * w->k;
	uint64_t absmax;

	if (grow(&env->gpu, &scratch.weights, &scratch.weights_bytes, count * number_size(p->type),
		 err) < 0 ||
	    plain_absmax(env, w, stream, &absmax, err) < 0)
		return -1;
	env->library.dequantise[p->type](NULL, path_pointer(w->weights.packed),
					 path_pointer(absmax), path_pointer(scratch.weights),
					 (int)w->blocksize, (int)count, stream);
	return path_gemm(env, p->type, a, scratch.weights, out, m, w->n, w->k, err);
}

struct product path_product(enum path path, enum number type, bool nested)
{
	static const char *const names[][NUMBER_COUNT] = {
		[PATH_GEMV] = {"cgemm_4bit_inference_naive_bf16", "cgemm_4bit_inference_naive_fp16",
			       "cgemm_4bit_inference_naive_fp32"},
		[PATH_FUSED] = {"cgemm_4bit_bf16", "cgemm_4bit_fp16", "cgemm_4bit_fp32"},
		[PATH_DEQUANT] = {"cdequantize_blockwise_bf16_nf4 + GEMM",
				  "cdequantize_blockwise_fp16_nf4 + GEMM",
				  "cdequantize_blockwise_fp32_nf4 + GEMM"},
	};
	/* gemv: codebook, absmax, their product and the product with a each rounded to T. */
	static const struct product paths[] = {
		[PATH_GEMV] = {.roundings = 4, .forming = FORMED_EITHER, .call = call_gemv},
		[PATH_FUSED] = {.roundings = 4, .forming = FORMED_EITHER, .call = call_fused},
		[PATH_DEQUANT] = {.roundings = 2, .forming = FORMED_ONCE, .call = call_dequant},
	};
	struct product out = paths[path];

	out.name = names[path][type];
	out.type = type;
	out.ordered = true;
	if (nested && path == PATH_FUSED)
		out.roundings++;
	return out;
}

const char *path_missing(const struct library *library, enum path path, enum number type)
{
	if (path == PATH_GEMV && !library->gemv[type])
		return "cgemm_4bit_inference_naive_*";
	if (path == PATH_FUSED && !library->fused[type])
		return "cgemm_4bit_*";
	if (path == PATH_DEQUANT && !library->dequantise[type])
		return "cdequantize_blockwise_*_nf4";
	return library->decode[NUMBER_FP32] ? NULL : "cdequantize_blockwise_fp32";
}
