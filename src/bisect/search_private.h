/* Friends of the search only. */
#ifndef BISECT_SEARCH_PRIVATE_H
#define BISECT_SEARCH_PRIVATE_H

#include "bisect/buildable.h"
#include "bisect/search.h"

enum image { IMAGE_UNKNOWN, IMAGE_THERE, IMAGE_BROKEN };

struct search {
	const struct graph *graph;
	struct search_options options;
	struct posterior *posterior;
	struct buildable *buildable;
	uint32_t count;
	uint32_t *artefacts;
	uint32_t *face;	      /* by position: the first of equal artefact; NOWHERE: the good end */
	unsigned char *image; /* enum image by position of a face; one more for the good end */
	struct tally *tallies;
	size_t tally_count, tally_cap;
	unsigned observations;
	bool any_broken;
	bool branched;	/* has merges, and few enough commits to look a step ahead */
	bool exhausted; /* no probe tells anything any more */
	bool stale;	/* the posterior lags behind the tallies */
	/* Room for search_result.c and search_batch.c. */
	double *sums;
	unsigned char *dead;
	uint64_t *mark;
	uint32_t *members;
	struct mass_of_mark *groups;
};

struct mass_of_mark {
	uint64_t mark;
	double mass;
	uint32_t position;
};

void search__refresh(struct search *search);
/* Tests at POSITION that showed bad code, or good code; measured ones count for both. */
unsigned search__proofs(const struct search *search, uint32_t position, bool bad);
enum image search__image(const struct search *search, uint32_t position);
/* Seconds to a verdict, and the chance that one comes out at all. */
double search__worth(const struct search *search, uint32_t position, double information);
/* A commit that can be asked: its own face, not vague, not known to be broken. */
bool search__can_probe(const struct search *search, uint32_t position);

/* The best probes to make side by side by MAX workers, while one more makes TESTS others if these
 * are any; returns how many. */
size_t search__batch(struct search *search, struct probe *probes, size_t max, unsigned tests);

#endif
