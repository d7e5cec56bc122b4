/* What is kept beside runs: alarms, quarantines, A/B trials. */
#ifndef STORE_LIFE_H
#define STORE_LIFE_H

#include "model/run.h"

enum alarm_state {
	ALARM_SUSPECTED,    /* found in the history; nobody has looked */
	ALARM_CONFIRMED,    /* an A/B run saw it too */
	ALARM_RETRACTED,    /* an A/B run, or later points, did not */
	ALARM_ACKNOWLEDGED, /* a person takes the new level */
	ALARM_FIXED,	    /* the old level is back */
};

/* A metric that changed its level. One per suite, case, metric, cell, environment and commit. */
struct alarm_row {
	const char *suite;
	const char *case_name;
	const char *metric;
	const char *cell;	   /* NULL: none */
	int64_t environment;	   /* as a metric_row's; 0: not known */
	const char *commit;	   /* the first on the new level */
	const char *before_commit; /* the last on the old one; NULL: not known */
	enum alarm_state state;
	double change;	   /* new level / old level - 1 */
	double low, high;  /* interval of CHANGE; NAN: none */
	const char *at;	   /* RFC 3339 UTC: when it came to this state */
	const char *note;  /* of this state; NULL: none */
	const char *since; /* read only: when it was opened */
};

struct alarm_filter {
	const char *metric;	/* NULL: any */
	const char *commit;	/* NULL: any */
	const char *state_name; /* NULL: any */
	size_t limit;		/* newest first; 0: 100 */
};

/* A case that is known to be flaky: it still runs and still records, and fails nothing before its
 * end. One per suite, case and creation. */
struct quarantine_row {
	const char *suite;
	const char *case_name;
	const char *created_at; /* RFC 3339 UTC */
	const char *expires_at;
	const char *reason;
};

/* An A/B test: raw values of both images, pair by pair. */
struct trial_row {
	const char *id; /* as a run's */
	const char *started_at;
	const char *suite;
	const char *case_name;
	const char *metric;
	const char *unit; /* NULL: none */
	enum direction direction;
	const char *cell;	   /* NULL: none */
	const char *before_commit; /* NULL: an image without commit */
	const char *before_image;
	const char *after_commit;
	const char *after_image;
	enum verdict verdict;
	const char *orders; /* of each pair "ab" or "ba", joined: who ran first */
	double *before, *after;
	size_t count; /* of pairs */
};

struct trial_filter {
	const char *metric; /* NULL: any */
	const char *commit; /* after_commit; NULL: any */
	size_t limit;	    /* newest first; 0: 100 */
};

const char *alarm_state_name(enum alarm_state state); /* "suspected" */
int alarm_state_parse(const char *name, enum alarm_state *out);

#endif
