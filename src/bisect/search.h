/*
 * The search for the commit that made a test fail. It holds what was observed, says what to build
 * and test next, and when enough is known. It does no I/O and has no clock: the caller builds,
 * tests, and comes back with what it saw.
 *
 * - Both ends are tested first: does the failure reproduce, does the good end pass?
 * - The next probe is the one with the most information per second. A commit whose image exists
 *   costs no build, so tests of images that are there are repeated before another is built.
 * - Commits of equal artefacts (input hash, image id) are tested once, and a commit that cannot
 *   differ from one known to be the other side of the culprit is ruled out before anything is
 * built.
 * - Commits that do not build are learned about (buildable.h). Suspects that no buildable commit
 *   tells apart are named together.
 * - The end is confirmed: failures at the culprit and passes at its parents are counted.
 *
 * One thread at a time. Positions are the graph's; GRAPH_NOWHERE is the good end.
 */
#ifndef BISECT_SEARCH_H
#define BISECT_SEARCH_H

#include "bisect/graph.h"
#include "bisect/posterior.h"

#define SEARCH_WORKERS_MAX 8
#define SEARCH_PROBES_MAX (3 * SEARCH_WORKERS_MAX)
#define SEARCH_PARENTS_MAX 8	       /* of a culprit that are confirmed */
#define SEARCH_OBSERVATIONS_MAX 100000 /* then the search gives up */
#define SEARCH_VALUE_MAX 10	       /* e to this: more than any real change */

struct search_options {
	struct posterior_model model;
	double confidence;	/* enough for the answer, 0.5 .. 1 */
	unsigned workers;	/* probes at once, 1 .. SEARCH_WORKERS_MAX */
	unsigned confirm;	/* failures at the culprit and passes at each parent; 0: none */
	bool trust_ends;	/* the ends are not tested first */
	unsigned probes_max;	/* give up after so many observations */
	double build_s, test_s; /* what one costs; both above 0 */
	/* By position: equal numbers, equal artefacts; NULL: all differ. Copied. */
	const uint32_t *artefacts;
	uint32_t good_artefact; /* of the good end; GRAPH_NOWHERE: like no other */
};

enum sight {
	SIGHT_PASS,
	SIGHT_FAIL,
	SIGHT_BROKEN,  /* it does not build */
	SIGHT_MEASURED /* for search_measure() */
};

enum reason_to_probe { PROBE_END, PROBE_SEARCH, PROBE_CONFIRM };

struct probe {
	uint32_t position;
	bool build; /* no image exists: it has to be built first */
	enum reason_to_probe why;
	double information; /* bits expected */
};

enum ending {
	ENDING_OPEN,	   /* the search goes on */
	ENDING_CULPRIT,	   /* one commit, or several that cannot be told apart */
	ENDING_NO_CULPRIT, /* no commit of the range is to blame */
	ENDING_OLDER,	   /* the good end fails already */
	ENDING_UNDECIDED,  /* nothing left to learn, or too many probes */
};

struct verdict_of_search {
	enum ending ending;
	double mass;	     /* probability of the answer */
	uint32_t *members;   /* ascending; of ENDING_UNDECIDED the suspects that are left */
	size_t member_count; /* more than one: they cannot be told apart */
	size_t broken;	     /* members known not to build */
	size_t presumed;     /* members between broken ones, taken to be broken and not built */
	uint32_t witness;    /* first commit with the culprit that can be tested; or NOWHERE */
	uint32_t parents[SEARCH_PARENTS_MAX]; /* last ones without it; may hold GRAPH_NOWHERE */
	size_t parent_count;
	/* At the witness; at the parent with the fewest. Where tests measure: how often they did.
	 */
	unsigned fails, passes;
	bool confirmed;
};

struct search;

/* GRAPH is borrowed and outlives the search. ERR_USAGE for options outside their range. */
int search_open(const struct graph *graph, const struct search_options *options,
		struct search **out, struct err *err);
void search_free(struct search *search); /* NULL is allowed */
void search_freep(struct search **search);

/* An image of the commit exists: testing it needs no build. */
void search_cached(struct search *search, uint32_t position);
/* The two commits turned out to have the same image. */
void search_join(struct search *search, uint32_t a, uint32_t b);
/* What one probe showed. A pass or a fail implies that the image exists now. */
void search_observe(struct search *search, uint32_t position, enum sight sight);
/* What one probe measured, where the model says that tests measure: the logarithm of its ratio to
 * the good end, higher being worse; cut at +-SEARCH_VALUE_MAX, and one that is no number counts for
 * nothing. */
void search_measure(struct search *search, uint32_t position, double value);
/* Seconds that a build and a test take, as measured; others than above 0 are ignored. */
void search_times(struct search *search, double build_s, double test_s);

/* How often good code fails, as learned elsewhere; a rate that search_open() would take. */
void search_flake_rate(struct search *search, const struct rate *rate);

/* What to do next, side by side: more probes than workers only where the tests of images that exist
 * take one worker no longer than another's build. 0: the search has ended. */
size_t search_next(struct search *search, struct probe probes[SEARCH_PROBES_MAX]);

/* The answer as of now. Arrays are the search's, valid until its next call. */
void search_answer(struct search *search, struct verdict_of_search *out);

/* For showing and keeping. */
const struct posterior *search_posterior(const struct search *search);
struct seen search_seen(const struct search *search, uint32_t position);
bool search_is_broken(const struct search *search, uint32_t position);
bool search_is_cached(const struct search *search, uint32_t position);
/* Suspects that are still in question: the fewest that hold the confidence. */
size_t search_left(struct search *search);
/* The commit that stands for all of equal artefact. */
uint32_t search_face(const struct search *search, uint32_t position);

#endif
