/* A command in the image: exit code, output, JSON values, numbers as metrics. */
#include "base/pattern.h"
#include "check/text.h"
#include "parse/jsonpath.h"
#include "parse/output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 100000

struct json_spec {
	const char *path;
	const struct json *equals;
	const char *contains;
	const char *matches;
	double min, max;
	int type;
	int exists;
};

struct metric_spec {
	const char *name;
	const char *path;
	const char *pattern;
	const char *unit;
	int better;
	double min, max;
};

struct spec {
	struct strings command;
	struct pairs env;
	const char *workdir;
	const char *user;
	const char *input;
	bool network;
	int64_t exit;
	struct text_spec *out;
	struct text_spec *errout;
	struct objects json;
	struct objects metrics;
};

static const char *const json_types[] = {"null",  "boolean", "number", "string",
					 "array", "object",  NULL};
static const char *const betters[] = {"higher", "lower", NULL};

#define AT(member) offsetof(struct json_spec, member)
static const struct field json_fields[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = AT(path),
	 .required = true,
	 .help = "JSON path such as $.gpus[0].name"},
	{.name = "equals",
	 .type = FIELD_JSON,
	 .offset = AT(equals),
	 .help = "value of the same type: 1 and \"1\" differ"},
	{.name = "contains",
	 .type = FIELD_STRING,
	 .offset = AT(contains),
	 .nonempty = true,
	 .help = "text that a string value must contain"},
	{.name = "matches",
	 .type = FIELD_STRING,
	 .offset = AT(matches),
	 .pattern = true,
	 .help = "pattern of a string value"},
	{.name = "min", .type = FIELD_NUMBER, .offset = AT(min), .help = "least number"},
	{.name = "max", .type = FIELD_NUMBER, .offset = AT(max), .help = "greatest number"},
	{.name = "type",
	 .type = FIELD_ENUM,
	 .offset = AT(type),
	 .choices = json_types,
	 .help = "type of the value"},
	{.name = "exists",
	 .type = FIELD_TRISTATE,
	 .offset = AT(exists),
	 .help = "false: the path must lead nowhere"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct metric_spec, member)
static const struct field metric_fields[] = {
	{.name = "name",
	 .type = FIELD_STRING,
	 .offset = AT(name),
	 .required = true,
	 .nonempty = true,
	 .help = "name of the metric"},
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = AT(path),
	 .help = "JSON path of the number"},
	{.name = "pattern",
	 .type = FIELD_STRING,
	 .offset = AT(pattern),
	 .pattern = true,
	 .help = "pattern whose first group is the number; every match is a sample"},
	{.name = "unit", .type = FIELD_STRING, .offset = AT(unit), .help = "unit, for people"},
	{.name = "better",
	 .type = FIELD_ENUM,
	 .offset = AT(better),
	 .choices = betters,
	 .help = "which way is better"},
	{.name = "min", .type = FIELD_NUMBER, .offset = AT(min), .help = "least sample allowed"},
	{.name = "max", .type = FIELD_NUMBER, .offset = AT(max), .help = "greatest sample allowed"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	{.name = "command",
	 .type = FIELD_STRINGS,
	 .offset = AT(command),
	 .required = true,
	 .nonempty = true,
	 .help = "program and arguments; for a shell [\"sh\", \"-c\", \"…\"]"},
	{.name = "env",
	 .type = FIELD_MAP,
	 .offset = AT(env),
	 .help = "variables added to the image's"},
	{.name = "workdir",
	 .type = FIELD_STRING,
	 .offset = AT(workdir),
	 .nonempty = true,
	 .help = "working folder; the image's when left out"},
	{.name = "user",
	 .type = FIELD_STRING,
	 .offset = AT(user),
	 .nonempty = true,
	 .help = "user or uid[:gid]; the image's when left out"},
	{.name = "input", .type = FIELD_STRING, .offset = AT(input), .help = "standard input"},
	{.name = "network",
	 .type = FIELD_BOOL,
	 .offset = AT(network),
	 .help = "give it a network, in a container of its own"},
	{.name = "exit",
	 .type = FIELD_INT,
	 .offset = AT(exit),
	 .def = "0",
	 .max = 255,
	 .help = "the exit code it must have"},
	{.name = "stdout",
	 .type = FIELD_OBJECT,
	 .offset = AT(out),
	 .fields = text_fields,
	 .size = sizeof(struct text_spec),
	 .help = "what standard output must be"},
	{.name = "stderr",
	 .type = FIELD_OBJECT,
	 .offset = AT(errout),
	 .fields = text_fields,
	 .size = sizeof(struct text_spec),
	 .help = "what standard error must be"},
	{.name = "json",
	 .type = FIELD_OBJECTS,
	 .offset = AT(json),
	 .fields = json_fields,
	 .size = sizeof(struct json_spec),
	 .nonempty = true,
	 .help = "values of standard output, read as JSON"},
	{.name = "metrics",
	 .type = FIELD_OBJECTS,
	 .offset = AT(metrics),
	 .fields = metric_fields,
	 .size = sizeof(struct metric_spec),
	 .nonempty = true,
	 .help = "numbers of standard output to record"},
	{.name = NULL},
};
#undef AT

static int validate_json(const struct json_spec *spec, struct err *err)
{
	if (jsonpath_check(spec->path, err) < 0)
		return -1;
	if (!spec->equals && !spec->contains && !spec->matches && isnan(spec->min) &&
	    isnan(spec->max) && spec->type < 0 && spec->exists < 0)
		return err_set(err, ERR_USAGE, "json %s asserts nothing", spec->path);
	return 0;
}

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;
	const struct metric_spec *metrics = spec->metrics.items;

	for (size_t i = 0; i < spec->json.count; i++)
		if (validate_json(&((const struct json_spec *)spec->json.items)[i], err) < 0)
			return -1;
	for (size_t i = 0; i < spec->metrics.count; i++) {
		if (!metrics[i].path == !metrics[i].pattern)
			return err_set(err, ERR_USAGE,
				       "metric %s needs exactly one of path, pattern",
				       metrics[i].name);
		if (metrics[i].path && jsonpath_check(metrics[i].path, err) < 0)
			return -1;
	}
	if ((spec->out && !text_asserts_anything(spec->out)) ||
	    (spec->errout && !text_asserts_anything(spec->errout)))
		return err_set(err, ERR_USAGE, "stdout or stderr asserts nothing");
	return 0;
}

struct judge {
	struct check_ctx *ctx;
	const struct spec *spec;
	const struct command_result *result;
	const struct json *document;
	struct case_result *out;
	const char *where;
};

static int fail(const struct judge *judge, const char *label, const char *expected,
		const char *actual)
{
	case_fail(judge->out, label, expected, actual, judge->where, NULL);
	return 0;
}

static int judge_exit(const struct judge *judge)
{
	const struct command_result *result = judge->result;
	struct arena *arena = judge->ctx->arena;
	const char *said;

	if (result->not_found)
		return fail(judge, "command/not-found", "a program that can be run",
			    arena_printf(arena, "no program '%s' in the image",
					 judge->spec->command.items[0]));
	if (result->exit_code == judge->spec->exit)
		return 1;
	said = output_reason(judge->out->errout ? judge->out->errout : "",
			     judge->out->errout ? strlen(judge->out->errout) : 0, arena);
	if (!said)
		said = output_reason(judge->out->out ? judge->out->out : "",
				     judge->out->out ? strlen(judge->out->out) : 0, arena);
	return fail(judge, "command/exit-code",
		    arena_printf(arena, "exit code %lld", (long long)judge->spec->exit),
		    arena_printf(arena, "exit code %d%s%s", result->exit_code, said ? ": " : "",
				 said ? said : ""));
}

static int judge_stream(const struct judge *judge, const struct text_spec *spec, bool is_out,
			struct err *err)
{
	const struct command_result *result = judge->result;
	const char *text = is_out ? judge->out->out : judge->out->errout, *wrong;
	bool cut = is_out ? result->out_truncated : result->errout_truncated;
	size_t len = text ? strlen(text) : 0;
	int rc = 0;

	if (!spec)
		return 1;
	wrong = text_judge(spec, text, len, judge->ctx->arena, &rc, err);
	if (rc < 0)
		return -1;
	if (!wrong)
		return 1;
	return fail(judge, is_out ? "command/stdout-mismatch" : "command/stderr-mismatch", wrong,
		    arena_printf(judge->ctx->arena, "%s%s",
				 text_quote(text, len, judge->ctx->arena),
				 cut ? " (output was cut at output_max)" : ""));
}

static const char *print_value(const struct json *value, struct arena *arena)
{
	struct buf text;
	const char *out;

	if (!value)
		return "nothing";
	buf_init(&text, 4096);
	json_print(value, false, &text);
	out = output_oneline(buf_str(&text), text.len, 200, arena);
	buf_done(&text);
	return out;
}

static bool same_value(const struct json *a, const struct json *b, struct arena *arena)
{
	if (json_type(a) != json_type(b))
		return false;
	if (json_type(a) == JSON_NUMBER)
		return json_number(a) == json_number(b);
	return strcmp(print_value(a, arena), print_value(b, arena)) == 0;
}

/* What SPEC expects and VALUE is not; NULL when it holds. */
static const char *json_wrong(const struct json_spec *spec, const struct json *value,
			      struct arena *arena, int *rc, struct err *err)
{
	const char *text = json_text(value);
	double number = json_number(value);

	if (spec->exists == 0)
		return value ? "nothing" : NULL;
	if (!value)
		return "a value";
	if (spec->type >= 0 && (int)json_type(value) != spec->type)
		return json_types[spec->type];
	if (spec->equals && !same_value(spec->equals, value, arena))
		return print_value(spec->equals, arena);
	if (!isnan(spec->min) && !(number >= spec->min))
		return arena_printf(arena, "at least %g", spec->min);
	if (!isnan(spec->max) && !(number <= spec->max))
		return arena_printf(arena, "at most %g", spec->max);
	if (spec->contains && (!text || !strstr(text, spec->contains)))
		return arena_printf(arena, "a string with '%s'", spec->contains);
	if (spec->matches) {
		int found =
			text ? pattern_find(spec->matches, text, strlen(text), NULL, NULL, err) : 0;

		*rc = found < 0 ? -1 : 0;
		if (found == 0)
			return arena_printf(arena, "a match of /%s/", spec->matches);
	}
	return NULL;
}

static int judge_json(const struct judge *judge, struct err *err)
{
	const struct json_spec *specs = judge->spec->json.items;

	for (size_t i = 0; i < judge->spec->json.count; i++) {
		const struct json *value = jsonpath_find(judge->document, specs[i].path);
		struct arena *arena = judge->ctx->arena;
		int rc = 0;
		const char *wrong = json_wrong(&specs[i], value, arena, &rc, err);

		if (rc < 0)
			return -1;
		if (wrong)
			return fail(judge,
				    !isnan(json_number(value)) &&
						    (!isnan(specs[i].min) || !isnan(specs[i].max))
					    ? "command/number-out-of-range"
					    : "command/json-mismatch",
				    arena_printf(arena, "%s: %s", specs[i].path, wrong),
				    print_value(value, arena));
	}
	return 1;
}

/* --- metrics --------------------------------------------------------------------------------- */

static int add_sample(const struct judge *judge, const struct metric_spec *spec,
		      struct metric *metric, double value)
{
	struct arena *arena = judge->ctx->arena;

	metric_add_sample(metric, arena, value);
	if (!isnan(spec->min) && value < spec->min)
		return fail(judge, "command/number-out-of-range",
			    arena_printf(arena, "%s at least %g", spec->name, spec->min),
			    arena_printf(arena, "%g", value));
	if (!isnan(spec->max) && value > spec->max)
		return fail(judge, "command/number-out-of-range",
			    arena_printf(arena, "%s at most %g", spec->name, spec->max),
			    arena_printf(arena, "%g", value));
	return 1;
}

static int not_a_number(const struct judge *judge, const struct metric_spec *spec,
			const char *found)
{
	return fail(judge, "command/number-out-of-range",
		    arena_printf(judge->ctx->arena, "a number for %s", spec->name), found);
}

/* Every match of the pattern is a sample. */
static int add_matches(const struct judge *judge, const struct metric_spec *spec,
		       struct metric *metric, struct err *err)
{
	const char *text = judge->result->out ? judge->result->out : "";
	size_t left = judge->result->out ? judge->result->out_len : 0, len = 0;
	const char *capture = NULL;
	int found;

	while ((found = pattern_find(spec->pattern, text, left, &capture, &len, err)) == 1 &&
	       metric->sample_count < SAMPLES_MAX) {
		const char *number = arena_strndup(judge->ctx->arena, capture, len);
		char *end = NULL;
		double value = strtod(number, &end);
		size_t step = (size_t)(capture - text) + (len ? len : 1);

		if (end == number || *end || !isfinite(value))
			return not_a_number(judge, spec, number);
		if (add_sample(judge, spec, metric, value) == 0)
			return 0;
		if (step >= left)
			break;
		text += step;
		left -= step;
	}
	if (found < 0)
		return -1;
	return metric->sample_count ? 1 : not_a_number(judge, spec, "no match");
}

static int judge_metrics(const struct judge *judge, struct err *err)
{
	const struct metric_spec *specs = judge->spec->metrics.items;
	int rc = 1;

	for (size_t i = 0; i < judge->spec->metrics.count && rc == 1; i++) {
		enum direction better = specs[i].better == 0   ? DIRECTION_HIGHER
					: specs[i].better == 1 ? DIRECTION_LOWER
							       : DIRECTION_NONE;
		struct metric *metric = case_add_metric(judge->out, judge->ctx->arena,
							specs[i].name, specs[i].unit, better);

		if (specs[i].path) {
			const struct json *value = jsonpath_find(judge->document, specs[i].path);
			double number = json_number(value);

			rc = isnan(number) ? not_a_number(judge, &specs[i],
							  print_value(value, judge->ctx->arena))
					   : add_sample(judge, &specs[i], metric, number);
		} else {
			rc = add_matches(judge, &specs[i], metric, err);
		}
	}
	return rc;
}

static bool wants_document(const struct spec *spec)
{
	const struct metric_spec *metrics = spec->metrics.items;
	bool wanted = spec->json.count > 0;

	for (size_t i = 0; i < spec->metrics.count; i++)
		wanted = wanted || metrics[i].path;
	return wanted;
}

static int judge_values(struct judge *judge, struct err *err)
{
	const struct command_result *result = judge->result;
	struct json *document = NULL;
	struct err why;
	int rc;

	if (wants_document(judge->spec) &&
	    json_parse(result->out ? result->out : "", result->out_len, false, &document, &why) < 0)
		return fail(judge, "command/json-mismatch", "JSON on standard output",
			    arena_printf(judge->ctx->arena, "%s (%s)",
					 text_quote(judge->out->out,
						    judge->out->out ? strlen(judge->out->out) : 0,
						    judge->ctx->arena),
					 why.msg));
	judge->document = document;
	rc = judge_json(judge, err);
	if (rc == 1)
		rc = judge_metrics(judge, err);
	json_free(document);
	return rc;
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	struct command command = {.argv = spec->command,
				  .env = spec->env,
				  .workdir = spec->workdir,
				  .user = spec->user,
				  .input = spec->input,
				  .network = spec->network};
	struct command_result result = {0};
	struct judge judge = {.ctx = ctx, .spec = spec, .result = &result, .out = out};
	int rc;

	judge.where = arena_printf(ctx->arena, "command %s", text_argv(&spec->command, ctx->arena));
	if (text_run(ctx, &command, out, &result, err) < 0)
		return -1;
	rc = judge_exit(&judge);
	if (rc == 1)
		rc = judge_stream(&judge, spec->out, true, err);
	if (rc == 1)
		rc = judge_stream(&judge, spec->errout, false, err);
	if (rc == 1)
		rc = judge_values(&judge, err);
	if (rc <= 0)
		return rc;
	out->where = judge.where;
	case_pass(out, out->out && *out->out
			       ? text_quote(out->out, strlen(out->out), ctx->arena)
			       : arena_printf(ctx->arena, "exit code %d", result.exit_code));
	return 0;
}

const struct check_ops check_command = {
	.kind = "command",
	.summary = "a command in the image: exit code, output, JSON values, numbers as metrics",
	.needs = NEED_IMAGE | NEED_COMMAND,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};
