/* Tests of container-structure-test about commands, files, licences and the configuration. */
#include "check/facts.h"
#include "check/structure_private.h"

#include "base/clock.h"
#include "base/pattern.h"
#include "base/units.h"

#include <string.h>

#define CONTENT_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define DOC_FOLDER "/usr/share/doc"

static struct arena *arena_of(const struct structure_run *run)
{
	return run->trial->ctx->arena;
}

/* --- patterns -------------------------------------------------------------------------------- */

/* Text that was cut decides what it shows, never what it lacks. */
static int undecided(const struct structure_run *run, const struct structure_text *text,
		     const char *pattern, struct err *err)
{
	return err_set(err, ERR_LIMIT,
		       "%s: %s was cut at %zu bytes, so /%s/ cannot be decided: raise output_max",
		       run->title, text->name, text->len, pattern);
}

static void mismatch(struct structure_run *run, const struct structure_text *text, const char *what,
		     const char *pattern, const char *found)
{
	structure_mismatch(run, text->label,
			   arena_printf(arena_of(run), "%s /%s/ in %s", what, pattern, text->name),
			   found);
}

int structure_patterns(struct structure_run *run, const struct structure_text *text,
		       const struct strings *expected, const struct strings *excluded,
		       struct err *err)
{
	for (size_t i = 0; i < expected->count; i++) {
		const char *pattern = expected->items[i];
		int found = pattern_go_find(pattern, text->text, text->len, NULL, NULL, err);

		if (found < 0 || (!found && text->cut))
			return found < 0 ? -1 : undecided(run, text, pattern, err);
		if (!found)
			mismatch(run, text, "a match of", pattern,
				 check_trial_quote(run->trial, text->text, text->len));
	}
	for (size_t i = 0; i < excluded->count; i++) {
		const char *pattern = excluded->items[i], *at = NULL;
		size_t len = 0;
		int found = pattern_go_find(pattern, text->text, text->len, &at, &len, err);

		if (found < 0 || (!found && text->cut))
			return found < 0 ? -1 : undecided(run, text, pattern, err);
		if (found)
			mismatch(run, text, "no match of", pattern,
				 check_trial_quote(run->trial, text->text, text->len));
	}
	return 0;
}

/* --- commands -------------------------------------------------------------------------------- */

static void add_variable(struct pairs *list, struct arena *arena, const char *key,
			 const char *value)
{
	struct pair *pair = NULL;

	for (size_t i = 0; i < list->count && !pair; i++)
		if (strcmp(list->items[i].key, key) == 0)
			pair = &list->items[i];
	if (!pair)
		pair = arena_push(arena, &list->items, &list->count, sizeof(*pair));
	*pair = (struct pair){key, value};
}

/* The file's variables, those of its envFile, and the test's own, which win and stand as written.
 */
static struct pairs variables(const struct structure_run *run, const struct command_test *test)
{
	const struct pairs *lists[] = {&run->set_env, &run->file->file_env};
	const struct env_var *env = test->env.items;
	struct pairs out = {0};

	for (size_t n = 0; n < 2; n++)
		for (size_t i = 0; i < lists[n]->count; i++)
			add_variable(&out, arena_of(run), lists[n]->items[i].key,
				     lists[n]->items[i].value);
	for (size_t i = 0; i < test->env.count; i++)
		add_variable(&out, arena_of(run), env[i].key, env[i].value);
	return out;
}

static struct strings command_line(const struct structure_run *run, const struct command_test *test)
{
	struct arena *arena = arena_of(run);
	struct strings out = {0};
	const char **word;

	if (test->program) {
		word = arena_push(arena, &out.items, &out.count, sizeof(*word));
		*word = structure_expand(test->program, &run->image_env, arena);
	}
	for (size_t i = 0; i < test->args.count; i++) {
		word = arena_push(arena, &out.items, &out.count, sizeof(*word));
		*word = structure_expand(test->args.items[i], &run->image_env, arena);
	}
	return out;
}

static void log_stream(struct structure_run *run, const char *name, const char *text, size_t len)
{
	if (!len)
		return;
	buf_printf(run->log, "%s: ", name);
	buf_add(run->log, text, len);
	buf_addstr(run->log, text[len - 1] == '\n' ? "" : "\n");
}

static int judge_command(struct structure_run *run, const struct command_test *test,
			 const struct command_result *result, struct err *err)
{
	const char *text = result->out ? result->out : "";
	const char *errtext = result->errout ? result->errout : "";
	const struct structure_text out = {text, result->out_len, result->out_truncated, "stdout",
					   "structure/command-mismatch"};
	const struct structure_text errout = {errtext, result->errout_len, result->errout_truncated,
					      "stderr", "structure/command-mismatch"};

	if (structure_patterns(run, &out, &test->out, &test->no_out, err) < 0 ||
	    structure_patterns(run, &errout, &test->errout, &test->no_errout, err) < 0)
		return -1;
	if (result->exit_code != test->exit_code)
		structure_mismatch(
			run, "structure/command-mismatch",
			arena_printf(arena_of(run), "exit code %lld", (long long)test->exit_code),
			arena_printf(arena_of(run), "exit code %d", result->exit_code));
	return 0;
}

/* A container of its own for each test, as the tool gives it; teardown has nothing to undo. */
int structure_command(struct structure_run *run, const struct command_test *test, struct err *err)
{
	struct check_ctx *ctx = run->trial->ctx;
	const struct run_options *options = run->file->options;
	struct command command = {.argv = command_line(run, test),
				  .env = variables(run, test),
				  .user = options && *options->user ? options->user : NULL,
				  .network = run->network,
				  .before = test->setup,
				  .before_count = test->setup_count};
	struct command_result result = {0};
	uint64_t now = clock_ns();
	int rc;

	structure_begin(run, arena_printf(arena_of(run), "Command Test: %s", test->name));
	if (now >= run->end_ns)
		return err_set(err, ERR_TIMEOUT, "the time limit passed before %s", run->title);
	ctx->timeout_ns = run->end_ns - now;
	ctx->isolated = true;
	rc = check_trial_run(run->trial, &command, &result, err);
	log_stream(run, "stdout", result.out, result.out_len);
	log_stream(run, "stderr", result.errout, result.errout_len);
	if (rc < 0)
		return -1;
	if (result.not_found)
		structure_mismatch(run, "structure/command-mismatch", "programs that can be run",
				   result.before_failed
					   ? "a command of setup is not in the image"
					   : arena_printf(arena_of(run),
							  "no program '%s' in the image",
							  command.argv.items[0]));
	else if (judge_command(run, test, &result, err) < 0)
		return -1;
	structure_end(run);
	return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

/* Look at PATH: 1 it is there, 0 it is not, -1 nobody knows. */
static int look(const struct structure_run *run, const char *path, bool follow, size_t content_max,
		struct file_info *info, struct err *err)
{
	const struct target *target = run->trial->ctx->target;
	const char *full = arena_printf(arena_of(run), "%s%s", *path == '/' ? "" : "/", path);
	size_t len = strlen(full);
	struct err why = {0};

	while (len > 1 && full[len - 1] == '/')
		len--;
	full = arena_strndup(arena_of(run), full, len);
	if (target->ops->file(target->self, full, follow, content_max, arena_of(run), info, &why) ==
	    0)
		return 1;
	if (why.code == ERR_NOTFOUND)
		return 0;
	*err = why;
	return -1;
}

static void judge_owner(struct structure_run *run, const char *name, int64_t wanted, uint32_t have)
{
	if (wanted != FIELD_ABSENT_INT && wanted >= 0 && wanted != have)
		structure_mismatch(run, "structure/existence-mismatch",
				   arena_printf(arena_of(run), "%s %lld", name, (long long)wanted),
				   arena_printf(arena_of(run), "%s %u", name, have));
}

static void judge_executable(struct structure_run *run, int by, const struct file_info *info)
{
	static const uint32_t bits[] = {0100, 0010, 0001, 0111};
	static const char *const names[] = {"its owner", "its group", "others", "anybody"};

	if (by < EXECUTABLE_OWNER || by > EXECUTABLE_ANY || (info->mode & bits[by]))
		return;
	structure_mismatch(run, "structure/existence-mismatch",
			   arena_printf(arena_of(run), "executable by %s", names[by]),
			   arena_printf(arena_of(run), "mode %04o", info->mode));
}

static int judge_permissions(struct structure_run *run, const struct existence_test *test,
			     const struct file_info *info, struct err *err)
{
	const char *mode = structure_mode(info, arena_of(run));

	if (!*test->permissions)
		return 0;
	if (!mode)
		return err_set(err, ERR_LIMIT,
			       "%s: permissions of a special file cannot be told from an archive",
			       run->title);
	if (strcmp(mode, test->permissions) != 0)
		structure_mismatch(run, "structure/existence-mismatch",
				   arena_printf(arena_of(run), "permissions %s", test->permissions),
				   arena_printf(arena_of(run), "permissions %s", mode));
	return 0;
}

int structure_existence(struct structure_run *run, const struct existence_test *test,
			struct err *err)
{
	const char *path = structure_expand(test->path, &run->image_env, arena_of(run));
	struct file_info info = {0};
	int there;

	structure_begin(run, arena_printf(arena_of(run), "File Existence Test: %s", test->name));
	there = look(run, path, false, 0, &info, err);
	if (there < 0)
		return -1;
	if (there != test->should_exist)
		structure_mismatch(run, "structure/existence-mismatch",
				   arena_printf(arena_of(run), "%s %s", path,
						test->should_exist ? "is there" : "is not there"),
				   there ? "it is there" : "it is not there");
	if (there && test->should_exist) {
		if (judge_permissions(run, test, &info, err) < 0)
			return -1;
		judge_owner(run, "uid", test->uid, info.uid);
		judge_owner(run, "gid", test->gid, info.gid);
		judge_executable(run, test->executable_by, &info);
	}
	structure_end(run);
	return 0;
}

/* Read the regular file at PATH; 0 and a mismatch when there is none. */
static int read_content(struct structure_run *run, const char *path, const char *label,
			struct structure_text *out, struct err *err)
{
	struct file_info info = {0};
	int there = look(run, path, true, CONTENT_BYTES_MAX, &info, err);

	if (there < 0)
		return -1;
	if (there && info.type == FILE_REGULAR) {
		*out = (struct structure_text){info.content ? info.content : "", info.content_len,
					       info.content_truncated, path, label};
		return 1;
	}
	structure_mismatch(run, label, arena_printf(arena_of(run), "a file %s", path),
			   !there		      ? "nothing at this path"
			   : info.type == FILE_FOLDER ? "a folder"
						      : "no regular file");
	return 0;
}

int structure_content(struct structure_run *run, const struct content_test *test, struct err *err)
{
	struct structure_text text;
	int rc;

	structure_begin(run, arena_printf(arena_of(run), "File Content Test: %s", test->name));
	rc = read_content(run, test->path, "structure/content-mismatch", &text, err);
	if (rc < 0 ||
	    (rc > 0 && structure_patterns(run, &text, &test->expected, &test->excluded, err) < 0))
		return -1;
	structure_end(run);
	return 0;
}

/* --- licences -------------------------------------------------------------------------------- */

static int judge_license(struct structure_run *run, const char *path, struct err *err)
{
	static const char *refused[] = {"(?i)AGPL", "(?i)WTFPL"};
	static const struct strings none = {0}, excluded = {refused, 2};
	struct structure_text text;
	int rc = read_content(run, path, "structure/license-refused", &text, err);

	return rc > 0 ? structure_patterns(run, &text, &none, &excluded, err) : rc;
}

/* Folders of DOC_FOLDER itself: a link to another package's folder is not looked through. */
static void list_packages(const struct image *image, struct arena *arena, struct strings *out)
{
	size_t count = 0;
	const struct image_file *files = image_under(image, DOC_FOLDER, &count);

	for (size_t i = 0; i < count; i++) {
		const char *name = files[i].path + sizeof(DOC_FOLDER);
		const char **slot;

		if (files[i].type != FILE_FOLDER || strchr(name, '/'))
			continue;
		slot = arena_push(arena, &out->items, &out->count, sizeof(*slot));
		*slot = arena_printf(arena, "%s/copyright", files[i].path);
	}
}

static int debian_files(struct structure_run *run, struct strings *out, struct err *err)
{
	struct rule_input input;
	const struct image_file *folder = NULL;

	if (check_facts_begin(run->trial->ctx, &input, err) < 0)
		return -1;
	if (input.image) {
		folder = image_find(input.image, DOC_FOLDER, true);
		list_packages(input.image, arena_of(run), out);
	}
	check_facts_end(run->trial->ctx);
	if (!input.image)
		return err_set(err, ERR_INFRA, "%s: the files of the image cannot be listed",
			       run->title);
	if (!folder)
		structure_mismatch(run, "structure/license-refused", "a folder " DOC_FOLDER,
				   "nothing at this path");
	return 0;
}

int structure_license(struct structure_run *run, const struct license_test *test, struct err *err)
{
	struct strings found = {0};

	structure_begin(run, "License Test");
	if (test->debian && debian_files(run, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		if (judge_license(run, found.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < test->files.count; i++)
		if (judge_license(run, test->files.items[i], err) < 0)
			return -1;
	structure_end(run);
	return 0;
}
