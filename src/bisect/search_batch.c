/* Which commits to probe: one by information per second, several by what they tell together. */
#include "bisect/search_private.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOTHING 1e-7 /* bits: not worth a probe */
#define LITTLE .02   /* bits: a further probe side by side is not worth a worker */
#define QUANTILES 24
#define CANDIDATES_MAX 192
#define NEARLY .95   /* of the best worth: as good, but for what comes after */
#define AHEAD_MAX 32 /* such probes looked at */
#define OUTCOMES_MAX (1U << SEARCH_WORKERS_MAX)

/* Information per second if the build surely succeeds: no probe of V is worth more. */
static double worth_at_most(const struct search *search, uint32_t v, double information)
{
	double build = search->image[v] == IMAGE_THERE ? 0 : search->options.build_s;

	return information / (search->options.test_s + build);
}

/* The good end tells whether it fails itself. */
static double worth_of_good(const struct search *search)
{
	double bits = posterior_information(search->posterior, GRAPH_NOWHERE);

	if (bits < NOTHING || search__image(search, GRAPH_NOWHERE) == IMAGE_BROKEN)
		return 0;
	return bits / (search->options.test_s + (search__image(search, GRAPH_NOWHERE) == IMAGE_THERE
							 ? 0
							 : search->options.build_s));
}

/* --- one step ahead -------------------------------------------------------------------------- */

/* Bits of a test that is on bad code with probability BAD. */
static double bits_told(double bad, double fail, double flake)
{
	return bits_of(bad * fail + (1 - bad) * flake) - bad * bits_of(fail) -
	       (1 - bad) * bits_of(flake);
}

/* Probabilities after a probe of V FAILS or not, as sums before each position; the last is what
 * the two other hypotheses have left. Returns how probable that outcome is. */
static double suppose(struct search *search, uint32_t v, bool fails, double fail, double flake)
{
	struct graph_set set = graph_ancestors(search->graph, v);
	double bad = fails ? fail : 1 - fail, good = fails ? flake : 1 - flake, sum = 0;
	double total;
	size_t span = 0;

	for (uint32_t c = 0; c < search->count; c++) {
		bool inside = false;

		while (span < set.count && set.spans[span].to < c)
			span++;
		if (c >= set.last.from)
			inside = c <= set.last.to;
		else if (span < set.count)
			inside = c >= set.spans[span].from;
		search->sums[c] = sum;
		sum += posterior_mass(search->posterior, c) * (inside ? bad : good);
	}
	search->sums[search->count] = sum;
	total = sum + posterior_no_culprit(search->posterior) * good +
		posterior_older(search->posterior) * bad;
	for (uint32_t c = 0; c <= search->count && total > 0; c++)
		search->sums[c] /= total;
	return total;
}

static double most_told_next(const struct search *search, double fail, double flake)
{
	double best = 0;

	for (uint32_t u = 0; u < search->count; u++) {
		struct graph_set set;
		double bad;

		if (!search__can_probe(search, u))
			continue;
		set = graph_ancestors(search->graph, u);
		bad = search->sums[u + 1] - search->sums[set.last.from];
		for (size_t i = 0; i < set.count; i++)
			bad += search->sums[set.spans[i].to + 1] - search->sums[set.spans[i].from];
		best = fmax(best, bits_told(fmin(fmax(bad, 0), 1), fail, flake));
	}
	return best;
}

/* Among probes that tell almost the same, the one after which the next tells most: with merges,
 * halves are not always followed by halves. */
static uint32_t look_ahead(struct search *search, uint32_t best)
{
	double fail, flake, top = 0, least;
	uint32_t from = best, found = best;
	unsigned tried = 0;

	posterior_rates(search->posterior, &fail, &flake);
	least = NEARLY *
		search__worth(search, best, posterior_information(search->posterior, best));
	for (uint32_t i = 0; i < search->count && tried < AHEAD_MAX; i++) {
		uint32_t v = (from + i) % search->count;
		double told;

		if (search->groups[v].mass < least ||
		    search__worth(search, v, posterior_information(search->posterior, v)) < least)
			continue;
		tried++;
		told = posterior_information(search->posterior, v);
		for (int fails = 0; fails < 2; fails++)
			told += suppose(search, v, fails, fail, flake) *
				most_told_next(search, fail, flake);
		if (told > top + NOTHING) {
			top = told;
			found = v;
		}
	}
	return found;
}

/* The chance to build is asked for where it can matter only: it costs more than the rest. */
static size_t best_one(struct search *search, struct probe *probe)
{
	struct mass_of_mark *at_most = search->groups;
	uint32_t best = search->count, first = 0;
	double worth = 0;

	for (uint32_t v = 0; v < search->count; v++) {
		double bits = search__can_probe(search, v)
				      ? posterior_information(search->posterior, v)
				      : 0;

		at_most[v].mass = bits < NOTHING ? 0 : worth_at_most(search, v, bits);
		if (at_most[v].mass > at_most[first].mass)
			first = v;
	}
	for (uint32_t i = 0; i < search->count; i++) {
		uint32_t v = (first + i) % search->count; /* the best are near each other */
		double here;

		if (at_most[v].mass <= worth)
			continue;
		here = search__worth(search, v, posterior_information(search->posterior, v));
		if (here <= worth)
			continue;
		worth = here;
		best = v;
	}
	if (worth_of_good(search) > worth)
		best = GRAPH_NOWHERE;
	else if (best == search->count)
		return 0;
	else if (search->branched && search->image[best] == IMAGE_UNKNOWN)
		best = look_ahead(search, best);
	*probe = (struct probe){best, search__image(search, best) == IMAGE_UNKNOWN, PROBE_SEARCH,
				posterior_information(search->posterior, best)};
	return 1;
}

/* --- candidates of a batch ------------------------------------------------------------------- */

struct candidate {
	uint32_t position;
	double builds; /* chance to get an outcome */
	double information;
};

struct candidates {
	struct candidate items[CANDIDATES_MAX];
	size_t count;
};

static void add_candidate(const struct search *search, struct candidates *candidates, uint32_t v)
{
	double broken = 0;

	if (v != GRAPH_NOWHERE && search->image[v] != IMAGE_THERE)
		broken = buildable_broken(search->buildable, v);
	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->items[i].position == v)
			return;
	if (candidates->count < CANDIDATES_MAX)
		candidates->items[candidates->count++] = (struct candidate){
			v, 1 - broken, posterior_information(search->posterior, v)};
}

/* Commits near the quantiles of the culprit's distribution, all images that exist, and, where few
 * suspects are left, all of them. */
static void find_candidates(const struct search *search, struct candidates *candidates)
{
	uint32_t near[QUANTILES + 1][2];
	double distance[QUANTILES + 1][2];
	uint32_t heavy = 0;

	for (size_t k = 0; k <= QUANTILES; k++)
		distance[k][0] = distance[k][1] = INFINITY;
	for (uint32_t v = 0; v < search->count; v++) {
		double bad, off;
		size_t k, side;

		if (!search__can_probe(search, v))
			continue;
		bad = posterior_bad(search->posterior, v);
		k = (size_t)lround(bad * QUANTILES);
		side = bad * QUANTILES > (double)k;
		off = fabs(bad * QUANTILES - (double)k);
		if (search->any_broken && off < distance[k][side])
			off += buildable_broken(search->buildable, v);
		if (off < distance[k][side]) {
			distance[k][side] = off;
			near[k][side] = v;
		}
		if (search->image[v] == IMAGE_THERE &&
		    posterior_information(search->posterior, v) > NOTHING)
			add_candidate(search, candidates, v);
		heavy += posterior_mass(search->posterior, v) > 1e-4;
	}
	if (worth_of_good(search) > 0)
		add_candidate(search, candidates, GRAPH_NOWHERE);
	for (size_t k = 0; k <= QUANTILES; k++)
		for (size_t side = 0; side < 2; side++)
			if (isfinite(distance[k][side]))
				add_candidate(search, candidates, near[k][side]);
	for (uint32_t v = 0; v < search->count && heavy <= 2 * QUANTILES; v++)
		if (posterior_mass(search->posterior, v) > 1e-4 && search__can_probe(search, v))
			add_candidate(search, candidates, v);
}

/* --- hypotheses that the candidates tell apart ----------------------------------------------- */

struct cell {
	double mass;
	uint64_t bad[CANDIDATES_MAX / 64]; /* candidates whose code is bad */
};

struct cells {
	struct cell *items;
	size_t count;
};

static void mark_suspects(struct search *search, const struct candidates *candidates)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15), sum = 0;

	memset(search->mark, 0, ((size_t)search->count + 1) * sizeof(*search->mark));
	for (size_t i = 0; i < candidates->count; i++) {
		struct graph_set set;

		if (candidates->items[i].position == GRAPH_NOWHERE)
			continue; /* no suspect is among its ancestors */
		set = graph_ancestors(search->graph, candidates->items[i].position);
		seed ^= seed << 13; /* xorshift64 */
		seed ^= seed >> 7;
		seed ^= seed << 17;
		for (size_t j = 0; j <= set.count; j++) {
			struct graph_span span = j < set.count ? set.spans[j] : set.last;

			search->mark[span.from] += seed;
			search->mark[span.to + 1] -= seed;
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

	return (x->mark > y->mark) - (x->mark < y->mark);
}

/* Suspects of one mark are bad in the same candidates: one cell. */
static struct cells make_cells(struct search *search, const struct candidates *candidates)
{
	struct mass_of_mark *groups = search->groups;
	struct cells cells = {0};
	size_t count = 0;

	mark_suspects(search, candidates);
	for (uint32_t c = 0; c < search->count; c++)
		if (posterior_mass(search->posterior, c) > 1e-12)
			groups[count++] = (struct mass_of_mark){
				search->mark[c], posterior_mass(search->posterior, c), c};
	qsort(groups, count, sizeof(*groups), by_mark);
	cells.items = xcalloc(count + 2, sizeof(*cells.items));
	for (size_t i = 0; i < count; i++) {
		struct cell *cell = &cells.items[cells.count];

		cell->mass += groups[i].mass;
		if (i + 1 < count && groups[i + 1].mark == groups[i].mark)
			continue;
		for (size_t k = 0; k < candidates->count; k++)
			if (candidates->items[k].position != GRAPH_NOWHERE &&
			    graph_is_ancestor(search->graph, groups[i].position,
					      candidates->items[k].position))
				cell->bad[k / 64] |= UINT64_C(1) << (k % 64);
		cells.count++;
	}
	cells.items[cells.count++].mass = posterior_no_culprit(search->posterior);
	memset(cells.items[cells.count].bad, 0xff, sizeof(cells.items[cells.count].bad));
	cells.items[cells.count++].mass = posterior_older(search->posterior);
	return cells;
}

/* --- joint information ----------------------------------------------------------------------- */

struct chosen {
	size_t items[SEARCH_WORKERS_MAX]; /* candidates */
	size_t count;
};

static double entropy(const double *p, size_t count)
{
	double bits = 0;

	for (size_t i = 0; i < count; i++)
		if (p[i] > 0)
			bits -= p[i] * log2(p[i]);
	return bits;
}

/* Bits that the outcomes of all chosen probes tell together about the culprit. */
static double joint_information(const struct search *search, const struct cells *cells,
				const struct chosen *chosen)
{
	double p[OUTCOMES_MAX] = {0}, fail, flake, known = 0;
	size_t outcomes = (size_t)1 << chosen->count;

	posterior_rates(search->posterior, &fail, &flake);
	for (size_t i = 0; i < cells->count; i++) {
		const struct cell *cell = &cells->items[i];
		size_t pattern = 0;

		for (size_t t = 0; t < chosen->count; t++) {
			size_t k = chosen->items[t];
			bool bad = cell->bad[k / 64] >> (k % 64) & 1;

			pattern |= (size_t)bad << t;
			known += cell->mass * bits_of(bad ? fail : flake);
		}
		p[pattern] += cell->mass;
	}
	for (size_t t = 0; t < chosen->count;
	     t++) /* what is bad -> what fails, one probe at a time */
		for (size_t o = 0; o < outcomes; o++) {
			double good = p[o], bad;

			if (o >> t & 1)
				continue;
			bad = p[o | (size_t)1 << t];
			p[o] = good * (1 - flake) + bad * (1 - fail);
			p[o | (size_t)1 << t] = good * flake + bad * fail;
		}
	return entropy(p, outcomes) - known;
}

static bool is_there(const struct search *search, const struct candidate *candidate)
{
	return search__image(search, candidate->position) == IMAGE_THERE;
}

static bool choose_next(const struct search *search, const struct candidates *candidates,
			const struct cells *cells, bool only_there, struct chosen *chosen)
{
	double so_far = chosen->count ? joint_information(search, cells, chosen) : 0;
	double best = chosen->count ? LITTLE : NOTHING;
	size_t found = CANDIDATES_MAX;

	chosen->count++;
	for (size_t k = 0; k < candidates->count; k++) {
		double gain;

		if (only_there && !is_there(search, &candidates->items[k]))
			continue;
		if (candidates->items[k].builds * candidates->items[k].information <= best)
			continue; /* together it tells no more than alone */
		chosen->items[chosen->count - 1] = k;
		gain = candidates->items[k].builds *
		       (joint_information(search, cells, chosen) - so_far);
		if (gain > best) {
			best = gain;
			found = k;
		}
	}
	if (found == CANDIDATES_MAX)
		chosen->count--;
	else
		chosen->items[chosen->count - 1] = found;
	return found < CANDIDATES_MAX;
}

/* Workers that one more probe takes: a build one, all tests of images that exist together one. */
static size_t use_of(const struct search *search, const struct candidate *candidate,
		     unsigned *tests)
{
	if (!is_there(search, candidate))
		return 1;
	return (*tests)++ == 0;
}

size_t search__batch(struct search *search, struct probe *probes, size_t max, unsigned tests)
{
	struct candidates candidates = {.count = 0};
	struct chosen chosen = {.count = 0};
	struct cells cells;
	size_t used = 0;

	if (search->options.workers == 1)
		return best_one(search, probes);
	find_candidates(search, &candidates);
	cells = make_cells(search, &candidates);
	while (used < max && chosen.count < SEARCH_WORKERS_MAX &&
	       choose_next(search, &candidates, &cells, false, &chosen))
		used += use_of(search, &candidates.items[chosen.items[chosen.count - 1]], &tests);
	/* While others build, the worker that tests has time for more. */
	while (tests && tests < search->options.build_s / search->options.test_s &&
	       chosen.count < SEARCH_WORKERS_MAX &&
	       choose_next(search, &candidates, &cells, true, &chosen))
		tests++;
	free(cells.items);
	for (size_t i = 0; i < chosen.count; i++) {
		const struct candidate *candidate = &candidates.items[chosen.items[i]];

		probes[i] =
			(struct probe){candidate->position,
				       search__image(search, candidate->position) == IMAGE_UNKNOWN,
				       PROBE_SEARCH, candidate->information};
	}
	return chosen.count;
}
