/* JSON values and the schema of an answer. */
#include "base/decimal.h"
#include "base/pattern.h"
#include "parse/jsonpath.h"
#include "prompt/expect_private.h"
#include "prompt/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BROKEN_SHOWN_BYTES 200 /* of what should have been JSON */

const char *expect__show(const struct expect_look *look, const struct json *value)
{
	struct buf text;
	const char *out;

	if (!value)
		return "nothing";
	buf_init(&text, JSON_BYTES_MAX);
	json_print(value, false, &text);
	out = arena_strndup(look->arena, buf_str(&text), text.len);
	buf_done(&text);
	return out;
}

static const char *number_show(const struct expect_look *look, double value)
{
	char text[DECIMAL_TEXT];

	return arena_strndup(look->arena, text, decimal_text(value, text));
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

static const char *wrong_number(const struct expect_look *look, const struct expect_value *spec,
				double number)
{
	double distance = fmax(isnan(spec->tolerance) ? 0 : spec->tolerance,
			       isnan(spec->relative) ? 0 : spec->relative * fabs(spec->near));

	if (!isnan(spec->min) && !(number >= spec->min))
		return arena_printf(look->arena, "a number of at least %s",
				    number_show(look, spec->min));
	if (!isnan(spec->max) && !(number <= spec->max))
		return arena_printf(look->arena, "a number of at most %s",
				    number_show(look, spec->max));
	if (!isnan(spec->near) && !(fabs(number - spec->near) <= distance))
		return arena_printf(look->arena, "%s, give or take %s",
				    number_show(look, spec->near), number_show(look, distance));
	return NULL;
}

static const char *wrong_length(const struct expect_look *look, const struct expect_value *spec,
				const struct json *value)
{
	const char *text = json_text(value);
	size_t length = text ? strlen(text) : json_size(value);

	if (spec->length_min != FIELD_ABSENT_INT && (int64_t)length < spec->length_min)
		return arena_printf(look->arena, "a length of at least %lld, it is %zu",
				    (long long)spec->length_min, length);
	if (spec->length_max != FIELD_ABSENT_INT && (int64_t)length > spec->length_max)
		return arena_printf(look->arena, "a length of at most %lld, it is %zu",
				    (long long)spec->length_max, length);
	return NULL;
}

/* What VALUE should have been, NULL: it is. MATCHED is 0 when its pattern did not. */
static const char *wrong_value(const struct expect_look *look, const struct expect_value *spec,
			       const struct json *value, int matched)
{
	if (spec->exists == 0)
		return value ? "nothing" : NULL;
	if (!value)
		return "a value";
	if (spec->type >= 0 && (int)json_type(value) != spec->type)
		return json_type_name((enum json_type)spec->type);
	if (spec->equals && !json_same(spec->equals, value))
		return expect__show(look, spec->equals);
	if (spec->contains && !holds_text(value, spec->contains))
		return arena_printf(look->arena, "a value with '%s'", spec->contains);
	if (!matched)
		return arena_printf(look->arena, "a match of /%s/", spec->matches);
	return wrong_length(look, spec, value);
}

static int judge_value(const struct expect_look *look, const struct expect_value *spec,
		       const struct json *document)
{
	const struct json *value = jsonpath_find(document, spec->path);
	const char *text = value ? json_text(value) : NULL;
	const char *label = "prompt/json-mismatch", *expected;
	int matched = spec->matches ? 0 : 1;

	if (spec->matches && text)
		matched = pattern_find(spec->matches, text, strlen(text), NULL, NULL, look->err);
	if (matched < 0)
		return -1;
	expected = wrong_value(look, spec, value, matched);
	if (!expected && value) {
		expected = wrong_number(look, spec, json_number(value));
		label = "prompt/number-out-of-range";
	}
	if (expected)
		expect__add(look, label, spec->path, expected, expect__show(look, value));
	return 0;
}

static int judge_schema(const struct expect_look *look, const struct json *document)
{
	struct schema_finding finding = {0};
	int rc = schema_judge(look->expect->schema, document, look->arena, &finding, look->err);

	if (rc == 0)
		expect__add(look, "prompt/schema-violation", finding.path, finding.expected,
			    expect__show(look, finding.value));
	return rc < 0 ? -1 : 0;
}

static int judge_document(const struct expect_look *look, const struct json *document)
{
	const struct expect_value *values = look->expect->json.items;

	for (size_t i = 0; i < look->expect->json.count; i++)
		if (judge_value(look, &values[i], document) < 0)
			return -1;
	return look->expect->schema ? judge_schema(look, document) : 0;
}

static void not_json(const struct expect_look *look, const char *where, const char *text,
		     size_t len)
{
	if (len > BROKEN_SHOWN_BYTES)
		len = BROKEN_SHOWN_BYTES;
	expect__add(look, "prompt/not-json", where, "a JSON document",
		    text && len ? arena_printf(look->arena, "'%.*s'", (int)len, text) : "nothing");
}

int expect__judge_json(const struct expect_look *look)
{
	const struct expect_answer *answer = look->answer;
	const struct prompt_reply *reply = answer->reply;
	struct json *document = NULL;
	struct err ignored;
	int rc = 0;

	if (!look->expect->json.count && !look->expect->schema)
		return 0;
	if (look->expect->json_of == EXPECT_BODY) {
		if (answer->document)
			return judge_document(look, answer->document);
		not_json(look, "the body", answer->body, answer->body_len);
		return 0;
	}
	if (!reply->text ||
	    json_parse(reply->text, reply->text_len, false, &document, &ignored) < 0)
		not_json(look, "the text", reply->text, reply->text_len);
	else
		rc = judge_document(look, document);
	json_free(document);
	return rc;
}
