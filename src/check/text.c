#include "check/text.h"

#include "base/pattern.h"
#include "base/units.h"
#include "parse/output.h"

#include <string.h>

#define QUOTE_BYTES_MAX 200
#define SECRET_LENGTH_MIN 4 /* shorter values would blank out half the output */

#define AT(member) offsetof(struct text_spec, member)
const struct field text_fields[] = {
	{.name = "equals",
	 .type = FIELD_STRING,
	 .offset = AT(equals),
	 .help = "the whole text, white space at the end aside"},
	{.name = "contains",
	 .type = FIELD_STRINGS,
	 .offset = AT(contains),
	 .nonempty = true,
	 .help = "texts that must all occur"},
	{.name = "matches",
	 .type = FIELD_STRINGS,
	 .offset = AT(matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "patterns (PCRE2) that must all match"},
	{.name = "not_contains",
	 .type = FIELD_STRINGS,
	 .offset = AT(not_contains),
	 .nonempty = true,
	 .help = "texts that must not occur"},
	{.name = "not_matches",
	 .type = FIELD_STRINGS,
	 .offset = AT(not_matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "patterns that must not match"},
	{.name = "empty",
	 .type = FIELD_TRISTATE,
	 .offset = AT(empty),
	 .help = "true: there must be no text, false: there must be some"},
	{.name = NULL},
};
#undef AT

bool text_asserts_anything(const struct text_spec *spec)
{
	return spec->equals || spec->contains.count || spec->matches.count ||
	       spec->not_contains.count || spec->not_matches.count || spec->empty >= 0;
}

static size_t trimmed(const char *text, size_t len)
{
	while (len && strchr(" \t\r\n", text[len - 1]) && text[len - 1])
		len--;
	return len;
}

const char *text_quote(const char *text, size_t len, struct arena *arena)
{
	len = text ? trimmed(text, len) : 0;
	if (!len)
		return "nothing";
	return arena_printf(arena, "'%s'", output_oneline(text, len, QUOTE_BYTES_MAX, arena));
}

static bool occurs(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

static const char *judge_words(const struct text_spec *spec, const char *text, size_t len,
			       struct arena *arena)
{
	size_t want = spec->equals ? trimmed(spec->equals, strlen(spec->equals)) : 0;
	size_t have = trimmed(text, len);

	if (spec->empty == 1 && have)
		return "no text";
	if (spec->empty == 0 && !have)
		return "some text";
	if (spec->equals && (want != have || memcmp(spec->equals, text, want) != 0))
		return text_quote(spec->equals, want, arena);
	for (size_t i = 0; i < spec->contains.count; i++)
		if (!occurs(text, len, spec->contains.items[i]))
			return arena_printf(arena, "a text with '%s'", spec->contains.items[i]);
	for (size_t i = 0; i < spec->not_contains.count; i++)
		if (occurs(text, len, spec->not_contains.items[i]))
			return arena_printf(arena, "a text without '%s'",
					    spec->not_contains.items[i]);
	return NULL;
}

const char *text_judge(const struct text_spec *spec, const char *text, size_t len,
		       struct arena *arena, int *rc, struct err *err)
{
	const char *wrong;
	int found;

	text = text ? text : "";
	*rc = 0;
	wrong = judge_words(spec, text, len, arena);
	for (size_t i = 0; !wrong && i < spec->matches.count; i++) {
		found = pattern_find(spec->matches.items[i], text, len, NULL, NULL, err);
		*rc = found < 0 ? -1 : *rc;
		if (found == 0)
			wrong = arena_printf(arena, "a match of /%s/", spec->matches.items[i]);
	}
	for (size_t i = 0; !wrong && i < spec->not_matches.count; i++) {
		found = pattern_find(spec->not_matches.items[i], text, len, NULL, NULL, err);
		*rc = found < 0 ? -1 : *rc;
		if (found == 1)
			wrong = arena_printf(arena, "no match of /%s/", spec->not_matches.items[i]);
	}
	return wrong;
}

const char *text_env(const struct image_config *image, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < image->env.count; i++)
		if (strncmp(image->env.items[i], key, len) == 0 && image->env.items[i][len] == '=')
			return image->env.items[i] + len + 1;
	return NULL;
}

bool text_is_secret(const char *name)
{
	static const char *const words[] = {"TOKEN", "SECRET", "PASSWORD",   "PASSWD",
					    "_KEY",  "APIKEY", "CREDENTIAL", NULL};

	for (size_t i = 0; words[i]; i++)
		if (strcasestr(name, words[i]))
			return true;
	return strcasecmp(name, "key") == 0;
}

/* The secret value that begins at P, its length in *LEN; NULL when none does. */
static const char *secret_at(const struct image_config *image, const char *p, size_t left,
			     size_t *len)
{
	for (size_t i = 0; image && i < image->env.count; i++) {
		const char *equals = strchr(image->env.items[i], '=');
		size_t size = equals ? strlen(equals + 1) : 0;
		char name[128];

		if (size < SECRET_LENGTH_MIN || size > left || memcmp(p, equals + 1, size) != 0)
			continue;
		if ((size_t)(equals - image->env.items[i]) >= sizeof(name))
			continue;
		memcpy(name, image->env.items[i], (size_t)(equals - image->env.items[i]));
		name[equals - image->env.items[i]] = '\0';
		if (text_is_secret(name)) {
			*len = size;
			return equals + 1;
		}
	}
	return NULL;
}

const char *text_redact(const struct image_config *image, const char *text, size_t len,
			struct arena *arena)
{
	struct buf clean;
	const char *out;
	bool any = false;

	for (size_t i = 0; image && i < image->env.count && !any; i++)
		any = text_is_secret(image->env.items[i]);
	if (!text || !any)
		return text ? arena_strndup(arena, text, len) : NULL;
	buf_init(&clean, len * 2 + 16);
	for (size_t i = 0; i < len;) {
		size_t size;

		if (secret_at(image, text + i, len - i, &size)) {
			buf_addstr(&clean, "***");
			i += size;
		} else {
			buf_add(&clean, text + i++, 1);
		}
	}
	out = arena_strndup(arena, buf_str(&clean), clean.len);
	buf_done(&clean);
	return out;
}

const char *text_argv(const struct strings *argv, struct arena *arena)
{
	struct buf line;
	const char *out;

	buf_init(&line, QUOTE_BYTES_MAX * 2);
	for (size_t i = 0; i < argv->count; i++) {
		const char *word = argv->items[i];
		bool plain = *word && !strpbrk(word, " \t\n'\"\\$;&|<>()*?");

		buf_printf(&line, plain ? "%s%s" : "%s'%s'", i ? " " : "", word);
	}
	out = output_oneline(buf_str(&line), line.len, QUOTE_BYTES_MAX, arena);
	buf_done(&line);
	return out;
}

int text_run(struct check_ctx *ctx, struct command *command, struct case_result *out,
	     struct command_result *result, struct err *err)
{
	const struct image_config *image = ctx->target->image;
	char limit[32];

	command->timeout_ns = ctx->timeout_ns;
	command->output_max = ctx->output_max;
	command->isolated = command->isolated || ctx->isolated;
	if (ctx->target->ops->run(ctx->target->self, command, ctx->arena, result, err) < 0)
		return -1;
	out->out = text_redact(image, result->out, result->out_len, ctx->arena);
	out->errout = text_redact(image, result->errout, result->errout_len, ctx->arena);
	if (result->timed_out) {
		out->label = "command/timed-out";
		return err_set(err, ERR_TIMEOUT, "still running after %s: %s",
			       units_duration(ctx->timeout_ns, limit, sizeof(limit)),
			       text_argv(&command->argv, ctx->arena));
	}
	return 0;
}
