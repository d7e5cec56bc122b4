/* Which schemas can be judged: every keyword known, and its value of the right shape. */
#include "base/pattern.h"
#include "prompt/schema_private.h"

#include <math.h>
#include <string.h>

static const char *const type_names[] = {"null",   "boolean", "integer", "number",
					 "string", "array",   "object",	 NULL};

static const struct keyword {
	const char *name;
	enum takes {
		TAKES_ANY,
		TAKES_TYPE,
		TAKES_LIST, /* not empty */
		TAKES_NUMBER,
		TAKES_COUNT,
		TAKES_BOOL,
		TAKES_PATTERN,
		TAKES_NAMES, /* list of strings */
		TAKES_SCHEMA,
		TAKES_SCHEMAS, /* list, not empty */
		TAKES_MAP,     /* object of schemas */
		TAKES_PATTERN_MAP,
		TAKES_NAMES_MAP,
		TAKES_REF,
		TAKES_NOTHING, /* annotation */
	} takes;
} keywords[] = {
	{"type", TAKES_TYPE},
	{"enum", TAKES_LIST},
	{"const", TAKES_ANY},
	{"minimum", TAKES_NUMBER},
	{"maximum", TAKES_NUMBER},
	{"exclusiveMinimum", TAKES_NUMBER},
	{"exclusiveMaximum", TAKES_NUMBER},
	{"multipleOf", TAKES_NUMBER},
	{"minLength", TAKES_COUNT},
	{"maxLength", TAKES_COUNT},
	{"pattern", TAKES_PATTERN},
	{"items", TAKES_SCHEMA},
	{"prefixItems", TAKES_SCHEMAS},
	{"minItems", TAKES_COUNT},
	{"maxItems", TAKES_COUNT},
	{"uniqueItems", TAKES_BOOL},
	{"contains", TAKES_SCHEMA},
	{"properties", TAKES_MAP},
	{"required", TAKES_NAMES},
	{"additionalProperties", TAKES_SCHEMA},
	{"patternProperties", TAKES_PATTERN_MAP},
	{"propertyNames", TAKES_SCHEMA},
	{"minProperties", TAKES_COUNT},
	{"maxProperties", TAKES_COUNT},
	{"dependentRequired", TAKES_NAMES_MAP},
	{"allOf", TAKES_SCHEMAS},
	{"anyOf", TAKES_SCHEMAS},
	{"oneOf", TAKES_SCHEMAS},
	{"not", TAKES_SCHEMA},
	{"if", TAKES_SCHEMA},
	{"then", TAKES_SCHEMA},
	{"else", TAKES_SCHEMA},
	{"$ref", TAKES_REF},
	{"$defs", TAKES_MAP},
	{"definitions", TAKES_MAP},
	{"title", TAKES_NOTHING},
	{"description", TAKES_NOTHING},
	{"default", TAKES_NOTHING},
	{"examples", TAKES_NOTHING},
	{"deprecated", TAKES_NOTHING},
	{"readOnly", TAKES_NOTHING},
	{"writeOnly", TAKES_NOTHING},
	{"$comment", TAKES_NOTHING},
	{"$schema", TAKES_NOTHING},
	{"$id", TAKES_NOTHING},
};

struct look {
	const struct json *root;
	struct err *err;
};

static int check_schema(const struct look *look, const struct json *schema, const char *where);

static int wrong(const struct look *look, const char *where, const char *key, const char *what)
{
	return err_set(look->err, ERR_USAGE, "schema: \"%s\"%s%s: %s", key, *where ? " in " : "",
		       where, what);
}

static bool is_one_of(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static bool is_list_of_strings(const struct json *value)
{
	if (json_type(value) != JSON_ARRAY)
		return false;
	for (const struct json *item = json_first(value); item; item = json_next(item))
		if (!json_text(item))
			return false;
	return true;
}

static int check_type(const struct look *look, const struct json *value, const char *where)
{
	bool list = is_list_of_strings(value);

	if (!json_text(value) && (!list || !json_size(value)))
		return wrong(look, where, "type", "a name of a type, or a list of names");
	for (const struct json *item = list ? json_first(value) : value; item;
	     item = list ? json_next(item) : NULL)
		if (!is_one_of(type_names, json_text(item)))
			return wrong(look, where, "type", "no such type");
	return 0;
}

static int check_list(const struct look *look, const struct json *list, const char *where)
{
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (check_schema(look, item, where) < 0)
			return -1;
	return 0;
}

static int check_pattern(const struct look *look, const char *pattern, const char *where)
{
	if (pattern_check(pattern, look->err) == 0)
		return 0;
	return err_wrap(look->err, "schema: \"pattern\"%s%s", *where ? " in " : "", where);
}

static int check_names_map(const struct look *look, const struct json *map, const char *where)
{
	for (const struct json *item = json_first(map); item; item = json_next(item))
		if (!is_list_of_strings(item))
			return wrong(look, where, "dependentRequired", "lists of names");
	return 0;
}

static int check_map(const struct look *look, const struct keyword *keyword, const struct json *map,
		     const char *where)
{
	if (json_type(map) != JSON_OBJECT)
		return wrong(look, where, keyword->name, "an object");
	if (keyword->takes == TAKES_NAMES_MAP)
		return check_names_map(look, map, where);
	for (const struct json *item = json_first(map); item; item = json_next(item)) {
		if (keyword->takes == TAKES_PATTERN_MAP &&
		    check_pattern(look, json_key(item), where) < 0)
			return -1;
		if (check_schema(look, item, json_key(item)) < 0)
			return -1;
	}
	return 0;
}

static bool is_count(const struct json *value)
{
	double number = json_number(value);

	return number >= 0 && number <= 9007199254740992.0 && !(floor(number) < number);
}

static int check_number(const struct look *look, const struct keyword *keyword,
			const struct json *value, const char *where)
{
	if (keyword->takes == TAKES_COUNT && !is_count(value))
		return wrong(look, where, keyword->name, "a whole number from 0");
	if (json_type(value) != JSON_NUMBER)
		return wrong(look, where, keyword->name, "a number");
	if (strcmp(keyword->name, "multipleOf") == 0 && !(json_number(value) > 0))
		return wrong(look, where, keyword->name, "a number above 0");
	return 0;
}

static int check_ref(const struct look *look, const struct json *value, const char *where)
{
	if (!json_text(value) || !schema__refer(look->root, json_text(value)))
		return wrong(look, where, "$ref",
			     "a pointer into this schema, such as #/$defs/NAME, that leads "
			     "somewhere");
	return 0;
}

static int check_keyword(const struct look *look, const struct keyword *keyword,
			 const struct json *value, const char *where)
{
	bool list = json_type(value) == JSON_ARRAY;

	switch (keyword->takes) {
	case TAKES_TYPE:
		return check_type(look, value, where);
	case TAKES_LIST:
		return list && json_size(value) ? 0 : wrong(look, where, keyword->name, "a list");
	case TAKES_NUMBER:
	case TAKES_COUNT:
		return check_number(look, keyword, value, where);
	case TAKES_BOOL:
		return json_type(value) == JSON_BOOL
			       ? 0
			       : wrong(look, where, keyword->name, "true or false");
	case TAKES_PATTERN:
		return json_text(value) ? check_pattern(look, json_text(value), where)
					: wrong(look, where, keyword->name, "a string");
	case TAKES_NAMES:
		return is_list_of_strings(value)
			       ? 0
			       : wrong(look, where, keyword->name, "a list of names");
	case TAKES_SCHEMA:
		return check_schema(look, value, keyword->name);
	case TAKES_SCHEMAS:
		return list && json_size(value)
			       ? check_list(look, value, keyword->name)
			       : wrong(look, where, keyword->name, "a list of schemas");
	case TAKES_MAP:
	case TAKES_PATTERN_MAP:
	case TAKES_NAMES_MAP:
		return check_map(look, keyword, value, where);
	case TAKES_REF:
		return check_ref(look, value, where);
	case TAKES_ANY:
	case TAKES_NOTHING:
		return 0;
	}
	return 0;
}

static const struct keyword *find_keyword(const char *name)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(keywords[i].name, name) == 0)
			return &keywords[i];
	return NULL;
}

static int unknown(const struct look *look, const char *where, const char *key)
{
	if (strcmp(key, "format") == 0)
		return wrong(look, where, key, "asserts nothing in this draft: write a pattern");
	return wrong(look, where, key, "not a keyword that is judged here");
}

/* Depth is bounded by JSON_DEPTH_MAX. */
static int check_schema(const struct look *look, const struct json *schema, const char *where)
{
	if (json_type(schema) == JSON_BOOL)
		return 0;
	if (json_type(schema) != JSON_OBJECT)
		return err_set(look->err, ERR_USAGE,
			       "schema%s%s: an object, true or false, found %s", *where ? ": " : "",
			       where, json_type_name(json_type(schema)));
	for (const struct json *item = json_first(schema); item; item = json_next(item)) {
		const struct keyword *keyword = find_keyword(json_key(item));

		if (!keyword)
			return unknown(look, where, json_key(item));
		if (check_keyword(look, keyword, item, where) < 0)
			return -1;
	}
	return 0;
}

int schema_check(const struct json *schema, struct err *err)
{
	const struct look look = {schema, err};

	return check_schema(&look, schema, "");
}
