/* Our own kernels under every gate that others stand under, at odd shapes too. */
#include "gpu/cases.h"

#include "base/mem.h"
#include "gpu/moe.h"
#include "gpu/own.h"
#include "gpu/shapes.h"

#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_S 180

static const struct shape_of own_shapes[] = {
	{"w1", 14336, 4096}, {"w2", 4096, 14336}, {"k", 1024, 4096}, {"tail", 1003, 192}};
static const unsigned own_rows[] = {1, 3, 17};

static int judge_shape(struct case_env *env, const struct product *product,
		       const struct shape_of *shape, bool nested, struct finding *finding,
		       struct err *err)
{
	struct matrix w, lattice;
	int rc = 1;

	if (matrix_make(&env->gpu, shape->n, shape->k, CONTENT_NORMAL, nested, cases_seed(), &w,
			err) < 0 ||
	    matrix_make(&env->gpu, shape->n, shape->k, CONTENT_LATTICE, false, cases_seed() + 1,
			&lattice, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(own_rows) / sizeof(*own_rows) && rc > 0; i++)
		rc = product_judge(env, product, &w, &lattice, own_rows[i], cases_seed() + i, 1,
				   finding, err);
	if (rc > 0)
		rc = product_judge_order(env, product, &w, cases_seed(), finding, err);
	matrix_done(&env->gpu, &w);
	matrix_done(&env->gpu, &lattice);
	return rc;
}

static int run_gemv(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct product product = own_gemv(p->type);
	struct finding finding = {.gate = GATE_NONE};

	for (size_t s = 0; s < sizeof(own_shapes) / sizeof(*own_shapes); s++) {
		int rc = judge_shape(env, &product, &own_shapes[s], p->nested, &finding, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
	}
	cases_judged(env->out, &finding, product.name);
	return 0;
}

/* Every weight against the host's own decoding. */
static int run_dequantise(struct case_env *env, const struct case_params *p, struct err *err)
{
	const struct shape_of *shape = &own_shapes[2];
	size_t count = (size_t)shape->n * shape->k, bytes = count * number_size(p->type);
	struct output output;
	struct matrix w;

	if (matrix_make(&env->gpu, shape->n, shape->k, CONTENT_NORMAL, p->nested, cases_seed(), &w,
			err) < 0 ||
	    output_make(&env->gpu, bytes, &output, err) < 0 ||
	    output_reset(&env->gpu, &output, err) < 0 ||
	    device_launch_typed(&env->gpu, env->gpu.stream, "nf4_dequantise", p->type,
				(struct grid){1024, 1, 256, 1},
				(void *[]){&w.weights, &output.address, &count, &w.blocksize},
				err) < 0)
		return -1;
	return cases_dequantised(env, &w, p->type, count, &output, "nf4_dequantise", err);
}

/* The quantiser that libraries are held to, against the host's. */
static int run_quantise(struct case_env *env, const struct case_params *p, struct err *err)
{
	const struct shape_of *shape = &own_shapes[2];
	size_t count = (size_t)shape->n * shape->k, bad = 0;
	unsigned blocksize = NF4_BLOCK;
	uint64_t values, codes, absmax;
	uint8_t *host = xcalloc(count, number_size(p->type)), *packed = xcalloc(count / 2, 1),
		*want = xcalloc(count / 2, 1);
	float *numbers = xcalloc(count, sizeof(float)),
	      *scales = xcalloc(count / NF4_BLOCK, sizeof(float));

	if (device_alloc(&env->gpu, count * number_size(p->type), &values, err) < 0 ||
	    device_alloc(&env->gpu, count / 2, &codes, err) < 0 ||
	    device_alloc(&env->gpu, count / NF4_BLOCK * 4, &absmax, err) < 0 ||
	    device_fill_normal(&env->gpu, values, p->type, count, cases_seed(), 1, err) < 0 ||
	    device_launch_typed(
		    &env->gpu, env->gpu.stream, "quantise", p->type, (struct grid){256, 1, 256, 1},
		    (void *[]){&values, &count, &blocksize, &codes, &absmax}, err) < 0 ||
	    device_download(&env->gpu, host, values, count * number_size(p->type), err) < 0 ||
	    device_download(&env->gpu, packed, codes, count / 2, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		numbers[i] = (float)number_load(p->type, host, i);
	nf4_quantise(numbers, count, blocksize, want, scales);
	for (size_t i = 0; i < count / 2; i++)
		bad += packed[i] != want[i];
	if (bad)
		case_fail(env->out, gate_label(GATE_CODES), gate_name(GATE_CODES),
			  "%zu of %zu bytes differ from the host's", bad, count / 2);
	else
		case_pass(env->out, "%zu codes equal to the host's", count);
	free(host);
	free(packed);
	free(want);
	free(numbers);
	free(scales);
	return 0;
}

static int run_moe(struct case_env *env, const struct case_params *p, struct err *err)
{
	char up[32], down[32];
	struct moe_kernels kernels = {
		.module = env->gpu.kernels, .up = up, .down = down, .bug = -1};
	struct finding finding;
	struct moe_layer layer;
	int rc;

	(void)snprintf(up, sizeof(up), "nf4_moe_up_%s", number_name(p->type));
	(void)snprintf(down, sizeof(down), "nf4_moe_down_%s", number_name(p->type));
	if (moe_make(&env->gpu, MOE_EXPERTS, MOE_HIDDEN, MOE_INNER, p->nested, cases_seed(), &layer,
		     err) < 0)
		return -1;
	rc = moe_judge(env, &kernels, p->type, &layer, 1, MOE_RANDOM, cases_seed(), &finding, err);
	if (rc > 0)
		rc = moe_judge(env, &kernels, p->type, &layer, p->count, MOE_RANDOM,
			       cases_seed() + 1, &finding, err);
	if (rc < 0)
		return -1;
	cases_judged(env->out, &finding, "fused MoE layer");
	return 0;
}

void cases_reference(struct case_list *list)
{
	for (enum number type = 0; type < NUMBER_COUNT; type++) {
		case_add(list, TIMEOUT_S, run_quantise, "ref/quantise/%s", number_name(type))
			->params.type = type;
		for (int nested = 0; nested < 2; nested++) {
			const char *kind = nested ? "nested" : "plain";
			struct case_params params = {.type = type, .nested = nested, .count = 3};

			case_add(list, TIMEOUT_S, run_dequantise, "ref/dequantise/%s/%s",
				 number_name(type), kind)
				->params = params;
			case_add(list, TIMEOUT_S, run_gemv, "ref/gemv/%s/%s", number_name(type),
				 kind)
				->params = params;
			if (type != NUMBER_FP32)
				case_add(list, TIMEOUT_S, run_moe, "ref/moe/%s/%s",
					 number_name(type), kind)
					->params = params;
		}
	}
}
