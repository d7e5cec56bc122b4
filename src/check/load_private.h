/* Parts of the kind `load`: what a suite says, judging, measuring. */
#ifndef CHECK_LOAD_PRIVATE_H
#define CHECK_LOAD_PRIVATE_H

#include "check/trial.h"
#include "load/sweep.h"
#include "prompt/expect.h"
#include "prompt/request.h"

struct load_prompt { /* an element of "prompts" */
	struct prompt_input input;
	struct expect *expect; /* NULL: the check's alone */
};

enum load_of { LOAD_OF_LATENCY, LOAD_OF_FIRST_BYTE, LOAD_OF_FIRST_TOKEN, LOAD_OF_INTER_TOKEN };

struct load_limit { /* an element of "limits" */
	int of;	    /* enum load_of */
	double share;
	uint64_t max_ns;
};

struct load_slo {
	uint64_t latency_ns, first_token_ns, inter_token_ns;
	double share;	/* of requests that must be good */
	double goodput; /* good requests a second, NAN: none asked for */
};

struct load_sweep_spec {
	double from, to;
	uint64_t step_ns;
	double knee; /* least, NAN: only measured */
};

struct load_spec {
	struct prompt_template *request; /* NULL: POST /prompt of the suite's service */
	struct objects prompts;		 /* struct load_prompt */
	struct expect *expect;
	int arrival; /* the order of enum arrival, then closed */
	double rate, rate_end;
	uint64_t duration_ns;
	int64_t requests;
	const char *trace;
	int64_t seed;
	int64_t concurrency;
	int64_t warmup;
	int64_t threads;
	int64_t keep;
	int64_t redirects;
	uint64_t answer_ns, connect_ns;
	uint64_t answer_max;
	double confidence;
	double error_budget;   /* NAN: no request may fail */
	uint64_t send_lag_ns;  /* 0: by the limits */
	struct objects limits; /* struct load_limit */
	struct load_slo *slo;
	struct load_sweep_spec *sweep;
	const uint64_t *trace_times; /* of the file */
	size_t trace_count;
};

extern const struct field check_load_fields[];
extern const char *const check_load_of_names[];
/* Key and rate: one run at it. */
bool check_load_closed(const struct load_spec *spec);
const struct prompt_template *check_load_template(const struct load_spec *spec);
int check_load_validate(const void *data, struct err *err);

/* Send lag above which the client, not the service, is what was measured: a twentieth of the
 * tightest limit tested of a time that counts from the schedule, within 0.2 and 10 ms, unless the
 * suite says. */
uint64_t check_load_lag(const struct load_spec *spec);

/* Metrics of RESULT, of CELL. */
void check_load_measure(const struct load_spec *spec, const struct load_result *result,
			const char *cell, struct arena *arena, struct case_result *out);
/* The rate, and of each time the highest percentile that the sample supports, in one line. */
const char *check_load_figures(const struct load_spec *spec, const struct load_result *result,
			       struct arena *arena);
/* Add what does not hold to TRIAL. What the sample cannot decide, and why, in OPEN: NULL when all
 * is decided. */
void check_load_judge(const struct load_spec *spec, const struct load_result *result,
		      struct trial *trial, const char **open);

#endif
