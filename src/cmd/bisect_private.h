/* Friends of `assay bisect` only: what it knows while it hunts. bisect.c tells the story,
 * bisect_range.c finds suspects and equal artefacts, bisect_probe.c builds and tests them in child
 * processes, bisect_sight.c says what a run shows and bisect_metric.c what it measures,
 * bisect_journal.c keeps every observation, bisect_flakes.c asks the history how often tests lie,
 * bisect_cause.c looks for the reason, bisect_report.c and bisect_text.c write it all down,
 * bisect_all.c asks further. */
#ifndef CMD_BISECT_PRIVATE_H
#define CMD_BISECT_PRIVATE_H

#include "bisect/search.h"
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "engine/engine.h"
#include "facts/facts.h"

struct bisect_options {
	struct common_options common;
	const char *repo;
	const char *good, *bad;
	const char *suite;
	const char *history;
	const char *engine;
	const char *command, *build_command; /* instead of a suite, on a copy of the commit */
	const char *terms;
	const char *metric, *margin; /* what is measured, and how much worse matters */
	const char *confidence, *flake_rate, *fail_rate, *no_culprit;
	struct strings only, targets, vars, outputs, likely;
	int64_t workers, jobs, confirm;
	int build_failure;
	bool first_parent, fix, deterministic, dry_run, again, trust_images, all;
};

#define QUESTIONS_MAX 32 /* of one call */

/* What is asked, one after another: the user's question first. */
struct questions {
	struct bisect_options *items;
	size_t count;
};

/* A check that failed at the bad end, and how. */
struct wanted {
	const char *name;
	const char *signature;
};

/* Tests of images that pass, made again, and the rate of flakes that they suggest. */
struct repeats {
	uint64_t failed, trials; /* none: the rate is what was believed before */
	struct rate rate;
};

/* One observation, as the journal keeps it. */
struct sighting {
	const char *commit;
	const char *artefact; /* NULL: not known */
	enum sight sight;
	const char *run;   /* id in the history, NULL in command mode */
	const char *image; /* id, NULL: none */
	const char *note;  /* what was seen, one line */
	double build_s;	   /* 0: nothing was built */
	double test_s;
	const char *layers_of; /* of a fresh one: image whose layers it was built on; NULL: none */
	bool fresh; /* made to see whether a new build of equal inputs differs: no evidence */
	/* Of SIGHT_MEASURED: log ratio to the good end, above 0 is towards the bad one; what was
	 * measured there, and how long its image took to build. */
	double value, level, base_build_s;
	const char *unit;
	bool higher_is_better;
};

/* What one run measured. */
struct measured {
	double value;	     /* median */
	const char *unit;    /* NULL: none */
	const char *why_not; /* there is no value; NULL: there is */
	const char *run, *image;
	double build_s, test_s;
	bool higher_is_better;
};

/* Why, as far as the images and the history tell. */
struct cause {
	const char *external; /* one sentence: nothing in the range did it; NULL: a commit did */
	const char *before, *after; /* what was compared: images */
	struct difference *differences;
	size_t count;
	const char *silent;	  /* why there is no comparison */
	struct strings elsewhere; /* failing checks that the culprit does not break */
	struct strings notes;	  /* what the run at the culprit tells */
};

struct hunt {
	const struct bisect_options *options;
	struct arena *arena;
	struct progress *progress;
	struct source *source;
	struct store *store;   /* NULL in command mode, as suite and engine */
	struct engine *engine; /* NULL: cannot be asked */
	struct suite *suite;
	const char *suite_path; /* for the children */
	const char *state;
	const char *folder; /* STATE/bisect/KEY */
	struct commit good, bad;
	struct source_range range;
	struct graph *graph;
	struct search *search;
	struct search_options search_options;
	uint32_t *numbers;	/* artefacts as numbers, by position */
	const char **artefacts; /* by position, NULL: not known */
	const char *good_artefact;
	size_t kinds;	       /* different artefacts among the suspects */
	const char **subjects; /* by position, NULL: not asked for yet */
	struct pairs bases;    /* of the images, when all are on the engine */
	const char *old, *new; /* terms */
	struct wanted *wanted;
	size_t wanted_count;
	bool flakes_known; /* the history was asked */
	struct repeats repeats;
	struct sighting *sightings;
	size_t sighting_count;
	int journal; /* file descriptor, -1: none */
	int lock;
	size_t resumed;		/* sightings of earlier calls */
	const char *started_at; /* of the first call */
	unsigned builds, tests, retries;
	double busy_s;			    /* builds and tests, added up */
	double usual_build_s, usual_test_s; /* of an earlier run; 0: not known */
	uint64_t start_ns;
};

/* --- range */
/* Resolve the ends, list the suspects, order them. */
int bisect__find_suspects(struct hunt *hunt, struct err *err);
/* Input hashes (in command mode trees) of all commits, without a build. */
int bisect__find_artefacts(struct hunt *hunt, struct err *err);
/* Weights of --likely; NULL without. */
int bisect__find_weights(struct hunt *hunt, const double **out, struct err *err);
const char *bisect__hash_at(const struct hunt *hunt, uint32_t position);
/* GRAPH_NOWHERE is the good end, and what is no suspect. */
uint32_t bisect__position_of(const struct hunt *hunt, const char *hash);
const char *bisect__subject(struct hunt *hunt, const char *hash);
/* The same of the suspect at POSITION, kept. */
const char *bisect__subject_at(struct hunt *hunt, uint32_t position);

/* --- journal */
/* Open the folder of this question, under a lock, and take in what earlier calls saw. ERR_USAGE:
 * another process works on it. */
int bisect__journal_open(struct hunt *hunt, struct err *err);
/* Durable on return; the search is told. */
int bisect__journal_add(struct hunt *hunt, const struct sighting *sighting, struct err *err);
/* What the history says of flakes, so that a later call starts from the same. */
int bisect__journal_repeats(struct hunt *hunt, struct err *err);
void bisect__journal_close(struct hunt *hunt);

/* --- sight */
/* What RUN shows of the wanted failure at COMMIT. At the bad end this may be where it is learned.
 * -1: infrastructure broke. */
int bisect__see_run(struct hunt *hunt, const struct run *run, struct sighting *out,
		    struct err *err);
/* The failure to look for, from the newest failed run of the bad end. */
int bisect__recall_wanted(struct hunt *hunt, struct err *err);

/* --- metric */
/* What RUN measured of the wanted metric. -1: infrastructure broke, or ERR_USAGE: no such thing can
 * be compared. */
int bisect__see_metric(struct hunt *hunt, const struct run *run, struct measured *out,
		       struct err *err);
/* The observation that the two runs of a pair make of COMMIT. */
int bisect__compare_measured(struct hunt *hunt, const char *commit, const struct measured *base,
			     const struct measured *probe, struct sighting *out, struct err *err);
/* A log ratio of the search as a change of the metric against the good end, in per cent. */
double bisect__change(const struct hunt *hunt, double worse);
/* The metric at the good end, mean of all runs there, and its unit, "" for none. */
double bisect__level(const struct hunt *hunt, const char **unit_out);

/* --- flakes */
/* What ROWS say of the wanted check that flakes most, where PRIOR was believed before. */
struct repeats bisect__count_repeats(const struct repeat_row *rows, size_t count,
				     const struct wanted *wanted, size_t wanted_count,
				     const struct rate *prior);
/* Once the wanted failure is known: tell the search what the history says of its flakes. */
int bisect__learn_flakes(struct hunt *hunt, struct err *err);

/* --- probe */
/* Build and test side by side; every result is in the journal before the next probe starts.
 * ERR_CANCELLED, ERR_INFRA after retries. */
int bisect__probe(struct hunt *hunt, const struct probe *probes, size_t count, struct err *err);
/* How an image is made to see whether builds of equal inputs differ. */
struct fresh_build {
	bool rebuild; /* anew without any cache, else the newest image there is */
	const char
		*layers_of; /* image whose layers are taken for steps that it shares; NULL: none */
};
/* Test COMMIT in such an image. No evidence for the search. */
int bisect__probe_fresh(struct hunt *hunt, const char *commit, const struct fresh_build *build,
			struct sighting *sighting, struct err *err);

/* --- cause, report */
int bisect__find_cause(struct hunt *hunt, const struct verdict_of_search *answer, struct cause *out,
		       struct err *err);
/* Prints the answer, keeps it, writes it as a log where that was asked for; *OUT is the caller's.
 */
int bisect__report(struct hunt *hunt, const struct verdict_of_search *answer,
		   const struct cause *cause, struct json **out, struct err *err);
/* JSON into the files that OPTIONS name. */
int bisect__write_json(const struct bisect_options *options, const struct json *json,
		       struct err *err);
/* What ANSWER leaves open, appended to LIST. */
void bisect__ask_further(struct hunt *hunt, const struct verdict_of_search *answer,
			 const struct cause *cause, struct questions *list);
/* The same while the search goes on, for the HTML report: what PROBES are under way, and how long
 * it may take, UINT64_MAX: not known. */
int bisect__report_open(struct hunt *hunt, const struct probe *probes, size_t count,
			uint64_t left_ns, struct err *err);
/* What would be done, and what it would cost. */
int bisect__report_plan(struct hunt *hunt, struct err *err);
void bisect__print(struct hunt *hunt, const struct verdict_of_search *answer,
		   const struct cause *cause);
bool bisect__is_tested(const struct hunt *hunt, uint32_t position);
/* Bars of the posterior in COLUMNS cells of UTF-8. */
void bisect__bars(const struct hunt *hunt, unsigned columns, struct buf *out);
int bisect__check_outputs(const struct strings *words, struct err *err);

#endif
