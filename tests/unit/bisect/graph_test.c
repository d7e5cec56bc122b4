#include "bisect/graph.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct graph *open_graph(uint32_t count, const uint32_t *start, const uint32_t *parents,
				bool first_parent)
{
	const struct graph_input input = {count, start, parents, count - 1, first_parent};
	struct graph *graph = NULL;
	struct err err = {0};

	assert_int_equal(graph_open(&input, &graph, &err), 0);
	return graph;
}

/* 0 - 1 - 2 - 5 - 6, and 1 - 3 - 4 merged by 5. */
static const uint32_t merge_start[] = {0, 0, 1, 2, 3, 4, 6, 7};
static const uint32_t merge_parents[] = {0, 1, 1, 3, 2, 4, 5};

static void line_is_one_span(void **state)
{
	const uint32_t start[] = {0, 0, 1, 2, 3}, parents[] = {0, 1, 2};
	struct graph *graph = open_graph(4, start, parents, false);

	(void)state;
	assert_int_equal(graph_count(graph), 4);
	for (uint32_t v = 0; v < 4; v++) {
		struct graph_set set = graph_ancestors(graph, v);

		assert_int_equal(graph_commit_at(graph, v), v);
		assert_int_equal(set.count, 0);
		assert_int_equal(set.last.from, 0);
		assert_int_equal(set.last.to, v);
	}
	graph_free(graph);
}

static void branch_stands_before_its_merge(void **state)
{
	struct graph *graph = open_graph(7, merge_start, merge_parents, false);
	const uint32_t commits[] = {0, 1, 2, 3, 4, 5, 6};

	(void)state;
	for (uint32_t v = 0; v < 7; v++)
		assert_int_equal(graph_commit_at(graph, v), commits[v]);
	assert_true(graph_is_ancestor(graph, 1, 4));
	assert_false(graph_is_ancestor(graph, 2, 4));
	assert_true(graph_is_ancestor(graph, 2, 5));
	assert_true(graph_is_ancestor(graph, 4, 5));
	assert_false(graph_is_ancestor(graph, 4, 2));
	assert_int_equal(graph_ancestors(graph, 4).count, 1);
	assert_int_equal(graph_ancestors(graph, 6).count, 0);
	graph_free(graph);
}

static void first_parent_leaves_the_branch_out(void **state)
{
	struct graph *graph = open_graph(7, merge_start, merge_parents, true);

	(void)state;
	assert_int_equal(graph_count(graph), 5);
	assert_int_equal(graph_position_of(graph, 3), GRAPH_NOWHERE);
	assert_int_equal(graph_commit_at(graph, 3), 5);
	graph_free(graph);
}

static void commits_that_bad_does_not_contain_are_no_suspects(void **state)
{
	const struct graph_input input = {7, merge_start, merge_parents, 4, false};
	struct graph *graph = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(graph_open(&input, &graph, &err), 0);
	assert_int_equal(graph_count(graph), 4);
	assert_int_equal(graph_position_of(graph, 2), GRAPH_NOWHERE);
	assert_int_equal(graph_position_of(graph, 6), GRAPH_NOWHERE);
	graph_free(graph);
}

static void refuses_circles_and_strangers(void **state)
{
	const uint32_t start[] = {0, 1, 2}, circle[] = {1, 0}, stranger[] = {0, 7};
	struct graph_input input = {2, start, circle, 1, false};
	struct graph *graph = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(graph_open(&input, &graph, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	input.parents = stranger;
	assert_int_equal(graph_open(&input, &graph, &err), -1);
	input.bad = 2;
	assert_int_equal(graph_open(&input, &graph, &err), -1);
	input.count = 0;
	assert_int_equal(graph_open(&input, &graph, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_null(graph);
}

#define RANDOM_COUNT 300

/* Ancestors by the book, for histories full of criss-cross merges. */
static void spans_agree_with_a_walk(void **state)
{
	static bool reaches[RANDOM_COUNT][RANDOM_COUNT];
	uint32_t *start = xcalloc(RANDOM_COUNT + 1, sizeof(*start));
	uint32_t *parents = xcalloc(2 * RANDOM_COUNT, sizeof(*parents));
	struct graph *graph;
	uint32_t used = 0;

	(void)state;
	srand(7);
	for (uint32_t v = 0; v < RANDOM_COUNT; v++) {
		start[v] = used;
		for (uint32_t a = 0; a < RANDOM_COUNT; a++)
			reaches[a][v] = a == v;
		for (int i = 0; v && i < 1 + rand() % 2; i++) {
			uint32_t back = 1 + (uint32_t)rand() % 20;
			uint32_t parent = back > v ? 0 : v - back;

			parents[used++] = parent;
			for (uint32_t a = 0; a < RANDOM_COUNT; a++)
				reaches[a][v] |= reaches[a][parent];
		}
	}
	start[RANDOM_COUNT] = used;
	graph = open_graph(RANDOM_COUNT, start, parents, false);
	for (uint32_t a = 0; a < graph_count(graph); a++)
		for (uint32_t b = 0; b < graph_count(graph); b++)
			assert_int_equal(
				graph_is_ancestor(graph, a, b),
				reaches[graph_commit_at(graph, a)][graph_commit_at(graph, b)]);
	graph_free(graph);
	free(start);
	free(parents);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_is_one_span),
		cmocka_unit_test(branch_stands_before_its_merge),
		cmocka_unit_test(first_parent_leaves_the_branch_out),
		cmocka_unit_test(commits_that_bad_does_not_contain_are_no_suspects),
		cmocka_unit_test(refuses_circles_and_strangers),
		cmocka_unit_test(spans_agree_with_a_walk),
	};

	return cmocka_run_group_tests_name("bisect/graph", tests, NULL, NULL);
}
