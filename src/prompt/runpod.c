#include "prompt/runpod.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define SHOWN_BYTES 300

void runpod_begin(struct runpod_job *job, uint64_t queue_ns, uint64_t now_ns, struct arena *arena)
{
	*job = (struct runpod_job){.arena = arena,
				   .queue_ns = queue_ns,
				   .start_ns = now_ns,
				   .where = "the job",
				   .delay_ms = NAN,
				   .execution_ms = NAN};
}

static enum runpod_step bad(struct runpod_job *job, const char *label, const char *expected,
			    const char *actual)
{
	job->label = label;
	job->expected = expected;
	job->actual = actual;
	return RUNPOD_BAD;
}

static const char *shown(struct runpod_job *job, const struct json *value)
{
	struct buf text;
	const char *out;

	if (!value)
		return "nothing";
	if (json_text(value))
		return arena_printf(job->arena, "'%.*s'", SHOWN_BYTES, json_text(value));
	buf_init(&text, JSON_BYTES_MAX);
	json_print(value, false, &text);
	out = arena_strndup(job->arena, buf_str(&text),
			    text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES);
	buf_done(&text);
	return out;
}

/* --- statuses of HTTP ------------------------------------------------------------------------ */

static enum runpod_step refused(struct runpod_job *job, int status, const struct json *document)
{
	const char *actual =
		arena_printf(job->arena, "status %d, %s", status, shown(job, document));

	if (status == 401 || status == 403)
		return bad(job, "runpod/unauthorized", "a key that the endpoint takes", actual);
	if (status == 429)
		return bad(job, "runpod/rate-limited", "an answer within the endpoint's rate",
			   actual);
	if (status == 413)
		return bad(job, "runpod/payload-too-large",
			   "a request of at most 10 MiB to /run, 20 MiB to /runsync", actual);
	if (status == 404 && job->id)
		return bad(job, "runpod/expired",
			   "a job that is still known (results of /runsync are kept for 1 minute, "
			   "of /run for 30)",
			   actual);
	if (status >= 500)
		return bad(job, "runpod/server-error", "an answer of the RunPod API", actual);
	return bad(job, "runpod/protocol", "status 200", actual);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void take_times(struct runpod_job *job, const struct json *document)
{
	job->delay_ms = json_num(document, "delayTime", job->delay_ms);
	job->execution_ms = json_num(document, "executionTime", job->execution_ms);
}

/* A handler's exception is JSON inside the text of "error". */
static const char *failure_of(struct runpod_job *job, const struct json *document)
{
	const struct json *error = json_get(document, "error");
	const char *text = error ? json_text(error) : NULL, *message;
	struct json *inner = NULL;
	struct err ignored;
	const char *out = NULL;

	if (text && json_parse(text, strlen(text), false, &inner, &ignored) == 0) {
		message = json_str(inner, "error_message", NULL);
		if (message)
			out = arena_printf(job->arena, "%s: %.*s",
					   json_str(inner, "error_type", "an exception"),
					   SHOWN_BYTES, message);
		json_free(inner);
	}
	if (!out && !error)
		error = json_get(document, "output");
	return out ? out : shown(job, error);
}

static enum runpod_step completed(struct runpod_job *job, const struct json *document)
{
	const struct json *output = json_get(document, "output");
	const struct json *success;

	if (!output || json_type(output) == JSON_NULL)
		return bad(job, "runpod/no-output", "an output", "COMPLETED without one");
	success = json_type(output) == JSON_OBJECT ? json_get(output, "success") : NULL;
	if (success && json_type(success) == JSON_BOOL && !json_true(success))
		return bad(job, "runpod/not-successful", "a job that succeeds",
			   arena_printf(job->arena, "COMPLETED with %s", shown(job, output)));
	return RUNPOD_GOOD;
}

static enum runpod_step ended(struct runpod_job *job, const struct json *document)
{
	static const struct {
		const char *state, *label;
	} ends[] = {{"FAILED", "runpod/failed"},
		    {"CANCELLED", "runpod/cancelled"},
		    {"TIMED_OUT", "runpod/timed-out"}};

	if (strcmp(job->state, "COMPLETED") == 0)
		return completed(job, document);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcmp(job->state, ends[i].state) == 0)
			return bad(job, ends[i].label, "status COMPLETED",
				   arena_printf(job->arena, "%s: %s", job->state,
						failure_of(job, document)));
	return bad(job, "runpod/protocol", "a status of the RunPod API",
		   arena_printf(job->arena, "'%.100s'", job->state));
}

/* --- steps ----------------------------------------------------------------------------------- */

/* Ids become part of a path. */
static bool is_id(const char *id)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";
	size_t len = strlen(id);

	return len && len <= RUNPOD_ID_BYTES_MAX && strspn(id, letters) == len && id[0] != '.';
}

static enum runpod_step poll_again(struct runpod_job *job)
{
	uint64_t next = job->wait_ns + job->wait_ns / 2;

	job->wait_ns = !job->wait_ns		    ? RUNPOD_POLL_FIRST_NS
		       : next < RUNPOD_POLL_LAST_NS ? next
						    : RUNPOD_POLL_LAST_NS;
	job->path = arena_printf(job->arena, "/status/%s", job->id);
	return RUNPOD_STATUS;
}

static bool waits(const char *state)
{
	return strcmp(state, "IN_QUEUE") == 0 || strcmp(state, "IN_PROGRESS") == 0;
}

enum runpod_step runpod_take(struct runpod_job *job, int status, const struct json *document,
			     uint64_t now_ns)
{
	const char *state, *id;

	if (status != 200)
		return refused(job, status, document);
	if (!document || json_type(document) != JSON_OBJECT)
		return bad(job, "runpod/protocol", "a JSON object with id and status",
			   shown(job, document));
	state = json_str(document, "status", NULL);
	id = json_str(document, "id", NULL);
	if (!state)
		return bad(job, "runpod/protocol", "a status", shown(job, document));
	if (!job->id && id && is_id(id))
		job->id = arena_strdup(job->arena, id);
	job->state = arena_strdup(job->arena, state);
	take_times(job, document);
	if (!waits(state))
		return ended(job, document);
	if (!job->id)
		return bad(job, "runpod/protocol", "the id of the job", shown(job, document));
	if (strcmp(state, "IN_QUEUE") == 0 && !job->checked &&
	    now_ns - job->start_ns >= job->queue_ns) {
		job->checked = true;
		job->path = "/health";
		return RUNPOD_HEALTH;
	}
	return poll_again(job);
}

enum runpod_step runpod_take_health(struct runpod_job *job, int status, const struct json *document)
{
	const struct json *workers = NULL;
	int64_t unhealthy, throttled, initializing, ready;
	const char *counts;

	if (document && json_type(document) == JSON_OBJECT)
		workers = json_get(document, "workers");
	if (status != 200 || !workers || json_type(workers) != JSON_OBJECT) {
		job->actual = arena_printf(job->arena,
					   "the job stays IN_QUEUE, and /health does not say why: "
					   "status %d, %s",
					   status, shown(job, document));
		return RUNPOD_INFRA;
	}
	unhealthy = json_int(workers, "unhealthy", 0);
	throttled = json_int(workers, "throttled", 0);
	initializing = json_int(workers, "initializing", 0);
	ready = json_int(workers, "idle", 0) + json_int(workers, "ready", 0) +
		json_int(workers, "running", 0);
	counts = arena_printf(job->arena,
			      "workers: %" PRId64 " unhealthy, %" PRId64 " throttled, %" PRId64
			      " initializing, %" PRId64 " idle or running",
			      unhealthy, throttled, initializing, ready);
	if (unhealthy > 0)
		return bad(job, "runpod/crash-loop", "workers that start",
			   arena_printf(job->arena, "IN_QUEUE; %s", counts));
	if (initializing > 0 || ready > 0)
		return poll_again(job); /* busy, or on its way: the deadline decides */
	job->actual = arena_printf(job->arena, "no capacity: the job stays IN_QUEUE; %s", counts);
	return RUNPOD_INFRA;
}
