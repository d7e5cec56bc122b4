/*
 * What the fast kernels share: the table of code pairs, asynchronous copies, matrix units, the
 * order of dependent launches.
 *
 * A byte is two weights. The table turns it into both, as T, in one load of shared memory; every
 * lane has its own column of the table, so no two lanes ever meet in a bank.
 */
#ifndef GPU_KERNELS_MATRIX_CUH
#define GPU_KERNELS_MATRIX_CUH

#include "common.cuh"

#define PAIRS_BYTES (256 * 256) /* an entry is 128 bytes; the 128 after it are free */
#define BLOCK 64		/* weights per absmax; the fast kernels know no other */

static __device__ inline uint32_t two_of(__half low, __half high)
{
	return (uint32_t)__half_as_ushort(low) | (uint32_t)__half_as_ushort(high) << 16;
}

static __device__ inline uint32_t two_of(__nv_bfloat16 low, __nv_bfloat16 high)
{
	return (uint32_t)__bfloat16_as_ushort(low) | (uint32_t)__bfloat16_as_ushort(high) << 16;
}

/* By all threads of the block, a multiple of 128; a barrier must follow. A thread's low nibble
 * stays the same, and a warp has one high nibble at a time: constants that differ within a warp are
 * slow. */
template <typename T> static __device__ void pairs_make(char *pairs)
{
	unsigned low = threadIdx.x / (WARP / 4) % 16;
	float second = nf4_codes[low];

#pragma unroll 8
	for (unsigned high = threadIdx.x / 128; high < 16; high += blockDim.x / 128) {
		uint32_t two = two_of(from_float<T>(nf4_codes[high]), from_float<T>(second));

		*(uint4 *)(pairs + (high * 16 + low) * 256 + threadIdx.x % (WARP / 4) * 16) =
			make_uint4(two, two, two, two);
	}
}

/* The pair for byte I of WORD; COLUMN is four times the lane. An entry every 256 bytes, so that one
 * byte permutation makes the address. */
static __device__ inline uint32_t pair_at(const char *pairs, unsigned column, uint32_t word, int i)
{
	return *(const uint32_t *)(pairs + __byte_perm(word, column, 0x5504 | i << 4));
}

static __device__ inline uint32_t shared_address(const void *at)
{
	return (uint32_t)__cvta_generic_to_shared(at);
}

static __device__ inline void copy16(void *to, const void *from)
{
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)),
		     "l"(from)
		     : "memory");
}

static __device__ inline void copy8(void *to, const void *from)
{
	asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(shared_address(to)), "l"(from)
		     : "memory");
}

static __device__ inline void copy4(void *to, const void *from)
{
	asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(shared_address(to)), "l"(from)
		     : "memory");
}

static __device__ inline void copies_commit(void)
{
	asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Until at most PENDING of this thread's groups are still on their way. */
template <int PENDING> static __device__ inline void copies_wait(void)
{
	asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}

/* sum += a b: 16 rows of weights, 8 columns of activations, 16 deep. */
static __device__ inline void multiply(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
				       uint32_t b1, __nv_bfloat16)
{
	asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
	    "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
	    : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
	    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

static __device__ inline void multiply(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0,
				       uint32_t b1, __half)
{
	asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
	    "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
	    : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
	    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* Until everything before this launch has ended and can be read. */
static __device__ inline void launch_wait(void)
{
#if __CUDA_ARCH__ >= 900
	asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/* From here on the next launch may begin what needs no result of this one. */
static __device__ inline void launch_next(void)
{
#if __CUDA_ARCH__ >= 900
	asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

#endif
