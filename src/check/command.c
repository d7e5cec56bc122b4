/* A command in the image: exit code, output, JSON values, numbers as metrics. */
#include "check/command_private.h"
#include "check/probe.h"
#include "check/text.h"

#include <string.h>

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

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	{.name = "command",
	 .type = FIELD_STRINGS,
	 .offset = AT(command),
	 .required = true,
	 .help = "program and arguments; one string is a program's name and is not split, for a "
		 "shell use [\"sh\", \"-c\", \"…\"]"},
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
	 .fields = check_text_fields,
	 .size = sizeof(struct text_spec),
	 .help = "what standard output must be"},
	{.name = "stderr",
	 .type = FIELD_OBJECT,
	 .offset = AT(errout),
	 .fields = check_text_fields,
	 .size = sizeof(struct text_spec),
	 .help = "what standard error must be"},
	{.name = "json",
	 .type = FIELD_OBJECTS,
	 .offset = AT(json),
	 .fields = check_json_fields,
	 .size = sizeof(struct json_spec),
	 .nonempty = true,
	 .help = "values of standard output, read as one JSON document"},
	{.name = "metrics",
	 .type = FIELD_OBJECTS,
	 .offset = AT(metrics),
	 .fields = check_metric_fields,
	 .size = sizeof(struct metric_spec),
	 .nonempty = true,
	 .help = "numbers of standard output to record"},
	{.name = NULL},
};
#undef AT

static bool wants_document(const struct spec *spec)
{
	const struct metric_spec *metrics = spec->metrics.items;
	bool wanted = spec->json.count > 0;

	for (size_t i = 0; i < spec->metrics.count; i++)
		wanted = wanted || metrics[i].path;
	return wanted;
}

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;

	if (check_probe_argv(&spec->command, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->env.count; i++)
		if (!*spec->env.items[i].key || strchr(spec->env.items[i].key, '='))
			return err_set(err, ERR_USAGE, "env: \"%s\" is no name of a variable",
				       spec->env.items[i].key);
	if (spec->workdir && spec->workdir[0] != '/')
		return err_set(err, ERR_USAGE, "workdir \"%s\" is not absolute", spec->workdir);
	if ((spec->out && check_text_validate(spec->out, "stdout", err) < 0) ||
	    (spec->errout && check_text_validate(spec->errout, "stderr", err) < 0))
		return -1;
	if (spec->out && spec->out->empty == 1 && (wants_document(spec) || spec->metrics.count))
		return err_set(err, ERR_USAGE,
			       "contradicts itself: stdout must be empty, yet values are read");
	if (check_json_validate(spec->json.items, spec->json.count, err) < 0)
		return -1;
	return check_metric_validate(spec->metrics.items, spec->metrics.count, err);
}

/* --- judging --------------------------------------------------------------------------------- */

struct look {
	struct trial *trial;
	const struct spec *spec;
	const struct command_result *result;
	const char *where;
};

/* Did the command end as it should? Values of one that did not mean nothing. */
static bool judge_exit(const struct look *look)
{
	struct arena *arena = look->trial->ctx->arena;
	const char *said;

	if (look->result->exit_code == look->spec->exit)
		return true;
	said = check_trial_reason(look->trial);
	check_trial_fail(look->trial, "command/exit-code", look->where,
			 arena_printf(arena, "exit code %lld", (long long)look->spec->exit),
			 arena_printf(arena, "exit code %d%s%s", look->result->exit_code,
				      said ? ": " : "", said ? said : ""));
	return false;
}

static int judge_streams(const struct look *look, struct err *err)
{
	const struct command_result *result = look->result;
	const struct text_view out = {.text = result->out,
				      .len = result->out_len,
				      .cut = result->out_truncated,
				      .name = "stdout",
				      .advice = "raise output_max"};
	const struct text_view errout = {.text = result->errout,
					 .len = result->errout_len,
					 .cut = result->errout_truncated,
					 .name = "stderr",
					 .advice = "raise output_max"};

	if (look->spec->out && check_text_judge(look->trial, look->spec->out, &out,
						"command/stdout-mismatch", look->where, err) < 0)
		return -1;
	if (!look->spec->errout)
		return 0;
	return check_text_judge(look->trial, look->spec->errout, &errout, "command/stderr-mismatch",
				look->where, err);
}

static void not_json(const struct look *look, const char *why)
{
	const struct command_result *result = look->result;

	check_trial_fail(
		look->trial, "command/json-mismatch", look->where, "a JSON document on stdout",
		arena_printf(look->trial->ctx->arena, "%s (%s)",
			     check_trial_quote(look->trial, result->out, result->out_len), why));
}

static int judge_values(const struct look *look, struct err *err)
{
	const struct command_result *result = look->result;
	const struct spec *spec = look->spec;
	struct json *document CLEANUP(json_freep) = NULL;
	struct err why = {0};

	if (wants_document(spec) && result->out_truncated)
		return err_set(err, ERR_LIMIT,
			       "stdout was cut at %zu bytes, so it is no JSON document: raise "
			       "output_max",
			       result->out_len);
	if (wants_document(spec) && json_parse(result->out ? result->out : "", result->out_len,
					       false, &document, &why) < 0) {
		not_json(look, why.msg);
		return 0;
	}
	if (check_json_judge(look->trial, spec->json.items, spec->json.count, document, look->where,
			     err) < 0)
		return -1;
	return check_metric_judge(look->trial, spec->metrics.items, spec->metrics.count, document,
				  result, look->where, err);
}

static int judge(const struct look *look, struct err *err)
{
	bool ended_well;

	if (look->result->not_found) {
		check_trial_fail(
			look->trial, "command/not-found", look->where, "a program that can be run",
			arena_printf(look->trial->ctx->arena, "no program '%s' in the image",
				     look->spec->command.items[0]));
		return 0;
	}
	ended_well = judge_exit(look);
	if (judge_streams(look, err) < 0)
		return -1;
	return ended_well ? judge_values(look, err) : 0;
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
	struct trial trial;
	struct look look = {.trial = &trial, .spec = spec, .result = &result};
	const char *actual = "";
	int rc;

	check_trial_begin(&trial, ctx, &spec->env, out);
	look.where =
		arena_printf(ctx->arena, "command %s", check_trial_argv(&trial, &spec->command));
	rc = check_trial_run(&trial, &command, &result, err);
	if (rc == 0)
		rc = judge(&look, err);
	if (rc == 0)
		actual = check_trial_show(&trial, result.out, result.out_len);
	if (!*actual)
		actual = arena_printf(ctx->arena, "exit code %d", result.exit_code);
	return check_trial_end(&trial, rc, look.where, actual, err);
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
