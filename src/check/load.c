/* Load on the deployed service: answers in time and right, or the highest rate that is. */
#include "check/load_private.h"

#include "base/clock.h"
#include "base/hold.h"
#include "base/units.h"
#include "model/secret.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define IN_FLIGHT 10000				   /* of an open loop, unless the suite says */
#define FILE_BYTES_MAX ((size_t)256 * 1024 * 1024) /* LOAD_RECORDS_MAX lines fit */

static int load(void *data, const struct file_reader *files, struct arena *arena, struct err *err)
{
	struct load_spec *spec = data;
	uint64_t *times = NULL;
	struct buf text;
	int rc;

	if (!spec->trace)
		return 0;
	buf_init(&text, TRACE_BYTES_MAX);
	rc = files->read(files->self, spec->trace, &text, err);
	if (rc == 0)
		rc = trace_read(buf_str(&text), text.len, arena, &times, &spec->trace_count, err);
	buf_done(&text);
	if (rc < 0)
		return err_wrap(err, "%s", spec->trace);
	spec->trace_times = times;
	return 0;
}

/* --- one check ------------------------------------------------------------------------------- */

struct loading {
	const struct load_spec *spec;
	struct trial *trial;
	struct arena *arena;
	struct prompt_place place;
	bool started; /* the service runs on this host, started here */
	struct load_request *requests;
	uint64_t deadline_ns;
	const char *cell;
	const char *open; /* why nothing can be said */
	const char *figures;
};

static void plans_free(struct loading *loading)
{
	for (size_t i = 0; i < loading->spec->prompts.count; i++)
		http_plan_free((struct http_plan *)loading->requests[i].plan);
}

static int plans_make(struct loading *loading, struct err *err)
{
	const struct load_spec *spec = loading->spec;
	const struct load_prompt *prompts = spec->prompts.items;

	for (size_t i = 0; i < spec->prompts.count; i++) {
		struct prompt_request request;

		if (prompt_request_make(check_load_template(spec), &prompts[i].input,
					&loading->place, loading->arena, &request, err) < 0)
			return err_wrap(err, "prompts[%zu]", i);
		loading->requests[i].expect = prompts[i].expect;
		loading->requests[i].plan =
			http_plan_new(&(struct http_plan_options){.method = request.method,
								  .url = request.url,
								  .headers = request.headers,
								  .body = request.body,
								  .body_len = request.body_len});
	}
	return 0;
}

static void set_peer(const struct loading *loading, struct http_multi_options *peer)
{
	const struct load_spec *spec = loading->spec;
	const struct prompt_template *tmpl = check_load_template(spec);

	*peer = (struct http_multi_options){
		/* What was started here is on this host, whatever proxy leads out of it. */
		.proxy = loading->started ? "" : tmpl->proxy,
		.redirects = (unsigned)spec->redirects,
		.connect_timeout_ns = spec->connect_ns,
		.timeout_ns = spec->answer_ns};
	if (tmpl->tls) {
		peer->ca = tmpl->tls->ca;
		peer->cert = tmpl->tls->cert;
		peer->key = tmpl->tls->key;
		peer->insecure = tmpl->tls->insecure;
	}
}

static struct load_options options_of(const struct loading *loading)
{
	const struct load_spec *spec = loading->spec;
	const struct prompt_template *tmpl = check_load_template(spec);
	struct load_options options = {.requests = loading->requests,
				       .request_count = spec->prompts.count,
				       .expect = spec->expect,
				       .format = (enum prompt_format)tmpl->format,
				       .text_path = tmpl->text,
				       .stream = tmpl->stream,
				       .closed = check_load_closed(spec),
				       .schedule = {.arrival = (enum arrival)spec->arrival,
						    .rate = spec->rate,
						    .rate_end = spec->rate_end,
						    .duration_ns = spec->duration_ns,
						    .seed = (uint64_t)spec->seed,
						    .trace = spec->trace_times,
						    .trace_count = spec->trace_count},
				       .in_flight = IN_FLIGHT,
				       .warmup = (size_t)spec->warmup,
				       .answer_max = spec->answer_max,
				       .records_max = (size_t)spec->keep,
				       .deadline_ns = loading->deadline_ns};

	set_peer(loading, &options.peer);
	if (spec->concurrency != FIELD_ABSENT_INT)
		options.in_flight = (size_t)spec->concurrency;
	if (spec->requests != FIELD_ABSENT_INT)
		options.schedule.requests = (uint64_t)spec->requests;
	if (spec->threads != FIELD_ABSENT_INT)
		options.threads = (unsigned)spec->threads;
	if (spec->slo)
		options.limits = (struct load_limits){.latency_ns = spec->slo->latency_ns,
						      .first_token_ns = spec->slo->first_token_ns,
						      .inter_token_ns = spec->slo->inter_token_ns};
	return options;
}

/* How many requests came to which end; times are metrics. */
static void keep_counts(struct loading *loading, const struct load_result *result)
{
	struct json *line = json_new_object(), *warm;
	struct buf text;

	json_add_int(line, "requests", (int64_t)result->requests);
	for (size_t i = 0; i < LOAD_CLASSES; i++)
		if (result->counts[i])
			json_add_int(line, load_class_names[i], (int64_t)result->counts[i]);
	if (result->unsent)
		json_add_int(line, "unsent", (int64_t)result->unsent);
	if (result->unstamped)
		json_add_int(line, "unstamped", (int64_t)result->unstamped);
	warm = json_add_object(line, "warmup");
	for (size_t i = 0; i < LOAD_CLASSES; i++)
		if (result->warmup[i])
			json_add_int(warm, load_class_names[i], (int64_t)result->warmup[i]);
	buf_init(&text, FINDINGS_BYTES_MAX);
	json_print(line, false, &text);
	buf_addstr(&text, "\n");
	loading->trial->out->out = arena_strdup(loading->arena, buf_str(&text));
	buf_done(&text);
	json_free(line);
}

static void keep_file(struct loading *loading, const char *name, const struct load_result *result,
		      void (*print)(const struct load_result *result, struct buf *out))
{
	struct buf text;

	buf_init(&text, FILE_BYTES_MAX);
	print(result, &text);
	case_add_file(loading->trial->out, loading->arena, name,
		      arena_strndup(loading->arena, buf_str(&text), text.len), text.len);
	buf_done(&text);
}

/* An endpoint that was not started here and never answered is no finding about the image. */
static int judge_reach(const struct loading *loading, const struct load_result *result,
		       struct err *err)
{
	uint64_t lost =
		result->counts[LOAD_REFUSED] + result->counts[LOAD_DNS] + result->counts[LOAD_TLS];

	/* A connection that the server ended after the handshake may be tried once more. */
	if (result->counts[LOAD_TLS])
		lost += result->counts[LOAD_RESET];
	if (loading->started || !lost || lost < result->requests)
		return 0;
	for (int i = LOAD_REFUSED; i <= LOAD_TLS; i++)
		if (result->examples[i])
			return err_set(err, ERR_INFRA, "cannot connect to the endpoint: %s",
				       result->examples[i]);
	return err_set(err, ERR_INFRA, "cannot connect to the endpoint");
}

/* A service that ended explains what was lost: the finding is told before its effects. */
static int judge_service(struct loading *loading, struct err *err)
{
	struct trial *trial = loading->trial;
	const struct target *target = trial->ctx->target;
	struct target_service_state state;

	if (!loading->started)
		return 0;
	if (target->ops->service_state(target->self, false, loading->arena, &state, err) < 0)
		return -1;
	check_trial_log(trial, &state);
	if (!state.running)
		check_trial_fail(trial,
				 state.out_of_memory ? "service/out-of-memory" : "service/exited",
				 "the service", "a service that goes on",
				 arena_printf(loading->arena, "it ended with exit code %d",
					      state.exit_code));
	return 0;
}

static int load_once(struct loading *loading, struct err *err)
{
	const struct load_options options = options_of(loading);
	struct load_result result;
	int rc;

	if (load_run(&options, loading->arena, &result, err) < 0)
		return -1;
	keep_counts(loading, &result);
	if (options.records_max)
		keep_file(loading, "requests.csv", &result, load_print_records);
	keep_file(loading, "histograms.csv", &result, load_print_histograms);
	check_load_measure(loading->spec, &result, loading->cell, loading->arena,
			   loading->trial->out);
	loading->figures = check_load_figures(loading->spec, &result, loading->arena);
	rc = judge_reach(loading, &result, err);
	if (rc == 0)
		rc = judge_service(loading, err);
	if (rc == 0)
		check_load_judge(loading->spec, &result, loading->trial, &loading->open);
	load_result_done(&result);
	return rc;
}

/* --- the knee -------------------------------------------------------------------------------- */

static void judge_sweep(struct loading *loading, const struct sweep_result *found)
{
	const struct load_sweep_spec *spec = loading->spec->sweep;
	struct arena *arena = loading->arena;

	if (found->client && (isnan(spec->knee) || found->knee < spec->knee)) {
		loading->open =
			arena_printf(arena, "the client was the limit %s %.4g requests a second",
				     found->knee > 0 ? "above" : "at",
				     found->knee > 0 ? found->knee : found->steps[0].rate);
		return;
	}
	if (isnan(spec->knee) ? found->knee > 0 : found->knee >= spec->knee)
		return;
	check_trial_fail(
		loading->trial, "load/knee", "the sweep",
		isnan(spec->knee)
			? "a rate at which the slo holds"
			: arena_printf(arena, "the slo holds at %g requests a second", spec->knee),
		found->knee > 0 ? arena_printf(arena, "at %.4g at most", found->knee)
				: arena_printf(arena, "not even at %g", found->steps[0].rate));
}

static int load_sweeping(struct loading *loading, struct err *err)
{
	const struct load_spec *spec = loading->spec;
	struct load_options options = options_of(loading);
	const struct sweep_options sweep = {.from = spec->sweep->from,
					    .to = spec->sweep->to,
					    .share = spec->slo->share,
					    .step_ns = spec->sweep->step_ns,
					    .lag_ns = check_load_lag(spec)};
	struct sweep_result found;
	struct metric *metric;

	options.records_max = 0;
	if (load_sweep(&options, &sweep, loading->arena, &found, err) < 0)
		return -1;
	metric = case_add_metric(loading->trial->out, loading->arena, "knee", "requests/s",
				 DIRECTION_HIGHER);
	metric->cell = loading->cell;
	metric_add_sample(metric, loading->arena, found.knee);
	loading->figures = arena_printf(loading->arena, "kept up to %.4g requests/s", found.knee);
	if (judge_service(loading, err) < 0)
		return -1;
	judge_sweep(loading, &found);
	return 0;
}

/* --- the service ----------------------------------------------------------------------------- */

static int load_service(struct loading *loading, const struct target_service *service,
			struct err *err)
{
	struct trial *trial = loading->trial;
	int rc;

	for (size_t i = 0; i < service->secrets.count; i++)
		secret_add(&trial->secrets, service->secrets.items[i], loading->arena);
	if (service->label) {
		check_trial_fail(trial, service->label, "the service", service->expected,
				 service->actual);
		return 0;
	}
	loading->place.base = service->url;
	loading->started = service->started;
	loading->deadline_ns = clock_ns() + trial->ctx->timeout_ns;
	loading->requests = arena_alloc(loading->arena,
					loading->spec->prompts.count * sizeof(*loading->requests));
	rc = plans_make(loading, err);
	if (rc == 0)
		rc = loading->spec->sweep ? load_sweeping(loading, err) : load_once(loading, err);
	plans_free(loading);
	return rc;
}

/* The suite's service is held for this case alone; a URL of the check's own is not. */
static int load_any(struct loading *loading, struct err *err)
{
	const struct target *target = loading->trial->ctx->target;
	const struct target_service elsewhere = {.url = check_load_template(loading->spec)->url};
	const struct target_service *service = NULL;
	int rc;

	if (elsewhere.url)
		return load_service(loading, &elsewhere, err);
	if (!target->ops->service)
		return err_set(err, ERR_USAGE, "an image that is only read runs no service");
	if (target->ops->service(target->self, &service, err) < 0)
		return -1;
	rc = load_service(loading, service, err);
	target->ops->service_end(target->self);
	return rc;
}

static void hide(struct loading *loading, const char *secret)
{
	const struct target *target = loading->trial->ctx->target;

	secret_add(&loading->trial->secrets, secret, loading->arena);
	if (target->ops->service_hide)
		target->ops->service_hide(target->self, secret);
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct load_spec *spec = data;
	const struct prompt_template *tmpl = check_load_template(spec);
	const char *where = arena_printf(ctx->arena, "%zu prompts, %s", spec->prompts.count,
					 prompt_format_names[tmpl->format]);
	struct trial trial;
	struct loading loading = {.spec = spec,
				  .trial = &trial,
				  .arena = ctx->arena,
				  .cell = ctx->target->name,
				  .figures = ""};
	int rc;

	check_trial_begin(&trial, ctx, NULL, out);
	if (tmpl->auth) {
		loading.place.secret = hold_env(tmpl->auth->env);
		if (loading.place.secret)
			hide(&loading, loading.place.secret);
	}
	rc = load_any(&loading, err);
	rc = check_trial_end(&trial, rc, where, loading.figures, err);
	/* What was found is found; only a pass is taken back. */
	if (rc == 0 && loading.open && out->outcome == OUTCOME_PASS) {
		out->actual = out->where = NULL;
		case_skip(out, secret_redact(&trial.secrets, loading.open, strlen(loading.open),
					     false, ctx->arena));
	}
	return rc;
}

static bool elsewhere(const void *spec)
{
	return check_load_template(spec)->url != NULL;
}

const struct check_ops check_load = {
	.kind = "load",
	.summary = "load on the deployed service: times, failures, the highest rate that holds",
	.needs = NEED_SERVICE,
	.fields = check_load_fields,
	.spec_size = sizeof(struct load_spec),
	.validate = check_load_validate,
	.load = load,
	.run = run,
	.elsewhere = elsewhere,
};
