/*
 * Every check kind over recorded images: tests/golden/check/<kind>.jsonc holds scenarios, each with
 * a spec, a target (image configuration, commands, files) and the outcome expected from the spec's
 * words. The registry is walked, and every label of a kind must be reached by a scenario.
 */
#include "base/file.h"
#include "base/json.h"
#include "check/check_ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN TEST_DATA "/golden/check/"
#define CASE_TIMEOUT_NS UINT64_C(2000000000)

/* A target served from a scenario's "commands" and "files"; "gone" is an engine that went away. */
static int fake_run(void *self, const struct command *command, struct arena *arena,
		    struct command_result *out, struct err *err)
{
	const struct json *target = self;
	const struct json *entry = json_get(json_get(target, "commands"), command->argv.items[0]);

	*out = (struct command_result){.exit_code = 127, .not_found = true};
	if (json_bool(target, "gone", false))
		return err_set(err, ERR_INFRA, "the engine is gone");
	if (!entry)
		return 0;
	out->not_found = false;
	out->exit_code = (int)json_int(entry, "exit", 0);
	out->timed_out = json_bool(entry, "timed_out", false);
	out->out = arena_strdup(arena, json_str(entry, "stdout", ""));
	out->out_len = strlen(out->out);
	out->errout = arena_strdup(arena, json_str(entry, "stderr", ""));
	out->errout_len = strlen(out->errout);
	return 0;
}

static int fake_file(void *self, const char *path, bool follow, size_t content_max,
		     struct arena *arena, struct file_info *out, struct err *err)
{
	const struct json *target = self;
	const struct json *entry = json_get(json_get(target, "files"), path);

	(void)content_max;
	if (json_bool(target, "gone", false))
		return err_set(err, ERR_INFRA, "the engine is gone");
	if (entry && follow && json_str(entry, "link", NULL))
		entry = json_get(json_get(target, "files"), json_str(entry, "link", ""));
	if (!entry)
		return err_set(err, ERR_NOTFOUND, "%s: no such file", path);
	*out = (struct file_info){.mode = (uint32_t)json_int(entry, "mode", 0644),
				  .uid = (uint32_t)json_int(entry, "uid", 0),
				  .gid = (uint32_t)json_int(entry, "gid", 0)};
	out->link = json_str(entry, "link", NULL);
	out->type = out->link				? FILE_SYMLINK
		    : json_bool(entry, "folder", false) ? FILE_FOLDER
							: FILE_REGULAR;
	out->content = arena_strdup(arena, json_str(entry, "content", ""));
	out->content_len = strlen(out->content);
	out->size_bytes = out->content_len;
	out->sha256 = json_str(entry, "sha256", "");
	return 0;
}

static const struct target_ops fake_ops = {fake_run, fake_file};

static const struct field image_fields[] = {
	{.name = "env", .type = FIELD_STRINGS, .offset = offsetof(struct image_config, env)},
	{.name = "entrypoint",
	 .type = FIELD_STRINGS,
	 .offset = offsetof(struct image_config, entrypoint)},
	{.name = "cmd", .type = FIELD_STRINGS, .offset = offsetof(struct image_config, cmd)},
	{.name = "user", .type = FIELD_STRING, .offset = offsetof(struct image_config, user)},
	{.name = "workdir", .type = FIELD_STRING, .offset = offsetof(struct image_config, workdir)},
	{.name = "labels", .type = FIELD_MAP, .offset = offsetof(struct image_config, labels)},
	{.name = "ports", .type = FIELD_STRINGS, .offset = offsetof(struct image_config, ports)},
	{.name = "volumes",
	 .type = FIELD_STRINGS,
	 .offset = offsetof(struct image_config, volumes)},
	{.name = "healthcheck",
	 .type = FIELD_STRINGS,
	 .offset = offsetof(struct image_config, healthcheck)},
	{.name = NULL},
};

struct kind_state {
	const struct check_ops *ops;
	char *text;
	size_t len;
	struct json *root;
};

static void load_kind(const struct check_ops *ops, struct kind_state *state)
{
	char path[512];
	struct buf text;
	struct err err = {0};

	(void)snprintf(path, sizeof(path), GOLDEN "%s.jsonc", ops->kind);
	buf_init(&text, 1024 * 1024);
	if (file_read(path, &text, &err) < 0 ||
	    json_parse(buf_str(&text), text.len, true, &state->root, &err) < 0)
		fail_msg("%s: %s", path, err.msg);
	state->ops = ops;
	state->text = text.data;
	state->len = text.len;
}

static void expect_text(const char *where, const char *key, const struct json *expected,
			const char *actual)
{
	const char *wanted = json_str(expected, key, NULL);

	if ((wanted == NULL) != (actual == NULL) || (wanted && strcmp(wanted, actual) != 0))
		fail_msg("%s: %s is '%s', expected '%s'", where, key, actual ? actual : "(none)",
			 wanted ? wanted : "(none)");
}

/* Both ways: what is expected must be there, what is there must be expected. */
static void compare(const char *where, const struct json *expected,
		    const struct case_result *result)
{
	if (strcmp(json_str(expected, "outcome", "?"), outcome_name(result->outcome)) != 0)
		fail_msg("%s: outcome %s (%s)", where, outcome_name(result->outcome),
			 result->reason	  ? result->reason
			 : result->actual ? result->actual
					  : "");
	expect_text(where, "label", expected, result->label);
	expect_text(where, "expected", expected, result->expected);
	expect_text(where, "actual", expected, result->actual);
	expect_text(where, "reason", expected, result->reason);
	if (result->out && json_str(expected, "stdout", NULL))
		expect_text(where, "stdout", expected, result->out);
	if ((size_t)json_int(expected, "samples", 0) !=
	    (result->metric_count ? result->metrics[0].sample_count : 0))
		fail_msg("%s: another number of samples", where);
}

static void run_scenario(const struct kind_state *state, const struct json *scenario, size_t index)
{
	const struct json *target_json = json_get(scenario, "target");
	struct arena *arena = arena_new();
	struct field_source source = {state->ops->kind, state->text, state->len};
	struct image_config image = {0};
	struct target target = {.image = &image, .ops = &fake_ops};
	struct check_ctx ctx = {&target, arena, CASE_TIMEOUT_NS, 4096, false};
	struct case_result result = {.name = "c", .outcome = OUTCOME_INCOMPLETE};
	struct err err = {0};
	void *spec = arena_alloc(arena, state->ops->spec_size);
	const char *where = json_str(scenario, "name", "?");
	const char *path = arena_printf(arena, "[%zu].spec", index);
	const char *invalid = json_str(json_get(scenario, "expected"), "invalid", NULL);

	memcpy(&target.self, &target_json, sizeof(target_json));
	if (json_get(target_json, "image") &&
	    field_load(image_fields, json_get(target_json, "image"), "", &source, NULL, arena,
		       &image, &err) < 0)
		fail_msg("%s: %s", where, err.msg);
	if (field_load(state->ops->fields, json_get(scenario, "spec"), path, &source, NULL, arena,
		       spec, &err) < 0 ||
	    (state->ops->validate && state->ops->validate(spec, &err) < 0)) {
		if (!invalid || !strstr(err.msg, invalid))
			fail_msg("%s: %s", where, err.msg);
	} else if (invalid) {
		fail_msg("%s: accepted, expected to be refused: %s", where, invalid);
	} else {
		if (state->ops->run(&ctx, spec, &result, &err) < 0) {
			case_broken(&result, err.msg);
			if (err.code == ERR_TIMEOUT)
				result.outcome = OUTCOME_TIMEOUT;
		}
		compare(where, json_get(scenario, "expected"), &result);
	}
	arena_free(arena);
}

static bool reaches(const struct json *root, const char *key, const char *value)
{
	for (const struct json *item = json_first(root); item; item = json_next(item))
		if (strcmp(json_str(json_get(item, "expected"), key, ""), value) == 0)
			return true;
	return false;
}

static void judges_every_recorded_image(void **unused)
{
	(void)unused;
	for (size_t i = 0; check_kinds[i]; i++) {
		struct kind_state state = {0};
		size_t index = 0;

		load_kind(check_kinds[i], &state);
		for (const struct json *item = json_first(state.root); item; item = json_next(item))
			run_scenario(&state, item, index++);
		json_free(state.root);
		free(state.text);
	}
}

static void has_a_scenario_for_every_outcome_and_label(void **unused)
{
	(void)unused;
	for (size_t i = 0; check_kinds[i]; i++) {
		const char *kind = check_kinds[i]->kind;
		struct kind_state state = {0};

		load_kind(check_kinds[i], &state);
		if (!reaches(state.root, "outcome", "pass") ||
		    !reaches(state.root, "outcome", "fail"))
			fail_msg("%s: no passing or no failing scenario", kind);
		for (const struct label *label = label_table; label->name; label++)
			if (strncmp(label->name, kind, strlen(kind)) == 0 &&
			    label->name[strlen(kind)] == '/' &&
			    !reaches(state.root, "label", label->name))
				fail_msg("no scenario reaches %s", label->name);
		json_free(state.root);
		free(state.text);
	}
}

static void walk_fields(const char *kind, const struct field *fields)
{
	for (; fields->name; fields++) {
		if (!fields->help || !*fields->help)
			fail_msg("%s.%s has no help", kind, fields->name);
		if (fields->fields)
			walk_fields(fields->name, fields->fields);
	}
}

static void registry_is_sorted_and_described(void **unused)
{
	(void)unused;
	for (size_t i = 0; check_kinds[i]; i++) {
		if (i)
			assert_true(strcmp(check_kinds[i - 1]->kind, check_kinds[i]->kind) < 0);
		assert_true(check_kinds[i]->summary && *check_kinds[i]->summary);
		assert_non_null(check_kinds[i]->run);
		assert_ptr_equal(check_find(check_kinds[i]->kind), check_kinds[i]);
		walk_fields(check_kinds[i]->kind, check_kinds[i]->fields);
	}
	assert_null(check_find("nosuch"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registry_is_sorted_and_described),
		cmocka_unit_test(judges_every_recorded_image),
		cmocka_unit_test(has_a_scenario_for_every_outcome_and_label),
	};

	return cmocka_run_group_tests_name("check/check", tests, NULL, NULL);
}
