/* What every answer owes, and what the suite expects of it. */
#include "check/prompt_private.h"
#include "parse/output.h"

#include <string.h>

#define SHOWN_BYTES 200

struct look {
	const struct prompt_template *tmpl;
	const struct prompt_answer *answer;
	struct arena *arena;
	struct expect_findings *out;
};

static void add(const struct look *look, const char *label, const char *where, const char *expected,
		const char *actual)
{
	struct expect_finding *finding =
		arena_push(look->arena, &look->out->items, &look->out->count, sizeof(*finding));

	*finding = (struct expect_finding){label, expected, actual, where};
}

static const char *start_of(const struct look *look)
{
	const struct prompt_answer *answer = look->answer;

	return output_oneline(answer->body ? answer->body : "", answer->body_len, SHOWN_BYTES,
			      look->arena);
}

/* No whole answer: nothing else can be said of it. */
static bool judge_end(const struct look *look)
{
	static const struct {
		const char *label, *expected;
	} ends[] = {
		[PROMPT_UNREACHABLE] = {"prompt/unreachable", "a connection to the endpoint"},
		[PROMPT_TIMED_OUT] = {"prompt/timed-out", "a whole answer in time"},
		[PROMPT_CUT] = {"prompt/truncated", "a whole answer"},
		[PROMPT_TOO_LARGE] = {"prompt/too-large", "an answer within the limit"},
	};
	const struct prompt_answer *answer = look->answer;

	if (answer->end == PROMPT_ANSWERED)
		return true;
	if (answer->end == PROMPT_ENDED)
		add(look, answer->label, "the job", answer->expected, answer->actual);
	else
		add(look, ends[answer->end].label, "the answer", ends[answer->end].expected,
		    answer->why);
	return false;
}

static bool judge_json(const struct look *look)
{
	if (look->tmpl->stream || look->answer->document)
		return true;
	add(look, "prompt/not-json", "the body", "a JSON document",
	    arena_printf(look->arena, "'%s'", start_of(look)));
	return false;
}

/* Only of a success: an error page may be of any type. */
static bool judge_type(const struct look *look)
{
	const struct prompt_answer *answer = look->answer;
	const char *wanted = look->tmpl->stream ? "text/event-stream" : "json";

	if (answer->status / 100 != 2 || (look->tmpl->format == PROMPT_JSON && !look->tmpl->stream))
		return true;
	if (strcasestr(answer->content_type, wanted))
		return judge_json(look);
	add(look, "prompt/content-type", "header content-type",
	    look->tmpl->stream ? "text/event-stream" : "application/json",
	    arena_printf(look->arena, "'%s', with %s", answer->content_type, start_of(look)));
	return false;
}

static void judge_redirect(const struct look *look)
{
	const struct prompt_answer *answer = look->answer;
	const char *at = strcasestr(answer->headers, "\nlocation:");

	at = at ? at + strlen("\nlocation:") : "";
	at += strspn(at, " ");
	add(look, "prompt/redirect", "status", "an answer",
	    arena_printf(look->arena, "%d, a redirect to '%.*s'", answer->status,
			 (int)strcspn(at, "\r\n"), at));
}

static bool judge_stream(const struct look *look)
{
	const struct prompt_answer *answer = look->answer;
	const struct prompt_reply *reply = &answer->reply;
	size_t before = look->out->count;

	if (!answer->streamed || answer->status / 100 != 2)
		return true;
	if (answer->bad_event)
		add(look, "prompt/not-json", "an event", "JSON or [DONE]",
		    arena_printf(look->arena, "'%s'", answer->bad_event));
	else if (!reply->pieces && !reply->error)
		add(look, "prompt/empty-stream", "the stream", "at least one token",
		    arena_printf(look->arena, "%llu events without text",
				 (unsigned long long)answer->events));
	else if (!reply->done && !reply->error)
		add(look, "prompt/truncated", "the stream", "[DONE] or a finish reason",
		    arena_printf(look->arena, "the end after %llu tokens: '%s'",
				 (unsigned long long)reply->pieces, reply->text));
	return look->out->count == before;
}

static int judge_expected(const struct look *look, const struct expect *expect, const char *golden,
			  struct err *err)
{
	const struct prompt_answer *answer = look->answer;
	const struct expect_answer view = {.status = answer->status,
					   .headers = answer->headers,
					   .body = answer->body,
					   .body_len = answer->body_len,
					   .document = answer->document,
					   .reply = &answer->reply,
					   .golden = golden};

	return expect ? expect_judge(expect, &view, look->arena, look->out, err) : 0;
}

static bool wants_status(const struct expect *expect, int status)
{
	return expect && expect->status == status;
}

/* Both expectations say the same of a wrong status or an error: once is enough. */
static void drop_repeated(struct expect_findings *findings)
{
	size_t kept = 0;

	for (size_t i = 0; i < findings->count; i++) {
		const struct expect_finding *a = &findings->items[i];
		size_t k = 0;

		while (k < kept && (strcmp(findings->items[k].label, a->label) != 0 ||
				    strcmp(findings->items[k].where, a->where) != 0 ||
				    strcmp(findings->items[k].expected, a->expected) != 0))
			k++;
		if (k == kept)
			findings->items[kept++] = *a;
	}
	findings->count = kept;
}

/* The own expectation's status counts before the shared one's default. */
int check_prompt_judge(const struct prompt_template *tmpl, const struct expect *all,
		       const struct expect *own, const struct prompt_answer *answer,
		       const char *golden, struct arena *arena, struct expect_findings *out,
		       struct err *err)
{
	const struct look look = {tmpl, answer, arena, out};
	struct expect shared;

	if (!judge_end(&look))
		return 0;
	if (answer->status / 100 == 3 && !wants_status(all, answer->status) &&
	    !wants_status(own, answer->status)) {
		judge_redirect(&look);
		return 0;
	}
	if (!judge_type(&look) || !judge_stream(&look))
		return 0;
	if (all && own && all->status == FIELD_ABSENT_INT) {
		shared = *all;
		shared.status = own->status;
		all = &shared;
	}
	if (judge_expected(&look, all, golden, err) < 0 ||
	    judge_expected(&look, own, golden, err) < 0)
		return -1;
	drop_repeated(out);
	return 0;
}
