#include "suite/suite_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "model/run.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFINITION_DIGITS                                                                          \
	16 /* tells checks of one name apart; nobody has to be kept from forging it */

struct parser {
	struct suite *suite;
	struct field_source source;
	const struct file_reader *files;
	struct digest *digest; /* of the text, the variables used and the files read */
	struct digest *own;    /* of the check that is loaded */
	suite_kind_lookup *lookup;
	const char *const *kinds;
	void *payload;
	struct err *err;
};

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool has_only(const char *text, const char *letters)
{
	return *text && text[strspn(text, letters)] == '\0';
}

/* --- names ----------------------------------------------------------------------------------- */

/* The rest of a name's rules; a case is kept in a folder of its name, "NAME@TARGET" with targets.
 */
static int check_name(const struct parser *parser, const struct suite_check *check)
{
	const char *what = NULL;

	for (const char *p = check->name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7F || *p == '/' || *p == '@')
			what = "a name has no '/', '@' or control character";
	if (strlen(check->name) > SUITE_NAME_MAX)
		what = "a name has at most 100 bytes";
	else if (check->name[0] == '.')
		what = "a name does not start with '.'";
	else if (strcmp(check->name, "build") == 0)
		what = "\"build\" is the build's own case: choose another name";
	if (what)
		return field_error(&parser->source, check->path, "name", parser->err, "%s", what);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct suite_check *x = *(const struct suite_check *const *)a;
	const struct suite_check *y = *(const struct suite_check *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x > y) - (x < y);
}

/* Names are unique; the first second use is reported. */
static int check_unique(const struct parser *parser)
{
	const struct suite *suite = parser->suite;
	const struct suite_check **sorted = xcalloc(suite->check_count + 1, sizeof(*sorted));
	const struct suite_check *first = NULL, *second = NULL;

	for (size_t i = 0; i < suite->check_count; i++)
		sorted[i] = &suite->checks[i];
	qsort(sorted, suite->check_count, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < suite->check_count; i++) {
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0 ||
		    (second && sorted[i] > second))
			continue;
		first = sorted[i - 1];
		second = sorted[i];
	}
	free(sorted);
	if (!second)
		return 0;
	return field_error(&parser->source, second->path, "name", parser->err,
			   "duplicate name \"%s\", first used by %s", second->name, first->path);
}

/* Target names key cases and history; which GPUs exist is not ours to say. PATH is "checks[2]". */
static int check_targets(const struct parser *parser, const char *path,
			 const struct strings *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		const char *name = targets->items[i];

		if (!has_only(name, LOWER DIGITS "_.-") || strlen(name) > SUITE_NAME_MAX)
			return field_error(&parser->source, path, "targets", parser->err,
					   "\"%s\" is no target: write it like rtx5090, rtx4090 or "
					   "h100",
					   name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(targets->items[k], name) == 0)
				return field_error(&parser->source, path, "targets", parser->err,
						   "\"%s\" is named twice", name);
	}
	return 0;
}

static bool is_among(const char *name, const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(name, list->items[i]) == 0)
			return true;
	return false;
}

/* A target that the suite does not list would plan no case at all: nothing checked, nothing said.
 */
static int check_listed(const struct parser *parser, const struct suite_check *check)
{
	for (size_t i = 0; i < check->targets.count; i++)
		if (!is_among(check->targets.items[i], &parser->suite->targets))
			return field_error(&parser->source, check->path, "targets", parser->err,
					   "\"%s\" is not among the suite's targets",
					   check->targets.items[i]);
	return 0;
}

/* A label or target that does not exist would never be met, and a day that does not exist never
 * come. */
static int check_expect(const struct parser *parser, const struct suite_check *check)
{
	const struct suite_expect *expect = check->expect_failure;
	const char *path;
	int64_t ms;

	if (!expect)
		return 0;
	path = arena_printf(parser->suite->arena, "%s.expect_failure", check->path);
	for (size_t i = 0; i < expect->labels.count; i++)
		if (!label_find(expect->labels.items[i]))
			return field_error(&parser->source, path, "labels", parser->err,
					   "\"%s\" is no label (see `assay help --labels`)",
					   expect->labels.items[i]);
	for (size_t i = 0; i < expect->targets.count; i++)
		if (!is_among(expect->targets.items[i], &parser->suite->targets))
			return field_error(&parser->source, path, "targets", parser->err,
					   "\"%s\" is not among the suite's targets",
					   expect->targets.items[i]);
	if (expect->until && clock_parse_until(expect->until, &ms) < 0)
		return field_error(&parser->source, path, "until", parser->err,
				   "\"%s\" is no day: write it like 2026-12-31", expect->until);
	return 0;
}

static int load_references(const struct parser *parser, struct suite_check *check)
{
	struct arena *arena = parser->suite->arena;

	return suite_load_references(check->references_json, &parser->source,
				     arena_printf(arena, "%s.references", check->path), arena,
				     &check->references, parser->err);
}

static int check_needs(const struct parser *parser, const struct suite_check *check)
{
	for (size_t i = 0; i < check->needs.count; i++)
		if (strcmp(check->needs.items[i], "gpu") != 0)
			return field_error(&parser->source, check->path, "needs", parser->err,
					   "unknown need \"%s\"; known needs: gpu",
					   check->needs.items[i]);
	return 0;
}

/* --- checks ---------------------------------------------------------------------------------- */

/* Without a kind no key can be judged but a misspelt "kind". */
static int kind_is_missing(const struct parser *parser, const struct json *json,
			   const struct suite_check *check)
{
	static const char *const wanted[] = {"kind", NULL};

	for (const struct json *item = json_first(json); item; item = json_next(item))
		if (field_nearest(json_key(item), wanted))
			return field_error(&parser->source, check->path, json_key(item),
					   parser->err, "unknown key, did you mean \"kind\"?");
	return field_error(&parser->source, check->path, NULL, parser->err,
			   "the key \"kind\" is missing");
}

static int find_kind(const struct parser *parser, const struct json *json,
		     struct suite_check *check, struct suite_kind *out)
{
	const struct json *kind = json_get(json, "kind");
	const char *near;

	if (!kind)
		return kind_is_missing(parser, json, check);
	check->kind = json_text(kind);
	if (!check->kind)
		return field_error(&parser->source, check->path, "kind", parser->err,
				   "expected a string, found %s", json_type_name(json_type(kind)));
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

static bool leaves_folder(const char *path)
{
	if (*path == '/')
		return true;
	for (; *path; path += strspn(path, "/")) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += len;
	}
	return false;
}

/* A file that a check names, for file_reader: what it holds is part of what the suite asserts. */
static int read_named(void *self, const char *path, struct buf *out, struct err *err)
{
	const struct parser *parser = self;
	size_t before = out->len;
	char size[32];

	if (!*path || leaves_folder(path))
		return err_set(err, ERR_USAGE, "\"%s\" is not below the suite's folder", path);
	if (!parser->files)
		return err_set(err, ERR_USAGE, "\"%s\": files cannot be read here", path);
	if (parser->files->read(parser->files->self, path, out, err) < 0)
		return -1;
	(void)snprintf(size, sizeof(size), "%zu", out->len - before);
	for (size_t i = 0; i < 2; i++) {
		struct digest *digest = i ? parser->own : parser->digest;

		digest_add_field(digest, path);
		digest_add_field(digest, size);
		digest_add(digest, buf_str(out) + before, out->len - before);
	}
	return 0;
}

static int load_files(const struct parser *parser, const struct suite_kind *kind, void *spec,
		      const char *path)
{
	const struct file_reader files = {read_named, (void *)parser};
	struct err why = {0};

	if (!kind->load || kind->load(spec, &files, parser->suite->arena, &why) == 0)
		return 0;
	if (why.code != ERR_USAGE && why.code != ERR_NOTFOUND && why.code != ERR_LIMIT) {
		*parser->err = why;
		return -1;
	}
	return field_error(&parser->source, path, NULL, parser->err, "%s", why.msg);
}

static int load_spec(const struct parser *parser, const struct json *json,
		     const struct suite_kind *kind, struct suite_check *check)
{
	struct arena *arena = parser->suite->arena;
	void *spec = arena_alloc(arena, kind->spec_size ? kind->spec_size : 1);
	struct err why = {0};

	if (field_load(kind->fields, json, check->path, &parser->source, suite_common_keys, arena,
		       spec, parser->err) < 0)
		return -1;
	if (kind->validate && kind->validate(spec, &why) < 0)
		return field_error(&parser->source, check->path, NULL, parser->err, "%s", why.msg);
	check->spec = spec;
	return load_files(parser, kind, spec, check->path);
}

static int load_check(const struct parser *parser, const struct json *json,
		      struct suite_check *check)
{
	struct arena *arena = parser->suite->arena;
	struct suite_kind kind = {0};

	if (json_type(json) != JSON_OBJECT)
		return field_error(&parser->source, check->path, NULL, parser->err,
				   "expected an object, found %s", json_type_name(json_type(json)));
	if (find_kind(parser, json, check, &kind) < 0)
		return -1;
	if (field_load(suite_check_fields, json, check->path, &parser->source,
		       names_of(kind.fields, arena), arena, check, parser->err) < 0 ||
	    check_name(parser, check) < 0 ||
	    check_targets(parser, check->path, &check->targets) < 0 ||
	    check_listed(parser, check) < 0 || check_needs(parser, check) < 0 ||
	    check_expect(parser, check) < 0 || load_references(parser, check) < 0)
		return -1;
	return load_spec(parser, json, &kind, check);
}

static void add_json(struct digest *digest, const struct json *json)
{
	struct buf text;

	if (!json) {
		digest_add_field(digest, NULL);
		return;
	}
	buf_init(&text, JSON_BYTES_MAX);
	json_print(json, false, &text);
	digest_add_field(digest, buf_str(&text));
	buf_done(&text);
}

/* Load a check and name what it asserts. */
static int load_one(const struct parser *parser, const struct json *json, struct suite_check *check)
{
	const struct json *document = parser->suite->document;
	struct parser own = *parser;
	char hash[DIGEST_HEX];
	int rc;

	own.own = digest_new();
	add_json(own.own, json);
	add_json(own.own, json_get(document, "targets"));
	add_json(own.own, json_get(document, "service"));
	rc = load_check(&own, json, check);
	digest_final(own.own, hash);
	check->definition = arena_strndup(parser->suite->arena, hash, DEFINITION_DIGITS);
	return rc;
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
		if (load_one(parser, item, check) < 0)
			return -1;
		suite->check_count++;
	}
	return check_unique(parser);
}

/* --- the suite ------------------------------------------------------------------------------- */

/* First of all, since a newer format may change everything else. */
static int check_version(const struct parser *parser, const struct json *json)
{
	double version = json_number(json_get(json, "assay"));

	if (version > SUITE_VERSION)
		return field_error(&parser->source, "", "assay", parser->err,
				   "this suite needs a newer assay: it is version %.15g, this one "
				   "reads version %d",
				   version, SUITE_VERSION);
	if (version < SUITE_VERSION)
		return field_error(&parser->source, "", "assay", parser->err, "must be %d",
				   SUITE_VERSION);
	return 0;
}

/* A struct of SIZE bytes with every default of FIELDS; PATH names it. */
static int load_defaults(const struct parser *parser, const struct field *fields, size_t size,
			 const char *path, void *out)
{
	struct arena *arena = parser->suite->arena;
	void *filled = arena_alloc(arena, size);
	struct json *empty = json_new_object();
	int rc = field_load(fields, empty, path, &parser->source, NULL, arena, filled, parser->err);

	json_free(empty);
	if (rc == 0)
		memcpy(out, &filled, sizeof(filled));
	return rc;
}

static int check_service(const struct parser *parser, const struct suite_service *service)
{
	struct err why = {0};

	if (!service)
		return 0;
	if (service->ready && !service->ready->request &&
	    load_defaults(parser, prompt_template_fields, sizeof(*service->ready->request),
			  "service.ready.request", &service->ready->request) < 0)
		return -1;
	if (suite_service_validate(service, &why) == 0)
		return 0;
	return field_error(&parser->source, "", "service", parser->err, "%s", why.msg);
}

static int load_root(const struct parser *parser, const struct json *json)
{
	struct suite *suite = parser->suite;
	struct suite_root root = {0};

	if (field_load(suite_fields, json, "", &parser->source, NULL, suite->arena, &root,
		       parser->err) < 0)
		return -1;
	if (!has_only(root.name, LOWER UPPER DIGITS "._-") || strlen(root.name) > SUITE_NAME_MAX)
		return field_error(&parser->source, "", "name", parser->err,
				   "\"%s\": letters, digits, '.', '-' and '_' only, at most %d",
				   root.name, SUITE_NAME_MAX);
	if (check_targets(parser, "", &root.targets) < 0 || check_service(parser, root.service) < 0)
		return -1;
	if (!root.image && load_defaults(parser, suite_image_fields, sizeof(*root.image), "image",
					 &root.image) < 0)
		return -1;
	suite->name = root.name;
	suite->description = root.description;
	suite->targets = root.targets;
	suite->image = root.image;
	suite->service = root.service;
	suite->rerun_failures = root.rerun_failures;
	return load_checks(parser, root.checks);
}

/* RAW is the text as it stands; the suite keeps the document with variables replaced. */
static int load_document(const struct parser *parser, const struct json *raw,
			 const struct pairs *vars)
{
	if (json_type(raw) != JSON_OBJECT)
		return field_error(&parser->source, "", NULL, parser->err,
				   "expected an object, found %s", json_type_name(json_type(raw)));
	if (check_version(parser, raw) < 0 ||
	    suite_expand(raw, &parser->source, vars, parser->digest, &parser->suite->document,
			 parser->err) < 0)
		return -1;
	return load_root(parser, parser->suite->document);
}

static int parse(const struct parser *parser, const struct pairs *vars)
{
	const struct field_source *source = &parser->source;
	struct digest *digest = parser->digest;
	struct json *raw = NULL;
	int rc;

	if (source->len > SUITE_BYTES_MAX)
		return err_set(parser->err, ERR_USAGE, "%s:1:1: larger than 1 MiB", source->file);
	if (json_parse_file(source->file, source->text, source->len, true, &raw, parser->err) < 0)
		return -1;
	digest_add(digest, source->text, source->len);
	digest_add(digest, "", 1); /* the text has no NUL: variables cannot look like text */
	rc = load_document(parser, raw, vars);
	json_free(raw);
	return rc;
}

int suite_parse(const char *file, const char *text, size_t len, const struct pairs *vars,
		const struct file_reader *files, suite_kind_lookup *lookup,
		const char *const *kinds, void *payload, struct suite **out, struct err *err)
{
	struct suite *suite = xcalloc(1, sizeof(*suite));
	struct parser parser = {.suite = suite,
				.source = {file, text, len, false},
				.files = files,
				.digest = digest_new(),
				.lookup = lookup,
				.kinds = kinds,
				.payload = payload,
				.err = err};
	int rc;

	suite->arena = arena_new();
	suite->file = arena_strdup(suite->arena, file);
	rc = parse(&parser, vars);
	digest_final(parser.digest, suite->hash);
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

/* Equality first: a name may hold characters that a wildcard pattern reads as something else. */
static bool is_named(const char *word, const char *name)
{
	return strcmp(word, name) == 0 || fnmatch(word, name, 0) == 0;
}

static bool is_wanted(const struct suite_check *check, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_named(names[i], check->name))
			return true;
		for (size_t t = 0; t < check->tags.count; t++)
			if (is_named(names[i], check->tags.items[t]))
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
