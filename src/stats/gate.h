/*
 * Has this image become slower? Decided from pairs of measurements, one of the image before and one
 * of the image under test, made one after the other on one machine in random order. Pure.
 *
 * The value of a pair is the log of its ratio, turned so that below 0 is worse. At each look all
 * pairs so far give a trimmed mean with its t interval (stats/robust.h):
 *
 *   FAIL          surely worse than before, and by half the margin or more
 *   PASS          surely not worse by the margin
 *   MORE          neither: measure until the next look
 *   INCONCLUSIVE  neither, at the last look
 *
 * Every look costs a part of the risk of a false FAIL, and several metrics share it by Holm's rule
 * (Holm 1979). tests/bench/gate_sim.c simulates what comes of both kinds of error.
 */
#ifndef STATS_GATE_H
#define STATS_GATE_H

#include "stats/robust.h"

#include <stdint.h>

#define STATS_GATE_LOOKS_MAX 32
#define STATS_GATE_PAIRS_MIN 6
#define STATS_GATE_PAIRS_MAX 1000
#define STATS_GATE_MARGIN 0.02 /* the default */
#define STATS_GATE_PAIRS 48    /* the default */

struct stats_gate_rule {
	double margin;			    /* of the value before: 0.02 is 2 % */
	size_t looks[STATS_GATE_LOOKS_MAX]; /* pairs at which it is decided, rising */
	size_t look_count;
	double fail_risk; /* of a false FAIL at each look */
	double pass_risk; /* of a false PASS at each look */
	double trim;	  /* share of pairs left out at either end */
	double floor;	  /* least deviation of a log ratio that is believed */
};

/* The rule that was simulated, for MARGIN (above 0, below 1), with its last look after PAIRS_MAX
 * pairs (STATS_GATE_PAIRS_MIN to STATS_GATE_PAIRS_MAX). */
struct stats_gate_rule stats_gate_rule(double margin, size_t pairs_max);

/* The first look after N pairs; 0: there is none. */
size_t stats_gate_next(const struct stats_gate_rule *rule, size_t n);

enum stats_gate_decision {
	STATS_GATE_MORE,
	STATS_GATE_PASS,
	STATS_GATE_FAIL,
	STATS_GATE_INCONCLUSIVE
};
const char *stats_gate_decision_name(enum stats_gate_decision decision); /* "more" */

struct stats_gate_metric {
	const double *ratios; /* logs of COUNT ratios of pairs, finite, below 0 is worse */
	size_t count;
	/* Filled by stats_gate_judge. */
	enum stats_gate_decision decision;
	double change; /* estimate: -0.02 is 2 % worse; 0 before the first look */
	struct stats_interval
		within; /* CHANGE, by the risks of the rule; -1 to INFINITY: unknown */
	double p; /* of pairs as bad as these, were it no worse than before; before Holm's rule */
};

/*
 * Judge COUNT metrics of one pair of images together. A metric that has not come to a look is MORE;
 * else the pairs up to its last look count, so that nothing hangs on when it is asked. What was
 * decided before stays so, and is one of those that share the risk.
 */
void stats_gate_judge(const struct stats_gate_rule *rule, struct stats_gate_metric *metrics,
		      size_t count);

#endif
