/* The local executor: cases of a suite against a target, side by side, each with a time limit. */
#ifndef EXEC_EXEC_H
#define EXEC_EXEC_H

#include "exec/rundir.h"
#include "model/run.h"
#include "model/target.h"
#include "suite/suite.h"

#define EXEC_JOBS_MAX 64

struct exec_options {
	unsigned jobs;	    /* cases at once, 1..EXEC_JOBS_MAX */
	struct rundir *dir; /* may be NULL */
	/* How often RESULT, which failed, is made again where its check does not say; NULL: never.
	 * Several threads may call it. */
	unsigned (*reruns)(void *payload, const struct case_result *result);
	bool once; /* make nothing again, whatever checks say */
	/* Called under a lock when a case has ended. May be NULL. */
	void (*progress)(void *payload, const struct case_result *result);
	void *payload;
};

/* Add one case per check of SUITE to RUN (with several targets one per target the check names),
 * all notrun because of REASON. */
void exec_plan(const struct suite *suite, struct run *run, const char *reason);

/*
 * Does OLD, a run of equal image inputs, decide the case NOW of SUITE? Only when that asserts the
 * same, and never what looks at the commit as well. What asks a service or a GPU is asked anew,
 * unless only what CHANGED is asked for and the service is the image's own.
 */
bool exec_can_reuse(const struct suite *suite, const struct case_result *now, const struct run *old,
		    bool changed);

/* Take over results of OLD for cases that are still notrun: those that exec_can_reuse. Returns
 * how many. */
size_t exec_reuse(const struct suite *suite, struct run *run, const struct run *old, bool changed);

/*
 * Run every case that is still notrun, and again those that fail and are to be rerun: their own
 * result is that of the first time, with every attempt noted. Results land in RUN and in the run
 * directory. 0 also when checks fail or break; -1 when results could not be kept, or interrupted
 * (ERR_CANCELLED, the remaining cases stay notrun).
 */
int exec_run(const struct suite *suite, const struct target *target, struct run *run,
	     const struct exec_options *options, struct err *err);

#endif
