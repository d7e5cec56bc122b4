/* How often failed cases are made again: by what earlier runs tell of their flakes. */
#include "cmd/chain_private.h"
#include "stats/flaky.h"

#include <string.h>

#define RUNS_LOOKED_AT 1000
#define CONFIDENCE 0.95

/* Images of one case, wherever it was run: a rate that is too high costs a rerun or two. */
static size_t images_of(const struct repeat_row *rows, size_t count, const char *name,
			struct stats_repeats *out)
{
	size_t n = 0;

	for (size_t i = 0; i < count && n < STATS_IMAGES_MAX; i++)
		if (strcmp(rows[i].case_name, name) == 0)
			out[n++] = (struct stats_repeats){rows[i].failed, rows[i].passed};
	return n;
}

/* The rate of a case that was never seen to come and go is not known. */
static int rate_of(const struct stats_repeats *images, size_t count, double *rate, struct err *err)
{
	struct stats_flake flake;

	if (stats_flake_rate(images, count, CONFIDENCE, &flake, err) < 0)
		return -1;
	*rate = flake.mixed ? flake.at_most : STATS_FLAKE_RATE;
	return 0;
}

int chain__learn_flakes(struct chain *chain, struct err *err)
{
	const struct store_filter filter = {.suite = chain->run->suite, .limit = RUNS_LOOKED_AT};
	struct stats_repeats *images;
	struct repeat_row *rows = NULL;
	size_t count = 0;

	if (chain->request->once ||
	    (!chain->request->rerun_failures && !chain->suite->rerun_failures))
		return 0;
	if (chain->store->ops->repeats(chain->store, &filter, chain->arena, &rows, &count, err) < 0)
		return -1;
	images = arena_alloc(chain->arena, (count + 1) * sizeof(*images));
	chain->reruns = arena_alloc(chain->arena, chain->run->case_count * sizeof(unsigned) + 1);
	for (size_t i = 0; i < chain->run->case_count; i++) {
		size_t n = images_of(rows, count, chain->run->cases[i].name, images);
		double rate = STATS_FLAKE_RATE;

		if (n && rate_of(images, n, &rate, err) < 0)
			return -1;
		chain->reruns[i] = stats_reruns(rate, STATS_FLAKE_RISK);
	}
	return 0;
}

unsigned chain__reruns(void *payload, const struct case_result *result)
{
	const struct chain *chain = payload;

	for (size_t i = 0; chain->reruns && i < chain->run->case_count; i++)
		if (strcmp(chain->run->cases[i].name, result->name) == 0)
			return chain->reruns[i];
	return 0;
}
