/*
 * yard_up, yard_down, yard_combine: the MoE layer for 2 tokens and more on cards without the wide
 * matrix instructions (wide.cu), one launch per step for all experts.
 *
 * Idea: a tile is GROUP_ROWS rows of one expert's weights (up: half of them of the gate and the same
 * of up, so that SiLU(gate) * up is at hand) times up to 8 NT of its tokens; blocks walk the tiles of
 * all experts, and a ring of stages of 128 columns runs on across tiles. Weights become fragments of
 * the matrix unit in registers, by the table of matrix.cuh, once per tile of tokens, and are scaled
 * after 64 columns, in fp32; nothing dequantised is ever written. Down cuts K into SPLITS parts, so
 * that few experts still fill the card; the parts and the two experts of a token are added in a
 * fixed order by yard_combine.
 * Counted: weights of the active experts once per 8 NT tokens, activations once per tile of rows.
 * Floor: bytes up to 64 tokens, arithmetic beyond.
 * Limit: up to 64 tokens the loads of shared memory, 32 for the table and 2 NT for activations of 2048
 * weights; beyond, the rate of mma.sync.
 */
#include "plan.cuh"

#if __CUDA_ARCH__ < 900 || __CUDA_ARCH__ >= 1000

#if __CUDA_ARCH__ == 860 || __CUDA_ARCH__ == 890 || __CUDA_ARCH__ >= 1200
#define GROUP_ROWS 128
#define GROUP_PAIRS (PAIRS_BYTES - 128) /* the ring starts in the last entry's free half */
#define GROUP_BYTES 101376
#else
#define GROUP_ROWS 256
#define GROUP_PAIRS PAIRS_BYTES
#if __CUDA_ARCH__ < 860
#define GROUP_BYTES 166912
#else
#define GROUP_BYTES 232448
#endif
#endif
#define GROUP_K 128
#define GROUP_MT 2 /* a warp has so many times 16 rows */
#define GROUP_WARPS (GROUP_ROWS / 16 / GROUP_MT)

/* One tile of work: which rows, which tokens. */
struct tile {
	unsigned expert, row, place, tokens, split;
};

/* Tile INDEX of all; ROWS tiles of rows, SPLITS parts, WIDTH tokens a tile. False: past the end. */
static __device__ inline bool tile_at(struct tile *out, const unsigned *first, unsigned experts,
				      unsigned index, unsigned rows, unsigned splits, unsigned width)
{
	for (unsigned e = 0; e < experts; e++) {
		unsigned tokens = first[e + 1] - first[e], across = (tokens + width - 1) / width;
		unsigned of = across * rows * splits, share, from;

		if (index >= of) {
			index -= of;
			continue;
		}
		/* evenly, in whole columns of the matrix unit */
		share = ((tokens + across - 1) / across + 7) / 8 * 8;
		from = index % across * share;
		*out = (struct tile){e, index / across / splits, first[e] + from,
				     from < tokens ? min(share, tokens - from) : 0,
				     index / across % splits};
		return true;
	}
	return false;
}

template <unsigned NT> struct group_stage {
	char x[2][NT * 8 * 128]; /* 64 columns each */
	char packed[GROUP_ROWS * GROUP_K / 2];
	char scales[GROUP_ROWS * 8];
};

/* A warp has MT times 16 rows, one NT times 8 tokens. */
template <typename T, unsigned NT, bool UP> struct group {
	static const unsigned WARPS = GROUP_WARPS, MT = GROUP_MT, ROWS = MT * 16;
	static const unsigned DEPTH_ROOM = (GROUP_BYTES - GROUP_PAIRS - 2048) / sizeof(struct group_stage<NT>);
	static const unsigned DEPTH = DEPTH_ROOM > 6 ? 6 : DEPTH_ROOM;
	static const unsigned AHEAD = DEPTH - 1;
	static_assert(AHEAD >= 1, "a ring too short");

	struct shared {
		char pairs[GROUP_PAIRS];
		struct group_stage<NT> ring[DEPTH];
		float maps[2][256];
	};

	const T *a;
	struct weights low, high; /* of the first and the second half of a warp's rows */
	struct plan plan;
	unsigned experts, n, k, splits;
	bool nested;

	/* rows of one expert's matrix in a tile: up takes half of each of two */
	static const unsigned TILE_ROWS = UP ? GROUP_ROWS / 2 : GROUP_ROWS;

	__device__ unsigned row_of(const struct tile &tile, unsigned r) const
	{
		unsigned warp = threadIdx.x / WARP, base = tile.expert * n + tile.row * TILE_ROWS;

		return UP ? base + warp * (ROWS / 2) + r % (ROWS / 2) : base + warp * ROWS + r;
	}

	/* Ask for the 128 columns from COLUMN. */
	__device__ void copy(struct group_stage<NT> *stage, const struct tile &tile, unsigned column) const
	{
		unsigned warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;

#pragma unroll
		for (unsigned i = 0; i < 2 * MT; i++) {
			unsigned r = i * 8 + lane / 4, at = row_of(tile, r) * k + column + lane % 4 * 32;

			copy16(stage->packed + (warp * ROWS + r) * 64 + (lane % 4 ^ (r & 2)) * 16,
			       (i < MT ? low.packed : high.packed) + at / 2);
		}
		if (lane < ROWS)
			copy_scales(stage->scales + (warp * ROWS + lane) * 8,
				    lane < ROWS / 2 ? low.codes8 : high.codes8,
				    lane < ROWS / 2 ? low.absmax : high.absmax,
				    (row_of(tile, lane) * k + column) / BLOCK);
		for (unsigned i = threadIdx.x; i < (tile.tokens + 7) / 8 * 128; i += WARPS * WARP) {
			unsigned token = i / 16, place = tile.place + min(token, tile.tokens - 1);
			unsigned row = UP ? plan.pair[place] / 2 : place, part = i % 8;

			copy16(stage->x[i % 16 / 8] + token * 128 +
				       (part ^ (token & 1)) * 16,
			       a + (size_t)row * k + column + i % 16 * 8);
		}
	}

	__device__ void copy_scales(char *to, const uint8_t *codes8, const float *absmax,
				    unsigned block) const
	{
		if (nested) {
			copy4(to, codes8 + (block & ~3u));
			copy4(to + 4, absmax + (block >> 8));
		} else {
			copy8(to, absmax + block);
		}
	}

	/* The two absmax of row R of a stage whose first column is COLUMN. */
	__device__ void scales_of(float (&out)[2], const struct group_stage<NT> *stage, unsigned r,
				  const struct tile &tile, unsigned column, const float (*maps)[256],
				  const float (&offsets)[2]) const
	{
		uint2 two = *(const uint2 *)(stage->scales + (threadIdx.x / WARP * ROWS + r) * 8);

		if (nested) {
			unsigned codes = two.x >> ((row_of(tile, r) * k + column) / BLOCK & 2) * 8;
			float second = __uint_as_float(two.y);

			for (int i = 0; i < 2; i++)
				out[i] = __fadd_rn(__fmul_rn(maps[r / (ROWS / 2)][codes >> 8 * i & 255], second),
						   offsets[r / (ROWS / 2)]);
		} else {
			out[0] = __uint_as_float(two.x);
			out[1] = __uint_as_float(two.y);
		}
	}

	__device__ void multiply_stage(float (&sums)[GROUP_MT][NT][4], const struct group_stage<NT> *stage,
				       const char *pairs, const struct tile &tile, unsigned column,
				       const float (*maps)[256], const float (&offsets)[2]) const
	{
		const unsigned warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
		float scales[2 * MT][2]; /* rows g, g + 8 … */

		for (int i = 0; i < 2 * (int)MT; i++)
			scales_of(scales[i], stage, g + i * 8, tile, column, maps, offsets);
#pragma unroll
		for (int block = 0; block < 2; block++) {
			uint32_t w[MT][4][4];

#pragma unroll
			for (int i = 0; i < 2 * (int)MT; i++) {
				unsigned r = g + i * 8;
				uint2 bytes = *(const uint2 *)(stage->packed + (warp * ROWS + r) * 64 +
							       ((block * 2 + t / 2) ^ (r & 2)) * 16 + t % 2 * 8);

#pragma unroll
				for (int j = 0; j < 8; j++)
					w[i / 2][j / 2][i % 2 + j % 2 * 2] =
						pair_at(pairs, lane * 4, j < 4 ? bytes.x : bytes.y, j % 4);
			}
#pragma unroll
			for (int nt = 0; nt < (int)NT; nt++) {
				if (nt * 8 < tile.tokens) {
					const char *x = stage->x[block] + (nt * 8 + g) * 128;
					uint4 b0 = *(const uint4 *)(x + (t * 2 ^ (g & 1)) * 16);
					uint4 b1 = *(const uint4 *)(x + (t * 2 + 1 ^ (g & 1)) * 16);

#pragma unroll
					for (int m = 0; m < (int)MT; m++) {
						float part[4] = {0, 0, 0, 0};

						multiply(part, w[m][0], b0.x, b0.y, T());
						multiply(part, w[m][1], b0.z, b0.w, T());
						multiply(part, w[m][2], b1.x, b1.y, T());
						multiply(part, w[m][3], b1.z, b1.w, T());
						for (int c = 0; c < 4; c++)
							sums[m][nt][c] += part[c] * scales[m * 2 + c / 2][block];
					}
				}
			}
		}
	}

	/* FINISH(tile, sums) writes a tile. */
	template <typename Finish> __device__ void run(Finish finish)
	{
		extern __shared__ __align__(1024) char bytes[];
		struct shared *s = (struct shared *)bytes;
		const unsigned steps = k / GROUP_K / splits, rows = n / TILE_ROWS;
		const float offsets[2] = {nested ? *low.offset : 0, nested ? *high.offset : 0};
		struct tile asking, tile;
		unsigned ask_index = blockIdx.x, ask_step = 0, asked = 0, taken = 0;
		bool more = tile_at(&asking, plan.first, experts, ask_index, rows, splits, NT * 8);

		auto ask = [&]() {
			if (more) {
				copy(&s->ring[asked++ % DEPTH], asking,
				     (asking.split * steps + ask_step) * GROUP_K);
				if (++ask_step == steps) {
					ask_step = 0;
					ask_index += gridDim.x;
					more = tile_at(&asking, plan.first, experts, ask_index, rows,
						       splits, NT * 8);
				}
			}
			copies_commit();
		};

		for (unsigned i = 0; i < AHEAD; i++)
			ask();
		for (unsigned i = threadIdx.x; nested && i < 256; i += blockDim.x) {
			s->maps[0][i] = low.map[i];
			s->maps[1][i] = high.map[i];
		}
		pairs_make<T>(s->pairs);
		for (unsigned i = blockIdx.x; tile_at(&tile, plan.first, experts, i, rows, splits, NT * 8);
		     i += gridDim.x) {
			float sums[MT][NT][4];

#pragma unroll
			for (int j = 0; j < (int)(MT * NT * 4); j++)
				sums[j / (NT * 4)][j / 4 % NT][j % 4] = 0;
			for (unsigned step = 0; step < steps; step++) {
				copies_wait<AHEAD - 1>();
				__syncthreads();
				ask();
				multiply_stage(sums, &s->ring[taken++ % DEPTH], s->pairs, tile,
					       (tile.split * steps + step) * GROUP_K, s->maps, offsets);
			}
			finish(tile, sums);
		}
		copies_wait<0>();
	}
};

template <typename T, unsigned NT>
static __device__ void group_up(const T *x, const unsigned *words, const struct weights &w1,
				const struct weights &w3, T *h, unsigned experts, unsigned f, unsigned k,
				unsigned tokens)
{
	launch_wait();
	launch_next();

	struct group<T, NT, true> group = {x, w1, w3, plan_of(words, tokens), experts, f, k, 1, w1.codes8 != NULL};

	group.run([&](const struct tile &tile, const float (&sums)[GROUP_MT][NT][4]) {
		unsigned lane = threadIdx.x % WARP;
		unsigned row = tile.row * (GROUP_ROWS / 2) + threadIdx.x / WARP * GROUP_MT * 8 + lane / 4;

#pragma unroll
		for (int nt = 0; nt < (int)NT; nt++)
#pragma unroll
			for (int c = 0; c < GROUP_MT * 2; c++) {
				unsigned token = nt * 8 + lane % 4 * 2 + c % 2;
				float gate = sums[0][nt][c];
				float up = sums[1][nt][c];

				if (token < tile.tokens)
					h[(size_t)(tile.place + token) * f + row + c / 2 * 8] =
						from_float<T>(gate / (1 + __expf(-gate)) * up);
			}
	});
}

/* y[split, place, d], fp32. */
template <typename T, unsigned NT>
static __device__ void group_down(const T *h, const unsigned *words, const struct weights &w2, float *y,
				  unsigned experts, unsigned d, unsigned f, unsigned tokens, unsigned splits)
{
	launch_wait();
	launch_next();

	struct group<T, NT, false> group = {h, w2, w2, plan_of(words, tokens), experts, d, f, splits, w2.codes8 != NULL};

	group.run([&](const struct tile &tile, const float (&sums)[GROUP_MT][NT][4]) {
		unsigned lane = threadIdx.x % WARP;
		unsigned row = tile.row * GROUP_ROWS + threadIdx.x / WARP * GROUP_MT * 16 + lane / 4;

#pragma unroll
		for (int m = 0; m < GROUP_MT; m++)
#pragma unroll
			for (int nt = 0; nt < (int)NT; nt++)
#pragma unroll
				for (int c = 0; c < 4; c++) {
					unsigned token = nt * 8 + lane % 4 * 2 + c % 2;

					if (token < tile.tokens)
						y[((size_t)tile.split * tokens * 2 + tile.place + token) * d +
						  row + m * 16 + c / 2 * 8] = sums[m][nt][c];
				}
	});
}

/* Block 256, grid (d / 1024, tokens): both experts of a token, all parts, in a fixed order. */
template <typename T>
static __device__ void combine(const float *y, const unsigned *words, T *out, unsigned d, unsigned tokens,
			       unsigned splits)
{
	unsigned at = (blockIdx.x * blockDim.x + threadIdx.x) * 4, token = blockIdx.y;
	struct plan plan = plan_of(words, tokens);
	float sums[4] = {0, 0, 0, 0};

	launch_wait();
	launch_next();
	if (at >= d)
		return;
	for (unsigned slot = 0; slot < 2; slot++) {
		float parts[4] = {0, 0, 0, 0}, weight = plan.weight[token * 2 + slot];

		for (unsigned split = 0; split < splits; split++) {
			float4 v = *(const float4 *)(y + ((size_t)split * tokens * 2 +
							  plan.place[token * 2 + slot]) * d + at);

			parts[0] += v.x;
			parts[1] += v.y;
			parts[2] += v.z;
			parts[3] += v.w;
		}
		for (int i = 0; i < 4; i++)
			sums[i] += weight * parts[i];
	}
	for (int i = 0; i < 4; i++)
		out[(size_t)token * d + at + i] = from_float<T>(sums[i]);
}

#define GROUPED(name, T, NT)                                                                       \
	extern "C" __global__ void __launch_bounds__(GROUP_WARPS * WARP, 1) yard_up##NT##_##name(    \
		const T *x, const unsigned *words, struct weights w1, struct weights w3, T *h,       \
		unsigned experts, unsigned f, unsigned k, unsigned tokens)                         \
	{                                                                                          \
		group_up<T, NT>(x, words, w1, w3, h, experts, f, k, tokens);                       \
	}                                                                                          \
	extern "C" __global__ void __launch_bounds__(GROUP_WARPS * WARP, 1) yard_down##NT##_##name(  \
		const T *h, const unsigned *words, struct weights w2, float *y, unsigned experts,   \
		unsigned d, unsigned f, unsigned tokens, unsigned splits)                          \
	{                                                                                          \
		group_down<T, NT>(h, words, w2, y, experts, d, f, tokens, splits);                 \
	}

#define COMBINE(name, T)                                                                           \
	extern "C" __global__ void __launch_bounds__(256)                                          \
		yard_combine_##name(const float *y, const unsigned *words, T *out, unsigned d,      \
				    unsigned tokens, unsigned splits)                              \
	{                                                                                          \
		combine(y, words, out, d, tokens, splits);                                         \
	}

#if GROUP_ROWS == 128
#define GROUPED_ALL(name, T) GROUPED(name, T, 1) GROUPED(name, T, 2)
#elif __CUDA_ARCH__ < 860
#define GROUPED_ALL(name, T) GROUPED(name, T, 1) GROUPED(name, T, 4) GROUPED(name, T, 8)
#else
#define GROUPED_ALL(name, T) GROUPED(name, T, 1) GROUPED(name, T, 4) GROUPED(name, T, 16)
#endif
GROUPED_ALL(bf16, __nv_bfloat16)
GROUPED_ALL(fp16, __half)
COMBINE(bf16, __nv_bfloat16)
COMBINE(fp16, __half)
#undef GROUPED
#undef GROUPED_ALL
#undef COMBINE
#endif
