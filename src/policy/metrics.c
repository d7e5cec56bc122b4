/* Limits of metrics. */
#include "policy/policy_private.h"

#include "stats/summary.h"

#include <math.h>
#include <string.h>

static double value_of(const struct policy_limit *limit, const struct metric *metric)
{
	struct stats_summary found = stats_summarise(metric->samples, metric->sample_count);

	if (limit->of == POLICY_OF_WORST)
		return limit->direction == 0 ? found.minimum : found.maximum;
	return found.median;
}

static bool is_finite(const struct metric *metric)
{
	for (size_t i = 0; i < metric->sample_count; i++)
		if (!isfinite(metric->samples[i]))
			return false;
	return true;
}

/* Why METRIC does not hold; the rule goes to RULE. NULL: it does. */
static const char *fault_of(const struct judge *judge, const struct policy_limit *limit,
			    const struct metric *metric, const char **rule)
{
	enum direction wanted = limit->direction == 0 ? DIRECTION_HIGHER : DIRECTION_LOWER;
	const char *unit = metric->unit ? metric->unit : "";
	double value;

	*rule = "metric-direction";
	if (metric->direction != DIRECTION_NONE && metric->direction != wanted)
		return arena_printf(judge->arena, "the check says that %s is better, the policy %s",
				    direction_name(metric->direction), direction_name(wanted));
	*rule = "too-few-samples";
	if (!metric->sample_count || (int64_t)metric->sample_count < limit->samples)
		return arena_printf(judge->arena, "%zu samples, %lld are needed",
				    metric->sample_count, (long long)limit->samples);
	*rule = "metric-missing";
	if (!is_finite(metric))
		return "a sample is no finite number";
	*rule = "limit";
	value = value_of(limit, metric);
	if (wanted == DIRECTION_HIGHER ? value >= limit->limit : value <= limit->limit)
		return NULL;
	return arena_printf(judge->arena, "%s of %zu samples is %.6g %s, the limit is %s %.6g",
			    limit->of == POLICY_OF_WORST ? "worst" : "median", metric->sample_count,
			    value, unit, wanted == DIRECTION_HIGHER ? "at least" : "at most",
			    limit->limit);
}

static void judge_metric(const struct judge *judge, const struct policy_limit *limit,
			 const struct standing *standing, const struct metric *metric)
{
	static const struct policy_require any = {.skip = -1};
	const struct policy_waiver *waiver;
	const char *rule, *note, *what;
	const char *fault = fault_of(judge, limit, metric, &rule);

	policy__judge_age(judge, standing, &any);
	if (!fault)
		return;
	what = arena_printf(judge->arena, "%s: %s", standing->result->name, metric->name);
	waiver = policy__waiver(judge, standing->result, metric->name, &note);
	if (waiver) {
		policy__waived(judge, waiver, what);
		return;
	}
	policy__close(judge, rule, standing->run, standing->result,
		      arena_printf(judge->arena, "%s: %s%s", what, fault, note),
		      policy__run_command(judge, standing->run, standing->result));
}

static size_t judge_case(const struct judge *judge, const struct policy_limit *limit,
			 const struct standing *standing)
{
	const struct case_result *result = standing->result;
	size_t found = 0;

	for (size_t i = 0; i < result->metric_count; i++)
		if (strcmp(result->metrics[i].name, limit->metric) == 0) {
			judge_metric(judge, limit, standing, &result->metrics[i]);
			found++;
		}
	return found;
}

void policy__judge_metrics(const struct judge *judge, const struct past *pasts, size_t count)
{
	const struct policy_limit *list = judge->policy->metrics.items;

	for (size_t i = 0; i < judge->policy->metrics.count; i++) {
		const struct run *newest = NULL;
		size_t found = 0;

		for (size_t k = 0; k < count; k++) {
			newest = !newest && pasts[k].run_count ? pasts[k].runs[0] : newest;
			for (size_t n = 0; n < pasts[k].case_count; n++)
				if (policy__names(list[i].check, pasts[k].cases[n].result))
					found += judge_case(judge, &list[i], &pasts[k].cases[n]);
		}
		if (!found)
			policy__close(judge, "metric-missing", NULL, NULL,
				      arena_printf(judge->arena, "%s: %s was not measured",
						   list[i].check, list[i].metric),
				      policy__run_command(judge, newest, NULL));
	}
}
