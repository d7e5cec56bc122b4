/* A variable of the image: presence, value, pattern, agreement with another fact. */
#include "base/pattern.h"
#include "check/fact.h"
#include "check/text.h"

#include <string.h>

struct spec {
	const char *variable;
	int present;
	const char *value;
	struct strings pattern;
	struct fact_spec *equals;
};

static const struct field fields[] = {
	{.name = "variable",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct spec, variable),
	 .required = true,
	 .nonempty = true,
	 .help = "name of the variable"},
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
	 .fields = fact_fields,
	 .size = sizeof(struct fact_spec),
	 .help = "another fact of the image that its value must equal"},
	{.name = NULL},
};

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;
	bool more = spec->value || spec->pattern.count || spec->equals;

	if (strchr(spec->variable, '='))
		return err_set(err, ERR_USAGE, "variable '%s': a name has no '='", spec->variable);
	if (spec->present == 0 && more)
		return err_set(err, ERR_USAGE,
			       "contradicts itself: present is false, yet a value is asserted");
	return spec->equals ? fact_validate(spec->equals, true, "\"equals\"", err) : 0;
}

static const char *shown(const struct spec *spec, const char *value, struct arena *arena)
{
	if (text_is_secret(spec->variable))
		return "***";
	return text_quote(value, strlen(value), arena);
}

static int judge_equal(struct check_ctx *ctx, const struct spec *spec, const char *value,
		       const char *where, struct case_result *out, struct err *err)
{
	const char *other = NULL, *elsewhere = NULL, *why = NULL;
	int rc = fact_read(ctx, spec->equals, out, &other, &elsewhere, &why, err);

	if (rc < 0)
		return -1;
	if (rc == 1 && strcmp(other, value) == 0)
		return 1;
	case_fail(out, "env/inconsistent",
		  rc == 0 ? arena_printf(ctx->arena, "a fact by %s, which gives none (%s)",
					 elsewhere, why)
			  : arena_printf(ctx->arena, "%s by %s", shown(spec, other, ctx->arena),
					 elsewhere),
		  shown(spec, value, ctx->arena), where, NULL);
	return 0;
}

static int judge_value(struct check_ctx *ctx, const struct spec *spec, const char *value,
		       const char *where, struct case_result *out, struct err *err)
{
	if (spec->value && strcmp(spec->value, value) != 0) {
		case_fail(out, "env/value-mismatch", shown(spec, spec->value, ctx->arena),
			  shown(spec, value, ctx->arena), where, NULL);
		return 0;
	}
	for (size_t i = 0; i < spec->pattern.count; i++) {
		int found =
			pattern_find(spec->pattern.items[i], value, strlen(value), NULL, NULL, err);

		if (found < 0)
			return -1;
		if (found)
			continue;
		case_fail(out, "env/value-mismatch",
			  arena_printf(ctx->arena, "a match of /%s/", spec->pattern.items[i]),
			  shown(spec, value, ctx->arena), where, NULL);
		return 0;
	}
	return spec->equals ? judge_equal(ctx, spec, value, where, out, err) : 1;
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	const char *value = text_env(ctx->target->image, spec->variable);
	const char *where = arena_printf(ctx->arena, "variable %s of the image", spec->variable);
	int rc;

	if (!value && spec->present == 0) {
		case_pass(out, "not set");
	} else if (!value) {
		case_fail(out, "env/missing", "a value", "not set", where, NULL);
	} else if (spec->present == 0) {
		case_fail(out, "env/present", "not set", shown(spec, value, ctx->arena), where,
			  NULL);
	} else {
		rc = judge_value(ctx, spec, value, where, out, err);
		if (rc <= 0)
			return rc;
		case_pass(out, shown(spec, value, ctx->arena));
	}
	return 0;
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
