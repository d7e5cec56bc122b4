/* GPUs that a suite or a scan can name as a target; each row of gpu.def names its source. */
#ifndef MODEL_GPU_H
#define MODEL_GPU_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct gpu {
	const char *name;    /* "rtx5090" */
	const char *title;   /* "NVIDIA GeForce RTX 5090" */
	unsigned cc;	     /* 120 */
	uint64_t memory_mib; /* what nvidia-smi reports, else as sold; 0 unknown */
	unsigned driver_min; /* lowest driver branch that knows the card, 570 */
	int datacenter;	     /* forward compatibility (cuda-compat) works */
	const char *source;
};

extern const struct gpu gpu_table[]; /* ends with a NULL name */
/* By name as people write it ("RTX 5090", "rtx-5090", "NVIDIA GeForce RTX 5090", "5090"), or by
 * "sm_120" / "12.0" for a card without a row of its own (memory unknown). NULL: unknown. */
const struct gpu *gpu_find(const char *name);

/* Card and driver of a cell as assay-gpu writes it, "NVIDIA H100 80GB HBM3, sm_90, driver
 * 580.159.04 CUDA 13.0": "NVIDIA H100 80GB HBM3" and "580.159.04" in ARENA. False: it names no
 * driver, and OUT is untouched. */
struct gpu_cell {
	const char *card, *driver;
};
bool gpu_cell_read(const char *cell, struct arena *arena, struct gpu_cell *out);

#endif
