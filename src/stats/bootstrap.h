/*
 * The interval of any statistic, from samples drawn again out of the sample. Pure; any thread; the
 * same seed gives the same interval on every machine.
 */
#ifndef STATS_BOOTSTRAP_H
#define STATS_BOOTSTRAP_H

#include "stats/summary.h"

#include <stdint.h>

#define STATS_RESAMPLES_MAX ((size_t)1000000)

/* Of COUNT values, one at least, in any order. */
typedef double stats_statistic(const double *values, size_t count, void *context);

enum stats_bootstrap_method {
	BOOTSTRAP_PERCENTILE, /* Efron (1981), Canadian Journal of Statistics 9 */
	BOOTSTRAP_BCA,	      /* bias-corrected and accelerated: Efron (1987), JASA 82 */
};

struct stats_bootstrap {
	enum stats_bootstrap_method method;
	stats_statistic *statistic;
	void *context;	   /* the statistic's */
	size_t resamples;  /* 1 to STATS_RESAMPLES_MAX */
	double confidence; /* 0..1, both excluded */
	uint64_t seed;
};

/*
 * The statistic of the values, and its interval. Two values are needed. Without an interval though
 * nothing more is needed: BCa has none where no resample's statistic lies on one side of the
 * sample's. ERR_USAGE for values or statistics that are not finite, for no values and for
 * options outside of their range.
 */
int stats_bootstrap(const struct stats_bootstrap *options, const double *values, size_t count,
		    struct stats_estimate *out, struct err *err);

#endif
