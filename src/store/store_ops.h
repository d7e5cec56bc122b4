/*
 * History: runs in, runs out. One file src/store/<name>.c and one line in kinds.def add a store.
 *
 * A run is appended whole, in one durable transaction, or not at all. Handles are not thread
 * safe; several processes may use one store at once.
 */
#ifndef STORE_STORE_OPS_H
#define STORE_STORE_OPS_H

#include "model/run.h"

struct store;

struct store_filter {
	const char *suite;	/* NULL: any */
	const char *commit;	/* full hash, NULL: any */
	const char *input_hash; /* NULL: any */
	const char *suite_hash;
	bool with_image; /* only runs whose build made an image */
	bool completed;	 /* only verdicts pass, fail, inconclusive */
	size_t limit;	 /* newest first; 0: 100 */
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
