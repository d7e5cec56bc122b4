/*
 * What is believed of a rate after some trials: a Beta distribution before them becomes another
 * one by them. Pure; any thread. Gelman et al., Bayesian Data Analysis, 3rd edition, chapter 2.
 */
#ifndef STATS_BETA_BINOMIAL_H
#define STATS_BETA_BINOMIAL_H

#include "stats/summary.h"

#include <stdint.h>

/* Beta(a, b): a - 1 hits and b - 1 misses count as seen before. Both above 0, finite. */
struct stats_belief {
	double a, b;
};

/* Jeffreys's, that says least of a rate: Beta(1/2, 1/2). */
#define STATS_JEFFREYS ((struct stats_belief){0.5, 0.5})

/* After K of N trials more were hits; NaN where K > N. */
struct stats_belief stats_belief_update(struct stats_belief prior, uint64_t k, uint64_t n);

/* The mean rate, and between which the rate lies with a chance of CREDIBILITY (0..1, both
 * excluded), the same left on both sides. NaN where the belief is none. */
struct stats_estimate stats_belief_rate(struct stats_belief belief, double credibility);

/* The chance that the rate is at most RATE. */
double stats_belief_at_most(struct stats_belief belief, double rate);

/* The chance of K hits in N trials to come, and of at most K, in time that grows with K. */
double stats_belief_predict(struct stats_belief belief, uint64_t k, uint64_t n);
double stats_belief_predict_at_most(struct stats_belief belief, uint64_t k, uint64_t n);

#endif
