/*
 * Runs cases, each in a forked child with a deadline. The parent never touches CUDA: a child that
 * forks after CUDA started would inherit a broken context. A library that calls exit(1), faults,
 * hangs or traps costs its case alone.
 */
#ifndef GPU_CHILD_H
#define GPU_CHILD_H

#include "gpu/case.h"

#define CHILD_JOBS_MAX 16

/* Called in the parent when a case is done, in order of completion. */
typedef void child_done(void *payload, const struct gpu_case *item, const struct case_outcome *out);

/* Run COUNT cases, at most JOBS side by side; those marked `alone` run by themselves. PATHS is what
 * children load. -1 when no child could be made (ERR_INFRA) or on Ctrl-C (ERR_CANCELLED). */
int child_run_all(const struct gpu_case *items, size_t count, const struct library_paths *paths,
		  unsigned jobs, child_done *done, void *payload, struct err *err);

#endif
