#include "cmd/output.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int unknown_format(const char *word, const char *name, const char *const *extra,
			  struct err *err)
{
	char known[200] = "";
	size_t used = 0;

	for (size_t i = 0; report_kinds[i]; i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 report_kinds[i]->format);
	for (; extra && *extra; extra++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, ", %s", *extra);
	return err_set(err, ERR_USAGE, "-o %s: no format '%s'; formats: %s", word, name, known);
}

int output_find(const char *word, const char *const *extra, const struct report_ops **ops,
		const char **extra_out, const char **file, struct err *err)
{
	char name[32];
	size_t len = strcspn(word, "=");

	if (!word[len] || !word[len + 1] || len >= sizeof(name))
		return err_set(err, ERR_USAGE, "-o %s: write FORMAT=FILE", word);
	memcpy(name, word, len);
	name[len] = '\0';
	*file = word + len + 1;
	*ops = report_find(name);
	if (*ops)
		return 0;
	for (const char *const *word_of = extra; word_of && *word_of; word_of++)
		if (strcmp(*word_of, name) == 0) {
			*extra_out = *word_of;
			return 0;
		}
	return unknown_format(word, name, extra, err);
}

int output_check(const struct strings *words, const char *const *extra, struct err *err)
{
	const struct report_ops *ops;
	const char *name, *file;

	for (size_t i = 0; i < words->count; i++)
		if (output_find(words->items[i], extra, &ops, &name, &file, err) < 0)
			return -1;
	return 0;
}

int output_text(const char *file, const struct buf *text, struct err *err)
{
	if (strcmp(file, "-") != 0)
		return file_write(file, buf_str(text), text->len, err);
	(void)fwrite(buf_str(text), 1, text->len, stdout); /* cmd_finish_output tells */
	return 0;
}

int output_json(const char *file, const struct json *json, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, REPORT_BYTES_MAX);
	json_print(json, true, &text);
	buf_addstr(&text, "\n");
	rc = text.truncated ? err_set(err, ERR_LIMIT, "%s: more than %zu bytes", file, text.max)
			    : output_text(file, &text, err);
	buf_done(&text);
	return rc;
}

/* GitHub names a file that a step's summary is appended to. */
static int append_step_summary(const struct run *run, struct err *err)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	const struct report_options plain = {0};
	struct buf text;
	FILE *file;
	int rc = 0;

	if (!path || !*path)
		return 0;
	file = fopen(path, "ae");
	if (!file)
		return err_sys(err, ERR_INFRA, "GITHUB_STEP_SUMMARY %s", path);
	buf_init(&text, REPORT_BYTES_MAX);
	report_markdown.write(run, &plain, &text);
	if (fwrite(buf_str(&text), 1, text.len, file) != text.len)
		rc = err_sys(err, ERR_INFRA, "GITHUB_STEP_SUMMARY %s", path);
	buf_done(&text);
	if (fclose(file) != 0 && rc == 0)
		rc = err_sys(err, ERR_INFRA, "GITHUB_STEP_SUMMARY %s", path);
	return rc;
}

int output_run(const struct run *run, const struct report_ops *ops, const char *file,
	       const struct report_options *options, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, REPORT_BYTES_MAX);
	ops->write(run, options, &text);
	rc = output_text(file, &text, err);
	buf_done(&text);
	if (rc == 0 && ops == &report_github)
		rc = append_step_summary(run, err);
	return rc;
}

unsigned output_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		return size.ws_col;
	return 0;
}
