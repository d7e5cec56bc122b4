#include "stats/flaky.h"

#include "stats/summary.h"

#include <math.h>
#include <string.h>

#define RATES 512	/* points of f */
#define SHARES 32	/* points of b */
#define REPEATS_MAX 128 /* failures on one bad image beyond these say no more */
#define QUARTER_TURN 1.57079632679489661923

/* --- rate ------------------------------------------------------------------------------------ */

/* All that the likelihood needs of the images. */
struct evidence {
	double failed, passed;	      /* on images on which it passed once: they are good */
	double good;		      /* such images */
	double lost[REPEATS_MAX + 1]; /* images on which it failed so often, and never passed */
};

/* True: there are images on which it never passed. */
static bool collect(const struct stats_repeats *images, size_t count, struct evidence *out,
		    size_t *mixed)
{
	bool lost = false;

	memset(out, 0, sizeof(*out));
	*mixed = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t failed = images[i].failed;

		if (images[i].passed) {
			out->good++;
			out->failed += (double)failed;
			out->passed += (double)images[i].passed;
			*mixed += failed > 0;
		} else if (failed) {
			out->lost[failed < REPEATS_MAX ? failed : REPEATS_MAX]++;
			lost = true;
		}
	}
	return lost;
}

/* Jeffreys's prior is flat over the angle whose squared sine the rate is. */
static double rate_at(double point, double points)
{
	double s = sin(QUARTER_TURN * point / points);

	return s * s;
}

/* Logarithms of the likelihood at the rate F, for the first COUNT points SHARES of b. */
static void log_likelihoods(const struct evidence *evidence, double f, const double *shares,
			    int count, double *out)
{
	double rate = evidence->failed * log(f) + evidence->passed * log1p(-f);

	for (int k = 0; k < count; k++)
		out[k] = rate + evidence->good * log1p(-shares[k]);
	for (int n = 1; n <= REPEATS_MAX; n++) {
		double lost = evidence->lost[n] > 0 ? pow(f, n) : 0;

		for (int k = 0; k < count && evidence->lost[n] > 0; k++)
			out[k] += evidence->lost[n] * log((1 - shares[k]) * lost + shares[k]);
	}
}

/* What is believed of each point of f, summing to 1, and the mean of b. Without lost images f and b
 * have nothing to do with each other: any b will do for f. */
static double weigh(const struct evidence *evidence, bool lost, double weights[RATES])
{
	const int count = lost ? SHARES : 1;
	double logs[RATES][SHARES], shares[SHARES], most = -HUGE_VAL, total = 0, bad = 0;

	for (int k = 0; k < count; k++)
		shares[k] = rate_at(k + .5, SHARES);
	for (int i = 0; i < RATES; i++) {
		log_likelihoods(evidence, rate_at(i + .5, RATES), shares, count, logs[i]);
		for (int k = 0; k < count; k++)
			most = fmax(most, logs[i][k]);
	}
	for (int i = 0; i < RATES; i++) {
		weights[i] = 0;
		for (int k = 0; k < count; k++) {
			double weight = exp(logs[i][k] - most);

			weights[i] += weight;
			bad += weight * shares[k];
		}
		total += weights[i];
	}
	for (int i = 0; i < RATES; i++)
		weights[i] /= total;
	return lost ? bad / total : .5 / (evidence->good + 1); /* of Beta(1/2, 1/2 + good) */
}

/* The f below which SHARE of the belief lies, which is flat between two points. */
static double quantile(const double weights[RATES], double share)
{
	double below = 0;
	int i = 0;

	while (i < RATES - 1 && below + weights[i] < share)
		below += weights[i++];
	return rate_at(i + (weights[i] > 0 ? fmin((share - below) / weights[i], 1) : 0), RATES);
}

int stats_flake_rate(const struct stats_repeats *images, size_t count, double confidence,
		     struct stats_flake *out, struct err *err)
{
	double weights[RATES];
	struct evidence evidence;
	struct stats_flake flake = {0};
	bool lost;

	if (stats_check_confidence(confidence, err) < 0)
		return -1;
	if (count > STATS_IMAGES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d images", STATS_IMAGES_MAX);
	lost = collect(images, count, &evidence, &flake.mixed);
	flake.bad = weigh(&evidence, lost, weights);
	for (int i = 0; i < RATES; i++)
		flake.rate += weights[i] * rate_at(i + .5, RATES);
	flake.within.low = quantile(weights, (1 - confidence) / 2);
	flake.within.high = quantile(weights, (1 + confidence) / 2);
	flake.at_most = quantile(weights, confidence);
	*out = flake;
	return 0;
}

unsigned stats_reruns(double rate, double risk)
{
	double wanted;

	if (!(rate < 1) || !(risk > 0))
		return STATS_RERUNS_MAX;
	if (rate <= 0 || risk >= 1)
		return 1;
	wanted = ceil(log(risk) / log(rate) - 1e-9); /* a whole number stays one */
	return wanted < 1 ? 1 : wanted > STATS_RERUNS_MAX ? STATS_RERUNS_MAX : (unsigned)wanted;
}

/* --- unrest ---------------------------------------------------------------------------------- */

static double share_of(const struct stats_repeats *image)
{
	return (double)image->failed / (double)(image->failed + image->passed);
}

static double bits(double share)
{
	if (share <= 0 || share >= 1)
		return 0;
	return -share * log2(share) - (1 - share) * log2(1 - share);
}

struct stats_unrest stats_unrest(const struct stats_repeats *images, size_t count)
{
	double entropy = 0, entropies = 0, flips = 0, pairs = 0, weight = 1, later = 0;
	bool any = false;

	for (size_t i = count; i-- > 0;) {
		uint64_t results = images[i].failed + images[i].passed;
		double share;

		if (!results)
			continue;
		share = share_of(&images[i]);
		if (results > 1) {
			entropy += weight * bits(share);
			entropies += weight;
		}
		if (any) {
			flips += weight * (share * (1 - later) + later * (1 - share));
			pairs += weight;
		}
		any = true;
		later = share;
		weight *= exp2(-1 / STATS_UNREST_HALF);
	}
	return (struct stats_unrest){entropy / entropies, flips / pairs};
}
