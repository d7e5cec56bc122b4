/* A prompt as a RunPod job: submitted, polled, and asked about when it does not start. */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/units.h"
#include "check/prompt_private.h"
#include "prompt/runpod.h"

#include <poll.h>
#include <string.h>

#define SLICE_MS 200 /* how often a pause looks at base/cancel */

static int pause_for(const struct prompt_wire *wire, uint64_t ns, struct err *err)
{
	uint64_t now = clock_ns(), until = now + ns;

	while (now < until && now < wire->end_ns) {
		uint64_t left_ms = (until - now) / NS_PER_MS + 1;

		(void)poll(NULL, 0, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS);
		if (cancel_check(err) < 0)
			return -1;
		now = clock_ns();
	}
	return 0;
}

/* The endpoint: the submission's URL without its last part and query. */
static const char *endpoint_of(const struct prompt_request *request, struct arena *arena)
{
	size_t len = strcspn(request->url, "?");

	while (len && request->url[len - 1] != '/')
		len--;
	return arena_strndup(arena, request->url, len ? len - 1 : 0);
}

static enum runpod_step take(struct runpod_job *job, enum runpod_step asked,
			     const struct prompt_answer *answer)
{
	return asked == RUNPOD_HEALTH
		       ? runpod_take_health(job, answer->status, answer->document)
		       : runpod_take(job, answer->status, answer->document, clock_ns());
}

/* Ask for the status or the health. RunPod's API has them as GET; the local server of its SDK
 * (`--rp_serve_api`) refuses that with 405 and has the status as POST. */
static int ask(struct prompt_wire *wire, const struct prompt_request *request,
	       const struct runpod_job *job, struct prompt_answer *out, struct err *err)
{
	const char *url =
		arena_printf(wire->arena, "%s%s", endpoint_of(request, wire->arena), job->path);

	json_free(out->document);
	out->document = NULL;
	if (check_prompt_fetch(wire, request, "GET", url, out, err) < 0)
		return -1;
	if (out->end != PROMPT_ANSWERED || out->status != 405)
		return 0;
	json_free(out->document);
	out->document = NULL;
	return check_prompt_fetch(wire, request, "POST", url, out, err);
}

static int follow(struct prompt_wire *wire, const struct prompt_request *request,
		  struct runpod_job *job, struct prompt_answer *out, enum runpod_step *step,
		  struct err *err)
{
	while (out->end == PROMPT_ANSWERED && (*step == RUNPOD_STATUS || *step == RUNPOD_HEALTH)) {
		enum runpod_step asked = *step;

		if (asked == RUNPOD_STATUS && pause_for(wire, job->wait_ns, err) < 0)
			return -1;
		if (ask(wire, request, job, out, err) < 0) {
			if (err->code == ERR_TIMEOUT)
				(void)err_set(err, ERR_TIMEOUT,
					      "the job is %s when the time of the check is over",
					      job->state);
			return -1;
		}
		if (out->end == PROMPT_ANSWERED)
			*step = take(job, asked, out);
	}
	return 0;
}

int check_prompt_job(struct prompt_wire *wire, const struct prompt_request *request,
		     struct prompt_answer *out, struct err *err)
{
	uint64_t start = clock_ns();
	enum runpod_step step;
	struct runpod_job job;

	runpod_begin(&job, wire->spec->queue_ns, start, wire->arena);
	if (check_prompt_exchange(wire, request, out, err) < 0)
		return -1;
	if (out->end != PROMPT_ANSWERED)
		return 0;
	step = runpod_take(&job, out->status, out->document, clock_ns());
	if (follow(wire, request, &job, out, &step, err) < 0)
		return -1;
	out->total_ns = clock_ns() - start;
	out->delay_ms = job.delay_ms;
	out->execution_ms = job.execution_ms;
	if (out->end != PROMPT_ANSWERED || step == RUNPOD_GOOD)
		return 0;
	if (step == RUNPOD_INFRA)
		return err_set(err, ERR_INFRA, "%s", job.actual);
	out->end = PROMPT_ENDED;
	out->label = job.label;
	out->expected = job.expected;
	out->actual = job.actual;
	return 0;
}
