/* Parts of the kind `prompt`: sending and judging. */
#ifndef CHECK_PROMPT_PRIVATE_H
#define CHECK_PROMPT_PRIVATE_H

#include "check/golden.h"
#include "check/trial.h"
#include "http/http.h"
#include "prompt/expect.h"

#define PROMPT_REPEAT_MAX 1000
#define PROMPT_EVENT_SHOWN 200 /* bytes of an event that is no JSON */

struct prompt_case {
	const char *name;
	struct prompt_input input;
	struct expect *expect; /* beside the check's own; NULL: none */
};

struct prompt_spec {
	struct prompt_template *request; /* NULL: every default */
	struct objects cases;		 /* struct prompt_case */
	struct expect *expect;		 /* of every case; NULL: none */
	int64_t repeat, at_least;
	const char *golden;	    /* file beside the suite; NULL: none */
	uint64_t answer_ns;	    /* time limit of one answer */
	uint64_t answer_max;	    /* bytes of one answer */
	uint64_t queue_ns;	    /* of a RunPod job, before /health is asked */
	uint64_t memory_growth_max; /* bytes, of a service that was started; 0: no matter */
	struct pairs goldens;	    /* case -> text, read by load */
};

/* Does it look at the golden of its case? EXPECT may be NULL. */
bool check_prompt_wants_golden(const struct expect *expect);

/* --- sending --------------------------------------------------------------------------------- */

/* What one case after the other is sent over. */
struct prompt_wire {
	const struct prompt_spec *spec;
	const struct prompt_template *tmpl;
	struct prompt_place place;
	bool started;	 /* the service runs on this host */
	uint64_t end_ns; /* of the case's time limit */
	struct arena *arena;
	struct http_client *client; /* NULL before the first request */
};

enum prompt_end {
	PROMPT_ANSWERED,
	PROMPT_UNREACHABLE, /* no connection */
	PROMPT_TIMED_OUT,
	PROMPT_CUT,	  /* the connection ended inside the answer */
	PROMPT_TOO_LARGE, /* above answer_max */
	PROMPT_ENDED,	  /* of a RunPod job: label, expected and actual say how */
};

struct prompt_answer {
	enum prompt_end end;
	const char *why; /* of all but PROMPT_ANSWERED and PROMPT_ENDED */
	int status;
	const char *headers, *content_type;
	const char *body;
	size_t body_len;
	struct json *document; /* the caller's to free */
	struct prompt_reply reply;
	bool streamed;
	uint64_t events;
	const char *bad_event;
	uint64_t total_ns, first_ns; /* FIRST: to the first token, 0: none */
	const char *label, *expected, *actual;
	double delay_ms, execution_ms; /* of a RunPod job, NAN: not said */
};

/* Send INPUT and wait for the whole answer. Strings are the wire's arena's. -1: the case's time is
 * over (ERR_TIMEOUT), interrupted, or the request cannot be made. */
int check_prompt_send(struct prompt_wire *wire, const struct prompt_input *input,
		      struct prompt_answer *out, struct err *err);
/* METHOD on URL, of the origin of MODEL, with the headers of MODEL and without body. */
int check_prompt_fetch(struct prompt_wire *wire, const struct prompt_request *model,
		       const char *method, const char *url, struct prompt_answer *out,
		       struct err *err);
/* One exchange; REQUEST is whole. */
int check_prompt_exchange(struct prompt_wire *wire, const struct prompt_request *request,
			  struct prompt_answer *out, struct err *err);
/* Submit a RunPod job and wait for its end. */
int check_prompt_job(struct prompt_wire *wire, const struct prompt_request *request,
		     struct prompt_answer *out, struct err *err);

/* --- judging --------------------------------------------------------------------------------- */

/* Add to OUT what does not hold of ANSWER by both expectations (either may be NULL) and by what
 * every answer owes. */
int check_prompt_judge(const struct prompt_template *tmpl, const struct expect *all,
		       const struct expect *own, const struct prompt_answer *answer,
		       const char *golden, struct arena *arena, struct expect_findings *out,
		       struct err *err);

#endif
