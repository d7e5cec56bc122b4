/* What became of one request. */
#include "load/load_private.h"

#include "base/json.h"
#include "prompt/runpod.h"

#include <stdio.h>
#include <string.h>

const char *const load_class_names[] = {
	"ok",  "http",	"timeout",   "truncated", "empty",     "refused", "dns",
	"tls", "reset", "too-large", "protocol",  "assertion", NULL};

static enum load_class class_of_end(const struct load__slot *slot, enum http_end end)
{
	static const enum load_class classes[] = {
		[HTTP_END_WHOLE] = LOAD_OK,	     [HTTP_END_STOPPED] = LOAD_TOO_LARGE,
		[HTTP_END_TIMEOUT] = LOAD_TIMEOUT,   [HTTP_END_TRUNCATED] = LOAD_TRUNCATED,
		[HTTP_END_REFUSED] = LOAD_REFUSED,   [HTTP_END_DNS] = LOAD_DNS,
		[HTTP_END_TLS] = LOAD_TLS,	     [HTTP_END_RESET] = LOAD_RESET,
		[HTTP_END_PROTOCOL] = LOAD_PROTOCOL,
	};

	return end == HTTP_END_STOPPED && slot->broken ? LOAD_PROTOCOL : classes[end];
}

static bool wants_status(const struct expect *expect, int status)
{
	return expect && expect->status == status;
}

static enum load_class class_of_stream(const struct load__slot *slot,
				       const struct http_result *result, const char **why)
{
	const struct reply_stream *reply = &slot->reply;

	if (!strcasestr(result->type, "text/event-stream")) {
		*why = "the answer is no event stream";
		return LOAD_PROTOCOL;
	}
	if (slot->bad || slot->broken) {
		*why = "an event is neither JSON nor [DONE]";
		return LOAD_PROTOCOL;
	}
	if (reply->error.len) {
		*why = buf_str(&reply->error);
		return LOAD_ASSERTION;
	}
	*why = reply->pieces ? "the stream ended without [DONE] or a finish reason"
			     : "the stream brought no token";
	if (!reply->pieces)
		return LOAD_EMPTY;
	return reply->done ? LOAD_OK : LOAD_TRUNCATED;
}

/* A job that /runsync answered: only one that is done has an answer, and it may deny success. */
static enum load_class class_of_job(int status, const struct json *document, struct arena *arena,
				    const char **why)
{
	struct runpod_job job;

	runpod_begin(&job, UINT64_MAX, 0, arena);
	switch (runpod_take(&job, status, document, 0)) {
	case RUNPOD_GOOD:
		return LOAD_OK;
	case RUNPOD_STATUS:
	case RUNPOD_HEALTH:
		*why = arena_printf(arena, "the job was %s when /runsync answered",
				    job.state ? job.state : "not known");
		return LOAD_TIMEOUT;
	default:
		*why = job.actual;
		return LOAD_ASSERTION;
	}
}

static int judge(struct load__slot *slot, const struct http_result *result, struct arena *arena,
		 struct expect_findings *findings, enum load_class *out, const char **why,
		 struct err *err)
{
	const struct load_options *options = slot->worker->run->options;
	struct json *document = NULL;
	struct prompt_reply reply = {.tokens = -1};
	struct expect_answer answer = {.status = result->status,
				       .headers = buf_str(&slot->headers),
				       .body = buf_str(&slot->body),
				       .body_len = slot->body.len,
				       .reply = &reply};
	const struct expect *own = slot->request->expect, *all = options->expect;
	struct expect shared;
	struct err ignored;
	int rc = 0;

	if (options->stream)
		reply_stream_view(&slot->reply, &reply);
	else if (json_parse(answer.body, answer.body_len, false, &document, &ignored) == 0)
		reply_read(options->format, options->text_path, document, arena, &reply);
	else if (options->format != PROMPT_JSON)
		*out = LOAD_PROTOCOL;
	if (document && options->format == PROMPT_RUNPOD_SYNC && result->status / 100 == 2)
		*out = class_of_job(result->status, document, arena, why);
	answer.document = document;
	slot->read = reply.text != NULL;
	if (slot->read)
		slot->text = variants_hash(reply.text, reply.text_len);
	if (all && own && all->status == FIELD_ABSENT_INT) {
		shared = *all;
		shared.status = own->status;
		all = &shared;
	}
	if (*out == LOAD_OK && all)
		rc = expect_judge(all, &answer, arena, findings, err);
	if (*out == LOAD_OK && own && rc == 0)
		rc = expect_judge(own, &answer, arena, findings, err);
	json_free(document);
	if (*out == LOAD_OK && findings->count)
		*out = LOAD_ASSERTION;
	return rc;
}

/* The first failure of a class is told of. */
static void tell(struct load__slot *slot, enum load_class class, const char *text)
{
	struct load__worker *worker = slot->worker;
	size_t len = text ? strlen(text) : 0;

	if (len > LOAD_EXAMPLE_BYTES_MAX)
		len = LOAD_EXAMPLE_BYTES_MAX;
	if (len && class != LOAD_OK && !worker->result.examples[class])
		worker->result.examples[class] = arena_strndup(worker->arena, text, len);
}

/* The answer is whole and of a wanted status. */
static int class_of_answer(struct load__slot *slot, const struct http_result *result,
			   enum load_class *out, struct err *err)
{
	const struct load_options *options = slot->worker->run->options;
	struct expect_findings findings = {0};
	CLEANUP(arena_freep) struct arena *arena = NULL;
	const char *said = NULL;

	if (options->stream) {
		*out = class_of_stream(slot, result, &said);
	} else if (!slot->bytes) {
		*out = LOAD_EMPTY;
		said = "the answer has no body";
	}
	if (*out == LOAD_OK && (options->expect || slot->request->expect)) {
		arena = arena_new();
		if (judge(slot, result, arena, &findings, out, &said, err) < 0)
			return -1;
		if (findings.count)
			said = arena_printf(arena, "%s: expected %s, found %s",
					    findings.items[0].where, findings.items[0].expected,
					    findings.items[0].actual);
		else if (*out == LOAD_PROTOCOL)
			said = "the answer is no JSON";
	}
	tell(slot, *out, said);
	return 0;
}

int load__classify(struct load__slot *slot, const struct http_result *result, enum load_class *out,
		   struct err *err)
{
	const struct expect *all = slot->worker->run->options->expect;
	enum load_class class = class_of_end(slot, result->end);
	bool wanted = result->status / 100 == 2 || wants_status(all, result->status) ||
		      wants_status(slot->request->expect, result->status);
	char status[32];
	int rc = 0;

	if (class == LOAD_OK && !wanted) {
		class = LOAD_HTTP;
		(void)snprintf(status, sizeof(status), "status %d", result->status);
		tell(slot, class, status);
	} else if (class == LOAD_OK) {
		rc = class_of_answer(slot, result, &class, err);
	} else {
		tell(slot, class, result->message);
	}
	if (rc == 0)
		*out = class;
	return rc;
}
