#include "gpu/timing.h"

#include "gpu/cases.h"
#include "gpu/paths.h"

#include <stdlib.h>
#include <string.h>

#define CAPTURE_RELAXED 2
#define READ_BYTES ((size_t)2 << 30)
#define READ_PIECES 4u
#define MATMUL_SIDE 8192u
#define MATMUL_PIECES 4u

static int capture(struct case_env *env, timing_work *work, void *payload, unsigned count,
		   void **executable, struct err *err)
{
	const struct driver *d = &env->gpu.driver;
	void *graph = NULL;
	int rc = 0;

	if (cuda_check(&env->gpu, d->cuStreamBeginCapture_v2(env->gpu.stream, CAPTURE_RELAXED),
		       "beginning a capture", err) < 0)
		return -1;
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = work(env, payload, i, err);
	if (cuda_check(&env->gpu, d->cuStreamEndCapture(env->gpu.stream, &graph),
		       "ending a capture", rc < 0 ? NULL : err) < 0 ||
	    rc < 0)
		return -1;
	rc = cuda_check(&env->gpu, d->cuGraphInstantiateWithFlags(executable, graph, 0),
			"instantiating a graph", err);
	(void)d->cuGraphDestroy(graph);
	return rc;
}

static int replay(struct case_env *env, void *executable, void *start, void *end, float *ms,
		  struct err *err)
{
	const struct driver *d = &env->gpu.driver;

	if (cuda_check(&env->gpu, d->cuEventRecord(start, env->gpu.stream), "event", err) < 0 ||
	    cuda_check(&env->gpu, d->cuGraphLaunch(executable, env->gpu.stream), "graph", err) <
		    0 ||
	    cuda_check(&env->gpu, d->cuEventRecord(end, env->gpu.stream), "event", err) < 0 ||
	    cuda_check(&env->gpu, d->cuEventSynchronize(end), "replaying a graph", err) < 0)
		return -1;
	return cuda_check(&env->gpu, d->cuEventElapsedTime(ms, start, end), "elapsed time", err);
}

int timing_replays(struct case_env *env, timing_work *work, void *payload, unsigned count,
		   double out[TIMING_REPLAYS], struct err *err)
{
	const struct driver *d = &env->gpu.driver;
	void *executable = NULL, *start = NULL, *end = NULL;
	float ms = 0;

	if (work(env, payload, 0, err) < 0 || device_sync(&env->gpu, err) < 0 ||
	    capture(env, work, payload, count, &executable, err) < 0 ||
	    cuda_check(&env->gpu, d->cuEventCreate(&start, 0), "event", err) < 0 ||
	    cuda_check(&env->gpu, d->cuEventCreate(&end, 0), "event", err) < 0)
		return -1;
	for (int i = -TIMING_WARMUP; i < TIMING_REPLAYS; i++) {
		if (replay(env, executable, start, end, &ms, err) < 0)
			return -1;
		if (i >= 0)
			out[i] = (double)ms / 1e3 / count;
	}
	(void)d->cuGraphExecDestroy(executable);
	return 0;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double timing_median(const double *samples, size_t count)
{
	double sorted[CASE_SAMPLES_MAX];

	if (count == 0 || count > CASE_SAMPLES_MAX)
		return 0;
	memcpy(sorted, samples, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), ascending);
	return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

struct reading {
	uint64_t memory, out;
	size_t vectors;
	unsigned blocks;
};

static int read_piece(struct case_env *env, void *payload, unsigned index, struct err *err)
{
	struct reading *r = payload;

	(void)index;
	return device_launch(&env->gpu, env->gpu.kernels, env->gpu.stream, "read_all",
			     (struct grid){r->blocks, 1, 512, 1},
			     (void *[]){&r->memory, &r->vectors, &r->out}, err);
}

int timing_read_ceiling(struct case_env *env, double *bytes_per_s, struct err *err)
{
	struct reading r = {.vectors = READ_BYTES / 16, .blocks = env->gpu.info.card.sms * 8};
	double samples[TIMING_REPLAYS];
	size_t words = READ_BYTES / 4;
	uint64_t seed = cases_seed();
	int rc;

	if (device_alloc(&env->gpu, READ_BYTES, &r.memory, err) < 0 ||
	    device_alloc(&env->gpu, 16, &r.out, err) < 0 ||
	    device_launch(&env->gpu, env->gpu.kernels, env->gpu.stream, "fill_bits",
			  (struct grid){4096, 1, 256, 1}, (void *[]){&r.memory, &words, &seed},
			  err) < 0)
		return -1;
	rc = timing_replays(env, read_piece, &r, READ_PIECES, samples, err);
	device_free(&env->gpu, r.memory);
	device_free(&env->gpu, r.out);
	if (rc == 0)
		*bytes_per_s = (double)READ_BYTES / timing_median(samples, TIMING_REPLAYS);
	return rc;
}

struct squares {
	uint64_t a, b, c;
};

static int matmul_piece(struct case_env *env, void *payload, unsigned index, struct err *err)
{
	struct squares *s = payload;

	(void)index;
	return path_gemm(env, NUMBER_BF16, s->a, s->b, s->c, MATMUL_SIDE, MATMUL_SIDE, MATMUL_SIDE,
			 err);
}

int timing_matmul_ceiling(struct case_env *env, double *flop_per_s, struct err *err)
{
	const size_t count = (size_t)MATMUL_SIDE * MATMUL_SIDE;
	double samples[TIMING_REPLAYS];
	struct squares s;

	if (device_alloc(&env->gpu, count * 2, &s.a, err) < 0 ||
	    device_alloc(&env->gpu, count * 2, &s.b, err) < 0 ||
	    device_alloc(&env->gpu, count * 2, &s.c, err) < 0 ||
	    device_fill_normal(&env->gpu, s.a, NUMBER_BF16, count, 1, 1, err) < 0 ||
	    device_fill_normal(&env->gpu, s.b, NUMBER_BF16, count, 2, 1, err) < 0 ||
	    timing_replays(env, matmul_piece, &s, MATMUL_PIECES, samples, err) < 0)
		return -1;
	*flop_per_s = 2.0 * MATMUL_SIDE * MATMUL_SIDE * MATMUL_SIDE /
		      timing_median(samples, TIMING_REPLAYS);
	device_free(&env->gpu, s.a);
	device_free(&env->gpu, s.b);
	device_free(&env->gpu, s.c);
	return 0;
}
