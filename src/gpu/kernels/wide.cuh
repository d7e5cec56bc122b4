/*
 * The wide matrix instructions of sm_90a: 64 rows of four warps, weights from registers, N columns
 * of activations from shared memory, 16 deep. Each lane's sums lie as those of mma.sync.
 */
#ifndef GPU_KERNELS_WIDE_CUH
#define GPU_KERNELS_WIDE_CUH

#include "matrix.cuh"

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define WIDE 1

#define D4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define D16(i) D4(i), D4(i + 4), D4(i + 8), D4(i + 12)

#define WIDE_16(TYPE)\
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; "\
		"wgmma.mma_async.sync.aligned.m64n16k16.f32." TYPE "." TYPE " {"\
		"%0, %1, %2, %3, %4, %5, %6, %7"\
		"}, {%8, %9, %10, %11}, %12, p, 1, 1, 0; }"\
		: D4(0), D4(4)\
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

#define WIDE_24(TYPE)\
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; "\
		"wgmma.mma_async.sync.aligned.m64n24k16.f32." TYPE "." TYPE " {"\
		"%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11"\
		"}, {%12, %13, %14, %15}, %16, p, 1, 1, 0; }"\
		: D4(0), D4(4), D4(8)\
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

#define WIDE_32(TYPE)\
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; "\
		"wgmma.mma_async.sync.aligned.m64n32k16.f32." TYPE "." TYPE " {"\
		"%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, "\
		"%14, %15"\
		"}, {%16, %17, %18, %19}, %20, p, 1, 1, 0; }"\
		: D16(0)\
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

#define WIDE_64(TYPE)\
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; "\
		"wgmma.mma_async.sync.aligned.m64n64k16.f32." TYPE "." TYPE " {"\
		"%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, "\
		"%14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, "\
		"%26, %27, %28, %29, %30, %31"\
		"}, {%32, %33, %34, %35}, %36, p, 1, 1, 0; }"\
		: D16(0), D16(16)\
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

#define WIDE_72(TYPE)\
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; "\
		"wgmma.mma_async.sync.aligned.m64n72k16.f32." TYPE "." TYPE " {"\
		"%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, "\
		"%14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, "\
		"%26, %27, %28, %29, %30, %31, %32, %33, %34, %35"\
		"}, {%36, %37, %38, %39}, %40, p, 1, 1, 0; }"\
		: D16(0), D16(16), D4(32)\
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

#define WIDE_80(TYPE)\
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; "\
		"wgmma.mma_async.sync.aligned.m64n80k16.f32." TYPE "." TYPE " {"\
		"%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, "\
		"%14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, "\
		"%26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, "\
		"%38, %39"\
		"}, {%40, %41, %42, %43}, %44, p, 1, 1, 0; }"\
		: D16(0), D16(16), D4(32), D4(36)\
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

#define WIDE_96(TYPE)\
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; "\
		"wgmma.mma_async.sync.aligned.m64n96k16.f32." TYPE "." TYPE " {"\
		"%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, "\
		"%14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, "\
		"%26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, "\
		"%38, %39, %40, %41, %42, %43, %44, %45, %46, %47"\
		"}, {%48, %49, %50, %51}, %52, p, 1, 1, 0; }"\
		: D16(0), D16(16), D16(32)\
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

#define WIDE_112(TYPE)\
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; "\
		"wgmma.mma_async.sync.aligned.m64n112k16.f32." TYPE "." TYPE " {"\
		"%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, "\
		"%14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, "\
		"%26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, "\
		"%38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, "\
		"%50, %51, %52, %53, %54, %55"\
		"}, {%56, %57, %58, %59}, %60, p, 1, 1, 0; }"\
		: D16(0), D16(16), D16(32), D4(48), D4(52)\
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

#define WIDE_128(TYPE)\
	asm volatile("{ .reg .pred p; setp.ne.u32 p, 1, 0; "\
		"wgmma.mma_async.sync.aligned.m64n128k16.f32." TYPE "." TYPE " {"\
		"%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, "\
		"%14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, "\
		"%26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, "\
		"%38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, "\
		"%50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, "\
		"%62, %63"\
		"}, {%64, %65, %66, %67}, %68, p, 1, 1, 0; }"\
		: D16(0), D16(16), D16(32), D16(48)\
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

/* sum += a b; N one of those above, B a descriptor. */
template <int N>
static __device__ inline void wide(float *d, const uint32_t (&a)[4], uint64_t b, __nv_bfloat16)
{
	if constexpr (N == 16)
		WIDE_16("bf16");
	if constexpr (N == 24)
		WIDE_24("bf16");
	if constexpr (N == 32)
		WIDE_32("bf16");
	if constexpr (N == 64)
		WIDE_64("bf16");
	if constexpr (N == 72)
		WIDE_72("bf16");
	if constexpr (N == 80)
		WIDE_80("bf16");
	if constexpr (N == 96)
		WIDE_96("bf16");
	if constexpr (N == 112)
		WIDE_112("bf16");
	if constexpr (N == 128)
		WIDE_128("bf16");
}

template <int N>
static __device__ inline void wide(float *d, const uint32_t (&a)[4], uint64_t b, __half)
{
	if constexpr (N == 16)
		WIDE_16("f16");
	if constexpr (N == 24)
		WIDE_24("f16");
	if constexpr (N == 32)
		WIDE_32("f16");
	if constexpr (N == 64)
		WIDE_64("f16");
	if constexpr (N == 72)
		WIDE_72("f16");
	if constexpr (N == 80)
		WIDE_80("f16");
	if constexpr (N == 96)
		WIDE_96("f16");
	if constexpr (N == 112)
		WIDE_112("f16");
	if constexpr (N == 128)
		WIDE_128("f16");
}

/* Rows of 128 bytes, 16-byte parts of row r at part ^ (r & 7), at a multiple of 1024. */
static __device__ inline uint64_t wide_descriptor(const void *at)
{
	return (uint64_t)(shared_address(at) >> 4 & 0x3fff) | (uint64_t)1 << 16 |
	       (uint64_t)(1024 >> 4) << 32 | (uint64_t)1 << 62;
}

static __device__ inline void wide_begin(void)
{
	asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

/* Ends a group; until at most PENDING groups are at work. */
template <int PENDING> static __device__ inline void wide_end(void)
{
	asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
	asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

/* What this thread copied to shared memory can be read by the wide instructions. */
static __device__ inline void wide_visible(void)
{
	asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

#else
#define WIDE 0
static __device__ inline void wide_visible(void) {}
#endif

#endif
