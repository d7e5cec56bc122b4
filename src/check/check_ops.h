/*
 * What a check kind must provide. One file src/check/<kind>.c and one line in kinds.def add one.
 * A kind never builds, starts or stops anything and never prints.
 */
#ifndef CHECK_CHECK_OPS_H
#define CHECK_CHECK_OPS_H

#include "base/field.h"
#include "base/file.h"
#include "model/run.h"
#include "model/target.h"

enum check_need {
	NEED_IMAGE = 1 << 0,   /* image configuration and files */
	NEED_COMMAND = 1 << 1, /* runs commands in the image */
	NEED_GPU = 1 << 2,
	NEED_SERVICE = 1 << 3, /* asks the suite's service */
	NEED_COMMIT = 1 << 4,  /* looks at files of the commit or at its baseline, too */
};

struct check_ctx {
	const struct target *target;
	struct arena *arena; /* of this case: results, captured output */
	uint64_t timeout_ns; /* what is left of the case's time limit */
	size_t output_max;
	bool isolated;		/* commands run in a container of their own with a writable root */
	struct strings targets; /* GPUs the case is about: its own, else all of the suite */
};

struct check_ops {
	const char *kind;    /* "version": equals file ("_" for "-"), schema and docs name */
	const char *summary; /* one line for lists and the man page */
	unsigned needs;
	bool per_target; /* judged for each target of the suite, unless a check names its own;
			    ctx->target->name says for which */
	const char *unavailable;    /* non-NULL: compiled out, and why; still listed */
	const struct field *fields; /* spec table, ends with a NULL name */
	size_t spec_size;	    /* bytes of the struct the table fills */
	/* Optional: what the table cannot say (keys that exclude each other, …). ERR_USAGE without
	 * location; the loader adds it. */
	int (*validate)(const void *spec, struct err *err);
	/* Optional: read files that the spec names into it, once, when the suite is loaded; paths
	 * are relative to the suite's folder, memory is ARENA's. ERR_USAGE "FILE:L:C: …". */
	int (*load)(void *spec, const struct file_reader *files, struct arena *arena,
		    struct err *err);
	/* Required: judge one case; OUT has name and kind already. 0: OUT holds an outcome, also a
	 * failing one. -1 with ERR: the check could not be made (broken). May block. */
	int (*run)(struct check_ctx *ctx, const void *spec, struct case_result *out,
		   struct err *err);
	/* Optional: does it ask something that is not of the image, such as a URL of its own? */
	bool (*elsewhere)(const void *spec);
};

/* Every kind, sorted by name, NULL-terminated. */
extern const struct check_ops *const check_kinds[];
const struct check_ops *check_find(const char *kind);

#define KIND(name) extern const struct check_ops check_##name;
#include "check/kinds.def"
#undef KIND

#endif
