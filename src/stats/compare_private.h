/* Inside the room: the k-th smallest of all pairs, without making them. */
#ifndef STATS_COMPARE_PRIVATE_H
#define STATS_COMPARE_PRIVATE_H

#include "stats/summary.h"

#include <stdint.h>

struct sample {
	double *values; /* ascending */
	size_t count;
};

/* What the pairs of a sample, or of two that lie side by side, are. */
struct selection {
	double (*least)(const struct sample *samples);
	double (*greatest)(const struct sample *samples);
	/* How many are LIMIT or less; non-decreasing in it. */
	uint64_t (*below)(const struct sample *samples, double limit);
};

extern const struct selection stats__differences; /* b - a of two samples a and b */
extern const struct selection stats__averages;	  /* (x + y) / 2 of one, each with itself too */

/* The median of PAIRS pairs, and between which of them RANK from either end leaves it; RANK 0: not
 * known. */
struct stats_estimate stats__select(const struct selection *selection, const struct sample *samples,
				    uint64_t pairs, uint64_t rank);

#endif
