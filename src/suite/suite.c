#include "suite/suite_private.h"

#include "base/mem.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 100
#define EXPANDED_BYTES_MAX (SUITE_BYTES_MAX * 4)

static const char *const builders[] = { "auto", "classic", "buildkit", NULL };

#define AT(member) offsetof(struct suite_image, member)
const struct field suite_image_fields[] = {
	{ .name = "dockerfile", .type = FIELD_STRING, .offset = AT(dockerfile),
	  .def = "Dockerfile", .nonempty = true, .help = "Dockerfile's path in the repository" },
	{ .name = "context", .type = FIELD_STRING, .offset = AT(context), .def = ".",
	  .nonempty = true, .help = "folder of the repository that is the build context" },
	{ .name = "args", .type = FIELD_MAP, .offset = AT(args), .help = "build arguments" },
	{ .name = "labels", .type = FIELD_MAP, .offset = AT(labels), .help = "labels to add" },
	{ .name = "target", .type = FIELD_STRING, .offset = AT(target), .nonempty = true,
	  .help = "stage to build; the last when left out" },
	{ .name = "network", .type = FIELD_STRING, .offset = AT(network), .def = "none",
	  .nonempty = true, .help = "network of RUN steps: none, host, default or a name" },
	{ .name = "builder", .type = FIELD_ENUM, .offset = AT(builder), .def = "auto",
	  .choices = builders, .help = "auto takes BuildKit only where the Dockerfile needs it" },
	{ .name = "timeout", .type = FIELD_DURATION, .offset = AT(timeout_ns), .def = "1h",
	  .help = "time limit of the build" },
	{ .name = "secrets", .type = FIELD_STRINGS, .offset = AT(secrets),
	  .help = "BuildKit secrets: id=NAME,env=VAR or id=NAME,src=FILE" },
	{ .name = "pull", .type = FIELD_BOOL, .offset = AT(pull),
	  .help = "ask the registry for newer base images" },
	{ .name = NULL },
};
#undef AT

#define AT(member) offsetof(struct suite_check, member)
const struct field suite_check_fields[] = {
	{ .name = "name", .type = FIELD_STRING, .offset = AT(name), .required = true,
	  .nonempty = true, .help = "unique in the suite; keys history" },
	{ .name = "kind", .type = FIELD_STRING, .offset = AT(kind), .required = true,
	  .nonempty = true, .help = "what is checked; decides the other keys" },
	{ .name = "tags", .type = FIELD_STRINGS, .offset = AT(tags), .help = "words for --only" },
	{ .name = "targets", .type = FIELD_STRINGS, .offset = AT(targets),
	  .help = "make one case per target named here that the suite has" },
	{ .name = "needs", .type = FIELD_STRINGS, .offset = AT(needs),
	  .help = "skip, with the reason, where this is missing: gpu" },
	{ .name = "timeout", .type = FIELD_DURATION, .offset = AT(timeout_ns), .def = "60s",
	  .help = "time limit of the check" },
	{ .name = "output_max", .type = FIELD_SIZE, .offset = AT(output_max), .def = "1MiB",
	  .help = "bytes kept of each output stream" },
	{ .name = "isolated", .type = FIELD_BOOL, .offset = AT(isolated),
	  .help = "run in a container of its own with a writable root" },
	{ .name = "optional", .type = FIELD_BOOL, .offset = AT(optional),
	  .help = "a skip does not make the run inconclusive" },
	{ .name = NULL },
};
#undef AT

const char *const suite_common_keys[] = { "name",    "kind",	   "tags",     "targets",
					  "needs",   "timeout",	   "output_max", "isolated",
					  "optional", NULL };

/* The root as a struct of its own: "checks" is read apart, since its keys depend on the kind. */
struct root {
	int64_t version;
	const char *name;
	const char *description;
	struct strings targets;
	struct suite_image *image;
	const struct json *checks;
	const struct json *schema;
};

#define AT(member) offsetof(struct root, member)
const struct field suite_fields[] = {
	{ .name = "$schema", .type = FIELD_JSON, .offset = AT(schema),
	  .help = "for editors; ignored" },
	{ .name = "assay", .type = FIELD_INT, .offset = AT(version), .required = true,
	  .help = "suite schema version: 1" },
	{ .name = "name", .type = FIELD_STRING, .offset = AT(name), .required = true,
	  .nonempty = true, .help = "letters, digits, dot, dash, underscore; keys history" },
	{ .name = "description", .type = FIELD_STRING, .offset = AT(description),
	  .help = "for readers" },
	{ .name = "targets", .type = FIELD_STRINGS, .offset = AT(targets),
	  .help = "GPU classes the image is meant for, such as rtx5090" },
	{ .name = "image", .type = FIELD_OBJECT, .offset = AT(image),
	  .fields = suite_image_fields, .size = sizeof(struct suite_image),
	  .help = "how the image is built" },
	{ .name = "checks", .type = FIELD_JSON, .offset = AT(checks), .required = true,
	  .help = "what must hold" },
	{ .name = NULL },
};
#undef AT

struct parser {
	struct suite *suite;
	struct field_source source;
	suite_kind_lookup *lookup;
	const char *const *kinds;
	void *payload;
	struct err *err;
};

static bool good_name(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
	       strlen(name);
}

static int check_name(const struct parser *parser, const struct suite_check *check)
{
	const struct suite *suite = parser->suite;

	for (const char *p = check->name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7F || *p == '/' || *p == '@')
			return field_error(&parser->source, check->path, "name", parser->err,
					   "a name has no '/', '@' or control character");
	if (strlen(check->name) > NAME_BYTES_MAX || check->name[0] == '.')
		return field_error(&parser->source, check->path, "name", parser->err,
				   "a name has at most %d bytes and does not start with '.'",
				   NAME_BYTES_MAX);
	if (strcmp(check->name, "build") == 0)
		return field_error(&parser->source, check->path, "name", parser->err,
				   "\"build\" is the build's own case: choose another name");
	for (const struct suite_check *other = suite->checks; other < check; other++)
		if (strcmp(other->name, check->name) == 0)
			return field_error(&parser->source, check->path, "name", parser->err,
					   "duplicate name \"%s\", first used by %s", check->name,
					   other->path);
	return 0;
}

static int find_kind(const struct parser *parser, const struct suite_check *check,
		     struct suite_kind *out)
{
	const char *near;

	if (parser->lookup(check->kind, out, parser->payload))
		return 0;
	near = field_nearest(check->kind, parser->kinds);
	if (near)
		return field_error(&parser->source, check->path, "kind", parser->err,
				   "unknown kind \"%s\", did you mean \"%s\"?", check->kind, near);
	return field_error(&parser->source, check->path, "kind", parser->err,
			   "unknown kind \"%s\" (see `assay suite schema`)", check->kind);
}

/* Names of a kind's table, so that the common pass leaves them alone. */
static const char *const *names_of(const struct field *fields, struct arena *arena)
{
	const char **names = NULL, **name;
	size_t count = 0;

	for (; fields->name; fields++) {
		name = arena_push(arena, &names, &count, sizeof(*name));
		*name = fields->name;
	}
	(void)arena_push(arena, &names, &count, sizeof(*name)); /* the NULL that ends it */
	return names;
}

static int load_check(const struct parser *parser, const struct json *json,
		      struct suite_check *check)
{
	struct arena *arena = parser->suite->arena;
	const char *kind = json_type(json) == JSON_OBJECT ? json_str(json, "kind", NULL) : NULL;
	struct suite_kind ops = { 0 };
	struct err why = { 0 };
	void *spec;

	if (!kind || !json_str(json, "name", NULL)) /* the table says what is missing or wrong */
		return field_load(suite_check_fields, json, check->path, &parser->source,
				  kind && parser->lookup(kind, &ops, parser->payload)
					  ? names_of(ops.fields, arena)
					  : NULL,
				  arena, check, parser->err) < 0
			       ? -1
			       : field_error(&parser->source, check->path, NULL, parser->err,
					     "needs \"name\" and \"kind\"");
	check->kind = kind;
	if (find_kind(parser, check, &ops) < 0)
		return -1;
	if (field_load(suite_check_fields, json, check->path, &parser->source,
		       names_of(ops.fields, arena), arena, check, parser->err) < 0 ||
	    check_name(parser, check) < 0)
		return -1;
	spec = arena_alloc(arena, ops.spec_size ? ops.spec_size : 1);
	if (field_load(ops.fields, json, check->path, &parser->source, suite_common_keys, arena,
		       spec, parser->err) < 0)
		return -1;
	check->spec = spec;
	if (ops.validate && ops.validate(spec, &why) < 0)
		return field_error(&parser->source, check->path, NULL, parser->err, "%s", why.msg);
	return 0;
}

static int load_checks(const struct parser *parser, const struct json *list)
{
	struct suite *suite = parser->suite;
	size_t count = json_size(list);

	if (json_type(list) != JSON_ARRAY)
		return field_error(&parser->source, "", "checks", parser->err,
				   "expected a list of objects, found %s",
				   json_type_name(json_type(list)));
	if (count > SUITE_CHECKS_MAX)
		return field_error(&parser->source, "", "checks", parser->err,
				   "%zu checks, at most %d", count, SUITE_CHECKS_MAX);
	suite->checks = arena_alloc(suite->arena, count * sizeof(*suite->checks) + 1);
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		struct suite_check *check = &suite->checks[suite->check_count];

		check->path = arena_printf(suite->arena, "checks[%zu]", suite->check_count);
		if (load_check(parser, item, check) < 0)
			return -1;
		suite->check_count++;
	}
	return 0;
}

static int load_root(const struct parser *parser, const struct json *json)
{
	struct suite *suite = parser->suite;
	struct root root = { 0 };
	int64_t version = json_type(json) == JSON_OBJECT ? json_int(json, "assay", SUITE_VERSION)
							 : SUITE_VERSION;

	if (version > SUITE_VERSION)
		return field_error(&parser->source, "", "assay", parser->err,
				   "this suite is of version %lld, this Assay knows up to %d: use a "
				   "newer Assay", (long long)version, SUITE_VERSION);
	if (field_load(suite_fields, json, "", &parser->source, NULL, suite->arena, &root,
		       parser->err) < 0)
		return -1;
	if (root.version != SUITE_VERSION)
		return field_error(&parser->source, "", "assay", parser->err, "must be %d",
				   SUITE_VERSION);
	if (!good_name(root.name) || strlen(root.name) > NAME_BYTES_MAX)
		return field_error(&parser->source, "", "name", parser->err,
				   "\"%s\": letters, digits, '.', '-' and '_' only", root.name);
	suite->name = root.name;
	suite->description = root.description;
	suite->targets = root.targets;
	suite->image = root.image;
	if (!suite->image) { /* the table's defaults */
		struct json *empty = json_new_object();
		int rc;

		suite->image = arena_alloc(suite->arena, sizeof(*suite->image));
		rc = field_load(suite_image_fields, empty, "image", &parser->source, NULL,
				suite->arena, suite->image, parser->err);
		json_free(empty);
		if (rc < 0)
			return -1;
	}
	return load_checks(parser, root.checks);
}

static int parse_expanded(struct parser *parser)
{
	const struct field_source *source = &parser->source;
	char *why;

	if (json_parse(source->text, source->len, true, &parser->suite->document, parser->err) < 0) {
		why = xstrdup(parser->err->msg);
		err_set(parser->err, ERR_USAGE, "%s: %s", source->file, why);
		free(why);
		return -1;
	}
	return load_root(parser, parser->suite->document);
}

int suite_parse(const char *file, const char *text, size_t len, const struct pairs *vars,
		suite_kind_lookup *lookup, const char *const *kinds, void *payload,
		struct suite **out, struct err *err)
{
	struct suite *suite = xcalloc(1, sizeof(*suite));
	struct parser parser = { .suite = suite, .lookup = lookup, .kinds = kinds,
				 .payload = payload, .err = err };
	struct digest *digest = digest_new();
	struct buf expanded;
	int rc;

	suite->arena = arena_new();
	suite->file = arena_strdup(suite->arena, file);
	digest_add(digest, text, len);
	buf_init(&expanded, EXPANDED_BYTES_MAX);
	rc = suite_expand(file, text, len, vars, digest, &expanded, err);
	digest_final(digest, suite->hash);
	if (rc == 0) {
		parser.source = (struct field_source){ suite->file, buf_str(&expanded),
						       expanded.len };
		rc = expanded.truncated ? err_set(err, ERR_USAGE, "%s: too large", file)
					: parse_expanded(&parser);
	}
	buf_done(&expanded);
	if (rc < 0) {
		suite_free(suite);
		return -1;
	}
	*out = suite;
	return 0;
}

void suite_free(struct suite *suite)
{
	if (!suite)
		return;
	json_free(suite->document);
	arena_free(suite->arena);
	free(suite);
}

void suite_freep(struct suite **suite)
{
	suite_free(*suite);
}

static bool is_wanted(const struct suite_check *check, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fnmatch(names[i], check->name, 0) == 0)
			return true;
		for (size_t t = 0; t < check->tags.count; t++)
			if (fnmatch(names[i], check->tags.items[t], 0) == 0)
				return true;
	}
	return false;
}

size_t suite_select(struct suite *suite, const char *const *names, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < suite->check_count; i++)
		if (is_wanted(&suite->checks[i], names, count))
			suite->checks[kept++] = suite->checks[i];
	suite->check_count = kept;
	return kept;
}
