#include "load/histogram.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define WIDTH (UINT64_C(1) << HISTOGRAM_BITS)

void histogram_init(struct histogram *histogram)
{
	*histogram = (struct histogram){.least_ns = UINT64_MAX};
	histogram->buckets = xcalloc(HISTOGRAM_BUCKETS, sizeof(*histogram->buckets));
}

void histogram_done(struct histogram *histogram)
{
	free(histogram->buckets);
	*histogram = (struct histogram){.least_ns = UINT64_MAX};
}

static size_t bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns > HISTOGRAM_MAX_NS)
		ns = HISTOGRAM_MAX_NS;
	if (ns < WIDTH)
		return (size_t)ns;
	shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_BITS;
	return ((size_t)(shift + 1) << HISTOGRAM_BITS) + (size_t)((ns >> shift) - WIDTH);
}

/* The smallest value of a bucket, and how many values there are. */
static uint64_t low_of(size_t bucket, uint64_t *width)
{
	size_t band = bucket >> HISTOGRAM_BITS;

	*width = band ? UINT64_C(1) << (band - 1) : 1;
	return band ? (WIDTH + (bucket & (WIDTH - 1))) << (band - 1) : bucket;
}

static uint64_t middle_of(size_t bucket)
{
	uint64_t width, low = low_of(bucket, &width);

	return low + (width >> 1);
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
	histogram->count++;
	histogram->sum_ns += (double)ns;
	histogram->buckets[bucket_of(ns)]++;
	if (ns < histogram->least_ns)
		histogram->least_ns = ns;
	if (ns > histogram->most_ns)
		histogram->most_ns = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->least_ns < into->least_ns)
		into->least_ns = from->least_ns;
	if (from->most_ns > into->most_ns)
		into->most_ns = from->most_ns;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
	uint64_t rank = (uint64_t)ceil(share * (double)histogram->count), seen = 0, value;

	if (!histogram->count)
		return 0;
	if (rank >= histogram->count)
		return histogram->most_ns;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen < rank || !seen)
			continue;
		value = middle_of(i);
		if (value < histogram->least_ns)
			return histogram->least_ns;
		return value > histogram->most_ns ? histogram->most_ns : value;
	}
	return histogram->most_ns;
}

uint64_t histogram_above(const struct histogram *histogram, uint64_t limit_ns)
{
	uint64_t above = 0;

	for (size_t i = bucket_of(limit_ns) + 1; i < HISTOGRAM_BUCKETS; i++)
		above += histogram->buckets[i];
	return above;
}

bool histogram_next(const struct histogram *histogram, size_t *at, uint64_t *from_ns,
		    uint64_t *to_ns, uint64_t *count)
{
	uint64_t width;

	while (*at < HISTOGRAM_BUCKETS && !histogram->buckets[*at])
		(*at)++;
	if (*at >= HISTOGRAM_BUCKETS)
		return false;
	*from_ns = low_of(*at, &width);
	*to_ns = *from_ns + width;
	*count = histogram->buckets[(*at)++];
	return true;
}

double histogram_mean(const struct histogram *histogram)
{
	return histogram->count ? histogram->sum_ns / (double)histogram->count : 0;
}
