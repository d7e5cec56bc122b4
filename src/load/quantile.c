#include "load/quantile.h"

#include "stats/distributions.h"

uint64_t quantile_needed(double share, double confidence, uint64_t over)
{
	uint64_t low = over, high = over + 1;

	while (high < QUANTILE_REQUESTS_MAX &&
	       stats_binomial_cdf(over, high, 1 - share) > 1 - confidence) {
		low = high;
		high *= 2;
	}
	while (high < QUANTILE_REQUESTS_MAX && high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (stats_binomial_cdf(over, middle, 1 - share) <= 1 - confidence)
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
	if (over && 1 - stats_binomial_cdf(over - 1, n, 1 - share) <= 1 - confidence)
		return CLAIM_BROKEN;
	return CLAIM_UNKNOWN;
}

enum claim budget_claim(double share, double confidence, uint64_t errors, uint64_t n,
			uint64_t *needed)
{
	return quantile_claim(1 - share, confidence, errors, n, needed);
}
