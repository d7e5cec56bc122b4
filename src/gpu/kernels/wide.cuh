/*
 * The wide matrix instructions of sm_90a: 64 rows of four warps, weights from registers, N columns
 * of activations from shared memory, 16 deep; each lane's sums lie as those of mma.sync. And what
 * brings activations there: one thread's bulk copies, counted by barriers in shared memory.
 */
#ifndef GPU_KERNELS_WIDE_CUH
#define GPU_KERNELS_WIDE_CUH

#include "matrix.cuh"

#define R4 "%0, %1, %2, %3"
#define R8 R4 ", %4, %5, %6, %7"
#define R12 R8 ", %8, %9, %10, %11"
#define R16 R12 ", %12, %13, %14, %15"
#define R20 R16 ", %16, %17, %18, %19"
#define R24 R20 ", %20, %21, %22, %23"
#define R28 R24 ", %24, %25, %26, %27"
#define R32 R28 ", %28, %29, %30, %31"
#define R40 R32 ", %32, %33, %34, %35, %36, %37, %38, %39"
#define R48 R40 ", %40, %41, %42, %43, %44, %45, %46, %47"
#define R56 R48 ", %48, %49, %50, %51, %52, %53, %54, %55"
#define R64 R56 ", %56, %57, %58, %59, %60, %61, %62, %63"

#define D4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define D8(i) D4(i), D4(i + 4)
#define D16(i) D8(i), D8(i + 8)

/* REGISTERS are the sums' names, INPUTS those of the weights and of the descriptor. */
#define WIDE(TYPE, N, REGISTERS, INPUTS, ...)                                                      \
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n" #N   \
		     "k16.f32." TYPE "." TYPE " {" REGISTERS "}, " INPUTS ", p, 1, 1, 0; }"         \
		     : __VA_ARGS__                                                                 \
		     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

/* sum += a b: N columns, a multiple of 8 up to 64 or of 16 up to 128; B a descriptor. */
#define WIDE_OF(T, TYPE)                                                                           \
	template <unsigned N>                                                                      \
	static __device__ inline void wide(float (&d)[N / 2], const uint32_t (&a)[4], uint64_t b, T) \
	{                                                                                          \
		if constexpr (N == 8)                                                              \
			WIDE(TYPE, 8, R4, "{%4, %5, %6, %7}, %8", D4(0));                          \
		if constexpr (N == 16)                                                             \
			WIDE(TYPE, 16, R8, "{%8, %9, %10, %11}, %12", D8(0));                      \
		if constexpr (N == 24)                                                             \
			WIDE(TYPE, 24, R12, "{%12, %13, %14, %15}, %16", D8(0), D4(8));            \
		if constexpr (N == 32)                                                             \
			WIDE(TYPE, 32, R16, "{%16, %17, %18, %19}, %20", D16(0));                  \
		if constexpr (N == 40)                                                             \
			WIDE(TYPE, 40, R20, "{%20, %21, %22, %23}, %24", D16(0), D4(16));          \
		if constexpr (N == 48)                                                             \
			WIDE(TYPE, 48, R24, "{%24, %25, %26, %27}, %28", D16(0), D8(16));          \
		if constexpr (N == 56)                                                             \
			WIDE(TYPE, 56, R28, "{%28, %29, %30, %31}, %32", D16(0), D8(16), D4(24));  \
		if constexpr (N == 64)                                                             \
			WIDE(TYPE, 64, R32, "{%32, %33, %34, %35}, %36", D16(0), D16(16));         \
		if constexpr (N == 80)                                                             \
			WIDE(TYPE, 80, R40, "{%40, %41, %42, %43}, %44", D16(0), D16(16), D8(32)); \
		if constexpr (N == 96)                                                             \
			WIDE(TYPE, 96, R48, "{%48, %49, %50, %51}, %52", D16(0), D16(16), D16(32)); \
		if constexpr (N == 112)                                                            \
			WIDE(TYPE, 112, R56, "{%56, %57, %58, %59}, %60", D16(0), D16(16), D16(32), \
			     D8(48));                                                              \
		if constexpr (N == 128)                                                            \
			WIDE(TYPE, 128, R64, "{%64, %65, %66, %67}, %68", D16(0), D16(16), D16(32), \
			     D16(48));                                                             \
	}

WIDE_OF(__nv_bfloat16, "bf16")
WIDE_OF(__half, "f16")
#undef WIDE_OF
#undef WIDE

/* Rows of 128 bytes, 16-byte parts of row r at part ^ (r & 7), at a multiple of 1024. */
static __device__ inline uint64_t wide_descriptor(unsigned at)
{
	return (uint64_t)(at >> 4 & 0x3fff) | (uint64_t)1 << 16 |
	       (uint64_t)(1024 >> 4) << 32 | (uint64_t)1 << 62;
}

static __device__ inline void wide_begin(void)
{
	asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

static __device__ inline void wide_commit(void)
{
	asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/* Until at most PENDING groups are at work. */
template <int PENDING> static __device__ inline void wide_wait(void)
{
	asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

/* Addresses of barriers and copies are those of shared memory. */
static __device__ inline void barrier_make(unsigned barrier, unsigned arrivals)
{
	asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier),
		     "r"(arrivals)
		     : "memory");
}

/* At the same place of block RANK of the cluster. */
static __device__ inline void barrier_arrive_at(unsigned barrier, unsigned rank)
{
	asm volatile("{ .reg .b32 at; mapa.shared::cluster.u32 at, %0, %1; "
		     "mbarrier.arrive.shared::cluster.b64 _, [at]; }" ::"r"(barrier),
		     "r"(rank)
		     : "memory");
}

/* The phase ends when SIZE more bytes have come. */
static __device__ inline void barrier_expect(unsigned barrier, unsigned size)
{
	asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(size)
		     : "memory");
}

/* Until the phase of PARITY has ended. */
static __device__ inline void barrier_wait(unsigned barrier, unsigned parity)
{
	asm volatile("{ .reg .pred p; AGAIN: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1; "
		     "@!p bra AGAIN; }" ::"r"(barrier),
		     "r"(parity)
		     : "memory");
}

/* SIZE bytes to the same place of both blocks of the cluster, counted by the barrier of each. */
static __device__ inline void bulk_copy_both(unsigned to, const void *from, unsigned size,
					     unsigned barrier)
{
	asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes"
		     ".multicast::cluster [%0], [%1], %2, [%3], %4;" ::"r"(to),
		     "l"(from), "r"(size), "r"(barrier), "h"((uint16_t)3)
		     : "memory");
}

/* Until all threads of the cluster are here; what they did to barriers before is seen. */
static __device__ inline void cluster_meet(void)
{
	asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
	asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
	asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

/* What threads wrote before is seen by bulk copies and the wide instructions after. */
static __device__ inline void bulk_visible(void)
{
	asm volatile("fence.proxy.async;" ::: "memory");
}

#endif
