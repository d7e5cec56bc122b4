/*
 * The suspects of a bisection and who is whose ancestor. Commits stand at positions 0..count-1,
 * parents before children, a merged branch directly before its merge; the bad end is the last.
 * In that order the ancestors of a commit are a few spans of positions, one span on a line, so
 * that any sum over ancestors is a few subtractions of prefix sums. Immutable once open; threads
 * may share it.
 */
#ifndef BISECT_GRAPH_H
#define BISECT_GRAPH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_COMMITS_MAX 4000000
#define GRAPH_PARENTS_MAX 16000000 /* of all commits together */
/* Up to GRAPH_EXACT commits every ancestor set is kept. Above, a commit that needs more than
 * GRAPH_SPANS_MAX spans, or comes when the pool is full, is vague. */
#define GRAPH_EXACT 4096
#define GRAPH_SPANS_MAX 256
#define GRAPH_POOL_MAX ((size_t)16 * 1024 * 1024) /* spans of all commits together */
#define GRAPH_NOWHERE UINT32_MAX

/* Commits as the caller counts them. The parents of commit i are
 * parents[start[i]] .. parents[start[i + 1] - 1], first parent first; suspects only. */
struct graph_input {
	uint32_t count;
	const uint32_t *start; /* count + 1 */
	const uint32_t *parents;
	uint32_t bad;
	bool first_parent; /* other parents are left out: a merge stands for its branch */
};

struct graph_span {
	uint32_t from, to; /* both included */
};

/* SPANS in ascending order, then LAST, which ends at the commit itself. */
struct graph_set {
	const struct graph_span *spans;
	size_t count;
	struct graph_span last;
};

struct graph;

/* Order the ancestors of BAD. ERR_LIMIT beyond the maxima, ERR_USAGE for a parent that is no commit
 * and for a circle. */
int graph_open(const struct graph_input *input, struct graph **out, struct err *err);
void graph_free(struct graph *graph); /* NULL is allowed */
void graph_freep(struct graph **graph);

uint32_t graph_count(const struct graph *graph);
/* The caller's number of the commit at POSITION, and back; GRAPH_NOWHERE: no ancestor of BAD. */
uint32_t graph_commit_at(const struct graph *graph, uint32_t position);
uint32_t graph_position_of(const struct graph *graph, uint32_t commit);

/* Positions of the parents that are suspects. Borrowed. */
const uint32_t *graph_parents(const struct graph *graph, uint32_t position, size_t *count);

/* The ancestor set is not kept: the commit cannot be probed. */
bool graph_is_vague(const struct graph *graph, uint32_t position);
/* The commit and its ancestors; borrowed. Not for a vague one. */
struct graph_set graph_ancestors(const struct graph *graph, uint32_t position);
/* Is A the same as B or an ancestor of it? B is not vague. */
bool graph_is_ancestor(const struct graph *graph, uint32_t a, uint32_t b);

#endif
