/* What a suite may expect of an answer, and what contradicts itself. */
#include "base/pattern.h"
#include "parse/jsonpath.h"
#include "prompt/expect_private.h"
#include "prompt/schema.h"

#include <math.h>
#include <string.h>

static const char *const type_names[] = {"null",  "boolean", "number", "string",
					 "array", "object",  NULL};
static const char *const json_of_names[] = {"body", "text", NULL};

#define AT(member) offsetof(struct expect_value, member)
static const struct field value_fields[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = AT(path),
	 .required = true,
	 .nonempty = true,
	 .help = "JSON path such as $.choices[0].message.role"},
	{.name = "equals",
	 .type = FIELD_JSON,
	 .offset = AT(equals),
	 .help = "value of the same type: 1 and \"1\" differ, the order of keys does not matter"},
	{.name = "contains",
	 .type = FIELD_STRING,
	 .offset = AT(contains),
	 .nonempty = true,
	 .help = "text that a string must hold, or a string that must be an element of a list"},
	{.name = "matches",
	 .type = FIELD_STRING,
	 .offset = AT(matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "pattern that a string must match"},
	{.name = "min", .type = FIELD_NUMBER, .offset = AT(min), .help = "least number"},
	{.name = "max", .type = FIELD_NUMBER, .offset = AT(max), .help = "greatest number"},
	{.name = "near",
	 .type = FIELD_NUMBER,
	 .offset = AT(near),
	 .help = "number that it must be near, by tolerance or relative"},
	{.name = "tolerance",
	 .type = FIELD_NUMBER,
	 .offset = AT(tolerance),
	 .min = 0,
	 .max = 1e300,
	 .help = "greatest distance from near"},
	{.name = "relative",
	 .type = FIELD_NUMBER,
	 .offset = AT(relative),
	 .min = 0,
	 .max = 1e6,
	 .help = "greatest distance from near as a share of near"},
	{.name = "type",
	 .type = FIELD_ENUM,
	 .offset = AT(type),
	 .choices = type_names,
	 .help = "type of the value"},
	{.name = "exists",
	 .type = FIELD_TRISTATE,
	 .offset = AT(exists),
	 .help = "true: the path must lead somewhere, false: nowhere"},
	{.name = "length_min",
	 .type = FIELD_INT,
	 .offset = AT(length_min),
	 .min = 0,
	 .max = 1e9,
	 .help = "least bytes of a string, elements of a list, members of an object"},
	{.name = "length_max",
	 .type = FIELD_INT,
	 .offset = AT(length_max),
	 .min = 0,
	 .max = 1e9,
	 .help = "most bytes of a string, elements of a list, members of an object"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct expect_header, member)
static const struct field header_fields[] = {
	{.name = "name",
	 .type = FIELD_STRING,
	 .offset = AT(name),
	 .required = true,
	 .nonempty = true,
	 .help = "header of the answer, in any case of letters"},
	{.name = "equals", .type = FIELD_STRING, .offset = AT(equals), .help = "the whole value"},
	{.name = "contains",
	 .type = FIELD_STRING,
	 .offset = AT(contains),
	 .nonempty = true,
	 .help = "text that the value must hold"},
	{.name = "matches",
	 .type = FIELD_STRING,
	 .offset = AT(matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "pattern that the value must match"},
	{.name = "exists",
	 .type = FIELD_TRISTATE,
	 .offset = AT(exists),
	 .help = "true: there must be one, false: none"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct expect_similar, member)
static const struct field similar_fields[] = {
	{.name = "to",
	 .type = FIELD_STRING,
	 .offset = AT(to),
	 .nonempty = true,
	 .help = "text to be like (default: the golden)"},
	{.name = "min",
	 .type = FIELD_NUMBER,
	 .offset = AT(min),
	 .required = true,
	 .min = 0.01,
	 .max = 1,
	 .help = "least F1 of the word n-grams of both texts"},
	{.name = "n",
	 .type = FIELD_INT,
	 .offset = AT(n),
	 .min = 1,
	 .max = 10,
	 .def = "2",
	 .help = "words of an n-gram"},
	{.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct expect, member)
const struct field expect_fields[] = {
	{.name = "status",
	 .type = FIELD_INT,
	 .offset = AT(status),
	 .min = 100,
	 .max = 599,
	 .help = "HTTP status (default 200, which alone asserts nothing)"},
	{.name = "headers",
	 .type = FIELD_OBJECTS,
	 .offset = AT(headers),
	 .nonempty = true,
	 .fields = header_fields,
	 .size = sizeof(struct expect_header),
	 .help = "headers of the answer"},
	{.name = "json",
	 .type = FIELD_OBJECTS,
	 .offset = AT(json),
	 .nonempty = true,
	 .fields = value_fields,
	 .size = sizeof(struct expect_value),
	 .help = "values of the JSON answer"},
	{.name = "schema",
	 .type = FIELD_JSON,
	 .offset = AT(schema),
	 .help = "JSON Schema (draft 2020-12) of the JSON answer; unknown keywords are errors"},
	{.name = "json_of",
	 .type = FIELD_ENUM,
	 .offset = AT(json_of),
	 .def = "body",
	 .choices = json_of_names,
	 .help = "what json and schema look at: the body, or the generated text read as JSON"},
	{.name = "equals",
	 .type = FIELD_STRING,
	 .offset = AT(equals),
	 .help = "the whole generated text, white space at both ends aside"},
	{.name = "contains",
	 .type = FIELD_STRINGS,
	 .offset = AT(contains),
	 .nonempty = true,
	 .help = "texts that must all occur in the generated text"},
	{.name = "not_contains",
	 .type = FIELD_STRINGS,
	 .offset = AT(not_contains),
	 .nonempty = true,
	 .help = "texts that must not occur"},
	{.name = "matches",
	 .type = FIELD_STRINGS,
	 .offset = AT(matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "patterns (PCRE2, ^ and $ at lines) that must all match"},
	{.name = "not_matches",
	 .type = FIELD_STRINGS,
	 .offset = AT(not_matches),
	 .nonempty = true,
	 .pattern = true,
	 .help = "patterns that must not match"},
	{.name = "finish",
	 .type = FIELD_STRING,
	 .offset = AT(finish),
	 .nonempty = true,
	 .help = "finish reason, such as stop"},
	{.name = "tokens_min",
	 .type = FIELD_INT,
	 .offset = AT(tokens_min),
	 .min = 0,
	 .max = 1e9,
	 .help = "least tokens generated, as the server counts"},
	{.name = "tokens_max",
	 .type = FIELD_INT,
	 .offset = AT(tokens_max),
	 .min = 0,
	 .max = 1e9,
	 .help = "most tokens generated, as the server counts"},
	{.name = "similar",
	 .type = FIELD_OBJECT,
	 .offset = AT(similar),
	 .fields = similar_fields,
	 .size = sizeof(struct expect_similar),
	 .help = "the generated text is like another"},
	{.name = "golden",
	 .type = FIELD_BOOL,
	 .offset = AT(golden),
	 .def = "false",
	 .help = "exactly the text kept in the golden file"},
	{.name = "deterministic",
	 .type = FIELD_BOOL,
	 .offset = AT(deterministic),
	 .def = "false",
	 .help = "all repetitions generate the same text"},
	{.name = NULL},
};
#undef AT

/* --- validation ------------------------------------------------------------------------------ */

static bool has_lengths(const struct expect_value *value)
{
	return value->length_min != FIELD_ABSENT_INT || value->length_max != FIELD_ABSENT_INT;
}

static bool is_number(const struct expect_value *value)
{
	return !isnan(value->min) || !isnan(value->max) || !isnan(value->near);
}

static int validate_value(const struct expect_value *value, struct err *err)
{
	bool texts = value->contains || value->matches;
	bool distance = !isnan(value->tolerance) || !isnan(value->relative);
	bool asserts = value->equals || texts || is_number(value) || has_lengths(value) ||
		       value->type >= 0;
	const char *why = NULL;

	if (jsonpath_check(value->path, err) < 0)
		return -1;
	if (!asserts && value->exists < 0)
		return err_set(err, ERR_USAGE, "json %s asserts nothing: give a key such as exists",
			       value->path);
	if (value->exists == 0 && asserts)
		why = "\"exists\" is false, yet a value is asserted";
	else if (value->type >= 0 && value->equals && (int)json_type(value->equals) != value->type)
		why = "\"equals\" is of another type than \"type\"";
	else if (is_number(value) && value->type >= 0 && value->type != JSON_NUMBER)
		why = "only a number has min, max and near";
	else if (texts && is_number(value))
		why = "a number has no text";
	else if (value->min > value->max)
		why = "\"min\" is above \"max\"";
	else if (has_lengths(value) && value->length_max != FIELD_ABSENT_INT &&
		 value->length_min > value->length_max)
		why = "\"length_min\" is above \"length_max\"";
	else if (distance && isnan(value->near))
		why = "tolerance and relative need \"near\"";
	else if (!isnan(value->near) && !distance)
		why = "\"near\" needs tolerance or relative";
	return why ? err_set(err, ERR_USAGE, "json %s: %s", value->path, why) : 0;
}

static int validate_header(const struct expect_header *header, struct err *err)
{
	bool asserts = header->equals || header->contains || header->matches;

	if (!asserts && header->exists < 0)
		return err_set(err, ERR_USAGE,
			       "header %s asserts nothing: give a key such as exists",
			       header->name);
	if (asserts && header->exists == 0)
		return err_set(err, ERR_USAGE,
			       "header %s: \"exists\" is false, yet a value is asserted",
			       header->name);
	return 0;
}

static bool asserts_text(const struct expect *expect)
{
	return expect->equals || expect->contains.count || expect->not_contains.count ||
	       expect->matches.count || expect->not_matches.count || expect->similar ||
	       expect->golden || expect->deterministic;
}

bool expect_asserts(const struct expect *expect)
{
	return expect->status != FIELD_ABSENT_INT || expect->headers.count || expect->json.count ||
	       expect->schema || asserts_text(expect) || expect->finish ||
	       expect->tokens_min != FIELD_ABSENT_INT || expect->tokens_max != FIELD_ABSENT_INT;
}

static int validate_parts(const struct expect *expect, struct err *err)
{
	const struct expect_header *headers = expect->headers.items;
	const struct expect_value *values = expect->json.items;

	for (size_t i = 0; i < expect->headers.count; i++)
		if (validate_header(&headers[i], err) < 0)
			return -1;
	for (size_t i = 0; i < expect->json.count; i++)
		if (validate_value(&values[i], err) < 0)
			return -1;
	return expect->schema ? schema_check(expect->schema, err) : 0;
}

static int validate_text(const struct expect *expect, struct err *err)
{
	for (size_t i = 0; expect->equals && i < expect->contains.count; i++)
		if (!strstr(expect->equals, expect->contains.items[i]))
			return err_set(err, ERR_USAGE, "\"equals\" does not contain \"%s\"",
				       expect->contains.items[i]);
	for (size_t i = 0; expect->equals && i < expect->not_contains.count; i++)
		if (strstr(expect->equals, expect->not_contains.items[i]))
			return err_set(err, ERR_USAGE, "\"equals\" contains \"%s\"",
				       expect->not_contains.items[i]);
	for (size_t i = 0; i < expect->contains.count; i++)
		for (size_t k = 0; k < expect->not_contains.count; k++)
			if (strcmp(expect->contains.items[i], expect->not_contains.items[k]) == 0)
				return err_set(err, ERR_USAGE,
					       "\"%s\" is asserted to occur and not to",
					       expect->contains.items[i]);
	if (expect->tokens_max != FIELD_ABSENT_INT && expect->tokens_min > expect->tokens_max)
		return err_set(err, ERR_USAGE, "\"tokens_min\" is above \"tokens_max\"");
	return 0;
}

int expect_validate(const struct expect *expect, const char *what, struct err *err)
{
	if (!expect_asserts(expect))
		return err_set(err, ERR_USAGE, "%s asserts nothing: give a key such as contains",
			       what);
	if (validate_parts(expect, err) < 0 || validate_text(expect, err) < 0)
		return err_wrap(err, "%s", what);
	return 0;
}
