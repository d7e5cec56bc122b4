/* The knee: the highest rate at which a service still answers well. */
#ifndef LOAD_SWEEP_H
#define LOAD_SWEEP_H

#include "load/load.h"

#define SWEEP_STEPS_MAX 64

struct sweep_options {
	double from, to;  /* requests a second, tried at most */
	double share;	  /* of requests that must be good at a rate that holds */
	uint64_t step_ns; /* how long each rate is held */
	uint64_t lag_ns;  /* p99 of send lag above which the client was the limit */
};

struct sweep_step {
	double rate, goodput;
	bool holds;
};

struct sweep_result {
	double knee; /* the highest rate that held, 0: none did */
	bool open;   /* the highest rate tried held: the knee is above it */
	bool client; /* the client was the limit at the rate above the knee */
	struct sweep_step steps[SWEEP_STEPS_MAX];
	size_t count;
};

/* Double the rate until it no longer holds, then halve the interval until it is a twentieth wide.
 * OPTIONS are of each step; its schedule's rate, duration and requests are set here. Errors as
 * load_run. */
int load_sweep(const struct load_options *options, const struct sweep_options *sweep,
	       struct arena *arena, struct sweep_result *out, struct err *err);

#endif
