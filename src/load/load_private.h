/* Friends of the room only: one thread of a run, and one request of it. */
#ifndef LOAD_LOAD_PRIVATE_H
#define LOAD_LOAD_PRIVATE_H

#include "load/load.h"
#include "load/variants.h"
#include "prompt/sse.h"

#include <stdatomic.h>

/* One request under way. Reused for the next: handle and buffers stay. */
struct load__slot {
	struct load__worker *worker;
	struct http_transfer *transfer;
	const struct load_request *request;
	uint64_t scheduled_ns, sent_ns, first_byte_ns, first_token_ns, last_token_ns;
	uint64_t came_ns; /* the last piece */
	uint64_t bytes, gaps;
	struct sse sse;
	struct reply_stream reply;
	struct buf headers, body;
	bool stream; /* sse and reply are initialised */
	bool broken; /* the events cannot be read any further */
	bool bad;    /* an event was no JSON */
	bool read;   /* the answer was judged: TEXT is the hash of its text */
	uint64_t text;
};

/* What the threads of a run share. */
struct load__run {
	const struct load_options *options;
	atomic_uint_fast64_t ticket; /* closed loop: the next request's number */
	atomic_bool stop;
	_Atomic uint64_t start_ns; /* 0: not yet */
	atomic_uint ready;	   /* threads that are warm */
	unsigned threads;
};

struct load__worker {
	struct load__run *run;
	unsigned index;
	struct http_multi *multi;
	struct load__slot **slots; /* all */
	struct load__slot **idle;  /* the last one is used first: its connection is warm */
	size_t slot_count, idle_count, in_flight, most;
	size_t in_flight_max;
	uint64_t warmup_left;
	bool warming;
	uint64_t last_ns; /* the last answer */
	uint64_t sent;	  /* numbers the requests of this thread */
	uint64_t cpu_ns, spun_ns;
	size_t records_max;
	struct variants *variants; /* of each request */
	struct load_result result; /* examples are of this arena */
	struct arena *arena;
	struct err err;
	bool failed;
};

/* The class of what SLOT got by RESULT; the first failure of a class becomes its example. -1:
 * undecidable. */
int load__classify(struct load__slot *slot, const struct http_result *result, enum load_class *out,
		   struct err *err);

/* Take an idle slot, or make one. NULL with ERR. */
struct load__slot *load__slot_take(struct load__worker *worker, struct err *err);
void load__slot_free(struct load__slot *slot);
/* Send the worker's next request, due at SCHEDULED_NS. */
int load__send(struct load__worker *worker, struct load__slot *slot, uint64_t scheduled_ns,
	       struct err *err);
/* A thread of a run. */
void *load__work(void *worker);

#endif
