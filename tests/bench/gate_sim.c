/*
 * Rules that say whether an image became slower, in a world whose truth is known: `gate_sim
 * [OPTION VALUE]…` prints one JSON line for each rule and true change.
 *
 * A measurement is (1 + change) * host * drift * sample. Hosts differ by a standard deviation of
 * --host; within a session on one host drift is AR(1) of deviation --drift that forgets over --tau
 * measurements; a sample has a deviation of --noise, and a share --outliers of them is 10 % slow.
 * A history is 20 earlier sessions of the same truth. The rules are what tools in use do, each with
 * ten measurements, and the gate of stats/gate.h.
 */
#include "base/mem.h"
#include "base/random.h"
#include "stats/compare.h"
#include "stats/gate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS 10	   /* measurements of one side by the simple rules */
#define HISTORY 20 /* sessions */
#define SLOW 0.10  /* of an outlier */
#define CHANGES_MAX 16

struct world {
	double host, drift, tau, noise, outliers;
	double trials, seed;
	uint64_t state;
};

enum verdict { PASS, FAIL, OPEN };

struct decision {
	enum verdict verdict;
	double runs;
};

/* --- chance ---------------------------------------------------------------------------------- */

static double gauss(struct world *world)
{
	double radius = sqrt(-2 * log(random_unit(&world->state)));

	return radius * cos(2 * 3.14159265358979323846 * random_unit(&world->state));
}

/* COUNT measurements in a row on one HOST. */
static void measure(struct world *world, double host, double *out, size_t count)
{
	double keep = exp(-1 / world->tau), drift = world->drift * gauss(world);

	for (size_t i = 0; i < count; i++) {
		double sample = 1 + world->noise * gauss(world);

		if (random_unit(&world->state) < world->outliers)
			sample -= SLOW;
		out[i] = host * (1 + drift) * sample;
		drift = keep * drift + world->drift * sqrt(1 - keep * keep) * gauss(world);
	}
}

static double new_host(struct world *world)
{
	return 1 + world->host * gauss(world);
}

static double median_of(double *values, size_t count)
{
	size_t finite;
	double *sorted = stats_sorted(values, count, &finite), median;

	median = stats_median(sorted, finite);
	free(sorted);
	return median;
}

static void scale(double *values, size_t count, double by)
{
	for (size_t i = 0; i < count; i++)
		values[i] *= by;
}

/* The median of a session, on HOST or (0) on any. */
static double session(struct world *world, double change, double host)
{
	double values[RUNS];

	measure(world, host > 0 ? host : new_host(world), values, RUNS);
	return (1 + change) * median_of(values, RUNS);
}

/* --- rules in use ---------------------------------------------------------------------------- */

static struct decision threshold(struct world *world, double change, double limit)
{
	double before = session(world, 0, 0), after = session(world, change, 0);

	return (struct decision){after / before < 1 - limit ? FAIL : PASS, RUNS};
}

static struct decision threshold_5(struct world *world, double change)
{
	return threshold(world, change, .05);
}

static struct decision threshold_7(struct world *world, double change)
{
	return threshold(world, change, .07);
}

/* Against mean and deviation of earlier sessions, at Z deviations. */
static struct decision boundary(struct world *world, double change, double host, double z)
{
	double past[HISTORY], now;
	struct stats_summary summary;

	for (size_t i = 0; i < HISTORY; i++)
		past[i] = session(world, 0, host);
	now = session(world, change, host);
	summary = stats_summarise(past, HISTORY);
	return (struct decision){now < summary.mean - z * summary.sd ? FAIL : PASS, RUNS};
}

static struct decision t_any_host(struct world *world, double change)
{
	return boundary(world, change, 0, stats_student_quantile(.99, HISTORY - 1));
}

static struct decision t_pinned_host(struct world *world, double change)
{
	return boundary(world, change, new_host(world), stats_student_quantile(.99, HISTORY - 1));
}

static struct decision z5_pinned_host(struct world *world, double change)
{
	return boundary(world, change, new_host(world), 5);
}

static struct decision welch(struct world *world, double change)
{
	double before[RUNS], after[RUNS], a, b, t, df;
	struct stats_summary x, y;

	measure(world, new_host(world), before, RUNS);
	measure(world, new_host(world), after, RUNS);
	scale(after, RUNS, 1 + change);
	x = stats_summarise(before, RUNS);
	y = stats_summarise(after, RUNS);
	a = x.sd * x.sd / RUNS;
	b = y.sd * y.sd / RUNS;
	t = (y.mean - x.mean) / sqrt(a + b);
	df = (a + b) * (a + b) / ((a * a + b * b) / (RUNS - 1));
	return (struct decision){2 * stats_student_cdf(t, df) < .05 ? FAIL : PASS, RUNS};
}

static enum verdict by_ranks(const double *before, const double *after)
{
	struct stats_test test;
	double left[RUNS], right[RUNS];

	memcpy(left, before, sizeof(left));
	memcpy(right, after, sizeof(right));
	if (stats_mann_whitney(before, RUNS, after, RUNS, &test, NULL) < 0)
		return OPEN;
	return test.p < .05 && median_of(right, RUNS) < median_of(left, RUNS) ? FAIL : PASS;
}

static struct decision mwu_in_a_row(struct world *world, double change)
{
	double values[2 * RUNS];

	measure(world, new_host(world), values, 2 * RUNS);
	scale(values + RUNS, RUNS, 1 + change);
	return (struct decision){by_ranks(values, values + RUNS), 2 * RUNS};
}

/* Pairs in random order, one after the other on one host. */
static void pairs(struct world *world, double change, size_t count, double *before, double *after)
{
	double *values = xcalloc(2 * count, sizeof(*values));

	measure(world, new_host(world), values, 2 * count);
	for (size_t i = 0; i < count; i++) {
		size_t first = random_unit(&world->state) < .5;

		before[i] = values[2 * i + first];
		after[i] = values[2 * i + 1 - first] * (1 + change);
	}
	free(values);
}

static struct decision mwu_interleaved(struct world *world, double change)
{
	double before[RUNS], after[RUNS];

	pairs(world, change, RUNS, before, after);
	return (struct decision){by_ranks(before, after), 2 * RUNS};
}

/* --- the gate -------------------------------------------------------------------------------- */

static struct decision gate(struct world *world, double change, double margin)
{
	static const enum verdict verdicts[] = {OPEN, PASS, FAIL, OPEN};
	const struct stats_gate_rule rule = stats_gate_rule(margin, STATS_GATE_PAIRS);
	double before[STATS_GATE_PAIRS], after[STATS_GATE_PAIRS], ratios[STATS_GATE_PAIRS];
	struct stats_gate_metric metric = {.ratios = ratios};

	pairs(world, change, STATS_GATE_PAIRS, before, after);
	for (size_t i = 0; i < STATS_GATE_PAIRS; i++)
		ratios[i] = log(after[i] / before[i]);
	while (metric.decision == STATS_GATE_MORE) {
		metric.count = stats_gate_next(&rule, metric.count);
		stats_gate_judge(&rule, &metric, 1);
	}
	return (struct decision){verdicts[metric.decision], 2 * (double)metric.count};
}

static struct decision gate_2(struct world *world, double change)
{
	return gate(world, change, .02);
}

static struct decision gate_3(struct world *world, double change)
{
	return gate(world, change, .03);
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct rule {
	const char *name;
	struct decision (*decide)(struct world *world, double change);
} rules[] = {
	{"threshold-5", threshold_5},
	{"threshold-7", threshold_7},
	{"t-any-host", t_any_host},
	{"t-pinned-host", t_pinned_host},
	{"z5-pinned-host", z5_pinned_host},
	{"welch", welch},
	{"mwu-in-a-row", mwu_in_a_row},
	{"mwu-interleaved", mwu_interleaved},
	{"gate-2", gate_2},
	{"gate-3", gate_3},
};

static void show(struct world *world, const struct rule *rule, double change)
{
	size_t counts[3] = {0};
	double runs = 0, trials = world->trials;

	world->state = (uint64_t)world->seed;
	for (size_t i = 0; i < (size_t)trials; i++) {
		struct decision decision = rule->decide(world, change);

		counts[decision.verdict]++;
		runs += decision.runs;
	}
	printf("{\"rule\": \"%s\", \"change\": %g, \"fail\": %g, \"open\": %g, \"runs\": %.2f}\n",
	       rule->name, change, 100 * (double)counts[FAIL] / trials,
	       100 * (double)counts[OPEN] / trials, runs / trials);
}

static double *option(struct world *world, const char *name)
{
	struct {
		const char *name;
		double *value;
	} known[] = {{"--host", &world->host},	       {"--drift", &world->drift},
		     {"--tau", &world->tau},	       {"--noise", &world->noise},
		     {"--outliers", &world->outliers}, {"--trials", &world->trials},
		     {"--seed", &world->seed}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].value;
	return NULL;
}

int main(int argc, char **argv)
{
	struct world world = {.host = .04,
			      .drift = .015,
			      .tau = 10,
			      .noise = .01,
			      .outliers = .02,
			      .trials = 1000,
			      .seed = 7};
	static const double changes[] = {0, -.01, -.02, -.03, -.05};
	const char *only = "";

	for (int i = 1; i + 1 < argc; i += 2) {
		double *value = option(&world, argv[i]);
		char *end = NULL;

		if (strcmp(argv[i], "--rule") == 0) {
			only = argv[i + 1];
			continue;
		}
		if (value)
			*value = strtod(argv[i + 1], &end);
		if (!value || end == argv[i + 1] || *end) {
			fprintf(stderr, "gate_sim: %s %s: no such option or number\n", argv[i],
				argv[i + 1]);
			return 2;
		}
	}
	for (size_t r = 0; r < sizeof(rules) / sizeof(rules[0]); r++)
		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
			if (strncmp(rules[r].name, only, strlen(only)) == 0)
				show(&world, &rules[r], changes[i]);
	return 0;
}
