#include "base/field.h"

#include "base/pattern.h"
#include "base/units.h"
#include "base/yaml.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64		     /* letters compared for "did you mean" */
#define WHOLE_MAX 9007199254740992.0 /* 2^53: whole doubles up to here are exact */

struct loader {
	const struct field_source *source;
	struct arena *arena;
	struct err *err;
};

static size_t locate(const struct field_source *source, const char *path, const char *key)
{
	return source->yaml ? yaml_locate(source->text, source->len, path, key)
			    : json_locate(source->text, source->len, path, key);
}

/* The text of a string, and in YAML of any scalar; an empty item of a list is "". */
static const char *text_of(const struct field_source *source, const struct json *value)
{
	if (!source->yaml)
		return json_text(value);
	return json_type(value) == JSON_NULL ? "" : json_literal(value);
}

static bool is_absent(const struct field_source *source, const struct json *value)
{
	return !value || (source->yaml && json_type(value) == JSON_NULL);
}

int field_error(const struct field_source *source, const char *path, const char *key,
		struct err *err, const char *fmt, ...)
{
	char what[700];
	unsigned line = 1, column = 1;
	size_t at = locate(source, path, key);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (at >= source->len && key) /* the key is absent: point at the object */
		at = locate(source, path, NULL);
	json_position(source->text, at < source->len ? at : 0, &line, &column);
	return err_set(err, ERR_USAGE, "%s:%u:%u: %s%s%s%s%s", source->file, line, column, path,
		       *path && key ? "." : "", key ? key : "", *path || key ? ": " : "", what);
}

/* Optimal string alignment distance, at most WORD_MAX letters a side. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[la % 3][lb];
}

const char *field_nearest(const char *word, const char *const *candidates)
{
	const char *best = NULL;
	size_t least = strlen(word) < 4 ? 2 : strlen(word) / 3 + 2; /* first distance refused */

	for (; *candidates; candidates++) {
		size_t d = distance(word, *candidates);

		if (d < least && d < strlen(*candidates)) {
			least = d;
			best = *candidates;
		}
	}
	return best;
}

/* --- scalars --------------------------------------------------------------------------------- */

static int wrong_type(const struct loader *loader, const char *path, const char *key,
		      const char *wanted, const struct json *value)
{
	return field_error(loader->source, path, key, loader->err, "expected %s, found %s", wanted,
			   json_type_name(json_type(value)));
}

static int must_not_be_empty(const struct loader *loader, const char *path, const char *key)
{
	return field_error(loader->source, path, key, loader->err, "must not be empty");
}

static int check_string(const struct loader *loader, const struct field *field, const char *path,
			const char *key, const char *text)
{
	struct err why;

	if (field->nonempty && !*text)
		return must_not_be_empty(loader, path, key);
	if (field->pattern && pattern_check(text, &why) < 0)
		return field_error(loader->source, path, key, loader->err, "%s", why.msg);
	return 0;
}

static bool is_bounded(const struct field *field)
{
	return field->min < 0 || field->min > 0 || field->max < 0 || field->max > 0;
}

static int load_number(const struct loader *loader, const struct field *field, const char *path,
		       const struct json *value, void *slot)
{
	double number = json_number(value);

	if (json_type(value) != JSON_NUMBER)
		return wrong_type(loader, path, field->name, "a number", value);
	if (is_bounded(field) && (number < field->min || number > field->max))
		return field_error(loader->source, path, field->name, loader->err,
				   "%.15g is out of range %.15g to %.15g", number, field->min,
				   field->max);
	if (field->type == FIELD_NUMBER) {
		*(double *)slot = number;
		return 0;
	}
	if (floor(number) != number || fabs(number) > WHOLE_MAX)
		return field_error(loader->source, path, field->name, loader->err,
				   "%.15g is not a whole number", number);
	*(int64_t *)slot = (int64_t)number;
	return 0;
}

static int load_duration(const struct loader *loader, const struct field *field, const char *path,
			 const struct json *value, uint64_t *slot)
{
	const char *text = json_text(value);
	uint64_t ns = 0;

	if (!text)
		return wrong_type(loader, path, field->name, "a duration like \"30s\"", value);
	if (units_parse_duration(text, &ns) < 0)
		return field_error(loader->source, path, field->name, loader->err,
				   "\"%s\" is not a duration: write 500ms, 30s, 5m or 1h", text);
	if (!ns)
		return field_error(loader->source, path, field->name, loader->err,
				   "must be longer than 0");
	*slot = ns;
	return 0;
}

/* Text with a unit, or a whole number of bytes. */
static int load_size(const struct loader *loader, const struct field *field, const char *path,
		     const struct json *value, uint64_t *slot)
{
	const char *text = json_text(value);
	double number = json_number(value);

	if (json_type(value) == JSON_NUMBER) {
		if (number < 0 || floor(number) != number || number > WHOLE_MAX)
			return field_error(loader->source, path, field->name, loader->err,
					   "%.15g is not a whole number of bytes", number);
		*slot = (uint64_t)number;
		return 0;
	}
	if (!text)
		return wrong_type(loader, path, field->name, "a size like \"10MiB\"", value);
	if (units_parse_size(text, slot) < 0)
		return field_error(loader->source, path, field->name, loader->err,
				   "\"%s\" is not a size: write 4096, 10KiB or 64MB", text);
	return 0;
}

static int choose(const struct field *field, const char *text)
{
	for (int i = 0; field->choices[i]; i++)
		if (strcmp(field->choices[i], text) == 0)
			return i;
	return -1;
}

static int load_enum(const struct loader *loader, const struct field *field, const char *path,
		     const struct json *value, int *slot)
{
	const char *text = json_text(value), *near;
	char known[300] = "";
	size_t used = 0;

	if (!text)
		return wrong_type(loader, path, field->name, "a string", value);
	*slot = choose(field, text);
	if (*slot >= 0)
		return 0;
	near = field_nearest(text, field->choices);
	if (near)
		return field_error(loader->source, path, field->name, loader->err,
				   "\"%s\" is unknown, did you mean \"%s\"?", text, near);
	for (int i = 0; field->choices[i] && used < sizeof(known) - 40; i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 field->choices[i]);
	return field_error(loader->source, path, field->name, loader->err, "\"%s\" is none of %s",
			   text, known);
}

/* --- containers ------------------------------------------------------------------------------ */

static const char *join(struct arena *arena, const char *path, const char *key)
{
	return arena_printf(arena, "%s%s%s", path, *path ? "." : "", key);
}

/* One string of a list, at PATH, or of KEY at PATH when it stands there alone. */
static int add_string(const struct loader *loader, const struct field *field, const char *path,
		      const char *key, const struct json *item, struct strings *slot)
{
	const char *text = text_of(loader->source, item), **copy;

	if (!text)
		return wrong_type(loader, path, key,
				  key ? "a string or a list of strings" : "a string", item);
	if (check_string(loader, field, path, key, text) < 0)
		return -1;
	copy = arena_push(loader->arena, &slot->items, &slot->count, sizeof(*copy));
	*copy = arena_strdup(loader->arena, text);
	return 0;
}

static int load_strings(const struct loader *loader, const struct field *field, const char *path,
			const struct json *value, struct strings *slot)
{
	const char *base = join(loader->arena, path, field->name);

	if (json_type(value) != JSON_ARRAY && loader->source->yaml)
		return wrong_type(loader, path, field->name, "a list of strings", value);
	if (json_type(value) != JSON_ARRAY)
		return add_string(loader, field, path, field->name, value, slot);
	for (const struct json *item = json_first(value); item; item = json_next(item)) {
		const char *at = arena_printf(loader->arena, "%s[%zu]", base, slot->count);

		if (add_string(loader, field, at, NULL, item, slot) < 0)
			return -1;
	}
	if (field->nonempty && !slot->count)
		return must_not_be_empty(loader, path, field->name);
	return 0;
}

static int load_map(const struct loader *loader, const struct field *field, const char *path,
		    const struct json *value, struct pairs *slot)
{
	const char *base = join(loader->arena, path, field->name);

	if (json_type(value) != JSON_OBJECT)
		return wrong_type(loader, path, field->name, "an object of strings", value);
	for (const struct json *item = json_first(value); item; item = json_next(item)) {
		const char *text = text_of(loader->source, item);
		struct pair *pair;

		if (!text)
			return wrong_type(loader, base, json_key(item), "a string", item);
		if (field->pattern && check_string(loader, field, base, json_key(item), text) < 0)
			return -1;
		pair = arena_push(loader->arena, &slot->items, &slot->count, sizeof(*pair));
		pair->key = arena_strdup(loader->arena, json_key(item));
		pair->value = arena_strdup(loader->arena, text);
	}
	if (field->nonempty && !slot->count)
		return must_not_be_empty(loader, path, field->name);
	return 0;
}

static int load_objects(const struct loader *loader, const struct field *field, const char *path,
			const struct json *value, struct objects *slot)
{
	size_t count = json_size(value), i = 0;
	const char *base = join(loader->arena, path, field->name);
	char *items;

	if (json_type(value) != JSON_ARRAY)
		return wrong_type(loader, path, field->name, "a list of objects", value);
	if (field->nonempty && !count)
		return must_not_be_empty(loader, path, field->name);
	items = arena_alloc(loader->arena, count * field->size);
	for (const struct json *item = json_first(value); item; item = json_next(item), i++) {
		const char *where = arena_printf(loader->arena, "%s[%zu]", base, i);

		if (field_load(field->fields, item, where, loader->source, NULL, loader->arena,
			       items + i * field->size, loader->err) < 0)
			return -1;
	}
	*slot = (struct objects){items, count};
	return 0;
}

/* The object {KEY: VALUE} that the string VALUE stands for; its faults lie where VALUE stands. */
static int load_short(const struct loader *loader, const struct field *field, const char *path,
		      const struct json *value, void *out)
{
	struct json *object = json_new_object();
	int rc;

	json_add_copy(object, field->short_for, value);
	rc = field_load(field->fields, object, join(loader->arena, path, field->name),
			loader->source, NULL, loader->arena, out, loader->err);
	json_free(object);
	return rc;
}

static int load_object(const struct loader *loader, const struct field *field, const char *path,
		       const struct json *value, void **slot)
{
	void *out = arena_alloc(loader->arena, field->size);
	int rc;

	if (field->short_for && json_text(value))
		rc = load_short(loader, field, path, value, out);
	else if (field->short_for && json_type(value) != JSON_OBJECT)
		rc = wrong_type(loader, path, field->name, "a string or an object", value);
	else
		rc = field_load(field->fields, value, join(loader->arena, path, field->name),
				loader->source, NULL, loader->arena, out, loader->err);
	if (rc < 0)
		return -1;
	*slot = out;
	return 0;
}

static int load_value(const struct loader *loader, const struct field *field, const char *path,
		      const struct json *value, void *slot)
{
	switch (field->type) {
	case FIELD_STRING:
		if (!text_of(loader->source, value))
			return wrong_type(loader, path, field->name, "a string", value);
		*(const char **)slot = arena_strdup(loader->arena, text_of(loader->source, value));
		return check_string(loader, field, path, field->name,
				    text_of(loader->source, value));
	case FIELD_BOOL:
	case FIELD_TRISTATE:
		if (json_type(value) != JSON_BOOL)
			return wrong_type(loader, path, field->name, "true or false", value);
		if (field->type == FIELD_BOOL)
			*(bool *)slot = json_true(value);
		else
			*(int *)slot = json_true(value);
		return 0;
	case FIELD_INT:
	case FIELD_NUMBER:
		return load_number(loader, field, path, value, slot);
	case FIELD_DURATION:
		return load_duration(loader, field, path, value, slot);
	case FIELD_SIZE:
		return load_size(loader, field, path, value, slot);
	case FIELD_ENUM:
		return load_enum(loader, field, path, value, slot);
	case FIELD_STRINGS:
		return load_strings(loader, field, path, value, slot);
	case FIELD_MAP:
		return load_map(loader, field, path, value, slot);
	case FIELD_OBJECT:
		return load_object(loader, field, path, value, slot);
	case FIELD_OBJECTS:
		return load_objects(loader, field, path, value, slot);
	case FIELD_JSON:
		*(const struct json **)slot = value;
		return 0;
	}
	return err_set(loader->err, ERR_BUG, "field table: %s", field->name);
}

/* --- tables ---------------------------------------------------------------------------------- */

static void set_default(const struct field *field, void *slot)
{
	int64_t whole = 0;

	switch (field->type) {
	case FIELD_STRING:
		*(const char **)slot = field->def;
		break;
	case FIELD_BOOL:
		*(bool *)slot = field->def && strcmp(field->def, "true") == 0;
		break;
	case FIELD_TRISTATE:
		*(int *)slot = -1;
		break;
	case FIELD_INT:
		if (field->def &&
		    units_parse_int(field->def, INT64_MIN + 1, INT64_MAX, &whole) == 0)
			*(int64_t *)slot = whole;
		else
			*(int64_t *)slot = FIELD_ABSENT_INT;
		break;
	case FIELD_NUMBER:
		*(double *)slot = field->def ? strtod(field->def, NULL) : (double)NAN;
		break;
	case FIELD_DURATION:
		if (field->def)
			(void)units_parse_duration(field->def, slot);
		break;
	case FIELD_SIZE:
		if (field->def)
			(void)units_parse_size(field->def, slot);
		break;
	case FIELD_ENUM:
		*(int *)slot = field->def ? choose(field, field->def) : -1;
		break;
	case FIELD_STRINGS:
	case FIELD_MAP:
	case FIELD_OBJECT:
	case FIELD_OBJECTS:
	case FIELD_JSON:
		break; /* zeroed memory is "absent" */
	}
}

static bool is_ignored(const char *key, const char *const *ignore)
{
	for (; ignore && *ignore; ignore++)
		if (strcmp(*ignore, key) == 0)
			return true;
	return false;
}

static const struct field *find_field(const struct field *fields, const char *key)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, key) == 0)
			return fields;
	return NULL;
}

static int unknown_key(const struct loader *loader, const struct field *fields, const char *path,
		       const char *key, const char *const *ignore)
{
	const char **names = NULL, **name;
	size_t count = 0;
	const char *near;

	for (; fields->name; fields++) {
		name = arena_push(loader->arena, &names, &count, sizeof(*name));
		*name = fields->name;
	}
	for (; ignore && *ignore; ignore++) {
		name = arena_push(loader->arena, &names, &count, sizeof(*name));
		*name = *ignore;
	}
	name = arena_push(loader->arena, &names, &count, sizeof(*name));
	near = field_nearest(key, names);
	if (near)
		return field_error(loader->source, path, key, loader->err,
				   "unknown key, did you mean \"%s\"?", near);
	return field_error(loader->source, path, key, loader->err, "unknown key");
}

int field_load(const struct field *fields, const struct json *object, const char *path,
	       const struct field_source *source, const char *const *ignore, struct arena *arena,
	       void *out, struct err *err)
{
	const struct loader loader = {source, arena, err};

	if (json_type(object) != JSON_OBJECT)
		return wrong_type(&loader, path, NULL, "an object", object);
	for (const struct field *field = fields; field->name; field++)
		set_default(field, (char *)out + field->offset);
	for (const struct json *item = json_first(object); item; item = json_next(item)) {
		const struct field *field = find_field(fields, json_key(item));

		if (!field && !is_ignored(json_key(item), ignore))
			return unknown_key(&loader, fields, path, json_key(item), ignore);
		if (field && !is_absent(source, item) &&
		    load_value(&loader, field, path, item, (char *)out + field->offset) < 0)
			return -1;
	}
	for (const struct field *field = fields; field->name; field++)
		if (field->required && is_absent(source, json_get(object, field->name)))
			return field_error(source, path, NULL, err, "the key \"%s\" is missing",
					   field->name);
	return 0;
}

/* --- schema ---------------------------------------------------------------------------------- */

static void string_list(const struct field *field, struct json *out)
{
	struct json *list = json_add_array(out, "anyOf");
	struct json *one = json_add_object(list, NULL), *many = json_add_object(list, NULL);
	struct json *items;

	json_add_str(one, "type", "string");
	json_add_str(many, "type", "array");
	items = json_add_object(many, "items");
	json_add_str(items, "type", "string");
	if (field->nonempty) {
		json_add_int(one, "minLength", 1);
		json_add_int(items, "minLength", 1);
		json_add_int(many, "minItems", 1);
	}
}

static void schema_number(const struct field *field, struct json *out)
{
	json_add_str(out, "type", field->type == FIELD_INT ? "integer" : "number");
	if (is_bounded(field)) {
		json_add_num(out, "minimum", field->min);
		json_add_num(out, "maximum", field->max);
	}
}

static void schema_quantity(const struct field *field, struct json *out)
{
	struct json *whole;

	if (field->type == FIELD_DURATION) {
		json_add_str(out, "type", "string");
		json_add_str(out, "pattern", "^[0-9.]+ *(ms|s|m|min|h)$");
		return;
	}
	out = json_add_array(out, "anyOf");
	whole = json_add_object(out, NULL);
	json_add_str(whole, "type", "integer");
	json_add_int(whole, "minimum", 0);
	out = json_add_object(out, NULL);
	json_add_str(out, "type", "string");
	json_add_str(out, "pattern", "^[0-9.]+ *(B|KB|MB|GB|KiB|MiB|GiB)?$");
}

static void schema_of(const struct field *field, struct json *out);

static void schema_container(const struct field *field, struct json *out)
{
	struct json *items;

	if (field->type == FIELD_OBJECT && field->short_for) {
		items = json_add_array(out, "anyOf");
		schema_of(find_field(field->fields, field->short_for),
			  json_add_object(items, NULL));
		field_schema(field->fields, json_add_object(items, NULL));
		return;
	}
	if (field->type == FIELD_OBJECT) {
		field_schema(field->fields, out);
		return;
	}
	json_add_str(out, "type", field->type == FIELD_MAP ? "object" : "array");
	items = json_add_object(out, field->type == FIELD_MAP ? "additionalProperties" : "items");
	if (field->type == FIELD_MAP)
		json_add_str(items, "type", "string");
	else
		field_schema(field->fields, items);
	if (field->nonempty)
		json_add_int(out, field->type == FIELD_MAP ? "minProperties" : "minItems", 1);
}

static void schema_json(const struct field *field, struct json *out)
{
	struct json *parsed = NULL;
	struct err ignored;

	if (!field->schema ||
	    json_parse(field->schema, strlen(field->schema), false, &parsed, &ignored) < 0)
		return;
	for (const struct json *item = json_first(parsed); item; item = json_next(item))
		json_add_copy(out, json_key(item), item);
	json_free(parsed);
}

static void schema_default(const struct field *field, struct json *out)
{
	int64_t whole = 0;

	if (!field->def)
		return;
	if (field->type == FIELD_BOOL)
		json_add_bool(out, "default", strcmp(field->def, "true") == 0);
	else if (field->type == FIELD_NUMBER)
		json_add_num(out, "default", strtod(field->def, NULL));
	else if (field->type != FIELD_INT)
		json_add_str(out, "default", field->def);
	else if (units_parse_int(field->def, INT64_MIN + 1, INT64_MAX, &whole) == 0)
		json_add_int(out, "default", whole);
}

static void schema_of(const struct field *field, struct json *out)
{
	struct json *list;

	json_add_str(out, "description", field->help);
	switch (field->type) {
	case FIELD_STRING:
		json_add_str(out, "type", "string");
		if (field->nonempty)
			json_add_int(out, "minLength", 1);
		break;
	case FIELD_BOOL:
	case FIELD_TRISTATE:
		json_add_str(out, "type", "boolean");
		break;
	case FIELD_INT:
	case FIELD_NUMBER:
		schema_number(field, out);
		break;
	case FIELD_DURATION:
	case FIELD_SIZE:
		schema_quantity(field, out);
		break;
	case FIELD_ENUM:
		list = json_add_array(out, "enum");
		for (int i = 0; field->choices[i]; i++)
			json_add_str(list, NULL, field->choices[i]);
		break;
	case FIELD_STRINGS:
		string_list(field, out);
		break;
	case FIELD_MAP:
	case FIELD_OBJECT:
	case FIELD_OBJECTS:
		schema_container(field, out);
		break;
	case FIELD_JSON:
		schema_json(field, out);
		break;
	}
	schema_default(field, out);
}

void field_schema(const struct field *fields, struct json *schema)
{
	struct json *properties, *required = NULL;

	json_add_str(schema, "type", "object");
	json_add_bool(schema, "additionalProperties", false);
	properties = json_add_object(schema, "properties");
	for (; fields->name; fields++) {
		schema_of(fields, json_add_object(properties, fields->name));
		if (!fields->required)
			continue;
		if (!required)
			required = json_add_array(schema, "required");
		json_add_str(required, NULL, fields->name);
	}
}
