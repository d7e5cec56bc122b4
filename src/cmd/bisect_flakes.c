/* How often the wanted check lies, as far as earlier runs of the same images tell. */
#include "cmd/bisect_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define RUNS_LOOKED_AT 1000
/* The rate is believed as if seen in so many tests at most: machines change. */
#define STRENGTH_MAX 50
#define RATE_MIN .01

/* An image that fails more often than it passes is bad, and says nothing of flakes. Of the others
 * one pass is what shows that they are not. */
static void count_repeats(const struct repeat_row *rows, size_t count, const char *name,
			  struct repeats *out)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].case_name, name) != 0 || !rows[i].passed ||
		    rows[i].failed > rows[i].passed)
			continue;
		out->failed += rows[i].failed;
		out->trials += rows[i].passed + rows[i].failed - 1;
	}
}

/* One standard deviation above the mean of what PRIOR and the repeats say: a rate that is too high
 * costs a test or two, one that is too low a wrong answer. */
static double high_rate(const struct rate *prior, const struct repeats *repeats)
{
	double a = prior->yes + (double)repeats->failed;
	double b = prior->no + (double)(repeats->trials - repeats->failed);
	double mean = a / (a + b);

	return fmin(fmax(mean + sqrt(mean * (1 - mean) / (a + b + 1)), RATE_MIN), .5);
}

struct repeats bisect__count_repeats(const struct repeat_row *rows, size_t count,
				     const struct wanted *wanted, size_t wanted_count,
				     const struct rate *prior)
{
	struct repeats worst = {.rate = *prior};
	double strength, high = 0;

	for (size_t i = 0; i < wanted_count; i++) {
		struct repeats repeats = {.rate = *prior};

		count_repeats(rows, count, wanted[i].name, &repeats);
		if (!repeats.trials || high_rate(prior, &repeats) <= high)
			continue;
		high = high_rate(prior, &repeats);
		worst = repeats;
	}
	if (!worst.trials)
		return worst;
	strength = fmin(prior->yes + prior->no + (double)worst.trials, STRENGTH_MAX);
	worst.rate = (struct rate){.yes = strength * high, .no = strength * (1 - high)};
	return worst;
}

static void say(const struct hunt *hunt)
{
	const struct repeats *repeats = &hunt->repeats;
	char line[120];

	(void)snprintf(line, sizeof(line),
		       "good images failed %llu times of %llu: flakes of %.1f %% are reckoned with",
		       (unsigned long long)repeats->failed, (unsigned long long)repeats->trials,
		       100 * repeats->rate.yes / (repeats->rate.yes + repeats->rate.no));
	progress_say(hunt->progress, line);
}

int bisect__learn_flakes(struct hunt *hunt, struct err *err)
{
	struct store_filter filter = {.limit = RUNS_LOOKED_AT};
	struct repeat_row *rows = NULL;
	size_t count = 0;

	if (hunt->flakes_known || !hunt->wanted_count || hunt->options->flake_rate ||
	    hunt->options->deterministic || hunt->options->fix)
		return 0;
	filter.suite = hunt->suite->name;
	if (hunt->store->ops->repeats(hunt->store, &filter, hunt->arena, &rows, &count, err) < 0)
		return -1;
	hunt->repeats = bisect__count_repeats(rows, count, hunt->wanted, hunt->wanted_count,
					      &hunt->search_options.model.tests.flake);
	if (hunt->repeats.trials)
		say(hunt);
	return bisect__journal_repeats(hunt, err);
}
