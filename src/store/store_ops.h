/*
 * History: runs in, runs out. One file src/store/<name>.c and one line in kinds.def add a store.
 *
 * A run is appended whole, in one durable transaction, or not at all. Handles are not thread
 * safe; several processes may use one store at once.
 */
#ifndef STORE_STORE_OPS_H
#define STORE_STORE_OPS_H

#include "store/life.h"

struct store;

struct store_filter {
	const char *suite;	/* NULL: any */
	const char *commit;	/* full hash, NULL: any */
	const char *input_hash; /* NULL: any */
	const char *suite_hash;
	const char *image_id;
	bool with_image;  /* only runs whose build made an image */
	bool completed;	  /* only verdicts pass, fail, inconclusive */
	bool as_recorded; /* of `runs`: in the order they were made durable, oldest first */
	size_t limit;	  /* newest first; 0: 100 */
};

/* One line of `history runs`: the cheap part of a run. */
struct run_row {
	const char *id;
	const char *started_at;
	const char *suite;
	const char *commit;
	const char *subject;
	enum verdict verdict;
	const char *reason;
	const char *image_id;
	uint64_t duration_ns;
	unsigned passed, failed, other;
};

struct flip_row {
	const char *run_id;
	const char *started_at;
	const char *commit;
	const char *suite;
	const char *case_name;
	enum flip flip;
	const char *label;
	const char *explanation;
};

#define METRIC_CELLS_MAX 16

/* Which samples: METRIC is required. */
struct metric_filter {
	const char *metric;
	const char *suite;     /* NULL: any */
	const char *case_name; /* NULL: any */
	struct pairs cells;    /* "gpu" = "H100": every one must hold; METRIC_CELLS_MAX at most */
	const char *since;     /* RFC 3339 UTC or a date, included; NULL: from the start */
	size_t limit;	       /* newest of each series; 0: 100 */
};

/* One measurement: what one case of one run measured. Rows of one series lie together, oldest
 * first; a series is a suite, case, metric, unit, direction and cell. */
struct metric_row {
	int64_t series;
	const char *suite;
	const char *case_name;
	const char *metric;
	const char *unit; /* NULL: none */
	enum direction direction;
	const char *cell; /* NULL: comparable across the whole history */
	const char *run_id;
	const char *started_at;
	const char *commit;
	int64_t environment; /* equal numbers: the same machine, driver and engine */
	double *samples;     /* raw, in the order measured; NAN: not measured */
	size_t sample_count;
	size_t finite; /* samples that are numbers; of these, NAN when there is none: */
	double median, minimum, maximum;
};

/* How often one case passed and failed on one image in one environment, made again in the same run
 * or in another: the same bits, so what differs is not the code. Results taken over from another
 * run are left out, and timeouts: what did not end has shown nothing. */
struct repeat_row {
	const char *suite;
	const char *case_name;
	int64_t environment;
	const char *image_id;
	uint64_t passed, failed;
	uint64_t signatures; /* kinds of failure */
	const char *newest;  /* started_at of the newest of them */
};

/* Which runs stay: those that any rule keeps. */
struct prune_rule {
	size_t keep_newest;	/* so many; 0: none for their number */
	const char *keep_since; /* RFC 3339 UTC; NULL: none for their age */
	bool dry_run;
};

struct prune_row {
	const char *run_id;
	const char *started_at;
};

struct store_ops {
	const char *name; /* "sqlite" */
	const char *summary;
	const char *scheme; /* URL scheme that selects it, "sqlite"; a plain path is sqlite */
	const char *unavailable;
	/* Required. Open or create LOCATION (the URL without scheme) and bring its schema up to
	 * date. ERR_USAGE: not a history, or of a newer schema (the message names both versions);
	 * ERR_INFRA: cannot be opened. */
	int (*open)(const char *location, struct store **out, struct err *err);
	void (*close)(struct store *store);
	/* Required. Append RUN; a run with this id already there is replaced. Durable on return. */
	int (*append)(struct store *store, const struct run *run, struct err *err);
	/* Required. The whole run; ERR_NOTFOUND. ID may be a unique prefix. */
	int (*load)(struct store *store, const char *id, struct run **out, struct err *err);
	/* Required. Newest first. Rows are ARENA's. */
	int (*runs)(struct store *store, const struct store_filter *filter, struct arena *arena,
		    struct run_row **rows, size_t *count, struct err *err);
	/* Required. Cases whose outcome flipped, newest first; filter: suite, limit. */
	int (*flips)(struct store *store, const struct store_filter *filter, struct arena *arena,
		     struct flip_row **rows, size_t *count, struct err *err);
	/* Required. ERR_LIMIT for too many cells. Rows are ARENA's. */
	int (*metrics)(struct store *store, const struct metric_filter *filter, struct arena *arena,
		       struct metric_row **rows, size_t *count, struct err *err);
	/* Required. Cases that failed at least once in the runs that FILTER selects (limit: runs),
	 * by suite, case, environment and image. Rows are ARENA's. */
	int (*repeats)(struct store *store, const struct store_filter *filter, struct arena *arena,
		       struct repeat_row **rows, size_t *count, struct err *err);
	/* Required. Open the alarm, or bring a known one to a new state; every state is kept. */
	int (*put_alarm)(struct store *store, const struct alarm_row *alarm, struct err *err);
	/* Required. Newest first. */
	int (*alarms)(struct store *store, const struct alarm_filter *filter, struct arena *arena,
		      struct alarm_row **rows, size_t *count, struct err *err);
	/* Required. One known already gets the new end and reason. */
	int (*put_quarantine)(struct store *store, const struct quarantine_row *row,
			      struct err *err);
	/* Required. Those in force AT (RFC 3339 UTC; NULL: all there ever were), by name. */
	int (*quarantines)(struct store *store, const char *at, struct arena *arena,
			   struct quarantine_row **rows, size_t *count, struct err *err);
	/* Required. A trial with this id is replaced. */
	int (*put_trial)(struct store *store, const struct trial_row *row, struct err *err);
	/* Required. Newest first. */
	int (*trials)(struct store *store, const struct trial_filter *filter, struct arena *arena,
		      struct trial_row **rows, size_t *count, struct err *err);
	/* Required. Remove the runs that RULE does not keep, or only list them, by id. Kept
	 * always: the newest of each suite and commit, and baselines of what stays. KEPT: how many
	 * runs stay. After an error some of them may be removed. */
	int (*prune)(struct store *store, const struct prune_rule *rule, struct arena *arena,
		     struct prune_row **rows, size_t *count, size_t *kept, struct err *err);
};

struct store {
	const struct store_ops *ops;
};

extern const struct store_ops *const store_kinds[];

/* Open "sqlite:PATH", "memory:" or a plain path by its kind. */
int store_open(const char *url, struct store **out, struct err *err);
void store_close(struct store *store);
void store_closep(struct store **store);

#define KIND(name) extern const struct store_ops store_##name;
#include "store/kinds.def"
#undef KIND

#endif
