/* The image's configuration, as a registry and an orchestrator see it. Nothing is run. */
#include "base/pattern.h"
#include "check/text.h"

#include <string.h>

struct spec {
	struct pairs env, env_patterns, labels, label_patterns;
	struct strings unset_env, ports, unset_ports, volumes, entrypoint, cmd;
	const char *user, *workdir, *healthcheck_matches;
	int healthcheck;
};

#define AT(member) offsetof(struct spec, member)
static const struct field fields[] = {
	{.name = "env",
	 .type = FIELD_MAP,
	 .offset = AT(env),
	 .help = "variables and their exact values; others may be there"},
	{.name = "env_patterns",
	 .type = FIELD_MAP,
	 .offset = AT(env_patterns),
	 .pattern = true,
	 .help = "variables and patterns of their values"},
	{.name = "unset_env",
	 .type = FIELD_STRINGS,
	 .offset = AT(unset_env),
	 .help = "variables that must not be set"},
	{.name = "labels",
	 .type = FIELD_MAP,
	 .offset = AT(labels),
	 .help = "labels and their exact values; others may be there"},
	{.name = "label_patterns",
	 .type = FIELD_MAP,
	 .offset = AT(label_patterns),
	 .pattern = true,
	 .help = "labels and patterns of their values"},
	{.name = "entrypoint",
	 .type = FIELD_STRINGS,
	 .offset = AT(entrypoint),
	 .nonempty = true,
	 .help = "the whole ENTRYPOINT"},
	{.name = "cmd",
	 .type = FIELD_STRINGS,
	 .offset = AT(cmd),
	 .nonempty = true,
	 .help = "the whole CMD"},
	{.name = "user", .type = FIELD_STRING, .offset = AT(user), .help = "USER"},
	{.name = "workdir", .type = FIELD_STRING, .offset = AT(workdir), .help = "WORKDIR"},
	{.name = "ports",
	 .type = FIELD_STRINGS,
	 .offset = AT(ports),
	 .help = "ports that EXPOSE must name, 8000 or 8000/tcp"},
	{.name = "unset_ports",
	 .type = FIELD_STRINGS,
	 .offset = AT(unset_ports),
	 .help = "ports that EXPOSE must not name"},
	{.name = "volumes",
	 .type = FIELD_STRINGS,
	 .offset = AT(volumes),
	 .help = "volumes that must be declared"},
	{.name = "healthcheck",
	 .type = FIELD_TRISTATE,
	 .offset = AT(healthcheck),
	 .help = "whether there must be a HEALTHCHECK"},
	{.name = "healthcheck_matches",
	 .type = FIELD_STRING,
	 .offset = AT(healthcheck_matches),
	 .pattern = true,
	 .help = "pattern of the HEALTHCHECK command"},
	{.name = NULL},
};
#undef AT

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;

	if (spec->env.count || spec->env_patterns.count || spec->labels.count ||
	    spec->label_patterns.count || spec->unset_env.count || spec->ports.count ||
	    spec->unset_ports.count || spec->volumes.count || spec->entrypoint.count ||
	    spec->cmd.count || spec->user || spec->workdir || spec->healthcheck >= 0 ||
	    spec->healthcheck_matches)
		return 0;
	return err_set(err, ERR_USAGE, "asserts nothing: give at least one key such as env");
}

/* Findings of one case: the first label counts, all are named. */
struct findings {
	struct check_ctx *ctx;
	struct case_result *out;
	const char *label;
	struct buf expected, actual;
};

static void add(struct findings *findings, const char *label, const char *what,
		const char *expected, const char *actual)
{
	if (!findings->label)
		findings->label = label;
	buf_printf(&findings->expected, "%s%s %s", findings->expected.len ? "; " : "", what,
		   expected);
	buf_printf(&findings->actual, "%s%s %s", findings->actual.len ? "; " : "", what, actual);
}

static const char *shown(struct findings *findings, const char *name, const char *value)
{
	if (!value)
		return "not set";
	return text_is_secret(name) ? "***"
				    : text_quote(value, strlen(value), findings->ctx->arena);
}

static const char *label_value(const struct image_config *image, const char *key)
{
	for (size_t i = 0; i < image->labels.count; i++)
		if (strcmp(image->labels.items[i].key, key) == 0)
			return image->labels.items[i].value;
	return NULL;
}

/* Maps of exact values (PATTERNS false) or patterns, over variables or labels. */
static int judge_map(struct findings *findings, const struct pairs *wanted, bool patterns,
		     bool in_labels, struct err *err)
{
	const struct image_config *image = findings->ctx->target->image;
	struct arena *arena = findings->ctx->arena;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct pair *pair = &wanted->items[i];
		const char *value =
			in_labels ? label_value(image, pair->key) : text_env(image, pair->key);
		int holds = value && !patterns ? strcmp(value, pair->value) == 0 : 0;

		if (value && patterns)
			holds = pattern_find(pair->value, value, strlen(value), NULL, NULL, err);
		if (holds < 0)
			return -1;
		if (!holds)
			add(findings,
			    in_labels ? "metadata/label-mismatch" : "metadata/env-mismatch",
			    pair->key,
			    patterns ? arena_printf(arena, "matching /%s/", pair->value)
				     : shown(findings, pair->key, pair->value),
			    shown(findings, pair->key, value));
	}
	return 0;
}

static void judge_list(struct findings *findings, const char *label, const char *what,
		       const struct strings *wanted, const struct strings *have)
{
	bool same = wanted->count == have->count;
	struct arena *arena = findings->ctx->arena;

	for (size_t i = 0; same && i < wanted->count; i++)
		same = strcmp(wanted->items[i], have->items[i]) == 0;
	if (wanted->count && !same)
		add(findings, label, what, text_argv(wanted, arena),
		    have->count ? text_argv(have, arena) : "not set");
}

static void judge_text(struct findings *findings, const char *label, const char *what,
		       const char *wanted, const char *have)
{
	if (wanted && strcmp(wanted, have ? have : "") != 0)
		add(findings, label, what, text_quote(wanted, strlen(wanted), findings->ctx->arena),
		    have && *have ? text_quote(have, strlen(have), findings->ctx->arena)
				  : "not set");
}

/* "8000" means "8000/tcp". */
static bool has_member(const struct strings *list, const char *wanted, const char *suffix)
{
	size_t len = strlen(wanted);

	for (size_t i = 0; i < list->count; i++)
		if (strncmp(list->items[i], wanted, len) == 0 &&
		    (!list->items[i][len] ||
		     (!strchr(wanted, '/') && strcmp(list->items[i] + len, suffix) == 0)))
			return true;
	return false;
}

static void judge_members(struct findings *findings, const char *label, const char *what,
			  const struct strings *wanted, const struct strings *have, bool present)
{
	bool is_port = strcmp(what, "port") == 0;

	for (size_t i = 0; i < wanted->count; i++)
		if (has_member(have, wanted->items[i], is_port ? "/tcp" : "") != present)
			add(findings, label,
			    arena_printf(findings->ctx->arena, "%s %s", what, wanted->items[i]),
			    present ? "declared" : "not declared",
			    present ? "not declared" : "declared");
}

static int judge_healthcheck(struct findings *findings, const struct spec *spec,
			     const struct strings *have, struct err *err)
{
	bool present = have->count && strcmp(have->items[0], "NONE") != 0;
	const char *line = present ? text_argv(have, findings->ctx->arena) : "";
	int found;

	if (spec->healthcheck >= 0 && (spec->healthcheck == 1) != present)
		add(findings, "metadata/healthcheck-mismatch", "healthcheck",
		    present ? "none" : "declared", present ? line : "none");
	if (!spec->healthcheck_matches)
		return 0;
	found = pattern_find(spec->healthcheck_matches, line, strlen(line), NULL, NULL, err);
	if (found == 0)
		add(findings, "metadata/healthcheck-mismatch", "healthcheck",
		    arena_printf(findings->ctx->arena, "matching /%s/", spec->healthcheck_matches),
		    present ? line : "none");
	return found < 0 ? -1 : 0;
}

static int judge_all(struct findings *findings, const struct spec *spec, struct err *err)
{
	const struct image_config *image = findings->ctx->target->image;

	if (judge_map(findings, &spec->env, false, false, err) < 0 ||
	    judge_map(findings, &spec->env_patterns, true, false, err) < 0 ||
	    judge_map(findings, &spec->labels, false, true, err) < 0 ||
	    judge_map(findings, &spec->label_patterns, true, true, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->unset_env.count; i++) {
		const char *name = spec->unset_env.items[i], *value = text_env(image, name);

		if (value)
			add(findings, "metadata/env-mismatch", name, "not set",
			    shown(findings, name, value));
	}
	judge_list(findings, "metadata/entrypoint-mismatch", "entrypoint", &spec->entrypoint,
		   &image->entrypoint);
	judge_list(findings, "metadata/cmd-mismatch", "cmd", &spec->cmd, &image->cmd);
	judge_text(findings, "metadata/user-mismatch", "user", spec->user, image->user);
	judge_text(findings, "metadata/workdir-mismatch", "workdir", spec->workdir, image->workdir);
	judge_members(findings, "metadata/ports-mismatch", "port", &spec->ports, &image->ports,
		      true);
	judge_members(findings, "metadata/ports-mismatch", "port", &spec->unset_ports,
		      &image->ports, false);
	judge_members(findings, "metadata/volumes-mismatch", "volume", &spec->volumes,
		      &image->volumes, true);
	return judge_healthcheck(findings, spec, &image->healthcheck, err);
}

#define FINDINGS_BYTES_MAX 2000

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	struct findings findings = {.ctx = ctx, .out = out};
	int rc;

	buf_init(&findings.expected, FINDINGS_BYTES_MAX);
	buf_init(&findings.actual, FINDINGS_BYTES_MAX);
	rc = judge_all(&findings, data, err);
	if (rc == 0 && findings.label)
		case_fail(out, findings.label,
			  arena_strdup(ctx->arena, buf_str(&findings.expected)),
			  arena_strdup(ctx->arena, buf_str(&findings.actual)),
			  "the image's configuration", NULL);
	else if (rc == 0)
		case_pass(out, "as asserted");
	buf_done(&findings.expected);
	buf_done(&findings.actual);
	return rc;
}

const struct check_ops check_metadata = {
	.kind = "metadata",
	.summary = "the image's configuration: env, labels, entrypoint, cmd, user, ports, …",
	.needs = NEED_IMAGE,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.validate = validate,
	.run = run,
};
