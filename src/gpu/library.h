/*
 * The library under test, as its Python side calls it. Loaded in the child of one case.
 *
 * All pointers are device pointers. Nothing is returned: older entry points call exit(1) on an
 * error, newer ones report nothing, so callers poison outputs and ask the shared runtime.
 * Source: pythonInterface.cpp and ops.py of bitsandbytes 0.43 to 0.50.
 */
#ifndef GPU_LIBRARY_H
#define GPU_LIBRARY_H

#include "base/err.h"
#include "gpu/cuda.h"
#include "gpu/number.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define LIBRARY_FOLDERS_MAX 32
#define LIBRARY_RELEASE_FIRST 43
#define LIBRARY_RELEASE_LAST 50
#define LIBRARY_NF4 2 /* quant_type of cgemm_4bit_* */

/* One row of activations; m is the library's word for N. The last argument came with 0.44; earlier
 * releases ignore it, which the calling convention allows. */
typedef void library_gemv(int m, int n, int k, const void *a, const void *b, const void *absmax,
			  const void *code, void *out, int lda, int ldb, int ldc, int blocksize,
			  void *stream);
typedef void library_fused(const void *a, const void *b, const void *absmax,
			   const void *absmax_8bit, const void *absmax_code,
			   const void *absmax_offset, void *out, const void *bias, int m, int n,
			   int k, int blocksize, int quant_type, void *stream);
typedef void library_dequantise(const void *code, const void *a, const void *absmax, void *out,
				int blocksize, int n, void *stream);
typedef void library_quantise(const void *code, const void *a, void *absmax, void *out,
			      int blocksize, int n); /* on the default stream */

struct library {
	void *handle;
	const char *path;
	unsigned release;    /* minor of 0.x: what the package says, else what the symbols show */
	bool static_runtime; /* carries a CUDA runtime of its own */
	char missing[256];   /* symbols that the release should have and that are absent */
#define FUNCTION(member, type, name, suffix, since, until) type *member[NUMBER_COUNT];
#include "gpu/library.def"
#undef FUNCTION
};

/* Where things are; found by the parent, used by the child. */
struct library_paths {
	char library[PATH_MAX];			     /* "": none */
	char folders[LIBRARY_FOLDERS_MAX][PATH_MAX]; /* with the image's CUDA libraries */
	size_t folder_count;
	unsigned cuda_major; /* of the library's name, 0: unknown */
	unsigned release;    /* of the package, 0: unknown */
};

/* Load the image's CUDA libraries, then the library; bind runtime and cuBLAS of GPU. ERR_NOTFOUND:
 * a file is missing, ERR_USAGE: dlopen refuses; the message is the loader's. */
int library_open(struct gpu_context *gpu, const struct library_paths *paths, struct library *out,
		 struct err *err);

/* The CUDA major of "libbitsandbytes_cuda130.so", 13; 0 when PATH is named otherwise. */
unsigned library_cuda_major(const char *path);

#endif
