#include "cmd/cmd.h"

#include "base/clock.h"

#include "base/file.h"
#include "base/json.h"
#include "check/check_ops.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KINDS_MAX 64

int exit_of_error(const struct err *err)
{
	switch (err->code) {
	case ERR_USAGE:
	case ERR_NOTFOUND:
	case ERR_LIMIT:
		return EXIT_USAGE;
	case ERR_CANCELLED:
		return EXIT_INTERRUPTED;
	case ERR_NONE:
	case ERR_INFRA:
	case ERR_TIMEOUT:
	case ERR_BUG:
		break;
	}
	return EXIT_INFRA;
}

int exit_of_run(const struct run *run)
{
	if (run->build.failed)
		return EXIT_BUILD;
	switch (run->verdict) {
	case VERDICT_PASS:
		return EXIT_PASS;
	case VERDICT_FAIL:
		return EXIT_FAIL;
	case VERDICT_INCONCLUSIVE:
		return EXIT_INCONCLUSIVE;
	case VERDICT_EMPTY:
		return EXIT_EMPTY;
	case VERDICT_INFRA:
	case VERDICT_OPEN:
		break;
	}
	return EXIT_INFRA;
}

int exit_as_bisect(int code, bool build_failure_is_bad)
{
	switch (code) {
	case EXIT_PASS:
		return 0;
	case EXIT_FAIL:
		return 1;
	case EXIT_BUILD:
		return build_failure_is_bad ? 1 : 125;
	case EXIT_INCONCLUSIVE:
		return 125;
	default:
		return 128;
	}
}

int cmd_fail(const struct err *err)
{
	fprintf(stderr, "assay: %s\n", err->msg);
	return exit_of_error(err);
}

bool cmd_color(const struct common_options *common)
{
	const char *none = getenv("NO_COLOR");

	return !common->no_color && !(none && *none) && isatty(STDOUT_FILENO);
}

void cmd_print_json(struct json *json)
{
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	json_print(json, true, &text);
	puts(buf_str(&text));
	buf_done(&text);
	json_free(json);
}

const char *cmd_state_dir(const struct source *source, struct arena *arena)
{
	const char *env = getenv("ASSAY_STATE");
	const char *root = source_root(source);
	size_t len = strlen(root);

	if (env && *env)
		return arena_strdup(arena, env);
	while (len > 1 && root[len - 1] == '/')
		len--;
	if (access(arena_printf(arena, "%.*s/.git", (int)len, root), F_OK) != 0)
		return ".assay"; /* bare: the repository itself stays as it is */
	return arena_printf(arena, "%.*s/.assay", (int)len, root);
}

int cmd_history_open(const char *url, const char *state, struct store **out, struct err *err)
{
	char path[4096];

	if (!url) {
		if (file_mkdirs(state, err) < 0)
			return -1;
		(void)snprintf(path, sizeof(path), "%s/history.db", state);
		url = path;
	}
	if (store_open(url, out, err) == 0)
		return 0;
	err->code = ERR_INFRA;
	return err_wrap(err, "history");
}

static int read_beside(void *self, const char *path, struct buf *out, struct err *err)
{
	const char *suite = self, *slash = strrchr(suite, '/');
	char full[PATH_MAX];
	int len = snprintf(full, sizeof(full), "%.*s%s", slash ? (int)(slash - suite) + 1 : 0,
			   suite, path);

	if (len < 0 || (size_t)len >= sizeof(full))
		return err_set(err, ERR_USAGE, "%s: the path is too long", path);
	return file_read(full, out, err);
}

struct file_reader cmd_files_beside(const char *path)
{
	return (struct file_reader){read_beside, (void *)path};
}

bool cmd_kind_lookup(const char *kind, struct suite_kind *out, void *payload)
{
	const struct check_ops *ops = check_find(kind);

	(void)payload;
	if (!ops)
		return false;
	*out = (struct suite_kind){ops->fields, ops->spec_size, ops->validate, ops->load};
	return true;
}

const char *const *cmd_kind_names(void)
{
	static const char *names[KINDS_MAX];

	for (size_t i = 0; check_kinds[i] && i < KINDS_MAX - 1; i++)
		names[i] = check_kinds[i]->kind;
	return names;
}

int cmd_parse_vars(const struct strings *words, struct arena *arena, struct pairs *out,
		   struct err *err)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *equals = strchr(words->items[i], '=');
		struct pair *pair;

		if (!equals || equals == words->items[i])
			return err_set(err, ERR_USAGE, "--var %s: write NAME=VALUE",
				       words->items[i]);
		pair = arena_push(arena, &out->items, &out->count, sizeof(*pair));
		pair->key =
			arena_strndup(arena, words->items[i], (size_t)(equals - words->items[i]));
		pair->value = equals + 1;
	}
	return 0;
}

int cmd_finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	perror("assay: cannot write to standard output");
	return code == EXIT_PASS ? EXIT_INFRA : code;
}

static bool is_date(const char *text)
{
	static const char shape[] = "0000-00-00";

	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return false;
	return text[10] == '\0' || text[10] == 'T';
}

int cmd_since(const char *word, struct source *source, struct arena *arena, const char **out,
	      struct err *err)
{
	struct commit commit = {0};
	char text[CLOCK_TEXT];

	if (!word || is_date(word)) {
		*out = word;
		return 0;
	}
	if (!source)
		return err_set(err, ERR_USAGE,
			       "--since %s: no repository to look it up in; write a date as "
			       "2026-11-23",
			       word);
	if (source_resolve(source, word, arena, &commit, err) < 0)
		return err_wrap(err, "--since");
	*out = arena_strdup(arena, clock_rfc3339(commit.time_s * 1000, text, sizeof(text)));
	return 0;
}

int cmd_parse_share(const char *name, const char *text, double *out, struct err *err)
{
	char *end = NULL;
	double value;

	if (!text)
		return 0;
	value = strtod(text, &end);
	if (end == text || *end || !(value >= 0 && value <= 1))
		return err_set(err, ERR_USAGE, "--%s %s: a number from 0 to 1", name, text);
	*out = value;
	return 0;
}
