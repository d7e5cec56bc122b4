/*
 * Distributions and what they say of a rate: pure, no state, any thread.
 *
 * Of own making since the GNU Scientific Library is under a licence that a program under ours could
 * not be given away with. An argument outside of its domain, NaN among them, gives NaN.
 */
#ifndef STATS_DISTRIBUTIONS_H
#define STATS_DISTRIBUTIONS_H

#include <stdint.h>

struct stats_interval {
	double low, high;
};

/* P(Z <= z) of the standard normal distribution. */
double stats_normal_cdf(double z);
/* The z with P(Z <= z) = P, 0..1; below DBL_MIN counts as 0, whose quantile is -INFINITY. */
double stats_normal_quantile(double p);

/* The regularised incomplete beta function I_x(a, b): P(X <= x) for X ~ Beta(a, b); a, b > 0. */
double stats_beta_cdf(double a, double b, double x);
/* The x with I_x(a, b) = P. */
double stats_beta_quantile(double a, double b, double p);

/* P(T <= t) of Student's t with DF > 0 degrees of freedom; the lower tail keeps its digits, so a
 * p value is 2 * stats_student_cdf(-fabs(t), df). */
double stats_student_cdf(double t, double df);
double stats_student_quantile(double p, double df);

/* P(Binom(N, P) <= K). */
double stats_binomial_cdf(uint64_t k, uint64_t n, double p);

/*
 * Intervals of a rate of which K of N trials were seen, at CONFIDENCE (0..1, both excluded). None
 * is known for N = 0: 0 to 1.
 *
 * Clopper and Pearson (1934), Biometrika 26: covers at least as often as CONFIDENCE says.
 * Wilson (1927), JASA 22: covers about as often, and is narrower.
 */
struct stats_interval stats_clopper_pearson(uint64_t k, uint64_t n, double confidence);
struct stats_interval stats_wilson(uint64_t k, uint64_t n, double confidence);
/* The rate that is not exceeded at CONFIDENCE: Clopper and Pearson's bound of one side. */
double stats_rate_at_most(uint64_t k, uint64_t n, double confidence);

#endif
