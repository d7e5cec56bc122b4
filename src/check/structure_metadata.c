/* The test of container-structure-test about the image's configuration, and Go's words for files.
 */
#include "check/structure_private.h"

#include "base/pattern.h"
#include "check/probe.h"
#include "model/secret.h"

#include <string.h>

#define LABEL "structure/metadata-mismatch"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static struct arena *arena_of(const struct structure_run *run)
{
	return run->trial->ctx->arena;
}

/* --- variables ------------------------------------------------------------------------------- */

static const char *find_variable(const struct strings *env, const char *name, size_t len)
{
	for (size_t i = env->count; i > 0; i--)
		if (strncmp(env->items[i - 1], name, len) == 0 && env->items[i - 1][len] == '=')
			return env->items[i - 1] + len + 1;
	return "";
}

/* The name behind a '$' at TEXT, and in *TAKEN the bytes that it and its braces take. No name and
 * bytes taken: bad syntax, which is dropped; no bytes: the '$' stands for itself. */
static size_t variable_name(const char *text, const char **name, size_t *taken)
{
	size_t len;

	*name = text;
	if (*text == '{') {
		len = strcspn(text, "}");
		*name = text + 1;
		*taken = text[len] ? len + 1 : 1;
		return text[len] ? len - 1 : 0;
	}
	/* A shell's own variables are one byte long. */
	len = *text && strchr("*#$@!?-0123456789", *text) ? 1 : strspn(text, LETTERS);
	*taken = len;
	return len;
}

const char *structure_expand(const char *text, const struct strings *env, struct arena *arena)
{
	const char *name, *out;
	size_t taken;
	struct buf line;

	if (!strchr(text, '$'))
		return text;
	buf_init(&line, JSON_BYTES_MAX);
	while (*text) {
		size_t plain = strcspn(text, "$"), len;

		buf_add(&line, text, plain);
		text += plain;
		if (!*text++)
			break;
		len = variable_name(text, &name, &taken);
		if (len)
			buf_addstr(&line, find_variable(env, name, len));
		else if (!taken)
			buf_addstr(&line, "$");
		text += taken;
	}
	out = arena_strdup(arena, buf_str(&line));
	buf_done(&line);
	return out;
}

/* --- modes ----------------------------------------------------------------------------------- */

const char *structure_mode(const struct file_info *info, struct arena *arena)
{
	static const char letters[] = "rwxrwxrwx";
	char text[16];
	size_t len = 0;

	if (info->type == FILE_OTHER)
		return NULL;
	if (info->type == FILE_FOLDER)
		text[len++] = 'd';
	if (info->type == FILE_SYMLINK)
		text[len++] = 'L';
	if (info->mode & 04000)
		text[len++] = 'u';
	if (info->mode & 02000)
		text[len++] = 'g';
	if (info->mode & 01000)
		text[len++] = 't';
	if (!len)
		text[len++] = '-';
	for (unsigned i = 0; i < 9; i++)
		text[len++] = info->mode & (0400U >> i) ? letters[i] : '-';
	return arena_strndup(arena, text, len);
}

/* --- the configuration ----------------------------------------------------------------------- */

static void fail(struct structure_run *run, const char *what, const char *name,
		 const char *expected, const char *actual)
{
	structure_mismatch(run, LABEL,
			   arena_printf(arena_of(run), "%s %s %s", what, name, expected), actual);
}

static const char *shown(const struct structure_run *run, const char *name, const char *value)
{
	if (secret_pair(name, value))
		return "***";
	return *value ? check_trial_quote(run->trial, value, strlen(value)) : "''";
}

typedef const char *value_fn(const struct image_config *image, const char *key);

static int judge_values(struct structure_run *run, const char *what, const struct objects *wanted,
			value_fn *value_of, struct err *err)
{
	const struct env_var *vars = wanted->items;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct env_var *var = &vars[i];
		const char *value = value_of(run->trial->ctx->target->image, var->key);
		int same = 0;

		if (value && var->is_regex)
			same = pattern_go_find(var->value, value, strlen(value), NULL, NULL, err);
		else if (value)
			same = strcmp(value, var->value) == 0;
		if (same < 0)
			return -1;
		if (!same)
			fail(run, what, var->key,
			     var->is_regex
				     ? arena_printf(arena_of(run), "matching /%s/", var->value)
				     : shown(run, var->key, var->value),
			     value ? shown(run, var->key, value) : "not set");
	}
	return 0;
}

static void judge_unset(struct structure_run *run, const struct objects *names)
{
	const struct env_var *vars = names->items;

	for (size_t i = 0; i < names->count; i++) {
		const char *value = check_probe_env(run->trial->ctx->target->image, vars[i].key);

		if (value)
			fail(run, "variable", vars[i].key, "not set",
			     shown(run, vars[i].key, value));
	}
}

/* A port is named by its number alone, whatever its protocol. */
static bool has_port(const struct strings *ports, const char *port)
{
	for (size_t i = 0; i < ports->count; i++) {
		size_t len = strcspn(ports->items[i], "/");

		if (strlen(port) == len && strncmp(ports->items[i], port, len) == 0)
			return true;
	}
	return false;
}

static bool has_volume(const struct strings *volumes, const char *volume)
{
	for (size_t i = 0; i < volumes->count; i++)
		if (strcmp(volumes->items[i], volume) == 0)
			return true;
	return false;
}

typedef bool has_fn(const struct strings *list, const char *item);

static void judge_members(struct structure_run *run, const char *what, const struct strings *have,
			  const struct strings *wanted, const struct strings *unwanted, has_fn *has)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (!has(have, wanted->items[i]))
			fail(run, what, wanted->items[i], "declared", "not declared");
	for (size_t i = 0; i < unwanted->count; i++)
		if (has(have, unwanted->items[i]))
			fail(run, what, unwanted->items[i], "not declared", "declared");
}

static void judge_list(struct structure_run *run, const char *what, const struct strings *wanted,
		       const struct strings *have)
{
	bool same = wanted->count == have->count;

	for (size_t i = 0; same && i < wanted->count; i++)
		same = strcmp(wanted->items[i], have->items[i]) == 0;
	if (!same)
		fail(run, what, "is", wanted->count ? check_trial_argv(run->trial, wanted) : "none",
		     have->count ? check_trial_argv(run->trial, have) : "none");
}

static void judge_text(struct structure_run *run, const char *what, const char *wanted,
		       const char *have)
{
	have = have ? have : "";
	if (*wanted && strcmp(wanted, have) != 0)
		fail(run, what, "is", wanted, *have ? have : "not set");
}

int structure_metadata(struct structure_run *run, const struct metadata_test *test, struct err *err)
{
	const struct image_config *image = run->trial->ctx->target->image;

	structure_begin(run, "Metadata Test");
	if (judge_values(run, "variable", &test->env, check_probe_env, err) < 0 ||
	    judge_values(run, "label", &test->labels, check_probe_label, err) < 0)
		return -1;
	judge_unset(run, &test->unset_env);
	if (test->has_entrypoint)
		judge_list(run, "entrypoint", &test->entrypoint, &image->entrypoint);
	if (test->has_cmd)
		judge_list(run, "cmd", &test->cmd, &image->cmd);
	judge_members(run, "port", &image->ports, &test->ports, &test->unset_ports, has_port);
	judge_members(run, "volume", &image->volumes, &test->volumes, &test->unset_volumes,
		      has_volume);
	judge_text(run, "workdir", test->workdir, image->workdir);
	judge_text(run, "user", test->user, image->user);
	structure_end(run);
	return 0;
}
