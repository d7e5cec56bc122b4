/* A version against a constraint, or two versions against each other. */
#include "parse/version.h"
#include "check/probe.h"

#include <string.h>

struct spec {
	struct probe_spec probe;
	struct probe_spec *equals;
	const char *require;
	int scheme;
};

static const char *const schemes[] = {"pep440", "semver", "dotted", NULL};

static const struct field fields[] = {
	PROBE_FIELDS(offsetof(struct spec, probe)),
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
	 .fields = check_probe_fields,
	 .size = sizeof(struct probe_spec),
	 .help = "another fact that must be the same version, local label included"},
	{.name = NULL},
};

static enum version_scheme scheme_of(const struct spec *spec)
{
	return (enum version_scheme)spec->scheme;
}

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;
	const struct probe_spec *other = spec->equals;

	if (check_probe_validate(&spec->probe, false, "a version check", err) < 0)
		return -1;
	if (!spec->require && !other)
		return err_set(err, ERR_USAGE, "asserts nothing: give require or equals");
	if (other && check_probe_validate(other, true, "\"equals\"", err) < 0)
		return -1;
	if (other && other->value && !other->pattern &&
	    version_check(scheme_of(spec), other->value, err) < 0)
		return err_wrap(err, "\"equals\"");
	return spec->require ? version_constraint_check(scheme_of(spec), spec->require, err) : 0;
}

/* 1: FACT holds a well-formed version; 0: it does not, and TRIAL says so; -1. */
static int read_version(struct trial *trial, const struct spec *spec,
			const struct probe_spec *probe, struct fact *fact, struct err *err)
{
	int rc = check_probe_read(trial, probe, fact, err);
	struct err why = {0};

	if (rc < 0)
		return -1;
	if (rc == 0) {
		check_trial_fail(trial, "version/not-found", fact->where, "a version", fact->why);
		return 0;
	}
	if (version_check(scheme_of(spec), fact->text, &why) == 0)
		return 1;
	check_trial_fail(trial, "version/not-a-version", fact->where,
			 arena_printf(trial->ctx->arena, "a %s version", schemes[spec->scheme]),
			 check_trial_quote(trial, fact->text, strlen(fact->text)));
	return 0;
}

static const char *build_of(const char *version)
{
	const char *plus = strchr(version, '+');

	return plus ? plus : "";
}

/* Equal in order, and in what semver leaves out of its order: +cu126 is not +cu128. */
static int same(const struct spec *spec, const char *a, const char *b, struct err *err)
{
	int order = 0;

	if (version_compare(scheme_of(spec), a, b, &order, err) < 0)
		return -1;
	if (order == 0 && scheme_of(spec) == VERSION_SEMVER)
		return strcmp(build_of(a), build_of(b)) == 0;
	return order == 0;
}

static int judge_require(struct trial *trial, const struct spec *spec, const struct fact *fact,
			 struct err *err)
{
	bool holds = true;

	if (spec->require &&
	    version_matches(scheme_of(spec), spec->require, fact->text, &holds, err) < 0)
		return -1;
	if (!holds)
		check_trial_fail(trial, "version/unsatisfied", fact->where, spec->require,
				 fact->text);
	return 0;
}

static int judge_equal(struct trial *trial, const struct spec *spec, const struct fact *fact,
		       struct err *err)
{
	struct fact other;
	int rc;

	if (!spec->equals)
		return 0;
	rc = read_version(trial, spec, spec->equals, &other, err);
	if (rc == 1)
		rc = same(spec, fact->text, other.text, err);
	else
		return rc;
	if (rc == 0)
		check_trial_fail(trial, "version/not-equal", fact->where,
				 arena_printf(trial->ctx->arena, "the same version as %s by %s",
					      other.text, other.where),
				 fact->text);
	return rc < 0 ? -1 : 0;
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	struct trial trial;
	struct fact fact;
	int rc;

	check_trial_begin(&trial, ctx, NULL, out);
	rc = read_version(&trial, spec, &spec->probe, &fact, err);
	if (rc == 1) {
		rc = judge_require(&trial, spec, &fact, err);
		if (rc == 0)
			rc = judge_equal(&trial, spec, &fact, err);
	}
	return check_trial_end(&trial, rc, fact.where, fact.text ? fact.text : "", err);
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
