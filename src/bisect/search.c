#include "bisect/search_private.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LIKELY .3 /* an answer that idle workers may confirm before it is sure */

/* --- equal artefacts ------------------------------------------------------------------------- */

struct member {
	uint32_t artefact, position;
};

struct edge {
	uint32_t at;
	int32_t step;
};

struct edges {
	struct edge *items;
	size_t count, cap;
};

static int by_artefact(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->artefact != y->artefact)
		return x->artefact < y->artefact ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

static int by_place(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static void add_edges(struct edges *edges, struct graph_span span)
{
	if (edges->count + 2 > edges->cap) {
		edges->cap = edges->cap ? 2 * edges->cap : 64;
		edges->items = xrealloc(edges->items, edges->cap * sizeof(*edges->items));
	}
	edges->items[edges->count++] = (struct edge){span.from, 1};
	edges->items[edges->count++] = (struct edge){span.to + 1, -1};
}

/*
 * Commits of one artefact are all good or all bad. A culprit that is an ancestor of some of them
 * and not of others would make them differ: it is ruled out. The good end is a member without
 * suspects among its ancestors.
 */
static void rule_out(const struct search *search, const struct member *members, size_t count,
		     struct edges *edges, int32_t *barred)
{
	bool good = members[0].artefact == search->options.good_artefact;
	int32_t all = (int32_t)count, over = 0;

	edges->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct graph_set set;

		if (graph_is_vague(search->graph, members[i].position)) {
			all--;
			continue;
		}
		set = graph_ancestors(search->graph, members[i].position);
		for (size_t j = 0; j < set.count; j++)
			add_edges(edges, set.spans[j]);
		add_edges(edges, set.last);
	}
	if (edges->count)
		qsort(edges->items, edges->count, sizeof(*edges->items), by_place);
	for (size_t i = 0; i + 1 < edges->count; i++) {
		over += edges->items[i].step;
		if (over > 0 && (over < all || good)) {
			barred[edges->items[i].at]++;
			barred[edges->items[i + 1].at]--;
		}
	}
}

/* A commit that changes nothing against its only parent, also where its set is not kept. */
static bool is_empty_change(const struct search *search, uint32_t position)
{
	size_t count;
	const uint32_t *parents = graph_parents(search->graph, position, &count);

	return count == 1 && search->artefacts[parents[0]] == search->artefacts[position];
}

static void group(struct search *search)
{
	uint32_t n = search->count;
	struct member *members = xcalloc(n, sizeof(*members));
	int32_t *barred = xcalloc((size_t)n + 1, sizeof(*barred)), over = 0;
	struct edges edges = {0};

	for (uint32_t v = 0; v < n; v++) {
		members[v] = (struct member){search->artefacts[v], v};
		if (is_empty_change(search, v))
			posterior_exclude(search->posterior, v);
	}
	qsort(members, n, sizeof(*members), by_artefact);
	for (uint32_t first = 0, next; first < n; first = next) {
		uint32_t face = GRAPH_NOWHERE;
		bool good = members[first].artefact == search->options.good_artefact;

		for (next = first; next < n && members[next].artefact == members[first].artefact;
		     next++)
			if (face == GRAPH_NOWHERE &&
			    !graph_is_vague(search->graph, members[next].position))
				face = members[next].position;
		if (face == GRAPH_NOWHERE)
			face = members[first].position;
		for (uint32_t i = first; i < next; i++)
			search->face[members[i].position] = good ? GRAPH_NOWHERE : face;
		if (next - first > 1 || good)
			rule_out(search, &members[first], next - first, &edges, barred);
	}
	for (uint32_t c = 0; c < n; c++) {
		over += barred[c];
		if (over > 0)
			posterior_exclude(search->posterior, c);
	}
	free(barred);
	free(edges.items);
	free(members);
}

uint32_t search_face(const struct search *search, uint32_t position)
{
	return position == GRAPH_NOWHERE ? GRAPH_NOWHERE : search->face[position];
}

/* --- opening --------------------------------------------------------------------------------- */

static int check_options(const struct search_options *options, struct err *err)
{
	if (!(options->confidence >= .5 && options->confidence < 1))
		return err_set(err, ERR_USAGE, "the confidence is at least 0.5 and below 1");
	if (options->workers < 1 || options->workers > SEARCH_WORKERS_MAX)
		return err_set(err, ERR_USAGE, "from 1 to %d workers", SEARCH_WORKERS_MAX);
	if (!(options->build_s > 0 && options->test_s > 0))
		return err_set(err, ERR_USAGE, "a build and a test take more than no time");
	return 0;
}

int search_open(const struct graph *graph, const struct search_options *options,
		struct search **out, struct err *err)
{
	struct posterior *posterior;
	struct search *search;
	size_t n = graph_count(graph);

	if (check_options(options, err) < 0 ||
	    posterior_open(graph, &options->model, &posterior, err) < 0)
		return -1;
	search = xcalloc(1, sizeof(*search));
	search->graph = graph;
	search->options = *options;
	search->options.model.weights = NULL;
	search->options.artefacts = NULL;
	search->posterior = posterior;
	search->count = (uint32_t)n;
	search->buildable = buildable_new(search->count);
	search->artefacts = xcalloc(n, sizeof(*search->artefacts));
	search->face = xcalloc(n, sizeof(*search->face));
	search->image = xcalloc(n + 1, sizeof(*search->image));
	search->sums = xcalloc(n + 1, sizeof(*search->sums));
	search->dead = xcalloc(n, sizeof(*search->dead));
	search->mark = xcalloc(n + 1, sizeof(*search->mark));
	search->members = xcalloc(n, sizeof(*search->members));
	search->groups = xcalloc(n, sizeof(*search->groups));
	for (uint32_t v = 0; v < n; v++) {
		search->artefacts[v] = options->artefacts ? options->artefacts[v] : v;
		search->face[v] = v;
		search->branched |= n <= GRAPH_EXACT && graph_ancestors(graph, v).count > 0;
	}
	if (options->artefacts)
		group(search);
	else
		search->options.good_artefact = GRAPH_NOWHERE;
	search->stale = true;
	*out = search;
	return 0;
}

void search_free(struct search *search)
{
	if (!search)
		return;
	posterior_free(search->posterior);
	buildable_free(search->buildable);
	free(search->artefacts);
	free(search->face);
	free(search->image);
	free(search->tallies);
	free(search->sums);
	free(search->dead);
	free(search->mark);
	free(search->members);
	free(search->groups);
	free(search);
}

void search_freep(struct search **search)
{
	search_free(*search);
}

/* --- observations ---------------------------------------------------------------------------- */

static unsigned char *image_of(struct search *search, uint32_t position)
{
	uint32_t face = search_face(search, position);

	return &search->image[face == GRAPH_NOWHERE ? search->count : face];
}

enum image search__image(const struct search *search, uint32_t position)
{
	uint32_t face = search_face(search, position);

	return search->image[face == GRAPH_NOWHERE ? search->count : face];
}

static struct seen *seen_of(struct search *search, uint32_t face)
{
	for (size_t i = 0; i < search->tally_count; i++)
		if (search->tallies[i].position == face)
			return &search->tallies[i].seen;
	if (search->tally_count == search->tally_cap) {
		search->tally_cap = search->tally_cap ? 2 * search->tally_cap : 32;
		search->tallies =
			xrealloc(search->tallies, search->tally_cap * sizeof(*search->tallies));
	}
	search->tallies[search->tally_count] = (struct tally){.position = face};
	return &search->tallies[search->tally_count++].seen;
}

struct seen search_seen(const struct search *search, uint32_t position)
{
	uint32_t face = search_face(search, position);
	struct seen out = {0};

	for (size_t i = 0; i < search->tally_count; i++) {
		const struct seen *seen = &search->tallies[i].seen;

		if (search->tallies[i].position != face)
			continue;
		out.fails += seen->fails;
		out.passes += seen->passes;
		out.measured += seen->measured;
		out.sum += seen->sum;
		out.squares += seen->squares;
	}
	return out;
}

unsigned search__proofs(const struct search *search, uint32_t position, bool bad)
{
	struct seen seen = search_seen(search, position);

	return seen.measured + (bad ? seen.fails : seen.passes);
}

static void know_image(struct search *search, uint32_t position, enum image image)
{
	unsigned char *known = image_of(search, position);
	uint32_t face = search_face(search, position);

	if (*known == image)
		return;
	*known = (unsigned char)image;
	search->any_broken |= image == IMAGE_BROKEN;
	if (position != GRAPH_NOWHERE)
		buildable_add(search->buildable, position, image == IMAGE_BROKEN);
	if (face != GRAPH_NOWHERE && face != position)
		buildable_add(search->buildable, face, image == IMAGE_BROKEN);
}

void search_cached(struct search *search, uint32_t position)
{
	if (search__image(search, position) == IMAGE_UNKNOWN)
		know_image(search, position, IMAGE_THERE);
}

void search_observe(struct search *search, uint32_t position, enum sight sight)
{
	uint32_t face = search_face(search, position);

	if (search->observations >= SEARCH_OBSERVATIONS_MAX)
		return;
	search->observations++;
	know_image(search, position, sight == SIGHT_BROKEN ? IMAGE_BROKEN : IMAGE_THERE);
	if (sight != SIGHT_PASS && sight != SIGHT_FAIL)
		return;
	seen_of(search, face)->fails += sight == SIGHT_FAIL;
	seen_of(search, face)->passes += sight == SIGHT_PASS;
	search->stale = true;
}

void search_measure(struct search *search, uint32_t position, double value)
{
	struct seen *seen;

	if (search->observations >= SEARCH_OBSERVATIONS_MAX || isnan(value))
		return;
	search->observations++;
	know_image(search, position, IMAGE_THERE);
	value = fmin(fmax(value, -SEARCH_VALUE_MAX), SEARCH_VALUE_MAX);
	seen = seen_of(search, search_face(search, position));
	seen->measured++;
	seen->sum += value;
	seen->squares += value * value;
	search->stale = true;
}

void search_join(struct search *search, uint32_t a, uint32_t b)
{
	uint32_t from, to;

	if (search_face(search, a) == search_face(search, b))
		return;
	if (a == GRAPH_NOWHERE) {
		a = b;
		b = GRAPH_NOWHERE;
	}
	from = search->artefacts[a];
	to = b == GRAPH_NOWHERE ? search->options.good_artefact : search->artefacts[b];
	if (to == GRAPH_NOWHERE) /* the good end was like no other so far */
		to = search->options.good_artefact = from;
	for (uint32_t v = 0; v < search->count; v++)
		if (search->artefacts[v] == from)
			search->artefacts[v] = to;
	group(search);
	*image_of(search, a) = IMAGE_THERE;
	for (size_t i = 0; i < search->tally_count; i++)
		search->tallies[i].position = search_face(search, search->tallies[i].position);
	search->stale = true;
}

void search_times(struct search *search, double build_s, double test_s)
{
	if (build_s > 0)
		search->options.build_s = build_s;
	if (test_s > 0)
		search->options.test_s = test_s;
}

void search_flake_rate(struct search *search, const struct rate *rate)
{
	posterior_set_flake(search->posterior, rate);
	search->stale = true;
}

bool search_is_broken(const struct search *search, uint32_t position)
{
	return search__image(search, position) == IMAGE_BROKEN;
}

bool search_is_cached(const struct search *search, uint32_t position)
{
	return search__image(search, position) == IMAGE_THERE;
}

const struct posterior *search_posterior(const struct search *search)
{
	return search->posterior;
}

void search__refresh(struct search *search)
{
	if (search->stale)
		posterior_update(search->posterior, search->tallies, search->tally_count);
	search->stale = false;
}

/* --- what next ------------------------------------------------------------------------------- */

bool search__can_probe(const struct search *search, uint32_t position)
{
	return search->face[position] == position && !graph_is_vague(search->graph, position) &&
	       search->image[position] != IMAGE_BROKEN;
}

double search__worth(const struct search *search, uint32_t position, double information)
{
	double build = search->options.build_s, test = search->options.test_s, broken;

	if (search__image(search, position) == IMAGE_THERE)
		return information / test;
	broken = buildable_broken(search->buildable, position);
	return (1 - broken) * information / (build + (1 - broken) * test);
}

static size_t add_probe(const struct search *search, struct probe *probes, size_t count,
			uint32_t position, enum reason_to_probe why)
{
	probes[count] = (struct probe){
		.position = search_face(search, position),
		.build = search__image(search, position) == IMAGE_UNKNOWN,
		.why = why,
		.information =
			posterior_information(search->posterior, search_face(search, position)),
	};
	return count + 1;
}

/* The bad end first: when its failure does not come again there is nothing to look for. */
static size_t probe_ends(struct search *search, struct probe *probes, size_t max)
{
	const uint32_t ends[] = {search->count - 1, GRAPH_NOWHERE};
	size_t count = 0;

	for (size_t i = 0; i < 2 && count < max && !search->options.trust_ends; i++) {
		struct seen seen = search_seen(search, ends[i]);

		if (!seen.fails && !seen.passes && !seen.measured &&
		    !search_is_broken(search, ends[i]))
			count = add_probe(search, probes, count, ends[i], PROBE_END);
	}
	return count;
}

static size_t confirm_at(const struct search *search, uint32_t position, bool fails,
			 struct probe *probes, size_t count, size_t max)
{
	unsigned seen = search__proofs(search, position, fails);

	for (; seen < search->options.confirm && count < max; seen++)
		count = add_probe(search, probes, count, position, PROBE_CONFIRM);
	return count;
}

static size_t probe_answer(const struct search *search, const struct verdict_of_search *answer,
			   struct probe *probes, size_t max)
{
	size_t count = 0;

	if (answer->witness != GRAPH_NOWHERE)
		count = confirm_at(search, answer->witness, true, probes, count, max);
	for (size_t i = 0; i < answer->parent_count; i++)
		count = confirm_at(search, answer->parents[i], false, probes, count, max);
	return count;
}

/* Tests of images that exist, made one after another while others build, take one worker. */
static size_t workers_of(const struct search *search, const struct probe *probes, size_t count)
{
	double seconds = 0, build = search->options.build_s + search->options.test_s;
	size_t workers = 0;

	for (size_t i = 0; i < count; i++)
		if (probes[i].build)
			workers++;
		else
			seconds += search->options.test_s;
	return workers + (size_t)ceil(seconds / build);
}

/* Tests of images that exist that the likely answer still needs: while others build, one worker
 * makes them all. */
static size_t confirm_early(const struct search *search, const struct verdict_of_search *answer,
			    struct probe *probes)
{
	size_t count, kept = 0;

	count = probe_answer(search, answer, probes, SEARCH_PROBES_MAX - SEARCH_WORKERS_MAX);
	for (size_t i = 0; i < count; i++)
		if (!probes[i].build)
			probes[kept++] = probes[i];
	return kept;
}

/* Workers that would stand idle look for the next answer, or make the likely one surer. */
static size_t fill(struct search *search, const struct verdict_of_search *answer,
		   struct probe *probes, size_t count)
{
	size_t workers = search->options.workers, busy;
	unsigned tests = 0;

	if (workers > 1 && !count && answer->mass > LIKELY)
		count = confirm_early(search, answer, probes);
	for (size_t i = 0; i < count; i++)
		tests += !probes[i].build;
	busy = workers > 1 ? workers_of(search, probes, count) : count;
	if (busy < workers)
		count += search__batch(search, probes + count, workers - busy, tests);
	busy = workers > 1 ? workers_of(search, probes, count) : count;
	if (count && busy < workers && answer->mass > LIKELY)
		count += probe_answer(search, answer, probes + count, workers - busy);
	return count;
}

size_t search_next(struct search *search, struct probe probes[SEARCH_PROBES_MAX])
{
	struct verdict_of_search answer;
	size_t count, workers = search->options.workers;

	search__refresh(search);
	count = probe_ends(search, probes, workers);
	search_answer(search, &answer);
	if (count)
		return fill(search, &answer, probes, count);
	if (answer.ending != ENDING_OPEN)
		return 0;
	if (answer.mass >= search->options.confidence)
		count = probe_answer(search, &answer, probes, workers);
	if (count == 0)
		count = fill(search, &answer, probes, 0);
	if (count == 0)
		search->exhausted = true;
	return count;
}
