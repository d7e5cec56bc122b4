#include "check/fact.h"

#include "base/pattern.h"
#include "check/text.h"
#include "parse/output.h"

#include <string.h>

#define FACT_FILE_BYTES_MAX ((size_t)1024 * 1024)

const struct field fact_fields[] = {
	FACT_FIELDS(0),
	{.name = "value",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct fact_spec, value),
	 .nonempty = true,
	 .help = "a fixed text"},
	{.name = NULL},
};

int fact_validate(const struct fact_spec *spec, bool value_allowed, const char *what,
		  struct err *err)
{
	int ways = (spec->command.count > 0) + (spec->file != NULL) + (spec->env != NULL) +
		   (spec->label != NULL) + (spec->value != NULL);

	if (ways == 1)
		return 0;
	return err_set(err, ERR_USAGE, "%s needs exactly one of command, file, env, label%s", what,
		       value_allowed ? ", value" : "");
}

static int read_command(struct check_ctx *ctx, const struct fact_spec *spec,
			struct case_result *out, const char **text, size_t *len, const char **why,
			struct err *err)
{
	struct command command = {.argv = spec->command};
	struct command_result result = {0};

	if (text_run(ctx, &command, out, &result, err) < 0)
		return -1;
	if (result.not_found || result.exit_code != 0) {
		const char *said = output_reason(result.errout, result.errout_len, ctx->arena);

		*why = result.not_found
			       ? arena_printf(ctx->arena, "no program '%s'", spec->command.items[0])
			       : arena_printf(ctx->arena, "exit code %d%s%s", result.exit_code,
					      said ? ": " : "", said ? said : "");
		return 0;
	}
	*text = result.out;
	*len = result.out_len;
	return 1;
}

static int read_file(struct check_ctx *ctx, const struct fact_spec *spec, const char **text,
		     size_t *len, const char **why, struct err *err)
{
	struct file_info info = {0};

	if (ctx->target->ops->file(ctx->target->self, spec->file, true, FACT_FILE_BYTES_MAX,
				   ctx->arena, &info, err) < 0) {
		if (err->code != ERR_NOTFOUND)
			return -1;
		*why = "no such file";
		return 0;
	}
	if (info.type != FILE_REGULAR) {
		*why = "not a regular file";
		return 0;
	}
	*text = info.content;
	*len = info.content_len;
	return 1;
}

/* What stands in the image's configuration under the asked name. */
static const char *read_config(const struct image_config *image, const struct fact_spec *spec)
{
	if (spec->value)
		return spec->value;
	if (spec->env)
		return text_env(image, spec->env);
	for (size_t i = 0; i < image->labels.count; i++)
		if (strcmp(image->labels.items[i].key, spec->label) == 0)
			return image->labels.items[i].value;
	return NULL;
}

/* First line that is not blank, white space around it dropped. */
static const char *first_line(const char *text, size_t len, struct arena *arena)
{
	size_t start = 0, end;

	while (start < len && strchr(" \t\r\n", text[start]) && text[start])
		start++;
	for (end = start; end < len && text[end] != '\n';)
		end++;
	while (end > start && strchr(" \t\r", text[end - 1]))
		end--;
	return arena_strndup(arena, text + start, end - start);
}

static int extract(struct check_ctx *ctx, const struct fact_spec *spec, const char *text,
		   size_t len, const char **value, const char **why, struct err *err)
{
	const char *capture = NULL;
	size_t size = 0;
	int found = 1;

	if (!spec->pattern) {
		*value = first_line(text ? text : "", text ? len : 0, ctx->arena);
	} else {
		found = pattern_find(spec->pattern, text ? text : "", text ? len : 0, &capture,
				     &size, err);
		if (found == 1)
			*value = arena_strndup(ctx->arena, capture, size);
		else
			*why = arena_printf(ctx->arena, "no match of /%s/ in %s", spec->pattern,
					    text_quote(text, len, ctx->arena));
	}
	if (found == 1 && !**value) {
		*why = "no text";
		return 0;
	}
	return found;
}

int fact_read(struct check_ctx *ctx, const struct fact_spec *spec, struct case_result *out,
	      const char **value, const char **where, const char **why, struct err *err)
{
	const char *text = NULL;
	size_t len = 0;
	int rc = 1;

	if (spec->command.count) {
		*where = arena_printf(ctx->arena, "command %s",
				      text_argv(&spec->command, ctx->arena));
		rc = read_command(ctx, spec, out, &text, &len, why, err);
	} else if (spec->file) {
		*where = arena_printf(ctx->arena, "file %s", spec->file);
		rc = read_file(ctx, spec, &text, &len, why, err);
	} else {
		*where = spec->value ? "the suite"
				     : arena_printf(ctx->arena, "%s %s of the image",
						    spec->env ? "variable" : "label",
						    spec->env ? spec->env : spec->label);
		text = read_config(ctx->target->image, spec);
		len = text ? strlen(text) : 0;
		*why = "not set";
		rc = text ? 1 : 0;
	}
	return rc == 1 ? extract(ctx, spec, text, len, value, why, err) : rc;
}
