#include "bisect/graph.h"

#include "base/arena.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct kept_set {
	size_t offset; /* in the pool */
	uint32_t count;
	uint32_t start; /* of the last span, which ends at the commit; NOWHERE: vague */
};

struct graph {
	uint32_t count;
	uint32_t *commit_at, *position_of;
	uint32_t total;	 /* commits of the caller */
	uint32_t *start; /* parents by position */
	uint32_t *parents;
	struct kept_set *sets;
	struct graph_span *pool;
	size_t pool_count, pool_cap;
};

void graph_free(struct graph *graph)
{
	if (!graph)
		return;
	free(graph->commit_at);
	free(graph->position_of);
	free(graph->start);
	free(graph->parents);
	free(graph->sets);
	free(graph->pool);
	free(graph);
}

void graph_freep(struct graph **graph)
{
	graph_free(*graph);
}

/* --- order ----------------------------------------------------------------------------------- */

static int check_input(const struct graph_input *input, struct err *err)
{
	uint32_t edges;

	if (input->count == 0 || input->count > GRAPH_COMMITS_MAX)
		return err_set(err, ERR_LIMIT, "%u suspects: from 1 to %u can be searched",
			       input->count, GRAPH_COMMITS_MAX);
	edges = input->start[input->count];
	if (edges > GRAPH_PARENTS_MAX)
		return err_set(err, ERR_LIMIT, "%u parents: more than %u", edges,
			       GRAPH_PARENTS_MAX);
	for (uint32_t i = 0; i < edges; i++)
		if (input->parents[i] >= input->count)
			return err_set(err, ERR_USAGE, "parent %u is no commit", input->parents[i]);
	return input->bad < input->count
		       ? 0
		       : err_set(err, ERR_USAGE, "the bad end %u is no commit", input->bad);
}

static uint32_t parents_end(const struct graph_input *input, uint32_t commit)
{
	uint32_t start = input->start[commit], end = input->start[commit + 1];

	return input->first_parent && end > start + 1 ? start + 1 : end;
}

/* Depth first, first parents first, parents before children: what one branch brought stands
 * together, and everything before a commit of the main line is its ancestor. */
static int order(struct graph *graph, const struct graph_input *input, struct err *err)
{
	const uint32_t open = GRAPH_NOWHERE - 1;
	uint32_t *stack = xcalloc(input->count, sizeof(*stack));
	uint32_t *next = xcalloc(input->count, sizeof(*next));
	uint32_t depth = 0;
	int rc = 0;

	for (uint32_t i = 0; i < input->count; i++)
		graph->position_of[i] = GRAPH_NOWHERE;
	stack[depth++] = input->bad;
	graph->position_of[input->bad] = open;
	next[input->bad] = input->start[input->bad];
	while (depth && rc == 0) {
		uint32_t commit = stack[depth - 1], parent;

		if (next[commit] == parents_end(input, commit)) {
			graph->commit_at[graph->count] = commit;
			graph->position_of[commit] = graph->count++;
			depth--;
			continue;
		}
		parent = input->parents[next[commit]++];
		if (graph->position_of[parent] == open)
			rc = err_set(err, ERR_USAGE, "commit %u is its own ancestor", parent);
		if (graph->position_of[parent] != GRAPH_NOWHERE)
			continue;
		graph->position_of[parent] = open;
		next[parent] = input->start[parent];
		stack[depth++] = parent;
	}
	free(stack);
	free(next);
	return rc;
}

static void place_parents(struct graph *graph, const struct graph_input *input)
{
	uint32_t used = 0;

	for (uint32_t v = 0; v < graph->count; v++) {
		uint32_t commit = graph->commit_at[v];
		uint32_t end = parents_end(input, commit);

		graph->start[v] = used;
		for (uint32_t i = input->start[commit]; i < end; i++)
			graph->parents[used++] = graph->position_of[input->parents[i]];
	}
	graph->start[graph->count] = used;
}

/* --- ancestor sets --------------------------------------------------------------------------- */

struct spans {
	struct graph_span *items;
	size_t count, cap;
};

static void add_span(struct spans *spans, struct graph_span span)
{
	if (spans->count == spans->cap) {
		spans->cap = spans->cap ? 2 * spans->cap : 16;
		spans->items = xrealloc(spans->items, spans->cap * sizeof(*spans->items));
	}
	spans->items[spans->count++] = span;
}

static int by_start(const void *a, const void *b)
{
	const struct graph_span *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Sort, then join what overlaps or touches. */
static void join_spans(struct spans *spans)
{
	size_t used = 0;

	qsort(spans->items, spans->count, sizeof(*spans->items), by_start);
	for (size_t i = 1; i < spans->count; i++) {
		struct graph_span *last = &spans->items[used];

		if (spans->items[i].from > last->to + 1)
			spans->items[++used] = spans->items[i];
		else if (spans->items[i].to > last->to)
			last->to = spans->items[i].to;
	}
	spans->count = used + 1;
}

static void keep_spans(struct graph *graph, const struct spans *spans, struct kept_set *set)
{
	size_t count = spans->count - 1; /* the last is the set's own */

	if (graph->pool_count + count > graph->pool_cap) {
		graph->pool_cap = 2 * graph->pool_cap + count;
		graph->pool = xrealloc(graph->pool, graph->pool_cap * sizeof(*graph->pool));
	}
	if (count)
		memcpy(&graph->pool[graph->pool_count], spans->items, count * sizeof(*graph->pool));
	*set = (struct kept_set){graph->pool_count, (uint32_t)count, spans->items[count].from};
	graph->pool_count += count;
}

static void make_set(struct graph *graph, uint32_t v, struct spans *scratch)
{
	size_t count;
	const uint32_t *parents = graph_parents(graph, v, &count);
	struct kept_set *set = &graph->sets[v];

	set->start = v;
	if (count == 1 &&
	    parents[0] + 1 == v) { /* the next on a line: the same spans, one longer */
		*set = graph->sets[parents[0]];
		return;
	}
	scratch->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct graph_set above = graph_ancestors(graph, parents[i]);

		if (graph_is_vague(graph, parents[i])) {
			set->start = GRAPH_NOWHERE;
			return;
		}
		for (size_t j = 0; j < above.count; j++)
			add_span(scratch, above.spans[j]);
		add_span(scratch, above.last);
	}
	add_span(scratch, (struct graph_span){v, v});
	join_spans(scratch);
	if (graph->count > GRAPH_EXACT && (scratch->count > GRAPH_SPANS_MAX ||
					   graph->pool_count + scratch->count > GRAPH_POOL_MAX))
		set->start = GRAPH_NOWHERE;
	else
		keep_spans(graph, scratch, set);
}

int graph_open(const struct graph_input *input, struct graph **out, struct err *err)
{
	struct graph *graph CLEANUP(graph_freep) = NULL;
	struct spans scratch = {0};

	if (check_input(input, err) < 0)
		return -1;
	graph = xcalloc(1, sizeof(*graph));
	graph->total = input->count;
	graph->commit_at = xcalloc(input->count, sizeof(*graph->commit_at));
	graph->position_of = xcalloc(input->count, sizeof(*graph->position_of));
	if (order(graph, input, err) < 0)
		return -1;
	graph->start = xcalloc((size_t)graph->count + 1, sizeof(*graph->start));
	graph->parents = xcalloc((size_t)input->start[input->count] + 1, sizeof(*graph->parents));
	place_parents(graph, input);
	graph->sets = xcalloc(graph->count, sizeof(*graph->sets));
	for (uint32_t v = 0; v < graph->count; v++)
		make_set(graph, v, &scratch);
	free(scratch.items);
	*out = graph;
	graph = NULL;
	return 0;
}

/* --- questions ------------------------------------------------------------------------------- */

uint32_t graph_count(const struct graph *graph)
{
	return graph->count;
}

uint32_t graph_commit_at(const struct graph *graph, uint32_t position)
{
	return graph->commit_at[position];
}

uint32_t graph_position_of(const struct graph *graph, uint32_t commit)
{
	return commit < graph->total ? graph->position_of[commit] : GRAPH_NOWHERE;
}

const uint32_t *graph_parents(const struct graph *graph, uint32_t position, size_t *count)
{
	*count = graph->start[position + 1] - graph->start[position];
	return &graph->parents[graph->start[position]];
}

bool graph_is_vague(const struct graph *graph, uint32_t position)
{
	return graph->sets[position].start == GRAPH_NOWHERE;
}

struct graph_set graph_ancestors(const struct graph *graph, uint32_t position)
{
	const struct kept_set *set = &graph->sets[position];

	return (struct graph_set){
		set->count ? &graph->pool[set->offset] : NULL, set->count, {set->start, position}};
}

bool graph_is_ancestor(const struct graph *graph, uint32_t a, uint32_t b)
{
	struct graph_set set = graph_ancestors(graph, b);
	size_t low = 0, high = set.count;

	if (a >= set.last.from)
		return a <= b;
	while (low < high) { /* the first span that ends at A or later */
		size_t middle = (low + high) / 2;

		if (set.spans[middle].to < a)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set.count && set.spans[low].from <= a;
}
