/* Findings of the rules as one case, the worst first. */
#include "check/facts.h"

struct spec {
	struct strings select;
	struct strings ignore;
	int fail_on;
};

static const char *const severities[] = {"warning", "error", NULL};

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	{.name = "select",
	 .type = FIELD_STRINGS,
	 .offset = AT(select),
	 .help = "labels or topics to judge (arch, python/duplicate-metadata); all when left out"},
	{.name = "ignore",
	 .type = FIELD_STRINGS,
	 .offset = AT(ignore),
	 .help = "labels or topics to leave out"},
	{.name = "fail_on",
	 .type = FIELD_ENUM,
	 .offset = AT(fail_on),
	 .def = "error",
	 .choices = severities,
	 .help = "findings of this severity and worse fail"},
	{0},
};
#undef AT

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;
	const struct rule_filter filter = {spec->select, spec->ignore};

	return rule_filter_check(&filter, err);
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	const struct rule_filter filter = {spec->select, spec->ignore};
	enum severity severity = spec->fail_on == 1 ? SEVERITY_ERROR : SEVERITY_WARNING;
	struct rule_input input;
	struct trial trial;
	size_t count = 0;
	int rc;

	check_trial_begin(&trial, ctx, NULL, out);
	rc = check_facts_begin(ctx, &input, err);
	if (rc == 0) {
		rc = check_facts_rules(&trial, &input, &filter, severity, &count, err);
		check_facts_end(ctx);
	}
	return check_trial_end(&trial, rc, "facts of the image and files of the commit",
			       "nothing found", err);
}

const struct check_ops check_rules = {
	.kind = "rules",
	.summary = "what `assay scan` finds in the image and in the commit's files",
	.needs = NEED_IMAGE | NEED_COMMIT,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};
