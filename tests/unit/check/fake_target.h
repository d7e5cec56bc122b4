/* A target made of recorded data: image configuration, results of commands by request, files. */
#ifndef TESTS_UNIT_CHECK_FAKE_TARGET_H
#define TESTS_UNIT_CHECK_FAKE_TARGET_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "fake_service.h"
#include "model/target.h"
#include "rules/rules.h"

#include <stdint.h>
#include <string.h>

struct fake_target {
	struct arena *arena;
	bool gone;		     /* the engine is: every call fails */
	const struct json *commands; /* [{"argv": […], "stdout": "…", "exit": 0, …}] */
	const struct json *files;    /* {"/path": {"content": "…", "mode": "0644", …}} */
	const struct json *gpu;	     /* [{"args": […], "lines": [{…}], "exit": 0, …}] */
	struct rule_input input;     /* of "facts", "before" (facts.json each) and "repo" */
	struct image_config image;
	struct fake_service service;
	struct target view;
};

/* --- reading what was recorded --------------------------------------------------------------- */

static inline void fake_strings(struct arena *arena, const struct json *list, struct strings *out)
{
	const char **slot;

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		slot = arena_push(arena, &out->items, &out->count, sizeof(*slot));
		*slot = arena_strdup(arena, json_text(item));
	}
}

static inline void fake_pairs(struct arena *arena, const struct json *object, struct pairs *out)
{
	for (const struct json *item = json_first(object); item; item = json_next(item)) {
		struct pair *pair = arena_push(arena, &out->items, &out->count, sizeof(*pair));

		pair->key = arena_strdup(arena, json_key(item));
		pair->value = arena_strdup(arena, json_text(item));
	}
}

static inline uint32_t fake_octal(const char *text)
{
	uint32_t mode = 0;

	for (; *text; text++)
		mode = mode * 8 + (uint32_t)(*text - '0');
	return mode;
}

/* "content" of ITEM, or its first bytes over and over for "repeat" bytes. */
static inline const char *fake_text(struct arena *arena, const struct json *item, const char *key,
				    size_t *len)
{
	const char *text = json_str(item, key, "");
	size_t once = strlen(text), all = (size_t)json_int(item, "repeat", 0);
	char *out;

	*len = all && once ? all : once;
	out = arena_alloc(arena, *len + 1);
	for (size_t i = 0; i < *len; i++)
		out[i] = text[i % once];
	return out;
}

/* --- commands -------------------------------------------------------------------------------- */

static inline bool fake_same_strings(const struct strings *have, const struct json *list)
{
	const struct json *item = json_first(list);
	size_t i = 0;

	for (; item && i < have->count; item = json_next(item), i++)
		if (strcmp(json_text(item), have->items[i]) != 0)
			return false;
	return !item && i == have->count;
}

static inline bool fake_same_lines(const struct strings *have, size_t count,
				   const struct json *list)
{
	const struct json *item = json_first(list);
	size_t i = 0;

	for (; item && i < count; item = json_next(item), i++)
		if (!fake_same_strings(&have[i], item))
			return false;
	return !item && i == count;
}

static inline bool fake_same_text(const char *have, const char *wanted)
{
	return (!have && !wanted) || (have && wanted && strcmp(have, wanted) == 0);
}

/* A request is known only with everything it asks for: nothing may get lost on the way. */
static inline bool fake_matches(const struct command *command, const struct json *item)
{
	const struct json *env = json_get(item, "env");

	if (!fake_same_strings(&command->argv, json_get(item, "argv")) ||
	    !fake_same_lines(command->before, command->before_count, json_get(item, "before")) ||
	    !fake_same_text(command->workdir, json_str(item, "workdir", NULL)) ||
	    !fake_same_text(command->user, json_str(item, "user", NULL)) ||
	    !fake_same_text(command->input, json_str(item, "input", NULL)) ||
	    command->network != json_bool(item, "network", false) ||
	    command->isolated != json_bool(item, "isolated", false) ||
	    command->env.count != (env ? json_size(env) : 0))
		return false;
	for (size_t i = 0; i < command->env.count; i++)
		if (!fake_same_text(command->env.items[i].value,
				    json_str(env, command->env.items[i].key, NULL)))
			return false;
	return true;
}

static inline const char *fake_stream(struct arena *arena, const struct json *item, const char *key,
				      size_t max, size_t *len, bool *cut)
{
	const char *text = fake_text(arena, item, key, len);

	*cut = *len > max;
	if (*cut)
		*len = max;
	return arena_strndup(arena, text, *len);
}

static inline int fake_run(void *self, const struct command *command, struct arena *arena,
			   struct command_result *out, struct err *err)
{
	const struct fake_target *fake = self;
	const struct json *item = json_first(fake->commands);

	if (fake->gone)
		return err_set(err, ERR_INFRA, "the engine is gone");
	while (item && !fake_matches(command, item))
		item = json_next(item);
	if (!item)
		return err_set(err, ERR_BUG, "the test recorded no such command: %s",
			       command->argv.items[0]);
	*out = (struct command_result){.exit_code = (int)json_int(item, "exit", 0),
				       .timed_out = json_bool(item, "timed_out", false),
				       .not_found = json_bool(item, "not_found", false),
				       .before_failed = json_bool(item, "before_failed", false)};
	out->out = fake_stream(arena, item, "stdout", command->output_max, &out->out_len,
			       &out->out_truncated);
	out->errout = fake_stream(arena, item, "stderr", command->output_max, &out->errout_len,
				  &out->errout_truncated);
	return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

static inline enum file_type fake_type(const struct json *item)
{
	static const char *const names[] = {"file", "folder", "symlink", "other"};
	const char *type = json_str(item, "type", "file");
	int i = 0;

	while (strcmp(names[i], type) != 0)
		i++;
	return (enum file_type)i;
}

static inline int fake_file(void *self, const char *path, bool follow, size_t content_max,
			    struct arena *arena, struct file_info *out, struct err *err)
{
	const struct fake_target *fake = self;
	const struct json *item = json_get(fake->files, path);
	struct file_info info = {0};
	const char *content;
	char hash[DIGEST_HEX];
	size_t len;

	if (fake->gone)
		return err_set(err, ERR_INFRA, "the engine is gone");
	while (follow && item && fake_type(item) == FILE_SYMLINK)
		item = json_get(fake->files, json_str(item, "link", ""));
	if (!item)
		return err_set(err, ERR_NOTFOUND, "%s: not in the image", path);
	info.type = fake_type(item);
	info.mode = fake_octal(json_str(item, "mode", "0644"));
	info.uid = (uint32_t)json_int(item, "uid", 0);
	info.gid = (uint32_t)json_int(item, "gid", 0);
	info.link = arena_strdup(arena, json_str(item, "link", NULL));
	content = fake_text(arena, item, "content", &len);
	info.size_bytes = len;
	if (content_max && info.type == FILE_REGULAR) {
		digest_of(content, len, hash);
		info.sha256 = arena_strdup(arena, hash);
		info.content_truncated = len > content_max;
		info.content_len = info.content_truncated ? content_max : len;
		info.content = arena_strndup(arena, content, info.content_len);
	}
	*out = info;
	return 0;
}

/* --- facts ----------------------------------------------------------------------------------- */

static inline int fake_inspect(void *self, const struct rule_input **out, struct err *err)
{
	const struct fake_target *fake = self;

	if (fake->gone || !fake->input.facts)
		return err_set(err, ERR_INFRA, "the engine is gone");
	*out = &fake->input;
	return 0;
}

static inline void fake_inspect_end(void *self)
{
	(void)self;
}

static inline const struct facts *fake_facts(const struct json *json)
{
	struct facts *facts = NULL;
	struct err err;

	if (json)
		(void)facts_load(json, &facts, &err);
	return facts;
}

static inline void fake_repo(struct fake_target *fake, const struct json *files)
{
	for (const struct json *item = json_first(files); item; item = json_next(item)) {
		struct repo_file *file = arena_push(fake->arena, &fake->input.files,
						    &fake->input.file_count, sizeof(*file));

		file->path = json_key(item);
		file->text = json_text(item);
		file->len = strlen(file->text);
	}
}

static inline int fake_service_begin(void *self, const struct target_service **out, struct err *err)
{
	struct fake_target *fake = self;

	if (fake->gone)
		return err_set(err, ERR_INFRA, "the engine is gone");
	if (!fake->service.spec)
		return err_set(err, ERR_USAGE, "the suite has no service");
	*out = &fake->service.view;
	return 0;
}

static inline void fake_service_end(void *self)
{
	(void)self;
}

static inline int fake_service_state(void *self, bool memory, struct arena *arena,
				     struct target_service_state *out, struct err *err)
{
	struct fake_target *fake = self;

	(void)arena;
	(void)err;
	fake_service_look(&fake->service, out);
	if (!memory)
		out->memory_bytes = 0;
	return 0;
}

static inline void fake_service_hide(void *self, const char *secret)
{
	(void)self;
	(void)secret;
}

/* --- the GPU --------------------------------------------------------------------------------- */

/* "lines", one JSON object each, or "stdout" as it stands. */
static inline const char *fake_lines(struct arena *arena, const struct json *item)
{
	struct buf text;
	const char *out;

	if (!json_get(item, "lines"))
		return json_str(item, "stdout", "");
	buf_init(&text, JSON_BYTES_MAX);
	for (const struct json *line = json_first(json_get(item, "lines")); line;
	     line = json_next(line)) {
		json_print(line, false, &text);
		buf_addstr(&text, "\n");
	}
	out = arena_strdup(arena, buf_str(&text));
	buf_done(&text);
	return out;
}

static inline int fake_gpu(void *self, const struct gpu_request *request, struct arena *arena,
			   struct command_result *out, const char **missing, struct err *err)
{
	const struct fake_target *fake = self;
	const struct json *item = json_first(fake->gpu);

	if (fake->gone)
		return err_set(err, ERR_INFRA, "the engine is gone");
	while (item && (!fake_same_strings(&request->args, json_get(item, "args")) ||
			!fake_same_text(request->device, json_str(item, "device", NULL)) ||
			request->host != json_bool(item, "host", false)))
		item = json_next(item);
	if (!item)
		return err_set(err, ERR_BUG, "the test recorded no such run of assay-gpu");
	*missing = json_str(item, "missing", NULL);
	*out = (struct command_result){.exit_code = (int)json_int(item, "exit", 0),
				       .timed_out = json_bool(item, "timed_out", false),
				       .not_found = json_bool(item, "not_found", false),
				       .out_truncated = json_bool(item, "cut", false)};
	out->out = fake_lines(arena, item);
	out->out_len = strlen(out->out);
	out->errout = json_str(item, "stderr", "");
	out->errout_len = strlen(out->errout);
	return 0;
}

static inline void fake_target_done(struct fake_target *fake)
{
	if (fake->service.spec)
		fake_service_close(&fake->service);
	facts_free((struct facts *)fake->input.facts);
	facts_free((struct facts *)fake->input.before);
}

static const struct target_ops fake_ops = {.run = fake_run,
					   .file = fake_file,
					   .inspect = fake_inspect,
					   .inspect_end = fake_inspect_end,
					   .service = fake_service_begin,
					   .service_end = fake_service_end,
					   .service_state = fake_service_state,
					   .service_hide = fake_service_hide,
					   .gpu = fake_gpu};

/* DOCUMENT stays the caller's and must outlive FAKE. */
static inline void fake_target_init(struct fake_target *fake, const struct json *document,
				    struct arena *arena)
{
	const struct json *image = json_get(document, "image");

	*fake = (struct fake_target){.arena = arena,
				     .gone = json_bool(document, "gone", false),
				     .commands = json_get(document, "commands"),
				     .files = json_get(document, "files"),
				     .gpu = json_get(document, "gpu")};
	fake->input.facts = fake_facts(json_get(document, "facts"));
	fake->input.before = fake_facts(json_get(document, "before"));
	fake_repo(fake, json_get(document, "repo"));
	fake->image.id = "sha256:0";
	fake_strings(arena, json_get(image, "env"), &fake->image.env);
	fake_strings(arena, json_get(image, "entrypoint"), &fake->image.entrypoint);
	fake_strings(arena, json_get(image, "cmd"), &fake->image.cmd);
	fake_strings(arena, json_get(image, "ports"), &fake->image.ports);
	fake_strings(arena, json_get(image, "volumes"), &fake->image.volumes);
	fake_strings(arena, json_get(image, "healthcheck"), &fake->image.healthcheck);
	fake_pairs(arena, json_get(image, "labels"), &fake->image.labels);
	fake->image.user = json_str(image, "user", NULL);
	fake->image.workdir = json_str(image, "workdir", NULL);
	if (json_get(document, "service"))
		fake_service_open(&fake->service, json_get(document, "service"), arena);
	fake->view =
		(struct target){json_str(document, "target", NULL), &fake->image, &fake_ops, fake};
}

#endif
