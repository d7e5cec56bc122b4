/* Prompts to the deployed service, one after the other, and what must hold of the answers. */
#include "check/prompt_private.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/hold.h"
#include "base/units.h"
#include "model/secret.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CASES_MAX 1000
#define TEXT_SHOWN 150 /* bytes of each of two texts that differ */

#define AT(member) offsetof(struct prompt_case, member)
static const struct field case_fields[] = {
	{.name = "name",
	 .type = FIELD_STRING,
	 .offset = AT(name),
	 .required = true,
	 .nonempty = true,
	 .help = "unique in the check; keys its golden"},
	PROMPT_INPUT_FIELDS(AT(input)),
	EXPECT_FIELD(AT(expect), "what must hold of its answer, beside the check's own"),
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct prompt_spec, member)
static const struct field fields[] = {
	PROMPT_REQUEST_FIELD(AT(request),
			     "how prompts are put (default: POST /prompt of the suite's service)"),
	{.name = "cases",
	 .type = FIELD_OBJECTS,
	 .offset = AT(cases),
	 .required = true,
	 .nonempty = true,
	 .fields = case_fields,
	 .size = sizeof(struct prompt_case),
	 .help = "prompts, sent one after the other"},
	EXPECT_FIELD(AT(expect), "what must hold of every answer"),
	{.name = "repeat",
	 .type = FIELD_INT,
	 .offset = AT(repeat),
	 .min = 1,
	 .max = PROMPT_REPEAT_MAX,
	 .def = "1",
	 .help = "times that each prompt is sent"},
	{.name = "at_least",
	 .type = FIELD_INT,
	 .offset = AT(at_least),
	 .min = 1,
	 .max = PROMPT_REPEAT_MAX,
	 .help = "repetitions that must hold (default: all)"},
	{.name = "golden",
	 .type = FIELD_STRING,
	 .offset = AT(golden),
	 .nonempty = true,
	 .help = "file beside the suite with the goldens; `assay suite golden --update` writes it"},
	{.name = "answer_timeout",
	 .type = FIELD_DURATION,
	 .offset = AT(answer_ns),
	 .def = "30s",
	 .help = "time limit of one answer"},
	{.name = "answer_max",
	 .type = FIELD_SIZE,
	 .offset = AT(answer_max),
	 .def = "16MiB",
	 .help = "largest answer"},
	{.name = "queue_timeout",
	 .type = FIELD_DURATION,
	 .offset = AT(queue_ns),
	 .def = "30s",
	 .help = "runpod: time in the queue before the endpoint's health is asked"},
	{.name = "memory_growth_max",
	 .type = FIELD_SIZE,
	 .offset = AT(memory_growth_max),
	 .help = "most that the started service's memory may grow from the first answer to the "
		 "last"},
	{.name = NULL},
};
#undef AT

static const struct prompt_template *template_of(const struct prompt_spec *spec)
{
	return spec->request ? spec->request : &prompt_template_plain;
}

/* --- validation ------------------------------------------------------------------------------ */

bool check_prompt_wants_golden(const struct expect *expect)
{
	return expect && (expect->golden || (expect->similar && !expect->similar->to));
}

static int validate_expect(const struct prompt_spec *spec, const struct expect *expect,
			   const char *what, struct err *err)
{
	const struct prompt_template *tmpl = template_of(spec);

	if (!expect)
		return 0;
	if (expect_validate(expect, what, err) < 0)
		return -1;
	if (check_prompt_wants_golden(expect) && !spec->golden)
		return err_set(err, ERR_USAGE, "%s: a golden needs the file: \"golden\"", what);
	if (expect->golden && tmpl->temperature > 0)
		return err_set(err, ERR_USAGE, "%s: an exact golden needs temperature 0", what);
	if (expect->deterministic && spec->repeat < 2)
		return err_set(err, ERR_USAGE, "%s: \"deterministic\" needs \"repeat\"", what);
	if (tmpl->stream && expect->json_of == EXPECT_BODY &&
	    (expect->json.count || expect->schema))
		return err_set(
			err, ERR_USAGE,
			"%s: a stream is no JSON document: json_of \"text\" looks at the text",
			what);
	return 0;
}

static int validate_case(const struct prompt_spec *spec, size_t index, struct err *err)
{
	const struct prompt_case *cases = spec->cases.items, *one = &cases[index];
	char what[200];

	for (size_t i = 0; i < index; i++)
		if (strcmp(cases[i].name, one->name) == 0)
			return err_set(err, ERR_USAGE, "cases[%zu]: \"%s\" is named twice", index,
				       one->name);
	(void)snprintf(what, sizeof(what), "cases[%zu] \"%.100s\"", index, one->name);
	if (prompt_input_validate(template_of(spec), &one->input, err) < 0)
		return err_wrap(err, "%s", what);
	if (!spec->expect && !one->expect)
		return err_set(err, ERR_USAGE, "%s asserts nothing: give it an expect", what);
	return validate_expect(spec, one->expect, what, err);
}

static int validate(const void *data, struct err *err)
{
	const struct prompt_spec *spec = data;

	if (prompt_template_validate(template_of(spec), err) < 0)
		return -1;
	if (spec->cases.count > CASES_MAX)
		return err_set(err, ERR_USAGE, "%zu cases, at most %d", spec->cases.count,
			       CASES_MAX);
	if (spec->at_least != FIELD_ABSENT_INT && spec->at_least > spec->repeat)
		return err_set(err, ERR_USAGE, "\"at_least\" is above \"repeat\"");
	if (!spec->answer_max || spec->answer_max > JSON_BYTES_MAX)
		return err_set(err, ERR_USAGE, "\"answer_max\" is from 1 byte to 64 MiB");
	if (validate_expect(spec, spec->expect, "expect", err) < 0)
		return -1;
	for (size_t i = 0; i < spec->cases.count; i++)
		if (validate_case(spec, i, err) < 0)
			return -1;
	return 0;
}

static int load(void *data, const struct file_reader *files, struct arena *arena, struct err *err)
{
	struct prompt_spec *spec = data;

	if (!spec->golden)
		return 0;
	return check_golden_load(spec->golden, files, arena, &spec->goldens, err);
}

/* --- measuring ------------------------------------------------------------------------------- */

struct asking {
	const struct prompt_spec *spec;
	struct trial *trial;
	struct prompt_wire wire; /* with an arena for each answer */
	struct arena *arena;	 /* of the case */
	struct buf said;	 /* answers, one JSON object a line */
	bool lost;		 /* no connection, because of WHY: nothing more can be asked */
	const char *why;
	bool cut;    /* one was cut: a service may have ended */
	bool ended;  /* it has */
	bool looked; /* MEMORY is that behind the first answer */
	uint64_t memory;
};

static void add_sample(struct asking *asking, const char *name, const char *unit, double value)
{
	struct case_result *out = asking->trial->out;
	struct arena *arena = asking->arena;
	struct metric *metric = NULL;

	if (isnan(value))
		return;
	for (size_t i = 0; i < out->metric_count && !metric; i++)
		if (strcmp(out->metrics[i].name, name) == 0)
			metric = &out->metrics[i];
	if (!metric)
		metric = case_add_metric(out, arena, name, unit, DIRECTION_LOWER);
	metric_add_sample(metric, arena, value);
}

/* Of successes alone: the time of a failure says nothing of the service's speed. */
static void measure(struct asking *asking, const struct prompt_answer *answer)
{
	if (answer->end != PROMPT_ANSWERED || answer->status / 100 != 2)
		return;
	add_sample(asking, "latency", "s", (double)answer->total_ns / NS_PER_S);
	if (answer->first_ns)
		add_sample(asking, "first_token", "s", (double)answer->first_ns / NS_PER_S);
	add_sample(asking, "delay", "s", answer->delay_ms / 1000);
	add_sample(asking, "execution", "s", answer->execution_ms / 1000);
}

/* What was generated, for people and for `suite golden`. */
static void keep_said(struct asking *asking, const char *name, const struct prompt_answer *answer)
{
	struct json *line = json_new_object();

	json_add_str(line, "case", name);
	if (answer->status)
		json_add_int(line, "status", answer->status);
	json_add_str(line, "text", answer->reply.text);
	json_add_str(line, "finish", answer->reply.finish);
	json_print(line, false, &asking->said);
	buf_addstr(&asking->said, "\n");
	json_free(line);
}

/* --- the service ----------------------------------------------------------------------------- */

static int look_at(struct asking *asking, struct target_service_state *out, struct err *err)
{
	const struct target *target = asking->trial->ctx->target;

	*out = (struct target_service_state){.running = true};
	if (!asking->wire.started)
		return 0;
	return target->ops->service_state(target->self, asking->spec->memory_growth_max != 0,
					  asking->arena, out, err);
}

/* 1: it ended, which explains what was lost and is the finding; 0: it runs; -1. */
static int judge_ended(struct asking *asking, struct err *err)
{
	struct target_service_state state;

	if (look_at(asking, &state, err) < 0)
		return -1;
	if (state.running)
		return 0;
	asking->ended = true;
	check_trial_fail(
		asking->trial, state.out_of_memory ? "service/out-of-memory" : "service/exited",
		"the service", "a service that goes on",
		arena_printf(asking->arena, "it ended with exit code %d", state.exit_code));
	return 1;
}

/* --- one case -------------------------------------------------------------------------------- */

/* How the repetitions of one case went. */
struct tally {
	int64_t held, asked;
	struct expect_findings first; /* of the first repetition that does not hold */
	int64_t first_index;
	struct pairs texts; /* digest -> start of the text: the different ones */
};

static void count_text(struct asking *asking, struct tally *tally, const struct prompt_reply *reply)
{
	char digest[DIGEST_HEX];
	struct pair *pair;

	digest_of(reply->text ? reply->text : "", reply->text_len, digest);
	for (size_t i = 0; i < tally->texts.count; i++)
		if (strcmp(tally->texts.items[i].key, digest) == 0)
			return;
	pair = arena_push(asking->arena, &tally->texts.items, &tally->texts.count, sizeof(*pair));
	pair->key = arena_strdup(asking->arena, digest);
	pair->value = arena_strndup(asking->arena, reply->text ? reply->text : "",
				    reply->text_len < TEXT_SHOWN ? reply->text_len : TEXT_SHOWN);
}

/* The answer's memory goes with it; what is told of it stays. */
static void keep_findings(struct asking *asking, struct tally *tally,
			  const struct expect_findings *findings)
{
	tally->first_index = tally->asked;
	for (size_t i = 0; i < findings->count; i++) {
		const struct expect_finding *from = &findings->items[i];
		struct expect_finding *to = arena_push(asking->arena, &tally->first.items,
						       &tally->first.count, sizeof(*to));

		to->label = from->label; /* of a table */
		to->expected = arena_strdup(asking->arena, from->expected);
		to->actual = arena_strdup(asking->arena, from->actual);
		to->where = arena_strdup(asking->arena, from->where);
	}
}

/* Memory that the first answer took is there to stay; what grows later is looked for. */
static int remember_memory(struct asking *asking, struct err *err)
{
	struct target_service_state state;

	asking->looked = true;
	if (!asking->spec->memory_growth_max)
		return 0;
	if (look_at(asking, &state, err) < 0)
		return -1;
	asking->memory = state.memory_bytes;
	return 0;
}

static void take_answer(struct asking *asking, const struct prompt_case *one, struct tally *tally,
			const struct prompt_answer *answer, const struct expect_findings *findings)
{
	measure(asking, answer);
	keep_said(asking, one->name, answer);
	count_text(asking, tally, &answer->reply);
	if (answer->end == PROMPT_UNREACHABLE) {
		asking->lost = true;
		asking->why = arena_strdup(asking->arena, answer->why);
	}
	asking->cut |= answer->end == PROMPT_CUT;
	tally->asked++;
	if (!findings->count)
		tally->held++;
	else if (!tally->first.count)
		keep_findings(asking, tally, findings);
}

static int ask_once(struct asking *asking, const struct prompt_case *one, struct tally *tally,
		    struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct prompt_spec *spec = asking->spec;
	struct expect_findings findings = {0};
	struct prompt_answer answer = {0};
	int rc;

	asking->wire.arena = arena;
	rc = check_prompt_send(&asking->wire, &one->input, &answer, err);
	if (rc == 0)
		rc = check_prompt_judge(asking->wire.tmpl, spec->expect, one->expect, &answer,
					check_golden_find(&spec->goldens, one->name), arena,
					&findings, err);
	if (rc == 0)
		take_answer(asking, one, tally, &answer, &findings);
	json_free(answer.document);
	if (rc == 0 && !asking->looked)
		rc = remember_memory(asking, err);
	return rc;
}

static const char *place_of(struct asking *asking, const struct prompt_case *one, int64_t index,
			    const char *where)
{
	struct arena *arena = asking->arena;

	if (asking->spec->repeat == 1)
		return arena_printf(arena, "case %s: %s", one->name, where);
	return arena_printf(arena, "case %s, repetition %lld: %s", one->name, (long long)index,
			    where);
}

static void fail_some(struct asking *asking, const struct prompt_case *one,
		      const struct tally *tally, int64_t wanted)
{
	const struct expect_finding *first = tally->first.items;
	struct arena *arena = asking->arena;

	check_trial_fail(
		asking->trial, "prompt/too-few-hold", arena_printf(arena, "case %s", one->name),
		arena_printf(arena, "%lld of %lld repetitions hold", (long long)wanted,
			     (long long)asking->spec->repeat),
		arena_printf(arena, "%lld; %s: expected %s, found %s", (long long)tally->held,
			     place_of(asking, one, tally->first_index, first->where),
			     first->expected, first->actual));
}

static void fail_each(struct asking *asking, const struct prompt_case *one,
		      const struct tally *tally)
{
	struct arena *arena = asking->arena;

	for (size_t i = 0; i < tally->first.count; i++) {
		const struct expect_finding *finding = &tally->first.items[i];
		const char *where = place_of(asking, one, tally->first_index, finding->where);

		check_trial_fail(asking->trial, finding->label, where,
				 arena_printf(arena, "%s: %s", finding->where, finding->expected),
				 finding->actual);
	}
}

static bool wants_equal(const struct asking *asking, const struct prompt_case *one)
{
	const struct expect *all = asking->spec->expect;

	return (all && all->deterministic) || (one->expect && one->expect->deterministic);
}

static void judge_equal(struct asking *asking, const struct prompt_case *one,
			const struct tally *tally)
{
	struct arena *arena = asking->arena;

	if (!wants_equal(asking, one) || tally->texts.count < 2)
		return;
	check_trial_fail(asking->trial, "prompt/not-deterministic",
			 arena_printf(arena, "case %s", one->name),
			 arena_printf(arena, "the same text %lld times", (long long)tally->asked),
			 arena_printf(arena, "%zu texts, such as '%s' and '%s'", tally->texts.count,
				      tally->texts.items[0].value, tally->texts.items[1].value));
}

static int ask_case(struct asking *asking, const struct prompt_case *one, struct err *err)
{
	int64_t wanted = asking->spec->at_least;
	struct tally tally = {0};
	int rc;

	for (int64_t i = 0; i < asking->spec->repeat && !asking->lost; i++)
		if (ask_once(asking, one, &tally, err) < 0)
			return err_wrap(err, "case %s", one->name);
	rc = asking->lost || asking->cut ? judge_ended(asking, err) : 0;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	asking->cut = false;
	if (wanted == FIELD_ABSENT_INT)
		fail_each(asking, one, &tally);
	else if (tally.held < wanted)
		fail_some(asking, one, &tally, wanted);
	judge_equal(asking, one, &tally);
	return 0;
}

/* --- after all cases ------------------------------------------------------------------------- */

static void judge_memory(struct asking *asking, uint64_t before, uint64_t after)
{
	struct arena *arena = asking->arena;
	uint64_t most = asking->spec->memory_growth_max;
	char limit[32], grew[32];

	if (!before || !after)
		return;
	add_sample(asking, "memory", "MiB", (double)after / (1024 * 1024));
	if (after <= before + most)
		return;
	check_trial_fail(
		asking->trial, "service/memory-growth", "the service",
		arena_printf(arena, "growth of at most %s", units_size(most, limit, sizeof(limit))),
		units_size(after - before, grew, sizeof(grew)));
}

/* What was not asked any more did not hold. An endpoint that was not started here and cannot be
 * reached is no finding about the image. */
static int judge_lost(const struct asking *asking, struct err *err)
{
	const char *label = asking->trial->label;

	if (!asking->lost)
		return 0;
	if (!asking->wire.started && (!label || strcmp(label, "prompt/unreachable") == 0 ||
				      strcmp(label, "prompt/too-few-hold") == 0))
		return err_set(err, ERR_INFRA, "%s", asking->why);
	if (!label)
		check_trial_fail(asking->trial, "prompt/unreachable", "the endpoint",
				 "a connection for every case", asking->why);
	return 0;
}

static int ask_all(struct asking *asking, struct err *err)
{
	const struct prompt_case *cases = asking->spec->cases.items;
	struct target_service_state state;

	for (size_t i = 0; i < asking->spec->cases.count && !asking->lost && !asking->ended; i++)
		if (ask_case(asking, &cases[i], err) < 0)
			return -1;
	if (look_at(asking, &state, err) < 0)
		return -1;
	check_trial_log(asking->trial, &state);
	if (!asking->ended)
		judge_memory(asking, asking->memory, state.memory_bytes);
	return judge_lost(asking, err);
}

/* --- the check ------------------------------------------------------------------------------- */

static void hide(struct asking *asking, const char *secret)
{
	const struct target *target = asking->trial->ctx->target;

	secret_add(&asking->trial->secrets, secret, asking->arena);
	if (target->ops->service_hide)
		target->ops->service_hide(target->self, secret);
}

static int ask_service(struct asking *asking, const struct target_service *service, struct err *err)
{
	for (size_t i = 0; i < service->secrets.count; i++)
		secret_add(&asking->trial->secrets, service->secrets.items[i], asking->arena);
	if (service->label) {
		check_trial_fail(asking->trial, service->label, "the service", service->expected,
				 service->actual);
		return 0;
	}
	asking->wire.place.base = service->url;
	asking->wire.started = service->started;
	if (service->started)
		add_sample(asking, "cold_start", "s", (double)service->cold_start_ns / NS_PER_S);
	asking->wire.end_ns = clock_ns() + asking->trial->ctx->timeout_ns;
	return ask_all(asking, err);
}

/* The suite's service is held for this case alone; a URL of the check's own is not. */
static int ask(struct asking *asking, struct err *err)
{
	const struct target *target = asking->trial->ctx->target;
	const struct target_service elsewhere = {.url = asking->wire.tmpl->url};
	const struct target_service *service = NULL;
	int rc;

	if (elsewhere.url)
		return ask_service(asking, &elsewhere, err);
	if (!target->ops->service)
		return err_set(err, ERR_USAGE, "an image that is only read runs no service");
	if (target->ops->service(target->self, &service, err) < 0)
		return -1;
	rc = ask_service(asking, service, err);
	target->ops->service_end(target->self);
	return rc;
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct prompt_spec *spec = data;
	const struct prompt_template *tmpl = template_of(spec);
	struct trial trial;
	struct asking asking = {.spec = spec,
				.trial = &trial,
				.wire = {.spec = spec, .tmpl = tmpl},
				.arena = ctx->arena};
	const char *where = arena_printf(ctx->arena, "%zu cases, %s", spec->cases.count,
					 prompt_format_names[tmpl->format]);
	int rc;

	check_trial_begin(&trial, ctx, NULL, out);
	buf_init(&asking.said, ctx->output_max);
	if (tmpl->auth) {
		asking.wire.place.secret = hold_env(tmpl->auth->env);
		if (asking.wire.place.secret)
			hide(&asking, asking.wire.place.secret);
	}
	rc = ask(&asking, err);
	if (rc < 0 && err->code == ERR_TIMEOUT) /* the executor says so; the label keys history */
		case_fail(out, "prompt/timed-out", "every answer within the time of the check",
			  arena_strdup(ctx->arena, err->msg), where, NULL);
	http_client_close(asking.wire.client);
	out->out = secret_redact(&trial.secrets, buf_str(&asking.said), asking.said.len,
				 asking.said.truncated, ctx->arena);
	buf_done(&asking.said);
	return check_trial_end(&trial, rc, where, "every answer holds", err);
}

static bool elsewhere(const void *spec)
{
	return template_of(spec)->url != NULL;
}

const struct check_ops check_prompt = {
	.kind = "prompt",
	.summary = "prompts to the deployed service: right answers, whole streams, RunPod jobs",
	.needs = NEED_SERVICE,
	.fields = fields,
	.spec_size = sizeof(struct prompt_spec),
	.validate = validate,
	.load = load,
	.run = run,
	.elsewhere = elsewhere,
};
