#include "stats/gate.h"

#include "base/mem.h"
#include "stats/adjust.h"

#include <math.h>
#include <stdlib.h>

/*
 * Found by tests/bench/gate_sim.c: looks that come often save pairs at little cost, since each
 * hardly differs from the one before; a false alarm is dearer than a few pairs more.
 */
#define FAIL_RISK 0.0007
#define PASS_RISK 0.005
#define TRIM 0.1
#define FLOOR 0.002

struct stats_gate_rule stats_gate_rule(double margin, size_t pairs_max)
{
	struct stats_gate_rule rule = {.margin = margin,
				       .fail_risk = FAIL_RISK,
				       .pass_risk = PASS_RISK,
				       .trim = TRIM,
				       .floor = FLOOR};
	size_t look = STATS_GATE_PAIRS_MIN;

	while (look < pairs_max && rule.look_count < STATS_GATE_LOOKS_MAX - 1) {
		rule.looks[rule.look_count++] = look;
		look += look / 5 + 1;
	}
	rule.looks[rule.look_count++] = pairs_max;
	return rule;
}

size_t stats_gate_next(const struct stats_gate_rule *rule, size_t n)
{
	for (size_t i = 0; i < rule->look_count; i++)
		if (rule->looks[i] > n)
			return rule->looks[i];
	return 0;
}

const char *stats_gate_decision_name(enum stats_gate_decision decision)
{
	static const char *const names[] = {"more", "pass", "fail", "inconclusive"};

	return names[decision];
}

/* --- one metric ------------------------------------------------------------------------------ */

struct look {
	double mean, error, freedom; /* of log ratios */
	bool last, taken;
};

/* What the pairs up to the last look say. */
static struct look look_at(const struct stats_gate_rule *rule,
			   const struct stats_gate_metric *metric)
{
	struct stats_winsorised found;
	struct look look = {0};
	size_t pairs = 0;

	for (size_t i = 0; i < rule->look_count; i++)
		if (rule->looks[i] <= metric->count)
			pairs = rule->looks[i];
	if (!pairs || stats_winsorise(metric->ratios, pairs, rule->trim, &found, NULL) < 0)
		return look;
	look.mean = found.mean;
	look.error = fmax(found.error, rule->floor / sqrt((double)pairs));
	look.freedom = found.freedom;
	look.last = pairs == rule->looks[rule->look_count - 1];
	look.taken = true;
	return look;
}

static void estimate(const struct stats_gate_rule *rule, const struct look *look,
		     struct stats_gate_metric *metric)
{
	double half;

	*metric = (struct stats_gate_metric){
		.ratios = metric->ratios, .count = metric->count, .within = {-1, INFINITY}, .p = 1};
	if (!look->taken)
		return;
	half = -stats_student_quantile(rule->pass_risk, look->freedom) * look->error;
	metric->change = expm1(look->mean);
	metric->within =
		(struct stats_interval){expm1(look->mean - half), expm1(look->mean + half)};
	metric->p = stats_student_cdf(look->mean / look->error, look->freedom);
}

/* --- several --------------------------------------------------------------------------------- */

/* As bad as this by chance, among so many: Holm's rule over all that were looked at together. */
static void fail_the_worst(const struct stats_gate_rule *rule, struct stats_gate_metric *metrics,
			   size_t count)
{
	double *p = xcalloc(count + 1, sizeof(*p));

	for (size_t i = 0; i < count; i++)
		p[i] = metrics[i].p;
	if (stats_adjust_holm(p, count, p, NULL) == 0)
		for (size_t i = 0; i < count; i++)
			if (metrics[i].decision == STATS_GATE_MORE && p[i] <= rule->fail_risk &&
			    metrics[i].change <= -rule->margin / 2)
				metrics[i].decision = STATS_GATE_FAIL;
	free(p);
}

void stats_gate_judge(const struct stats_gate_rule *rule, struct stats_gate_metric *metrics,
		      size_t count)
{
	struct look *looks = xcalloc(count + 1, sizeof(*looks));

	for (size_t i = 0; i < count; i++) {
		if (metrics[i].decision != STATS_GATE_MORE)
			continue;
		looks[i] = look_at(rule, &metrics[i]);
		estimate(rule, &looks[i], &metrics[i]);
	}
	fail_the_worst(rule, metrics, count);
	for (size_t i = 0; i < count; i++) {
		if (!looks[i].taken || metrics[i].decision != STATS_GATE_MORE)
			continue;
		if (metrics[i].within.low > -rule->margin)
			metrics[i].decision = STATS_GATE_PASS;
		else if (looks[i].last)
			metrics[i].decision = STATS_GATE_INCONCLUSIVE;
	}
	free(looks);
}
