/*
 * How fast: time per call, and the share of what this card can do, both measured in the same
 * process. Alone on the card. Data are random: zeros can be faster.
 */
#include "gpu/cases.h"

#include "base/mem.h"
#include "gpu/figure.h"
#include "gpu/own.h"
#include "gpu/paths.h"
#include "gpu/shapes.h"
#include "gpu/timing.h"

#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_S 120
#define POOL_BYTES_MIN ((size_t)512 << 20)
#define POOL_MAX 512
#define PIECES 200u /* launches of a graph */
#define TOKENS_MAX 2048

/* Matrices of one shape, walked round robin, and room for inputs and outputs. */
struct pool {
	struct product product;
	struct matrix *items;
	unsigned count;
	unsigned rows; /* of activations */
	uint64_t a, out;
};

static size_t pool_bytes(const struct gpu_context *gpu)
{
	size_t least = (size_t)gpu->info.l2_bytes * (TIMING_POOL_L2 + 1);

	return least > POOL_BYTES_MIN ? least : POOL_BYTES_MIN;
}

static int pool_make(struct case_env *env, const struct case_params *p, bool nested,
		     struct pool *pool, struct err *err)
{
	const unsigned n = p->n;
	size_t each = (size_t)n * p->k / 2 + (size_t)n * p->k / NF4_BLOCK * 4;

	pool->rows = 1;
	pool->count = (unsigned)(pool_bytes(&env->gpu) / each) + 1;
	if (pool->count > POOL_MAX)
		pool->count = POOL_MAX;
	pool->items = xcalloc(pool->count, sizeof(*pool->items));
	for (unsigned i = 0; i < pool->count; i++)
		if (matrix_make(&env->gpu, n, p->k, CONTENT_NORMAL, nested, cases_seed() + i,
				&pool->items[i], err) < 0)
			return -1;
	if (device_alloc(&env->gpu, (size_t)pool->rows * p->k * 4, &pool->a, err) < 0 ||
	    device_alloc(&env->gpu, (size_t)pool->rows * n * 4, &pool->out, err) < 0)
		return -1;
	return device_fill_normal(&env->gpu, pool->a, p->type, (size_t)pool->rows * p->k,
				  cases_seed(), 1, err);
}

static int skip(struct case_env *env, const char *missing)
{
	case_undecided(env->out, CASE_SKIP, "the library has no %s", missing);
	return 0;
}

/* --- products -------------------------------------------------------------------------------- */

static int pool_piece(struct case_env *env, void *payload, unsigned index, struct err *err)
{
	struct pool *pool = payload;

	return pool->product.call(env, &pool->product, &pool->items[index % pool->count], pool->a,
				  pool->out, pool->rows, env->gpu.stream, err);
}

static int time_pool(struct case_env *env, const struct case_params *p, struct pool *pool,
		     bool nested, const char *cell, struct err *err)
{
	size_t blocks = (size_t)p->n * p->k / NF4_BLOCK;
	double absmax = nested ? (double)blocks * (1 + 4.0 / NESTED_BLOCK) : (double)blocks * 4;
	double bytes = (double)p->n * p->k / 2 + absmax +
		       (double)pool->rows * ((double)p->k + p->n) * (double)number_size(p->type);
	double seconds[TIMING_REPLAYS], ceiling;
	struct figure_watch watch;
	/* COUNT percent more launches than are counted: a slowdown of known size */
	unsigned pieces = PIECES, launched = PIECES + PIECES * p->count / 100;

	case_stage(env->out, "timing %s", pool->product.name);
	if (timing_read_ceiling(env, &ceiling, err) < 0)
		return -1;
	figure_watch_start(&watch);
	product_calling(env, pool->product.name);
	if (timing_replays(env, pool_piece, pool, launched, seconds, err) < 0 ||
	    product_called(env, err) < 0)
		return -1;
	for (size_t i = 0; i < TIMING_REPLAYS; i++)
		seconds[i] *= (double)launched / pieces;
	figure_report(env, seconds, bytes, ceiling, "read-ceiling", cell);
	figure_watch_end(&watch, env->out);
	return 0;
}

static int run_path(struct case_env *env, const struct case_params *p, struct err *err)
{
	enum path path = (enum path)p->bug;
	const char *missing = path_missing(&env->library, path, p->type);
	struct pool pool = {.product = path_product(path, p->type, p->nested)};

	if (missing)
		return skip(env, missing);
	if (pool_make(env, p, p->nested, &pool, err) < 0)
		return -1;
	return time_pool(env, p, &pool, p->nested, p->name, err);
}

static int run_own(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct pool pool = {.product = own_gemv(p->type)};

	if (pool_make(env, p, p->nested, &pool, err) < 0)
		return -1;
	return time_pool(env, p, &pool, p->nested, p->name, err);
}

/* --- dequantise ------------------------------------------------------------------------------ */

static int dequantise_piece(struct case_env *env, void *payload, unsigned index, struct err *err)
{
	struct pool *pool = payload;
	const struct matrix *w = &pool->items[index % pool->count];

	(void)err;
	env->library.dequantise[NUMBER_BF16](
		NULL, path_pointer(w->plain.packed), path_pointer(w->plain.absmax),
		path_pointer(pool->out), (int)w->blocksize, (int)(w->n * w->k), env->gpu.stream);
	return 0;
}

static int run_dequantise(struct case_env *env, const struct case_params *p, struct err *err)
{
	const char *missing = path_missing(&env->library, PATH_DEQUANT, NUMBER_BF16);
	double count = (double)p->n * p->k, seconds[TIMING_REPLAYS], ceiling;
	struct pool pool = {.product = {.name = "cdequantize_blockwise_bf16_nf4"}};
	struct figure_watch watch;

	if (missing)
		return skip(env, missing);
	if (pool_make(env, p, false, &pool, err) < 0)
		return -1;
	device_free(&env->gpu, pool.out);
	if (device_alloc(&env->gpu, (size_t)p->n * p->k * 2, &pool.out, err) < 0 ||
	    timing_read_ceiling(env, &ceiling, err) < 0)
		return -1;
	figure_watch_start(&watch);
	product_calling(env, pool.product.name);
	if (timing_replays(env, dequantise_piece, &pool, pool.count, seconds, err) < 0 ||
	    product_called(env, err) < 0)
		return -1;
	figure_report(env, seconds, count * 2.5 + count / NF4_BLOCK * 4, ceiling, "read-ceiling",
		      p->name);
	figure_watch_end(&watch, env->out);
	return 0;
}

/* --- the layer, as the library's Python would run it ------------------------------------------ */

struct layer_work {
	struct matrix w1[MOE_EXPERTS], w3[MOE_EXPERTS], w2[MOE_EXPERTS];
	unsigned tokens;
	uint64_t a, h, out;
	unsigned active; /* experts with tokens in the last routing */
};

/* Random top-2 routing of TOKENS tokens, another one for every INDEX. */
static void route_tokens(unsigned tokens, unsigned index, unsigned load[MOE_EXPERTS])
{
	uint64_t state = 88172645463325252u + index;

	for (unsigned e = 0; e < MOE_EXPERTS; e++)
		load[e] = 0;
	for (unsigned t = 0; t < tokens; t++) {
		unsigned first, second;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		first = (unsigned)((state >> 20) % MOE_EXPERTS);
		second = (unsigned)((first + 1 + (state >> 40) % (MOE_EXPERTS - 1)) % MOE_EXPERTS);
		load[first]++;
		load[second]++;
	}
}

static int one_product(struct case_env *env, const struct matrix *w, uint64_t a, uint64_t out,
		       unsigned rows, struct err *err)
{
	enum path path = dispatch_path(env->library.release, &env->gpu.info.card, NUMBER_BF16, rows,
				       w->n, w->k, w->blocksize);
	struct product product = path_product(path, NUMBER_BF16, false);

	return product.call(env, &product, w, a, out, rows, env->gpu.stream, err);
}

static int layer_piece(struct case_env *env, void *payload, unsigned index, struct err *err)
{
	struct layer_work *work = payload;
	unsigned load[MOE_EXPERTS];

	route_tokens(work->tokens, index, load);
	for (unsigned e = 0; e < MOE_EXPERTS; e++)
		if (load[e] &&
		    (one_product(env, &work->w1[e], work->a, work->h, load[e], err) < 0 ||
		     one_product(env, &work->w3[e], work->a, work->h, load[e], err) < 0 ||
		     one_product(env, &work->w2[e], work->h, work->out, load[e], err) < 0))
			return -1;
	return 0;
}

static int make_layer(struct case_env *env, struct layer_work *work, struct err *err)
{
	const size_t tokens = TOKENS_MAX * 2;

	for (unsigned e = 0; e < MOE_EXPERTS; e++)
		if (matrix_make(&env->gpu, MOE_INNER, MOE_HIDDEN, CONTENT_NORMAL, false,
				cases_seed() + e, &work->w1[e], err) < 0 ||
		    matrix_make(&env->gpu, MOE_INNER, MOE_HIDDEN, CONTENT_NORMAL, false,
				cases_seed() + 8 + e, &work->w3[e], err) < 0 ||
		    matrix_make(&env->gpu, MOE_HIDDEN, MOE_INNER, CONTENT_NORMAL, false,
				cases_seed() + 16 + e, &work->w2[e], err) < 0)
			return -1;
	if (device_alloc(&env->gpu, tokens * MOE_HIDDEN * 2, &work->a, err) < 0 ||
	    device_alloc(&env->gpu, tokens * MOE_INNER * 2, &work->h, err) < 0 ||
	    device_alloc(&env->gpu, tokens * MOE_HIDDEN * 2, &work->out, err) < 0 ||
	    device_fill_normal(&env->gpu, work->h, NUMBER_BF16, tokens * MOE_INNER, 5, 1, err) < 0)
		return -1;
	return device_fill_normal(&env->gpu, work->a, NUMBER_BF16, tokens * MOE_HIDDEN, 6, 1, err);
}

/* Weight bytes of the experts that are active, averaged over the routings that are timed. */
static double layer_bytes(unsigned tokens, unsigned pieces)
{
	const double expert = 3.0 * MOE_HIDDEN * MOE_INNER * (0.5 + 4.0 / NF4_BLOCK);
	double active = 0;

	for (unsigned i = 0; i < pieces; i++) {
		unsigned load[MOE_EXPERTS];

		route_tokens(tokens, i, load);
		for (unsigned e = 0; e < MOE_EXPERTS; e++)
			active += load[e] > 0;
	}
	return active / pieces * expert;
}

static int run_layer(struct case_env *env, const struct case_params *p, struct err *err)
{
	struct layer_work work = {.tokens = p->count};
	double seconds[TIMING_REPLAYS], ceiling;
	unsigned pieces = p->count == 1 ? 32 : 8;
	struct figure_watch watch;

	if (path_missing(&env->library, PATH_DEQUANT, NUMBER_BF16))
		return skip(env, "cdequantize_blockwise_bf16_nf4");
	case_stage(env->out, "making a layer");
	if (make_layer(env, &work, err) < 0 || timing_read_ceiling(env, &ceiling, err) < 0)
		return -1;
	figure_watch_start(&watch);
	product_calling(env, "the layer's products");
	/* once uncaptured, so that scratch has its size */
	for (unsigned i = 0; i < pieces; i++)
		if (layer_piece(env, &work, i, err) < 0)
			return -1;
	if (timing_replays(env, layer_piece, &work, pieces, seconds, err) < 0 ||
	    product_called(env, err) < 0)
		return -1;
	figure_report(env, seconds, layer_bytes(p->count, pieces), ceiling, "read-ceiling",
		      p->name);
	figure_watch_end(&watch, env->out);
	return 0;
}

static int run_ceilings(struct case_env *env, const struct case_params *p, struct err *err)
{
	double read, flops;

	(void)p;
	if (timing_read_ceiling(env, &read, err) < 0 || timing_matmul_ceiling(env, &flops, err) < 0)
		return -1;
	case_sample(case_metric(env->out, "read-bandwidth", "GB/s", true, ""), read / 1e9);
	case_sample(case_metric(env->out, "matmul", "TFLOP/s", true, "8192^3 bf16"), flops / 1e12);
	case_pass(env->out, "reads %.0f GB/s, multiplies %.0f TFLOP/s", read / 1e9, flops / 1e12);
	return 0;
}

/* --- the list -------------------------------------------------------------------------------- */

static struct gpu_case *add(struct case_list *list,
			    int (*run)(struct case_env *, const struct case_params *, struct err *),
			    bool library, const struct case_params *params, const char *name)
{
	struct gpu_case *item = case_add(list, TIMEOUT_S, run, "bench/%s", name);

	item->alone = true;
	item->needs_library = library;
	item->params = *params;
	item->params.name = arena_strdup(list->arena, name);
	return item;
}

void cases_bench(struct case_list *list)
{
	static const struct {
		enum path path;
		const char *name;
		bool nested;
	} ways[] = {{PATH_GEMV, "gemv", false},
		    {PATH_FUSED, "fused", false},
		    {PATH_FUSED, "fused-nested", true}};
	static const unsigned tokens[] = {1, 8, 64, 512, 2048};
	char name[64];

	add(list, run_ceilings, true, &(struct case_params){.n = 0}, "ceilings");
	for (size_t s = 0; s < 4; s++) { /* w1 w2 q k */
		const struct shape_of *shape = &shapes_all[s];

		for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
			(void)snprintf(name, sizeof(name), "%s/bf16/%s", ways[w].name, shape->name);
			add(list, run_path, true,
			    &(struct case_params){.n = shape->n,
						  .k = shape->k,
						  .nested = ways[w].nested,
						  .bug = (int)ways[w].path},
			    name);
		}
	}
	add(list, run_dequantise, true, &(struct case_params){.n = 14336, .k = 4096},
	    "dequantise/bf16/w1");
	for (size_t t = 0; t < sizeof(tokens) / sizeof(*tokens); t++) {
		(void)snprintf(name, sizeof(name), "moe/bf16/tokens-%u", tokens[t]);
		add(list, run_layer, true, &(struct case_params){.count = tokens[t]}, name);
	}
	add(list, run_own, false, &(struct case_params){.n = 14336, .k = 4096}, "own-gemv/bf16/w1");
	add(list, run_path, true, &(struct case_params){.n = 14336, .k = 4096, .count = 3},
	    "gemv/bf16/w1+3%");
}
