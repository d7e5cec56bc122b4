/* The parts of `assay history`. */
#ifndef CMD_HISTORY_PRIVATE_H
#define CMD_HISTORY_PRIVATE_H

#include "cmd/cmd.h"

enum history_format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON };

struct history_options {
	struct common_options common;
	const char *repo;
	const char *history;
	const char *suite;
	const char *case_name;
	struct strings cells;
	const char *since;
	const char *metric, *state, *commit; /* of alarms */
	const char *acknowledge;	     /* the note; NULL: only look */
	const char *until, *reason;	     /* of a quarantine */
	bool release;
	int format; /* enum history_format */
	int64_t limit;
	int64_t keep_days; /* 0: no such rule */
	int64_t keep_runs;
	bool dry_run;
};

/* What a part works with. */
struct history {
	const struct history_options *options;
	struct store *store;
	struct source *source; /* NULL: outside a repository */
	struct arena *arena;
};

/* Each prints its answer. */
int history_metric(const struct history *history, const char *name, struct err *err);
int history_alarms(const struct history *history, struct err *err);
/* NAME: the case; NULL: list them. */
int history_quarantine(const struct history *history, const char *name, struct err *err);
int history_flaky(const struct history *history, struct err *err);
int history_export(const struct history *history, const char *file, struct err *err);
int history_import(const struct history *history, const char *file, struct err *err);
int history_prune(const struct history *history, struct err *err);

#endif
