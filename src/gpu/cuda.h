/*
 * CUDA without CUDA: driver, runtime and cuBLAS found by dlopen, called through tables.
 *
 * The driver (libcuda.so.1) does all of our own work. The runtime is the image's, loaded before
 * the library under test so that both share one instance; it is asked for errors only. Never used
 * in a process that forks afterwards.
 */
#ifndef GPU_CUDA_H
#define GPU_CUDA_H

#include "base/err.h"
#include "gpu/dispatch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As the driver's header has them: one attribute of a launch, and a launch with attributes. */
struct launch_attribute {
	int id;
	char pad[4];
	union {
		char room[64];
		int value;
	} value;
};

struct launch_config {
	unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z;
	unsigned shared_bytes;
	void *stream;
	struct launch_attribute *attributes;
	unsigned attribute_count;
};

#define FUNCTION(result, name, arguments) result(*name) arguments;
struct driver {
#include "gpu/cuda_driver.def"
};
struct runtime {
#include "gpu/cuda_runtime.def"
};
struct blas {
#include "gpu/cuda_blas.def"
};
#undef FUNCTION

#define CARD_NAME_MAX 128

struct card_info {
	char name[CARD_NAME_MAX]; /* "NVIDIA H100 80GB HBM3" */
	struct card card;
	uint64_t memory_bytes;
	uint64_t l2_bytes;
	int driver_cuda; /* highest CUDA of the driver, 13000 is 13.0 */
};

struct gpu_context {
	struct driver driver;
	struct runtime runtime; /* NULL functions: no runtime loaded */
	struct blas blas;	/* NULL functions: no cuBLAS loaded */
	struct card_info info;
	void *kernels; /* our module */
	void *mutants; /* loaded on first use */
	void *stream;  /* non-blocking */
	void *blas_handle;
};

/* Open the driver and card 0, make a context, load our kernels. ERR_NOTFOUND: no driver or no card
 * (the message says which); anything else ERR_INFRA. */
int cuda_open(struct gpu_context *gpu, struct err *err);
/* The runtime or cuBLAS from what is loaded already; ERR_NOTFOUND names what is missing. */
int cuda_bind_runtime(struct gpu_context *gpu, void *library, struct err *err);
int cuda_bind_blas(struct gpu_context *gpu, void *library, struct err *err);

/* What the driver calls ERROR, "CUDA_ERROR_ILLEGAL_ADDRESS". */
const char *cuda_error_name(const struct gpu_context *gpu, int error);

/* Fail with ERR_INFRA "WHAT: NAME (CODE)" unless RESULT is 0; err->sys keeps the code. */
int cuda_check(const struct gpu_context *gpu, int result, const char *what, struct err *err);

#endif
