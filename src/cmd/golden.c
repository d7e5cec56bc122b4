#include "cmd/golden.h"

#include "base/file.h"
#include "check/golden.h"
#include "source/source.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_JSON_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct golden {
	const struct golden_request *request;
	const struct suite *suite;
	const struct suite_check *check;
	struct arena *arena;
	const char *path; /* relative to the suite */
	const char *run;  /* the id that was found */
	struct strings names;
	struct pairs old, answers;
	bool differs;
};

static const struct suite_check *find_check(const struct suite *suite, const char *name)
{
	for (size_t i = 0; i < suite->check_count; i++)
		if (strcmp(suite->checks[i].name, name) == 0)
			return &suite->checks[i];
	return NULL;
}

/* --- the run --------------------------------------------------------------------------------- */

static int newest_first(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*b)->d_name, (*a)->d_name);
}

/* What run ID of the suite kept of the check. ERR_NOTFOUND: it did not make it. */
static int read_said(struct golden *golden, const char *runs, const char *id, struct buf *out,
		     struct err *err)
{
	const char *folder = arena_printf(golden->arena, "%s/%s", runs, id);
	CLEANUP(json_freep) struct json *run = NULL;
	const struct json *suite;
	struct buf text;
	int rc;

	buf_init(&text, RUN_JSON_BYTES_MAX);
	rc = file_read(arena_printf(golden->arena, "%s/run.json", folder), &text, err);
	if (rc == 0)
		rc = json_parse(buf_str(&text), text.len, false, &run, err);
	buf_done(&text);
	if (rc < 0)
		return -1;
	suite = json_get(run, "suite");
	if (!suite || strcmp(json_str(suite, "name", ""), golden->suite->name) != 0)
		return err_set(err, ERR_NOTFOUND, "run %s is of another suite", id);
	rc = file_read(
		arena_printf(golden->arena, "%s/cases/%s/stdout", folder, golden->check->name), out,
		err);
	if (rc < 0 && err->code == ERR_NOTFOUND)
		return err_set(err, ERR_NOTFOUND, "run %s did not make check %s", id,
			       golden->check->name);
	return rc;
}

static int find_said(struct golden *golden, const char *runs, struct buf *out, struct err *err)
{
	struct dirent **entries = NULL;
	int count = scandir(runs, &entries, NULL, newest_first), rc = -1;

	(void)err_set(err, ERR_USAGE, "no run in %s made check %s of suite %s: `assay run` first",
		      runs, golden->check->name, golden->suite->name);
	for (int i = 0; i < count; i++) {
		struct err ignored;

		if (rc < 0 && entries[i]->d_name[0] != '.' &&
		    read_said(golden, runs, entries[i]->d_name, out, &ignored) == 0) {
			golden->run = arena_strdup(golden->arena, entries[i]->d_name);
			rc = 0;
		}
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int read_answers(struct golden *golden, struct err *err)
{
	const char *id = golden->request->run, *runs;
	struct source *source = NULL;
	struct buf said;
	int rc;

	if (id && (strchr(id, '/') || id[0] == '.'))
		return err_set(err, ERR_USAGE, "--run %s: no id of a run", id);
	if (source_open(".", &source, err) < 0)
		return -1;
	runs = arena_printf(golden->arena, "%s/runs", cmd_state_dir(source, golden->arena));
	source_close(source);
	buf_init(&said, RUN_JSON_BYTES_MAX);
	golden->run = id;
	rc = id ? read_said(golden, runs, id, &said, err) : find_said(golden, runs, &said, err);
	if (rc == 0 && check_golden_answers(buf_str(&said), said.len, &golden->names, golden->arena,
					    &golden->answers, err) < 0)
		rc = err_wrap(err, "run %s", golden->run);
	buf_done(&said);
	if (rc < 0 && err->code == ERR_NOTFOUND)
		err->code = ERR_USAGE;
	return rc;
}

/* --- the difference -------------------------------------------------------------------------- */

static void print_lines(char mark, const char *text)
{
	while (*text) {
		int len = (int)strcspn(text, "\n");

		printf("%c%.*s\n", mark, len, text);
		text += len + (text[len] == '\n');
	}
}

static void show_one(struct golden *golden, const char *name, const char *old, const char *new)
{
	if (old && new &&strcmp(old, new) == 0)
		return;
	golden->differs = true;
	if (golden->request->quiet)
		return;
	printf("@@ %s%s\n", name, !old ? " (new)" : !new ? " (gone)" : "");
	if (old)
		print_lines('-', old);
	if (new)
		print_lines('+', new);
}

static bool is_case(const struct golden *golden, const char *name)
{
	for (size_t i = 0; i < golden->names.count; i++)
		if (strcmp(golden->names.items[i], name) == 0)
			return true;
	return false;
}

/* The text that a case will have: what it answered, else what it had. */
static const char *next_text(const struct golden *golden, const char *name)
{
	const char *text = check_golden_find(&golden->answers, name);

	return text ? text : check_golden_find(&golden->old, name);
}

static void show(struct golden *golden)
{
	for (size_t i = 0; i < golden->names.count; i++) {
		const char *name = golden->names.items[i];

		show_one(golden, name, check_golden_find(&golden->old, name),
			 next_text(golden, name));
	}
	for (size_t i = 0; i < golden->old.count; i++)
		if (!is_case(golden, golden->old.items[i].key))
			show_one(golden, golden->old.items[i].key, golden->old.items[i].value,
				 NULL);
}

static int write_file(const struct golden *golden, struct err *err)
{
	const char *suite = golden->request->file, *slash = strrchr(suite, '/');
	int folder = slash ? (int)(slash - suite) + 1 : 0;
	struct json *root = json_new_object();
	struct buf text;
	int rc;

	for (size_t i = 0; i < golden->names.count; i++)
		json_add_str(root, golden->names.items[i],
			     next_text(golden, golden->names.items[i]));
	buf_init(&text, JSON_BYTES_MAX);
	json_print(root, true, &text);
	buf_addstr(&text, "\n");
	rc = text.truncated ? err_set(err, ERR_LIMIT, "the goldens are larger than 64 MiB")
			    : file_write(arena_printf(golden->arena, "%.*s%s", folder, suite,
						      golden->path),
					 text.data, text.len, err);
	buf_done(&text);
	json_free(root);
	return rc;
}

static int compare(struct golden *golden, int *code, struct err *err)
{
	const struct golden_request *request = golden->request;
	const struct file_reader files = cmd_files_beside(request->file);

	check_golden_cases(golden->check->spec, golden->arena, &golden->names);
	if (check_golden_load(golden->path, &files, golden->arena, &golden->old, err) < 0 ||
	    read_answers(golden, err) < 0)
		return -1;
	show(golden);
	if (golden->differs && request->update && write_file(golden, err) < 0)
		return -1;
	if (!request->quiet)
		printf("%s: %s run %s\n", golden->path,
		       !golden->differs	 ? "as in"
		       : request->update ? "updated from"
					 : "differs from",
		       golden->run);
	*code = golden->differs && !request->update ? EXIT_FAIL : EXIT_PASS;
	return 0;
}

int golden_show(const struct golden_request *request, const struct suite *suite, int *code,
		struct err *err)
{
	struct golden golden = {
		.request = request, .suite = suite, .check = find_check(suite, request->check)};
	int rc;

	if (!golden.check)
		return err_set(err, ERR_USAGE, "suite %s has no check \"%s\"", suite->name,
			       request->check);
	golden.path = check_golden_file(golden.check->kind, golden.check->spec);
	if (!golden.path)
		return err_set(err, ERR_USAGE, "check %s has no golden file", request->check);
	golden.arena = arena_new();
	rc = compare(&golden, code, err);
	arena_free(golden.arena);
	return rc;
}
