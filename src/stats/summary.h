/*
 * What one sample says of itself. Pure; any thread.
 *
 * Functions of SORTED values take finite ones in ascending order, as stats_sorted() makes them. Of
 * no value at all every number is NaN.
 */
#ifndef STATS_SUMMARY_H
#define STATS_SUMMARY_H

#include "base/err.h"
#include "stats/distributions.h"

#include <stdbool.h>
#include <stddef.h>

/* A number with its interval, or the number of values that the interval would take. */
struct stats_estimate {
	double value;
	double low, high; /* NaN: too few values */
	size_t needed;	  /* values for an interval; 0: it is there */
};

struct stats_summary {
	size_t count; /* finite values; others are passed over */
	double minimum, maximum;
	double mean;
	double sd; /* with count - 1; NaN for one value */
	double median;
};

/* The finite ones of ALL samples in ascending order, *COUNT of them; the caller frees them. */
double *stats_sorted(const double *samples, size_t all, size_t *count);
/* ERR_USAGE where one of COUNT values is NaN or infinite. */
int stats_check(const double *values, size_t count, struct err *err);
/* ERR_USAGE unless CONFIDENCE lies between 0 and 1, both excluded. */
int stats_check_confidence(double confidence, struct err *err);

struct stats_summary stats_summarise(const double *samples, size_t all);
struct stats_summary stats_summarise_sorted(const double *sorted, size_t count);

double stats_median(const double *sorted, size_t count);
/* The quantile of SHARE (0..1), between two values by their distance: definition 7 of Hyndman and
 * Fan (1996), The American Statistician 50, which NumPy and R take too. */
double stats_quantile(const double *sorted, size_t count, double share);
/* The median distance from the median. Times 1.4826 it estimates a normal sd. */
double stats_mad(const double *sorted, size_t count);

/*
 * Ranks, from 1, of the values between which the population's quantile of SHARE lies with at least
 * CONFIDENCE, whatever the distribution: B ~ Binomial(count, SHARE) values lie below it. Neither
 * side fails more often than half of what is left. David and Nagaraja, Order Statistics, 3rd
 * edition, section 7.1. 0, or the number of values needed, when COUNT is too few: OUT is then
 * untouched. SHARE and CONFIDENCE lie between 0 and 1, both excluded.
 */
size_t stats_quantile_ranks(size_t count, double share, double confidence, size_t out[2]);
/* The quantile with this interval. */
struct stats_estimate stats_quantile_interval(const double *sorted, size_t count, double share,
					      double confidence);
struct stats_estimate stats_median_interval(const double *sorted, size_t count, double confidence);

#endif
