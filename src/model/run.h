/*
 * A run: everything that is known about one suite on one commit. Plain structs, no I/O.
 *
 * Strings and arrays live in the run's arena (a case's while it is being made, see
 * run_add_case). A NULL string means "unknown"; unknown is never 0, "" or NaN.
 */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum outcome {
	OUTCOME_PASS,
	OUTCOME_FAIL,
	OUTCOME_SKIP,	    /* a declared need is missing; `reason` says which */
	OUTCOME_BROKEN,	    /* the check could not be made; `reason` says why */
	OUTCOME_TIMEOUT,    /* executor only: the time limit passed */
	OUTCOME_INCOMPLETE, /* executor only: the check ended without a verdict */
	OUTCOME_NOTRUN,	    /* executor only: never started (build failed, interrupted) */
};

enum verdict {
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_INCONCLUSIVE,
	VERDICT_INFRA,
	VERDICT_EMPTY,
	VERDICT_OPEN, /* the run has not ended; in a run directory without owner: it was killed */
};

enum flip {
	FLIP_NONE, /* same good outcome, or one side has no decision (skip, broken, notrun) */
	FLIP_REGRESSED,
	FLIP_FIXED,
	FLIP_NEW,
	FLIP_GONE,
	FLIP_STILL_FAILING,
};

enum direction { DIRECTION_NONE, DIRECTION_HIGHER, DIRECTION_LOWER };

struct metric {
	const char *name;
	const char *unit;
	enum direction direction; /* which way is better */
	const char *cell;	  /* what it may be compared across, NULL: the whole history */
	double *samples;	  /* raw, in the order measured */
	size_t sample_count;
};

/* What the service did beside all checks; only when it was wrong. */
#define KIND_SERVICE "service"
#define KIND_AGAINST "against" /* two images measured in turn; not in every run of a suite */

/* Why a failure does not fail the run. */
struct excuse {
	const char *reason;    /* NULL: there is none */
	const char *until;     /* its last day, or when it ends; NULL: it has no end */
	struct strings labels; /* only failures with one of these; empty: any */
	bool ended;	       /* before the run began: it excuses nothing, and says so */
};

/* One of several times that a case was made on the same image. */
struct case_attempt {
	enum outcome outcome;
	const char *label, *actual, *reason; /* as the case's */
	uint64_t duration_ns;
};

/* What makes an outcome count as another than itself. */
enum mark {
	MARK_NONE,
	MARK_XFAIL,	  /* failed as the suite expects: does not fail the run */
	MARK_XPASS,	  /* the suite expects a failure, and it passes: fails the run */
	MARK_QUARANTINED, /* failed, is known to be flaky: does not fail the run */
	MARK_FLAKY,	  /* failed, and passed too on the same image: nobody knows */
};

/* What a case leaves beside its result, in its folder of the run directory. */
struct case_file {
	const char *name; /* fixed by the check kind, no path */
	const char *text;
	size_t len;
};

struct case_result {
	const char *name; /* unique in the run; with several targets "name@target" */
	const char *kind; /* check kind, "build", KIND_SERVICE or KIND_AGAINST */
	const char *target;
	struct strings tags;
	const char *definition; /* hash of what it asserts; NULL: not known */
	enum outcome outcome;
	const char *label;    /* "kind/slug" of a failure, from model/labels.def */
	const char *expected; /* one line each */
	const char *actual;
	const char *where;  /* build step and Dockerfile line, path in the image, command */
	const char *advice; /* what to do */
	const char *reason; /* of skip, broken, timeout, incomplete, notrun */
	uint64_t duration_ns;
	const char *reused_from;  /* id of the run whose result this is, with --reuse */
	bool optional;		  /* a skip of it does not make the run inconclusive */
	struct excuse known;	  /* to fail, by the suite */
	struct excuse quarantine; /* by the history */
	struct case_attempt
		*attempts; /* all of them, the first is the case's own; none: it was made once */
	size_t attempt_count;
	struct metric *metrics;
	size_t metric_count;
	const char *out; /* captured, capped, redacted; NULL when there was none */
	const char *errout;
	struct case_file *files; /* until the case is kept: a copy has none */
	size_t file_count;
	enum flip flip; /* against the baseline */
};

struct step {
	unsigned number; /* from 1, as the builder counts; per stage with BuildKit */
	unsigned total;
	const char *stage;	 /* NULL when the builder does not say */
	const char *instruction; /* "RUN pip install …" as the builder shows it */
	unsigned line;		 /* in the Dockerfile, from 1; 0 unknown */
	uint64_t duration_ns;
	bool cached;
	bool failed;
};

struct build {
	const char *builder;	/* "classic" or "buildkit" */
	const char *dockerfile; /* path in the context */
	const char *input_hash; /* Dockerfile, context, args, base image ids; NULL: not known */
	const char *image_id;	/* "sha256:…", NULL when no image came out */
	const char *image_tag;
	/* Of a failed build: the image of its last good step, NULL: unknown. Not kept. */
	const char *partial_image;
	struct pairs bases;	    /* FROM reference -> image id */
	bool reused;		    /* image taken from an earlier run with the same inputs */
	const char *reused_from;    /* that run's id */
	const char *same_inputs_as; /* nearest ancestor commit with the same inputs, NULL: none */
	uint64_t duration_ns;
	struct step *steps;
	size_t step_count;
	bool failed;	     /* the Dockerfile failed; infrastructure failures are ERR_INFRA */
	const char *message; /* last meaningful line of the failing step's output */
};

struct commit {
	const char *hash; /* 40 hex digits */
	const char *tree;
	const char *asked;   /* as the user wrote it */
	const char *subject; /* first line of the message */
	const char *author;
	int64_t time_s; /* committer time, seconds since 1970 */
	const char *repo;
	struct strings submodules; /* paths; their content is not part of the context */
};

struct baseline {
	const char *run_id; /* NULL: none, `reason` says why */
	const char *commit;
	unsigned distance; /* first-parent steps back from the commit */
	const char *reason;
};

struct run {
	struct arena *arena;
	const char *id;		/* sorts by time: "20261123T055100123Z-1f0c9a3b" */
	const char *started_at; /* RFC 3339 UTC, with milliseconds */
	uint64_t duration_ns;
	const char *suite;
	const char *suite_file;
	const char *suite_hash; /* of the suite's bytes and variables */
	struct strings targets;
	struct commit commit;
	struct build build;
	struct pairs environment;  /* engine, api, storage driver, kernel, host, assay */
	struct case_result *cases; /* the build itself is the first case, "build" */
	size_t case_count;
	struct baseline baseline;
	struct strings gone;  /* cases of the baseline that this run does not have */
	struct strings notes; /* what the image itself tells about failures, one line each */
	enum verdict verdict;
	const char *reason; /* one line that explains the verdict */
};

/* An empty run with its own arena; verdict open. */
struct run *run_new(void);
void run_free(struct run *run);
void run_freep(struct run **run);

/* Append a case. Not thread safe. */
struct case_result *run_add_case(struct run *run, const char *name, const char *kind);
const struct case_result *run_find_case(const struct run *run, const char *name);

/* Deep copy of SOURCE into ARENA. */
void case_copy(struct case_result *out, const struct case_result *source, struct arena *arena);
struct excuse excuse_copy(const struct excuse *source, struct arena *arena);
/* Note in RESULT how it went when it was MADE once; copies what it needs into ARENA. */
void case_add_attempt(struct case_result *result, const struct case_result *made,
		      struct arena *arena);
/* NAME and TEXT are borrowed. */
void case_add_file(struct case_result *result, struct arena *arena, const char *name,
		   const char *text, size_t len);
struct metric *case_add_metric(struct case_result *result, struct arena *arena, const char *name,
			       const char *unit, enum direction direction);
void metric_add_sample(struct metric *metric, struct arena *arena, double value);

/* Fill OUT as a failure: LABEL must be in model/labels.def; its advice is used unless ADVICE. */
void case_fail(struct case_result *out, const char *label, const char *expected, const char *actual,
	       const char *where, const char *advice);
void case_pass(struct case_result *out, const char *actual);
void case_skip(struct case_result *out, const char *reason);
void case_broken(struct case_result *out, const char *reason);

/*
 * The mark of a case. An expected failure comes before a quarantine, and both before flaky; nothing
 * but a fail or a timeout is excused, and nothing excuses the build. A case in quarantine that
 * passes against expectation is not marked: a quarantine fails nothing.
 */
enum mark case_mark(const struct case_result *result);
const char *mark_name(enum mark mark); /* "xfail", "" for none */
/* What people are shown: the mark, else the outcome. */
const char *case_shown(const struct case_result *result);
/* The part of its explanation that mark, excuses and attempts make; NULL: there is none. Of an
 * XPASS it is the whole. Memory is ARENA's. */
const char *case_remark(const struct case_result *result, struct arena *arena);

/* Is RESULT, a failure that nothing excuses, to be made again? RERUNS times at most, and until it
 * passes: then it is flaky whatever follows. A timeout is not tried again. */
bool case_wants_attempt(const struct case_result *result, unsigned reruns);

/*
 * The verdict of a run in which nothing else is to be said than RESULT:
 * fail or timeout -> fail, with XFAIL or in quarantine pass, FLAKY inconclusive; pass -> pass,
 * XPASS fail; skip -> inconclusive, optional pass; broken, incomplete, notrun -> infra.
 */
enum verdict case_verdict(const struct case_result *result);

/* Decide verdict and reason: the worst of its cases, in the order fail, infra, inconclusive; else
 * pass when at least one check (not only "build") was judged; else empty. */
void run_decide(struct run *run);

/* Compare with BASELINE (NULL: none): fills each case's flip and run->gone. pass<->fail only:
 * timeout counts as fail; undecided outcomes flip nothing, nor do failures that are flaky or in
 * quarantine. */
void run_compare(struct run *run, const struct run *baseline);

bool outcome_is_failure(enum outcome outcome); /* fail or timeout */
bool outcome_is_decided(enum outcome outcome); /* pass, fail or timeout */
const char *outcome_name(enum outcome outcome);
const char *verdict_name(enum verdict verdict);
const char *flip_name(enum flip flip); /* "regressed", "still failing", "" for none */
const char *direction_name(enum direction direction);
int outcome_parse(const char *name, enum outcome *out);
int verdict_parse(const char *name, enum verdict *out);

/* The one-line explanation of a case: "expected X, found Y (where): advice", or its reason, and its
 * remark. */
const char *case_explain(const struct case_result *result, struct arena *arena);

struct label {
	const char *name;    /* "arch/missing-sm" */
	const char *summary; /* what it means, one sentence */
	const char *advice;  /* what to do, one sentence */
};

/* The label table, sorted by name; ends with a NULL name. Only grows. */
extern const struct label label_table[];
const struct label *label_find(const char *name);

#endif
