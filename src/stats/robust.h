/*
 * Means that one outlier does not move. Pure; any thread.
 */
#ifndef STATS_ROBUST_H
#define STATS_ROBUST_H

#include "stats/summary.h"

/*
 * The winsorised sample: of COUNT values the `cut` lowest become the next one above them, the `cut`
 * highest the next one below, cut = SHARE * COUNT, rounded down. Dixon and Tukey (1968),
 * "Approximate Behavior of the Distribution of Winsorized t", Technometrics 10.
 */
struct stats_winsorised {
	size_t count, cut;
	double mean, sd; /* of the winsorised sample; the sd, with count - 1, of one value is NaN */
	/* The standard error of the mean and its degrees of freedom: sd / sqrt(count) times
	 * (count - 1) / (count - 2 cut - 1), as Dixon and Tukey have it; NaN without freedom. */
	double error, freedom;
};

/* SHARE: 0 to below 0.5. ERR_USAGE where it is not, where a value is not finite, or for none. */
int stats_winsorise(const double *values, size_t count, double share, struct stats_winsorised *out,
		    struct err *err);

/* The winsorised mean and its two-sided t interval at CONFIDENCE (0..1, both excluded), for a
 * distribution that is about symmetric. Values of which most are the same have an interval without
 * width. Errors as above. */
int stats_winsorised_interval(const double *values, size_t count, double share, double confidence,
			      struct stats_estimate *out, struct err *err);

#endif
