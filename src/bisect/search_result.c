/* What is known: suspects that cannot be told apart, the answer, whether it is confirmed. */
#include "bisect/search_private.h"

#include <stdlib.h>
#include <string.h>

#define PRESUME_BROKEN .99 /* between broken neighbours of a run: named with them, not built */
#define PRESUME_MASS 1e-4  /* suspects below this are not looked at */
#define MASS_LEAST 1e-9	   /* hypotheses below this join no group */

/* Commits that will give no outcome. */
static bool mark_dead(struct search *search)
{
	bool any = false;

	for (uint32_t v = 0; v < search->count; v++) {
		uint32_t face = search->face[v];
		bool dead = search_is_broken(search, v);

		if (search->any_broken && !dead && face == v &&
		    posterior_mass(search->posterior, v) > PRESUME_MASS &&
		    search->image[v] == IMAGE_UNKNOWN)
			dead = buildable_broken(search->buildable, v) > PRESUME_BROKEN;
		if (face != GRAPH_NOWHERE && graph_is_vague(search->graph, face))
			dead = true;
		search->dead[v] = dead;
		any |= dead;
	}
	return any;
}

/* splitmix64: a number that stands for commit V in sums. */
static uint64_t number_of(uint32_t v)
{
	uint64_t x = (v + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/*
 * Two suspects cannot be told apart when the same living commits descend from both. The sum of
 * the numbers of those commits stands for their set: two sets share a sum by chance once in 2^64.
 */
static void mark_descendants(struct search *search)
{
	uint64_t sum = 0;

	memset(search->mark, 0, ((size_t)search->count + 1) * sizeof(*search->mark));
	for (uint32_t v = 0; v < search->count; v++) {
		struct graph_set set;

		if (search->dead[v] || search->face[v] != v || graph_is_vague(search->graph, v))
			continue;
		set = graph_ancestors(search->graph, v);
		for (size_t i = 0; i <= set.count; i++) {
			struct graph_span span = i < set.count ? set.spans[i] : set.last;

			search->mark[span.from] += number_of(v);
			search->mark[span.to + 1] -= number_of(v);
		}
	}
	for (uint32_t c = 0; c < search->count; c++) {
		sum += search->mark[c];
		search->mark[c] = sum;
	}
}

static int by_mark(const void *a, const void *b)
{
	const struct mass_of_mark *x = a, *y = b;

	if (x->mark != y->mark)
		return x->mark < y->mark ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

/* The heaviest group of suspects that cannot be told apart, into ANSWER. */
static void heaviest(struct search *search, struct verdict_of_search *answer)
{
	struct mass_of_mark *groups = search->groups;
	size_t count = 0, best = 0, best_size = 0;

	for (uint32_t c = 0; c < search->count; c++)
		if (posterior_mass(search->posterior, c) > MASS_LEAST)
			groups[count++] = (struct mass_of_mark){
				search->mark[c], posterior_mass(search->posterior, c), c};
	qsort(groups, count, sizeof(*groups), by_mark);
	for (size_t first = 0, next; first < count; first = next) {
		double mass = 0;

		for (next = first; next < count && groups[next].mark == groups[first].mark; next++)
			mass += groups[next].mass;
		if (mass > answer->mass) {
			answer->mass = mass;
			best = first;
			best_size = next - first;
		}
	}
	for (size_t i = 0; i < best_size; i++) {
		uint32_t c = groups[best + i].position;

		search->members[i] = c;
		answer->broken += search_is_broken(search, c);
		answer->presumed += search->dead[c] && !search_is_broken(search, c);
	}
	answer->member_count = best_size;
}

static void heaviest_single(struct search *search, struct verdict_of_search *answer)
{
	for (uint32_t c = 0; c < search->count; c++)
		if (posterior_mass(search->posterior, c) > answer->mass) {
			answer->mass = posterior_mass(search->posterior, c);
			search->members[0] = c;
			answer->member_count = 1;
		}
}

/* --- confirmation ---------------------------------------------------------------------------- */

static bool is_member(const struct verdict_of_search *answer, uint32_t position)
{
	size_t low = 0, high = answer->member_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (answer->members[middle] < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low < answer->member_count && answer->members[low] == position;
}

static void find_witness(const struct search *search, struct verdict_of_search *answer)
{
	answer->witness = GRAPH_NOWHERE;
	for (uint32_t v = answer->members[0]; v < search->count && answer->witness == GRAPH_NOWHERE;
	     v++)
		if (!search->dead[v] && search->face[v] == v &&
		    graph_is_ancestor(search->graph, answer->members[0], v))
			answer->witness = v;
}

static void add_parent(struct verdict_of_search *answer, uint32_t position)
{
	for (size_t i = 0; i < answer->parent_count; i++)
		if (answer->parents[i] == position)
			return;
	if (answer->parent_count < SEARCH_PARENTS_MAX)
		answer->parents[answer->parent_count++] = position;
}

/* The last commits before the members that can be tested, by first parents where several could
 * be; a member without suspects as parents stands on the good end. */
static void find_parents(const struct search *search, struct verdict_of_search *answer)
{
	for (size_t i = 0; i < answer->member_count; i++) {
		size_t count;
		const uint32_t *parents = graph_parents(search->graph, answer->members[i], &count);

		if (count == 0)
			add_parent(answer, GRAPH_NOWHERE);
		for (size_t j = 0; j < count; j++) {
			uint32_t parent = parents[j];
			size_t above = 1;

			while (above && search->dead[parent] && !is_member(answer, parent)) {
				const uint32_t *next = graph_parents(search->graph, parent, &above);

				parent = above ? next[0] : GRAPH_NOWHERE;
			}
			if (parent == GRAPH_NOWHERE || !is_member(answer, parent))
				add_parent(answer, search_face(search, parent));
		}
	}
}

static void count_evidence(const struct search *search, struct verdict_of_search *answer)
{
	if (answer->witness != GRAPH_NOWHERE)
		answer->fails = search__proofs(search, answer->witness, true);
	for (size_t i = 0; i < answer->parent_count; i++) {
		unsigned passes = search__proofs(search, answer->parents[i], false);

		if (i == 0 || passes < answer->passes)
			answer->passes = passes;
	}
	answer->confirmed = answer->fails >= search->options.confirm &&
			    answer->passes >= search->options.confirm;
}

/* --- answer ---------------------------------------------------------------------------------- */

/* The ends bear witness: passes at the bad end, failures at the good one. */
static void answer_without(const struct search *search, struct verdict_of_search *answer)
{
	double none = posterior_no_culprit(search->posterior);
	double older = posterior_older(search->posterior);

	if (none <= answer->mass && older <= answer->mass)
		return;
	*answer = (struct verdict_of_search){.ending = none >= older ? ENDING_NO_CULPRIT
								     : ENDING_OLDER,
					     .mass = none >= older ? none : older,
					     .members = search->members,
					     .witness = GRAPH_NOWHERE};
	if (answer->ending == ENDING_NO_CULPRIT) {
		answer->parents[answer->parent_count++] = search_face(search, search->count - 1);
		answer->passes = search__proofs(search, search->count - 1, false);
		answer->confirmed = answer->passes >= search->options.confirm;
	} else {
		answer->fails = search__proofs(search, GRAPH_NOWHERE, true);
		answer->confirmed = answer->fails >= search->options.confirm;
	}
}

static int heavier_first(const void *a, const void *b)
{
	const struct mass_of_mark *x = a, *y = b;

	if (x->mass != y->mass)
		return x->mass > y->mass ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

size_t search_left(struct search *search)
{
	struct mass_of_mark *order = search->groups;
	size_t count = 0, left = 0;
	double mass = 0, total = 0;

	search__refresh(search);
	for (uint32_t c = 0; c < search->count; c++)
		if (posterior_mass(search->posterior, c) > MASS_LEAST) {
			order[count++] =
				(struct mass_of_mark){0, posterior_mass(search->posterior, c), c};
			total += posterior_mass(search->posterior, c);
		}
	qsort(order, count, sizeof(*order), heavier_first);
	while (left < count && mass < search->options.confidence * total)
		mass += order[left++].mass;
	return left;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Nothing more to learn: whoever is left is named. */
static void give_up(struct search *search, struct verdict_of_search *answer)
{
	size_t left = search_left(search);

	answer->ending = ENDING_UNDECIDED;
	answer->member_count = left;
	answer->mass = 0;
	for (size_t i = 0; i < left; i++) {
		search->members[i] = search->groups[i].position;
		answer->mass += search->groups[i].mass;
	}
	qsort(search->members, left, sizeof(*search->members), by_number);
}

void search_answer(struct search *search, struct verdict_of_search *out)
{
	struct verdict_of_search answer = {
		.ending = ENDING_CULPRIT, .members = search->members, .witness = GRAPH_NOWHERE};
	bool over = search->exhausted || (search->options.probes_max &&
					  search->observations >= search->options.probes_max);

	search__refresh(search);
	if (mark_dead(search)) {
		mark_descendants(search);
		heaviest(search, &answer);
	} else {
		heaviest_single(search, &answer);
	}
	if (answer.member_count) {
		find_witness(search, &answer);
		find_parents(search, &answer);
		count_evidence(search, &answer);
	}
	answer_without(search, &answer);
	if (answer.mass < search->options.confidence || !answer.confirmed) {
		if (over && answer.mass < search->options.confidence)
			give_up(search, &answer);
		else if (!over)
			answer.ending = ENDING_OPEN;
	}
	*out = answer;
}
