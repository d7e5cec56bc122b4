/* GPUs that a suite or a scan can name as a target; each row of gpu.def names its source. */
#ifndef MODEL_GPU_H
#define MODEL_GPU_H

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

#endif
