/*
 * Which libbitsandbytes an image would load: the rule of each release, on names alone. Pure.
 *
 * Up to 0.49 the file named after torch's CUDA version or nothing; BNB_CUDA_VERSION swaps the
 * digits unless empty. From 0.50 on the nearest version of the same major; an override is taken
 * literally, and an empty one raises. Up to 0.45 a missing file silently means the CPU library.
 * Source: cextension.py of the releases.
 */
#ifndef GPU_SELECT_H
#define GPU_SELECT_H

#include <stddef.h>

#define SELECT_NAME_MAX 96
#define SELECT_WHY_MAX 256

enum select_how {
	SELECT_EXACT,
	SELECT_OVERRIDE,     /* BNB_CUDA_VERSION decided */
	SELECT_NEAREST,	     /* 0.50: another version of the same major */
	SELECT_MISSING,	     /* the file wanted is not there: every call raises */
	SELECT_CPU,	     /* up to 0.45: the CPU library is loaded, with a warning */
	SELECT_BAD_OVERRIDE, /* 0.50: import raises */
};

struct select_input {
	unsigned release;	  /* 43 to 50, of 0.x */
	unsigned major, minor;	  /* torch's CUDA */
	const char *override;	  /* BNB_CUDA_VERSION, NULL: not set */
	const char *const *files; /* names in the package's folder */
	size_t file_count;
};

struct select_output {
	enum select_how how;
	char file[SELECT_NAME_MAX]; /* name wanted or found, "" for SELECT_BAD_OVERRIDE */
	char why[SELECT_WHY_MAX];   /* one sentence */
};

void select_library(const struct select_input *in, struct select_output *out);

#endif
