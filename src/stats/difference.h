/* Do two samples differ, and by how much: many pairs of them, judged together. Pure. */
#ifndef STATS_DIFFERENCE_H
#define STATS_DIFFERENCE_H

#include "stats/adjust.h"
#include "stats/compare.h"

enum stats_finding {
	STATS_SAME,	 /* no difference that the samples show */
	STATS_DIFFERENT, /* by more than chance */
	STATS_TOO_FEW,	 /* values so few that no order of them could show a difference */
};

struct stats_difference {
	size_t before_count, after_count; /* finite values */
	double before, after;		  /* medians */
	struct stats_estimate shift; /* Hodges and Lehmann's, with its interval for LEVEL alone */
	double p, adjusted;	     /* Mann and Whitney's; adjusted for all judged together */
	enum stats_finding finding;
	size_t needed; /* STATS_TOO_FEW: values on each side that could show one */
};

/*
 * BEFORE and AFTER, whose values that are not finite are passed over, at LEVEL (0..1, both
 * excluded; 0.05: one time in twenty something is found where nothing is). One value a side is
 * needed: ERR_USAGE. What OUT says of its finding is for this pair alone.
 */
int stats_difference(const double *before, size_t before_count, const double *after,
		     size_t after_count, double level, struct stats_difference *out,
		     struct err *err);

/* Adjust findings that are read side by side. LEVEL is the chance of even one false one by
 * stats_adjust_holm, the share of false ones by stats_adjust_benjamini_hochberg. */
void stats_judge_together(struct stats_difference *list, size_t count, double level,
			  stats_adjustment *adjust);

const char *stats_finding_name(enum stats_finding finding); /* "same", "different", "too few" */

#endif
