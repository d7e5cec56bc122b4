/*
 * Time on the card: replays of a CUDA graph of many launches, so that the host's launch costs and
 * the gaps between launches stay out; a pool of inputs larger than four times the L2, walked round
 * robin, so that memory is measured and not the cache.
 */
#ifndef GPU_TIMING_H
#define GPU_TIMING_H

#include "gpu/case.h"
#include "gpu/device.h"

#define TIMING_POOL_L2 4 /* the pool is larger than this many L2 */
#define TIMING_REPLAYS 21
#define TIMING_WARMUP 3

/* Enqueue work number INDEX on the stream; called while it is captured. */
typedef int timing_work(struct case_env *env, void *payload, unsigned index, struct err *err);

/* Time COUNT pieces of work as one graph: seconds per piece of each of TIMING_REPLAYS replays into
 * OUT. Work runs once uncaptured first. */
int timing_replays(struct case_env *env, timing_work *work, void *payload, unsigned count,
		   double out[TIMING_REPLAYS], struct err *err);

double timing_median(const double *samples, size_t count);

/* Bytes per second of a kernel that only reads, the ceiling of everything that does. */
int timing_read_ceiling(struct case_env *env, double *bytes_per_s, struct err *err);
/* Operations per second of cuBLAS at 8192^3, bf16 (fp16: the same). */
int timing_matmul_ceiling(struct case_env *env, double *flop_per_s, struct err *err);

#endif
