#include "base/hold.h"
#include "deploy/service_private.h"
#include "http/http.h"
#include "parse/output.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define SHOWN_BYTES 200

struct attempt {
	const struct suite_ready *ready;
	struct arena *arena;
	char *reason;
	const char *proxy;
	struct prompt_request request;
};

static int say(struct attempt *attempt, const char *text)
{
	(void)snprintf(attempt->reason, SERVICE_REASON_BYTES, "%.*s", SERVICE_REASON_BYTES - 1,
		       text);
	return 0;
}

static int make_request(struct attempt *attempt, const char *url, struct err *err)
{
	const struct prompt_template *tmpl = attempt->ready->request;
	const struct prompt_place place = {.base = url,
					   .secret = tmpl->auth ? hold_env(tmpl->auth->env) : NULL};

	if (prompt_request_make(tmpl, &attempt->ready->input, &place, attempt->arena,
				&attempt->request, err) < 0)
		return err_wrap(err, "service: ready");
	return 0;
}

static int send_it(struct attempt *attempt, struct http_answer *answer, struct err *err)
{
	const struct prompt_tls *tls = attempt->ready->request->tls;
	struct http_request request = {.method = attempt->request.method,
				       .path = attempt->request.path,
				       .headers = attempt->request.headers,
				       .body = attempt->request.body,
				       .body_len = attempt->request.body_len,
				       .answer_max = ANSWER_BYTES_MAX,
				       .timeout_ns = attempt->ready->answer_ns};
	struct http_client *client = NULL;
	int rc;

	if (http_client_open(attempt->request.origin, NULL, &client, err) < 0)
		return -1;
	http_client_proxy(client, attempt->proxy);
	if (tls)
		http_client_tls(client, tls->ca, tls->cert, tls->key);
	if (tls && tls->insecure)
		http_client_insecure(client);
	rc = http_send(client, &request, answer, err);
	http_client_close(client);
	return rc;
}

/* Without an expectation a success with a text that is not empty. */
static int judge_plain(struct attempt *attempt, int status, const struct prompt_reply *reply,
		       const struct buf *body)
{
	const char *shown = output_oneline(buf_str(body), body->len, SHOWN_BYTES, attempt->arena);

	if (status / 100 == 2 && reply->text && reply->text_len && !reply->error)
		return 1;
	return say(attempt, arena_printf(attempt->arena, "status %d, %s'%s'", status,
					 status / 100 != 2 ? ""
					 : reply->error	   ? "an error: "
							   : "no text: ",
					 shown));
}

static int judge(struct attempt *attempt, const struct http_answer *answer, struct err *err)
{
	const struct prompt_template *tmpl = attempt->ready->request;
	struct expect_answer view = {.status = answer->status,
				     .headers = buf_str(&answer->headers),
				     .body = buf_str(&answer->body),
				     .body_len = answer->body.len};
	struct prompt_reply reply = {.tokens = -1};
	struct expect_findings findings = {0};
	CLEANUP(json_freep) struct json *document = NULL;
	struct err ignored;

	if (json_parse(view.body, view.body_len, false, &document, &ignored) == 0)
		reply_read((enum prompt_format)tmpl->format, tmpl->text, document, attempt->arena,
			   &reply);
	if (!attempt->ready->expect)
		return judge_plain(attempt, answer->status, &reply, &answer->body);
	view.document = document;
	view.reply = &reply;
	if (expect_judge(attempt->ready->expect, &view, attempt->arena, &findings, err) < 0)
		return -1;
	if (!findings.count)
		return 1;
	return say(attempt, arena_printf(attempt->arena, "%s: expected %s, found %s",
					 findings.items[0].where, findings.items[0].expected,
					 findings.items[0].actual));
}

int service__ask(const char *url, bool started, const struct suite_ready *ready,
		 char reason[SERVICE_REASON_BYTES], bool *lost, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct attempt attempt = {.ready = ready, .arena = arena, .reason = reason};
	struct http_answer answer = {0};
	struct err why = {0};
	int rc;

	/* What was started here is on this host, whatever proxy leads out of it. */
	attempt.proxy = started ? "" : ready->request->proxy;
	if (make_request(&attempt, url, err) < 0)
		return -1;
	*lost = false;
	if (send_it(&attempt, &answer, &why) < 0) {
		*lost = why.code == ERR_INFRA && why.sys;
		if (why.code != ERR_CANCELLED && why.code != ERR_USAGE)
			return say(&attempt, why.msg);
		*err = why;
		return -1;
	}
	rc = judge(&attempt, &answer, err);
	http_answer_done(&answer);
	return rc;
}
