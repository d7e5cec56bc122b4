/* A variable of the image: presence, value, pattern, agreement with another fact. */
#include "base/pattern.h"
#include "check/probe.h"
#include "model/secret.h"

#include <string.h>

struct spec {
	const char *variable;
	int present;
	const char *value;
	struct strings pattern;
	struct probe_spec *equals;
};

static const struct field fields[] = {
	{.name = "variable",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct spec, variable),
	 .required = true,
	 .nonempty = true,
	 .help = "name of the variable; without another key it must be set"},
	{.name = "present",
	 .type = FIELD_TRISTATE,
	 .offset = offsetof(struct spec, present),
	 .help = "false: the variable must not be set"},
	{.name = "value",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct spec, value),
	 .help = "the value it must have"},
	{.name = "pattern",
	 .type = FIELD_STRINGS,
	 .offset = offsetof(struct spec, pattern),
	 .nonempty = true,
	 .pattern = true,
	 .help = "patterns that its value must all match"},
	{.name = "equals",
	 .type = FIELD_OBJECT,
	 .offset = offsetof(struct spec, equals),
	 .fields = check_probe_fields,
	 .size = sizeof(struct probe_spec),
	 .help = "another fact of the image that its value must equal"},
	{.name = NULL},
};

static int validate_value(const struct spec *spec, struct err *err)
{
	for (size_t i = 0; i < spec->pattern.count; i++) {
		const char *pattern = spec->pattern.items[i];
		int found =
			pattern_find(pattern, spec->value, strlen(spec->value), NULL, NULL, err);

		if (found < 0)
			return -1;
		if (!found)
			return err_set(err, ERR_USAGE,
				       "contradicts itself: \"value\" does not match /%s/",
				       pattern);
	}
	return 0;
}

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;
	const struct probe_spec *equals = spec->equals;

	if (strchr(spec->variable, '='))
		return err_set(err, ERR_USAGE, "variable \"%s\": a name has no \"=\"",
			       spec->variable);
	if (spec->present == 0 && (spec->value || spec->pattern.count || equals))
		return err_set(err, ERR_USAGE,
			       "contradicts itself: \"present\" is false, yet a value is asserted");
	if (spec->value && validate_value(spec, err) < 0)
		return -1;
	if (!equals)
		return 0;
	if (check_probe_validate(equals, true, "\"equals\"", err) < 0)
		return -1;
	if (equals->env && !equals->pattern && strcmp(equals->env, spec->variable) == 0)
		return err_set(err, ERR_USAGE, "\"equals\" asserts nothing: %s equals itself",
			       equals->env);
	return 0;
}

/* Values of secrets are not shown, whether they come from the image or from the suite. */
static const char *shown(const struct trial *trial, const struct spec *spec, const char *value)
{
	if (secret_pair(spec->variable, value))
		return "***";
	return *value ? check_trial_quote(trial, value, strlen(value)) : "''";
}

static int judge_equal(struct trial *trial, const struct spec *spec, const char *value,
		       const char *where, struct err *err)
{
	struct arena *arena = trial->ctx->arena;
	struct fact other;
	int rc = check_probe_read(trial, spec->equals, &other, err);
	const char *expected;

	if (rc < 0)
		return -1;
	if (rc == 1 && strcmp(other.text, value) == 0)
		return 0;
	if (rc == 1)
		expected = arena_printf(arena, "%s by %s", shown(trial, spec, other.text),
					other.where);
	else
		expected = arena_printf(arena, "the fact by %s, but: %s", other.where, other.why);
	check_trial_fail(trial, "env/inconsistent", where, expected, shown(trial, spec, value));
	return 0;
}

static int judge_value(struct trial *trial, const struct spec *spec, const char *value,
		       const char *where, struct err *err)
{
	if (spec->value && strcmp(spec->value, value) != 0)
		check_trial_fail(trial, "env/value-mismatch", where,
				 shown(trial, spec, spec->value), shown(trial, spec, value));
	for (size_t i = 0; i < spec->pattern.count; i++) {
		const char *pattern = spec->pattern.items[i];
		int found = pattern_find(pattern, value, strlen(value), NULL, NULL, err);

		if (found < 0)
			return -1;
		if (!found)
			check_trial_fail(
				trial, "env/value-mismatch", where,
				arena_printf(trial->ctx->arena, "a match of /%s/", pattern),
				shown(trial, spec, value));
	}
	return spec->equals ? judge_equal(trial, spec, value, where, err) : 0;
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	const char *value = check_probe_env(ctx->target->image, spec->variable);
	const char *where = arena_printf(ctx->arena, "variable %s of the image", spec->variable);
	const char *actual;
	struct trial trial;
	int rc = 0;

	check_trial_begin(&trial, ctx, NULL, out);
	actual = value ? shown(&trial, spec, value) : "not set";
	if (!value && spec->present != 0)
		check_trial_fail(&trial, "env/missing", where,
				 spec->value ? shown(&trial, spec, spec->value) : "a value",
				 actual);
	else if (value && spec->present == 0)
		check_trial_fail(&trial, "env/present", where, "not set", actual);
	else if (value)
		rc = judge_value(&trial, spec, value, where, err);
	return check_trial_end(&trial, rc, where, actual, err);
}

const struct check_ops check_env = {
	.kind = "env",
	.summary = "a variable of the image: presence, value, pattern, agreement with a fact",
	.needs = NEED_IMAGE | NEED_COMMAND,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};
