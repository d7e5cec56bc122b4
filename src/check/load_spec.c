/* What a suite may say about load. */
#include "check/load_private.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>

#define PROMPTS_MAX 10000
#define CLOSED (ARRIVAL_TRACE + 1)

static const char *const arrivals[] = {"constant", "poisson", "ramp", "trace", "closed", NULL};
const char *const check_load_of_names[] = {"latency", "first_byte", "first_token", "inter_token",
					   NULL};

#define AT(member) offsetof(struct load_prompt, member)
static const struct field prompt_fields[] = {
	PROMPT_INPUT_FIELDS(AT(input)),
	EXPECT_FIELD(AT(expect), "what must hold of its answers, beside the check's own"),
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct load_limit, member)
static const struct field limit_fields[] = {
	{.name = "of",
	 .type = FIELD_ENUM,
	 .offset = AT(of),
	 .choices = check_load_of_names,
	 .def = "latency",
	 .help = "latency: to the last byte; all from the scheduled time, inter_token between two"},
	{.name = "share",
	 .type = FIELD_NUMBER,
	 .offset = AT(share),
	 .min = 0.01,
	 .max = 0.99999,
	 .def = "0.99",
	 .help = "share that meets it: 0.99 is the 99th percentile"},
	{.name = "max",
	 .type = FIELD_DURATION,
	 .offset = AT(max_ns),
	 .required = true,
	 .help = "longest time"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct load_slo, member)
static const struct field slo_fields[] = {
	{.name = "latency",
	 .type = FIELD_DURATION,
	 .offset = AT(latency_ns),
	 .help = "longest time to the last byte"},
	{.name = "first_token",
	 .type = FIELD_DURATION,
	 .offset = AT(first_token_ns),
	 .help = "longest time to the first token"},
	{.name = "inter_token",
	 .type = FIELD_DURATION,
	 .offset = AT(inter_token_ns),
	 .help = "longest mean time between a request's tokens"},
	{.name = "share",
	 .type = FIELD_NUMBER,
	 .offset = AT(share),
	 .min = 0.01,
	 .max = 0.99999,
	 .def = "0.95",
	 .help = "share of all requests that must be good"},
	{.name = "goodput",
	 .type = FIELD_NUMBER,
	 .offset = AT(goodput),
	 .min = 0,
	 .max = SCHEDULE_RATE_MAX,
	 .help = "good requests a second, at least"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct load_sweep_spec, member)
static const struct field sweep_fields[] = {
	{.name = "from",
	 .type = FIELD_NUMBER,
	 .offset = AT(from),
	 .min = 0.01,
	 .max = SCHEDULE_RATE_MAX,
	 .def = "1",
	 .help = "first rate, requests a second; it is doubled until the slo no longer holds"},
	{.name = "to",
	 .type = FIELD_NUMBER,
	 .offset = AT(to),
	 .min = 0.01,
	 .max = SCHEDULE_RATE_MAX,
	 .def = "1000",
	 .help = "highest rate"},
	{.name = "step",
	 .type = FIELD_DURATION,
	 .offset = AT(step_ns),
	 .def = "10s",
	 .help = "how long each rate is held"},
	{.name = "knee",
	 .type = FIELD_NUMBER,
	 .offset = AT(knee),
	 .min = 0.01,
	 .max = SCHEDULE_RATE_MAX,
	 .help = "highest rate that holds, at least"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct load_spec, member)
const struct field check_load_fields[] = {
	PROMPT_REQUEST_FIELD(AT(request),
			     "how prompts are put (default: POST /prompt of the suite's service)"),
	{.name = "prompts",
	 .type = FIELD_OBJECTS,
	 .offset = AT(prompts),
	 .required = true,
	 .nonempty = true,
	 .fields = prompt_fields,
	 .size = sizeof(struct load_prompt),
	 .help = "sent in turn"},
	EXPECT_FIELD(AT(expect), "what must hold of every answer"),
	{.name = "arrival",
	 .type = FIELD_ENUM,
	 .offset = AT(arrival),
	 .choices = arrivals,
	 .def = "constant",
	 .help = "when requests are sent; closed waits for answers, which hides stalls"},
	{.name = "rate",
	 .type = FIELD_NUMBER,
	 .offset = AT(rate),
	 .min = 0.001,
	 .max = SCHEDULE_RATE_MAX,
	 .help = "requests a second"},
	{.name = "rate_end",
	 .type = FIELD_NUMBER,
	 .offset = AT(rate_end),
	 .min = 0.001,
	 .max = SCHEDULE_RATE_MAX,
	 .help = "ramp: requests a second at the end"},
	{.name = "duration",
	 .type = FIELD_DURATION,
	 .offset = AT(duration_ns),
	 .def = "10s",
	 .help = "how long requests are sent"},
	{.name = "requests",
	 .type = FIELD_INT,
	 .offset = AT(requests),
	 .min = 1,
	 .max = 100000000,
	 .help = "and so many at most"},
	{.name = "trace",
	 .type = FIELD_STRING,
	 .offset = AT(trace),
	 .nonempty = true,
	 .help = "file beside the suite: one request a line, seconds from the start"},
	{.name = "seed",
	 .type = FIELD_INT,
	 .offset = AT(seed),
	 .min = 0,
	 .max = 9007199254740992.,
	 .def = "1",
	 .help = "of poisson's times"},
	{.name = "concurrency",
	 .type = FIELD_INT,
	 .offset = AT(concurrency),
	 .min = 1,
	 .max = LOAD_IN_FLIGHT_MAX,
	 .help = "closed: requests kept in flight; else the most ever in flight (default: 10000)"},
	{.name = "warmup",
	 .type = FIELD_INT,
	 .offset = AT(warmup),
	 .min = 0,
	 .max = 100000,
	 .def = "10",
	 .help = "requests before the clock starts, in no figure"},
	{.name = "threads",
	 .type = FIELD_INT,
	 .offset = AT(threads),
	 .min = 1,
	 .max = LOAD_THREADS_MAX,
	 .help = "that send (default: one per core)"},
	{.name = "keep",
	 .type = FIELD_INT,
	 .offset = AT(keep),
	 .min = 0,
	 .max = LOAD_RECORDS_MAX,
	 .def = "10000",
	 .help = "requests kept one by one in requests.csv of the case's folder, the first that "
		 "end"},
	{.name = "redirects",
	 .type = FIELD_INT,
	 .offset = AT(redirects),
	 .min = 0,
	 .max = 20,
	 .def = "0",
	 .help = "followed at most"},
	{.name = "answer_timeout",
	 .type = FIELD_DURATION,
	 .offset = AT(answer_ns),
	 .def = "30s",
	 .help = "time limit of one answer"},
	{.name = "connect_timeout",
	 .type = FIELD_DURATION,
	 .offset = AT(connect_ns),
	 .def = "5s",
	 .help = "time limit of one connection"},
	{.name = "answer_max",
	 .type = FIELD_SIZE,
	 .offset = AT(answer_max),
	 .def = "4MiB",
	 .help = "largest answer"},
	{.name = "confidence",
	 .type = FIELD_NUMBER,
	 .offset = AT(confidence),
	 .min = 0.5,
	 .max = 0.9999,
	 .def = "0.99",
	 .help = "of what is claimed; samples too small for it are inconclusive"},
	{.name = "error_budget",
	 .type = FIELD_NUMBER,
	 .offset = AT(error_budget),
	 .min = 0.00001,
	 .max = 0.99,
	 .help = "share of requests that may fail (default: none may)"},
	{.name = "send_lag_max",
	 .type = FIELD_DURATION,
	 .offset = AT(send_lag_ns),
	 .help = "p99 of lateness in sending above which the client is the limit (default: a "
		 "twentieth of the tightest limit but for inter_token, 0.2 to 10 ms)"},
	{.name = "limits",
	 .type = FIELD_OBJECTS,
	 .offset = AT(limits),
	 .fields = limit_fields,
	 .size = sizeof(struct load_limit),
	 .help = "times that answers must keep"},
	{.name = "slo",
	 .type = FIELD_OBJECT,
	 .offset = AT(slo),
	 .fields = slo_fields,
	 .size = sizeof(struct load_slo),
	 .help = "what a good request is, and how many must be good"},
	{.name = "sweep",
	 .type = FIELD_OBJECT,
	 .offset = AT(sweep),
	 .fields = sweep_fields,
	 .size = sizeof(struct load_sweep_spec),
	 .help = "find the highest rate at which the slo holds, instead of one run"},
	{.name = NULL},
};
#undef AT

bool check_load_closed(const struct load_spec *spec)
{
	return spec->arrival == CLOSED;
}

const struct prompt_template *check_load_template(const struct load_spec *spec)
{
	return spec->request ? spec->request : &prompt_template_plain;
}

/* --- validation ------------------------------------------------------------------------------ */

static int validate_expect(const struct load_spec *spec, const struct expect *expect,
			   const char *what, struct err *err)
{
	if (!expect)
		return 0;
	if (expect_validate(expect, what, err) < 0)
		return -1;
	if (expect->golden || expect->deterministic || (expect->similar && !expect->similar->to))
		return err_set(err, ERR_USAGE,
			       "%s: goldens and determinism are for kind prompt, one by one", what);
	if (check_load_template(spec)->stream && expect->json_of == EXPECT_BODY &&
	    (expect->json.count || expect->schema))
		return err_set(
			err, ERR_USAGE,
			"%s: a stream is no JSON document: json_of \"text\" looks at the text",
			what);
	return 0;
}

static int validate_prompts(const struct load_spec *spec, struct err *err)
{
	const struct load_prompt *prompts = spec->prompts.items;
	char what[40];

	if (spec->prompts.count > PROMPTS_MAX)
		return err_set(err, ERR_USAGE, "%zu prompts, at most %d", spec->prompts.count,
			       PROMPTS_MAX);
	for (size_t i = 0; i < spec->prompts.count; i++) {
		(void)snprintf(what, sizeof(what), "prompts[%zu]", i);
		if (prompt_input_validate(check_load_template(spec), &prompts[i].input, err) < 0)
			return err_wrap(err, "%s", what);
		if (!spec->expect && !prompts[i].expect)
			return err_set(err, ERR_USAGE, "%s asserts nothing: give it an expect",
				       what);
		if (validate_expect(spec, prompts[i].expect, what, err) < 0)
			return -1;
	}
	return 0;
}

static int validate_arrival(const struct load_spec *spec, struct err *err)
{
	bool ramp = spec->arrival == ARRIVAL_RAMP, trace = spec->arrival == ARRIVAL_TRACE;
	bool rated = !trace && !check_load_closed(spec) && !spec->sweep;

	if (rated != !isnan(spec->rate))
		return err_set(err, ERR_USAGE,
			       rated ? "an open loop needs \"rate\""
				     : "\"rate\" is for constant, poisson and ramp alone");
	if (ramp != !isnan(spec->rate_end))
		return err_set(err, ERR_USAGE, "ramp, and it alone, has \"rate_end\"");
	if (trace != (spec->trace != NULL))
		return err_set(err, ERR_USAGE, "arrival trace and the file \"trace\" go together");
	if (check_load_closed(spec) && spec->concurrency == FIELD_ABSENT_INT)
		return err_set(err, ERR_USAGE, "a closed loop needs \"concurrency\"");
	if (!spec->answer_max || spec->answer_max > JSON_BYTES_MAX)
		return err_set(err, ERR_USAGE, "\"answer_max\" is from 1 byte to 64 MiB");
	return 0;
}

static int validate_limits(const struct load_spec *spec, struct err *err)
{
	const struct load_limit *limits = spec->limits.items;
	bool stream = check_load_template(spec)->stream;

	for (size_t i = 0; i < spec->limits.count; i++)
		if (!stream && limits[i].of >= LOAD_OF_FIRST_TOKEN)
			return err_set(err, ERR_USAGE, "limits[%zu]: %s needs request.stream", i,
				       check_load_of_names[limits[i].of]);
	if (spec->slo && !stream && (spec->slo->first_token_ns || spec->slo->inter_token_ns))
		return err_set(err, ERR_USAGE, "slo: times of tokens need request.stream");
	return 0;
}

static int validate_sweep(const struct load_spec *spec, struct err *err)
{
	if (!spec->sweep)
		return 0;
	if (!spec->slo)
		return err_set(err, ERR_USAGE, "a sweep needs \"slo\", which tells good from bad");
	if (spec->arrival > ARRIVAL_POISSON)
		return err_set(err, ERR_USAGE, "a sweep goes with arrival constant or poisson");
	if (spec->limits.count || !isnan(spec->slo->goodput) || !isnan(spec->error_budget))
		return err_set(err, ERR_USAGE,
			       "a sweep is judged by its knee: no limits, goodput, error_budget");
	if (spec->sweep->from > spec->sweep->to)
		return err_set(err, ERR_USAGE, "sweep: \"from\" is at most \"to\"");
	return 0;
}

int check_load_validate(const void *data, struct err *err)
{
	const struct load_spec *spec = data;
	const struct prompt_template *tmpl = check_load_template(spec);

	if (prompt_template_validate(tmpl, err) < 0)
		return -1;
	if (tmpl->format == PROMPT_RUNPOD_ASYNC)
		return err_set(err, ERR_USAGE,
			       "a job of /run is polled, and its time would end at a poll: load "
			       "goes to /runsync (template runpod-sync), kind prompt asks /run");
	if (validate_expect(spec, spec->expect, "expect", err) < 0 ||
	    validate_prompts(spec, err) < 0 || validate_arrival(spec, err) < 0 ||
	    validate_limits(spec, err) < 0)
		return -1;
	return validate_sweep(spec, err);
}

uint64_t check_load_lag(const struct load_spec *spec)
{
	const struct load_limit *limits = spec->limits.items;
	uint64_t least = UINT64_MAX, most = 10 * NS_PER_MS, floor = NS_PER_MS / 5;

	if (spec->send_lag_ns)
		return spec->send_lag_ns;
	for (size_t i = 0; i < spec->limits.count; i++)
		if (limits[i].of != LOAD_OF_INTER_TOKEN && limits[i].max_ns < least)
			least = limits[i].max_ns;
	if (spec->slo && spec->slo->latency_ns && spec->slo->latency_ns < least)
		least = spec->slo->latency_ns;
	if (spec->slo && spec->slo->first_token_ns && spec->slo->first_token_ns < least)
		least = spec->slo->first_token_ns;
	least /= 20;
	return least > most ? most : least < floor ? floor : least;
}
