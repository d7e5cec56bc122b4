/* Secrets that whoever has the image can read: in its environment, its history, and its files, also
 * those that a higher layer removed. What is found is named by place and kind, never shown. */
#include "rules/build.h"
#include "rules/rules_private.h"

#include "base/pattern.h"
#include "model/secret.h"

#include <string.h>

static const struct {
	const char *kind, *pattern;
} formats[] = {
	{"a Hugging Face token", "\\bhf_[A-Za-z0-9]{30,}\\b"},
	{"a GitHub token", "\\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\\b"},
	{"an AWS access key", "\\b(?:AKIA|ASIA)[A-Z0-9]{16}\\b"},
	{"a Slack token", "\\bxox[abprs]-[A-Za-z0-9-]{20,}"},
	{"an OpenAI key", "\\bsk-(?:proj-)?[A-Za-z0-9_-]{32,}"},
	{"a Google key", "\\bAIza[A-Za-z0-9_-]{35}\\b"},
	{"a GitLab token", "\\bglpat-[A-Za-z0-9_-]{20,}"},
	{"a RunPod key", "\\brpa_[A-Z0-9]{30,}"},
	{"a private key", "-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\\s*[A-Za-z0-9+/=]{16,}"},
	{"an authorization header",
	 "(?i)authorization[\"']?\\s*[:=]\\s*[\"']?(?:bearer|basic)\\s+[A-Za-z0-9._~+/=-]{20,}"},
	{"a password in a URL",
	 "\\b[a-z][a-z0-9+]+://[^/\\s:@\"'$<{]+:[^/\\s:@\"'$<{*]{6,}@[a-z0-9]"},
};

static const char *kind_of(const char *text)
{
	for (size_t i = 0; text && i < sizeof(formats) / sizeof(formats[0]); i++)
		if (rules__matches(formats[i].pattern, text))
			return formats[i].kind;
	return NULL;
}

/* A value that stands for one that is given later. */
static bool is_placeholder(const char *value)
{
	return !*value || strlen(value) < 6 ||
	       rules__matches("(?i)^(none|null|false|true|changeme|change_me|dummy|example|xxx+|"
			      "\\*+|<.*>|\\$.*|your[-_ ].*|/.*|placeholder|secret|password|token|"
			      "[0-9]{1,5})$",
			      value);
}

/* TEXT with every occurrence of PATTERN as "***"; a first group is what is hidden of it. */
static const char *hide(const char *pattern, const char *text, struct arena *arena)
{
	const char *at = text, *found;
	struct buf clean;
	size_t len;

	if (pattern_find(pattern, text, strlen(text), NULL, NULL, NULL) != 1)
		return text;
	buf_init(&clean, strlen(text) * 3 + 1);
	while (pattern_find(pattern, at, strlen(at), &found, &len, NULL) == 1 && len) {
		buf_add(&clean, at, (size_t)(found - at));
		buf_addstr(&clean, "***");
		at = found + len;
	}
	buf_addstr(&clean, at);
	text = arena_strdup(arena, buf_str(&clean));
	buf_done(&clean);
	return text;
}

static const char *clean_text(const struct strings *values, const char *text, struct arena *arena)
{
	static const char assigned[] =
		"(?i)(?:token|secret|passw(?:or)?d|credentials?|api_?key|access_?key(?:_id)?|"
		"private_?key|secret_?key|auth_?key)=[\"']?(?!\\*\\*\\*|\\$)([^\\s\"']{4,})";

	if (!text || !*text)
		return text;
	text = secret_redact(values, text, strlen(text), false, arena);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		text = hide(formats[i].pattern, text, arena);
	return hide(assigned, text, arena);
}

void rules__redact(const struct rule_input *input, struct findings *out)
{
	struct strings values = {0};

	if (input->facts && input->facts->config)
		secret_collect(input->facts->config, NULL, out->arena, &values);
	for (size_t i = 0; i < out->count; i++) {
		struct finding *finding = &out->items[i];

		finding->expected = clean_text(&values, finding->expected, out->arena);
		finding->actual = clean_text(&values, finding->actual, out->arena);
		finding->where = clean_text(&values, finding->where, out->arena);
	}
}

static void judge_environment(const struct facts *facts, struct findings *out)
{
	for (size_t i = 0; i < facts->config->env.count; i++) {
		const char *item = facts->config->env.items[i];
		size_t len = strcspn(item, "=");
		const char *name = TEXT("%.*s", (int)len, item);
		const char *value = item[len] ? item + len + 1 : "";
		const char *kind = kind_of(value);

		if (!kind && (!rules__is_secret_name(name) || is_placeholder(value)))
			continue;
		finding_add(out, "secrets/env", name, "no secret in the image's environment",
			    TEXT("%s holds %s", name, kind ? kind : "a value"),
			    "ENV of the image's configuration");
	}
}

/* "NAME=value" in a history line, for names of secrets; "|2 HF_TOKEN=… /bin/sh -c …". */
static const char *named_in(const char *step, struct arena *arena)
{
	const char *at = step;

	while ((at = strchr(at, '=')) != NULL) {
		const char *begin = at;
		size_t len;
		const char *value;

		while (begin > step &&
		       strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_",
			      begin[-1]))
			begin--;
		len = strcspn(at + 1, " \t\"';&|");
		value = arena_strndup(arena, at + 1, len);
		if (begin < at && !is_placeholder(value)) {
			const char *name = arena_strndup(arena, begin, (size_t)(at - begin));

			if (rules__is_secret_name(name) && value[0] != '$')
				return name;
		}
		at++;
	}
	return NULL;
}

static void judge_history(const struct facts *facts, struct findings *out)
{
	for (size_t i = 0; i < facts->history_count; i++) {
		const char *step = facts->history[i].created_by;
		const char *kind = kind_of(step);
		const char *name = kind || !step ? NULL : named_in(step, out->arena);

		if (kind || name)
			finding_add(out, "secrets/history", name ? name : kind,
				    "no secret in the image's history",
				    name ? TEXT("the value of %s", name) : TEXT("%s", kind),
				    TEXT("step %zu of the history", i + 1));
	}
}

static bool is_sample(const char *path)
{
	return rules__matches("(?i)/(tests?|testing|testdata|examples?|docs?|fixtures?|samples?)/|"
			      "snakeoil|/ssl/certs/",
			      path);
}

void rules__secret_files(const struct rule_input *input, const struct image_file *files,
			 size_t count, const char *label, struct findings *out)
{
	for (size_t i = 0; i < count; i++) {
		const char *kind;
		struct origin origin;

		if (files[i].type != FILE_REGULAR || !files[i].text ||
		    !rules__is_app_path(input->facts, files[i].path) || is_sample(files[i].path))
			continue;
		kind = kind_of(files[i].text);
		if (!kind)
			continue;
		origin = facts_origin(input->facts, &files[i]);
		finding_add(
			out, label, rules__base(files[i].path),
			"no secret in any layer of the image",
			files[i].hidden_by
				? TEXT("%s; layer %u removed the file, the layer below keeps it",
				       kind, files[i].hidden_by->number)
				: TEXT("%s", kind),
			rules__place(files[i].path, &origin, out->arena));
	}
}

static void run(const struct rule_input *input, struct findings *out)
{
	const struct image_file *files;
	size_t count = 0;

	if (!input->facts)
		return;
	if (input->facts->config)
		judge_environment(input->facts, out);
	judge_history(input->facts, out);
	if (!input->image)
		return;
	files = image_files(input->image, &count);
	rules__secret_files(input, files, count, "secrets/file", out);
	files = image_hidden(input->image, &count);
	rules__secret_files(input, files, count, "secrets/removed-file", out);
}

static const struct rule_label labels[] = {
	{"secrets/env", SEVERITY_ERROR},
	{"secrets/file", SEVERITY_ERROR},
	{"secrets/history", SEVERITY_ERROR},
	{"secrets/removed-file", SEVERITY_ERROR},
	{NULL, SEVERITY_NOTE},
};

const struct rule_ops rule_secrets = {
	.topic = "secrets",
	.summary = "secrets in the environment, the history and the layers",
	.labels = labels,
	.run = run,
};
