#include "stats/bootstrap.h"

#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>

/* The statistic of every resample, in ascending order; the caller frees them. NULL: one is not
 * finite. */
static double *resample(const struct stats_bootstrap *options, const double *values, size_t count)
{
	double *drawn = xcalloc(count, sizeof(*drawn));
	double *found = xcalloc(options->resamples, sizeof(*found)), *sorted;
	uint64_t state = options->seed;
	size_t kept;

	for (size_t i = 0; i < options->resamples; i++) {
		for (size_t j = 0; j < count; j++)
			drawn[j] = values[random_below(&state, count)];
		found[i] = options->statistic(drawn, count, options->context);
	}
	sorted = stats_sorted(found, options->resamples, &kept);
	free(drawn);
	free(found);
	if (kept == options->resamples)
		return sorted;
	free(sorted);
	return NULL;
}

/* The skewness of the statistic when one value after the other is left out, over 6. */
static double acceleration(const struct stats_bootstrap *options, const double *values,
			   size_t count)
{
	double *left = xcalloc(count, sizeof(*left)), *found = xcalloc(count, sizeof(*found));
	double mean = 0, squares = 0, cubes = 0;

	for (size_t i = 1; i < count; i++)
		left[i - 1] = values[i];
	for (size_t i = 0; i < count; i++) { /* LEFT has all but the value I */
		found[i] = options->statistic(left, count - 1, options->context);
		mean += (found[i] - mean) / (double)(i + 1);
		left[i] = values[i];
	}
	for (size_t i = 0; i < count; i++) {
		double off = mean - found[i];

		squares += off * off;
		cubes += off * off * off;
	}
	free(left);
	free(found);
	return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

/* The share of FOUND below VALUE, same ones half. */
static double share_below(const double *found, size_t count, double value)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += found[i] < value ? 1 : found[i] == value ? 0.5 : 0;
	return sum / (double)count;
}

/* ENDS are shares of the resamples; NaN where none or all lie BELOW the sample's own statistic, the
 * bias being infinite. */
static void move_ends(const struct stats_bootstrap *options, const double *values, size_t count,
		      double below, double ends[2])
{
	double bias = stats_normal_quantile(below), skew = acceleration(options, values, count);

	for (size_t i = 0; i < 2; i++) {
		double z = bias + stats_normal_quantile(ends[i]);

		ends[i] = stats_normal_cdf(bias + z / (1 - skew * z));
	}
}

static int check(const struct stats_bootstrap *options, const double *values, size_t count,
		 struct err *err)
{
	if (!count)
		return err_set(err, ERR_USAGE, "no values");
	if (!options->resamples || options->resamples > STATS_RESAMPLES_MAX)
		return err_set(err, ERR_USAGE, "%zu resamples are not 1 to %zu", options->resamples,
			       STATS_RESAMPLES_MAX);
	if (stats_check_confidence(options->confidence, err) < 0)
		return -1;
	return stats_check(values, count, err);
}

int stats_bootstrap(const struct stats_bootstrap *options, const double *values, size_t count,
		    struct stats_estimate *out, struct err *err)
{
	double alpha = (1 - options->confidence) / 2, ends[2] = {alpha, 1 - alpha}, value;
	double *found;

	if (check(options, values, count, err) < 0)
		return -1;
	value = options->statistic(values, count, options->context);
	found = isfinite(value) ? resample(options, values, count) : NULL;
	if (!found)
		return err_set(err, ERR_USAGE, "a resample's statistic is not a finite number");
	*out = (struct stats_estimate){value, NAN, NAN, count < 2 ? 2 : 0};
	if (count > 1) {
		if (options->method == BOOTSTRAP_BCA)
			move_ends(options, values, count,
				  share_below(found, options->resamples, value), ends);
		out->low = stats_quantile(found, options->resamples, ends[0]);
		out->high = stats_quantile(found, options->resamples, ends[1]);
	}
	free(found);
	return 0;
}
