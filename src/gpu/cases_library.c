/*
 * Is the library under test right: quantise, dequantise, nested decode, and the matrix products its
 * Python side would run for each number of rows.
 */
#include "gpu/cases.h"

#include "base/mem.h"
#include "gpu/paths.h"
#include "gpu/shapes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 120

static bool lacks(struct case_env *env, enum path path, enum number type)
{
	const char *missing = path_missing(&env->library, path, type);

	if (missing)
		case_undecided(env->out, CASE_SKIP, "the library has no %s", missing);
	return missing != NULL;
}

/* --- products -------------------------------------------------------------------------------- */

/* The figures of the hardest case so far are what is shown. */
static void worse(struct finding *worst, const struct finding *finding)
{
	if (finding->relf / finding->relf_limit >= worst->relf / worst->relf_limit)
		*worst = *finding;
}

static int judge_rows(struct case_env *env, const struct case_params *p, const struct matrix *w,
		      const struct matrix *lattice, struct finding *worst, char *what, size_t size,
		      struct err *err)
{
	for (size_t i = 0; i < SHAPES_ROWS_COUNT; i++) {
		unsigned m = shapes_rows[i];
		enum path path = dispatch_path(env->library.release, &env->gpu.info.card, p->type,
					       m, p->n, p->k, NF4_BLOCK);
		struct product product = path_product(path, p->type, p->nested);
		struct finding finding;
		int rc;

		if (lacks(env, path, p->type))
			return 0;
		rc = product_judge(env, &product, w, lattice, m, cases_seed() + m, 1, &finding,
				   err);
		if (rc < 0)
			return err_wrap(err, "M=%u by %s", m, path_name(path));
		if (rc == 0) {
			(void)snprintf(what, size, "M=%u by %s", m, path_name(path));
			*worst = finding;
			return 0;
		}
		worse(worst, &finding);
	}
	return 0;
}

static int run_gemm(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct matrix w, lattice;
	struct finding worst = {.gate = GATE_NONE, .relf_limit = 1};
	char what[64] = "all rows";

	case_stage(env->out, "making weights");
	if (matrix_make(&env->gpu, p->n, p->k, CONTENT_NORMAL, p->nested, cases_seed(), &w, err) <
	    0)
		return -1;
	if (!p->nested && matrix_make(&env->gpu, p->n, p->k, CONTENT_LATTICE, false,
				      cases_seed() + 1, &lattice, err) < 0)
		return -1;
	if (judge_rows(env, p, &w, p->nested ? NULL : &lattice, &worst, what, sizeof(what), err) <
	    0)
		return -1;
	if (env->out->verdict != CASE_SKIP)
		cases_judged(env->out, &worst, what);
	return 0;
}

static int run_gemv(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct product product = path_product(PATH_GEMV, p->type, p->nested);
	struct matrix w, lattice;
	struct finding finding;
	int rc;

	if (lacks(env, PATH_GEMV, p->type))
		return 0;
	case_stage(env->out, "making weights");
	if (matrix_make(&env->gpu, p->n, p->k, CONTENT_NORMAL, p->nested, cases_seed(), &w, err) <
		    0 ||
	    matrix_make(&env->gpu, p->n, p->k, CONTENT_LATTICE, false, cases_seed() + 1, &lattice,
			err) < 0)
		return -1;
	rc = product_judge(env, &product, &w, &lattice, 1, cases_seed() + 2, 1, &finding, err);
	if (rc < 0)
		return -1;
	cases_judged(env->out, &finding, product.name);
	return 0;
}

/* 0.43 ignores the stream: then its order is the caller's to keep, and nothing is judged. */
static int run_order(struct case_env *env, const struct case_params *p, struct err *err)
{
	enum path path = (enum path)p->count;
	struct product product = path_product(path, p->type, false);
	struct matrix w;
	struct finding finding;
	int rc;

	if (lacks(env, path, p->type))
		return 0;
	if (env->library.release <= 43) {
		case_undecided(env->out, CASE_SKIP, "bitsandbytes 0.43 takes no stream");
		return 0;
	}
	if (matrix_make(&env->gpu, p->n, p->k, CONTENT_NORMAL, false, cases_seed(), &w, err) < 0)
		return -1;
	rc = product_judge_order(env, &product, &w, cases_seed(), &finding, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		case_fail(env->out, gate_label(finding.gate), "work waits for the caller's stream",
			  "%s: %zu outputs computed before their input was there", product.name,
			  finding.bad);
	else
		case_pass(env->out, "%s waits for its stream", product.name);
	return 0;
}

/* --- codes ----------------------------------------------------------------------------------- */

static size_t differing(const void *a, const void *b, size_t bytes, size_t *first)
{
	const uint8_t *x = a, *y = b;
	size_t bad = 0;

	if (memcmp(a, b, bytes) == 0)
		return 0;
	for (size_t i = bytes; i-- > 0;)
		if (x[i] != y[i]) {
			bad++;
			*first = i;
		}
	return bad;
}

#define TIE_WIDTH 2.4e-7f /* 2^-22: two steps of the reciprocal, two of the product */

/* What was quantised, on the card: fp32 values and absmax. */
struct origin {
	uint64_t values, absmax;
};

/* Whether CODE and OTHER are neighbours and SCALED lies between them as close as makes no odds. */
static bool tied(unsigned code, unsigned other, float scaled)
{
	unsigned low = code < other ? code : other;

	if (code == other)
		return true;
	return (code > other ? code : other) == low + 1 &&
	       fabsf(scaled - (nf4_codes[low] + nf4_codes[low + 1]) / 2) <= TIE_WIDTH;
}

/* The library divides by a fast reciprocal: an fp32 value at the middle between two codes may go
 * either way. Codes of such become equal in RIGHT; others stay different. */
static int forgive_ties(struct case_env *env, const uint8_t *got, uint8_t *right, size_t bytes,
			const struct origin *origin, struct err *err)
{
	const size_t blocks = bytes * 2 / NF4_BLOCK;
	float *values = xcalloc(bytes * 2, sizeof(float)), *absmax = xcalloc(blocks, sizeof(float));
	int rc = -1;

	if (device_download(&env->gpu, values, origin->values, bytes * 8, err) == 0 &&
	    device_download(&env->gpu, absmax, origin->absmax, blocks * 4, err) == 0)
		rc = 0;
	for (size_t i = 0; rc == 0 && i < bytes; i++) {
		float scale = absmax[i * 2 / NF4_BLOCK];

		if (got[i] != right[i] && tied(got[i] >> 4, right[i] >> 4, values[i * 2] / scale) &&
		    tied(got[i] & 15, right[i] & 15, values[i * 2 + 1] / scale))
			right[i] = got[i];
	}
	free(values);
	free(absmax);
	return rc;
}

/* Compare an output with what it should be, byte for byte, guards included; ORIGIN
 * NULL: no ties. */
static int compare(struct case_env *env, const struct output *output, uint64_t want,
		   const struct origin *origin, const char *what, struct err *err)
{
	uint8_t *got = xcalloc(output->room, 1), *right = xcalloc(output->bytes, 1);
	struct finding finding = {.gate = GATE_NONE};
	size_t bad, first = 0;
	int rc = -1;

	if (output_read(&env->gpu, output, got, err) == 0 &&
	    device_download(&env->gpu, right, want, output->bytes, err) == 0 &&
	    (!origin ||
	     forgive_ties(env, got + GATE_GUARD_BYTES, right, output->bytes, origin, err) == 0)) {
		rc = 0;
		bad = differing(got + GATE_GUARD_BYTES, right, output->bytes, &first);
		if (!gate_written(NUMBER_FP32, right, 0, got, got + output->room - GATE_GUARD_BYTES,
				  &finding))
			cases_judged(env->out, &finding, what);
		else if (bad)
			case_fail(env->out, gate_label(GATE_CODES), gate_name(GATE_CODES),
				  "%s: %zu of %zu bytes differ, first %zu", what, bad,
				  output->bytes, first);
		else
			case_pass(env->out, "%s: %zu bytes equal", what, output->bytes);
	}
	free(got);
	free(right);
	return rc;
}

static int run_dequantise(struct case_env *env, const struct case_params *p, struct err *err)
{
	size_t count = (size_t)p->n * p->k, bytes = count * number_size(p->type);
	struct output output;
	struct matrix w;
	uint64_t want;

	if (lacks(env, PATH_DEQUANT, p->type))
		return 0;
	case_stage(env->out, "making weights");
	if (matrix_make(&env->gpu, p->n, p->k, CONTENT_NORMAL, false, cases_seed(), &w, err) < 0 ||
	    output_make(&env->gpu, bytes, &output, err) < 0 ||
	    device_alloc(&env->gpu, bytes, &want, err) < 0 ||
	    device_launch_typed(&env->gpu, env->gpu.stream, "nf4_dequantise", p->type,
				(struct grid){4096, 1, 256, 1},
				(void *[]){&w.plain, &want, &count, &w.blocksize}, err) < 0 ||
	    output_reset(&env->gpu, &output, err) < 0 || device_sync(&env->gpu, err) < 0)
		return -1;
	product_calling(env, "cdequantize_blockwise_*_nf4");
	env->library.dequantise[p->type](NULL, path_pointer(w.plain.packed),
					 path_pointer(w.plain.absmax), path_pointer(output.address),
					 (int)w.blocksize, (int)count, env->gpu.stream);
	if (product_called(env, err) < 0)
		return -1;
	return compare(env, &output, want, NULL, "dequantised weights", err);
}

static int run_quantise(struct case_env *env, const struct case_params *p, struct err *err)
{
	size_t count = (size_t)p->n * p->k, blocks = count / NF4_BLOCK;
	unsigned blocksize = NF4_BLOCK;
	struct output codes, absmax;
	uint64_t values, want_codes, want_absmax;

	if (!env->library.quantise[p->type]) {
		case_undecided(env->out, CASE_SKIP, "the library has no cquantize_blockwise_*_nf4");
		return 0;
	}
	if (device_alloc(&env->gpu, count * number_size(p->type), &values, err) < 0 ||
	    output_make(&env->gpu, count / 2, &codes, err) < 0 ||
	    output_make(&env->gpu, blocks * 4, &absmax, err) < 0 ||
	    device_alloc(&env->gpu, count / 2, &want_codes, err) < 0 ||
	    device_alloc(&env->gpu, blocks * 4, &want_absmax, err) < 0 ||
	    device_fill_normal(&env->gpu, values, p->type, count, cases_seed(), 1, err) < 0 ||
	    device_launch_typed(
		    &env->gpu, env->gpu.stream, "quantise", p->type, (struct grid){1024, 1, 256, 1},
		    (void *[]){&values, &count, &blocksize, &want_codes, &want_absmax}, err) < 0 ||
	    output_reset(&env->gpu, &codes, err) < 0 || output_reset(&env->gpu, &absmax, err) < 0 ||
	    device_sync(&env->gpu, err) < 0)
		return -1;
	product_calling(env, "cquantize_blockwise_*_nf4");
	env->library.quantise[p->type](NULL, path_pointer(values), path_pointer(absmax.address),
				       path_pointer(codes.address), NF4_BLOCK, (int)count);
	if (product_called(env, err) < 0 ||
	    compare(env, &absmax, want_absmax, NULL, "absmax", err) < 0)
		return -1;
	if (env->out->verdict == CASE_FAIL)
		return 0;
	return compare(env, &codes, want_codes,
		       p->type == NUMBER_FP32 ? &(struct origin){values, want_absmax} : NULL,
		       "codes", err);
}

/* map[code] * scale, before the offset; the product has one rounding, so bits must agree. */
static int run_nested(struct case_env *env, const struct case_params *p, struct err *err)
{
	size_t blocks = (size_t)p->n * p->k / NF4_BLOCK;
	struct output output;
	struct matrix w;
	struct device_weights weights;
	const float zero = 0;
	uint64_t want;

	if (lacks(env, PATH_DEQUANT, NUMBER_BF16))
		return 0;
	if (matrix_make(&env->gpu, p->n, p->k, CONTENT_NORMAL, true, cases_seed(), &w, err) < 0 ||
	    output_make(&env->gpu, blocks * 4, &output, err) < 0 ||
	    device_alloc(&env->gpu, blocks * 4, &want, err) < 0)
		return -1;
	weights = w.weights;
	if (device_upload(&env->gpu, &zero, sizeof(zero), &weights.offset, err) < 0 ||
	    device_launch(&env->gpu, env->gpu.kernels, env->gpu.stream, "nf4_nested_decode",
			  (struct grid){256, 1, 256, 1}, (void *[]){&weights, &want, &blocks},
			  err) < 0 ||
	    output_reset(&env->gpu, &output, err) < 0 || device_sync(&env->gpu, err) < 0)
		return -1;
	product_calling(env, "cdequantize_blockwise_fp32");
	env->library.decode[NUMBER_FP32](
		path_pointer(w.weights.map), path_pointer(w.weights.codes8),
		path_pointer(w.weights.absmax), path_pointer(output.address), NESTED_BLOCK,
		(int)blocks, env->gpu.stream);
	if (product_called(env, err) < 0)
		return -1;
	return compare(env, &output, want, NULL, "nested absmax", err);
}

/* --- the list -------------------------------------------------------------------------------- */

static struct gpu_case *add(struct case_list *list,
			    int (*run)(struct case_env *, const struct case_params *, struct err *),
			    const char *group, enum number type, const char *kind,
			    const struct shape_of *shape)
{
	struct gpu_case *item = case_add(list, TIMEOUT_S, run, "%s/%s%s%s/%s", group,
					 number_name(type), *kind ? "/" : "", kind, shape->name);

	item->needs_library = true;
	item->params = (struct case_params){.n = shape->n, .k = shape->k, .type = type};
	item->params.nested = !strcmp(kind, "nested");
	return item;
}

void cases_library(struct case_list *list)
{
	for (size_t s = 0; s < SHAPES_COUNT; s++) {
		const struct shape_of *shape = &shapes_all[s];

		add(list, run_nested, "nested", NUMBER_FP32, "", shape);
		for (enum number type = 0; type < NUMBER_COUNT; type++) {
			add(list, run_quantise, "quantise", type, "", shape);
			add(list, run_dequantise, "dequantise", type, "", shape);
			add(list, run_gemv, "gemv", type, "plain", shape);
			add(list, run_gemv, "gemv", type, "nested", shape);
			add(list, run_gemm, "gemm", type, "plain", shape);
			add(list, run_gemm, "gemm", type, "nested", shape);
		}
	}
	for (enum path path = PATH_GEMV; path <= PATH_DEQUANT; path++) {
		static const struct shape_of shape = {"k", 1024, 4096};

		add(list, run_order, "stream", NUMBER_BF16, path_name(path), &shape)->params.count =
			(unsigned)path;
	}
}
