/*
 * Two samples, or the differences of pairs, without a word about their distribution. Pure; any
 * thread. Time grows with the number of values and memory never with the number of their pairs.
 *
 * Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd edition, chapters 3 and 4.
 * Every function refuses values that are not finite and samples without one (ERR_USAGE), and more
 * values than STATS_VALUES_MAX (ERR_LIMIT).
 */
#ifndef STATS_COMPARE_H
#define STATS_COMPARE_H

#include "stats/summary.h"

#define STATS_VALUES_MAX ((size_t)100000000)

struct stats_test {
	double statistic;
	double p;   /* of two sides */
	bool exact; /* else by the normal distribution, for ties and with continuity corrected */
};

/*
 * Mann and Whitney (1947): do values of B tend to be larger or smaller than those of A? The
 * statistic is the number of pairs in which B's is the larger, ties half. Exact below 50 values a
 * side without ties, as in R.
 */
int stats_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count,
		       struct stats_test *out, struct err *err);
/* The least p that so many values can have, when they do not overlap at all. */
double stats_mann_whitney_least(size_t a_count, size_t b_count);

/* How far B is shifted from A: the median of all differences b - a (Hodges and Lehmann 1963) and
 * Moses's interval. `needed` is values on each side. */
int stats_shift(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
		struct stats_estimate *out, struct err *err);

/* Wilcoxon (1945): do differences of pairs lie about zero? The statistic is the sum of the ranks of
 * positive ones; zeros are left out. Exact below 50 without ties. */
int stats_signed_rank(const double *differences, size_t count, struct stats_test *out,
		      struct err *err);

/* The middle of the differences: the median of their Walsh averages and Tukey's interval. */
int stats_paired_shift(const double *differences, size_t count, double confidence,
		       struct stats_estimate *out, struct err *err);

#endif
