/*
 * Run directories: `.assay/runs/<id>/{run.json, journal.jsonl, build.log, facts.json, lock,
 * cases/<name>/…}`, the contract between executors, reports, gate and history.
 *
 * The lock is held while the run's process lives, so a directory whose lock can be taken and
 * whose run.json is still open belongs to a process that was killed.
 */
#ifndef EXEC_RUNDIR_H
#define EXEC_RUNDIR_H

#include "base/err.h"
#include "base/json.h"
#include "model/run.h"

struct rundir;

/* Make the folder STATE, with a .gitignore of its own so that the user's `git status` stays as it
 * was. */
int rundir_state_open(const char *state, struct err *err);

/* Make STATE/runs/<run->id>, take its lock, write run.json with the verdict open. Opens STATE. */
int rundir_create(const char *state, const struct run *run, struct rundir **out, struct err *err);
/* Release; the directory stays. NULL is allowed. */
void rundir_close(struct rundir *dir);

const char *rundir_path(const struct rundir *dir);
const char *rundir_state(const struct rundir *dir); /* absolute path of STATE */
const char *rundir_lock(const struct rundir *dir);  /* absolute path of the lock file */

/* Append to build.log; errors are kept and returned by rundir_finish. */
void rundir_log(struct rundir *dir, const char *data, size_t len);
/* Write cases/<name>/{stdout,stderr,result.json} and the case's files, then append the case to
 * journal.jsonl: what the journal has is whole. Several threads may call it, each for cases of its
 * own. */
int rundir_case(struct rundir *dir, const struct case_result *result, struct err *err);
/* Write facts.json, what was read from the image, and free FACTS. */
int rundir_facts(struct rundir *dir, struct json *facts, struct err *err);
/* Write the final run.json. */
int rundir_finish(struct rundir *dir, const struct run *run, struct err *err);

/*
 * Find runs under STATE whose process was killed before it had recorded them. FOUND is called with
 * each: one that was still open has what its journal knows filled in and the verdict infra; one
 * that was decided is as it was. Then run.json is rewritten. Temporary files are removed.
 */
int rundir_sweep(const char *state, int (*found)(void *payload, struct run *run, struct err *err),
		 void *payload, struct err *err);

#endif
