/*
 * Load on an inference endpoint, and what it measures.
 *
 * Open loop: requests are sent when a schedule says, whether answers came or not, and latency
 * counts from the scheduled time, so that waiting inside a stalled client or server is seen.
 * Closed loop: so many at once, each latency from its own sending; a stall hides the requests that
 * it kept from being sent.
 *
 * One thread per core; each has connections, handles and histograms of its own, which are merged
 * at the end. Times are of successes alone, failures are counted by class. What a stream brings has
 * the kernel's time of arrival (http/stamp.h), other answers that of their reading. Blocking.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "http/multi.h"
#include "load/histogram.h"
#include "load/schedule.h"
#include "prompt/expect.h"

#define LOAD_THREADS_MAX 64
#define LOAD_IN_FLIGHT_MAX 50000
#define LOAD_RECORDS_MAX 1000000
#define LOAD_EXAMPLE_BYTES_MAX ((size_t)64 * 1024) /* of what is told of a failure */

/* How one request went. */
enum load_class {
	LOAD_OK,
	LOAD_HTTP,	/* a status that was not wanted */
	LOAD_TIMEOUT,	/* no whole answer in time */
	LOAD_TRUNCATED, /* the answer ended early */
	LOAD_EMPTY,	/* an answer without content, a stream without a token */
	LOAD_REFUSED,	/* no connection */
	LOAD_DNS,	/* unknown name */
	LOAD_TLS,	/* handshake or certificate */
	LOAD_RESET,	/* the connection was reset, or closed without an answer */
	LOAD_TOO_LARGE, /* above answer_max */
	LOAD_PROTOCOL,	/* no HTTP, no events, no JSON, redirects without end */
	LOAD_ASSERTION, /* a whole answer that does not hold what is expected */
};
#define LOAD_CLASSES (LOAD_ASSERTION + 1)
extern const char *const load_class_names[]; /* NULL-terminated */

struct load_request {
	const struct http_plan *plan;
	const struct expect *expect; /* NULL: none of its own */
};

struct load_limits { /* of one good request; 0: none */
	uint64_t latency_ns;
	uint64_t first_token_ns;
	uint64_t inter_token_ns; /* of the mean gap of a request's tokens */
};

/* One request. Times are ns since the run's start, 0: it did not come to that. */
struct load_record {
	uint64_t scheduled, sent, first_byte, first_token, last_token, end;
	uint64_t tokens, bytes;
	enum load_class class;
};

/* All is borrowed. */
struct load_options {
	struct http_multi_options peer;	     /* timeout_ns must be set */
	const struct load_request *requests; /* sent in turn */
	size_t request_count;
	const struct expect *expect; /* of every answer, NULL: none */
	enum prompt_format format;
	const char *text_path; /* where an answer's text is, NULL: the format's own */
	bool stream;
	bool closed;
	struct schedule_options schedule; /* closed loop: only its duration and requests */
	size_t in_flight; /* closed loop: kept at this; open loop: never more, of all threads */
	size_t warmup;	  /* requests before the clock starts, counted apart */
	unsigned threads; /* 0: one per core */
	size_t answer_max;
	struct load_limits limits; /* of a good request */
	size_t records_max;	   /* requests kept one by one, the first that end */
	uint64_t deadline_ns;	   /* of the whole run, clock_ns; 0: none */
	/* For measuring the client itself; NULL: none. Each token after the warm-up: its number in
	 * its answer, when it came (clock_ns), the time since the one before it (0: the first),
	 * the event's data. Called by the thread that read it. */
	void (*on_token)(void *payload, uint64_t number, uint64_t at_ns, uint64_t gap_ns,
			 const char *event);
	void *payload;
};

struct load_result {
	uint64_t counts[LOAD_CLASSES];
	uint64_t warmup[LOAD_CLASSES];
	const char *examples[LOAD_CLASSES]; /* of a failure, the arena's; NULL: none */
	uint64_t requests;		    /* that were due, the sum of COUNTS and UNSENT */
	uint64_t unsent;		    /* too many were in flight until the end */
	uint64_t good;			    /* successes within the limits */
	uint64_t tokens, bytes;
	uint64_t unstamped;	      /* pieces of streams timed at their reading */
	uint64_t compared, diverging; /* judged successes, and those unlike the commonest answer to
				       * their prompt */
	struct histogram latency;     /* to the last byte */
	struct histogram first_byte;
	struct histogram first_token; /* of streams */
	struct histogram inter_token; /* every gap between tokens */
	struct histogram send_lag;    /* from the scheduled time to sending, of all requests */
	struct histogram connect;     /* of new connections, the warm-up's too */
	uint64_t elapsed_ns;	      /* from the first scheduled time to the last answer */
	double cpu_share;	      /* of the busiest thread, 0..1, without waiting awake */
	size_t most_in_flight;	      /* the sum of each thread's most */
	unsigned threads;
	struct load_record *records; /* by the time they were due */
	size_t record_count;
};

/* Fill OUT, which load_result_done frees; examples are ARENA's. -1: the deadline passed
 * (ERR_TIMEOUT), interrupted, an assertion that cannot be decided, out of files (ERR_INFRA). */
int load_run(const struct load_options *options, struct arena *arena, struct load_result *out,
	     struct err *err);
void load_result_done(struct load_result *result);
uint64_t load_failures(const struct load_result *result);
/* CSV with a line of names: the records, the buckets of all histograms that hold anything. */
void load_print_records(const struct load_result *result, struct buf *out);
void load_print_histograms(const struct load_result *result, struct buf *out);
/* Good requests a second. */
double load_goodput(const struct load_result *result);

#endif
