#include "gpu/moe.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* The inner activations stay fp32 and sums too, so that only the output is rounded; one more for
 * the exponentials of SiLU and of the routing weights, which are good to a few fp32 units. */
#define ROUNDINGS 2
#define SKEW 20.0f	  /* far beyond what random logits reach */
#define INPUT_SCALE 0.05f /* keeps gates within the curved part of SiLU: N(0, 3) at K = 4096 */

int moe_make(struct gpu_context *gpu, unsigned experts, unsigned hidden, unsigned inner,
	     bool nested, uint64_t seed, struct moe_layer *out, struct err *err)
{
	struct moe_layer made = {.experts = experts, .hidden = hidden, .inner = inner};

	if (matrix_make(gpu, experts * inner, hidden, CONTENT_NORMAL, nested, seed, &made.w1, err) <
		    0 ||
	    matrix_make(gpu, experts * inner, hidden, CONTENT_NORMAL, nested, seed + 1, &made.w3,
			err) < 0 ||
	    matrix_make(gpu, experts * hidden, inner, CONTENT_NORMAL, nested, seed + 2, &made.w2,
			err) < 0)
		return -1;
	*out = made;
	return 0;
}

void moe_done(struct gpu_context *gpu, struct moe_layer *layer)
{
	matrix_done(gpu, &layer->w1);
	matrix_done(gpu, &layer->w3);
	matrix_done(gpu, &layer->w2);
}

int moe_run(struct case_env *env, const struct moe_kernels *kernels, const struct moe_layer *layer,
	    uint64_t x, uint64_t logits, uint64_t h, uint64_t out, unsigned tokens, struct err *err)
{
	struct device_weights w1 = layer->w1.weights, w3 = layer->w3.weights,
			      w2 = layer->w2.weights;
	unsigned experts = layer->experts, hidden = layer->hidden, inner = layer->inner;
	unsigned blocksize = layer->w1.blocksize;
	int bug = kernels->bug;
	struct grid up = {(inner + 7) / 8, tokens * 2, 32, 8};
	struct grid down = {(hidden + 7) / 8, tokens, 32, 8};

	if (kernels->row_per_block) {
		up = (struct grid){inner, tokens * 2, 128, 1};
		down = (struct grid){hidden, tokens, 128, 1};
	}
	if (device_launch(&env->gpu, kernels->module, env->gpu.stream, kernels->up, up,
			  (void *[]){&x, &logits, &w1, &w3, &h, &experts, &inner, &hidden,
				     &blocksize, &bug},
			  err) < 0)
		return -1;
	return device_launch(
		&env->gpu, kernels->module, env->gpu.stream, kernels->down, down,
		(void *[]){&h, &logits, &w2, &out, &experts, &hidden, &inner, &blocksize, &bug},
		err);
}

/* Everything one judgement needs on the card. */
struct layer_data {
	uint64_t x, wide_x, logits, h, wide_h, value, l2, l1;
	struct output output;
};

int moe_logits(struct gpu_context *gpu, uint64_t address, unsigned tokens, unsigned experts,
	       enum moe_routing routing, uint64_t seed, struct err *err)
{
	size_t count = (size_t)tokens * experts;
	float *host;
	int rc;

	if (device_fill_normal(gpu, address, NUMBER_FP32, count, seed, 1, err) < 0)
		return -1;
	if (routing == MOE_RANDOM)
		return 0;
	host = xcalloc(count, sizeof(*host));
	rc = device_download(gpu, host, address, count * sizeof(*host), err);
	for (size_t t = 0; t < tokens; t++) {
		host[t * experts + 1] += SKEW;
		host[t * experts] -= SKEW;
		host[t * experts + experts - 1] -= SKEW;
	}
	if (rc == 0)
		rc = cuda_check(gpu,
				gpu->driver.cuMemcpyHtoD_v2(address, host, count * sizeof(*host)),
				"copying logits", err);
	free(host);
	return rc;
}

static int make_data(struct gpu_context *gpu, const struct moe_kernels *kernels, enum number type,
		     const struct moe_layer *layer, unsigned tokens, enum moe_routing routing,
		     uint64_t seed, struct layer_data *d, struct err *err)
{
	size_t in = (size_t)tokens * layer->hidden, inner = (size_t)tokens * 2 * layer->inner;
	size_t scratch = kernels->scratch ? kernels->scratch : inner * 4;

	if (device_alloc(gpu, in * number_size(type), &d->x, err) < 0 ||
	    device_alloc(gpu, in * 8, &d->wide_x, err) < 0 ||
	    device_alloc(gpu, (size_t)tokens * layer->experts * 4, &d->logits, err) < 0 ||
	    device_alloc(gpu, scratch, &d->h, err) < 0 ||
	    device_alloc(gpu, inner * 8, &d->wide_h, err) < 0 ||
	    device_alloc(gpu, in * 8, &d->value, err) < 0 ||
	    device_alloc(gpu, in * 8, &d->l2, err) < 0 ||
	    device_alloc(gpu, in * 8, &d->l1, err) < 0 ||
	    output_make(gpu, in * number_size(type), &d->output, err) < 0 ||
	    device_fill_normal(gpu, d->x, type, in, seed, INPUT_SCALE, err) < 0 ||
	    moe_logits(gpu, d->logits, tokens, layer->experts, routing, seed + 1, err) < 0)
		return -1;
	return device_launch_typed(gpu, gpu->stream, "widen", type, (struct grid){256, 1, 256, 1},
				   (void *[]){&d->x, &d->wide_x, &in}, err);
}

static void free_data(struct gpu_context *gpu, struct layer_data *d)
{
	const uint64_t all[] = {d->x,	   d->wide_x, d->logits, d->h,
				d->wide_h, d->value,  d->l2,	 d->l1};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		device_free(gpu, all[i]);
	device_free(gpu, d->output.address - GATE_GUARD_BYTES);
}

static int layer_reference(struct gpu_context *gpu, const struct moe_layer *layer, unsigned tokens,
			   struct layer_data *d, struct reference *out, struct err *err)
{
	size_t count = (size_t)tokens * layer->hidden;
	struct device_weights w1 = layer->w1.plain, w3 = layer->w3.plain, w2 = layer->w2.plain;
	unsigned experts = layer->experts, hidden = layer->hidden, inner = layer->inner;
	unsigned blocksize = layer->w1.blocksize;
	double *host[3];

	for (size_t i = 0; i < 3; i++)
		host[i] = xcalloc(count, sizeof(double));
	*out = (struct reference){count, host[0], host[1], host[2], (uint64_t)inner * 2, ROUNDINGS};
	if (device_launch(gpu, gpu->kernels, gpu->stream, "reference_moe_up",
			  (struct grid){inner, tokens * 2, 32, 1},
			  (void *[]){&d->wide_x, &d->logits, &w1, &w3, &d->wide_h, &experts, &inner,
				     &hidden, &blocksize},
			  err) == 0 &&
	    device_launch(gpu, gpu->kernels, gpu->stream, "reference_moe_down",
			  (struct grid){hidden, tokens, 32, 1},
			  (void *[]){&d->wide_h, &d->logits, &w2, &d->value, &d->l2, &d->l1,
				     &experts, &hidden, &inner, &blocksize},
			  err) == 0 &&
	    device_download(gpu, host[0], d->value, count * 8, err) == 0 &&
	    device_download(gpu, host[1], d->l2, count * 8, err) == 0 &&
	    device_download(gpu, host[2], d->l1, count * 8, err) == 0)
		return 0;
	reference_done(out);
	return -1;
}

static int run_once(struct case_env *env, const struct moe_kernels *kernels, enum number type,
		    const struct moe_layer *layer, unsigned tokens, const struct layer_data *d,
		    uint8_t *to, struct finding *finding, struct err *err)
{
	if (output_reset(&env->gpu, &d->output, err) < 0 || device_sync(&env->gpu, err) < 0)
		return -1;
	product_calling(env, kernels->up);
	if ((kernels->run ? kernels->run(env, type, layer, d->x, d->logits, d->h, d->output.address,
					 tokens, err)
			  : moe_run(env, kernels, layer, d->x, d->logits, d->h, d->output.address,
				    tokens, err)) < 0 ||
	    product_called(env, err) < 0 || output_read(&env->gpu, &d->output, to, err) < 0)
		return -1;
	return gate_written(type, to + GATE_GUARD_BYTES, (size_t)tokens * layer->hidden, to,
			    to + d->output.room - GATE_GUARD_BYTES, finding);
}

int moe_judge(struct case_env *env, const struct moe_kernels *kernels, enum number type,
	      const struct moe_layer *layer, unsigned tokens, enum moe_routing routing,
	      uint64_t seed, struct finding *finding, struct err *err)
{
	struct layer_data d = {.x = 0};
	struct reference ref;
	uint8_t *first, *second;
	int rc;

	*finding = (struct finding){.gate = GATE_NONE};
	case_stage(env->out, "MoE layer, %u tokens", tokens);
	if (make_data(&env->gpu, kernels, type, layer, tokens, routing, seed, &d, err) < 0)
		return -1;
	first = xcalloc(d.output.room, 1);
	second = xcalloc(d.output.room, 1);
	rc = run_once(env, kernels, type, layer, tokens, &d, first, finding, err);
	if (rc > 0 && layer_reference(&env->gpu, layer, tokens, &d, &ref, err) < 0)
		rc = -1;
	if (rc > 0) {
		if (kernels->roundings > 0)
			ref.roundings = kernels->roundings;
		rc = gate_close(type, first + GATE_GUARD_BYTES, &ref, finding);
		reference_done(&ref);
	}
	if (rc > 0)
		rc = run_once(env, kernels, type, layer, tokens, &d, second, finding, err);
	if (rc > 0)
		rc = gate_same(GATE_REPEATABLE, type, first + GATE_GUARD_BYTES,
			       second + GATE_GUARD_BYTES, (size_t)tokens * layer->hidden, finding);
	free_data(&env->gpu, &d);
	free(first);
	free(second);
	return rc;
}
