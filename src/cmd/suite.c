#include "cmd/apply.h"
#include "cmd/golden.h"

#include "base/file.h"
#include "base/json.h"
#include "check/check_ops.h"

#include <stdio.h>
#include <string.h>

#define SUITE_FILE_DEFAULT "assay.jsonc"

struct suite_options {
	struct common_options common;
	struct strings vars;
	struct pairs values; /* VARS, split */
	const char *engine;
	bool verbose;
	bool update;
	const char *run;
	int code; /* what apply came to */
};

static const struct option_row suite_rows[] = {
	{"var", 0, OPTION_LIST, offsetof(struct suite_options, vars), "NAME=VALUE", NULL,
	 "value for ${NAME} in the suite"},
	{"engine", 0, OPTION_STRING, offsetof(struct suite_options, engine), "HOST", NULL,
	 "with apply: container engine of IMAGE (default: DOCKER_HOST, then the usual sockets)"},
	{"verbose", 'v', OPTION_FLAG, offsetof(struct suite_options, verbose), NULL, NULL,
	 "with apply: show the output of failed checks"},
	{"update", 0, OPTION_FLAG, offsetof(struct suite_options, update), NULL, NULL,
	 "with golden: write the golden file"},
	{"run", 0, OPTION_STRING, offsetof(struct suite_options, run), "ID", NULL,
	 "with golden: the run whose answers count (default: the newest that made the check)"},
	COMMON_OPTIONS};

static int load(const struct suite_options *options, const char *file, struct suite **out,
		struct err *err)
{
	const struct file_reader files = cmd_files_beside(file);
	struct buf text;
	int rc;

	buf_init(&text, SUITE_BYTES_MAX);
	rc = file_read(file, &text, err);
	if (rc == 0)
		rc = suite_parse(file, buf_str(&text), text.len, &options->values, &files,
				 cmd_kind_lookup, cmd_kind_names(), NULL, out, err);
	buf_done(&text);
	return rc;
}

static int suite_check(const struct suite_options *options, const char *file, struct err *err)
{
	struct suite *suite = NULL;

	if (load(options, file, &suite, err) < 0)
		return -1;
	if (!options->common.quiet)
		printf("%s: suite %s, %zu checks, no mistakes\n", file, suite->name,
		       suite->check_count);
	suite_free(suite);
	return 0;
}

static void list_json(const struct suite *suite)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < suite->check_count; i++) {
		const struct suite_check *check = &suite->checks[i];
		struct json *item = json_add_object(list, NULL);
		struct json *tags;

		json_add_str(item, "name", check->name);
		json_add_str(item, "kind", check->kind);
		tags = json_add_array(item, "tags");
		for (size_t t = 0; t < check->tags.count; t++)
			json_add_str(tags, NULL, check->tags.items[t]);
	}
	cmd_print_json(list);
}

static int suite_list(const struct suite_options *options, const char *file, struct err *err)
{
	struct suite *suite = NULL;

	if (load(options, file, &suite, err) < 0)
		return -1;
	if (options->common.json) {
		list_json(suite);
	} else {
		for (size_t i = 0; i < suite->check_count; i++) {
			const struct suite_check *check = &suite->checks[i];

			printf("%-32s %-10s", check->name, check->kind);
			for (size_t t = 0; t < check->tags.count; t++)
				printf(" %s", check->tags.items[t]);
			printf("\n");
		}
	}
	suite_free(suite);
	return 0;
}

static int suite_apply(struct suite_options *options, const char *image, const char *file,
		       struct err *err)
{
	const struct apply_request request = {.word = image,
					      .engine = options->engine,
					      .common = &options->common,
					      .verbose = options->verbose};
	struct suite *suite = NULL;
	int rc = load(options, file, &suite, err);

	if (rc == 0)
		rc = apply_suite(&request, suite, &options->code, err);
	suite_free(suite);
	return rc;
}

static int suite_golden(struct suite_options *options, const char *check, const char *file,
			struct err *err)
{
	const struct golden_request request = {.file = file,
					       .check = check,
					       .run = options->run,
					       .update = options->update,
					       .quiet = options->common.quiet};
	struct suite *suite = NULL;
	int rc = load(options, file, &suite, err);

	if (rc == 0)
		rc = golden_show(&request, suite, &options->code, err);
	suite_free(suite);
	return rc;
}

static void print_fields(const struct field *fields, int indent)
{
	for (; fields->name; fields++) {
		printf("%*s%-20s %s%s%s%s%s\n", indent, "", fields->name, fields->help,
		       fields->required ? " (required)" : "", fields->def ? " (default " : "",
		       fields->def ? fields->def : "", fields->def ? ")" : "");
		if (fields->fields)
			print_fields(fields->fields, indent + 4);
	}
}

/* A label, or a check kind. */
static int suite_explain(const char *word, struct err *err)
{
	const struct label *label = label_find(word);
	const struct check_ops *ops = check_find(word);
	const char *near;

	if (label) {
		printf("%s\n  means:  %s\n  to do:  %s\n", label->name, label->summary,
		       label->advice);
		return 0;
	}
	if (ops) {
		printf("%s: %s\n", ops->kind, ops->summary);
		print_fields(ops->fields, 2);
		printf("keys of every check:\n");
		print_fields(suite_check_fields, 2);
		return 0;
	}
	near = field_nearest(word, cmd_kind_names());
	if (near)
		return err_set(err, ERR_USAGE, "no label or check kind '%s', did you mean '%s'?",
			       word, near);
	return err_set(err, ERR_USAGE,
		       "no label or check kind '%s': labels look like "
		       "version/unsatisfied, kinds are in `assay suite schema`",
		       word);
}

static int print_schema(void)
{
	cmd_print_json(suite_schema(cmd_kind_lookup, cmd_kind_names(), NULL));
	return 0;
}

static int dispatch(struct suite_options *options, const struct strings *words, struct err *err)
{
	const char *what = words->count ? words->items[0] : "check";
	const char *argument = words->count > 1 ? words->items[1] : NULL;
	const char *file = words->count > 2 ? words->items[2] : SUITE_FILE_DEFAULT;
	int rc = -1;

	if (strcmp(what, "apply") == 0 && argument && words->count <= 3)
		return suite_apply(options, argument, file, err);
	if (strcmp(what, "golden") == 0 && argument && words->count <= 3)
		return suite_golden(options, argument, file, err);
	if (words->count > 2)
		return err_set(err, ERR_USAGE, "suite: too many arguments");
	if (strcmp(what, "check") == 0)
		rc = suite_check(options, argument ? argument : SUITE_FILE_DEFAULT, err);
	else if (strcmp(what, "list") == 0)
		rc = suite_list(options, argument ? argument : SUITE_FILE_DEFAULT, err);
	else if (strcmp(what, "explain") == 0 && argument)
		return suite_explain(argument, err);
	else if (strcmp(what, "schema") == 0 && !argument)
		return print_schema();
	else
		return err_set(err, ERR_USAGE,
			       "suite: write `check [FILE]`, `list [FILE]`, "
			       "`apply IMAGE [FILE]`, `golden CHECK [FILE]`, `schema` or `explain "
			       "LABEL|KIND`");
	if (rc < 0 && err->code == ERR_NOTFOUND)
		err_set(err, ERR_USAGE, "suite %s: no such file (`assay init` writes one)",
			argument ? argument : SUITE_FILE_DEFAULT);
	return rc;
}

const struct command_help help_suite = {
	"suite check|list [FILE], suite apply IMAGE [FILE], suite golden CHECK [FILE], suite "
	"schema, "
	"suite explain LABEL|KIND",
	"Check a suite, list its checks, print the JSON Schema, explain a label or kind.\napply "
	"judges an image of the engine, an archive, an OCI layout or a folder by its bytes\nalone: "
	"nothing is built, run or recorded.\ngolden shows how the answers of a run differ from the "
	"goldens of a prompt check, and exits 1\nwhen they do; --update writes them.",
	suite_rows};

int cmd_suite(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct suite_options options = {0};
	struct strings words = {0};
	struct err err = {0};
	int code = EXIT_PASS;

	if (options_parse(suite_rows, argc, argv, arena, &options, &words, &err) < 0 ||
	    cmd_parse_vars(&options.vars, arena, &options.values, &err) < 0)
		code = cmd_fail(&err);
	else if (options.common.help)
		options_help(&help_suite);
	else if (dispatch(&options, &words, &err) < 0)
		code = cmd_fail(&err);
	else
		code = options.code;
	arena_free(arena);
	return cmd_finish_output(code);
}
