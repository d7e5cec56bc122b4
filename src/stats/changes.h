/*
 * Where a series of measurements changed its level. Pure and deterministic; any thread.
 *
 * A point that stands out from those before it and from those after it is moved to the edge of
 * their noise (Huber 1964), so that a spike is no change. The noise comes from first and second
 * differences, of which a step is in few: their ratio also tells how much one point says of the
 * next (1 + phi for an AR(1) process), and one standard error of it, 1 / sqrt(count), is added,
 * since a short series knows little of itself. Levels are fitted by penalised least squares
 * (Killick, Fearnhead and Eckley 2012, PELT), each change of level costing
 *
 *   3.5 * variance * (1 + phi) / (1 - phi) * ln(count)
 *
 * and what is left has to be of a size that somebody wants to know of. Each change is then put
 * at a likely place that has most of the likelihood within three points of it: the likelihood
 * of a place is that of squared distances to the two levels, up to the noise beyond both, as an
 * outlier says nothing of the place. Penalty, error and what is likely were chosen by
 * tests/bench/changes.py, which has false, missed and late changes beside what other tools find.
 */
#ifndef STATS_CHANGES_H
#define STATS_CHANGES_H

#include "base/arena.h"
#include "stats/summary.h"

#define STATS_CHANGES_SEGMENT 3		/* points on a level, at least */
#define STATS_CHANGES_FLOOR 0.005	/* the least relative change that is told, by default */
#define STATS_CHANGES_POINTS_MAX 100000 /* of a series */

struct stats_change {
	size_t at;		      /* the first point on the new level */
	double before, after;	      /* medians of the two levels */
	double size;		      /* after / before - 1 by the shift of Hodges and Lehmann */
	struct stats_interval within; /* of SIZE at 95 %; NaN: too few points */
};

/*
 * The changes of COUNT values, oldest first, whose relative size is FLOOR (above 0) or more. Values
 * are finite and above 0 (ERR_USAGE), at most STATS_CHANGES_POINTS_MAX (ERR_LIMIT). OUT is ARENA's.
 * Fewer than twice STATS_CHANGES_SEGMENT values have no change.
 */
int stats_changes(const double *values, size_t count, double floor, struct arena *arena,
		  struct stats_change **out, size_t *out_count, struct err *err);

#endif
