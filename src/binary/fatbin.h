/*
 * Device code inside a file: NVIDIA fatbins, read without decompressing anything.
 *
 * The layout is not published; fields and flags used here were found by compiling with nvcc 13.0
 * and agree with cuobjdump on the libraries of torch, bitsandbytes, cuBLAS, cuDNN and NCCL
 * (tests/bench/facts.py). Pure; DATA may be a mapping: only headers are touched.
 */
#ifndef BINARY_FATBIN_H
#define BINARY_FATBIN_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FATBIN_COUNT_MAX 1000000  /* fatbins of one file */
#define FATBIN_ENTRY_MAX 10000000 /* entries of one file */

enum fatbin_kind { FATBIN_PTX = 1, FATBIN_SASS = 2 };

/* One architecture of one file, entries of all its fatbins counted together. */
struct fatbin_arch {
	unsigned cc; /* 120 is compute capability 12.0 */
	char suffix; /* 'a' (this GPU only), 'f' (its family), 0: none */
	enum fatbin_kind kind;
	uint64_t entries;
	uint64_t fatbins; /* fatbins that hold at least one such entry */
	uint64_t bytes;	  /* payload as stored */
};

struct fatbin_summary {
	struct fatbin_arch *archs; /* sorted by kind (SASS first), cc, suffix */
	size_t arch_count;
	uint64_t fatbin_count; /* with at least one entry; stubs of a device link count apart */
	uint64_t stub_count;
	bool zstd; /* some entry is zstd-compressed: needs driver 550.54.14 */
	const char
		*malformed; /* what was wrong with bytes that look like a fatbin, NULL: nothing */
};

/* Walk the fatbins that lie back to back in DATA (a section .nv_fatbin, or __nv_relfatbin of an
 * object: in a linked file that one is never loaded and binary_read passes it over), adding
 * to OUT, which starts zeroed. Malformed bytes end the walk and are reported in OUT, never by
 * failing. ARENA owns what OUT points to. */
void fatbin_walk(const void *data, size_t len, struct arena *arena, struct fatbin_summary *out);
/* The same for bytes that may be anything, as in a file without section headers: fatbins are found
 * by their magic at 8-byte boundaries, what merely looks like one is passed over in silence. */
void fatbin_scan(const void *data, size_t len, struct arena *arena, struct fatbin_summary *out);

enum fatbin_fit { FATBIN_NONE, FATBIN_JIT, FATBIN_NATIVE };

/* Can a GPU of compute capability CC (120) run code of ARCH? SASS: same major, minor not higher;
 * "a": exactly that one; "f": same major, minor not lower than its own. PTX: not higher than CC,
 * "a" never elsewhere. (NVIDIA Blackwell compatibility guide.) */
enum fatbin_fit fatbin_fits(const struct fatbin_arch *arch, unsigned cc);
/* The best of all architectures that are there for the library as a whole. One found in less than
 * half as many fatbins as the commonest serves a few kernels only, and does not count: the
 * feature-specific "a" code of a library is such, and so is a build that lost an architecture. */
enum fatbin_fit fatbin_best(const struct fatbin_summary *summary, unsigned cc);

/* "75 80 86 90 100a 120 +PTX 120", "none" when there is no device code. */
const char *fatbin_text(const struct fatbin_summary *summary, struct arena *arena);

#endif
