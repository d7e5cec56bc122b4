/* --dry-run: what the search would do, found out by letting it search for culprits that are made
 * up. Nothing is built. */
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "cmd/bisect_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SAMPLES 32   /* culprits tried, evenly spread */
#define STEP .05     /* that a made-up culprit makes a metric worse by, if the margin is not more */
#define RIPPLE .0075 /* of made-up measurements, up and down */

struct plan {
	size_t suspects; /* not ruled out by equal inputs */
	size_t cached;	 /* images that exist among what is different */
	double builds, tests, seconds;
	unsigned builds_max;
	uint32_t first; /* commit that would be probed first after the ends */
};

static void pretend(const struct hunt *hunt, struct search *search, uint32_t v, bool bad, bool odd)
{
	double step = fmax(STEP, 2 * hunt->search_options.model.tests.margin);

	if (hunt->options->metric)
		search_measure(search, v, (bad ? step : 0) + (odd ? RIPPLE : -RIPPLE));
	else
		search_observe(search, v, bad ? SIGHT_FAIL : SIGHT_PASS);
}

static void cost_of(struct hunt *hunt, struct search *search, uint32_t culprit, struct plan *plan)
{
	const struct search_options *options = &hunt->search_options;
	uint32_t n = graph_count(hunt->graph);
	unsigned char *built = xcalloc((size_t)n + 1, 1);
	struct probe probes[SEARCH_PROBES_MAX];
	unsigned builds = 0, tests = 0;
	size_t count;

	while ((count = search_next(search, probes)) > 0)
		for (size_t i = 0; i < count; i++) {
			uint32_t v = probes[i].position;
			bool bad = v != GRAPH_NOWHERE && graph_is_ancestor(hunt->graph, culprit, v);

			builds += probes[i].build && !built[v == GRAPH_NOWHERE ? n : v];
			built[v == GRAPH_NOWHERE ? n : v] = 1;
			if (probes[i].why == PROBE_SEARCH && plan->first == GRAPH_NOWHERE)
				plan->first = v;
			pretend(hunt, search, v, bad, tests++ % 2);
		}
	plan->tests += tests;
	plan->seconds += tests * options->test_s;
	plan->builds += builds;
	plan->seconds += builds * options->build_s;
	if (builds > plan->builds_max)
		plan->builds_max = builds;
	free(built);
}

static void copy_images(const struct hunt *hunt, struct search *to)
{
	uint32_t n = graph_count(hunt->graph);

	for (uint32_t v = 0; v < n; v++)
		if (search_is_cached(hunt->search, v))
			search_cached(to, v);
	if (search_is_cached(hunt->search, GRAPH_NOWHERE))
		search_cached(to, GRAPH_NOWHERE);
}

static int make_plan(struct hunt *hunt, struct plan *plan, struct err *err)
{
	uint32_t n = graph_count(hunt->graph), seen = 0;
	unsigned samples = 0;
	size_t step;

	for (uint32_t v = 0; v < n; v++) {
		plan->suspects += !posterior_is_excluded(search_posterior(hunt->search), v);
		plan->cached +=
			search_face(hunt->search, v) == v && search_is_cached(hunt->search, v);
	}
	step = plan->suspects / SAMPLES + 1;
	for (uint32_t v = 0; v < n; v++) {
		struct search *search CLEANUP(search_freep) = NULL;

		if (posterior_is_excluded(search_posterior(hunt->search), v) || seen++ % step)
			continue;
		if (search_open(hunt->graph, &hunt->search_options, &search, err) < 0)
			return -1;
		copy_images(hunt, search);
		cost_of(hunt, search, v, plan);
		samples++;
	}
	if (samples) {
		plan->builds /= samples;
		plan->tests /= samples;
		plan->seconds /= samples;
	}
	return 0;
}

int bisect__report_plan(struct hunt *hunt, struct err *err)
{
	struct plan plan = {.first = GRAPH_NOWHERE};
	char took[32];

	if (make_plan(hunt, &plan, err) < 0)
		return -1;
	progress_stop(hunt->progress);
	hunt->progress = NULL;
	if (hunt->options->common.json) {
		struct json *json = json_new_object();

		json_add_int(json, "assay_bisect_plan", 1);
		json_add_int(json, "commits", graph_count(hunt->graph));
		json_add_int(json, "different", (int64_t)hunt->kinds);
		json_add_int(json, "suspects", (int64_t)plan.suspects);
		json_add_int(json, "images", (int64_t)plan.cached);
		json_add_num(json, "builds", plan.builds);
		json_add_int(json, "builds_max", plan.builds_max);
		json_add_num(json, "tests", plan.tests);
		json_add_num(json, "seconds", plan.seconds);
		cmd_print_json(json);
		return 0;
	}
	printf("%u commits, %zu different to build, %zu of those images exist; %zu can be to "
	       "blame\n",
	       graph_count(hunt->graph), hunt->kinds, plan.cached, plan.suspects);
	printf("expected: %.1f builds (at most %u), %.1f tests, about %s of work, if %s\n",
	       plan.builds, plan.builds_max, plan.tests,
	       units_duration((uint64_t)(plan.seconds * 1e9), took, sizeof(took)),
	       hunt->options->metric ? "the change is some 5 %" : "tests do not lie");
	printf("first: %.12s (%s), %.12s (%s)", hunt->bad.hash, hunt->new, hunt->good.hash,
	       hunt->old);
	if (plan.first != GRAPH_NOWHERE)
		printf(", %.12s %s", bisect__hash_at(hunt, plan.first),
		       bisect__subject(hunt, bisect__hash_at(hunt, plan.first)));
	printf("\n");
	return 0;
}
