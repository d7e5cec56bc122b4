/*
 * The yardstick's kernels: under every gate at the shapes and token counts they serve, and timed
 * against what this card can do, both measured in the same process.
 */
#include "gpu/cases.h"

#include "base/mem.h"
#include "gpu/figure.h"
#include "gpu/paths.h"
#include "gpu/shapes.h"
#include "gpu/timing.h"
#include "gpu/yardstick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_S 240
#define POOL_BYTES_MIN ((size_t)512 << 20)
#define POOL_MAX 512
#define PIECES 200u /* launches of a graph */
#define LAYER_PIECES_MAX 32u

/* --- gates ----------------------------------------------------------------------------------- */

static int run_gemv(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct product product = yardstick_gemv(p->type);
	struct finding finding = {.gate = GATE_NONE}, order;
	struct matrix w, lattice;
	int rc;

	if (matrix_make(&env->gpu, p->n, p->k, CONTENT_NORMAL, p->nested, cases_seed(), &w, err) <
		    0 ||
	    matrix_make(&env->gpu, p->n, p->k, CONTENT_LATTICE, false, cases_seed() + 1, &lattice,
			err) < 0)
		return -1;
	rc = product_judge(env, &product, &w, &lattice, 1, cases_seed(), 1, &finding, err);
	if (rc > 0)
		rc = product_judge_order(env, &product, &w, cases_seed(), &order, err);
	if (rc < 0)
		return -1;
	cases_judged(env->out, finding.gate == GATE_NONE && rc == 0 ? &order : &finding,
		     product.name);
	return 0;
}

/* Every weight against the host's own decoding. */
static int run_dequantise(struct case_env *env, const struct case_params *p, struct err *err)
{
	size_t count = (size_t)p->n * p->k, bytes = count * number_size(p->type);
	struct output output;
	struct matrix w;

	if (matrix_make(&env->gpu, p->n, p->k, CONTENT_NORMAL, p->nested, cases_seed(), &w, err) <
		    0 ||
	    output_make(&env->gpu, bytes, &output, err) < 0 ||
	    output_reset(&env->gpu, &output, err) < 0 ||
	    yardstick_dequantise(env, &w, p->type, output.address, err) < 0)
		return -1;
	return cases_dequantised(env, &w, p->type, count, &output, "yard_dequantise", err);
}

static int run_layer(struct case_env *env, const struct case_params *p, struct err *err)
{
	enum moe_routing routing = p->bug ? MOE_SKEWED : MOE_RANDOM;
	struct moe_kernels kernels;
	struct finding finding;
	struct moe_layer layer;

	if (moe_make(&env->gpu, MOE_EXPERTS, p->k, p->n, p->nested, cases_seed(), &layer, err) < 0)
		return -1;
	kernels = yardstick_moe(&env->gpu.info.card, &layer, p->count);
	if (moe_judge(env, &kernels, p->type, &layer, p->count, routing, cases_seed(), &finding,
		      err) < 0)
		return -1;
	cases_judged(env->out, &finding, "the yardstick's layer");
	return 0;
}

/* --- timing ---------------------------------------------------------------------------------- */

/* Matrices of one shape, walked round robin. */
struct pool {
	struct product product;
	struct matrix *items;
	unsigned count;
	uint64_t a, out;
	enum number type;
};

static int pool_make(struct case_env *env, const struct case_params *p, struct pool *pool,
		     struct err *err)
{
	size_t each = (size_t)p->n * p->k / 2 + (size_t)p->n * p->k / NF4_BLOCK * 4;
	size_t least = (size_t)env->gpu.info.l2_bytes * (TIMING_POOL_L2 + 1);

	least = least > POOL_BYTES_MIN ? least : POOL_BYTES_MIN;
	pool->type = p->type;
	pool->count = (unsigned)(least / each) + 1;
	if (pool->count > POOL_MAX)
		pool->count = POOL_MAX;
	pool->items = xcalloc(pool->count, sizeof(*pool->items));
	for (unsigned i = 0; i < pool->count; i++)
		if (matrix_make(&env->gpu, p->n, p->k, CONTENT_NORMAL, p->nested, cases_seed() + i,
				&pool->items[i], err) < 0)
			return -1;
	if (device_alloc(&env->gpu, (size_t)p->k * 2, &pool->a, err) < 0 ||
	    device_alloc(&env->gpu, (size_t)p->n * (p->bug ? p->k : 1) * 2, &pool->out, err) < 0)
		return -1;
	return device_fill_normal(&env->gpu, pool->a, p->type, p->k, cases_seed(), 1, err);
}

static int gemv_piece(struct case_env *env, void *payload, unsigned index, struct err *err)
{
	struct pool *pool = payload;

	return pool->product.call(env, &pool->product, &pool->items[index % pool->count], pool->a,
				  pool->out, 1, env->gpu.stream, err);
}

static int dequantise_piece(struct case_env *env, void *payload, unsigned index, struct err *err)
{
	struct pool *pool = payload;

	return yardstick_dequantise(env, &pool->items[index % pool->count], pool->type, pool->out,
				    err);
}

static double weight_bytes(double weights, bool nested)
{
	double blocks = weights / NF4_BLOCK;

	return weights / 2 + (nested ? blocks * (1 + 4.0 / NESTED_BLOCK) : blocks * 4);
}

/* BUG: dequantise, not multiply. */
static int time_matrix(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct pool pool = {.product = yardstick_gemv(p->type)};
	double weights = (double)p->n * p->k, bytes = weight_bytes(weights, p->nested);
	double seconds[TIMING_REPLAYS], ceiling;
	struct figure_watch watch;

	bytes += p->bug ? weights * 2 : 2.0 * (p->n + p->k);
	case_stage(env->out, "timing %s", p->name);
	if (pool_make(env, p, &pool, err) < 0 || timing_read_ceiling(env, &ceiling, err) < 0)
		return -1;
	figure_watch_start(&watch);
	product_calling(env, "the yardstick's kernel");
	if (timing_replays(env, p->bug ? dequantise_piece : gemv_piece, &pool,
			   p->bug ? pool.count : PIECES, seconds, err) < 0 ||
	    product_called(env, err) < 0)
		return -1;
	figure_report(env, seconds, bytes, ceiling, "read-ceiling", p->name);
	figure_watch_end(&watch, env->out);
	return 0;
}

struct layer_work {
	struct moe_layer layer;
	enum number type;
	unsigned tokens;
	uint64_t x, scratch, out;
	uint64_t logits[LAYER_PIECES_MAX];
};

static int layer_piece(struct case_env *env, void *payload, unsigned index, struct err *err)
{
	struct layer_work *work = payload;

	return yardstick_layer(env, work->type, &work->layer, work->x, work->logits[index],
			       work->scratch, work->out, work->tokens, err);
}

/* How many experts have a token with these logits. */
static int active_experts(struct case_env *env, const struct layer_work *work, unsigned index,
			  unsigned *out, struct err *err)
{
	size_t count = (size_t)work->tokens * MOE_EXPERTS;
	float *logits = xcalloc(count, sizeof(*logits));
	bool seen[MOE_EXPERTS] = {false};
	int rc = device_download(&env->gpu, logits, work->logits[index], count * sizeof(*logits),
				 err);

	for (size_t t = 0; t < work->tokens; t++)
		for (unsigned slot = 0, best = 0; slot < 2; slot++, best = 0) {
			float *at = logits + t * MOE_EXPERTS;

			for (unsigned e = 1; e < MOE_EXPERTS; e++)
				best = at[e] > at[best] ? e : best;
			seen[best] = true;
			at[best] = -INFINITY;
		}
	*out = 0;
	for (unsigned e = 0; e < MOE_EXPERTS; e++)
		*out += seen[e];
	free(logits);
	return rc;
}

static int make_work(struct case_env *env, const struct case_params *p, unsigned pieces,
		     struct layer_work *work, double *active, struct err *err)
{
	size_t in = (size_t)p->count * MOE_HIDDEN;

	*active = 0;
	if (moe_make(&env->gpu, MOE_EXPERTS, MOE_HIDDEN, MOE_INNER, p->nested, cases_seed(),
		     &work->layer, err) < 0 ||
	    device_alloc(&env->gpu, in * 2, &work->x, err) < 0 ||
	    device_alloc(&env->gpu, in * 2, &work->out, err) < 0 ||
	    device_alloc(&env->gpu, yardstick_scratch(&env->gpu.info.card, &work->layer, p->count),
			 &work->scratch, err) < 0 ||
	    device_fill_normal(&env->gpu, work->x, p->type, in, cases_seed(), 1, err) < 0)
		return -1;
	for (unsigned i = 0; i < pieces; i++) {
		unsigned found;

		if (device_alloc(&env->gpu, (size_t)p->count * MOE_EXPERTS * 4, &work->logits[i],
				 err) < 0 ||
		    moe_logits(&env->gpu, work->logits[i], p->count, MOE_EXPERTS,
			       p->bug ? MOE_SKEWED : MOE_RANDOM, cases_seed() + i, err) < 0 ||
		    active_experts(env, work, i, &found, err) < 0)
			return -1;
		*active += (double)found / pieces;
	}
	return 0;
}

/* Time over the roofline: the larger of bytes over read bandwidth and operations over the rate of
 * the library's matrix product, both of this process. */
static int time_layer(struct case_env *env, const struct case_params *p, struct err *err)
{
	const double expert = 3.0 * MOE_HIDDEN * MOE_INNER;
	struct layer_work work = {.type = p->type, .tokens = p->count};
	unsigned pieces = p->count == 1 ? LAYER_PIECES_MAX : 8;
	double seconds[TIMING_REPLAYS], read, flops, active, floor;
	struct case_metric *ratio;
	struct figure_watch watch;

	case_stage(env->out, "making a layer");
	if (make_work(env, p, pieces, &work, &active, err) < 0 ||
	    timing_read_ceiling(env, &read, err) < 0 || timing_matmul_ceiling(env, &flops, err) < 0)
		return -1;
	figure_watch_start(&watch);
	product_calling(env, "the yardstick's layer");
	if (timing_replays(env, layer_piece, &work, pieces, seconds, err) < 0 ||
	    product_called(env, err) < 0)
		return -1;
	floor = (active * weight_bytes(expert, p->nested) + 4.0 * p->count * MOE_HIDDEN) / read;
	floor = fmax(floor, p->count * 2 * expert * 2 / flops);
	figure_report(env, seconds, floor * read, read, "read-ceiling", p->name);
	ratio = case_metric(env->out, "over-roofline", "1", false, p->name);
	for (size_t i = 0; i < TIMING_REPLAYS; i++)
		case_sample(ratio, seconds[i] / floor);
	case_sample(case_metric(env->out, "matmul", "TFLOP/s", true, ""), flops / 1e12);
	case_pass(env->out, "%.1f us, %.2f of the roofline's %.1f us, %.1f experts",
		  timing_median(seconds, TIMING_REPLAYS) * 1e6,
		  timing_median(seconds, TIMING_REPLAYS) / floor, floor * 1e6, active);
	figure_watch_end(&watch, env->out);
	return 0;
}

/* --- the list -------------------------------------------------------------------------------- */

static void add_gates(struct case_list *list, enum number type, bool nested)
{
	/* the layer itself, and a small one at more edges */
	static const struct {
		unsigned tokens, inner, hidden;
	} layers[] = {{1, MOE_INNER, MOE_HIDDEN},
		      {8, MOE_INNER, MOE_HIDDEN},
		      {64, MOE_INNER, MOE_HIDDEN},
		      {2, 3584, 1024},
		      {17, 3584, 1024},
		      {65, 3584, 1024},
		      {300, 3584, 1024},
		      {700, 3584, 1024}};
	const char *kind = nested ? "nested" : "plain", *name = number_name(type);
	struct case_params params = {.type = type, .nested = nested, .n = 1024, .k = 4096};

	case_add(list, TIMEOUT_S, run_dequantise, "yardstick/dequantise/%s/%s", name, kind)
		->params = params;
	for (size_t s = 0; s < 5; s++) { /* w1 w2 q k qkv */
		params.n = shapes_all[s].n;
		params.k = shapes_all[s].k;
		case_add(list, TIMEOUT_S, run_gemv, "yardstick/gemv/%s/%s/%s", name, kind,
			 shapes_all[s].name)
			->params = params;
	}
	for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++)
		for (params.bug = 0; params.bug < 2; params.bug++) {
			params.count = layers[i].tokens;
			params.n = layers[i].inner;
			params.k = layers[i].hidden;
			case_add(list, TIMEOUT_S, run_layer, "yardstick/moe/%s/%s/tokens-%u%s",
				 name, kind, params.count, params.bug ? "-skewed" : "")
				->params = params;
		}
}

static void add_timing(struct case_list *list,
		       int (*run)(struct case_env *, const struct case_params *, struct err *),
		       const struct case_params *params, const char *name)
{
	struct gpu_case *item = case_add(list, TIMEOUT_S, run, "bench/yardstick/%s", name);

	item->alone = true;
	item->needs_library = run == time_layer; /* for the rate of its matrix product */
	item->params = *params;
	item->params.name = arena_strdup(list->arena, item->name);
}

void cases_yardstick(struct case_list *list)
{
	for (int nested = 0; nested < 2; nested++)
		for (enum number type = 0; type < NUMBER_COUNT; type++)
			if (type != NUMBER_FP32)
				add_gates(list, type, nested);
}

void cases_yardstick_bench(struct case_list *list)
{
	static const unsigned tokens[] = {1, 8, 64, 512, 2048};
	char name[64];

	for (int nested = 0; nested < 2; nested++) {
		const char *kind = nested ? "-nested" : "";
		struct case_params params = {.type = NUMBER_BF16, .nested = nested};

		for (size_t s = 0; s < 5; s++) {
			params.n = shapes_all[s].n;
			params.k = shapes_all[s].k;
			(void)snprintf(name, sizeof(name), "gemv/bf16%s/%s", kind,
				       shapes_all[s].name);
			add_timing(list, time_matrix, &params, name);
		}
		params.n = MOE_INNER;
		params.k = MOE_HIDDEN;
		params.bug = 1;
		(void)snprintf(name, sizeof(name), "dequantise/bf16%s/w1", kind);
		add_timing(list, time_matrix, &params, name);
		for (size_t t = 0; t < sizeof(tokens) / sizeof(*tokens); t++)
			for (params.bug = 0; params.bug < (tokens[t] > 1 ? 2 : 1); params.bug++) {
				params.count = tokens[t];
				(void)snprintf(name, sizeof(name), "moe/bf16%s/tokens-%u%s", kind,
					       tokens[t], params.bug ? "-skewed" : "");
				add_timing(list, time_layer, &params, name);
			}
	}
}
