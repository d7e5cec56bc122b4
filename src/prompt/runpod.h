/*
 * A RunPod job from its submission to its end: answers in, the next step out. Pure: the caller
 * sends, waits and tells what time it is.
 *
 * Facts: RunPod's documentation of /run, /runsync, /status and /health, and its SDK 1.12. A job is
 * good when its status is COMPLETED *and* it has an output that does not deny success: a handler's
 * {"success": false} without "error" is COMPLETED. A job that stays IN_QUEUE waits for capacity,
 * or for workers that crash; only /health tells which.
 */
#ifndef PROMPT_RUNPOD_H
#define PROMPT_RUNPOD_H

#include "base/arena.h"
#include "base/json.h"
#include "prompt/request.h"

#define RUNPOD_ID_BYTES_MAX 200
#define RUNPOD_POLL_FIRST_NS UINT64_C(200000000) /* then half as much again, up to the last */
#define RUNPOD_POLL_LAST_NS UINT64_C(5000000000)

enum runpod_step {
	RUNPOD_STATUS, /* wait job->wait_ns, then GET job->path */
	RUNPOD_HEALTH, /* GET job->path now */
	RUNPOD_GOOD,   /* the end: completed with an output */
	RUNPOD_BAD,    /* the end: label, expected, actual and where are filled */
	RUNPOD_INFRA,  /* the end: it could not be decided, actual says why */
};

struct runpod_job {
	struct arena *arena;
	uint64_t queue_ns; /* longest time in the queue before /health is asked */
	uint64_t start_ns; /* of the submission */
	bool checked;	   /* /health was asked */
	const char *id;
	const char *state; /* last status, NULL: none yet */
	uint64_t wait_ns;
	const char *path; /* below the endpoint */
	const char *label, *expected, *actual, *where;
	double delay_ms, execution_ms; /* NAN: not said */
};

/* A job submitted at NOW_NS (monotonic). */
void runpod_begin(struct runpod_job *job, uint64_t queue_ns, uint64_t now_ns, struct arena *arena);

/* The answer to the submission or to /status: HTTP STATUS and body (DOCUMENT NULL: no JSON). */
enum runpod_step runpod_take(struct runpod_job *job, int status, const struct json *document,
			     uint64_t now_ns);

/* The answer to /health. */
enum runpod_step runpod_take_health(struct runpod_job *job, int status,
				    const struct json *document);

#endif
