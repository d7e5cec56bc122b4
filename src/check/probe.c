#include "check/probe.h"

#include "base/pattern.h"

#include <string.h>

#define PROBE_FILE_BYTES_MAX ((size_t)1024 * 1024)

const struct field check_probe_fields[] = {
	PROBE_FIELDS(0),
	{.name = "value",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct probe_spec, value),
	 .nonempty = true,
	 .help = "a fixed text"},
	{.name = NULL},
};

int check_probe_argv(const struct strings *argv, struct err *err)
{
	if (argv->count && *argv->items[0])
		return 0;
	return err_set(err, ERR_USAGE, "\"command\" names no program");
}

int check_probe_validate(const struct probe_spec *spec, bool value_allowed, const char *what,
			 struct err *err)
{
	int ways = (spec->command.count > 0) + (spec->file != NULL) + (spec->env != NULL) +
		   (spec->label != NULL) + (spec->value != NULL);

	if (ways != 1)
		return err_set(err, ERR_USAGE,
			       "%s needs exactly one of command, file, env, label%s", what,
			       value_allowed ? ", value" : "");
	if (spec->file && spec->file[0] != '/')
		return err_set(err, ERR_USAGE, "%s: path \"%s\" is not absolute", what, spec->file);
	return spec->command.count ? check_probe_argv(&spec->command, err) : 0;
}

const char *check_probe_env(const struct image_config *image, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < image->env.count; i++)
		if (strncmp(image->env.items[i], key, len) == 0 && image->env.items[i][len] == '=')
			return image->env.items[i] + len + 1;
	return NULL;
}

const char *check_probe_label(const struct image_config *image, const char *key)
{
	for (size_t i = 0; i < image->labels.count; i++)
		if (strcmp(image->labels.items[i].key, key) == 0)
			return image->labels.items[i].value;
	return NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

struct raw {
	const char *text;
	size_t len;
	bool cut;
};

static int read_command(struct trial *trial, const struct probe_spec *spec, struct raw *raw,
			struct fact *out, struct err *err)
{
	struct command command = {.argv = spec->command};
	struct command_result result = {0};
	struct arena *arena = trial->ctx->arena;
	const char *said;

	if (check_trial_run(trial, &command, &result, err) < 0)
		return -1;
	*raw = (struct raw){result.out, result.out_len, result.out_truncated};
	if (result.not_found) {
		out->why =
			arena_printf(arena, "no program '%s' in the image", spec->command.items[0]);
		return 0;
	}
	if (result.exit_code == 0)
		return 1;
	said = check_trial_reason(trial);
	out->why = arena_printf(arena, "exit code %d%s%s", result.exit_code, said ? ": " : "",
				said ? said : "");
	return 0;
}

static int read_file(struct trial *trial, const struct probe_spec *spec, struct raw *raw,
		     struct fact *out, struct err *err)
{
	const struct check_ctx *ctx = trial->ctx;
	struct file_info info = {0};

	if (ctx->target->ops->file(ctx->target->self, spec->file, true, PROBE_FILE_BYTES_MAX,
				   ctx->arena, &info, err) < 0) {
		out->why = "no such file";
		return err->code == ERR_NOTFOUND ? 0 : -1;
	}
	out->why = "not a regular file";
	*raw = (struct raw){info.content, info.content_len, info.content_truncated};
	return info.type == FILE_REGULAR;
}

static int read_config(struct trial *trial, const struct probe_spec *spec, struct raw *raw,
		       struct fact *out)
{
	const struct image_config *image = trial->ctx->target->image;
	const char *text = spec->value ? spec->value
			   : spec->env ? check_probe_env(image, spec->env)
				       : check_probe_label(image, spec->label);

	out->why = "not set";
	*raw = (struct raw){text, text ? strlen(text) : 0, false};
	return text != NULL;
}

/* First line that is not blank, white space around it dropped. */
static const char *first_line(const struct raw *raw, struct arena *arena)
{
	size_t start = 0, end;

	while (start < raw->len && raw->text[start] && strchr(" \t\r\n", raw->text[start]))
		start++;
	for (end = start; end < raw->len && raw->text[end] != '\n';)
		end++;
	while (end > start && raw->text[end - 1] && strchr(" \t\r", raw->text[end - 1]))
		end--;
	return arena_strndup(arena, raw->text + start, end - start);
}

static int extract(struct trial *trial, const struct probe_spec *spec, const struct raw *raw,
		   struct fact *out, struct err *err)
{
	struct arena *arena = trial->ctx->arena;
	const char *capture = NULL;
	size_t len = 0;
	int found;

	if (!spec->pattern) {
		out->text = first_line(raw, arena);
		out->why = "no text";
		return *out->text != '\0';
	}
	found = pattern_find(spec->pattern, raw->text, raw->len, &capture, &len, err);
	if (found == 0 && raw->cut)
		return err_set(err, ERR_LIMIT,
			       "no match of /%s/ in the first %zu bytes of %s, "
			       "and the rest was not read",
			       spec->pattern, raw->len, out->where);
	if (found < 0)
		return -1;
	out->text = found ? arena_strndup(arena, capture, len) : "";
	out->why = found ? arena_printf(arena, "an empty match of /%s/", spec->pattern)
			 : arena_printf(arena, "no match of /%s/ in %s", spec->pattern,
					check_trial_quote(trial, raw->text, raw->len));
	return *out->text != '\0';
}

static const char *place(const struct trial *trial, const struct probe_spec *spec)
{
	struct arena *arena = trial->ctx->arena;

	if (spec->command.count)
		return arena_printf(arena, "command %s", check_trial_argv(trial, &spec->command));
	if (spec->file)
		return arena_printf(arena, "file %s", spec->file);
	if (spec->env)
		return arena_printf(arena, "variable %s of the image", spec->env);
	return spec->label ? arena_printf(arena, "label %s of the image", spec->label)
			   : "the suite";
}

int check_probe_read(struct trial *trial, const struct probe_spec *spec, struct fact *out,
		     struct err *err)
{
	struct raw raw = {0};
	int rc;

	*out = (struct fact){.where = place(trial, spec)};
	if (spec->command.count)
		rc = read_command(trial, spec, &raw, out, err);
	else if (spec->file)
		rc = read_file(trial, spec, &raw, out, err);
	else
		rc = read_config(trial, spec, &raw, out);
	if (rc != 1)
		return rc;
	raw.text = raw.text ? raw.text : "";
	return extract(trial, spec, &raw, out, err);
}
