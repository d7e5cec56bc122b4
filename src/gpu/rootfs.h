/* What an image would load: bitsandbytes, torch's CUDA version, CUDA libraries; from files alone.
 */
#ifndef GPU_ROOTFS_H
#define GPU_ROOTFS_H

#include "base/arena.h"
#include "gpu/library.h"
#include "gpu/select.h"

struct rootfs {
	const char *package;		 /* folder of bitsandbytes, NULL: none */
	const char *version;		 /* of bitsandbytes, "0.50.1"; NULL: unknown */
	unsigned release;		 /* 50 */
	const char *torch;		 /* folder of torch, NULL: none */
	unsigned cuda_major, cuda_minor; /* torch's; 0: unknown, or a CPU build */
	const char **files;		 /* names in the package's folder */
	size_t file_count;
	const char **folders; /* with libcudart or other CUDA libraries */
	size_t folder_count;
};

/* Walk ROOT ("/" inside a container) without following links out of it. ERR_NOTFOUND: ROOT cannot
 * be read. */
int rootfs_read(const char *root, struct arena *arena, struct rootfs *out, struct err *err);

/* By the release's rule with OVERRIDE (BNB_CUDA_VERSION, NULL: unset): fills PATHS, library "" when
 * nothing is loaded, and SELECTED. ERR_NOTFOUND: no bitsandbytes or no torch. */
int rootfs_select(const struct rootfs *rootfs, const char *override, struct library_paths *paths,
		  struct select_output *selected, struct err *err);

/* "cuda: Optional[str] = '13.0'" of torch/version.py into MAJOR and MINOR; -1 when there is none.
 */
int rootfs_torch_cuda(const char *text, unsigned *major, unsigned *minor);

#endif
