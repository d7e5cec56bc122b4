#include "gpu/yardstick.h"

#include <stdio.h>

#define STREAM_THREADS 256
#define STREAM_K 512u
#define STREAM_ROWS 16u
#define GEMV_DEPTH 4u	/* kernels/gemv.cu: DEPTH */
#define DECODE_DEPTH 2u /* kernels/decode.cu: DEPTH */
#define UNPACK_THREADS 512

/* A block has 99 KB of shared memory at most. */
static bool small_shared(const struct card *card)
{
	return card->major >= 12 || (card->major == 8 && card->minor != 0);
}

/* kernels/stream.cuh: struct stream_shared, and a ring of DEPTH halves of which two lie in it. */
static unsigned stream_shared(const struct card *card, unsigned depth)
{
	if (small_shared(card) && depth > 3)
		depth = 3;
	return 65536u + 8192u + 4096u + 2048u + 16384u * (depth - 2);
}

static unsigned at_most(unsigned value, unsigned limit)
{
	return value < limit ? value : limit;
}

/* Blocks of stream.cuh that a multiprocessor holds. */
static unsigned blocks_each(const struct card *card)
{
	return small_shared(card) || card->major == 8 ? 1 : 2;
}

static int call_gemv(struct case_env *env, const struct product *p, const struct matrix *w,
		     uint64_t a, uint64_t out, unsigned m, void *stream, struct err *err)
{
	const struct card *card = &env->gpu.info.card;
	struct device_weights weights = w->weights;
	unsigned n = w->n, k = w->k;
	unsigned shared = stream_shared(card, GEMV_DEPTH), slots = card->sms * blocks_each(card);

	if (m != 1 || n % STREAM_ROWS || k % STREAM_K || w->blocksize != NF4_BLOCK)
		return err_set(err, ERR_USAGE, "no fast kernel for %u x %u x %u", m, n, k);
	return device_launch_overlapped(
		&env->gpu, stream, "yard_gemv", p->type,
		(struct grid){at_most(n / STREAM_ROWS, slots), 1, STREAM_THREADS, 1}, shared,
		(void *[]){&a, &weights, &out, &n, &k}, err);
}

struct product yardstick_gemv(enum number type)
{
	/* R: the codes are rounded to T, and the output */
	return (struct product){.name = "yard_gemv",
				.type = type,
				.roundings = 2,
				.forming = FORMED_CODE,
				.ordered = true,
				.call = call_gemv};
}

int yardstick_dequantise(struct case_env *env, const struct matrix *w, enum number type,
			 uint64_t out, struct err *err)
{
	struct device_weights weights = w->weights;
	size_t count = (size_t)w->n * w->k;

	return device_launch_overlapped(
		&env->gpu, env->gpu.stream, "yard_dequantise", type,
		(struct grid){env->gpu.info.card.sms * 4, 1, UNPACK_THREADS, 1}, 0,
		(void *[]){&weights, &out, &count}, err);
}

static int decode(struct case_env *env, enum number type, const struct moe_layer *layer, uint64_t x,
		  uint64_t logits, uint64_t h, uint64_t out, struct err *err)
{
	const struct card *card = &env->gpu.info.card;
	struct device_weights w1 = layer->w1.weights, w3 = layer->w3.weights,
			      w2 = layer->w2.weights;
	unsigned experts = layer->experts, hidden = layer->hidden, inner = layer->inner;
	unsigned shared = stream_shared(card, DECODE_DEPTH), slots = card->sms * blocks_each(card);

	if (device_launch_overlapped(
		    &env->gpu, env->gpu.stream, "yard_decode_up", type,
		    (struct grid){at_most(inner / 8 * 2, slots), 1, STREAM_THREADS, 1}, shared,
		    (void *[]){&x, &logits, &w1, &w3, &h, &experts, &inner, &hidden}, err) < 0)
		return -1;
	return device_launch_overlapped(
		&env->gpu, env->gpu.stream, "yard_decode_down", type,
		(struct grid){at_most(hidden / STREAM_ROWS, slots), 1, STREAM_THREADS, 1}, shared,
		(void *[]){&h, &logits, &w2, &out, &experts, &hidden, &inner}, err);
}

/* --- two tokens and more ---------------------------------------------------------------------- */

#define GROUP_K 128u
#define EXPERTS_MAX 32u
#define SPLITS_MAX 8u

/* The plan's words and its scratch. */
static size_t plan_bytes(unsigned tokens)
{
	return ((EXPERTS_MAX + 1 + 8 * (size_t)tokens) * 4 + 255) / 256 * 256;
}

static int make_plan(struct case_env *env, uint64_t logits, uint64_t plan, unsigned experts,
		     unsigned tokens, struct err *err)
{
	uint64_t expert = plan + (EXPERTS_MAX + 1 + 6 * (uint64_t)tokens) * 4;

	return device_launch(&env->gpu, env->gpu.kernels, env->gpu.stream, "yard_plan",
			     (struct grid){1, 1, 1024, 1},
			     (void *[]){&logits, &plan, &expert, &experts, &tokens}, err);
}

/* --- kernels/wide.cu: sm_90 */

#define WIDE_THREADS 512
#define WIDE_ROWS 256u

static bool is_wide(const struct card *card)
{
	return card->major == 9;
}

static unsigned wide_most(unsigned tokens)
{
	return tokens > 64 ? 128 : 64;
}

/* struct wide_shared: from 1 KB to 128 KB, and the last slots of activations. */
static unsigned wide_shared(unsigned most)
{
	return 127u * 1024 + (most > 64 ? 3 * 32768u : 2 * 16384u);
}

/* Scratch: the plan, x and inner activations as tiles, sums of whole tiles, parts of others. */
struct wide_rooms {
	size_t x, h, y, parts, end;
};

static struct wide_rooms wide_rooms_of(const struct card *card, const struct moe_layer *layer,
				       unsigned tokens)
{
	unsigned most = wide_most(tokens);
	size_t pairs = (size_t)tokens * 2;
	/* a tile is filled up to 16 at most, and an expert's last one may hold a single token */
	size_t rows = pairs + 16 * (pairs / most + layer->experts);
	size_t x = (plan_bytes(tokens) + 1023) / 1024 * 1024, h = x + rows * layer->hidden * 2;
	size_t y = h + rows * layer->inner * 2, parts = y + pairs * layer->hidden * 4;

	return (struct wide_rooms){x, h, y, parts,
				   parts + (size_t)card->sms * 2 * most * WIDE_ROWS * 4};
}

static int wide(struct case_env *env, enum number type, const struct moe_layer *layer, uint64_t x,
		uint64_t logits, uint64_t plan, uint64_t out, unsigned tokens, struct err *err)
{
	const struct card *card = &env->gpu.info.card;
	struct device_weights w1 = layer->w1.weights, w3 = layer->w3.weights,
			      w2 = layer->w2.weights;
	unsigned experts = layer->experts, hidden = layer->hidden, inner = layer->inner;
	unsigned most = wide_most(tokens), blocks = card->sms / 2 * 2; /* in clusters of two */
	struct wide_rooms rooms = wide_rooms_of(card, layer, tokens);
	struct grid grid = {blocks, 1, WIDE_THREADS, 1};
	uint64_t tiles = plan + rooms.x, h = plan + rooms.h, y = plan + rooms.y,
		 parts = plan + rooms.parts;
	void *stream = env->gpu.stream;
	const char *kind = layer->w1.weights.codes8 ? "n" : "";
	char up[32], down[32];

	(void)snprintf(up, sizeof(up), "yard_wide_up%u%s", most, kind);
	(void)snprintf(down, sizeof(down), "yard_wide_down%u%s", most, kind);

	if (make_plan(env, logits, plan, experts, tokens, err) < 0 ||
	    device_launch_overlapped(
		    &env->gpu, stream, "yard_wide_gather", type,
		    (struct grid){tokens * 2, 1, 256, 1}, 0,
		    (void *[]){&x, &plan, &tiles, &experts, &hidden, &tokens, &most}, err) < 0 ||
	    device_launch_overlapped(
		    &env->gpu, stream, up, type, grid, wide_shared(most),
		    (void *[]){&tiles, &plan, &w1, &w3, &h, &experts, &inner, &hidden}, err) < 0 ||
	    device_launch_overlapped(
		    &env->gpu, stream, down, type, grid, wide_shared(most),
		    (void *[]){&h, &plan, &w2, &y, &parts, &experts, &hidden, &inner}, err) < 0)
		return -1;
	return device_launch_overlapped(&env->gpu, stream, "yard_wide_combine", type,
					(struct grid){(hidden + 1023) / 1024, tokens, 256, 1}, 0,
					(void *[]){&y, &parts, &plan, &out, &experts, &hidden,
						   &inner, &tokens, &most, &blocks},
					err);
}

/* --- kernels/grouped.cu: other cards */

/* How the layer is cut for a card and a number of tokens. */
struct cut {
	unsigned columns; /* NT: tokens of a tile, in eights */
	unsigned threads, shared, splits;
};

static struct cut cut_of(const struct card *card, const struct moe_layer *layer, unsigned tokens)
{
	bool small = small_shared(card), a100 = card->major == 8 && !small;
	unsigned largest = small ? 2 : a100 ? 8 : 16;
	struct cut out = {.columns = tokens <= 8 ? 1 : at_most(tokens <= 64 ? 4 : 16, largest)};
	unsigned room = small ? 101376u : a100 ? 166912u : 232448u, rows = small ? 128 : 256;
	unsigned pairs = small ? 65536u - 128 : 65536u, maps = 2048u;
	unsigned stage = rows * (GROUP_K / 2 + 8) + out.columns * 8 * GROUP_K * 2;

	out.threads = rows;
	out.shared = pairs + at_most((room - pairs - maps) / stage, 6) * stage + maps;
	out.splits = tokens <= 16 ? SPLITS_MAX : tokens <= 64 ? 4 : tokens <= 512 ? 2 : 1;
	while (layer->inner / GROUP_K % out.splits)
		out.splits /= 2;
	return out;
}

/* Scratch: the plan, inner activations by place, the parts of the output. */
struct rooms {
	size_t h, y, end;
};

static struct rooms rooms_of(const struct moe_layer *layer, unsigned tokens)
{
	size_t pairs = (size_t)tokens * 2, h = plan_bytes(tokens);
	size_t y = (h + pairs * layer->inner * 2 + 255) / 256 * 256;
	size_t splits = tokens <= 64 ? SPLITS_MAX : tokens <= 512 ? 2 : 1;

	return (struct rooms){h, y, y + splits * pairs * layer->hidden * 4};
}

static int grouped(struct case_env *env, enum number type, const struct moe_layer *layer,
		   uint64_t x, uint64_t logits, uint64_t plan, uint64_t out, unsigned tokens,
		   struct err *err)
{
	struct device_weights w1 = layer->w1.weights, w3 = layer->w3.weights,
			      w2 = layer->w2.weights;
	unsigned experts = layer->experts, hidden = layer->hidden, inner = layer->inner;
	struct rooms rooms = rooms_of(layer, tokens);
	struct cut cut = cut_of(&env->gpu.info.card, layer, tokens);
	struct grid grid = {env->gpu.info.card.sms, 1, cut.threads, 1};
	uint64_t h = plan + rooms.h, y = plan + rooms.y;
	void *stream = env->gpu.stream;
	char up[16], down[16];

	(void)snprintf(up, sizeof(up), "yard_up%u", cut.columns);
	(void)snprintf(down, sizeof(down), "yard_down%u", cut.columns);
	if (make_plan(env, logits, plan, experts, tokens, err) < 0 ||
	    device_launch_overlapped(
		    &env->gpu, stream, up, type, grid, cut.shared,
		    (void *[]){&x, &plan, &w1, &w3, &h, &experts, &inner, &hidden, &tokens},
		    err) < 0 ||
	    device_launch_overlapped(
		    &env->gpu, stream, down, type, grid, cut.shared,
		    (void *[]){&h, &plan, &w2, &y, &experts, &hidden, &inner, &tokens, &cut.splits},
		    err) < 0)
		return -1;
	return device_launch_overlapped(&env->gpu, stream, "yard_combine", type,
					(struct grid){(hidden + 1023) / 1024, tokens, 256, 1}, 0,
					(void *[]){&y, &plan, &out, &hidden, &tokens, &cut.splits},
					err);
}

/* --- the layer ------------------------------------------------------------------------------- */

size_t yardstick_scratch(const struct card *card, const struct moe_layer *layer, unsigned tokens)
{
	return tokens == 1     ? (size_t)layer->inner * 2 * 4
	       : is_wide(card) ? wide_rooms_of(card, layer, tokens).end
			       : rooms_of(layer, tokens).end;
}

int yardstick_layer(struct case_env *env, enum number type, const struct moe_layer *layer,
		    uint64_t x, uint64_t logits, uint64_t scratch, uint64_t out, unsigned tokens,
		    struct err *err)
{
	if (layer->hidden % STREAM_K || layer->inner % STREAM_K || layer->experts > EXPERTS_MAX ||
	    layer->w1.blocksize != NF4_BLOCK)
		return err_set(err, ERR_USAGE, "no fast kernel for this layer");
	if (tokens == 1)
		return decode(env, type, layer, x, logits, scratch, out, err);
	if (is_wide(&env->gpu.info.card))
		return wide(env, type, layer, x, logits, scratch, out, tokens, err);
	return grouped(env, type, layer, x, logits, scratch, out, tokens, err);
}

struct moe_kernels yardstick_moe(const struct card *card, const struct moe_layer *layer,
				 unsigned tokens)
{
	/* R: codes of gate, up and down, the output; with several tokens what is between up and
	 * down is rounded too, and where weights are scaled as T (sm_90) their absmax and product
	 */
	return (struct moe_kernels){.up = "the yardstick's layer",
				    .bug = -1,
				    .run = yardstick_layer,
				    .scratch = yardstick_scratch(card, layer, tokens),
				    .roundings = tokens == 1	 ? 4
						 : is_wide(card) ? 11
								 : 5};
}
