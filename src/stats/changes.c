#include "stats/changes.h"

#include "base/mem.h"
#include "stats/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEIGHBOURS 3 /* to either side, that a point is held against */
#define NOISE_KEPT 3 /* deviations from it that a point may stand off */
#define NEAR 3	     /* points from the place told where a change is looked for */
#define FARTHER 0.01 /* less, for each point farther */
#define LIKELY 0.3   /* of the likeliest place's likelihood, that the place told has at least */
#define PENALTY 3.5
#define TO_SIGMA 1.4826 /* a normal distribution's deviation over its median distance */
#define PHI_MAX 0.9
#define CONFIDENCE 0.95

/* --- what is noise --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return stats_median(values, count);
}

/* The deviation of COUNT values about 0, by the median of their distances: for what is wild. */
static double rough_deviation(const double *values, size_t count, double *scratch)
{
	for (size_t i = 0; i < count; i++)
		scratch[i] = fabs(values[i]);
	return TO_SIGMA * median_of(scratch, count);
}

/* The variance of differences LAG apart. What stands off counts as the edge of the noise: a step
 * is in few of them, and all the others tell more together than their median does. */
static double of_differences(const double *values, size_t count, size_t lag, double *differences,
			     double *scratch)
{
	double edge, squares = 0;

	count -= lag;
	for (size_t i = 0; i < count; i++)
		differences[i] = values[i + lag] - values[i];
	edge = NOISE_KEPT * rough_deviation(differences, count, scratch);
	for (size_t i = 0; i < count; i++) {
		double distance = fmin(fabs(differences[i]), edge);

		squares += distance * distance;
	}
	return squares / (double)count;
}

/* The median of up to NEIGHBOURS values from FIRST to before END; OTHERWISE for none. */
static double median_near(const double *values, size_t first, size_t end, double otherwise)
{
	double window[NEIGHBOURS];

	if (first >= end)
		return otherwise;
	memcpy(window, values + first, (end - first) * sizeof(*window));
	return median_of(window, end - first);
}

/*
 * Move what stands off from those before it and from those after it to the edge of the noise. The
 * first point of a new level is like those after it; the last point of all has only the past.
 */
static void tame(double *values, const double *measured, size_t count, double *lows, double *highs,
		 double *scratch)
{
	double noise;

	for (size_t i = 0; i < count; i++) {
		size_t first = i < NEIGHBOURS ? 0 : i - NEIGHBOURS;
		size_t end = i + NEIGHBOURS < count ? i + NEIGHBOURS + 1 : count;
		double after = median_near(measured, i + 1, end, NAN);
		double before = median_near(measured, first, i, after);

		lows[i] = fmin(before, after);
		highs[i] = fmax(before, after);
	}
	noise = NOISE_KEPT * sqrt(of_differences(measured, count, 1, values, scratch) / 2);
	for (size_t i = 0; i < count; i++)
		values[i] = fmin(fmax(measured[i], lows[i] - noise), highs[i] + noise);
}

/* The price of a change of level. */
static double price(const double *values, size_t count, double *differences, double *scratch)
{
	double near = of_differences(values, count, 1, differences, scratch);
	double far = of_differences(values, count, 2, differences, scratch);
	double error = 1 / sqrt((double)count); /* standard error of an autocorrelation */
	double phi = near > 0 ? fmin(fmax(far / near - 1, 0) + error, PHI_MAX) : 0;

	return PENALTY * near / (2 * (1 - phi)) * (1 + phi) / (1 - phi) * log((double)count);
}

/* --- levels ---------------------------------------------------------------------------------- */

struct fit {
	double *sums, *squares; /* of the first i values */
	double *costs;		/* of the best levels for the first i values */
	size_t *lasts;		/* where the last of these begins */
	size_t *open;		/* where a level may still begin */
};

/* Squared distances of values FROM to before TO from their mean. */
static double distance(const struct fit *fit, size_t from, size_t to)
{
	double sum = fit->sums[to] - fit->sums[from];

	return fit->squares[to] - fit->squares[from] - sum * sum / (double)(to - from);
}

static void fit_levels(struct fit *fit, const double *values, size_t count, double penalty)
{
	size_t open = 0;

	fit->sums[0] = 0;
	for (size_t i = 0; i < count; i++) {
		fit->sums[i + 1] = fit->sums[i] + values[i];
		fit->squares[i + 1] = fit->squares[i] + values[i] * values[i];
	}
	fit->costs[0] = -penalty;
	for (size_t to = 1; to < STATS_CHANGES_SEGMENT && to <= count; to++)
		fit->costs[to] = INFINITY;
	for (size_t to = STATS_CHANGES_SEGMENT; to <= count; to++) {
		size_t kept = 0;

		fit->open[open++] = to - STATS_CHANGES_SEGMENT;
		fit->costs[to] = INFINITY;
		for (size_t i = 0; i < open; i++) {
			size_t from = fit->open[i];
			double cost = fit->costs[from] + distance(fit, from, to) + penalty;

			if (cost < fit->costs[to]) {
				fit->costs[to] = cost;
				fit->lasts[to] = from;
			}
		}
		/* No later point makes up for what is dearer by a whole change already. */
		for (size_t i = 0; i < open; i++)
			if (fit->costs[fit->open[i]] + distance(fit, fit->open[i], to) <=
			    fit->costs[to])
				fit->open[kept++] = fit->open[i];
		open = kept;
	}
}

/* Where levels begin, the first at 0; returns how many. */
static size_t trace(const struct fit *fit, size_t count, size_t *starts)
{
	size_t n = 0;

	for (size_t to = count; to > 0; to = fit->lasts[to])
		starts[n++] = fit->lasts[to];
	for (size_t i = 0; i < n / 2; i++) {
		size_t swap = starts[i];

		starts[i] = starts[n - 1 - i];
		starts[n - 1 - i] = swap;
	}
	return n;
}

/* Where between FROM and END the second level begins best, near AT; a level may be short here. */
static size_t best_start(const struct fit *fit, size_t from, size_t at, size_t end)
{
	size_t best = at;

	for (size_t i = at > from + STATS_CHANGES_SEGMENT ? at - STATS_CHANGES_SEGMENT : from + 1;
	     i < end && i <= at + STATS_CHANGES_SEGMENT; i++)
		if (distance(fit, from, i) + distance(fit, i, end) <
		    distance(fit, from, best) + distance(fit, best, end))
			best = i;
	return best;
}

/*
 * A large step is worth a change as soon as two points are on the new level; the third that a level
 * must have is then one of the old. Such a change is not told yet: its place would be wrong.
 */
static size_t settle(const struct fit *fit, size_t count, size_t *starts, size_t n)
{
	size_t kept = 1;

	for (size_t i = 1; i < n; i++) {
		size_t end = i + 1 < n ? starts[i + 1] : count;
		size_t at = best_start(fit, starts[kept - 1], starts[i], end);

		if (at - starts[kept - 1] >= STATS_CHANGES_SEGMENT &&
		    end - at >= STATS_CHANGES_SEGMENT)
			starts[kept++] = at;
	}
	return kept;
}

/* --- changes --------------------------------------------------------------------------------- */

static double level(const double *logs, size_t from, size_t to, double *scratch)
{
	memcpy(scratch, logs + from, (to - from) * sizeof(*scratch));
	return median_of(scratch, to - from);
}

/* Levels that nobody wants to know apart become one, the nearest first. */
static size_t join(const double *logs, size_t count, double floor, size_t *starts, size_t n,
		   double *scratch)
{
	while (n > 1) {
		double least = INFINITY;
		size_t at = 0;

		for (size_t i = 1; i < n; i++) {
			size_t end = i + 1 < n ? starts[i + 1] : count;
			double step = fabs(expm1(level(logs, starts[i], end, scratch) -
						 level(logs, starts[i - 1], starts[i], scratch)));

			if (step < least) {
				least = step;
				at = i;
			}
		}
		if (least >= floor)
			break;
		memmove(starts + at, starts + at + 1, (n - at - 1) * sizeof(*starts));
		n--;
	}
	return n;
}

/* The mean of what lies within EDGE of the median, the rest at its edges: less wanders than the
 * median does. */
static double tame_mean(const double *logs, size_t from, size_t to, double edge, double *scratch)
{
	double middle = level(logs, from, to, scratch), sum = 0;

	for (size_t i = from; i < to; i++)
		sum += fmin(fmax(logs[i] - middle, -edge), edge);
	return middle + sum / (double)(to - from);
}

/* Squared distance, as far as it is noise. */
static double apart(double value, double level, double edge)
{
	double distance = fmin(fabs(value - level), edge);

	return distance * distance;
}

/* How likely the place of COST is beside the cheapest, whose cost is LEAST. */
static double likelihood(double cost, double least, double noise)
{
	return cost > least ? exp((least - cost) / (2 * noise * noise)) : 1;
}

/* The likelihoods of all places within NEAR of AT, a little less of those farther off, so that a
 * step beyond doubt is told at its own point. */
static double mass_near(const double *costs, size_t first, size_t end, size_t at, double least,
			double noise)
{
	size_t low = at > first + NEAR ? at - NEAR : first, high = at + NEAR + 1;
	double mass = 0;

	for (size_t i = low; i < high && i < end; i++)
		mass += (1 - FARTHER * fabs((double)i - (double)at)) *
			likelihood(costs[i], least, noise);
	return mass;
}

/*
 * Move each change to where it most likely is not farther than NEAR points from: the levels being
 * what they are, each place has a likelihood, and who looks for the change looks around what is
 * told. What is much less likely than another place is not told, whatever lies around it, and what
 * stands off from both levels says nothing of the place.
 */
static void place(const double *logs, size_t count, double noise, size_t *starts, size_t n,
		  double *scratch)
{
	const double edge = NOISE_KEPT * noise;

	for (size_t i = 1; i < n; i++) {
		size_t from = starts[i - 1], end = i + 1 < n ? starts[i + 1] : count;
		size_t first = from + STATS_CHANGES_SEGMENT, last = end - STATS_CHANGES_SEGMENT;
		double before = tame_mean(logs, from, starts[i], edge, scratch);
		double after = tame_mean(logs, starts[i], end, edge, scratch);
		double reach = edge + fabs(after - before), cost = 0, least = INFINITY, most = 0;

		for (size_t at = from; at <= last; at++) {
			scratch[at] = cost;
			if (at >= first)
				least = fmin(least, cost);
			cost += apart(logs[at], before, reach) - apart(logs[at], after, reach);
		}
		for (size_t at = first; at <= last; at++) {
			double mass = mass_near(scratch, first, last + 1, at, least, noise);

			if (mass > most && likelihood(scratch[at], least, noise) >= LIKELY) {
				most = mass;
				starts[i] = at;
			}
		}
	}
}

static int describe(const double *logs, size_t from, size_t at, size_t end, double *scratch,
		    struct stats_change *out, struct err *err)
{
	struct stats_estimate shift;

	if (stats_shift(logs + from, at - from, logs + at, end - at, CONFIDENCE, &shift, err) < 0)
		return -1;
	*out = (struct stats_change){
		.at = at,
		.before = exp(level(logs, from, at, scratch)),
		.after = exp(level(logs, at, end, scratch)),
		.size = expm1(shift.value),
		.within = {expm1(shift.low), expm1(shift.high)},
	};
	return 0;
}

/* LOGS as measured; TAMED and SCRATCH have as many places. */
static int find(const double *logs, double *tamed, size_t count, double floor, double *scratch,
		struct arena *arena, struct stats_change **out, size_t *out_count, struct err *err)
{
	struct fit fit = {
		.sums = xcalloc(count + 1, sizeof(double)),
		.squares = xcalloc(count + 1, sizeof(double)),
		.costs = xcalloc(count + 1, sizeof(double)),
		.lasts = xcalloc(count + 1, sizeof(size_t)),
		.open = xcalloc(count + 1, sizeof(size_t)),
	};
	size_t *starts = xcalloc(count, sizeof(*starts)), n;
	struct stats_change *list;
	int rc = 0;

	tame(tamed, logs, count, fit.costs, fit.sums, scratch);
	fit_levels(&fit, tamed, count, price(tamed, count, fit.costs, scratch));
	n = settle(&fit, count, starts, trace(&fit, count, starts));
	n = join(logs, count, floor, starts, n, scratch);
	place(logs, count, sqrt(of_differences(logs, count, 1, fit.costs, scratch) / 2), starts, n,
	      scratch);
	list = arena_alloc(arena, n * sizeof(*list));
	for (size_t i = 1; i < n && rc == 0; i++)
		rc = describe(logs, starts[i - 1], starts[i], i + 1 < n ? starts[i + 1] : count,
			      scratch, &list[i - 1], err);
	if (rc == 0) {
		*out = list;
		*out_count = n - 1;
	}
	free(fit.sums);
	free(fit.squares);
	free(fit.costs);
	free(fit.lasts);
	free(fit.open);
	free(starts);
	return rc;
}

int stats_changes(const double *values, size_t count, double floor, struct arena *arena,
		  struct stats_change **out, size_t *out_count, struct err *err)
{
	double *logs, *tamed, *scratch;
	int rc;

	if (count > STATS_CHANGES_POINTS_MAX)
		return err_set(err, ERR_LIMIT, "a series of more than %d points",
			       STATS_CHANGES_POINTS_MAX);
	for (size_t i = 0; i < count; i++)
		if (!isfinite(values[i]) || values[i] <= 0)
			return err_set(err, ERR_USAGE, "point %zu is not above 0", i);
	if (!(floor > 0))
		return err_set(err, ERR_USAGE, "a floor of %g", floor);
	if (count < 2 * STATS_CHANGES_SEGMENT) {
		*out = NULL;
		*out_count = 0;
		return 0;
	}
	logs = xcalloc(count, sizeof(*logs));
	tamed = xcalloc(count, sizeof(*tamed));
	scratch = xcalloc(count, sizeof(*scratch));
	for (size_t i = 0; i < count; i++)
		logs[i] = log(values[i]);
	rc = find(logs, tamed, count, floor, scratch, arena, out, out_count, err);
	free(logs);
	free(tamed);
	free(scratch);
	return rc;
}
