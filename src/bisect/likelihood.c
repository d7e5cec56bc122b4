#include "bisect/likelihood.h"

#include "stats/distributions.h"

#include <math.h>

/* Weight of the prior means, in measurements. Good code is compared with the good end, so its level
 * is 0 but for a bias of a quarter of the noise; of bad code little is known but that it is worse,
 * by up to some 10 times the noise. */
#define GOOD_WEIGHT 16
#define BAD_WEIGHT .01
/* Of the inverse gamma prior of the variance: the guess counts as much as two measurements. */
#define NOISE_SHAPE 1

/* --- rates ----------------------------------------------------------------------------------- */

static bool rate_is_sound(const struct rate *rate)
{
	if (rate->known)
		return rate->value >= 0 && rate->value <= 1;
	return rate->yes > 0 && rate->no > 0 && isfinite(rate->yes) && isfinite(rate->no);
}

bool likelihood_is_sound(const struct likelihood_model *model)
{
	return rate_is_sound(&model->fail) && rate_is_sound(&model->flake) && model->noise >= 0 &&
	       isfinite(model->noise) && model->margin >= 0 && isfinite(model->margin);
}

static double log_times(double times, double p)
{
	return times > 0 ? times * log(p) : 0;
}

static double log_beta(double a, double b)
{
	int sign;

	return lgamma_r(a, &sign) + lgamma_r(b, &sign) - lgamma_r(a + b, &sign);
}

static double log_rate(const struct rate *rate, const struct seen *seen)
{
	if (rate->known)
		return log_times(seen->fails, rate->value) +
		       log_times(seen->passes, 1 - rate->value);
	return log_beta(rate->yes + seen->fails, rate->no + seen->passes) -
	       log_beta(rate->yes, rate->no);
}

static double next_fails(const struct rate *rate, const struct seen *seen)
{
	if (rate->known)
		return rate->value;
	return (rate->yes + seen->fails) / (rate->yes + rate->no + seen->fails + seen->passes);
}

/* --- levels ---------------------------------------------------------------------------------- */

/* Posterior of one level: a mean and the measurements that it is worth. */
struct level {
	double mean, weight;
};

/* Posterior of both levels and of the variance: inverse gamma of SHAPE and SCALE. */
struct fit {
	struct level bad, good;
	double shape, scale;
};

static struct level level_of(double weight, const struct seen *seen)
{
	double total = weight + seen->measured;

	return (struct level){seen->sum / total, total};
}

static struct fit fit_levels(const struct likelihood_model *model, const struct seen *bad,
			     const struct seen *good)
{
	struct fit fit = {level_of(BAD_WEIGHT, bad), level_of(GOOD_WEIGHT, good), 0, 0};
	double left = bad->squares - fit.bad.mean * fit.bad.mean * fit.bad.weight + good->squares -
		      fit.good.mean * fit.good.mean * fit.good.weight;

	fit.shape = NOISE_SHAPE + (bad->measured + good->measured) / 2.;
	fit.scale = NOISE_SHAPE * model->noise * model->noise + fmax(left, 0) / 2;
	return fit;
}

/* Probability that bad code is worse than good code by the margin: what is faster, or slower by too
 * little to matter, is nobody's fault. */
static double is_worse(const struct fit *fit, double margin)
{
	double spread =
		sqrt(fit->scale / fit->shape * (1 / fit->bad.weight + 1 / fit->good.weight));

	return stats_student_cdf((fit->bad.mean - fit->good.mean - margin) / spread,
				 2 * fit->shape);
}

static double log_levels(const struct likelihood_model *model, const struct seen *bad,
			 const struct seen *good)
{
	struct fit fit = fit_levels(model, bad, good);
	double like = -fit.shape * log(fit.scale) + log(GOOD_WEIGHT / fit.good.weight) / 2;
	const struct seen nothing = {0};
	struct fit prior;

	if (!bad->measured)
		return like;
	prior = fit_levels(model, &nothing, &nothing);
	return like + log(BAD_WEIGHT / fit.bad.weight) / 2 +
	       log(is_worse(&fit, model->margin) / is_worse(&prior, model->margin));
}

/* Bad code is worse by the margin at least, whatever few values suggest. */
static struct fit fit_apart(const struct likelihood_model *model, const struct seen *bad,
			    const struct seen *good)
{
	struct fit fit = fit_levels(model, bad, good);

	fit.bad.mean = fmax(fit.bad.mean, fit.good.mean + model->margin);
	return fit;
}

struct levels likelihood_levels(const struct likelihood_model *model, const struct seen *bad,
				const struct seen *good)
{
	struct fit fit = fit_apart(model, bad, good);

	return (struct levels){fit.bad.mean, fit.good.mean, sqrt(fit.scale / fit.shape)};
}

/* Probability that the next value of a level lies above VALUE. */
static double next_above(const struct fit *fit, const struct level *level, double value)
{
	double spread = sqrt(fit->scale / fit->shape * (1 + 1 / level->weight));

	return stats_student_cdf((level->mean - value) / spread, 2 * fit->shape);
}

/* --- both ------------------------------------------------------------------------------------ */

double likelihood_log(const struct likelihood_model *model, const struct seen *bad,
		      const struct seen *good)
{
	if (model->noise > 0)
		return log_levels(model, bad, good);
	return log_rate(&model->fail, bad) + log_rate(&model->flake, good);
}

void likelihood_next(const struct likelihood_model *model, const struct seen *bad,
		     const struct seen *good, double middle, double *fail_out, double *flake_out)
{
	struct fit fit;

	if (model->noise <= 0) {
		*fail_out = next_fails(&model->fail, bad);
		*flake_out = next_fails(&model->flake, good);
		return;
	}
	fit = fit_apart(model, bad, good);
	*fail_out = bad->measured ? next_above(&fit, &fit.bad, middle) : 1;
	*flake_out = next_above(&fit, &fit.good, middle);
}
