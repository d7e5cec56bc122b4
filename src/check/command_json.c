/* JSON values of a command's output. */
#include "base/decimal.h"
#include "base/pattern.h"
#include "check/command_private.h"
#include "parse/jsonpath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {"null",  "boolean", "number", "string",
					 "array", "object",  NULL};

#define AT(member) offsetof(struct json_spec, member)
const struct field check_json_fields[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = AT(path),
	 .required = true,
	 .nonempty = true,
	 .help = "JSON path such as $.gpus[0].name"},
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
	{.name = "type",
	 .type = FIELD_ENUM,
	 .offset = AT(type),
	 .choices = type_names,
	 .help = "type of the value"},
	{.name = "exists",
	 .type = FIELD_TRISTATE,
	 .offset = AT(exists),
	 .help = "true: the path must lead somewhere, false: nowhere"},
	{.name = NULL},
};
#undef AT

static bool has_bounds(const struct json_spec *spec)
{
	return !isnan(spec->min) || !isnan(spec->max);
}

static int validate_one(const struct json_spec *spec, struct err *err)
{
	bool texts = spec->contains || spec->matches;
	bool list = spec->type == JSON_ARRAY && !spec->matches;
	const char *why = NULL;

	if (jsonpath_check(spec->path, err) < 0)
		return -1;
	if (spec->exists < 0 && !spec->equals && !texts && !has_bounds(spec) && spec->type < 0)
		return err_set(err, ERR_USAGE, "json %s asserts nothing: give a key such as exists",
			       spec->path);
	if (spec->exists == 0 && (spec->equals || texts || has_bounds(spec) || spec->type >= 0))
		why = "\"exists\" is false, yet a value is asserted";
	else if (spec->type >= 0 && spec->equals && (int)json_type(spec->equals) != spec->type)
		why = "\"equals\" is of another type than \"type\"";
	else if (has_bounds(spec) && spec->type >= 0 && spec->type != JSON_NUMBER)
		why = "only a number has \"min\" and \"max\"";
	else if (texts && spec->type >= 0 && spec->type != JSON_STRING && !list)
		why = "\"contains\" and \"matches\" are for strings";
	else if (texts && has_bounds(spec))
		why = "a number has no text";
	else if (spec->min > spec->max)
		why = "\"min\" is above \"max\"";
	return why ? err_set(err, ERR_USAGE, "json %s contradicts itself: %s", spec->path, why) : 0;
}

int check_json_validate(const struct json_spec *specs, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (validate_one(&specs[i], err) < 0)
			return -1;
	return 0;
}

/* --- values ---------------------------------------------------------------------------------- */

const char *check_number_show(double value, struct arena *arena)
{
	char text[DECIMAL_TEXT];

	return arena_strndup(arena, text, decimal_text(value, text));
}

const char *check_json_show(const struct trial *trial, const struct json *value)
{
	struct buf text;
	const char *out;

	if (!value)
		return "nothing";
	buf_init(&text, JSON_BYTES_MAX);
	json_print(value, false, &text);
	out = check_trial_show(trial, buf_str(&text), text.len);
	buf_done(&text);
	return out;
}

static bool holds_text(const struct json *value, const char *wanted)
{
	if (json_type(value) == JSON_STRING)
		return strstr(json_text(value), wanted) != NULL;
	if (json_type(value) != JSON_ARRAY)
		return false;
	for (const struct json *item = json_first(value); item; item = json_next(item))
		if (json_text(item) && strcmp(json_text(item), wanted) == 0)
			return true;
	return false;
}

/* --- judging --------------------------------------------------------------------------------- */

struct finding {
	const char *label;
	const char *expected;
};

static int judge_pattern(const char *pattern, const struct json *value, struct err *err)
{
	const char *text = json_text(value);

	return text ? pattern_find(pattern, text, strlen(text), NULL, NULL, err) : 0;
}

static struct finding judge_bounds(const struct json_spec *spec, double number, struct arena *arena)
{
	const char *expected = NULL;

	if (!isnan(spec->min) && !(number >= spec->min))
		expected = arena_printf(arena, "a number of at least %s",
					check_number_show(spec->min, arena));
	else if (!isnan(spec->max) && !(number <= spec->max))
		expected = arena_printf(arena, "a number of at most %s",
					check_number_show(spec->max, arena));
	return (struct finding){"command/number-out-of-range", expected};
}

/* The first assertion of SPEC that VALUE does not hold. */
static int judge_one(struct trial *trial, const struct json_spec *spec, const struct json *value,
		     struct finding *out, struct err *err)
{
	struct arena *arena = trial->ctx->arena;
	int found = 1;

	*out = (struct finding){"command/json-mismatch", NULL};
	if (spec->exists == 0 || !value) {
		out->expected = spec->exists == 0 ? (value ? "nothing" : NULL) : "a value";
		return 0;
	}
	if (spec->matches)
		found = judge_pattern(spec->matches, value, err);
	if (found < 0)
		return -1;
	if (spec->type >= 0 && (int)json_type(value) != spec->type)
		out->expected = json_type_name((enum json_type)spec->type);
	else if (spec->equals && !json_same(spec->equals, value))
		out->expected = check_json_show(trial, spec->equals);
	else if (spec->contains && !holds_text(value, spec->contains))
		out->expected = arena_printf(arena, "a value with '%s'", spec->contains);
	else if (!found)
		out->expected = arena_printf(arena, "a match of /%s/", spec->matches);
	else
		*out = judge_bounds(spec, json_number(value), arena);
	return 0;
}

int check_json_judge(struct trial *trial, const struct json_spec *specs, size_t count,
		     const struct json *document, const char *where, struct err *err)
{
	struct arena *arena = trial->ctx->arena;

	for (size_t i = 0; i < count; i++) {
		const struct json *value = jsonpath_find(document, specs[i].path);
		struct finding finding;

		if (judge_one(trial, &specs[i], value, &finding, err) < 0)
			return -1;
		if (finding.expected)
			check_trial_fail(
				trial, finding.label, where,
				arena_printf(arena, "%s: %s", specs[i].path, finding.expected),
				check_json_show(trial, value));
	}
	return 0;
}
