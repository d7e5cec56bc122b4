/*
 * One token: weights stream through, each used once.
 *
 * A block takes tiles of 16 rows; its 8 warps share the tile's K in stages of 512 columns, which
 * come in two halves, each warp with a ring of its own that it alone fills and empties, so that no
 * barrier stands in the loop. A quarter warp copies one row of a half, a whole cache line.
 *
 * Which columns the slots of the matrix unit's K mean is free as long as both sides agree: of a
 * chunk of 128 columns lane t of a quad takes the 32 from 32 t, 16 bytes, and step s takes bytes 2
 * s and 2 s + 1 of every lane. A chunk has two blocks of 64, the first in lanes 0 and 1 of a quad,
 * the second in 2 and 3. The unit has 8 columns of activations and one token needs one: the others
 * keep sums apart. Column n has the activations of one chunk, one part (PARTS) and one block, and
 * zeros for the lanes of the other block. So every lane of a quad ends with the sums of one chunk's
 * two blocks for two rows, which it multiplies by their absmax, in fp32. The warps' sums of a tile
 * meet in shared memory.
 *
 * The launch order: the ring is filled, as far as the weights are known, before the launch waits
 * for the one before it; the next one is let in after that and takes each block's room as it ends.
 */
#ifndef GPU_KERNELS_STREAM_CUH
#define GPU_KERNELS_STREAM_CUH

#include "matrix.cuh"

#define STREAM_WARPS 8
#define STREAM_ROWS 16
#define STREAM_CHUNK 128
#define STREAM_HALF 256
#define STREAM_K 512
#define STREAM_KEPT 8 /* tiles whose sums wait to be written together */
#define STREAM_DEPTH_MAX 4
/* Where a block has 99 KB of shared memory, a ring of three. */
#if __CUDA_ARCH__ == 860 || __CUDA_ARCH__ == 890 || __CUDA_ARCH__ >= 1200
#define STREAM_DEPTH(wanted) ((wanted) < 3 ? (wanted) : 3)
#else
#define STREAM_DEPTH(wanted) (wanted)
#endif

/* Rows of a half lie 256 bytes apart: those of the first two of a warp's ring between the table's
 * entries, those of the others between each other, in the ring that follows this. The host's
 * stream_shared (yardstick.c) says how much that makes. */
struct stream_shared {
	char pairs[PAIRS_BYTES];
	char scales[STREAM_WARPS][STREAM_DEPTH_MAX][STREAM_ROWS * 16];
	float sums[STREAM_KEPT][STREAM_WARPS][STREAM_ROWS];
	float maps[2][256]; /* nested: of rows 0 to 7 and 8 to 15 */
};

/* Where a warp's stage begins: rows 0 to 7 and 8 to 15, each of some matrix, from the index of the
 * first row's first weight. A matrix has fewer than 2^32 weights. */
struct stage {
	const struct weights *w[2];
	unsigned at[2];
};

/* Eight steps: 16 rows of a chunk times the activations in B. */
template <typename T>
static __device__ inline void stream_chunk(float (&sum)[4], const char *pairs, unsigned column,
					   const uint4 &low, const uint4 &high, const uint4 (&b)[4])
{
	const uint32_t l[4] = {low.x, low.y, low.z, low.w}, h[4] = {high.x, high.y, high.z, high.w};

#pragma unroll
	for (int s = 0; s < 8; s++) {
		const uint32_t a[4] = {pair_at(pairs, column, l[s / 2], s % 2 * 2),
				       pair_at(pairs, column, h[s / 2], s % 2 * 2),
				       pair_at(pairs, column, l[s / 2], s % 2 * 2 + 1),
				       pair_at(pairs, column, h[s / 2], s % 2 * 2 + 1)};

		multiply(sum, a, s % 2 ? b[s / 2].z : b[s / 2].x, s % 2 ? b[s / 2].w : b[s / 2].y,
			 T());
	}
}

/*
 * What a warp does. JOB says what the tiles are:
 *   DEPTH                  constant: halves in a warp's ring, 2 to 4
 *   PARTS                  constant: 1, or 2 where the activations are the sum of two
 *   EARLY                  constant: weights are known before the launch before has ended
 *   tiles, stages          of the whole launch; per tile
 *   prepare(maps)          by all threads, before any weights are asked for
 *   stage(tile, s)         stage S of a tile
 *   x(part, s), factor(s)  its activations, and what its sums are multiplied by
 *   finish(tile, row, sum) sum(r) gives the sum of row r of the tile
 */
template <typename T, typename Job> struct stream {
	static const int PARTS = Job::PARTS, DEPTH = STREAM_DEPTH(Job::DEPTH);

	Job &job;
	struct stream_shared *s;
	const unsigned warp, g, t;
	unsigned asked, taken, ask_tile, ask_at, ask_half;
	uint4 b[4], next_b[4];

	__device__ stream(Job &of, struct stream_shared *shared)
	    : job(of), s(shared), warp(__shfl_sync(0xffffffffu, threadIdx.x / WARP, 0)),
	      g(threadIdx.x % WARP / 4), t(threadIdx.x % 4), asked(0), taken(0),
	      ask_tile(blockIdx.x), ask_at(warp), ask_half(0)
	{
	}

	__device__ char *packed(unsigned slot)
	{
		return slot < 2 ? s->pairs + (slot * STREAM_WARPS + warp) * STREAM_ROWS * 256 + 128
				: (char *)(s + 1) +
					  ((slot - 2) * STREAM_WARPS + warp) / 2 * STREAM_ROWS *
						  256 +
					  warp % 2 * 128;
	}

	/* The next half, if there is one. */
	__device__ void ask(void)
	{
		if (ask_tile < job.tiles && ask_at < job.stages) {
			copy(job.stage(ask_tile, ask_at), asked);
			asked = asked + 1 == DEPTH ? 0 : asked + 1;
			ask_half ^= 1;
			if (ask_half == 0)
				ask_at += STREAM_WARPS;
			if (ask_at >= job.stages) {
				ask_at = warp;
				ask_tile += gridDim.x;
			}
		}
		copies_commit();
	}

	__device__ void copy(const struct stage &stage, unsigned slot)
	{
		unsigned lane = threadIdx.x % WARP, r = lane / 8;
		char *to = packed(slot) + r * 256 + (lane % 8 ^ r % 2 * 4) * 16;

#pragma unroll
		for (int i = 0; i < 2; i++) {
			const struct weights &w = *stage.w[i];
			unsigned at = stage.at[i] + ask_half * STREAM_HALF;
			const uint8_t *from = w.packed + (at + r * job.k) / 2 + lane % 8 * 16;

			copy16(to + i * 8 * 256, from);
			copy16(to + (i * 8 + 4) * 256, from + 2 * job.k);
			if (lane < 8) {
				char *scales = s->scales[warp][slot] + (i * 8 + lane) * 16;
				unsigned block = (at + lane * job.k) / BLOCK;

				if (job.nested) {
					copy4(scales, w.codes8 + block);
					copy4(scales + 4, w.absmax + (block >> 8));
				} else {
					copy16(scales, w.absmax + block);
				}
			}
		}
	}

	/* The absmax of two blocks, the PAIRth of a row's two pairs. */
	__device__ float2 scales(unsigned slot, int i, unsigned pair)
	{
		const char *at = s->scales[warp][slot] + (i * 8 + g) * 16;
		const float *map = s->maps[i], offset = i ? job.high_offset : job.low_offset;
		unsigned codes;
		float second;

		if (!job.nested)
			return *(const float2 *)(at + pair * 8);
		codes = *(const unsigned short *)(at + pair * 2);
		second = *(const float *)(at + 4);
		return make_float2(__fadd_rn(__fmul_rn(map[codes & 255], second), offset),
				   __fadd_rn(__fmul_rn(map[codes >> 8], second), offset));
	}

	/* Activations of half HALF of stage AT; a whole stage's with PARTS 1. Lanes that are to
	 * have zeros read what another lane reads. */
	__device__ void load_x(unsigned at, unsigned half)
	{
		const unsigned chunk = g / (2 * PARTS), part = g / 2 % PARTS;
		const T *x = job.x(part, at) + half * STREAM_HALF + chunk * STREAM_CHUNK +
			     (g % 2 * 2 + t % 2) * 32;

		for (int i = 0; i < 4; i++)
			next_b[i] = *(const uint4 *)(x + i * 8);
	}

	__device__ void take_x(void)
	{
		for (int i = 0; i < 4; i++)
			b[i] = t / 2 == g % 2 ? next_b[i] : make_uint4(0, 0, 0, 0);
	}

	/* Half HALF of a stage, whose activations are in B. */
	__device__ void multiply_half(float (&sums)[2], unsigned slot, unsigned half, float factor)
	{
		const char *from = packed(slot) + g * 256;
		const unsigned mine = PARTS == 1 ? t - half * 2 : t / 2;
		const unsigned pair = PARTS == 1 ? t % 2 : t / 2;
		float kept[4] = {0, 0, 0, 0};
		float2 low = scales(slot, 0, pair), high = scales(slot, 1, pair);

#pragma unroll
		for (unsigned c = 0; c < 2; c++) {
			const char *at = from + (c * 4 + t ^ g % 2 * 4) * 16;
			float sum[4] = {0, 0, 0, 0};

			stream_chunk<T>(sum, s->pairs, threadIdx.x % WARP * 4, *(const uint4 *)at,
					*(const uint4 *)(at + 8 * 256), b);
			for (int i = 0; i < 4; i++)
				kept[i] = mine == c ? sum[i] : kept[i];
		}
		sums[0] += factor * (low.x * kept[0] + low.y * kept[1]);
		sums[1] += factor * (high.x * kept[2] + high.y * kept[3]);
	}

	/* Stage AT, whose first activations have been loaded, and those of NEXT for the next. */
	__device__ void multiply_stage(float (&sums)[2], unsigned at, unsigned next)
	{
		const float factor = job.factor(at);

#pragma unroll
		for (unsigned half = 0; half < 2; half++) {
			if (PARTS == 2 || half == 0)
				take_x();
			if (PARTS == 2 && half == 0)
				load_x(at, 1);
			else if (half == PARTS - 1 && next != at)
				load_x(next, 0);
			copies_wait<DEPTH - 2>();
			__syncwarp();
			ask();
			multiply_half(sums, taken, half, factor);
			taken = taken + 1 == DEPTH ? 0 : taken + 1;
		}
	}

	/* The sums of a quad's lanes to shared memory, as those of the KEPTth tile. */
	__device__ void keep(unsigned kept, float (&sums)[2])
	{
		for (int i = 0; i < 2; i++) {
			sums[i] += __shfl_xor_sync(0xffffffffu, sums[i], 1);
			sums[i] += __shfl_xor_sync(0xffffffffu, sums[i], 2);
			if (t == 0)
				s->sums[kept][warp][g + i * 8] = sums[i];
			sums[i] = 0;
		}
	}

	/* What the warps kept of COUNT tiles up to LAST. */
	__device__ void finish(unsigned count, unsigned last)
	{
		__syncthreads();
#pragma unroll 1
		for (unsigned i = threadIdx.x; i < count * STREAM_ROWS; i += STREAM_WARPS * WARP) {
			unsigned kept = i / STREAM_ROWS;

			job.finish(last - (count - 1 - kept) * gridDim.x, i % STREAM_ROWS,
				   [&](unsigned row) {
					   float sum = 0;

					   for (unsigned w = 0; w < STREAM_WARPS; w++)
						   sum += s->sums[kept][w][row];
					   return sum;
				   });
		}
		__syncthreads();
	}

	__device__ void run(void)
	{
		unsigned kept = 0;
		float sums[2] = {0, 0};

		if (!Job::EARLY) {
			pairs_make<T>(s->pairs);
			launch_wait();
		}
		job.prepare(s->maps);
		for (int i = 0; i < DEPTH - 1; i++)
			ask();
		if (Job::EARLY)
			pairs_make<T>(s->pairs);
		__syncthreads();
		if (Job::EARLY)
			launch_wait();
		launch_next();
		if (warp < job.stages)
			load_x(warp, 0);
		for (unsigned tile = blockIdx.x; tile < job.tiles; tile += gridDim.x) {
			for (unsigned at = warp; at < job.stages; at += STREAM_WARPS) {
				unsigned next = at + STREAM_WARPS;

				multiply_stage(sums, at, next < job.stages ? next : warp);
			}
			keep(kept++, sums);
			if (kept == STREAM_KEPT || tile + gridDim.x >= job.tiles) {
				finish(kept, tile);
				kept = 0;
			}
		}
		copies_wait<0>();
	}
};

template <typename T, typename Job> static __device__ void stream_run(Job &job)
{
	extern __shared__ __align__(128) char shared[];
	struct stream<T, Job> of(job, (struct stream_shared *)shared);

	of.run();
}

#endif
