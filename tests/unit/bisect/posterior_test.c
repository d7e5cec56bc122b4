#include "bisect/posterior.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COMMITS 8

static struct graph *line(uint32_t count)
{
	uint32_t *start = xcalloc((size_t)count + 1, sizeof(*start));
	uint32_t *parents = xcalloc(count, sizeof(*parents));
	struct graph_input input = {count, start, parents, count - 1, false};
	struct graph *graph = NULL;

	for (uint32_t v = 0; v < count; v++) {
		start[v + 1] = v;
		parents[v] = v;
	}
	assert_int_equal(graph_open(&input, &graph, NULL), 0);
	free(start);
	free(parents);
	return graph;
}

static struct posterior *open_posterior(const struct graph *graph,
					const struct posterior_model *model)
{
	struct posterior *posterior = NULL;
	struct err err = {0};

	assert_int_equal(posterior_open(graph, model, &posterior, &err), 0);
	return posterior;
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

/* Bayes by hand: 8 commits, half of the mass on "no culprit", fail .9, flake .2. */
static void known_rates_follow_bayes(void **state)
{
	const struct posterior_model model = {
		{{.known = true, .value = .9}, {.known = true, .value = .2}, 0, 0}, .5, 0, NULL};
	const struct tally tallies[] = {{3, {2, 1, 0, 0, 0}}};
	struct graph *graph = line(COMMITS);
	struct posterior *posterior = open_posterior(graph, &model);
	double bad = .9 * .9 * .1 / 16, good = .2 * .2 * .8 / 16;
	double total = 4 * bad + 4 * good + 8 * good;

	(void)state;
	posterior_update(posterior, tallies, 1);
	assert_true(near(posterior_mass(posterior, 0), bad / total));
	assert_true(near(posterior_mass(posterior, 7), good / total));
	assert_true(near(posterior_no_culprit(posterior), 8 * good / total));
	assert_true(near(posterior_bad(posterior, 3), 4 * bad / total));
	assert_true(near(posterior_span(posterior, 0, 3), 4 * bad / total));
	posterior_free(posterior);
	graph_free(graph);
}

/* Beta(1,1) on both rates, two commits, one failure at the second and one pass at the first:
 * culprit 0: E[fail^1 pass^1 of bad] = B(2,2)/B(1,1) = 1/6; culprit 1: 1/2 * 1/2. */
static void learned_rates_are_integrated_out(void **state)
{
	const struct posterior_model model = {
		{{.yes = 1, .no = 1}, {.yes = 1, .no = 1}, 0, 0}, 0, 0, NULL};
	const struct tally tallies[] = {{0, {0, 1, 0, 0, 0}}, {1, {1, 0, 0, 0, 0}}};
	struct graph *graph = line(2);
	struct posterior *posterior = open_posterior(graph, &model);

	(void)state;
	posterior_update(posterior, tallies, 2);
	assert_true(near(posterior_mass(posterior, 0), (1. / 6) / (1. / 6 + 1. / 4)));
	posterior_free(posterior);
	graph_free(graph);
}

static void weights_and_exclusions_shape_the_prior(void **state)
{
	const double weights[] = {1, 1, 4, 1, 1, 1, 1, 1};
	const struct posterior_model model = {
		{{.known = true, .value = 1}, {.known = true, .value = 0}, 0, 0}, 0, 0, weights};
	struct graph *graph = line(COMMITS);
	struct posterior *posterior = open_posterior(graph, &model);

	(void)state;
	assert_true(near(posterior_mass(posterior, 2), 4. / 11));
	posterior_exclude(posterior, 2);
	posterior_update(posterior, NULL, 0);
	assert_true(posterior_is_excluded(posterior, 2));
	assert_true(posterior_mass(posterior, 2) == 0);
	assert_true(near(posterior_mass(posterior, 1), 1. / 7));
	posterior_free(posterior);
	graph_free(graph);
}

static void the_middle_tells_one_bit_the_end_none(void **state)
{
	const struct posterior_model model = {
		{{.known = true, .value = 1}, {.known = true, .value = 0}, 0, 0}, 0, 0, NULL};
	struct graph *graph = line(COMMITS);
	struct posterior *posterior = open_posterior(graph, &model);

	(void)state;
	assert_true(near(posterior_information(posterior, 3), 1));
	assert_true(near(posterior_information(posterior, 7), 0));
	assert_true(near(posterior_information(posterior, 1), bits_of(.25)));
	posterior_free(posterior);
	graph_free(graph);
}

static void what_cannot_be_leaves_no_culprit(void **state)
{
	const struct posterior_model model = {
		{{.known = true, .value = 1}, {.known = true, .value = 0}, 0, 0}, 0, 0, NULL};
	const struct tally tallies[] = {{0, {1, 0, 0, 0, 0}}, {7, {0, 1, 0, 0, 0}}};
	struct graph *graph = line(COMMITS);
	struct posterior *posterior = open_posterior(graph, &model);

	(void)state;
	posterior_update(posterior, tallies, 2);
	assert_true(near(posterior_no_culprit(posterior), 1));
	posterior_free(posterior);
	graph_free(graph);
}

/* 10,000 failures in a row: products underflow, logarithms do not. */
static void many_observations_do_not_underflow(void **state)
{
	const struct posterior_model model = {
		{{.known = true, .value = .6}, {.known = true, .value = .5}, 0, 0}, 0, .1, NULL};
	const struct tally tallies[] = {{2, {6000, 4000, 0, 0, 0}}, {1, {5000, 5000, 0, 0, 0}}};
	struct graph *graph = line(COMMITS);
	struct posterior *posterior = open_posterior(graph, &model);

	(void)state;
	posterior_update(posterior, tallies, 2);
	assert_true(posterior_mass(posterior, 2) > .999999);
	posterior_free(posterior);
	graph_free(graph);
}

static void refuses_rates_that_are_none(void **state)
{
	struct posterior_model model = {
		{{.known = true, .value = 1.5}, {.known = true, .value = 0}, 0, 0}, 0, 0, NULL};
	struct graph *graph = line(COMMITS);
	struct posterior *posterior = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(posterior_open(graph, &model, &posterior, &err), -1);
	model.tests.fail = (struct rate){.yes = 0, .no = 1};
	assert_int_equal(posterior_open(graph, &model, &posterior, &err), -1);
	model.tests.fail = (struct rate){.yes = 1, .no = 1};
	model.no_culprit = 1;
	assert_int_equal(posterior_open(graph, &model, &posterior, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	graph_free(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_rates_follow_bayes),
		cmocka_unit_test(learned_rates_are_integrated_out),
		cmocka_unit_test(weights_and_exclusions_shape_the_prior),
		cmocka_unit_test(the_middle_tells_one_bit_the_end_none),
		cmocka_unit_test(what_cannot_be_leaves_no_culprit),
		cmocka_unit_test(many_observations_do_not_underflow),
		cmocka_unit_test(refuses_rates_that_are_none),
	};

	return cmocka_run_group_tests_name("bisect/posterior", tests, NULL, NULL);
}
