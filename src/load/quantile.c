#include "load/quantile.h"

#include <math.h>

/*
 * The incomplete beta function I_x(a, b) by its continued fraction, evaluated as Lentz does
 * (modified by Thompson and Barnett); P(Binom(n, p) <= k) = I_{1-p}(n - k, k + 1). It converges
 * within a few times sqrt(max(a, b)) terms for x < (a + 1) / (a + b + 2).
 */
#define TERMS_MAX 10000000
#define EPSILON 1e-15
#define TINY 1e-300

static double keep_off_zero(double x)
{
	return fabs(x) < TINY ? TINY : x;
}

static double fraction(double a, double b, double x)
{
	double c = 1, d = 1 / keep_off_zero(1 - (a + b) * x / (a + 1)), result = d;

	for (int m = 1; m < TERMS_MAX; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));

		d = 1 / keep_off_zero(1 + even * d);
		c = keep_off_zero(1 + even / c);
		result *= d * c;
		d = 1 / keep_off_zero(1 + odd * d);
		c = keep_off_zero(1 + odd / c);
		result *= d * c;
		if (fabs(d * c - 1) < EPSILON)
			break;
	}
	return result;
}

/* lgamma() writes a global, signgam: it is for one thread. */
static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

static double beta(double a, double b, double x)
{
	double front;

	if (x <= 0 || x >= 1)
		return x <= 0 ? 0 : 1;
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * fraction(a, b, x) / a;
	return 1 - front * fraction(b, a, 1 - x) / b;
}

double binomial_below(uint64_t k, uint64_t n, double p)
{
	if (k >= n)
		return 1;
	return beta((double)(n - k), (double)k + 1, 1 - p);
}

uint64_t quantile_needed(double share, double confidence, uint64_t over)
{
	uint64_t low = over, high = over + 1;

	while (high < QUANTILE_REQUESTS_MAX &&
	       binomial_below(over, high, 1 - share) > 1 - confidence) {
		low = high;
		high *= 2;
	}
	while (high < QUANTILE_REQUESTS_MAX && high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (binomial_below(over, middle, 1 - share) <= 1 - confidence)
			high = middle;
		else
			low = middle;
	}
	return high < QUANTILE_REQUESTS_MAX ? high : QUANTILE_REQUESTS_MAX;
}

enum claim quantile_claim(double share, double confidence, uint64_t over, uint64_t n,
			  uint64_t *needed)
{
	uint64_t least = quantile_needed(share, confidence, over);

	if (needed)
		*needed = least;
	if (n >= least)
		return CLAIM_HOLDS;
	/* So many over it would be too rare if SHARE met the limit. */
	if (over && 1 - binomial_below(over - 1, n, 1 - share) <= 1 - confidence)
		return CLAIM_BROKEN;
	return CLAIM_UNKNOWN;
}

enum claim budget_claim(double share, double confidence, uint64_t errors, uint64_t n,
			uint64_t *needed)
{
	return quantile_claim(1 - share, confidence, errors, n, needed);
}

double error_bound(double confidence, uint64_t errors, uint64_t n)
{
	double low = 0, high = 1;

	if (errors >= n)
		return 1;
	while (high - low > 1e-9) {
		double middle = (low + high) / 2;

		if (binomial_below(errors, n, middle) > 1 - confidence)
			low = middle;
		else
			high = middle;
	}
	return high;
}
