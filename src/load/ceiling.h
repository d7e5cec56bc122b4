/*
 * What this client can do on this machine, known before a service is blamed: load on a server in
 * this process that answers at once. The server takes a core of its own where there is one; a
 * service elsewhere leaves the client more.
 */
#ifndef LOAD_CEILING_H
#define LOAD_CEILING_H

#include "load/load.h"

struct load_ceiling {
	double one_core;   /* requests/s of one thread in a closed loop */
	uint64_t lag_ns;   /* p99 of its lateness in sending at the rate that was asked for */
	double cpu_share;  /* of the busiest thread then, 0..1 */
	unsigned threads;  /* then */
	uint64_t failures; /* of all requests; a server that does nothing else fails none */
};

/* RATE requests a second for DURATION_NS, after as long of a closed loop. ERR_INFRA: out of files,
 * of ports. */
int load_ceiling(double rate, uint64_t duration_ns, struct load_ceiling *out, struct err *err);

#endif
