/*
 * Counts of durations in log-linear buckets, the idea of HdrHistogram: every power of two is cut
 * into 2^HISTOGRAM_BITS buckets of equal width. A value read back is the middle of its bucket, at
 * most 1 part in 2^(HISTOGRAM_BITS + 1), 0.05 %, away from what was recorded; below
 * 2^HISTOGRAM_BITS ns it is exact. Histograms add up, so threads and runs merge without loss.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS 10
#define HISTOGRAM_MAX_NS (UINT64_C(1) << 42) /* 73 minutes; what is longer counts as that */
#define HISTOGRAM_BUCKETS ((size_t)(42 - HISTOGRAM_BITS + 2) << HISTOGRAM_BITS)

struct histogram {
	uint64_t count;
	uint64_t least_ns, most_ns; /* exact; least is UINT64_MAX while there is none */
	double sum_ns;
	uint64_t *buckets; /* HISTOGRAM_BUCKETS */
};

void histogram_init(struct histogram *histogram);
void histogram_done(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The value at or below which a SHARE (0..1) of the values lie, the nearest rank; 0 without any. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);
/* Values above LIMIT_NS; those of the bucket LIMIT_NS lies in count as not above. */
uint64_t histogram_above(const struct histogram *histogram, uint64_t limit_ns);
/* The next bucket that holds anything, from *AT on: its smallest value and the one after its
 * largest. False: none is left. */
bool histogram_next(const struct histogram *histogram, size_t *at, uint64_t *from_ns,
		    uint64_t *to_ns, uint64_t *count);
double histogram_mean(const struct histogram *histogram); /* ns, 0 without any */

#endif
