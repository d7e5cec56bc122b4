/*
 * One token: weights stream through, each used once.
 *
 * A block takes tiles of 16 rows; its 8 warps share the tile's K in stages of 256 columns, each warp
 * with a ring of its own that it alone fills and empties, so that no barrier stands in the loop.
 * A quarter warp copies one row of a stage, a whole cache line. A lane's 8 bytes of a block of 64
 * become four fragments of the matrix unit; which of the block's columns a fragment's slots mean is
 * free as long as both sides agree, so lane t of a row takes columns 16 t to 16 t + 15. Sums of a
 * block are scaled by its absmax and added in fp32. The warps' sums of a tile meet in shared memory.
 *
 * The launch order: the ring is filled, as far as the weights are known, before the launch waits
 * for the one before it; the next one is let in at once and takes each block's room as it ends.
 */
#ifndef GPU_KERNELS_STREAM_CUH
#define GPU_KERNELS_STREAM_CUH

#include "matrix.cuh"

#define STREAM_WARPS 8
#define STREAM_ROWS 16
#define STREAM_K 256
#define STREAM_KEPT 8 /* tiles whose sums wait to be written together */
/* 110 KB where two blocks of it fit into a multiprocessor, 92 KB where a block has 99 KB. The
 * host's stream_shared (yardstick.c) says the same. */
#if __CUDA_ARCH__ == 860 || __CUDA_ARCH__ == 890 || __CUDA_ARCH__ >= 1200
#define STREAM_DEPTH 3
#else
#define STREAM_DEPTH 4
#endif

/* Rows of a stage lie 256 bytes apart: those of the first two of a warp's ring between the table's
 * entries, those of the others between each other. */
struct stream_shared {
	char pairs[PAIRS_BYTES];
	char ring[STREAM_WARPS / 2 * (STREAM_DEPTH - 2)][STREAM_ROWS * 256];
	char scales[STREAM_WARPS][STREAM_DEPTH][STREAM_ROWS * 16];
	float sums[STREAM_KEPT][STREAM_WARPS][STREAM_ROWS];
	float maps[2][256]; /* nested: of rows 0 to 7 and 8 to 15 */
};

struct stage {
	char *packed, *scales;
};

static __device__ inline struct stage stage_of(struct stream_shared *s, unsigned warp, unsigned slot)
{
	struct stage out = {s->pairs + (slot * STREAM_WARPS + warp) * STREAM_ROWS * 256 + 128,
			    s->scales[warp][slot]};

	if (slot >= 2)
		out.packed = s->ring[((slot - 2) * STREAM_WARPS + warp) / 2] + warp % 2 * 128;
	return out;
}

/* Eight rows of W from ROW, 256 columns from COLUMN, to half HALF of a stage, with their scales.
 * A matrix has fewer than 2^32 weights. */
static __device__ inline void stream_copy(const struct stage &stage, unsigned half,
					  const struct weights &w, bool nested, unsigned row,
					  unsigned k, unsigned column)
{
	unsigned lane = threadIdx.x % WARP, r = lane / 8;
	unsigned at = (row + r) * k + column + lane % 8 * 32;
	char *to = stage.packed + (half * 8 + r) * 256 + (lane % 8 ^ r << 1) * 16;

	copy16(to, w.packed + at / 2);
	copy16(to + 4 * 256, w.packed + (at + 4 * k) / 2);
	if (lane < 8) {
		unsigned block = ((row + lane) * k + column) / BLOCK;

		to = stage.scales + (half * 8 + lane) * 16;
		if (nested) {
			copy4(to, w.codes8 + block);
			copy4(to + 4, w.absmax + (block >> 8));
		} else {
			copy16(to, w.absmax + block);
		}
	}
}

/* The four absmax of row R in a stage. */
static __device__ inline void stream_scales(float (&out)[4], const char *scales, unsigned r,
					    bool nested, const float *map, float offset)
{
	const char *at = scales + r * 16;

	if (nested) {
		uint2 two = *(const uint2 *)at;
		float second = __uint_as_float(two.y);

		for (int i = 0; i < 4; i++)
			out[i] = __fadd_rn(__fmul_rn(map[two.x >> 8 * i & 255], second), offset);
	} else {
		float4 four = *(const float4 *)at;

		out[0] = four.x;
		out[1] = four.y;
		out[2] = four.z;
		out[3] = four.w;
	}
}

static __device__ inline uint2 stream_packed(const char *packed, unsigned r, unsigned block)
{
	unsigned t = threadIdx.x % 4;

	return *(const uint2 *)(packed + r * 256 + ((block * 2 + t / 2) ^ (r & 3) << 1) * 16 +
				t % 2 * 8);
}

/* Undefined where not WANTED: the columns of the matrix unit that nobody reads. */
static __device__ inline uint4 load_if(bool wanted, const void *from)
{
	uint4 out;

	asm volatile("{ .reg .pred p; setp.ne.u32 p, %4, 0; @p ld.global.v4.u32 {%0, %1, %2, %3}, [%5]; }"
		     : "=r"(out.x), "=r"(out.y), "=r"(out.z), "=r"(out.w)
		     : "r"((unsigned)wanted), "l"(from));
	return out;
}

/* One stage times the activations at X, of the stage's first column. They are in column 0 of the
 * matrix unit; with PARTS 2 lanes of column 1 come with an X of their own, and both are summed. The
 * sums are right in the first lane of each four. */
template <typename T, int ROWS, int PARTS>
static __device__ inline void stream_stage(float (&sums)[2], const struct stage &stage,
					   const char *pairs, const T *x, bool nested,
					   const float (*maps)[256], float low_offset,
					   float high_offset, float factor)
{
	unsigned g = threadIdx.x % WARP / 4, t = threadIdx.x % 4, column = threadIdx.x % WARP * 4;
	uint4 b[4][2];
	float low[4], high[4];

	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 2; j++)
			b[i][j] = load_if(g < PARTS, x + i * BLOCK + t * 16 + j * 8);
	stream_scales(low, stage.scales, g, nested, maps[0], low_offset);
	if (ROWS > 8)
		stream_scales(high, stage.scales, g + 8, nested, maps[1], high_offset);
#pragma unroll
	for (int i = 0; i < 4; i++) {
		uint2 l = stream_packed(stage.packed, g, i), h = make_uint2(0, 0);
		float part[4] = {0, 0, 0, 0};
		const uint32_t words[8] = {b[i][0].x, b[i][0].y, b[i][0].z, b[i][0].w,
					   b[i][1].x, b[i][1].y, b[i][1].z, b[i][1].w};

		if (ROWS > 8)
			h = stream_packed(stage.packed, g + 8, i);
#pragma unroll
		for (int j = 0; j < 4; j++) {
			uint32_t lw = j < 2 ? l.x : l.y, hw = j < 2 ? h.x : h.y;
			uint32_t a[4] = {pair_at(pairs, column, lw, j % 2 * 2), 0,
					 pair_at(pairs, column, lw, j % 2 * 2 + 1), 0};

			if (ROWS > 8) {
				a[1] = pair_at(pairs, column, hw, j % 2 * 2);
				a[3] = pair_at(pairs, column, hw, j % 2 * 2 + 1);
			}
			multiply(part, a, words[2 * j], words[2 * j + 1], T());
		}
		sums[0] += low[i] * factor * (PARTS > 1 ? part[0] + part[1] : part[0]);
		if (ROWS > 8)
			sums[1] += high[i] * factor * (PARTS > 1 ? part[2] + part[3] : part[2]);
	}
}

/*
 * JOB says what the tiles are:
 *   ROWS, PARTS, EARLY     constants; EARLY: weights are known before the launch before has ended
 *   tiles, stages          of the whole launch; per tile
 *   prepare(maps)          by all threads, before any copy
 *   copy(stage, tile, s)   enqueue stage S of a tile
 *   x(tile, s), factor(s)  its activations, and what its sums are multiplied by
 *   finish(tile, row, sum) sum(r) gives the sum of row r of the tile; called for row < ROWS
 */
template <typename T, typename Job> static __device__ void stream(Job &job)
{
	extern __shared__ __align__(128) char shared[];
	struct stream_shared *s = (struct stream_shared *)shared;
	const unsigned warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
	const unsigned steps = job.stages > warp ? (job.stages - warp - 1) / STREAM_WARPS + 1 : 0;
	const unsigned mine = job.tiles > blockIdx.x ? (job.tiles - blockIdx.x - 1) / gridDim.x + 1 : 0;
	const unsigned total = mine * steps;
	unsigned asked = 0, ask_tile = blockIdx.x, ask_step = 0, taken = 0;

	auto ask = [&]() {
		if (asked < total) {
			job.copy(stage_of(s, warp, asked % STREAM_DEPTH), ask_tile,
				 warp + ask_step * STREAM_WARPS);
			if (++ask_step == steps) {
				ask_step = 0;
				ask_tile += gridDim.x;
			}
			asked++;
		}
		copies_commit();
	};

	if (!Job::EARLY)
		launch_wait();
	job.prepare(s->maps);
	for (int i = 0; i < STREAM_DEPTH - 1; i++)
		ask();
	pairs_make<T>(s->pairs);
	__syncthreads();
	if (Job::EARLY)
		launch_wait();
	launch_next();
	for (unsigned t = 0; t < mine; t++) {
		unsigned tile = blockIdx.x + t * gridDim.x;
		float sums[2] = {0, 0};

		for (unsigned step = 0; step < steps; step++) {
			unsigned at = warp + step * STREAM_WARPS;

			copies_wait<STREAM_DEPTH - 2>();
			__syncwarp();
			ask();
			stream_stage<T, Job::ROWS, Job::PARTS>(
				sums, stage_of(s, warp, taken++ % STREAM_DEPTH), s->pairs,
				job.x(tile, at), job.nested, s->maps, job.low_offset,
				job.high_offset, job.factor(at));
		}
		if (lane % 4 == 0) {
			s->sums[t % STREAM_KEPT][warp][lane / 4] = sums[0];
			s->sums[t % STREAM_KEPT][warp][lane / 4 + 8] = sums[1];
		}
		if (t % STREAM_KEPT != STREAM_KEPT - 1 && t != mine - 1)
			continue;
		__syncthreads();
		for (unsigned i = threadIdx.x; i < (t % STREAM_KEPT + 1) * Job::ROWS; i += blockDim.x) {
			unsigned kept = i / Job::ROWS;
			unsigned of = tile - (t % STREAM_KEPT - kept) * gridDim.x;

			job.finish(of, i % Job::ROWS, [&](unsigned row) {
				float sum = 0;

				for (unsigned w = 0; w < STREAM_WARPS; w++)
					sum += s->sums[kept][w][row];
				return sum;
			});
		}
		__syncthreads();
	}
	copies_wait<0>();
}

#endif
