#include "stats/beta_binomial.h"

#include <math.h>

static bool is_belief(struct stats_belief belief)
{
	return belief.a > 0 && belief.b > 0 && isfinite(belief.a) && isfinite(belief.b);
}

struct stats_belief stats_belief_update(struct stats_belief prior, uint64_t k, uint64_t n)
{
	if (k > n)
		return (struct stats_belief){NAN, NAN};
	return (struct stats_belief){prior.a + (double)k, prior.b + (double)(n - k)};
}

struct stats_estimate stats_belief_rate(struct stats_belief belief, double credibility)
{
	struct stats_estimate out = {NAN, NAN, NAN, 0};
	double alpha = (1 - credibility) / 2;

	if (!is_belief(belief) || !(credibility > 0 && credibility < 1))
		return out;
	out.value = belief.a / (belief.a + belief.b);
	out.low = stats_beta_quantile(belief.a, belief.b, alpha);
	out.high = stats_beta_quantile(belief.a, belief.b, 1 - alpha);
	return out;
}

double stats_belief_at_most(struct stats_belief belief, double rate)
{
	return stats_beta_cdf(belief.a, belief.b, rate);
}

static double log_beta(double a, double b)
{
	int sign;

	return lgamma_r(a, &sign) + lgamma_r(b, &sign) - lgamma_r(a + b, &sign);
}

double stats_belief_predict(struct stats_belief belief, uint64_t k, uint64_t n)
{
	double hits = (double)k, trials = (double)n;

	if (!is_belief(belief) || k > n)
		return NAN;
	return exp(log_beta(belief.a + hits, belief.b + trials - hits) -
		   log_beta(belief.a, belief.b) - log_beta(hits + 1, trials - hits + 1) -
		   log1p(trials));
}

/* Each term from the one before, as a logarithm: the first may be too small for a double. */
double stats_belief_predict_at_most(struct stats_belief belief, uint64_t k, uint64_t n)
{
	double trials = (double)n, sum = 0, term;

	if (!is_belief(belief))
		return NAN;
	if (k >= n)
		return 1;
	term = log_beta(belief.a, belief.b + trials) - log_beta(belief.a, belief.b);
	for (uint64_t i = 0;; i++) {
		double hits = (double)i;

		sum += exp(term);
		if (i == k)
			return fmin(1, sum);
		term += log((trials - hits) / (hits + 1) * (belief.a + hits) /
			    (belief.b + trials - hits - 1));
	}
}
