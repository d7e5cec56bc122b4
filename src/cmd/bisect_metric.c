/* --metric: what a run measures, against a run of the good end's image right before or after. */
#include "cmd/bisect_private.h"
#include "stats/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* NULL: no case measured it; ERR_USAGE when several did, and none can be meant. */
static int find_metric(const struct hunt *hunt, const struct run *run, const struct metric **out,
		       struct err *err)
{
	const char *name = hunt->options->metric, *holder = NULL;

	*out = NULL;
	for (size_t i = 0; i < run->case_count; i++)
		for (size_t m = 0; m < run->cases[i].metric_count; m++) {
			const struct metric *metric = &run->cases[i].metrics[m];

			if (strcmp(metric->name, name) != 0)
				continue;
			if (holder)
				return err_set(err, ERR_USAGE,
					       "%s is measured by %s and by %s: choose with --only",
					       name, holder, run->cases[i].name);
			holder = run->cases[i].name;
			*out = metric;
		}
	return 0;
}

static const char *why_not(const struct hunt *hunt, const struct run *run)
{
	if (run->build.failed)
		return "does not build";
	for (size_t i = 0; i < run->case_count; i++)
		if (outcome_is_failure(run->cases[i].outcome))
			return arena_printf(hunt->arena, "%s fails before %s is measured",
					    run->cases[i].name, hunt->options->metric);
	return arena_printf(hunt->arena, "does not measure %s", hunt->options->metric);
}

int bisect__see_metric(struct hunt *hunt, const struct run *run, struct measured *out,
		       struct err *err)
{
	struct measured seen = {.value = NAN};
	const struct metric *metric;

	if (find_metric(hunt, run, &metric, err) < 0)
		return -1;
	if (!metric && (run->verdict == VERDICT_INFRA || run->verdict == VERDICT_OPEN))
		return err_set(err, ERR_INFRA, "%s", run->reason ? run->reason : "a check broke");
	if (metric && metric->direction == DIRECTION_NONE)
		return err_set(err, ERR_USAGE, "%s has no direction: neither side is worse",
			       metric->name);
	if (metric) {
		seen.value = stats_summarise(metric->samples, metric->sample_count).median;
		seen.unit = arena_strdup(hunt->arena, metric->unit);
		seen.higher_is_better = metric->direction == DIRECTION_HIGHER;
	}
	if (!(seen.value > 0))
		seen.why_not = metric ? "measures nothing above 0" : why_not(hunt, run);
	seen.build_s = run->build.reused ? 0 : (double)run->build.duration_ns / 1e9;
	seen.test_s = (double)run->duration_ns / 1e9 - seen.build_s;
	seen.run = arena_strdup(hunt->arena, run->id);
	seen.image = arena_strdup(hunt->arena, run->build.image_id);
	*out = seen;
	return 0;
}

int bisect__compare_measured(struct hunt *hunt, const char *commit, const struct measured *base,
			     const struct measured *probe, struct sighting *out, struct err *err)
{
	double worse;
	char note[200];

	if (base->why_not)
		return err_set(err, ERR_USAGE, "the good end %.12s %s", hunt->good.hash,
			       base->why_not);
	*out = (struct sighting){.commit = commit,
				 .sight = SIGHT_BROKEN,
				 .run = probe->run,
				 .image = probe->image,
				 .note = probe->why_not,
				 .build_s = probe->build_s,
				 .base_build_s = base->build_s,
				 .test_s = probe->test_s + base->test_s};
	if (probe->why_not)
		return 0;
	worse = log(probe->value / base->value);
	if (probe->higher_is_better != hunt->options->fix) /* one turns it round, both do not */
		worse = -worse;
	(void)snprintf(note, sizeof(note), "%s %.4g %s, good end %.4g %s: %+.1f %%",
		       hunt->options->metric, probe->value, probe->unit ? probe->unit : "",
		       base->value, base->unit ? base->unit : "",
		       100 * (probe->value / base->value - 1));
	out->sight = SIGHT_MEASURED;
	out->value = worse;
	out->level = base->value;
	out->unit = probe->unit;
	out->higher_is_better = probe->higher_is_better;
	out->note = arena_strdup(hunt->arena, note);
	return 0;
}

double bisect__change(const struct hunt *hunt, double worse)
{
	bool higher = false;

	for (size_t i = 0; i < hunt->sighting_count; i++)
		higher |= hunt->sightings[i].higher_is_better;
	return 100 * (exp(higher != hunt->options->fix ? -worse : worse) - 1);
}

double bisect__level(const struct hunt *hunt, const char **unit_out)
{
	double sum = 0;
	unsigned count = 0;

	*unit_out = "";
	for (size_t i = 0; i < hunt->sighting_count; i++) {
		const struct sighting *one = &hunt->sightings[i];

		if (one->sight != SIGHT_MEASURED)
			continue;
		sum += one->level;
		count++;
		*unit_out = one->unit ? one->unit : "";
	}
	return count ? sum / count : 0;
}
