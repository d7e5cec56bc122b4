/* The image's configuration, as a registry and an orchestrator see it. Nothing is run. */
#include "base/pattern.h"
#include "base/units.h"
#include "check/probe.h"
#include "model/secret.h"

#include <string.h>

#define HEALTHCHECK_BYTES_MAX 65536

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
	{.name = "user",
	 .type = FIELD_STRING,
	 .offset = AT(user),
	 .help = "the whole USER; \"\" for none"},
	{.name = "workdir",
	 .type = FIELD_STRING,
	 .offset = AT(workdir),
	 .nonempty = true,
	 .help = "the whole WORKDIR"},
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
	 .help = "pattern of the command of HEALTHCHECK"},
	{.name = NULL},
};
#undef AT

/* --- spec ------------------------------------------------------------------------------------ */

#define PORT_MAX 65535

/* "8000", "8000/tcp", "53/udp". */
static bool is_port(const char *text)
{
	const char *slash = strchrnul(text, '/');
	char digits[8] = "";
	int64_t number = 0;

	if ((size_t)(slash - text) >= sizeof(digits))
		return false;
	memcpy(digits, text, (size_t)(slash - text));
	return units_parse_int(digits, 1, PORT_MAX, &number) == 0 &&
	       (!*slash || !strcmp(slash, "/tcp") || !strcmp(slash, "/udp") ||
		!strcmp(slash, "/sctp"));
}

/* "8000" means "8000/tcp". */
static bool same_port(const char *a, const char *b)
{
	const char *slash_a = strchrnul(a, '/'), *slash_b = strchrnul(b, '/');
	size_t len = (size_t)(slash_a - a);

	return len == (size_t)(slash_b - b) && memcmp(a, b, len) == 0 &&
	       strcmp(*slash_a ? slash_a : "/tcp", *slash_b ? slash_b : "/tcp") == 0;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

typedef bool same_fn(const char *a, const char *b);

static bool has(const struct strings *list, const char *wanted, same_fn *same)
{
	for (size_t i = 0; i < list->count; i++)
		if (same(list->items[i], wanted))
			return true;
	return false;
}

static bool asserts_anything(const struct spec *spec)
{
	return spec->env.count || spec->env_patterns.count || spec->labels.count ||
	       spec->label_patterns.count || spec->unset_env.count || spec->ports.count ||
	       spec->unset_ports.count || spec->volumes.count || spec->entrypoint.count ||
	       spec->cmd.count || spec->user || spec->workdir || spec->healthcheck >= 0 ||
	       spec->healthcheck_matches;
}

static int validate_ports(const struct spec *spec, struct err *err)
{
	const struct strings *lists[] = {&spec->ports, &spec->unset_ports};

	for (size_t n = 0; n < 2; n++)
		for (size_t i = 0; i < lists[n]->count; i++)
			if (!is_port(lists[n]->items[i]))
				return err_set(err, ERR_USAGE,
					       "\"%s\" is no port such as 8000 or 8000/tcp",
					       lists[n]->items[i]);
	for (size_t i = 0; i < spec->ports.count; i++)
		if (has(&spec->unset_ports, spec->ports.items[i], same_port))
			return err_set(err, ERR_USAGE,
				       "contradicts itself: port %s in ports and unset_ports",
				       spec->ports.items[i]);
	return 0;
}

static int validate_env(const struct spec *spec, const struct pairs *wanted, struct err *err)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (has(&spec->unset_env, wanted->items[i].key, same_text))
			return err_set(err, ERR_USAGE,
				       "contradicts itself: %s is asserted and in unset_env",
				       wanted->items[i].key);
	return 0;
}

static int validate(const void *data, struct err *err)
{
	const struct spec *spec = data;

	if (!asserts_anything(spec))
		return err_set(err, ERR_USAGE,
			       "asserts nothing: give at least one key such as env");
	if (spec->healthcheck == 0 && spec->healthcheck_matches)
		return err_set(err, ERR_USAGE,
			       "contradicts itself: \"healthcheck\" is false, yet its command is "
			       "asserted");
	if (validate_env(spec, &spec->env, err) < 0 ||
	    validate_env(spec, &spec->env_patterns, err) < 0)
		return -1;
	return validate_ports(spec, err);
}

/* --- judging --------------------------------------------------------------------------------- */

struct look {
	struct trial *trial;
	const struct image_config *image;
};

#define WHERE "the image's configuration"

static void fail(const struct look *look, const char *label, const char *what, const char *expected,
		 const char *actual)
{
	struct arena *arena = look->trial->ctx->arena;

	check_trial_fail(look->trial, label, WHERE, arena_printf(arena, "%s %s", what, expected),
			 arena_printf(arena, "%s %s", what, actual));
}

/* Values of secrets are not shown, whether they come from the image or from the suite. */
static const char *shown(const struct look *look, const char *name, const char *value)
{
	if (!value)
		return "not set";
	if (secret_pair(name, value))
		return "***";
	return *value ? check_trial_quote(look->trial, value, strlen(value)) : "''";
}

struct side {
	const char *label;
	const char *noun;
	const char *(*value)(const struct image_config *image, const char *key);
};

static const struct side env_side = {"metadata/env-mismatch", "variable", check_probe_env};
static const struct side label_side = {"metadata/label-mismatch", "label", check_probe_label};

static void judge_values(const struct look *look, const struct side *side,
			 const struct pairs *wanted)
{
	struct arena *arena = look->trial->ctx->arena;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct pair *pair = &wanted->items[i];
		const char *value = side->value(look->image, pair->key);

		if (!value || strcmp(value, pair->value) != 0)
			fail(look, side->label, arena_printf(arena, "%s %s", side->noun, pair->key),
			     shown(look, pair->key, pair->value), shown(look, pair->key, value));
	}
}

static int judge_patterns(const struct look *look, const struct side *side,
			  const struct pairs *wanted, struct err *err)
{
	struct arena *arena = look->trial->ctx->arena;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct pair *pair = &wanted->items[i];
		const char *value = side->value(look->image, pair->key);
		int found = value ? pattern_find(pair->value, value, strlen(value), NULL, NULL, err)
				  : 0;

		if (found < 0)
			return -1;
		if (!found)
			fail(look, side->label, arena_printf(arena, "%s %s", side->noun, pair->key),
			     arena_printf(arena, "matching /%s/", pair->value),
			     shown(look, pair->key, value));
	}
	return 0;
}

static void judge_unset(const struct look *look, const struct strings *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i], *value = check_probe_env(look->image, name);

		if (value)
			fail(look, "metadata/env-mismatch",
			     arena_printf(look->trial->ctx->arena, "variable %s", name), "not set",
			     shown(look, name, value));
	}
}

static void judge_list(const struct look *look, const char *label, const char *what,
		       const struct strings *wanted, const struct strings *have)
{
	bool same = wanted->count == have->count;

	for (size_t i = 0; same && i < wanted->count; i++)
		same = strcmp(wanted->items[i], have->items[i]) == 0;
	if (wanted->count && !same)
		fail(look, label, what, check_trial_argv(look->trial, wanted),
		     have->count ? check_trial_argv(look->trial, have) : "not set");
}

static void judge_text(const struct look *look, const char *label, const char *what,
		       const char *wanted, const char *have)
{
	if (wanted && strcmp(wanted, have) != 0)
		fail(look, label, what, *wanted ? wanted : "not set", *have ? have : "not set");
}

static void judge_members(const struct look *look, const char *label, const char *noun,
			  const struct strings *wanted, const struct strings *have, bool present,
			  same_fn *same)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (has(have, wanted->items[i], same) != present)
			fail(look, label,
			     arena_printf(look->trial->ctx->arena, "%s %s", noun, wanted->items[i]),
			     present ? "declared" : "not declared",
			     present ? "not declared" : "declared");
}

static int judge_healthcheck(const struct look *look, const struct spec *spec, struct err *err)
{
	const struct strings *have = &look->image->healthcheck;
	bool present = have->count && strcmp(have->items[0], "NONE") != 0;
	const char *label = "metadata/healthcheck-mismatch";
	struct arena *arena = look->trial->ctx->arena;
	struct buf line;
	int found = 1;

	if (spec->healthcheck >= 0 && (spec->healthcheck == 1) != present)
		fail(look, label, "healthcheck", present ? "none" : "declared",
		     present ? check_trial_argv(look->trial, have) : "none");
	if (!spec->healthcheck_matches)
		return 0;
	buf_init(&line, HEALTHCHECK_BYTES_MAX);
	for (size_t i = 1; present && i < have->count; i++)
		buf_printf(&line, "%s%s", i > 1 ? " " : "", have->items[i]);
	found = present ? pattern_find(spec->healthcheck_matches, buf_str(&line), line.len, NULL,
				       NULL, err)
			: 0;
	if (found == 0 && (present || spec->healthcheck != 1))
		fail(look, label, "healthcheck",
		     arena_printf(arena, "matching /%s/", spec->healthcheck_matches),
		     present ? check_trial_quote(look->trial, buf_str(&line), line.len) : "none");
	buf_done(&line);
	return found < 0 ? -1 : 0;
}

static const char *or_default(const char *text, const char *fallback)
{
	return text && *text ? text : fallback;
}

static int judge(const struct look *look, const struct spec *spec, struct err *err)
{
	const struct image_config *image = look->image;

	judge_values(look, &env_side, &spec->env);
	if (judge_patterns(look, &env_side, &spec->env_patterns, err) < 0)
		return -1;
	judge_unset(look, &spec->unset_env);
	judge_values(look, &label_side, &spec->labels);
	if (judge_patterns(look, &label_side, &spec->label_patterns, err) < 0)
		return -1;
	judge_list(look, "metadata/entrypoint-mismatch", "entrypoint", &spec->entrypoint,
		   &image->entrypoint);
	judge_list(look, "metadata/cmd-mismatch", "cmd", &spec->cmd, &image->cmd);
	judge_text(look, "metadata/user-mismatch", "user", spec->user, or_default(image->user, ""));
	/* An image without WORKDIR starts in the root folder. */
	judge_text(look, "metadata/workdir-mismatch", "workdir", spec->workdir,
		   or_default(image->workdir, "/"));
	judge_members(look, "metadata/ports-mismatch", "port", &spec->ports, &image->ports, true,
		      same_port);
	judge_members(look, "metadata/ports-mismatch", "port", &spec->unset_ports, &image->ports,
		      false, same_port);
	judge_members(look, "metadata/volumes-mismatch", "volume", &spec->volumes, &image->volumes,
		      true, same_text);
	return judge_healthcheck(look, spec, err);
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	struct trial trial;
	struct look look = {&trial, ctx->target->image};

	check_trial_begin(&trial, ctx, NULL, out);
	return check_trial_end(&trial, judge(&look, data, err), WHERE, "as asserted", err);
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
