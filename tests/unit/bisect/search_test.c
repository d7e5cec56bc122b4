#include "bisect/search.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CERTAIN                                                                                    \
	{                                                                                          \
		.known = true, .value = 1                                                          \
	}
#define NEVER                                                                                      \
	{                                                                                          \
		.known = true, .value = 0                                                          \
	}
#define LINE_MAX_COMMITS 256

static struct search_options plain(void)
{
	return (struct search_options){.model = {.tests = {.fail = CERTAIN, .flake = NEVER}},
				       .confidence = .99,
				       .workers = 1,
				       .confirm = 2,
				       .probes_max = 200,
				       .build_s = 10,
				       .test_s = 1,
				       .good_artefact = GRAPH_NOWHERE};
}

static struct graph *line(uint32_t count)
{
	static uint32_t start[LINE_MAX_COMMITS + 1], parents[LINE_MAX_COMMITS];
	struct graph_input input = {count, start, parents, count - 1, false};
	struct graph *graph = NULL;

	for (uint32_t v = 0; v < count; v++) {
		start[v + 1] = v;
		parents[v] = v;
	}
	assert_int_equal(graph_open(&input, &graph, NULL), 0);
	return graph;
}

/* A world without noise. Artefacts of the first COUNT commits; what is in BROKEN does not build. */
struct world {
	struct graph *graph;
	uint32_t culprit; /* GRAPH_NOWHERE: none */
	uint32_t broken_from, broken_to;
	unsigned builds, tests;
	unsigned char built[LINE_MAX_COMMITS];
	bool good_is_bad;
};

static enum sight look(struct world *world, const struct search *search, uint32_t position)
{
	if (position == GRAPH_NOWHERE) {
		world->tests++;
		return world->good_is_bad ? SIGHT_FAIL : SIGHT_PASS;
	}
	assert_int_equal(search_face(search, position), position);
	world->builds += !world->built[position];
	world->built[position] = 1;
	if (position >= world->broken_from && position < world->broken_to)
		return SIGHT_BROKEN;
	world->tests++;
	if (world->good_is_bad)
		return SIGHT_FAIL;
	return world->culprit != GRAPH_NOWHERE &&
			       graph_is_ancestor(world->graph, world->culprit, position)
		       ? SIGHT_FAIL
		       : SIGHT_PASS;
}

static void hunt(struct world *world, const struct search_options *options, struct search **out,
		 struct verdict_of_search *answer)
{
	struct probe probes[SEARCH_PROBES_MAX];
	struct err err = {0};
	size_t count;

	assert_int_equal(search_open(world->graph, options, out, &err), 0);
	while ((count = search_next(*out, probes)) > 0) {
		assert_true(count <= (options->workers > 1 ? SEARCH_PROBES_MAX : 1));
		for (size_t i = 0; i < count; i++)
			search_observe(*out, probes[i].position,
				       look(world, *out, probes[i].position));
	}
	search_answer(*out, answer);
}

static void names_every_culprit_of_a_line(void **state)
{
	struct search_options options = plain();
	struct graph *graph = line(64);

	(void)state;
	for (uint32_t culprit = 0; culprit < 64; culprit++) {
		struct world world = {.graph = graph, .culprit = culprit};
		struct verdict_of_search answer;
		struct search *search = NULL;

		hunt(&world, &options, &search, &answer);
		assert_int_equal(answer.ending, ENDING_CULPRIT);
		assert_int_equal(answer.member_count, 1);
		assert_int_equal(answer.members[0], culprit);
		assert_true(answer.confirmed);
		assert_true(answer.fails >= 2 && answer.passes >= 2);
		assert_true(world.builds <= 7);
		search_free(search);
	}
	graph_free(graph);
}

static void tests_both_ends_before_anything_else(void **state)
{
	struct search_options options = plain();
	struct graph *graph = line(16);
	struct search *search = NULL;
	struct probe probe[SEARCH_PROBES_MAX];

	(void)state;
	assert_int_equal(search_open(graph, &options, &search, NULL), 0);
	assert_int_equal(search_next(search, probe), 1);
	assert_int_equal(probe->position, 15);
	assert_int_equal(probe->why, PROBE_END);
	search_observe(search, 15, SIGHT_FAIL);
	assert_int_equal(search_next(search, probe), 1);
	assert_int_equal(probe->position, GRAPH_NOWHERE);
	search_observe(search, GRAPH_NOWHERE, SIGHT_PASS);
	assert_int_equal(search_next(search, probe), 1);
	assert_int_equal(probe->position, 7);
	assert_true(probe->build);
	search_free(search);
	graph_free(graph);
}

static void failure_that_does_not_come_again_blames_nobody(void **state)
{
	struct search_options options = plain();
	struct world world = {.graph = line(16), .culprit = GRAPH_NOWHERE};
	struct verdict_of_search answer;
	struct search *search = NULL;

	(void)state;
	options.model.no_culprit = .2;
	hunt(&world, &options, &search, &answer);
	assert_int_equal(answer.ending, ENDING_NO_CULPRIT);
	assert_int_equal(world.builds, 1);
	search_free(search);
	graph_free(world.graph);
}

/* Also when rates are learned, one by one and side by side: the good end has to be asked again. */
static void good_end_that_fails_ends_the_search(void **state)
{
	struct search_options options = plain();

	(void)state;
	options.model.older = .02;
	options.model.tests.fail = (struct rate){.yes = 9.5, .no = .5};
	options.model.tests.flake = (struct rate){.yes = .5, .no = 9.5};
	for (options.workers = 1; options.workers <= 4; options.workers += 3) {
		struct world world = {.graph = line(16), .culprit = 0, .good_is_bad = true};
		struct verdict_of_search answer;
		struct search *search = NULL;

		hunt(&world, &options, &search, &answer);
		assert_int_equal(answer.ending, ENDING_OLDER);
		assert_true(answer.confirmed);
		search_free(search);
		graph_free(world.graph);
	}
}

static void names_together_what_broken_builds_hide(void **state)
{
	struct search_options options = plain();
	struct world world = {.graph = line(64), .culprit = 30, .broken_from = 28, .broken_to = 33};
	struct verdict_of_search answer;
	struct search *search = NULL;

	(void)state;
	hunt(&world, &options, &search, &answer);
	assert_int_equal(answer.ending, ENDING_CULPRIT);
	assert_int_equal(answer.member_count, 6); /* 28..32 and the first that builds */
	assert_int_equal(answer.members[0], 28);
	assert_int_equal(answer.witness, 33);
	assert_int_equal(answer.parents[0], 27);
	assert_int_equal(answer.broken + answer.presumed, 5);
	search_free(search);
	graph_free(world.graph);
}

/* Most commits change no input of the image: four artefacts among 64 commits. */
static void equal_inputs_are_built_once(void **state)
{
	struct search_options options = plain();
	uint32_t artefacts[64];
	struct world world = {.graph = line(64), .culprit = 40};
	struct verdict_of_search answer;
	struct search *search = NULL;

	(void)state;
	for (uint32_t v = 0; v < 64; v++)
		artefacts[v] = v < 11 ? 0 : v < 40 ? 1 : v < 55 ? 2 : 3;
	options.artefacts = artefacts;
	options.good_artefact = 0;
	hunt(&world, &options, &search, &answer);
	assert_int_equal(answer.ending, ENDING_CULPRIT);
	assert_int_equal(answer.member_count, 1);
	assert_int_equal(answer.members[0], 40);
	assert_int_equal(world.builds, 3);
	search_free(search);
	graph_free(world.graph);
}

/* good = A, B, A again, then C: the failure of C is not the fault of B. */
static void reverted_change_is_no_suspect(void **state)
{
	const uint32_t artefacts[] = {1, 0, 2};
	struct search_options options = plain();
	struct world world = {.graph = line(3), .culprit = 2};
	struct verdict_of_search answer;
	struct search *search = NULL;

	(void)state;
	options.artefacts = artefacts;
	options.good_artefact = 0;
	hunt(&world, &options, &search, &answer);
	assert_int_equal(answer.members[0], 2);
	assert_int_equal(world.builds, 1); /* the bad end; the parent is the good end's image */
	search_free(search);
	graph_free(world.graph);
}

static void equal_ends_have_no_culprit(void **state)
{
	const uint32_t artefacts[] = {0, 0, 0};
	struct search_options options = plain();
	struct graph *graph = line(3);
	struct verdict_of_search answer;
	struct search *search = NULL;

	(void)state;
	options.trust_ends = true;
	options.confirm = 0;
	options.artefacts = artefacts;
	options.good_artefact = 0;
	assert_int_equal(search_open(graph, &options, &search, NULL), 0);
	search_answer(search, &answer);
	assert_int_equal(answer.ending, ENDING_NO_CULPRIT);
	search_free(search);
	graph_free(graph);
}

static void joined_images_share_their_evidence(void **state)
{
	struct search_options options = plain();
	struct graph *graph = line(8);
	struct search *search = NULL;

	(void)state;
	assert_int_equal(search_open(graph, &options, &search, NULL), 0);
	search_observe(search, 2, SIGHT_PASS);
	search_observe(search, 5, SIGHT_PASS);
	search_join(search, 5, 2);
	assert_int_equal(search_seen(search, 4).passes, 0);
	assert_int_equal(search_seen(search, 5).passes, 2);
	assert_int_equal(search_face(search, 5), 2);
	assert_true(posterior_is_excluded(search_posterior(search), 4));
	assert_false(posterior_is_excluded(search_posterior(search), 6));
	search_join(search, 2, GRAPH_NOWHERE);
	assert_int_equal(search_face(search, 5), GRAPH_NOWHERE);
	assert_true(posterior_is_excluded(search_posterior(search), 0));
	search_free(search);
	graph_free(graph);
}

/* 0 - 1 - 2 - 5 - 6, and 1 - 3 - 4 merged by 5: every culprit, by ancestor sets. */
static void merges_are_searched_by_ancestors(void **state)
{
	const uint32_t start[] = {0, 0, 1, 2, 3, 4, 6, 7}, parents[] = {0, 1, 1, 3, 2, 4, 5};
	const struct graph_input input = {7, start, parents, 6, false};
	struct search_options options = plain();
	struct graph *graph = NULL;

	(void)state;
	assert_int_equal(graph_open(&input, &graph, NULL), 0);
	for (uint32_t culprit = 0; culprit < 7; culprit++) {
		struct world world = {.graph = graph, .culprit = culprit};
		struct verdict_of_search answer;
		struct search *search = NULL;

		hunt(&world, &options, &search, &answer);
		assert_int_equal(answer.members[0], culprit);
		assert_int_equal(answer.parent_count, culprit == 5 ? 2 : 1);
		search_free(search);
	}
	graph_free(graph);
}

static void workers_probe_side_by_side(void **state)
{
	struct search_options options = plain();
	struct world world = {.graph = line(255), .culprit = 100};
	struct verdict_of_search answer;
	struct search *search = NULL;

	(void)state;
	options.workers = 4;
	hunt(&world, &options, &search, &answer);
	assert_int_equal(answer.members[0], 100);
	search_free(search);
	graph_free(world.graph);
}

static void image_that_exists_is_preferred(void **state)
{
	struct search_options options = plain();
	struct graph *graph = line(100);
	struct search *search = NULL;
	struct probe probe[SEARCH_PROBES_MAX];

	(void)state;
	options.trust_ends = true;
	assert_int_equal(search_open(graph, &options, &search, NULL), 0);
	search_cached(search, 30);
	assert_int_equal(search_next(search, probe), 1);
	assert_int_equal(probe->position, 30);
	assert_false(probe->build);
	search_free(search);
	graph_free(graph);
}

static void gives_up_with_the_suspects_that_are_left(void **state)
{
	struct search_options options = plain();
	struct graph *graph = line(16);
	struct verdict_of_search answer;
	struct search *search = NULL;
	struct probe probe[SEARCH_PROBES_MAX];

	(void)state;
	options.probes_max = 3;
	assert_int_equal(search_open(graph, &options, &search, NULL), 0);
	search_observe(search, 15, SIGHT_FAIL);
	search_observe(search, GRAPH_NOWHERE, SIGHT_PASS);
	search_observe(search, 7, SIGHT_PASS);
	assert_int_equal(search_next(search, probe), 0);
	search_answer(search, &answer);
	assert_int_equal(answer.ending, ENDING_UNDECIDED);
	assert_int_equal(answer.member_count, 8);
	assert_int_equal(answer.members[0], 8);
	search_free(search);
	graph_free(graph);
}

static void refuses_options_out_of_range(void **state)
{
	struct search_options options = plain();
	struct graph *graph = line(4);
	struct search *search = NULL;

	(void)state;
	options.workers = 0;
	assert_int_equal(search_open(graph, &options, &search, NULL), -1);
	options = plain();
	options.confidence = 1;
	assert_int_equal(search_open(graph, &options, &search, NULL), -1);
	options = plain();
	options.build_s = 0;
	assert_int_equal(search_open(graph, &options, &search, NULL), -1);
	assert_null(search);
	graph_free(graph);
}

/* Values that lie 5 % higher from the culprit on, with a ripple of 1 %. */
static void names_the_culprit_of_a_slowdown(void **state)
{
	static const double ripple[] = {.003, -.011, .008, -.002, .012, -.009, -.004, .005};
	struct search_options options = plain();
	struct graph *graph = line(64);

	(void)state;
	options.model.tests.noise = .02;
	options.model.tests.margin = .01;
	options.model.no_culprit = .4;
	for (uint32_t culprit = 0; culprit < 64; culprit += 3) {
		struct probe probes[SEARCH_PROBES_MAX];
		struct verdict_of_search answer;
		struct search *search = NULL;
		unsigned measured = 0;

		assert_int_equal(search_open(graph, &options, &search, NULL), 0);
		while (search_next(search, probes) > 0) {
			uint32_t v = probes[0].position;
			bool bad = v != GRAPH_NOWHERE && v >= culprit;

			search_measure(search, v, (bad ? .05 : 0) + ripple[measured++ % 8]);
		}
		search_answer(search, &answer);
		assert_int_equal(answer.ending, ENDING_CULPRIT);
		assert_int_equal(answer.member_count, 1);
		assert_int_equal(answer.members[0], culprit);
		assert_true(answer.confirmed && answer.fails >= 2 && answer.passes >= 2);
		search_free(search);
	}
	graph_free(graph);
}

static void equal_values_have_no_culprit(void **state)
{
	static const double ripple[] = {.003, -.011, .008, -.002, .012, -.009, -.004, .005};
	struct search_options options = plain();
	struct probe probes[SEARCH_PROBES_MAX];
	struct verdict_of_search answer;
	struct graph *graph = line(64);
	struct search *search = NULL;
	unsigned measured = 0;

	(void)state;
	options.model.tests.noise = .02;
	options.model.tests.margin = .01;
	options.model.no_culprit = .4;
	assert_int_equal(search_open(graph, &options, &search, NULL), 0);
	search_measure(search, 63, NAN); /* counts for nothing */
	while (search_next(search, probes) > 0)
		search_measure(search, probes[0].position, ripple[measured++ % 8]);
	search_answer(search, &answer);
	assert_int_equal(answer.ending, ENDING_NO_CULPRIT);
	search_free(search);
	graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_every_culprit_of_a_line),
		cmocka_unit_test(tests_both_ends_before_anything_else),
		cmocka_unit_test(failure_that_does_not_come_again_blames_nobody),
		cmocka_unit_test(good_end_that_fails_ends_the_search),
		cmocka_unit_test(names_the_culprit_of_a_slowdown),
		cmocka_unit_test(equal_values_have_no_culprit),
		cmocka_unit_test(names_together_what_broken_builds_hide),
		cmocka_unit_test(equal_inputs_are_built_once),
		cmocka_unit_test(reverted_change_is_no_suspect),
		cmocka_unit_test(equal_ends_have_no_culprit),
		cmocka_unit_test(joined_images_share_their_evidence),
		cmocka_unit_test(merges_are_searched_by_ancestors),
		cmocka_unit_test(workers_probe_side_by_side),
		cmocka_unit_test(image_that_exists_is_preferred),
		cmocka_unit_test(gives_up_with_the_suspects_that_are_left),
		cmocka_unit_test(refuses_options_out_of_range),
	};

	return cmocka_run_group_tests_name("bisect/search", tests, NULL, NULL);
}
