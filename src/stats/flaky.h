/*
 * Tests that come and go: how often one fails that should pass, how often to make it again before a
 * failure is believed, and which is the worst. Pure; any thread.
 *
 * What is known is how often a test failed and passed on each image, whose bits stay the same. An
 * image is good, and every result on it fails at the rate of flakes f; or it is bad, and every
 * result fails. With b the share of bad images, K failures of N results on one image have a
 * likelihood of
 *
 *   (1 - b) f^K (1 - f)^(N - K), and b more where K = N.
 *
 * To leave out the images on which every result failed makes f too low: a good one fails N times
 * with a chance of f^N. To count them makes it too high, for all of the bad ones. To look only at
 * images with several results makes it too high as well, since a test is made again because it
 * failed. So every image counts, and both f and b are unknown: Jeffreys's prior, Beta(1/2, 1/2),
 * for each, and the mean and quantiles of what is believed of f then, b summed out. That results
 * are made again until one passes does not matter to a likelihood (Berger and Wolpert, The
 * Likelihood Principle, chapter 4).
 */
#ifndef STATS_FLAKY_H
#define STATS_FLAKY_H

#include "base/err.h"
#include "stats/distributions.h"

#include <stddef.h>
#include <stdint.h>

#define STATS_FLAKE_RATE 0.2  /* where nothing is known: higher than nearly all that are met */
#define STATS_FLAKE_RISK 1e-4 /* that a flake is taken for a failure, by default */
#define STATS_RERUNS_MAX 20   /* more is no test */
#define STATS_IMAGES_MAX 100000

/* Results of one test on one image. */
struct stats_repeats {
	uint64_t failed, passed;
};

struct stats_flake {
	double rate;		      /* mean of what is believed of f */
	struct stats_interval within; /* equal tails */
	double at_most;		      /* the bound of one side */
	double bad;		      /* mean of what is believed of b */
	size_t mixed;		      /* images on which it failed and passed: it is flaky */
};

/* The rate of flakes by COUNT images, at CONFIDENCE (0..1, both excluded). Images without result
 * say nothing. ERR_USAGE for a bad CONFIDENCE, ERR_LIMIT for too many images. */
int stats_flake_rate(const struct stats_repeats *images, size_t count, double confidence,
		     struct stats_flake *out, struct err *err);

/* How many times a failed test is made again until a flake of RATE (0..1) would have shown itself
 * but for a chance of RISK (0..1): ceil(ln RISK / ln RATE), 1 to STATS_RERUNS_MAX. NaN: the most.
 */
unsigned stats_reruns(double rate, double risk);

/*
 * How much a test comes and goes, by the newer images more than by the older: the entropy of its
 * results on one image, and how often the results of neighbours differ. Kowalczyk, Nair, Gao,
 * Silberstein, Long and Memon, "Modeling and Ranking Flaky Tests at Apple", ICSE-SEIP 2020. An
 * image counts 2^(-age / STATS_UNREST_HALF) as much as the newest, age in images.
 */
#define STATS_UNREST_HALF 20.0
struct stats_unrest {
	double entropy; /* bits, 0 to 1, of images with several results; NaN: there are none */
	double flips;	/* 0 to 1, of neighbours; NaN: there are none */
};
/* IMAGES: oldest first. */
struct stats_unrest stats_unrest(const struct stats_repeats *images, size_t count);

#endif
