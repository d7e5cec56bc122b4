/* Files for container-structure-test: what is refused, and where; Go's way with variables, modes.
 */
#include "check/structure_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int read_text(void *self, const char *path, struct buf *out, struct err *err)
{
	if (strcmp(path, "nosuch") == 0)
		return err_set(err, ERR_NOTFOUND, "no such file");
	buf_addstr(out, self);
	return 0;
}

struct row {
	const char *text;
	const char *why; /* beginning of the message behind the file's name; NULL: taken */
};

static void check_rows(const char *file, const struct row *rows, size_t count)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++) {
		struct file_reader files = {read_text, (void *)rows[i].text};
		struct structure_file out = {0};
		struct arena *arena = arena_new();
		struct err err = {0};
		int rc = structure_load(file, &files, arena, &out, &err);

		if ((rc == 0) != !rows[i].why ||
		    (rc < 0 &&
		     strncmp(err.msg + strlen(file) + 1, rows[i].why, strlen(rows[i].why)) != 0)) {
			print_error("%s: %s\n", rows[i].text, rc < 0 ? err.msg : "taken");
			wrong++;
		}
		arena_free(arena);
	}
	assert_int_equal(wrong, 0);
}

#define V1 "schemaVersion: 1.0.0\n"
#define V2 "schemaVersion: 2.0.0\n"

static void malformed_files_are_refused_with_their_place(void **state)
{
	static const struct row rows[] = {
		{"commandTests: []\n", "1:1: the key \"schemaVersion\" is missing"},
		{"schemaVersion: 2.0\n", "1:1: schemaVersion: must be"},
		{"schemaVersion: 3.0.0\n", "1:1: schemaVersion: must be"},
		{"- a\n", "1:1: "},
		{"a: [\n", "2:1: not valid YAML"},
		{V2, "1:1: there is no test"},
		{V2 "commandTests: []\n", "1:1: there is no test"},
		{V2 "metadataTest: {user: \"\", envVars: []}\n", "1:1: there is no test"},
		{V2 "commandTest: []\n", "2:1: commandTest: unknown key, did you mean "
					 "\"commandTests\"?"},
		{V2 "commandTests:\n- name: a\n  command: [ls]\n",
		 "4:3: commandTests[0].command: "
		 "expected a string, found a list"},
		{V2 "commandTests:\n- name: a\n  command: ls\n  args: x\n",
		 "5:3: commandTests[0].args: expected a list"},
		{V2 "commandTests:\n- {command: ls}\n", "3:3: commandTests[0]: the key \"name\""},
		{V2 "commandTests:\n- {name: ~, command: ls}\n", "3:3: commandTests[0]: the key"},
		{V2 "commandTests:\n- {name: a}\n", "3:3: commandTests[0]: the key \"command\""},
		{V2 "commandTests:\n- {name: a, command: ls, exitCode: \"0\"}\n",
		 "3:26: commandTests[0].exitCode: expected a number"},
		{V2 "commandTests:\n- {name: a, command: ls, setup: [[]]}\n",
		 "3:34: commandTests[0].setup[0]: expected a command line"},
		{V2 "commandTests:\n- {name: a, command: ls, teardown: [ls]}\n",
		 "3:37: commandTests[0].teardown[0]: expected a command line"},
		{V2 "commandTests:\n- {name: a, command: ls, envVars: [{key: A}]}\n",
		 "3:36: commandTests[0].envVars[0]: the variable A has no value"},
		{V2 "commandTests:\n- {name: a, command: ls, expectedOutput: [\"(?=x)\"]}\n",
		 "3:43: commandTests[0].expectedOutput[0]: bad pattern"},
		{V2 "fileContentTests:\n- {name: a, path: /f, excludedContents: [b, \"\\\\1\"]}\n",
		 "3:45: fileContentTests[0].excludedContents[1]: bad pattern"},
		{V2 "fileExistenceTests:\n- {name: a, path: /f, isExecutableBy: me}\n",
		 "3:23: fileExistenceTests[0].isExecutableBy: \"me\" is none of"},
		{V2 "metadataTest: {labels: [{key: a, value: \"(\", isRegex: true}]}\n",
		 "2:34: metadataTest.labels[0].value: bad pattern"},
		{V2 "metadataTest: {env: []}\n", "2:16: metadataTest.env: unknown key"},
		{V2 "containerRunOptions: {network: host}\n",
		 "2:23: containerRunOptions.network: unknown key"},
		{V1 "commandTests: [{name: a, command: ls}]\n",
		 "2:26: commandTests[0].command: expected a list"},
		{V1 "commandTests: [{name: a, command: []}]\n",
		 "2:26: commandTests[0].command: must"},
		{V1 "commandTests: [{name: a, command: [ls], args: [x]}]\n",
		 "2:41: commandTests[0].args: unknown key"},
		{V1 "fileExistenceTests: [{name: a, path: /f, uid: 1}]\n",
		 "2:42: fileExistenceTests[0].uid: unknown key"},
		{V1 "metadataTest: {}\n", "2:1: metadataTest: unknown key"},
		{V1 "containerRunOptions: {}\n", "2:1: containerRunOptions: unknown key"},
	};

	(void)state;
	check_rows("a.yaml", rows, sizeof(rows) / sizeof(*rows));
}

static void what_the_tool_takes_is_taken(void **state)
{
	static const struct row rows[] = {
		{V2 "commandTests:\n- {name: 12, command: true, args: [~, 1.10, yes], setup: ~, "
		    "envVars: ~, expectedOutput: ~, exitCode: 0x10}\n",
		 NULL},
		{V2 "fileExistenceTests:\n- {name: a, path: /f, shouldExist: no, uid: -1, "
		    "isExecutableBy: \"\"}\n",
		 NULL},
		{V2 "metadataTest: {entrypoint: []}\n", NULL},
		{V1 "globalEnvVars: [{key: A, value: b}]\nlicenseTests: [{files: [/f]}]\n", NULL},
		{V2 "x: &x {key: A, value: b}\n", "2:1: x: unknown key"},
		{V2 "commandTests:\n- &a {name: a, command: ls}\n- {<<: *a, name: b}\n", NULL},
	};
	static const struct row json[] = {
		{"{\"schemaVersion\": \"2.0.0\", \"licenseTests\": [{\"files\": null}]}", NULL},
		{"{\"schemaVersion\": \"2.0.0\", \"commandTests\": [{\"name\": 1}]}",
		 "1:46: commandTests[0].name: expected a string, found a number"},
		{"schemaVersion: 2.0.0\n", "1:1: "},
	};

	(void)state;
	check_rows("a.yml", rows, sizeof(rows) / sizeof(*rows));
	check_rows("a.json", json, sizeof(json) / sizeof(*json));
}

static void scalars_are_taken_by_their_text(void **state)
{
	struct file_reader files = {read_text, (void *)V2
				    "commandTests:\n- {name: 012, command: true, args: [~, 1.10, "
				    "yes], exitCode: 010}\n"};
	struct structure_file out = {0};
	struct arena *arena = arena_new();
	struct err err = {0};
	const struct command_test *test;

	(void)state;
	assert_int_equal(structure_load("f", &files, arena, &out, &err), 0);
	test = out.commands.items;
	assert_string_equal(test->name, "012");
	assert_string_equal(test->program, "true");
	assert_int_equal(test->args.count, 3);
	assert_string_equal(test->args.items[0], "");
	assert_string_equal(test->args.items[1], "1.10");
	assert_string_equal(test->args.items[2], "yes");
	assert_int_equal(test->exit_code, 8);
	arena_free(arena);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	struct file_reader files = {read_text,
				    (void *)V2 "containerRunOptions: {envFile: nosuch}\n"
					       "commandTests: [{name: a, command: ls}]\n"};
	struct structure_file out = {0};
	struct arena *arena = arena_new();
	struct err err = {0};

	(void)state;
	assert_int_equal(structure_load("nosuch", &files, arena, &out, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_int_equal(structure_load("f", &files, arena, &out, &err), -1);
	assert_string_equal(err.msg, "f:2:23: containerRunOptions.envFile: no such file");
	arena_free(arena);
}

/* Each pair was printed by the tool. */
static void variables_are_replaced_as_go_does(void **state)
{
	static const char *env_items[] = {"FOO=old", "G=g", "FOO=new"};
	static const struct strings env = {env_items, 3};
	static const char *const rows[][2] = {
		{"$FOO", "new"},
		{"${G}", "g"},
		{"a$$b", "ab"},
		{"$", "$"},
		{"a$", "a$"},
		{"$(x)", "$(x)"},
		{"$1", ""},
		{"${}", ""},
		{"${", ""},
		{"${x", "x"},
		{"$-z", "z"},
		{"${FOO", "FOO"},
		{"$FOO_x", ""},
		{"${FOO}_x", "new_x"},
		{"$.", "$."},
		{"$$FOO", "FOO"},
		{"\xC3\xA9$FOO\xC3\xA9", "\xC3\xA9new\xC3\xA9"},
		{"\\$FOO", "\\new"},
		{"$HOSTV", ""},
	};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(structure_expand(rows[i][0], &env, arena), rows[i][1]);
	arena_free(arena);
}

static void modes_are_written_as_go_does(void **state)
{
	static const struct {
		struct file_info info;
		const char *mode;
	} rows[] = {
		{{.type = FILE_REGULAR, .mode = 0640}, "-rw-r-----"},
		{{.type = FILE_FOLDER, .mode = 0755}, "drwxr-xr-x"},
		{{.type = FILE_FOLDER, .mode = 01777}, "dtrwxrwxrwx"},
		{{.type = FILE_SYMLINK, .mode = 0777}, "Lrwxrwxrwx"},
		{{.type = FILE_REGULAR, .mode = 04755}, "urwxr-xr-x"},
		{{.type = FILE_REGULAR, .mode = 06711}, "ugrwx--x--x"},
	};
	static const struct file_info special = {.type = FILE_OTHER};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(structure_mode(&rows[i].info, arena), rows[i].mode);
	assert_null(structure_mode(&special, arena));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_files_are_refused_with_their_place),
		cmocka_unit_test(what_the_tool_takes_is_taken),
		cmocka_unit_test(scalars_are_taken_by_their_text),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
		cmocka_unit_test(variables_are_replaced_as_go_does),
		cmocka_unit_test(modes_are_written_as_go_does),
	};

	return cmocka_run_group_tests_name("check/structure", tests, NULL, NULL);
}
