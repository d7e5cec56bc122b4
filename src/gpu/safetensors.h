/*
 * Safetensors files, and bitsandbytes' 4-bit weights inside them. Pure: bytes in, structs out;
 * every offset and product is checked, nothing is copied but names.
 *
 * Layout: u64 length of a JSON header, the header, then the data; every tensor names its bytes.
 * A 4-bit weight W of a Transformers checkpoint is six tensors: W (u8), W.absmax (u8 when nested,
 * else f32), W.quant_map, W.nested_absmax, W.nested_quant_map and
 * W.quant_state.bitsandbytes__nf4, whose bytes are JSON. Source: QuantState.as_dict, 0.43 to 0.50.
 */
#ifndef GPU_SAFETENSORS_H
#define GPU_SAFETENSORS_H

#include "base/arena.h"
#include "base/err.h"
#include "gpu/nf4.h"
#include "gpu/number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAFETENSORS_HEADER_MAX ((size_t)100 * 1000 * 1000) /* the format's own limit */
#define SAFETENSORS_RANK_MAX 8
#define SAFETENSORS_COUNT_MAX 200000
#define SAFETENSORS_NAME_MAX 512

struct tensor {
	const char *name;
	char type[8]; /* "U8", "F32", "BF16" … */
	uint64_t shape[SAFETENSORS_RANK_MAX];
	unsigned rank;
	const uint8_t *data; /* borrowed from the file's bytes */
	size_t size;	     /* bytes */
};

struct safetensors {
	struct tensor *tensors; /* sorted by name */
	size_t count;
};

/* ERR_USAGE says what is wrong with the file. OUT borrows DATA and lives in ARENA. */
int safetensors_read(const void *data, size_t len, struct arena *arena, struct safetensors *out,
		     struct err *err);
const struct tensor *safetensors_find(const struct safetensors *file, const char *name);

struct weight4 {
	uint64_t n, k;	     /* [out, in] */
	unsigned blocksize;  /* elements per absmax */
	enum number type;    /* what it was quantised from and is dequantised to */
	const uint8_t *data; /* packed, n*k/2 bytes */
	bool nested;
	const float *absmax; /* decoded; n*k/blocksize of them */
	uint64_t absmax_count;
	/* Nested only: as stored. */
	const uint8_t *codes;
	const float *scales;
	const float *map; /* NESTED_CODES */
	float offset;
};

/* The 4-bit NF4 weight NAME of FILE; ERR_NOTFOUND: no such weight, ERR_USAGE: it is malformed or of
 * another kind (FP4, other blocks). Arrays of floats are copied into ARENA, which aligns them. */
int safetensors_weight4(const struct safetensors *file, const char *name, struct arena *arena,
			struct weight4 *out, struct err *err);

/* The name of the INDEXth 4-bit weight, NULL at the end. In ARENA. */
const char *safetensors_weight4_name(const struct safetensors *file, size_t index,
				     struct arena *arena);

#endif
