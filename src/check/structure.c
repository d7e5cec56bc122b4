/*
 * Tests of container-structure-test: files of the commit, taken as they are, with the tool's
 * verdicts. One case for all files of the check; its output lists every test.
 */
#include "check/structure_private.h"

#include "base/clock.h"
#include "model/secret.h"

#include <string.h>

#define LOG_BYTES_MIN ((size_t)64 * 1024) /* of the list of tests, however small output_max is */

struct spec {
	struct strings paths;
	bool network;
	struct structure_file *files; /* of PATHS, by load */
};

static const struct field fields[] = {
	{.name = "files",
	 .type = FIELD_STRINGS,
	 .offset = offsetof(struct spec, paths),
	 .required = true,
	 .nonempty = true,
	 .help = "files for container-structure-test (schema 1.0.0 or 2.0.0, YAML or JSON), "
		 "relative to the suite's folder"},
	{.name = "network",
	 .type = FIELD_BOOL,
	 .offset = offsetof(struct spec, network),
	 .help = "give the containers of command tests a network"},
	{.name = NULL},
};

static int load(void *data, const struct file_reader *files, struct arena *arena, struct err *err)
{
	struct spec *spec = data;

	spec->files = arena_alloc(arena, spec->paths.count * sizeof(*spec->files));
	for (size_t i = 0; i < spec->paths.count; i++)
		if (structure_load(spec->paths.items[i], files, arena, &spec->files[i], err) < 0)
			return -1;
	return 0;
}

/* --- one test -------------------------------------------------------------------------------- */

void structure_begin(struct structure_run *run, const char *title)
{
	run->title = title;
	run->mismatches = 0;
	buf_printf(run->log, "=== RUN: %s\n", title);
}

void structure_mismatch(struct structure_run *run, const char *label, const char *expected,
			const char *actual)
{
	struct arena *arena = run->trial->ctx->arena;

	run->mismatches++;
	buf_printf(run->log, "Error: expected %s, found %s\n", expected, actual);
	check_trial_fail(run->trial, label,
			 arena_printf(arena, "%s: %s", run->file->path, run->title),
			 arena_printf(arena, "%s: %s", run->title, expected), actual);
}

void structure_end(struct structure_run *run)
{
	buf_printf(run->log, "--- %s\n", run->mismatches ? "FAIL" : "PASS");
	if (run->mismatches)
		run->failed++;
	else
		run->passed++;
}

/* --- one file -------------------------------------------------------------------------------- */

/* Options that ask for what a check does not get. */
static int check_options(const struct structure_file *file, struct err *err)
{
	const struct run_options *options = file->options;
	const char *what = NULL;

	if (!options)
		return 0;
	if (options->privileged)
		what = "privileged: commands run without privileges here";
	else if (options->capabilities.count)
		what = "capabilities: commands run without capabilities here";
	else if (options->mounts.count)
		what = "bindMounts: folders of this machine are no part of the commit";
	else if (options->allocate_tty)
		what = "allocateTty: commands have no terminal here";
	else if (options->env.count)
		what = "envVars: variables of this machine are no part of the commit; set them "
		       "with globalEnvVars or envFile";
	if (what)
		return err_set(err, ERR_USAGE, "%s: containerRunOptions.%s", file->path, what);
	return 0;
}

/* The image's variables and the file's, whose values may name the image's. Schema 1.0.0 has the
 * key globalEnvVars, but the tool does not heed it. */
static void set_variables(struct structure_run *run)
{
	const struct strings *image = &run->trial->ctx->target->image->env;
	struct arena *arena = run->trial->ctx->arena;
	const struct env_var *globals = run->file->globals.items;
	size_t count = run->file->version == 1 ? 0 : run->file->globals.count;
	const char **slot;

	run->image_env = (struct strings){0};
	run->set_env = (struct pairs){0};
	for (size_t i = 0; i < image->count; i++) {
		slot = arena_push(arena, &run->image_env.items, &run->image_env.count,
				  sizeof(*slot));
		*slot = image->items[i];
	}
	for (size_t i = 0; i < count; i++) {
		const char *value = structure_expand(globals[i].value, image, arena);
		struct pair *pair =
			arena_push(arena, &run->set_env.items, &run->set_env.count, sizeof(*pair));

		*pair = (struct pair){globals[i].key, value};
		slot = arena_push(arena, &run->image_env.items, &run->image_env.count,
				  sizeof(*slot));
		*slot = arena_printf(arena, "%s=%s", globals[i].key, value);
	}
}

static int judge_commands(struct structure_run *run, struct err *err)
{
	const struct command_test *tests = run->file->commands.items;

	for (size_t i = 0; i < run->file->commands.count; i++)
		if (structure_command(run, &tests[i], err) < 0)
			return -1;
	return 0;
}

/* In the tool's order. */
static int judge_file(struct structure_run *run, struct err *err)
{
	const struct structure_file *file = run->file;
	const struct content_test *contents = file->contents.items;
	const struct existence_test *existences = file->existences.items;
	const struct license_test *licenses = file->licenses.items;

	if (check_options(file, err) < 0)
		return -1;
	set_variables(run);
	buf_printf(run->log, "====== Test file: %s ======\n", file->path);
	if (judge_commands(run, err) < 0)
		return -1;
	for (size_t i = 0; i < file->contents.count; i++)
		if (structure_content(run, &contents[i], err) < 0)
			return -1;
	for (size_t i = 0; i < file->existences.count; i++)
		if (structure_existence(run, &existences[i], err) < 0)
			return -1;
	for (size_t i = 0; i < file->licenses.count; i++)
		if (structure_license(run, &licenses[i], err) < 0)
			return -1;
	return file->metadata ? structure_metadata(run, file->metadata, err) : 0;
}

/* --- the case -------------------------------------------------------------------------------- */

static void add_secrets(const struct spec *spec, struct arena *arena, struct pairs *out)
{
	for (size_t i = 0; i < spec->paths.count; i++) {
		const struct structure_file *file = &spec->files[i];
		const struct command_test *tests = file->commands.items;

		for (size_t n = 0; n <= file->commands.count; n++) {
			const struct objects *list =
				n < file->commands.count ? &tests[n].env : &file->globals;
			const struct env_var *vars = list->items;

			for (size_t k = 0; k < list->count; k++) {
				struct pair *pair =
					arena_push(arena, &out->items, &out->count, sizeof(*pair));

				*pair = (struct pair){vars[k].key, vars[k].value};
			}
		}
		for (size_t n = 0; n < file->file_env.count; n++) {
			struct pair *pair =
				arena_push(arena, &out->items, &out->count, sizeof(*pair));

			*pair = file->file_env.items[n];
		}
	}
}

static void keep_log(const struct structure_run *run, struct case_result *out)
{
	out->out = secret_redact(&run->trial->secrets, buf_str(run->log), run->log->len,
				 run->log->truncated, run->trial->ctx->arena);
	out->errout = NULL;
}

static int run(struct check_ctx *ctx, const void *data, struct case_result *out, struct err *err)
{
	const struct spec *spec = data;
	struct check_ctx mine = *ctx;
	struct structure_run all = {.network = spec->network,
				    .end_ns = clock_ns() + ctx->timeout_ns};
	struct pairs secrets = {0};
	struct trial trial;
	struct buf log;
	const char *actual, *where;
	int rc = 0;

	buf_init(&log, ctx->output_max > LOG_BYTES_MIN ? ctx->output_max : LOG_BYTES_MIN);
	add_secrets(spec, ctx->arena, &secrets);
	check_trial_begin(&trial, &mine, &secrets, out);
	all.trial = &trial;
	all.log = &log;
	for (size_t i = 0; i < spec->paths.count && rc == 0; i++) {
		all.file = &spec->files[i];
		rc = judge_file(&all, err);
	}
	keep_log(&all, out);
	buf_done(&log);
	actual = arena_printf(ctx->arena, "%zu test%s passed", all.passed,
			      all.passed == 1 ? "" : "s");
	where = arena_printf(ctx->arena, "%s%s", spec->paths.items[0],
			     spec->paths.count > 1 ? " and others" : "");
	return check_trial_end(&trial, rc, where, actual, err);
}

const struct check_ops check_structure = {
	.kind = "structure",
	.summary = "files for container-structure-test, taken unchanged",
	.needs = NEED_IMAGE | NEED_COMMAND,
	.fields = fields,
	.spec_size = sizeof(struct spec),
	.load = load,
	.run = run,
};
