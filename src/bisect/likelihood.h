/*
 * How probable what tests showed is when it is known which of them ran on bad code.
 *
 * A test that passes or fails: two rates are in play, how often bad code fails and how often good
 * code does (flakes). Each is known, or has a Beta prior and is learned from the same outcomes:
 * then the likelihood is the Beta-Bernoulli one of the counts, in closed form.
 *
 * A test that measures: values are Gaussian around one of two levels, of good and of bad code,
 * higher being worse. Both levels and the noise are unknown; all three are integrated out in closed
 * form under a normal-inverse-gamma prior (Gelman et al., Bayesian Data Analysis, 3rd edition,
 * section 3.3). There is no line between pass and fail: a value that
 * lies between the levels says little, and that is what it counts for.
 */
#ifndef BISECT_LIKELIHOOD_H
#define BISECT_LIKELIHOOD_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	bool known;
	double value;	/* when known: a probability */
	double yes, no; /* when learned: prior counts of failures and passes, both above 0 */
};

/* What tests of one kind of code showed. */
struct seen {
	uint32_t fails, passes;
	uint32_t measured;
	double sum, squares; /* of the measured values */
};

struct likelihood_model {
	struct rate fail;  /* of bad code */
	struct rate flake; /* of good code */
	double noise;	   /* standard deviation of a value, a guess; 0: nothing is measured */
	double margin;	   /* bad code is worse by at least so much, or it is not bad */
};

bool likelihood_is_sound(const struct likelihood_model *model);

/* Logarithm, but for a term that depends on the tests of both together alone. */
double likelihood_log(const struct likelihood_model *model, const struct seen *bad,
		      const struct seen *good);

/* Probability that the next test of bad and of good code fails; of one that measures, that its
 * value lies above MIDDLE. */
void likelihood_next(const struct likelihood_model *model, const struct seen *bad,
		     const struct seen *good, double middle, double *fail_out, double *flake_out);

/* Mean levels of bad and good code and the noise, as the values suggest. */
struct levels {
	double bad, good, noise;
};

struct levels likelihood_levels(const struct likelihood_model *model, const struct seen *bad,
				const struct seen *good);

#endif
