#include "stats/summary.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double *stats_sorted(const double *samples, size_t all, size_t *count)
{
	double *sorted = xcalloc(all + 1, sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; i < all; i++)
		if (isfinite(samples[i]))
			sorted[n++] = samples[i];
	qsort(sorted, n, sizeof(*sorted), ascending);
	*count = n;
	return sorted;
}

int stats_check(const double *values, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!isfinite(values[i]))
			return err_set(err, ERR_USAGE, "value %zu of %zu is not a finite number",
				       i + 1, count);
	return 0;
}

int stats_check_confidence(double confidence, struct err *err)
{
	if (confidence > 0 && confidence < 1)
		return 0;
	return err_set(err, ERR_USAGE, "confidence %g is not between 0 and 1", confidence);
}

/* Between A and B, so that neither a sum nor a difference overflows. */
static double between(double a, double b, double part)
{
	return a == b ? a : a * (1 - part) + b * part;
}

double stats_quantile(const double *sorted, size_t count, double share)
{
	double at;
	size_t below;

	if (!count || !(share >= 0 && share <= 1))
		return NAN;
	at = (double)(count - 1) * share;
	below = (size_t)at;
	if (below + 1 >= count)
		return sorted[count - 1];
	return between(sorted[below], sorted[below + 1], at - (double)below);
}

double stats_median(const double *sorted, size_t count)
{
	return count ? between(sorted[(count - 1) / 2], sorted[count / 2], 0.5) : (double)NAN;
}

double stats_mad(const double *sorted, size_t count)
{
	double *off = xcalloc(count + 1, sizeof(*off)), middle = stats_median(sorted, count), mad;

	for (size_t i = 0; i < count; i++)
		off[i] = fabs(sorted[i] - middle);
	qsort(off, count, sizeof(*off), ascending);
	mad = stats_median(off, count);
	free(off);
	return mad;
}

/* The deviations are scaled, so that their squares neither overflow nor vanish. */
static double deviation(const double *sorted, size_t count, double mean)
{
	double scale = fmax(mean - sorted[0], sorted[count - 1] - mean), sum = 0;

	if (count < 2 || !isfinite(scale))
		return NAN;
	for (size_t i = 0; scale > 0 && i < count; i++) {
		double part = (sorted[i] - mean) / scale;

		sum += part * part;
	}
	return scale * sqrt(sum / (double)(count - 1));
}

struct stats_summary stats_summarise_sorted(const double *sorted, size_t count)
{
	struct stats_summary out = {count, NAN, NAN, NAN, NAN, NAN};

	if (!count)
		return out;
	out.minimum = sorted[0];
	out.maximum = sorted[count - 1];
	out.median = stats_median(sorted, count);
	out.mean = 0;
	for (size_t i = 0; i < count; i++) /* running: the sum of large values may overflow */
		out.mean += (sorted[i] - out.mean) / (double)(i + 1);
	if (!isfinite(out.mean)) /* values of both ends of the range */
		out.mean = NAN;
	out.sd = deviation(sorted, count, out.mean);
	return out;
}

struct stats_summary stats_summarise(const double *samples, size_t all)
{
	size_t count;
	double *sorted = stats_sorted(samples, all, &count);
	struct stats_summary out = stats_summarise_sorted(sorted, count);

	free(sorted);
	return out;
}

/* The largest k with P(B < k) <= ALPHA for B ~ Binomial(N, P): some steps from where a normal
 * distribution has it. */
static size_t lower_rank(size_t n, double p, double alpha)
{
	double mean = (double)n * p;
	double guess = mean + stats_normal_quantile(alpha) * sqrt(mean * (1 - p));
	size_t k = guess > 0 ? (size_t)guess : 0;

	while (k > 0 && stats_binomial_cdf(k - 1, n, p) > alpha)
		k--;
	while (k < n && stats_binomial_cdf(k, n, p) <= alpha)
		k++;
	return k;
}

size_t stats_quantile_ranks(size_t count, double share, double confidence, size_t out[2])
{
	double alpha = (1 - confidence) / 2, needed;
	size_t low = lower_rank(count, share, alpha);
	size_t high = share == 0.5 ? low : lower_rank(count, 1 - share, alpha);

	if (low && high) {
		out[0] = low;
		out[1] = count + 1 - high;
		return 0;
	}
	needed = fmax((double)count + 1, ceil(log(alpha) / log(fmax(share, 1 - share))));
	return needed < (double)SIZE_MAX ? (size_t)needed : SIZE_MAX;
}

struct stats_estimate stats_quantile_interval(const double *sorted, size_t count, double share,
					      double confidence)
{
	struct stats_estimate out = {stats_quantile(sorted, count, share), NAN, NAN, 0};
	size_t ranks[2] = {0};

	out.needed = stats_quantile_ranks(count, share, confidence, ranks);
	if (!out.needed) {
		out.low = sorted[ranks[0] - 1];
		out.high = sorted[ranks[1] - 1];
	}
	return out;
}

struct stats_estimate stats_median_interval(const double *sorted, size_t count, double confidence)
{
	return stats_quantile_interval(sorted, count, 0.5, confidence);
}
