#include "bisect/buildable.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Shares and lengths seen in open histories lie between these; darktable had 109 broken commits
 * in 3 runs among 502, most projects a few per cent one by one. */
static const double shares[] = {.03, .1, .3};
static const double lengths[] = {1, 5, 20};

#define SHARES (sizeof(shares) / sizeof(*shares))
#define LENGTHS (sizeof(lengths) / sizeof(*lengths))
#define MODELS (SHARES * LENGTHS)
#define FORGOTTEN -30 /* e to this: nothing is kept */
#define UNLIKELY 1e-4 /* a model that has less than this has no say */

struct seen {
	uint32_t position;
	bool broken;
};

struct buildable {
	double share[MODELS], weight[MODELS];
	double log_stay[MODELS]; /* of what a step keeps of what is known */
	struct seen *seen;	 /* by position */
	uint32_t count, cap;
};

struct buildable *buildable_new(uint32_t count)
{
	struct buildable *buildable = xcalloc(1, sizeof(*buildable));

	for (size_t m = 0; m < MODELS; m++) {
		double share = shares[m / LENGTHS], length = lengths[m % LENGTHS];

		buildable->share[m] = share;
		buildable->weight[m] = 1.0 / MODELS;
		/* Second eigenvalue of the chain. */
		buildable->log_stay[m] =
			length > 1 ? log(fmax(0, 1 - 1 / length - share / (1 - share) / length))
				   : -INFINITY;
	}
	buildable->cap = count;
	buildable->seen = xcalloc(count, sizeof(*buildable->seen));
	return buildable;
}

void buildable_free(struct buildable *buildable)
{
	if (buildable)
		free(buildable->seen);
	free(buildable);
}

/* Index of the first seen build at POSITION or behind it. */
static uint32_t find(const struct buildable *buildable, uint32_t position)
{
	uint32_t low = 0, high = buildable->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (buildable->seen[middle].position < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* P(state B, STEPS commits away from state A). */
static double moves(const struct buildable *buildable, size_t m, uint32_t steps, bool a, bool b)
{
	double base = b ? buildable->share[m] : 1 - buildable->share[m];
	double exponent = steps ? steps * buildable->log_stay[m] : 0;
	double keeps = exponent < FORGOTTEN ? 0 : exp(exponent);

	return base * (1 - keeps) + (a == b ? keeps : 0);
}

static double starts(const struct buildable *buildable, size_t m, bool broken)
{
	return broken ? buildable->share[m] : 1 - buildable->share[m];
}

static void weigh(struct buildable *buildable)
{
	double log_like[MODELS], top = -INFINITY, total = 0;

	for (size_t m = 0; m < MODELS; m++) {
		const struct seen *seen = buildable->seen;

		log_like[m] = log(starts(buildable, m, seen[0].broken));
		for (uint32_t i = 1; i < buildable->count; i++)
			log_like[m] += log(
				fmax(moves(buildable, m, seen[i].position - seen[i - 1].position,
					   seen[i - 1].broken, seen[i].broken),
				     1e-12));
		top = fmax(top, log_like[m]);
	}
	for (size_t m = 0; m < MODELS; m++)
		total += exp(log_like[m] - top);
	for (size_t m = 0; m < MODELS; m++)
		buildable->weight[m] = exp(log_like[m] - top) / total;
}

void buildable_add(struct buildable *buildable, uint32_t position, bool broken)
{
	uint32_t at = find(buildable, position);
	struct seen *seen = buildable->seen;

	if (at == buildable->count || seen[at].position != position) {
		if (buildable->count == buildable->cap)
			return; /* more builds than commits: not a position */
		memmove(&seen[at + 1], &seen[at], (buildable->count - at) * sizeof(*seen));
		buildable->count++;
	}
	seen[at] = (struct seen){position, broken};
	weigh(buildable);
}

static double by_model(const struct buildable *buildable, size_t m, uint32_t position, uint32_t at)
{
	const struct seen *left = at > 0 ? &buildable->seen[at - 1] : NULL;
	const struct seen *right = at < buildable->count ? &buildable->seen[at] : NULL;
	double chance[2];

	for (int broken = 0; broken < 2; broken++) {
		chance[broken] =
			left ? moves(buildable, m, position - left->position, left->broken, broken)
			     : starts(buildable, m, broken);
		if (right)
			chance[broken] *= moves(buildable, m, right->position - position, broken,
						right->broken);
	}
	return chance[1] / fmax(chance[0] + chance[1], 1e-12);
}

double buildable_broken(const struct buildable *buildable, uint32_t position)
{
	uint32_t at = find(buildable, position);
	double broken = 0;

	if (at < buildable->count && buildable->seen[at].position == position)
		return buildable->seen[at].broken;
	for (size_t m = 0; m < MODELS; m++)
		if (buildable->weight[m] >= UNLIKELY)
			broken += buildable->weight[m] * by_model(buildable, m, position, at);
	return broken;
}
