/*
 * The chain: one suite on one commit, from resolving the commit to the recorded verdict. `run` is
 * its first user; whatever probes commits (bisect) is the next.
 */
#ifndef CMD_CHAIN_H
#define CMD_CHAIN_H

#include "cmd/cmd.h"
#include "engine/engine.h"
#include "exec/rundir.h"

struct chain_request {
	const char *repo;	/* folder, "." */
	const char *commit;	/* revision */
	const char *suite_file; /* NULL: assay.jsonc of the commit */
	struct strings only;
	struct strings targets; /* replaces the suite's; empty: the suite's */
	struct pairs vars;
	const char *history;  /* URL or NULL */
	const char *engine;   /* host or NULL */
	const char *baseline; /* revision, NULL: nearest ancestor with a completed run */
	int64_t jobs;
	/* Revision or image to measure against, NULL: none; and how (stats/gate.h). */
	const char *against;
	struct strings metrics; /* patterns of names; empty: every one */
	double margin;
	int64_t pairs;
	bool rerun_failures;	/* as a suite's: make failed checks again */
	bool once;		/* make no check again, whatever the suite says */
	bool reuse;		/* take over check results of equal inputs */
	bool changed;		/* and all that the change cannot affect */
	bool rebuild;		/* build even when an image of equal inputs exists */
	bool no_cache;		/* and without the builder's cache */
	const char *cache_from; /* and with the layers of this image for a cache; NULL: none */
	/* Progress for people, one line at a time; never NULL. */
	void (*say)(void *payload, const char *line);
	/* How long it may still take, by the history; NULL: nobody wants to know. */
	void (*left)(void *payload, uint64_t left_ns);
	void *payload;
};

/*
 * Run the chain. 0: *OUT is a recorded run, whatever its verdict; its directory's path is copied
 * to FOLDER. -1: nothing could be recorded: ERR_USAGE (revision, suite, Dockerfile path),
 * ERR_INFRA (no engine, no history, disk full). An interrupted run is recorded with verdict infra
 * and returned with -1 and ERR_CANCELLED; *OUT is set then too.
 */
int chain_run(const struct chain_request *request, struct run **out, char *folder,
	      size_t folder_size, struct err *err);

#endif
