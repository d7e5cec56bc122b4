/*
 * When requests are to be sent: offsets from the start of a run, made one after the other. The
 * same seed gives the same times on every machine. Pure; trace files are read from memory.
 */
#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define SCHEDULE_REQUESTS_MAX UINT64_C(100000000)
#define SCHEDULE_RATE_MAX 1e6 /* requests a second */

enum arrival {
	ARRIVAL_CONSTANT, /* evenly */
	ARRIVAL_POISSON,  /* independent arrivals, exponential gaps */
	ARRIVAL_RAMP,	  /* evenly, from one rate to another, linear in time */
	ARRIVAL_TRACE,	  /* as a file says */
};

struct schedule_options {
	enum arrival arrival;
	double rate;	      /* requests a second */
	double rate_end;      /* ARRIVAL_RAMP: the last one */
	uint64_t duration_ns; /* requests are sent for so long; ARRIVAL_TRACE: unused */
	uint64_t requests;    /* and so many at most; 0: as many as fit */
	uint64_t seed;
	const uint64_t *trace; /* ARRIVAL_TRACE: offsets, sorted, borrowed */
	size_t trace_count;
};

struct schedule {
	struct schedule_options options;
	uint64_t made;
	uint64_t state; /* of the random numbers */
	double at_s;	/* ARRIVAL_POISSON: the last time */
};

void schedule_init(struct schedule *schedule, const struct schedule_options *options);
/* The next time in OUT, ns from the start; false when there is none. */
bool schedule_next(struct schedule *schedule, uint64_t *out);

/*
 * Read a trace: one request a line, seconds from the start as a decimal number, in any order;
 * empty lines and lines that begin with '#' are passed over. LEN bytes of TEXT; OUT is the arena's,
 * sorted. ERR_USAGE with the line.
 */
int trace_read(const char *text, size_t len, struct arena *arena, uint64_t **out, size_t *count,
	       struct err *err);

#endif
