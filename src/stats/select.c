#include "stats/compare_private.h"

#include <math.h>
#include <string.h>

/*
 * The k-th smallest pair is the least double with k pairs at or below it. Doubles of one sign are
 * ordered as their bits are, so it is found by halving whole numbers: at most 64 counts, each
 * linear in the sample.
 */
static uint64_t key_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double value_of(uint64_t key)
{
	uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value + 0.0; /* no negative zero */
}

static double kth(const struct selection *selection, const struct sample *samples, uint64_t k)
{
	uint64_t low = key_of(selection->least(samples));
	uint64_t high = key_of(selection->greatest(samples));

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (selection->below(samples, value_of(middle)) >= k)
			high = middle;
		else
			low = middle + 1;
	}
	return value_of(low);
}

struct stats_estimate stats__select(const struct selection *selection, const struct sample *samples,
				    uint64_t pairs, uint64_t rank)
{
	double left = kth(selection, samples, (pairs + 1) / 2);
	double right = pairs % 2 ? left : kth(selection, samples, pairs / 2 + 1);
	struct stats_estimate out = {left == right ? left : left / 2 + right / 2, NAN, NAN, 0};

	if (rank) {
		out.low = kth(selection, samples, rank);
		out.high = kth(selection, samples, pairs + 1 - rank);
	}
	return out;
}

/* --- differences ----------------------------------------------------------------------------- */

static double least_difference(const struct sample *samples)
{
	return samples[1].values[0] - samples[0].values[samples[0].count - 1];
}

static double greatest_difference(const struct sample *samples)
{
	return samples[1].values[samples[1].count - 1] - samples[0].values[0];
}

static uint64_t differences_below(const struct sample *samples, double limit)
{
	const struct sample *a = &samples[0], *b = &samples[1];
	uint64_t total = 0;
	size_t i = 0;

	for (size_t j = 0; j < b->count; j++) {
		while (i < a->count && b->values[j] - a->values[i] > limit)
			i++;
		total += a->count - i;
	}
	return total;
}

const struct selection stats__differences = {least_difference, greatest_difference,
					     differences_below};

/* --- Walsh averages -------------------------------------------------------------------------- */

static double least_average(const struct sample *sample)
{
	return sample->values[0];
}

static double greatest_average(const struct sample *sample)
{
	return sample->values[sample->count - 1];
}

static uint64_t averages_below(const struct sample *sample, double limit)
{
	const double *values = sample->values;
	uint64_t total = 0;
	size_t end = sample->count;

	for (size_t i = 0; i < end; i++) {
		while (end > i && values[i] / 2 + values[end - 1] / 2 > limit)
			end--;
		total += end - i;
	}
	return total;
}

const struct selection stats__averages = {least_average, greatest_average, averages_below};
