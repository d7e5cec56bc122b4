/*
 * Work on the card in terms of this room: buffers with guards, our kernels by name, test data.
 *
 * Everything is enqueued on GPU->stream unless said otherwise. Buffers live as long as the process,
 * which is one case.
 */
#ifndef GPU_DEVICE_H
#define GPU_DEVICE_H

#include "gpu/cuda.h"
#include "gpu/nf4.h"
#include "gpu/number.h"

/* An output buffer with GATE_GUARD_BYTES before and after. */
struct output {
	uint64_t address; /* of the first element */
	size_t bytes;
	size_t room; /* guards included */
};

/* 4-bit weights on the card; the layout is that of the kernels (kernels/common.cuh). */
struct device_weights {
	uint64_t packed;
	uint64_t absmax; /* plain; or second level when codes8 */
	uint64_t codes8; /* 0: not nested */
	uint64_t map;
	uint64_t offset;
};

struct matrix {
	unsigned n, k, blocksize;
	struct device_weights weights; /* as the case wants them: plain or nested */
	struct device_weights plain;   /* absmax as fp32, decoded when nested */
	uint64_t code;		       /* float[16], the NF4 table */
	float *host_absmax;	       /* plain, malloced */
	uint8_t *host_packed;
};

int device_alloc(struct gpu_context *gpu, size_t bytes, uint64_t *out, struct err *err);
void device_free(struct gpu_context *gpu, uint64_t address);
int device_upload(struct gpu_context *gpu, const void *from, size_t bytes, uint64_t *out,
		  struct err *err);
int device_download(struct gpu_context *gpu, void *to, uint64_t from, size_t bytes,
		    struct err *err);
/* Wait for the stream; ERR_INFRA names the fault. */
int device_sync(struct gpu_context *gpu, struct err *err);

int output_make(struct gpu_context *gpu, size_t bytes, struct output *out, struct err *err);
/* Poison and guards, anew. */
int output_reset(struct gpu_context *gpu, const struct output *output, struct err *err);
/* All of it, guards and elements one behind the other; TO has output->room bytes. */
int output_read(struct gpu_context *gpu, const struct output *output, void *to, struct err *err);

struct grid {
	unsigned x, y, block_x, block_y;
};

/* Launch one of our kernels on STREAM. ARGUMENTS point to the values, in order. MODULE: GPU's
 * kernels or mutants. */
int device_launch(struct gpu_context *gpu, void *module, void *stream, const char *kernel,
		  struct grid grid, void **arguments, struct err *err);
/* "NAME_bf16" and so on. */
int device_launch_typed(struct gpu_context *gpu, void *stream, const char *kernel, enum number type,
			struct grid grid, void **arguments, struct err *err);

/* "NAME_bf16" with SHARED bytes of dynamic shared memory. Where the card can (compute capability 9
 * on) it may start before the launch in front of it on STREAM has ended: the kernel waits itself.
 */
int device_launch_overlapped(struct gpu_context *gpu, void *stream, const char *kernel,
			     enum number type, struct grid grid, unsigned shared, void **arguments,
			     struct err *err);

/* Normal data times SCALE. */
int device_fill_normal(struct gpu_context *gpu, uint64_t address, enum number type, size_t count,
		       uint64_t seed, float scale, struct err *err);

enum content { CONTENT_NORMAL, CONTENT_LATTICE };

/* New random weights: normal values quantised by our own kernel, or lattice codes with absmax 1, 2
 * or 4. NESTED adds the second level; then `weights` is nested and `plain` its exact decoding. */
int matrix_make(struct gpu_context *gpu, unsigned n, unsigned k, enum content content, bool nested,
		uint64_t seed, struct matrix *out, struct err *err);
/* From bytes of a checkpoint, to be freed in the same way. */
int matrix_load(struct gpu_context *gpu, unsigned n, unsigned k, unsigned blocksize,
		const uint8_t *packed, const float *absmax, const uint8_t *codes,
		const float *scales, const float *map, float offset, struct matrix *out,
		struct err *err);
void matrix_done(struct gpu_context *gpu, struct matrix *matrix);

#endif
