/*
 * What a sample of requests proves, by the binomial distribution. Pure.
 *
 * "A share P of requests meets the limit" is claimed at confidence C when results that many over
 * the limit would be too rare if it did not hold: P(Binom(n, 1 - P) <= over) <= 1 - C. That is the
 * rule of MLPerf LoadGen's early stopping (mlcommons, loadgen/early_stopping.cc).
 */
#ifndef LOAD_QUANTILE_H
#define LOAD_QUANTILE_H

#include <stdbool.h>
#include <stdint.h>

#define QUANTILE_REQUESTS_MAX UINT64_C(1000000000000)

/* Requests needed to claim SHARE (0..1, excluded) at CONFIDENCE with OVER results over the limit;
 * QUANTILE_REQUESTS_MAX: that or more. */
uint64_t quantile_needed(double share, double confidence, uint64_t over);

enum claim {
	CLAIM_HOLDS,   /* proved */
	CLAIM_BROKEN,  /* the opposite is proved, or the sample's own share is too small and large
			  enough a sample */
	CLAIM_UNKNOWN, /* the sample is too small to say either */
};

/* Does SHARE of requests meet a limit that OVER of N did not meet? NEEDED (may be NULL): requests
 * in all that would prove it, if none more is over. */
enum claim quantile_claim(double share, double confidence, uint64_t over, uint64_t n,
			  uint64_t *needed);

/* Are errors within a budget of SHARE, when there were ERRORS in N? */
enum claim budget_claim(double share, double confidence, uint64_t errors, uint64_t n,
			uint64_t *needed);

#endif
