/* One prompt over HTTP, whole or as a stream of events. */
#include "base/clock.h"
#include "base/units.h"
#include "check/prompt_private.h"
#include "prompt/sse.h"

#include <math.h>
#include <string.h>

#define TYPE_BYTES_MAX 200

/* An answer while it comes. */
struct incoming {
	struct prompt_answer *answer;
	struct arena *arena;
	struct buf body;
	bool stream;
	struct sse sse;
	struct reply_stream reply;
	uint64_t start_ns;
	bool broken; /* the stream cannot be read any further */
};

static void on_event(void *payload, const char *data, size_t len)
{
	struct incoming *in = payload;
	enum reply_event event = reply_stream_event(&in->reply, data, len);

	in->answer->events++;
	if (event == REPLY_TOKEN && !in->answer->first_ns)
		in->answer->first_ns = clock_ns() - in->start_ns;
	if (event == REPLY_BAD && !in->answer->bad_event)
		in->answer->bad_event = arena_strndup(
			in->arena, data, len < PROMPT_EVENT_SHOWN ? len : PROMPT_EVENT_SHOWN);
}

static int on_data(void *payload, const void *data, size_t len, struct err *err)
{
	struct incoming *in = payload;
	char size[32];

	if (in->body.len + len > in->body.max)
		return err_set(err, ERR_LIMIT, "the answer is larger than %s (answer_max)",
			       units_size(in->body.max, size, sizeof(size)));
	buf_add(&in->body, data, len);
	if (in->stream && !in->broken)
		in->broken = sse_feed(&in->sse, data, len) < 0;
	return 0;
}

static int open_client(struct prompt_wire *wire, const struct prompt_request *request,
		       struct err *err)
{
	const struct prompt_tls *tls = wire->tmpl->tls;

	if (wire->client)
		return 0;
	if (http_client_open(request->origin, NULL, &wire->client, err) < 0)
		return -1;
	/* What was started here is on this host, whatever proxy leads out of it. */
	http_client_proxy(wire->client, wire->started ? "" : wire->tmpl->proxy);
	if (tls)
		http_client_tls(wire->client, tls->ca, tls->cert, tls->key);
	if (tls && tls->insecure)
		http_client_insecure(wire->client);
	return 0;
}

/* How an exchange that failed ended. -1: that is nobody's answer. */
static int take_failure(const struct prompt_wire *wire, const struct incoming *in,
			const struct err *why, uint64_t limit_ns, struct err *err)
{
	struct prompt_answer *out = in->answer;
	char limit[32];

	out->why = arena_strdup(wire->arena, why->msg);
	if (why->code == ERR_TIMEOUT) {
		out->end = PROMPT_TIMED_OUT;
		out->why = arena_printf(wire->arena, "%zu bytes of one within %s", in->body.len,
					units_duration(limit_ns, limit, sizeof(limit)));
	} else if (why->code == ERR_LIMIT) {
		out->end = PROMPT_TOO_LARGE;
	} else if (why->code == ERR_INFRA && why->sys) {
		out->end = PROMPT_UNREACHABLE;
	} else if (why->code == ERR_INFRA) {
		out->end = PROMPT_CUT;
		out->why = arena_printf(wire->arena, "the connection ended after %zu bytes of it",
					in->body.len);
	} else {
		*err = *why;
		return -1;
	}
	return 0;
}

static void read_document(struct prompt_wire *wire, struct prompt_answer *out)
{
	struct err ignored;

	if (json_parse(out->body, out->body_len, false, &out->document, &ignored) == 0)
		reply_read((enum prompt_format)wire->tmpl->format, wire->tmpl->text, out->document,
			   wire->arena, &out->reply);
}

static void copy_reply(struct arena *arena, struct prompt_reply *reply)
{
	reply->text = arena_strndup(arena, reply->text, reply->text_len);
	reply->finish = arena_strdup(arena, reply->finish);
	reply->error = arena_strdup(arena, reply->error);
	reply->model = arena_strdup(arena, reply->model);
	reply->fingerprint = arena_strdup(arena, reply->fingerprint);
}

static void take_answer(struct prompt_wire *wire, struct incoming *in, struct http_answer *answer)
{
	struct prompt_answer *out = in->answer;
	const struct buf *body = answer->status / 100 == 2 ? &in->body : &answer->body;
	char type[TYPE_BYTES_MAX];

	out->status = answer->status;
	out->headers = arena_strndup(wire->arena, buf_str(&answer->headers), answer->headers.len);
	out->content_type =
		arena_strdup(wire->arena, http_header(answer, "content-type", type, sizeof(type)));
	out->body = arena_strndup(wire->arena, buf_str(body), body->len);
	out->body_len = body->len;
	out->streamed = in->stream && strcasestr(out->content_type, "text/event-stream");
	if (!out->streamed) {
		out->first_ns = 0;
		read_document(wire, out);
	}
}

static void end_stream(struct prompt_wire *wire, struct incoming *in)
{
	if (!in->stream)
		return;
	if (!in->broken)
		sse_end(&in->sse);
	if (in->answer->streamed || in->answer->end == PROMPT_CUT) {
		reply_stream_view(&in->reply, &in->answer->reply);
		copy_reply(wire->arena, &in->answer->reply);
	}
	sse_done(&in->sse);
	reply_stream_done(&in->reply);
}

static uint64_t time_left(const struct prompt_wire *wire)
{
	uint64_t now = clock_ns();

	return now < wire->end_ns ? wire->end_ns - now : 0;
}

static int out_of_time(struct err *err)
{
	return err_set(err, ERR_TIMEOUT, "still asking when the time of the check was over");
}

int check_prompt_exchange(struct prompt_wire *wire, const struct prompt_request *request,
			  struct prompt_answer *out, struct err *err)
{
	struct incoming in = {.answer = out, .arena = wire->arena, .stream = request->stream};
	struct http_request sent = {.method = request->method,
				    .path = request->path,
				    .headers = request->headers,
				    .body = request->body,
				    .body_len = request->body_len,
				    .write = on_data,
				    .payload = &in,
				    .answer_max = wire->spec->answer_max};
	uint64_t left = time_left(wire);
	struct http_answer answer = {0};
	struct err why = {0};
	int rc;

	*out = (struct prompt_answer){
		.reply = {.tokens = -1}, .delay_ms = NAN, .execution_ms = NAN};
	if (!left)
		return out_of_time(err);
	if (open_client(wire, request, err) < 0)
		return -1;
	sent.timeout_ns = left < wire->spec->answer_ns ? left : wire->spec->answer_ns;
	buf_init(&in.body, wire->spec->answer_max);
	if (in.stream) {
		sse_init(&in.sse, on_event, &in);
		reply_stream_init(&in.reply, request->format, wire->tmpl->text, true);
	}
	in.start_ns = clock_ns();
	rc = http_send(wire->client, &sent, &answer, &why);
	out->total_ns = clock_ns() - in.start_ns;
	if (rc == 0)
		take_answer(wire, &in, &answer);
	else
		rc = take_failure(wire, &in, &why, sent.timeout_ns, err);
	end_stream(wire, &in);
	buf_done(&in.body);
	http_answer_done(&answer);
	return rc;
}

int check_prompt_fetch(struct prompt_wire *wire, const struct prompt_request *model,
		       const char *method, const char *url, struct prompt_answer *out,
		       struct err *err)
{
	struct prompt_request request = *model;

	request.method = method;
	request.url = url;
	request.path = url + strlen(model->origin);
	request.body = NULL;
	request.body_len = 0;
	return check_prompt_exchange(wire, &request, out, err);
}

int check_prompt_send(struct prompt_wire *wire, const struct prompt_input *input,
		      struct prompt_answer *out, struct err *err)
{
	struct prompt_request request;

	if (prompt_request_make(wire->tmpl, input, &wire->place, wire->arena, &request, err) < 0)
		return -1;
	if (request.format == PROMPT_RUNPOD_SYNC || request.format == PROMPT_RUNPOD_ASYNC)
		return check_prompt_job(wire, &request, out, err);
	return check_prompt_exchange(wire, &request, out, err);
}
