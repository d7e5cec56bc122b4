/*
 * Cases: what runs in a child of its own, and what came of it.
 *
 * A child fills its result in memory shared with the parent. Results are flat: whatever the child
 * wrote before it was killed can still be read.
 */
#ifndef GPU_CASE_H
#define GPU_CASE_H

#include "base/arena.h"
#include "base/err.h"
#include "gpu/library.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CASE_NAME_MAX 96
#define CASE_TEXT_MAX 512
#define CASE_METRICS_MAX 24
#define CASE_SAMPLES_MAX 40
#define CASE_OUTPUT_MAX 4096
#define CASE_COUNT_MAX 4096

enum verdict_of { CASE_PASS, CASE_FAIL, CASE_SKIP, CASE_BROKEN, CASE_INFRA };

struct case_metric {
	char name[64];
	char unit[16];
	char cell[CASE_NAME_MAX]; /* shape and kind; the card is added by the report */
	bool higher_is_better;
	double samples[CASE_SAMPLES_MAX];
	size_t count;
};

struct case_outcome {
	bool finished; /* the child came to an end of its own */
	enum verdict_of verdict;
	char label[64];
	char expected[CASE_TEXT_MAX];
	char actual[CASE_TEXT_MAX];
	char reason[CASE_TEXT_MAX];  /* of skip, broken, infra */
	char stage[CASE_NAME_MAX];   /* what is being done, for those who do not return */
	char calling[CASE_NAME_MAX]; /* function under test that is being called, "" none */
	struct card_info card;	     /* zeroed: not reached */
	struct case_metric metrics[CASE_METRICS_MAX];
	size_t metric_count;
	uint64_t duration_ns;
	char output[CASE_OUTPUT_MAX]; /* the end of what it printed; filled by the parent */
};

struct case_params {
	unsigned n, k;
	enum number type;
	bool nested;
	int bug;
	unsigned count; /* tokens, repetitions: as the case says */
	bool quick;
	const char *file;
	const char *name;
};

struct case_env {
	struct gpu_context gpu;
	struct library library;
	struct case_outcome *out;
};

struct gpu_case {
	char name[CASE_NAME_MAX];
	uint64_t timeout_ns;
	bool alone;	     /* timed: nothing beside it */
	bool needs_library;  /* open it first; without one the case is skipped */
	bool jit_off;	     /* CUDA_DISABLE_PTX_JIT=1 */
	bool cache_off;	     /* CUDA_CACHE_DISABLE=1 */
	bool no_gpu;	     /* the case opens what it needs itself */
	const char *lost_as; /* self-test: being lost with this label is what must happen */
	/* -1 with ERR: judged by case_failed, see there. */
	int (*run)(struct case_env *env, const struct case_params *params, struct err *err);
	struct case_params params;
};

struct case_list {
	struct arena *arena;
	struct gpu_case *items;
	size_t count;
};

/* A new case named by FMT, with a deadline of TIMEOUT_S. */
struct gpu_case *case_add(struct case_list *list, unsigned timeout_s,
			  int (*run)(struct case_env *, const struct case_params *, struct err *),
			  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

void case_pass(struct case_outcome *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void case_fail(struct case_outcome *out, const char *label, const char *expected, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));
void case_undecided(struct case_outcome *out, enum verdict_of verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void case_stage(struct case_outcome *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A metric to add samples to; NULL when there are too many. */
struct case_metric *case_metric(struct case_outcome *out, const char *name, const char *unit,
				bool higher_is_better, const char *cell);
void case_sample(struct case_metric *metric, double value);

const char *case_verdict_name(enum verdict_of verdict);

/* Fill OUT after RUN returned -1 with ERR: while a function under test was being called, a failure
 * of the driver is a failure of that function; otherwise the card's. */
void case_failed(struct case_outcome *out, const struct err *err);
/* The label for a CUDA error code, NULL: none in particular. */
const char *case_error_label(int error);
/* Fill OUT for a child that did not finish: STATUS as waitpid gave it, or a deadline. */
void case_lost(struct case_outcome *out, const struct gpu_case *item, int status, bool timed_out);

#endif
