/*
 * yard_wide_gather, yard_wide_up, yard_wide_down, yard_wide_combine: the MoE layer for 2 tokens and
 * more on sm_90a, each one launch for all experts.
 *
 * Idea: a tile is 256 rows of one expert's weights (up: 128 of the gate and the same 128 of up, so that
 * SiLU(gate) * up is at hand) times up to MOST of its tokens, in steps of 128 columns. Four groups of
 * four warps have 64 rows each and never meet: weights go from memory into a lane's registers some
 * steps ahead, become fragments there by the table of matrix.cuh, scaled as T, and are multiplied by
 * the wide instructions while the other groups make theirs. Nothing dequantised is ever written.
 * Which columns a fragment's slots mean is free as long as both sides agree: a lane loads 16 bytes
 * of a row at once, and activations lie in the order that follows (slot_of), swizzled, a tile's step
 * in one piece. Two blocks of a cluster take the same tokens; one thread of each asks for half of their
 * step, for both, by bulk copies. Gather writes x so, and up what down reads.
 * Down has few tiles: those beyond whole rounds of the grid are shared out evenly in steps of 512
 * columns, and their parts are added in a fixed order by combine.
 * Counted: weights of the active experts once per MOST tokens, activations once per 512 rows.
 * Floor: 258 us at 64 tokens (bytes), 1971 us at 2048 (arithmetic).
 * Limit: waiting. Up to 64 tokens for weights and x, that come in time but are waited for together with
 * later ones; beyond, for x, and a group for its own products. NOTES.md has the counters.
 */
#include "plan.cuh"
#include "wide.cuh"

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

#define WIDE_WARPS 16
#define WIDE_ROWS 256
#define WIDE_PAIR 2   /* blocks of a cluster: the same tokens, rows side by side */
#define WIDE_STEP 128 /* columns */
#define WIDE_UNIT 4   /* steps that are never parted */
#define WIDE_SHARERS 6u /* clusters that share a tile, about */

/* How an expert's tokens are cut: tiles of equal SHARE, in whole steps of the matrix unit. */
static __device__ inline unsigned tiles_across(unsigned tokens, unsigned most)
{
	return (tokens + most - 1) / most;
}

static __device__ inline unsigned share_of(unsigned tokens, unsigned across, unsigned most)
{
	unsigned step = most > 64 ? 16 : 8;

	return across ? ((tokens + across - 1) / across + step - 1) / step * step : 0;
}

struct wide_tile {
	unsigned expert, row, share; /* which rows; places in it, of which */
	unsigned tokens, place;      /* so many are taken, from this one on */
	unsigned shelf;		     /* its first row among all tiles' activations */
};

/* Tile INDEX of all, tiles of the same rows side by side. */
static __device__ inline struct wide_tile tile_at(const unsigned *first, unsigned experts,
						  unsigned rows, unsigned most, unsigned index)
{
	unsigned shelf = 0;

	for (unsigned e = 0; e < experts; e++) {
		unsigned tokens = first[e + 1] - first[e], across = tiles_across(tokens, most);
		unsigned share = share_of(tokens, across, most);

		if (index < across * rows) {
			unsigned from = index % across * share;

			return (struct wide_tile){e, index / across, share, min(share, tokens - from),
						  first[e] + from, shelf + from};
		}
		index -= across * rows;
		shelf += across * share;
	}
	return (struct wide_tile){0};
}

static __device__ inline unsigned tiles_of(const unsigned *first, unsigned experts, unsigned rows,
					   unsigned most)
{
	unsigned tiles = 0;

	for (unsigned e = 0; e < experts; e++)
		tiles += tiles_across(first[e + 1] - first[e], most) * rows;
	return tiles;
}

/* Which tiles are whole, and how the rest is shared out. */
struct sharing {
	unsigned whole, rest, units, sharers;
};

static __device__ inline struct sharing share_out(unsigned tiles, unsigned blocks, unsigned k)
{
	unsigned whole = tiles / blocks * blocks, rest = tiles - whole;
	unsigned units = k / (WIDE_STEP * WIDE_UNIT);

	return (struct sharing){whole, rest, units, min(blocks, rest * min(units, WIDE_SHARERS))};
}

/* The first unit of BLOCK among those of all that is shared. */
static __device__ inline unsigned unit_of(const struct sharing &s, unsigned block)
{
	return s.rest * s.units * block / s.sharers;
}

struct work {
	struct wide_tile tile;
	unsigned from, steps;
	unsigned part; /* where the sums go that are not whole; else WHOLE */
};
#define WHOLE (~0u)

/* A step's weights of a lane: 16 bytes of each of two rows. */
struct held {
	uint4 low, high;
};

/* A unit's absmax of a row, copied to TO, 16 bytes of this lane's own; BLOCK: the unit's first. Plain:
 * two of the eight in each of four lanes. Nested: the codes of all, and their second level. */
template <bool NESTED>
static __device__ inline void ask_scales(char *to, const struct weights &w, unsigned block)
{
	if (NESTED) {
		copy8(to, w.codes8 + block);
		copy4(to + 8, w.absmax + block / 256);
	} else {
		copy8(to, w.absmax + block + threadIdx.x % 4 * 2);
	}
}

/* This lane's two, as T. */
template <typename T, bool NESTED>
static __device__ inline uint32_t rounded_scales(const char *from, const float *map, float offset)
{
	float low, high;

	if (NESTED) {
		const uint8_t *codes = (const uint8_t *)from + threadIdx.x % 4 * 2;
		float second = *(const float *)(from + 8);

		low = __fadd_rn(__fmul_rn(map[codes[0]], second), offset);
		high = __fadd_rn(__fmul_rn(map[codes[1]], second), offset);
	} else {
		low = *(const float *)from;
		high = *(const float *)(from + 4);
	}
	return two_of(from_float<T>(low), from_float<T>(high));
}

/* Of a row's eight ROUNDED, that of this lane's block of step I, twice. */
static __device__ inline uint32_t scale_at(uint32_t rounded, unsigned i)
{
	uint32_t two = __shfl_sync(~0u, rounded, threadIdx.x % WARP & ~3 | i);

	return __byte_perm(two, 0, threadIdx.x & 2 ? 0x3232 : 0x1010);
}

static __device__ inline uint4 load_once(const uint8_t *from)
{
	uint4 out;

	asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
		     : "=r"(out.x), "=r"(out.y), "=r"(out.z), "=r"(out.w)
		     : "l"(from));
	return out;
}

/*
 * Shared memory is where the linker puts it on sm_90, from 1 KB on (checked), so that every address
 * in it is a constant but for the block's place in its cluster, in the highest byte; the table
 * begins at 64 KB, so that one byte permutation makes an address.
 */
#define WINDOW 1024
#define PAIRS_AT 65536

template <unsigned MOST> struct wide_shared {
	static const unsigned SLOT = MOST * WIDE_STEP * 2, BEFORE = MOST > 64 ? 1 : 2;
	static const unsigned SCALES = WIDE_WARPS * WARP * 16;

	char x[BEFORE][SLOT];
	char scales[2][WIDE_WARPS * WARP][16]; /* of the lanes' first and second rows */
	float maps[2][256];
	unsigned first[EXPERTS_MAX + 1];
	/* the first thread's: where the next step of x is, its bytes; and the same of the next tile */
	unsigned size, next_size;
	const char *from, *next;
	uint64_t full[WIDE_UNIT], empty[WIDE_UNIT];
	char unused[PAIRS_AT - WINDOW - BEFORE * SLOT - 2 * SCALES - 2048 - (EXPERTS_MAX + 1) * 4 - 28 - WIDE_UNIT * 16];
	char pairs[PAIRS_BYTES];
	char more_x[WIDE_UNIT - BEFORE][SLOT];

	__device__ static unsigned slot_at(unsigned i)
	{
		return i < BEFORE ? WINDOW + i * SLOT : PAIRS_AT + PAIRS_BYTES + (i - BEFORE) * SLOT;
	}
	__device__ static unsigned full_at(unsigned i) { return WINDOW + offsetof(wide_shared, full) + i * 8; }
	__device__ static unsigned empty_at(unsigned i) { return WINDOW + offsetof(wide_shared, empty) + i * 8; }
};

static_assert(offsetof(wide_shared<64>, pairs) == PAIRS_AT - WINDOW, "the table's place");
static_assert(offsetof(wide_shared<128>, pairs) == PAIRS_AT - WINDOW, "the table's place");

/* The pair for byte I of WORD; COLUMN is the table's address plus four times the lane. */
static __device__ inline uint32_t pair_of(unsigned column, uint32_t word, int i)
{
	uint32_t out;

	asm volatile("ld.shared.u32 %0, [%1];" : "=r"(out) : "r"(__byte_perm(word, column, 0x7604 | i << 4)));
	return out;
}

/* Both of TWO times those of SCALE, rounded. */
static __device__ inline uint32_t product(uint32_t two, uint32_t scale, __nv_bfloat16)
{
	__nv_bfloat162 out = __hmul2(*(const __nv_bfloat162 *)&two, *(const __nv_bfloat162 *)&scale);

	return *(const uint32_t *)&out;
}

static __device__ inline uint32_t product(uint32_t two, uint32_t scale, __half)
{
	__half2 out = __hmul2(*(const __half2 *)&two, *(const __half2 *)&scale);

	return *(const uint32_t *)&out;
}

/* MOST tokens a tile. A step's slot is its place in its unit. */
template <typename T, unsigned MOST, bool UP, bool NESTED> struct wide_job {
	static const unsigned AHEAD = MOST > 64 ? 2 : 4; /* steps of weights in registers */
	static const unsigned LEAD = WIDE_UNIT / 2;	 /* steps that x is ahead, and a group may lag */
	static const unsigned TILE_ROWS = UP ? WIDE_ROWS / 2 : WIDE_ROWS; /* of a matrix */
	typedef struct wide_shared<MOST> shared;

	const char *x;
	struct weights low, high; /* of lanes' first and second rows; the same for down */
	unsigned experts, n, k;
	float low_offset, high_offset;
	shared *s;
	unsigned base; /* of shared addresses */
	struct sharing sharing;
	unsigned at, left, item; /* of the next load of weights */
	unsigned parity;	 /* of the unit at work */

	__device__ bool work_at(unsigned index, struct work *out) const
	{
		unsigned own = blockIdx.x / WIDE_PAIR, all = gridDim.x / WIDE_PAIR;
		unsigned tile = own + index * all, part = WHOLE;
		unsigned from = 0, to = sharing.units;

		if (tile >= sharing.whole) {
			unsigned begin, end;

			if (UP || own >= sharing.sharers)
				return false;
			index -= sharing.whole / all;
			begin = unit_of(sharing, own);
			end = unit_of(sharing, own + 1);
			tile = begin / sharing.units + index;
			part = own * 2 + index;
			from = index == 0 ? begin % sharing.units : 0;
			if (index > 1 || end <= tile * sharing.units + from)
				return false;
			to = min(to, end - tile * sharing.units);
			tile += sharing.whole;
		}
		*out = (struct work){tile_at(s->first, experts, n / (TILE_ROWS * WIDE_PAIR), MOST, tile),
				     from * WIDE_UNIT, (to - from) * WIDE_UNIT, part};
		out->tile.row = out->tile.row * WIDE_PAIR + blockIdx.x % WIDE_PAIR;
		return true;
	}

	/* The row of this lane's first of two in a tile: up writes 8 lanes' results side by side. */
	__device__ unsigned row_of(const struct wide_tile &tile) const
	{
		unsigned warp = threadIdx.x / WARP, g = threadIdx.x % WARP / 4;

		return tile.row * TILE_ROWS +
		       (UP ? g / 2 * 32 + g % 2 + warp * 2 : warp * 16 + g);
	}

	/* Where the weights of the next tile are, and, for the first thread, its x. Between units: a
	 * tile has whole ones. */
	__device__ void load_next(void)
	{
		struct work work;

		if (left == 0 && work_at(item++, &work)) {
			at = (work.tile.expert * n + row_of(work.tile)) * (k / 2) +
			     work.from * (WIDE_STEP / 2) + threadIdx.x % 4 * 16;
			left = work.steps;
			if (threadIdx.x == 0) {
				s->next_size = work.tile.share * WIDE_STEP * 2;
				s->next = x + (size_t)work.tile.shelf * k * 2 +
					  (size_t)work.from * s->next_size;
			}
		}
	}

	/* Ask for this lane's weights of a step; past the end, for any. */
	__device__ void load(struct held *to)
	{
		unsigned from = left ? at : 0;

		to->low = load_once(low.packed + from);
		to->high = load_once(high.packed + from + (UP ? 0 : 8 * k / 2));
		at += WIDE_STEP / 2;
		left -= left > 0;
	}

	/* Ask for the absmax of a unit, before any of its weights. */
	__device__ void load_scales(void)
	{
		unsigned block = (left ? at : 0) / (BLOCK / 2) & ~(WIDE_UNIT * WIDE_STEP / BLOCK - 1);

		ask_scales<NESTED>(s->scales[0][threadIdx.x], low, block);
		ask_scales<NESTED>(s->scales[1][threadIdx.x], high, block + (UP ? 0 : 8 * k / BLOCK));
		copies_commit();
	}

	/* By the first thread: ask for the x of the step of SLOT, once all have left it: half of it, for
	 * both blocks of the cluster. */
	__device__ void bring(unsigned slot, unsigned empty_parity)
	{
		unsigned half;

		if (slot == 0 && s->next) {
			s->from = s->next;
			s->size = s->next_size;
			s->next = NULL;
		}
		half = s->size / 2;
		barrier_wait(base + shared::empty_at(slot), empty_parity);
		barrier_expect(base + shared::full_at(slot), s->size);
		bulk_copy_both(base + shared::slot_at(slot) + blockIdx.x % WIDE_PAIR * half,
			       s->from + blockIdx.x % WIDE_PAIR * half, half,
			       base + shared::full_at(slot));
		s->from += s->size;
	}

	/* The fragments of half a step: of each two bytes the first is the lower slots. */
	__device__ void make(uint32_t (&w)[4][4], const uint4 &low, const uint4 &high, uint32_t low_scale,
			     uint32_t high_scale, int half) const
	{
		unsigned column = base + PAIRS_AT + threadIdx.x % WARP * 4;

#pragma unroll
		for (int j = 0; j < 4; j++) {
			uint32_t l = half ? j < 2 ? low.z : low.w : j < 2 ? low.x : low.y;
			uint32_t h = half ? j < 2 ? high.z : high.w : j < 2 ? high.x : high.y;

			w[j][0] = product(pair_of(column, l, j % 2 * 2), low_scale, T());
			w[j][1] = product(pair_of(column, h, j % 2 * 2), high_scale, T());
			w[j][2] = product(pair_of(column, l, j % 2 * 2 + 1), low_scale, T());
			w[j][3] = product(pair_of(column, h, j % 2 * 2 + 1), high_scale, T());
		}
	}

	/* A tile's N columns; RING holds what was asked for before, and asks go on into the next tile. */
	template <unsigned N>
	__device__ void multiply_tile(float (&d)[N / 2], struct held (&ring)[AHEAD], unsigned steps)
	{
		uint32_t w[4][4], rounded[2];

		for (unsigned step = 0; step < steps; step += WIDE_UNIT) {
#pragma unroll
			for (unsigned i = 0; i < WIDE_UNIT; i++) {
				struct held &held = ring[i % AHEAD];
				uint32_t low_scale, high_scale;

				if (i == 0) {
					copies_wait<0>();
					rounded[0] = rounded_scales<T, NESTED>(s->scales[0][threadIdx.x],
									       s->maps[0], low_offset);
					rounded[1] = rounded_scales<T, NESTED>(s->scales[1][threadIdx.x],
									       s->maps[1], high_offset);
				}
				if (i == WIDE_UNIT - AHEAD) {
					load_next();
					load_scales();
				}
				if (threadIdx.x == 0 && (i < WIDE_UNIT - LEAD || left > 0))
					bring((i + LEAD) % WIDE_UNIT, i < WIDE_UNIT - LEAD ? parity ^ 1 : parity);
				low_scale = scale_at(rounded[0], i);
				high_scale = scale_at(rounded[1], i);
				barrier_wait(base + shared::full_at(i), parity);
#pragma unroll
				for (int half = 0; half < 2; half++) {
					uint64_t b = wide_descriptor(shared::slot_at(i) + half * N * 128);

					make(w, held.low, held.high, low_scale, high_scale, half);
					if (half == 1)
						load(&held);
					wide_begin();
#pragma unroll
					for (int j = 0; j < 4; j++)
						wide<N>(d, w[j], b + j * 2, T());
					wide_commit();
					wide_wait<0>();
				}
				if (threadIdx.x % WARP < WIDE_PAIR)
					barrier_arrive_at(base + shared::empty_at(i), threadIdx.x % WARP);
			}
			parity ^= 1;
		}
	}

	/* FINISH(work, d) writes a tile, N columns. */
	template <unsigned N, typename Finish>
	__device__ void run_tile(struct held (&ring)[AHEAD], const struct work &work, Finish &finish)
	{
		float d[N / 2];

#pragma unroll
		for (unsigned j = 0; j < N / 2; j++)
			d[j] = 0;
		multiply_tile<N>(d, ring, work.steps);
		finish(work, d);
	}

	template <typename Finish> __device__ void run(const unsigned *first, Finish finish)
	{
		extern __shared__ __align__(1024) char bytes[];
		struct held ring[AHEAD];
		struct work work;

		s = (shared *)bytes;
		base = shared_address(bytes) - WINDOW;
		if (base & 0xffffff)
			__trap();
		if (threadIdx.x == 0) {
			for (unsigned i = 0; i < WIDE_UNIT; i++) {
				barrier_make(base + shared::full_at(i), 1);
				barrier_make(base + shared::empty_at(i), WIDE_WARPS * WIDE_PAIR);
			}
			s->next = NULL;
		}
		bulk_visible();
		pairs_make<T>(s->pairs);
		for (unsigned i = threadIdx.x; NESTED && i < 256; i += blockDim.x) {
			s->maps[0][i] = low.map[i];
			s->maps[1][i] = high.map[i];
		}
		low_offset = NESTED ? *low.offset : 0;
		high_offset = NESTED ? *high.offset : 0;
		launch_wait();
		launch_next();
		if (threadIdx.x <= experts)
			s->first[threadIdx.x] = first[threadIdx.x];
		__syncthreads();
		cluster_meet();
		sharing = share_out(tiles_of(s->first, experts, n / (TILE_ROWS * WIDE_PAIR), MOST),
				    gridDim.x / WIDE_PAIR, k);
		if (UP)
			sharing.whole += sharing.rest;
		at = left = item = parity = 0;
		load_next();
		load_scales();
		if (threadIdx.x == 0 && left > 0) {
			bulk_visible();
			for (unsigned i = 0; i < LEAD; i++)
				bring(i, 1);
		}
#pragma unroll
		for (unsigned i = 0; i < AHEAD; i++)
			load(&ring[i]);
		for (unsigned i = 0; work_at(i, &work); i++) {
#define COLUMNS(N)                                                                                 \
	if constexpr (N <= MOST && N % (MOST > 64 ? 16 : 8) == 0)                                  \
		if (work.tile.share == N)                                                          \
			run_tile<N>(ring, work, finish);
			COLUMNS(8)
			COLUMNS(16)
			COLUMNS(24)
			COLUMNS(32)
			COLUMNS(40)
			COLUMNS(48)
			COLUMNS(56)
			COLUMNS(64)
			COLUMNS(80)
			COLUMNS(96)
			COLUMNS(112)
			COLUMNS(128)
#undef COLUMNS
		}
		cluster_meet(); /* the other one still writes here */
	}
};

/* Where COLUMN of row TOKEN lies in a tile of SHARE rows, bytes from its beginning: step by step, each in
 * two halves. Slots 2 t, 2 t + 1, 2 t + 8, 2 t + 9 of a fragment's 16 are four columns that lie side by
 * side in the 32 of lane t. */
static __device__ inline unsigned slot_of(unsigned column, unsigned token, unsigned share)
{
	unsigned t = column % 128 / 32, fragment = column % 32 / 4, i = column % 4;
	unsigned part = fragment % 4 * 2 + i / 2;

	return column / 128 * share * 256 + (fragment / 4 * share + token) * 128 +
	       (part ^ (token & 7)) * 16 + (t * 2 + i % 2) * 2;
}

/* Block 256, grid of pairs: the row of each place. */
template <typename T>
static __device__ void wide_gather(const T *x, const unsigned *words, char *to, unsigned experts,
				   unsigned k, unsigned tokens, unsigned most)
{
	struct plan plan = plan_of(words, tokens);
	unsigned shelf = 0, e = 0, share, across, within;

	launch_wait();
	launch_next();
	for (;; e++) {
		unsigned count = plan.first[e + 1] - plan.first[e];

		across = tiles_across(count, most);
		share = share_of(count, across, most);
		if (blockIdx.x < plan.first[e + 1])
			break;
		shelf += across * share;
	}
	within = blockIdx.x - plan.first[e];
	to += (size_t)(shelf + within / share * share) * k * 2;
	x += (size_t)(plan.pair[blockIdx.x] / 2) * k;
	for (unsigned i = threadIdx.x; i < k / 16; i += blockDim.x) {
		unsigned column = i / 8 * 128 + i % 8 * 4;
		uint2 c[4];

		for (int t = 0; t < 4; t++)
			c[t] = *(const uint2 *)(x + column + t * 32);
		*(uint4 *)(to + slot_of(column, within % share, share)) =
			make_uint4(c[0].x, c[1].x, c[2].x, c[3].x);
		*(uint4 *)(to + slot_of(column + 2, within % share, share)) =
			make_uint4(c[0].y, c[1].y, c[2].y, c[3].y);
	}
}

template <typename T, unsigned MOST, bool NESTED>
static __device__ void wide_up(const char *x, const unsigned *words, const struct weights &w1,
			       const struct weights &w3, char *h, unsigned experts, unsigned f, unsigned k)
{
	struct wide_job<T, MOST, true, NESTED> job = {x, w1, w3, experts, f, k};

	job.run(words, [&](const struct work &work, auto &d) {
		unsigned t = threadIdx.x % 4, column = job.row_of(work.tile);
		char *to = h + (size_t)work.tile.shelf * f * 2;

#pragma unroll
		for (unsigned j = 0; j < sizeof(d) / 16; j++)
#pragma unroll
			for (unsigned c = 0; c < 2; c++) {
				unsigned token = j * 8 + t * 2 + c;
				float gate = d[j * 4 + c], up = d[j * 4 + c + 2];

				if (token < work.tile.tokens)
					*(T *)(to + slot_of(column, token, sizeof(d) / 2)) =
						from_float<T>(gate / (1 + __expf(-gate)) * up);
			}
	});
}

/* y[place, d], and parts of MOST x 512, fp32. */
template <typename T, unsigned MOST, bool NESTED>
static __device__ void wide_down(const char *h, const unsigned *words, const struct weights &w2, float *y,
				 float *parts, unsigned experts, unsigned d_rows, unsigned f)
{
	struct wide_job<T, MOST, false, NESTED> job = {h, w2, w2, experts, d_rows, f};

	job.run(words, [&](const struct work &work, auto &d) {
		bool whole = work.part == WHOLE;
		unsigned t = threadIdx.x % 4, width = whole ? d_rows : WIDE_ROWS * WIDE_PAIR;
		unsigned row = job.row_of(work.tile) % width;
		float *to = whole ? y + (size_t)work.tile.place * d_rows
				  : parts + (size_t)work.part * MOST * width;

#pragma unroll
		for (unsigned j = 0; j < sizeof(d) / 16; j++)
#pragma unroll
			for (unsigned c = 0; c < 4; c++) {
				unsigned token = j * 8 + t * 2 + c % 2;

				if (token < work.tile.tokens)
					to[(size_t)token * width + row + c / 2 * 8] = d[j * 4 + c];
			}
	});
}

/* Where the sums of a place's tile are: so many parts, the first, the second, and how far apart the
 * others are. */
struct found {
	const float *first, *second;
	unsigned parts;
};

static __device__ inline struct found find(const float *y, const float *parts, const unsigned *first,
					   unsigned experts, unsigned d, unsigned f, unsigned most,
					   unsigned clusters, unsigned place, unsigned row)
{
	const unsigned width = WIDE_ROWS * WIDE_PAIR, rows = d / width;
	struct sharing sharing = share_out(tiles_of(first, experts, rows, most), clusters, f);
	unsigned before = 0, e = 0, across, within, tile, share, own, from, last;

	for (; place >= first[e + 1]; e++)
		before += tiles_across(first[e + 1] - first[e], most) * rows;
	across = tiles_across(first[e + 1] - first[e], most);
	share = share_of(first[e + 1] - first[e], across, most);
	within = place - first[e];
	tile = before + row * across + within / share;
	if (tile < sharing.whole)
		return (struct found){y + (size_t)place * d + row * width, NULL, 1};
	from = (tile - sharing.whole) * sharing.units;
	own = (tile - sharing.whole) * sharing.sharers / sharing.rest;
	own += unit_of(sharing, own + 1) <= from;
	for (last = own; unit_of(sharing, last + 1) < from + sharing.units; last++)
		;
	parts += (within % share) * width;
	return (struct found){parts + (size_t)(own * 2 + (unit_of(sharing, own) < from)) * most * width,
			      parts + (size_t)(own + 1) * 2 * most * width, last - own + 1};
}

/* Block 256, grid (d / 1024, tokens): both experts of a token. BLOCKS: of the launch before. */
template <typename T>
static __device__ void wide_combine(const float *y, const float *parts, const unsigned *words, T *out,
				    unsigned experts, unsigned d, unsigned f, unsigned tokens, unsigned most,
				    unsigned blocks)
{
	const unsigned width = WIDE_ROWS * WIDE_PAIR, own = 1024 / width;
	__shared__ struct found found[2][1024 / (WIDE_ROWS * WIDE_PAIR)];
	unsigned column = (blockIdx.x * blockDim.x + threadIdx.x) * 4, token = blockIdx.y;
	struct plan plan = plan_of(words, tokens);
	float sums[4] = {0, 0, 0, 0};

	launch_wait();
	launch_next();
	if (threadIdx.x < 2 * own && blockIdx.x * own + threadIdx.x / 2 < d / width)
		found[threadIdx.x % 2][threadIdx.x / 2] =
			find(y, parts, plan.first, experts, d, f, most, blocks / WIDE_PAIR,
			     plan.place[token * 2 + threadIdx.x % 2], blockIdx.x * own + threadIdx.x / 2);
	__syncthreads();
	if (column >= d)
		return;
	for (unsigned slot = 0; slot < 2; slot++) {
		struct found at = found[slot][column % 1024 / width];
		float weight = plan.weight[token * 2 + slot];
		float4 sum = *(const float4 *)(at.first + column % width);

		for (unsigned i = 1; i < at.parts; i++, at.second += 2 * most * width) {
			float4 v = *(const float4 *)(at.second + column % width);

			sum.x += v.x;
			sum.y += v.y;
			sum.z += v.z;
			sum.w += v.w;
		}
		sums[0] += weight * sum.x;
		sums[1] += weight * sum.y;
		sums[2] += weight * sum.z;
		sums[3] += weight * sum.w;
	}
	*(uint2 *)(out + (size_t)token * d + column) =
		make_uint2(two_of(from_float<T>(sums[0]), from_float<T>(sums[1])),
			   two_of(from_float<T>(sums[2]), from_float<T>(sums[3])));
}

#define WIDE_LAYER(name, T, MOST, kind, NESTED)                                                    \
	extern "C" __global__ void __cluster_dims__(WIDE_PAIR, 1, 1)                             \
	__launch_bounds__(WIDE_WARPS * WARP, 1)                                                    \
		yard_wide_up##MOST##kind##_##name(const char *x, const unsigned *words,            \
						  struct weights w1, struct weights w3, char *h,    \
						  unsigned experts, unsigned f, unsigned k)         \
	{                                                                                          \
		wide_up<T, MOST, NESTED>(x, words, w1, w3, h, experts, f, k);                      \
	}                                                                                          \
	extern "C" __global__ void __cluster_dims__(WIDE_PAIR, 1, 1)                             \
	__launch_bounds__(WIDE_WARPS * WARP, 1)                                                    \
		yard_wide_down##MOST##kind##_##name(const char *h, const unsigned *words,          \
						    struct weights w2, float *y, float *parts,     \
						    unsigned experts, unsigned d, unsigned f)      \
	{                                                                                          \
		wide_down<T, MOST, NESTED>(h, words, w2, y, parts, experts, d, f);                 \
	}

#define WIDE_ENDS(name, T)                                                                         \
	extern "C" __global__ void __launch_bounds__(256)                                          \
		yard_wide_gather_##name(const T *x, const unsigned *words, char *to, unsigned experts, \
					unsigned k, unsigned tokens, unsigned most)                \
	{                                                                                          \
		wide_gather(x, words, to, experts, k, tokens, most);                               \
	}                                                                                          \
	extern "C" __global__ void __launch_bounds__(256) yard_wide_combine_##name(                \
		const float *y, const float *parts, const unsigned *words, T *out, unsigned experts, \
		unsigned d, unsigned f, unsigned tokens, unsigned most, unsigned blocks)           \
	{                                                                                          \
		wide_combine(y, parts, words, out, experts, d, f, tokens, most, blocks);           \
	}

#define WIDE_LAYERS(name, T)                                                                       \
	WIDE_LAYER(name, T, 64, , false)                                                           \
	WIDE_LAYER(name, T, 64, n, true)                                                           \
	WIDE_LAYER(name, T, 128, , false)                                                          \
	WIDE_LAYER(name, T, 128, n, true)
WIDE_LAYERS(bf16, __nv_bfloat16)
WIDE_LAYERS(fp16, __half)
WIDE_ENDS(bf16, __nv_bfloat16)
WIDE_ENDS(fp16, __half)
#undef WIDE_LAYER
#undef WIDE_LAYERS
#undef WIDE_ENDS
#endif
