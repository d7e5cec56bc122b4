/* Files for container-structure-test, YAML and JSON: any bytes give tests or one located error. */
#include "check/structure_private.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const char *text;
	size_t len;
};

static int read_input(void *self, const char *path, struct buf *out, struct err *err)
{
	const struct input *input = self;

	(void)path;
	(void)err;
	buf_add(out, input->text, input->len);
	return 0;
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void prove_file(const struct structure_file *file, struct arena *arena)
{
	static const struct strings env = {0};
	const struct command_test *commands = file->commands.items;
	const struct existence_test *existences = file->existences.items;

	must(file->version == 1 || file->version == 2);
	must(file->commands.count + file->contents.count + file->existences.count +
		     file->licenses.count + (file->metadata != NULL) >
	     0);
	for (size_t i = 0; i < file->commands.count; i++) {
		must(*commands[i].name && !commands[i].setup_json && !commands[i].teardown_json);
		must(commands[i].program || commands[i].args.count);
		for (size_t n = 0; n < commands[i].args.count; n++)
			must(structure_expand(commands[i].args.items[n], &env, arena) != NULL);
		for (size_t n = 0; n < commands[i].setup_count; n++)
			must(commands[i].setup[n].count > 0);
	}
	for (size_t i = 0; i < file->existences.count; i++)
		must(*existences[i].path && existences[i].should_exist >= 0);
}

static void load(const char *path, struct input *input)
{
	const struct file_reader files = {read_input, input};
	struct arena *arena = arena_new();
	struct structure_file file = {0};
	struct err err = {0};

	if (structure_load(path, &files, arena, &file, &err) == 0)
		prove_file(&file, arena);
	else
		must(!file.path && err.code == ERR_USAGE &&
		     strncmp(err.msg, path, strlen(path)) == 0);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {(const char *)data, size};

	load("f.yaml", &input);
	load("f.json", &input);
	return 0;
}
