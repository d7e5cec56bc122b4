/* A version against a constraint, or two versions against each other. */
#include "parse/version.h"
#include "check/fact.h"

#include <string.h>

struct spec {
	struct fact_spec fact;
	struct fact_spec *equals;
	const char *require;
	int scheme;
};

static const char *const schemes[] = {"pep440", "semver", "dotted", NULL};

static const struct field fields[] = {
	FACT_FIELDS(offsetof(struct spec, fact)),
	{.name = "scheme",
	 .type = FIELD_ENUM,
	 .offset = offsetof(struct spec, scheme),
	 .def = "pep440",
	 .choices = schemes,
	 .help = "how versions are read and ordered"},
	{.name = "require",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct spec, require),
	 .nonempty = true,
	 .help = "constraint, such as >=2.7,<2.9 or ==2.7.1+cu128"},
	{.name = "equals",
	 .type = FIELD_OBJECT,
	 .offset = offsetof(struct spec, equals),
	 .fields = fact_fields,
	 .size = sizeof(struct fact_spec),
	 .help = "another fact that must be the same version, local label included"},
	{.name = NULL},
};

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;

	if (fact_validate(&spec->fact, false, "a version check", err) < 0)
		return -1;
	if (spec->equals && fact_validate(spec->equals, true, "\"equals\"", err) < 0)
		return -1;
	if (!spec->require && !spec->equals)
		return err_set(err, ERR_USAGE, "asserts nothing: give require or equals");
	if (spec->require)
		return version_constraint_check((enum version_scheme)spec->scheme, spec->require,
						err);
	return 0;
}

static int is_version(const struct spec *spec, struct check_ctx *ctx, const char *text,
		      const char *where, struct case_result *out)
{
	struct err why;

	if (version_check((enum version_scheme)spec->scheme, text, &why) == 0)
		return 1;
	case_fail(out, "version/not-a-version",
		  arena_printf(ctx->arena, "a %s version", schemes[spec->scheme]),
		  arena_printf(ctx->arena, "'%s'", text), where, NULL);
	return 0;
}

/* Read one side; 1 with a well-formed version, 0 with OUT failing, -1. */
static int read_side(struct check_ctx *ctx, const struct spec *spec, const struct fact_spec *fact,
		     struct case_result *out, const char **text, const char **where,
		     struct err *err)
{
	const char *why = NULL;
	int rc = fact_read(ctx, fact, out, text, where, &why, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		case_fail(out, "version/not-found", "a version", why, *where, NULL);
		return 0;
	}
	return is_version(spec, ctx, *text, *where, out);
}

static int judge_equal(struct check_ctx *ctx, const struct spec *spec, const char *text,
		       const char *where, struct case_result *out, struct err *err)
{
	const char *other = NULL, *elsewhere = NULL;
	int rc = read_side(ctx, spec, spec->equals, out, &other, &elsewhere, err), order = 0;

	if (rc <= 0)
		return rc;
	if (version_compare((enum version_scheme)spec->scheme, text, other, &order, err) < 0)
		return -1;
	if (order != 0)
		case_fail(
			out, "version/not-equal",
			arena_printf(ctx->arena, "the same version as %s by %s", other, elsewhere),
			text, where, NULL);
	return order == 0;
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	const char *text = NULL, *where = NULL;
	bool holds = true;
	int rc = read_side(ctx, spec, &spec->fact, out, &text, &where, err);

	if (rc <= 0)
		return rc;
	if (spec->require && version_matches((enum version_scheme)spec->scheme, spec->require, text,
					     &holds, err) < 0)
		return -1;
	if (!holds) {
		case_fail(out, "version/unsatisfied", spec->require, text, where, NULL);
		return 0;
	}
	if (spec->equals) {
		rc = judge_equal(ctx, spec, text, where, out, err);
		if (rc <= 0)
			return rc;
	}
	out->where = where;
	case_pass(out, text);
	return 0;
}

const struct check_ops check_version = {
	.kind = "version",
	.summary = "a version against a constraint, or two versions against each other",
	.needs = NEED_IMAGE | NEED_COMMAND,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};
