/* Files of container-structure-test: read, checked, refused with a place. */
#include "check/structure_private.h"

#include "base/pattern.h"
#include "base/yaml.h"

#include <string.h>

#define AT(member) offsetof(struct env_var, member)
static const struct field env_fields[] = {
	{.name = "key",
	 .type = FIELD_STRING,
	 .offset = AT(key),
	 .required = true,
	 .nonempty = true},
	{.name = "value", .type = FIELD_STRING, .offset = AT(value), .def = ""},
	{.name = "isRegex", .type = FIELD_BOOL, .offset = AT(is_regex)},
	{.name = NULL},
};
#undef AT

#define ENV_LIST(NAME, OFFSET)                                                                     \
	{                                                                                          \
		.name = (NAME), .type = FIELD_OBJECTS, .offset = (OFFSET), .fields = env_fields,   \
		.size = sizeof(struct env_var)                                                     \
	}
#define STRINGS(NAME, OFFSET)                                                                      \
	{                                                                                          \
		.name = (NAME), .type = FIELD_STRINGS, .offset = (OFFSET)                          \
	}
#define NONEMPTY(NAME, OFFSET)                                                                     \
	{                                                                                          \
		.name = (NAME), .type = FIELD_STRING, .offset = (OFFSET), .required = true,        \
		.nonempty = true                                                                   \
	}

#define AT(member) offsetof(struct command_test, member)
#define COMMAND_FIELDS                                                                             \
	NONEMPTY("name", AT(name)),                                                                \
		{.name = "setup", .type = FIELD_JSON, .offset = AT(setup_json)},                   \
		{.name = "teardown", .type = FIELD_JSON, .offset = AT(teardown_json)},             \
		ENV_LIST("envVars", AT(env)), STRINGS("expectedOutput", AT(out)),                  \
		STRINGS("excludedOutput", AT(no_out)), STRINGS("expectedError", AT(errout)),       \
		STRINGS("excludedError", AT(no_errout)),                                           \
	{                                                                                          \
		.name = "exitCode", .type = FIELD_INT, .offset = AT(exit_code), .def = "0"         \
	}
static const struct field command_fields_v1[] = {
	COMMAND_FIELDS,
	{.name = "command",
	 .type = FIELD_STRINGS,
	 .offset = AT(args),
	 .required = true,
	 .nonempty = true},
	{.name = NULL},
};
static const struct field command_fields_v2[] = {
	COMMAND_FIELDS,
	NONEMPTY("command", AT(program)),
	STRINGS("args", AT(args)),
	{.name = NULL},
};
#undef AT

static const char *const executables[] = {"owner", "group", "other", "any", "", NULL};

#define AT(member) offsetof(struct existence_test, member)
#define EXISTENCE_FIELDS                                                                           \
	NONEMPTY("name", AT(name)), NONEMPTY("path", AT(path)),                                    \
		{.name = "shouldExist", .type = FIELD_TRISTATE, .offset = AT(should_exist)},       \
	{                                                                                          \
		.name = "permissions", .type = FIELD_STRING, .offset = AT(permissions), .def = ""  \
	}
static const struct field existence_fields_v1[] = {EXISTENCE_FIELDS, {.name = NULL}};
static const struct field existence_fields_v2[] = {
	EXISTENCE_FIELDS,
	{.name = "uid", .type = FIELD_INT, .offset = AT(uid)},
	{.name = "gid", .type = FIELD_INT, .offset = AT(gid)},
	{.name = "isExecutableBy",
	 .type = FIELD_ENUM,
	 .offset = AT(executable_by),
	 .choices = executables},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct content_test, member)
static const struct field content_fields[] = {
	NONEMPTY("name", AT(name)),
	NONEMPTY("path", AT(path)),
	STRINGS("expectedContents", AT(expected)),
	STRINGS("excludedContents", AT(excluded)),
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct license_test, member)
static const struct field license_fields[] = {
	{.name = "debian", .type = FIELD_BOOL, .offset = AT(debian)},
	STRINGS("files", AT(files)),
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct metadata_test, member)
static const struct field metadata_fields[] = {
	ENV_LIST("envVars", AT(env)),
	ENV_LIST("labels", AT(labels)),
	ENV_LIST("unboundEnvVars", AT(unset_env)),
	STRINGS("exposedPorts", AT(ports)),
	STRINGS("unexposedPorts", AT(unset_ports)),
	STRINGS("volumes", AT(volumes)),
	STRINGS("unmountedVolumes", AT(unset_volumes)),
	STRINGS("entrypoint", AT(entrypoint)),
	STRINGS("cmd", AT(cmd)),
	{.name = "workdir", .type = FIELD_STRING, .offset = AT(workdir), .def = ""},
	{.name = "user", .type = FIELD_STRING, .offset = AT(user), .def = ""},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct run_options, member)
static const struct field option_fields[] = {
	{.name = "user", .type = FIELD_STRING, .offset = AT(user), .def = ""},
	{.name = "allocateTty", .type = FIELD_BOOL, .offset = AT(allocate_tty)},
	{.name = "privileged", .type = FIELD_BOOL, .offset = AT(privileged)},
	{.name = "envFile", .type = FIELD_STRING, .offset = AT(env_file), .def = ""},
	STRINGS("envVars", AT(env)),
	STRINGS("capabilities", AT(capabilities)),
	STRINGS("bindMounts", AT(mounts)),
	{.name = NULL},
};
#undef AT

#define LIST(NAME, MEMBER, FIELDS, STRUCT)                                                         \
	{                                                                                          \
		.name = (NAME), .type = FIELD_OBJECTS,                                             \
		.offset = offsetof(struct structure_file, MEMBER), .fields = (FIELDS),             \
		.size = sizeof(struct STRUCT)                                                      \
	}
#define FILE_FIELDS                                                                                \
	{.name = "schemaVersion",                                                                  \
	 .type = FIELD_STRING,                                                                     \
	 .offset = offsetof(struct structure_file, schema),                                        \
	 .required = true},                                                                        \
		ENV_LIST("globalEnvVars", offsetof(struct structure_file, globals)),               \
		LIST("fileContentTests", contents, content_fields, content_test),                  \
		LIST("licenseTests", licenses, license_fields, license_test)
static const struct field file_fields_v1[] = {
	FILE_FIELDS,
	LIST("commandTests", commands, command_fields_v1, command_test),
	LIST("fileExistenceTests", existences, existence_fields_v1, existence_test),
	{.name = NULL},
};
static const struct field file_fields_v2[] = {
	FILE_FIELDS,
	LIST("commandTests", commands, command_fields_v2, command_test),
	LIST("fileExistenceTests", existences, existence_fields_v2, existence_test),
	{.name = "metadataTest",
	 .type = FIELD_OBJECT,
	 .offset = offsetof(struct structure_file, metadata),
	 .fields = metadata_fields,
	 .size = sizeof(struct metadata_test)},
	{.name = "containerRunOptions",
	 .type = FIELD_OBJECT,
	 .offset = offsetof(struct structure_file, options),
	 .fields = option_fields,
	 .size = sizeof(struct run_options)},
	{.name = NULL},
};

/* --- what tables cannot say ------------------------------------------------------------------ */

struct loader {
	const struct field_source *source;
	struct arena *arena;
	bool json; /* what a file leaves out is what Go makes of it: false, 0 */
	struct err *err;
};

static const char *at(const struct loader *loader, const char *list, size_t index)
{
	return arena_printf(loader->arena, "%s[%zu]", list, index);
}

static int check_patterns(const struct loader *loader, const char *path, const char *key,
			  const struct strings *patterns)
{
	struct err why = {0};

	for (size_t i = 0; i < patterns->count; i++)
		if (pattern_go_check(patterns->items[i], &why) < 0)
			return field_error(loader->source,
					   arena_printf(loader->arena, "%s.%s[%zu]", path, key, i),
					   NULL, loader->err, "%s", why.msg);
	return 0;
}

/* One command line of setup or teardown. */
static int load_line(const struct loader *loader, const char *path, const struct json *value,
		     struct strings *out)
{
	static const struct field line_fields[] = {
		{.name = "line", .type = FIELD_STRINGS, .nonempty = true}, {.name = NULL}};
	struct json *holder = json_new_object();
	struct err why = {0};
	int rc;

	json_add_copy(holder, "line", value);
	rc = field_load(line_fields, holder, "", loader->source, NULL, loader->arena, out, &why);
	json_free(holder);
	if (rc < 0)
		return field_error(loader->source, path, NULL, loader->err,
				   "expected a command line, a list of strings that is not empty");
	return 0;
}

static int load_lines(const struct loader *loader, const char *path, const char *key,
		      const struct json *value, struct strings **out, size_t *count)
{
	const char *base = arena_printf(loader->arena, "%s.%s", path, key);

	if (!value)
		return 0;
	if (json_type(value) != JSON_ARRAY)
		return field_error(loader->source, path, key, loader->err,
				   "expected a list of command lines");
	for (const struct json *item = json_first(value); item; item = json_next(item)) {
		struct strings line = {0}, *slot;

		if (load_line(loader, at(loader, base, *count), item, &line) < 0)
			return -1;
		slot = arena_push(loader->arena, out, count, sizeof(*slot));
		*slot = line;
	}
	return 0;
}

static int finish_command(const struct loader *loader, const char *path, struct command_test *test)
{
	const struct env_var *env = test->env.items;
	struct strings *teardown = NULL;
	size_t count = 0;

	for (size_t i = 0; i < test->env.count; i++)
		if (!*env[i].value)
			return field_error(loader->source,
					   arena_printf(loader->arena, "%s.envVars[%zu]", path, i),
					   NULL, loader->err, "the variable %s has no value",
					   env[i].key);
	if (load_lines(loader, path, "setup", test->setup_json, &test->setup, &test->setup_count) <
		    0 ||
	    load_lines(loader, path, "teardown", test->teardown_json, &teardown, &count) < 0)
		return -1;
	test->setup_json = test->teardown_json = NULL;
	if (check_patterns(loader, path, "expectedOutput", &test->out) < 0 ||
	    check_patterns(loader, path, "excludedOutput", &test->no_out) < 0 ||
	    check_patterns(loader, path, "expectedError", &test->errout) < 0)
		return -1;
	return check_patterns(loader, path, "excludedError", &test->no_errout);
}

static int finish_commands(const struct loader *loader, const struct structure_file *file)
{
	struct command_test *tests = file->commands.items;

	for (size_t i = 0; i < file->commands.count; i++)
		if (finish_command(loader, at(loader, "commandTests", i), &tests[i]) < 0)
			return -1;
	return 0;
}

static int finish_contents(const struct loader *loader, const struct structure_file *file)
{
	const struct content_test *tests = file->contents.items;

	for (size_t i = 0; i < file->contents.count; i++) {
		const char *path = at(loader, "fileContentTests", i);

		if (check_patterns(loader, path, "expectedContents", &tests[i].expected) < 0 ||
		    check_patterns(loader, path, "excludedContents", &tests[i].excluded) < 0)
			return -1;
	}
	return 0;
}

/* YAML leaves out what may be anything, JSON gives Go's zeroes. Owners came with 2.0.0. */
static void set_defaults(const struct loader *loader, const struct structure_file *file)
{
	struct existence_test *tests = file->existences.items;

	for (size_t i = 0; i < file->existences.count; i++) {
		if (tests[i].should_exist < 0)
			tests[i].should_exist = !loader->json;
		if (file->version == 1) {
			tests[i].uid = tests[i].gid = FIELD_ABSENT_INT;
			tests[i].executable_by = -1;
		} else if (loader->json) {
			tests[i].uid = tests[i].uid == FIELD_ABSENT_INT ? 0 : tests[i].uid;
			tests[i].gid = tests[i].gid == FIELD_ABSENT_INT ? 0 : tests[i].gid;
		}
	}
}

static int check_regexes(const struct loader *loader, const char *key, const struct objects *list)
{
	const struct env_var *vars = list->items;
	struct err why = {0};

	for (size_t i = 0; i < list->count; i++)
		if (vars[i].is_regex && pattern_go_check(vars[i].value, &why) < 0)
			return field_error(
				loader->source,
				arena_printf(loader->arena, "metadataTest.%s[%zu]", key, i),
				"value", loader->err, "%s", why.msg);
	return 0;
}

static bool is_set(const struct json *object, const char *key)
{
	const struct json *value = json_get(object, key);

	return value && json_type(value) != JSON_NULL;
}

static int finish_metadata(const struct loader *loader, const struct json *root,
			   struct structure_file *file)
{
	const struct json *json = json_get(root, "metadataTest");
	struct metadata_test *test = file->metadata;

	if (!test)
		return 0;
	test->has_entrypoint = is_set(json, "entrypoint");
	test->has_cmd = is_set(json, "cmd");
	if (check_regexes(loader, "envVars", &test->env) < 0 ||
	    check_regexes(loader, "labels", &test->labels) < 0)
		return -1;
	if (!test->env.count && !test->labels.count && !test->unset_env.count &&
	    !test->ports.count && !test->unset_ports.count && !test->volumes.count &&
	    !test->unset_volumes.count && !test->has_entrypoint && !test->has_cmd &&
	    !*test->workdir && !*test->user)
		file->metadata = NULL;
	return 0;
}

static int check_count(const struct loader *loader, const struct structure_file *file)
{
	size_t count = file->commands.count + file->contents.count + file->existences.count +
		       file->licenses.count + (file->metadata ? 1 : 0);

	if (count > STRUCTURE_TESTS_MAX)
		return field_error(loader->source, "", NULL, loader->err, "%zu tests, at most %d",
				   count, STRUCTURE_TESTS_MAX);
	if (!count)
		return field_error(loader->source, "", NULL, loader->err, "there is no test");
	return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

/* NAME=value lines, as `docker run --env-file` takes them. */
static void read_env(const char *text, struct arena *arena, struct pairs *out)
{
	while (*text) {
		size_t len = strcspn(text, "\r\n");
		const char *equals = memchr(text, '=', len);

		if (equals && equals > text && *text != '#') {
			struct pair *pair =
				arena_push(arena, &out->items, &out->count, sizeof(*pair));

			pair->key = arena_strndup(arena, text, (size_t)(equals - text));
			pair->value =
				arena_strndup(arena, equals + 1, len - (size_t)(equals - text) - 1);
		}
		text += len;
		text += strspn(text, "\r\n");
	}
}

static int load_env_file(const struct loader *loader, const struct file_reader *files,
			 struct structure_file *file)
{
	struct err why = {0};
	struct buf text;
	int rc;

	if (!file->options || !*file->options->env_file)
		return 0;
	buf_init(&text, YAML_BYTES_MAX);
	rc = files->read(files->self, file->options->env_file, &text, &why);
	if (rc == 0)
		read_env(buf_str(&text), loader->arena, &file->file_env);
	else
		rc = field_error(loader->source, "containerRunOptions", "envFile", loader->err,
				 "%s", why.msg);
	buf_done(&text);
	return rc;
}

static int find_version(const struct loader *loader, const struct json *root, int *out)
{
	const struct json *value =
		json_type(root) == JSON_OBJECT ? json_get(root, "schemaVersion") : NULL;
	const char *text = json_literal(value);

	if (text && strcmp(text, "1.0.0") == 0)
		*out = 1;
	else if (text && strcmp(text, "2.0.0") == 0)
		*out = 2;
	else if (!value)
		return field_error(loader->source, "", NULL, loader->err,
				   "the key \"schemaVersion\" is missing");
	else
		return field_error(loader->source, "", "schemaVersion", loader->err,
				   "must be \"1.0.0\" or \"2.0.0\"");
	return 0;
}

static int load_root(const struct loader *loader, const struct json *root,
		     const struct file_reader *files, struct structure_file *out)
{
	if (find_version(loader, root, &out->version) < 0 ||
	    field_load(out->version == 1 ? file_fields_v1 : file_fields_v2, root, "",
		       loader->source, NULL, loader->arena, out, loader->err) < 0 ||
	    finish_commands(loader, out) < 0 || finish_contents(loader, out) < 0 ||
	    finish_metadata(loader, root, out) < 0 || check_count(loader, out) < 0)
		return -1;
	set_defaults(loader, out);
	return load_env_file(loader, files, out);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && strcmp(text + len - tail, end) == 0;
}

static int parse(const char *path, const struct buf *text, bool json, struct json **out,
		 struct err *err)
{
	return json ? json_parse_file(path, buf_str(text), text->len, false, out, err)
		    : yaml_parse(path, buf_str(text), text->len, out, err);
}

int structure_load(const char *path, const struct file_reader *files, struct arena *arena,
		   struct structure_file *out, struct err *err)
{
	bool json = ends_with(path, ".json");
	struct structure_file file = {.path = path};
	struct json *root = NULL;
	struct buf text;
	int rc;

	buf_init(&text, YAML_BYTES_MAX);
	rc = files->read(files->self, path, &text, err);
	if (rc == 0)
		rc = parse(path, &text, json, &root, err);
	if (rc == 0) {
		/* JSON as well: its places are YAML's, and null is absent in both. */
		const struct field_source source = {path, buf_str(&text), text.len, true};
		const struct loader loader = {&source, arena, json, err};

		rc = load_root(&loader, root, files, &file);
	}
	if (rc == 0)
		*out = file;
	json_free(root);
	buf_done(&text);
	return rc;
}
