/* Suspects, and which of them are the same thing to build. */
#include "base/cancel.h"
#include "base/digest.h"
#include "base/mem.h"
#include "cmd/bisect_private.h"
#include "deploy/deploy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIKELY_WEIGHT 4 /* of commits that touch a --likely path, against the others */

const char *bisect__hash_at(const struct hunt *hunt, uint32_t position)
{
	if (position == GRAPH_NOWHERE)
		return hunt->good.hash;
	return hunt->range.commits.items[graph_commit_at(hunt->graph, position)];
}

uint32_t bisect__position_of(const struct hunt *hunt, const char *hash)
{
	for (uint32_t v = 0; v < graph_count(hunt->graph); v++)
		if (strcmp(bisect__hash_at(hunt, v), hash) == 0)
			return v;
	return GRAPH_NOWHERE;
}

const char *bisect__subject(struct hunt *hunt, const char *hash)
{
	struct commit commit = {0};
	struct err ignored;

	if (source_resolve(hunt->source, hash, hunt->arena, &commit, &ignored) < 0)
		return "";
	return commit.subject ? commit.subject : "";
}

const char *bisect__subject_at(struct hunt *hunt, uint32_t position)
{
	if (!hunt->subjects)
		hunt->subjects = arena_alloc(hunt->arena,
					     graph_count(hunt->graph) * sizeof(*hunt->subjects));
	if (!hunt->subjects[position])
		hunt->subjects[position] = bisect__subject(hunt, bisect__hash_at(hunt, position));
	return hunt->subjects[position];
}

int bisect__find_suspects(struct hunt *hunt, struct err *err)
{
	const struct bisect_options *options = hunt->options;
	struct graph_input input;

	if (source_open(options->repo, &hunt->source, err) < 0)
		return -1;
	if (source_resolve(hunt->source, options->good, hunt->arena, &hunt->good, err) < 0)
		return err_wrap(err, "--good");
	if (source_resolve(hunt->source, options->bad, hunt->arena, &hunt->bad, err) < 0)
		return err_wrap(err, "--bad");
	if (source_range(hunt->source, hunt->good.hash, hunt->bad.hash, hunt->arena, &hunt->range,
			 err) < 0)
		return -1;
	input = (struct graph_input){(uint32_t)hunt->range.commits.count, hunt->range.start,
				     hunt->range.parents, (uint32_t)hunt->range.commits.count - 1,
				     options->first_parent};
	return graph_open(&input, &hunt->graph, err);
}

/* --- artefacts ------------------------------------------------------------------------------- */

/* A base image that is not here yet has no id. It is the same for all suspects, so its name does
 * for telling them apart, though not for finding images in the history. */
static void name_missing_bases(struct hunt *hunt, const struct strings *wanted, struct pairs *bases)
{
	for (size_t i = 0; i < wanted->count; i++) {
		bool found = false;
		struct pair *pair;

		for (size_t j = 0; j < bases->count; j++)
			found |= strcmp(bases->items[j].key, wanted->items[i]) == 0;
		if (found)
			continue;
		pair = arena_push(hunt->arena, &bases->items, &bases->count, sizeof(*pair));
		pair->key = wanted->items[i];
		pair->value = wanted->items[i];
	}
}

static const char *input_hash(struct hunt *hunt, const char *commit)
{
	struct context *context = NULL;
	struct pairs bases = {0};
	struct err ignored;
	char hash[DIGEST_HEX];
	const char *out = NULL;

	if (context_open(hunt->source, commit, hunt->suite->image, &context, &ignored) < 0)
		return NULL; /* no Dockerfile there, say: the build will tell */
	if (hunt->engine &&
	    deploy_bases(hunt->engine, context_bases(context), hunt->arena, &bases, &ignored) < 0)
		bases.count = 0;
	name_missing_bases(hunt, context_bases(context), &bases);
	if (context_hash(context, &bases, hash, &ignored) == 0)
		out = arena_strdup(hunt->arena, hash);
	if (strcmp(commit, hunt->bad.hash) == 0)
		hunt->bases = bases;
	context_close(context);
	return out;
}

static const char *artefact_of(struct hunt *hunt, const char *hash)
{
	struct commit commit = {0};
	struct err ignored;

	if (hunt->suite)
		return input_hash(hunt, hash);
	if (source_resolve(hunt->source, hash, hunt->arena, &commit, &ignored) < 0)
		return NULL;
	return commit.tree;
}

struct named {
	const char *name;
	uint32_t position;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->position > y->position) - (x->position < y->position);
}

/* Names to numbers: equal names, equal numbers; what is not known is like nothing else. */
static void number_artefacts(struct hunt *hunt)
{
	uint32_t n = graph_count(hunt->graph), next = n, known = 0;
	struct named *names = xcalloc(n, sizeof(*names));

	hunt->numbers = arena_alloc(hunt->arena, n * sizeof(*hunt->numbers));
	hunt->search_options.good_artefact = GRAPH_NOWHERE;
	for (uint32_t v = 0; v < n; v++) {
		hunt->numbers[v] = v;
		hunt->kinds += !hunt->artefacts[v];
		if (hunt->artefacts[v])
			names[known++] = (struct named){hunt->artefacts[v], v};
	}
	qsort(names, known, sizeof(*names), by_name);
	for (uint32_t i = 0; i < known; i++) {
		if (i == 0 || strcmp(names[i].name, names[i - 1].name) != 0) {
			next++;
			hunt->kinds++;
		}
		hunt->numbers[names[i].position] = next;
		if (hunt->good_artefact && strcmp(names[i].name, hunt->good_artefact) == 0)
			hunt->search_options.good_artefact = next;
	}
	free(names);
}

int bisect__find_artefacts(struct hunt *hunt, struct err *err)
{
	uint32_t n = graph_count(hunt->graph);

	hunt->artefacts = arena_alloc(hunt->arena, n * sizeof(*hunt->artefacts));
	hunt->good_artefact = artefact_of(hunt, hunt->good.hash);
	for (uint32_t v = 0; v < n; v++) {
		char line[80];

		if (cancel_check(err) < 0)
			return -1;
		if (v % 100 == 0) {
			(void)snprintf(line, sizeof(line), "comparing inputs of commit %u of %u",
				       v + 1, n);
			progress_say(hunt->progress, line);
		}
		hunt->artefacts[v] = artefact_of(hunt, bisect__hash_at(hunt, v));
	}
	number_artefacts(hunt);
	return 0;
}

/* --- weights --------------------------------------------------------------------------------- */

static int touches(struct hunt *hunt, uint32_t position, const char *path, bool *out,
		   struct err *err)
{
	size_t count;
	const uint32_t *parents = graph_parents(hunt->graph, position, &count);
	const char *before = bisect__hash_at(hunt, count ? parents[0] : GRAPH_NOWHERE);
	char ids[2][41];

	if (source_path_id(hunt->source, bisect__hash_at(hunt, position), path, ids[1], err) < 0 ||
	    source_path_id(hunt->source, before, path, ids[0], err) < 0)
		return -1;
	*out |= strcmp(ids[0], ids[1]) != 0;
	return 0;
}

int bisect__find_weights(struct hunt *hunt, const double **out, struct err *err)
{
	const struct strings *likely = &hunt->options->likely;
	uint32_t n = graph_count(hunt->graph);
	double *weights;

	*out = NULL;
	if (!likely->count)
		return 0;
	weights = arena_alloc(hunt->arena, n * sizeof(*weights));
	for (uint32_t v = 0; v < n; v++) {
		bool touched = false;

		for (size_t i = 0; i < likely->count; i++)
			if (touches(hunt, v, likely->items[i], &touched, err) < 0)
				return -1;
		weights[v] = touched ? LIKELY_WEIGHT : 1;
	}
	*out = weights;
	return 0;
}
