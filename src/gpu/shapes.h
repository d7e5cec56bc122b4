/* The matrices of Mixtral 8x7B, and the rows of activations at which something changes. */
#ifndef GPU_SHAPES_H
#define GPU_SHAPES_H

#include <stddef.h>

struct shape_of {
	const char *name;
	unsigned n, k;
};

/* w13: gate and up of one expert fused, the widest row that is deployed. */
static const struct shape_of shapes_all[] = {
	{"w1", 14336, 4096}, {"w2", 4096, 14336}, {"q", 4096, 4096},
	{"k", 1024, 4096},   {"qkv", 6144, 4096}, {"w13", 28672, 4096},
};

#define SHAPES_COUNT (sizeof(shapes_all) / sizeof(*shapes_all))

/* Edges of tiles and of the dispatch rules. */
static const unsigned shapes_rows[] = {1, 2, 4, 5, 8, 16, 17, 32, 33, 64};

#define SHAPES_ROWS_COUNT (sizeof(shapes_rows) / sizeof(*shapes_rows))

#define MOE_EXPERTS 8
#define MOE_HIDDEN 4096
#define MOE_INNER 14336

#endif
