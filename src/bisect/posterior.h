/*
 * What the observations so far say: how probable each commit is as the culprit, that there is none
 * (the failure at the bad end was a flake), and that the good end fails already. A test of commit v
 * runs on bad code if and only if the culprit is v or an ancestor of it.
 *
 * A hypothesis splits the observations into those of bad and those of good code and is judged by
 * their likelihood. The whole posterior is recomputed from the counts, in one pass over the
 * commits: no error builds up, and the order of observations does not matter.
 */
#ifndef BISECT_POSTERIOR_H
#define BISECT_POSTERIOR_H

#include "bisect/graph.h"
#include "bisect/likelihood.h"

struct tally {
	uint32_t position; /* GRAPH_NOWHERE: the good end */
	struct seen seen;
};

struct posterior_model {
	struct likelihood_model tests;
	double no_culprit;     /* prior probability that nothing in the range is to blame */
	double older;	       /* prior probability that the good end is bad */
	const double *weights; /* by position, relative; NULL: all alike. Copied. */
};

struct posterior;

/* GRAPH is borrowed and outlives the posterior. ERR_USAGE for rates that are no probabilities. */
int posterior_open(const struct graph *graph, const struct posterior_model *model,
		   struct posterior **out, struct err *err);
void posterior_free(struct posterior *posterior); /* NULL is allowed */

/* The commit at POSITION cannot be the culprit, whatever is observed. Counts at the next update. */
void posterior_exclude(struct posterior *posterior, uint32_t position);
bool posterior_is_excluded(const struct posterior *posterior, uint32_t position);

/* Another rate of flakes. Counts at the next update. */
void posterior_set_flake(struct posterior *posterior, const struct rate *rate);

/* Judge every hypothesis by all observations so far; positions are not vague. */
void posterior_update(struct posterior *posterior, const struct tally *tallies, size_t count);

double posterior_mass(const struct posterior *posterior, uint32_t position);
double posterior_no_culprit(const struct posterior *posterior);
double posterior_older(const struct posterior *posterior);
/* Probability that the code at POSITION (GRAPH_NOWHERE: the good end) is bad. */
double posterior_bad(const struct posterior *posterior, uint32_t position);
/* Bits that one more test at POSITION is expected to tell about the culprit. */
double posterior_information(const struct posterior *posterior, uint32_t position);
/* Failure rates of bad and of good code as now believed. */
void posterior_rates(const struct posterior *posterior, double *fail_out, double *flake_out);
/* Where tests measure: levels and noise under the most probable commit. */
struct levels posterior_levels(const struct posterior *posterior);
/* Sum of the masses at positions FROM..TO. */
double posterior_span(const struct posterior *posterior, uint32_t from, uint32_t to);

/* Entropy of a yes-no event of probability P, in bits. */
double bits_of(double p);

#endif
