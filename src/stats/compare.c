#include "stats/compare.h"

#include "base/mem.h"
#include "stats/compare_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Exact distributions below so many values: their tables grow with the square. */
#define EXACT_MAX 50

static int check(const double *values, size_t count, struct err *err)
{
	if (!count)
		return err_set(err, ERR_USAGE, "no values");
	if (count > STATS_VALUES_MAX)
		return err_set(err, ERR_LIMIT, "%zu values: at most %zu are compared", count,
			       STATS_VALUES_MAX);
	return stats_check(values, count, err);
}

/* P of both sides from DISTANCE to the middle of a normal distribution, in whole steps. */
static double normal_p(double distance, double variance)
{
	if (!(variance > 0))
		return 1;
	return fmin(1, 2 * stats_normal_cdf(-(distance - 0.5) / sqrt(variance)));
}

/* Of the lower half of a distribution in COUNTS: P(X <= at). */
static double lower_tail(const double *counts, double total, double at)
{
	double sum = 0;

	for (size_t i = 0; (double)i <= at; i++)
		sum += counts[i];
	return sum / total;
}

/* The largest c with P(X < c) <= ALPHA. */
static uint64_t exact_rank(const double *counts, size_t len, double total, double alpha)
{
	double sum = 0;

	for (size_t c = 0; c < len; c++) {
		sum += counts[c];
		if (sum / total > alpha)
			return c;
	}
	return len;
}

static uint64_t normal_rank(double mean, double variance, double alpha)
{
	double rank = floor(mean + 0.5 + stats_normal_quantile(alpha) * sqrt(variance));

	return rank > 0 ? (uint64_t)rank : 0;
}

/* --- two samples ----------------------------------------------------------------------------- */

/* How many orders of N and M values have each number of pairs, for the lower half of the numbers:
 * the coefficients of the Gaussian binomial, a product of (1 - q^(m+i)) / (1 - q^i). */
static double *pair_counts(size_t n, size_t m, size_t *len)
{
	size_t half = n * m / 2;
	double *counts = xcalloc(half + 1, sizeof(*counts));

	counts[0] = 1;
	for (size_t i = 1; i <= n; i++) {
		for (size_t s = half; s >= m + i; s--)
			counts[s] -= counts[s - m - i];
		for (size_t s = i; s <= half; s++)
			counts[s] += counts[s - i];
	}
	*len = half + 1;
	return counts;
}

/* The number of ways to choose N of N + M. */
static double orders(size_t n, size_t m)
{
	double total = 1;

	for (size_t i = 1; i <= n; i++)
		total *= (double)(m + i) / (double)i;
	return total;
}

double stats_mann_whitney_least(size_t a_count, size_t b_count)
{
	return fmin(1, 2 / orders(a_count < b_count ? a_count : b_count,
				  a_count < b_count ? b_count : a_count));
}

static bool are_few(size_t n, size_t m)
{
	return n < EXACT_MAX && m < EXACT_MAX;
}

static double pair_variance(double n, double m, double ties)
{
	double all = n + m;

	return all < 2 ? 0 : n * m / 12 * (all + 1 - ties / (all * (all - 1)));
}

/* Walks through both in order: the number of pairs whose second is larger, ties half, and the sum
 * of t^3 - t over groups of t same values. */
static double count_pairs(const struct sample *a, const struct sample *b, double *ties)
{
	double pairs = 0;
	size_t i = 0, j = 0;

	*ties = 0;
	while (i < a->count || j < b->count) {
		double value = j == b->count || (i < a->count && a->values[i] < b->values[j])
				       ? a->values[i]
				       : b->values[j];
		size_t before = i, same_a, same_b = j;

		while (i < a->count && a->values[i] == value)
			i++;
		while (j < b->count && b->values[j] == value)
			j++;
		same_a = i - before;
		same_b = j - same_b;
		pairs += (double)same_b * ((double)before + (double)same_a / 2);
		*ties += pow((double)(same_a + same_b), 3) - (double)(same_a + same_b);
	}
	return pairs;
}

static int open_pair(const double *a, size_t a_count, const double *b, size_t b_count,
		     struct sample out[2], struct err *err)
{
	if (check(a, a_count, err) < 0 || check(b, b_count, err) < 0)
		return -1;
	out[0].values = stats_sorted(a, a_count, &out[0].count);
	out[1].values = stats_sorted(b, b_count, &out[1].count);
	return 0;
}

static void close_pair(struct sample pair[2])
{
	free(pair[0].values);
	free(pair[1].values);
}

int stats_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count,
		       struct stats_test *out, struct err *err)
{
	double n = (double)a_count, m = (double)b_count, ties, lesser;
	struct sample pair[2];

	if (open_pair(a, a_count, b, b_count, pair, err) < 0)
		return -1;
	out->statistic = count_pairs(&pair[0], &pair[1], &ties);
	out->exact = are_few(a_count, b_count) && ties == 0;
	lesser = fmin(out->statistic, n * m - out->statistic);
	if (out->exact) {
		size_t len;
		double *counts = pair_counts(a_count, b_count, &len);

		out->p = fmin(1, 2 * lower_tail(counts, orders(a_count, b_count), lesser));
		free(counts);
	} else {
		out->p = normal_p(n * m / 2 - lesser, pair_variance(n, m, ties));
	}
	close_pair(pair);
	return 0;
}

/* Values on each side for an interval: so many that the least tail is no more than ALPHA. */
static size_t shift_needs(double alpha)
{
	size_t k = 1;

	while (1 / orders(k, k) > alpha)
		k++;
	return k;
}

int stats_shift(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
		struct stats_estimate *out, struct err *err)
{
	double alpha = (1 - confidence) / 2, n = (double)a_count, m = (double)b_count;
	uint64_t pairs = (uint64_t)a_count * b_count, rank;
	struct sample pair[2];

	if (stats_check_confidence(confidence, err) < 0 ||
	    open_pair(a, a_count, b, b_count, pair, err) < 0)
		return -1;
	if (are_few(a_count, b_count)) {
		size_t len;
		double *counts = pair_counts(a_count, b_count, &len);

		rank = exact_rank(counts, len, orders(a_count, b_count), alpha);
		free(counts);
	} else {
		rank = normal_rank(n * m / 2, pair_variance(n, m, 0), alpha);
	}
	*out = stats__select(&stats__differences, pair, pairs, rank);
	out->needed = rank ? 0 : shift_needs(alpha);
	close_pair(pair);
	return 0;
}

/* --- differences of pairs -------------------------------------------------------------------- */

/* How many of the 2^N choices of ranks 1 to N have each sum, for the lower half of the sums. */
static double *sum_counts(size_t n, size_t *len)
{
	size_t half = n * (n + 1) / 4;
	double *counts = xcalloc(half + 1, sizeof(*counts));

	counts[0] = 1;
	for (size_t rank = 1; rank <= n; rank++)
		for (size_t s = half; s >= rank; s--)
			counts[s] += counts[s - rank];
	*len = half + 1;
	return counts;
}

static double sum_variance(double n, double ties)
{
	return n * (n + 1) * (2 * n + 1) / 24 - ties / 48;
}

static int by_distance(const void *a, const void *b)
{
	double left = fabs(*(const double *)a), right = fabs(*(const double *)b);

	return (left > right) - (left < right);
}

/* The sum of the ranks of positive VALUES, ordered by their distance from zero. */
static double sum_ranks(const double *values, size_t count, double *ties)
{
	double sum = 0;
	size_t next;

	*ties = 0;
	for (size_t i = 0; i < count; i = next) {
		double same, positive = 0;

		for (next = i; next < count && fabs(values[next]) == fabs(values[i]); next++)
			positive += values[next] > 0;
		same = (double)(next - i);
		sum += positive * ((double)i + (same + 1) / 2);
		*ties += same * same * same - same;
	}
	return sum;
}

int stats_signed_rank(const double *differences, size_t count, struct stats_test *out,
		      struct err *err)
{
	double *values, ties, lesser, n, all;
	size_t kept = 0;

	if (check(differences, count, err) < 0)
		return -1;
	values = xcalloc(count, sizeof(*values));
	for (size_t i = 0; i < count; i++)
		if (differences[i] != 0)
			values[kept++] = differences[i];
	qsort(values, kept, sizeof(*values), by_distance);
	out->statistic = sum_ranks(values, kept, &ties);
	free(values);
	n = (double)kept;
	all = n * (n + 1) / 2;
	out->exact = kept < EXACT_MAX && ties == 0;
	lesser = fmin(out->statistic, all - out->statistic);
	if (out->exact) {
		size_t len;
		double *counts = sum_counts(kept, &len);

		out->p = fmin(1, 2 * lower_tail(counts, ldexp(1, (int)kept), lesser));
		free(counts);
	} else {
		out->p = normal_p(all / 2 - lesser, sum_variance(n, ties));
	}
	return 0;
}

int stats_paired_shift(const double *differences, size_t count, double confidence,
		       struct stats_estimate *out, struct err *err)
{
	double alpha = (1 - confidence) / 2, n = (double)count;
	uint64_t pairs = (uint64_t)count * (count + 1) / 2, rank;
	struct sample sample;

	if (stats_check_confidence(confidence, err) < 0 || check(differences, count, err) < 0)
		return -1;
	sample.values = stats_sorted(differences, count, &sample.count);
	if (count < EXACT_MAX) {
		size_t len;
		double *counts = sum_counts(count, &len);

		rank = exact_rank(counts, len, ldexp(1, (int)count), alpha);
		free(counts);
	} else {
		rank = normal_rank(n * (n + 1) / 4, sum_variance(n, 0), alpha);
	}
	*out = stats__select(&stats__averages, &sample, pairs, rank);
	out->needed = rank ? 0 : (size_t)ceil(-log2(alpha));
	free(sample.values);
	return 0;
}
