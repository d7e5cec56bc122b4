/*
 * The gate's rules: may this image be deployed? Records of runs in, open or closed out, with every
 * reason. It reads no clock, file or network: what it decides can be decided again.
 *
 * The rules, each a row of tests/unit/policy/decide.tsv:
 * - Closed unless shown otherwise: no record, an unreachable history, a record that does not read,
 *   a time in the future, a check that is missing.
 * - Of each suite and cell the newest record counts. A run that is still open, or was killed, after
 *   the newest completed one closes: what it would have said is not known.
 * - A required check must have passed. Of all other cases the verdicts in `opens_on` say what is
 *   tolerable. A build that failed and a run that measured nothing never open.
 * - A failure that its suite expects, or that is in quarantine, is none; but a required check has
 *   not passed by it, unless `excused` is "allowed". What passes against expectation fails.
 * - Only records of the gated image count: of a commit, those of the newest image that it made.
 * - A case that failed earlier on this image, with the same suite, is not undone by a later pass:
 *   that is a flaky check, not a repaired image; still less by a skip or whatever else is
 * tolerated. `after_fail: "newest"` takes the newest instead.
 * - A result is as old as the run that made it and from its machine, also where a later run reused
 *   it. What measures on a card is of that card, whether or not its suite names a target.
 * - A waiver lifts what it names, for the image it names, until it expires.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/field.h"
#include "base/json.h"
#include "model/run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_VERSION 1
#define POLICY_BYTES_MAX ((size_t)1024 * 1024)
#define POLICY_ITEMS_MAX 1000	   /* of each list */
#define POLICY_SKEW_MS (5 * 60000) /* clocks of two machines may differ by so much */

enum policy_skip { POLICY_SKIP_CLOSED, POLICY_SKIP_ALLOWED };
enum policy_after_fail { POLICY_AFTER_FAIL_CLOSED, POLICY_AFTER_FAIL_NEWEST };
enum policy_of { POLICY_OF_MEDIAN, POLICY_OF_WORST };

/* Where a result must come from. */
struct policy_cell {
	const char *target; /* GPU class, NULL: any */
	/* Major version of the NVIDIA driver, FIELD_ABSENT_INT: any. A run says its own in its
	 * environment, "gpu-driver" = "570.86.10"; one that does not was made in no such cell. */
	int64_t driver;
};

struct policy_require {
	const char *check; /* name, * and ? allowed; NULL: by TAG */
	const char *tag;
	int skip;	      /* enum policy_skip, -1: the policy's */
	uint64_t max_age_ns;  /* 0: the policy's for the case's kind */
	struct objects cells; /* struct policy_cell; empty: the policy's */
};

struct policy_limit {
	const char *check;
	const char *metric;
	int direction;	 /* enum direction - 1: 0 higher is better, 1 lower */
	double limit;	 /* in the metric's unit: at least, or at most, by DIRECTION */
	int of;		 /* enum policy_of: what is compared with the limit */
	int64_t samples; /* fewer prove nothing */
};

struct policy_signer {
	const char *name;
	const char *key;    /* public, PEM */
	struct strings may; /* "attest", "waive" */
};

struct policy {
	struct arena *arena;
	const char *file;
	const char *name;
	struct strings suites;	/* a record of each is required */
	struct objects require; /* struct policy_require */
	struct strings opens_on;
	int skip;		/* enum policy_skip */
	int excused;		/* enum policy_skip: a required check that failed as is known */
	int after_fail;		/* enum policy_after_fail */
	struct objects metrics; /* struct policy_limit */
	struct pairs max_age;	/* kind -> duration, "*" for the others */
	struct objects cells;	/* struct policy_cell */
	int64_t reruns;		/* runs without a decision before a person has to look */
	struct objects signers; /* struct policy_signer */
	uint64_t attested_ns;	/* how long a signed decision holds */
	bool advisory;		/* say, do not stop */
	char hash[DIGEST_HEX];	/* of the file's bytes */
};

/*
 * Parse LEN bytes of TEXT named FILE. Every error is ERR_USAGE "FILE:LINE:COL: …". The caller frees
 * with policy_free.
 */
int policy_parse(const char *file, const char *text, size_t len, struct policy **out,
		 struct err *err);
void policy_free(struct policy *policy);
void policy_freep(struct policy **policy);

/* The JSON Schema (draft 2020-12) of policies; caller frees. */
struct json *policy_schema(void);
extern const struct field policy_fields[];

/* A record that a decision may rest on. */
struct policy_record {
	const struct run *run; /* NULL with FAULT */
	const char *id;
	const char *fault; /* why it cannot be relied on, NULL: nothing is wrong */
};

/* A waiver whose signature somebody has looked at. */
struct policy_waiver {
	const char *check;  /* name, * and ? allowed */
	const char *metric; /* NULL: the outcome of the case is waived, not a limit */
	const char *label;  /* only this failure, NULL: any */
	const char *image;  /* image id or manifest digest */
	const char *reason;
	int64_t made_ms, expires_ms;
	const char *signer; /* name in the policy */
	const char *fault;  /* why it does not count: unsigned, wrong key; NULL: it does */
};

struct policy_input {
	const char *subject;	 /* as people know it: digest, reference or commit */
	const char *digest;	 /* manifest digest, NULL: not in a registry */
	const char *image_id;	 /* NULL: not known; else records of other images do not count */
	const char *commit;	 /* hash, NULL: by image alone */
	const char *unreachable; /* why the records could not be read, NULL: they were */
	const struct policy_record *records;
	size_t record_count;
	const struct policy_waiver *waivers;
	size_t waiver_count;
	int64_t now_ms;
};

struct policy_reason {
	const char *rule;    /* stable: "no-record", "failed", "too-old", … */
	const char *check;   /* NULL: of the run as a whole */
	const char *text;    /* one line */
	const char *command; /* what would open the gate, a command line or a sentence */
	const char *run_id;  /* NULL: none */
	const char *where;   /* as the case says, NULL */
};

struct policy_decision {
	bool open; /* also with an advisory policy the truth */
	bool advisory;
	struct policy_reason *reasons; /* of a closed gate, never empty */
	size_t reason_count;
	struct strings waived;	 /* "case: reason (until TIME, by NAME)" */
	const struct run **runs; /* the decision rests on these, newest first */
	size_t run_count;
};

/* Decide. OUT and its memory are ARENA's; texts may be borrowed from POLICY and INPUT. */
void policy_decide(const struct policy *policy, const struct policy_input *input,
		   struct arena *arena, struct policy_decision *out);

/* "sha256:0123456789ab", so that a reader tells two images apart; a NULL id is "an unknown image".
 */
const char *policy_short_id(const char *id, struct arena *arena);

#endif
