#include "base/field.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct point {
	int64_t x;
	double share;
	const char *label;
};

struct thing {
	const char *text;
	const char *pattern;
	bool flag;
	int maybe;
	int64_t whole;
	double number;
	uint64_t wait_ns;
	uint64_t size_bytes;
	int colour;
	struct strings words;
	struct pairs env;
	struct point *point;
	struct objects points;
	struct point *spot;
	const struct json *any, *shaped;
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct field point_fields[] = {
	{.name = "x", .type = FIELD_INT, .offset = offsetof(struct point, x), .required = true},
	{.name = "share",
	 .type = FIELD_NUMBER,
	 .offset = offsetof(struct point, share),
	 .def = "0.25"},
	{.name = "label", .type = FIELD_STRING, .offset = offsetof(struct point, label)},
	{.name = NULL},
};

static const struct field spot_fields[] = {
	{.name = "label",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct point, label),
	 .required = true,
	 .nonempty = true},
	{.name = "x", .type = FIELD_INT, .offset = offsetof(struct point, x), .def = "7"},
	{.name = NULL},
};

#define AT(member) .offset = offsetof(struct thing, member)
static const struct field fields[] = {
	{.name = "text",
	 .type = FIELD_STRING,
	 AT(text),
	 .nonempty = true,
	 .def = "hello",
	 .help = "some text"},
	{.name = "pattern", .type = FIELD_STRING, AT(pattern), .pattern = true},
	{.name = "flag", .type = FIELD_BOOL, AT(flag), .def = "true"},
	{.name = "maybe", .type = FIELD_TRISTATE, AT(maybe)},
	{.name = "whole", .type = FIELD_INT, AT(whole), .min = 1, .max = 2000000},
	{.name = "number", .type = FIELD_NUMBER, AT(number), .min = -1, .max = 1},
	{.name = "wait", .type = FIELD_DURATION, AT(wait_ns), .def = "30s"},
	{.name = "size", .type = FIELD_SIZE, AT(size_bytes)},
	{.name = "colour", .type = FIELD_ENUM, AT(colour), .choices = colours, .def = "green"},
	{.name = "words", .type = FIELD_STRINGS, AT(words), .nonempty = true},
	{.name = "env", .type = FIELD_MAP, AT(env), .nonempty = true},
	{.name = "point",
	 .type = FIELD_OBJECT,
	 AT(point),
	 .fields = point_fields,
	 .size = sizeof(struct point)},
	{.name = "points",
	 .type = FIELD_OBJECTS,
	 AT(points),
	 .fields = point_fields,
	 .size = sizeof(struct point)},
	{.name = "spot",
	 .type = FIELD_OBJECT,
	 AT(spot),
	 .fields = spot_fields,
	 .size = sizeof(struct point),
	 .short_for = "label"},
	{.name = "any", .type = FIELD_JSON, AT(any)},
	{.name = "shaped", .type = FIELD_JSON, AT(shaped), .schema = "{\"minItems\": 2}"},
	{.name = NULL},
};
#undef AT

struct loaded {
	struct arena *arena;
	struct json *root;
	struct thing thing;
	struct err err;
	int rc;
};

static void load(struct loaded *out, const char *text, const char *const *ignore)
{
	struct field_source source = {"t.jsonc", text, strlen(text), false};

	memset(out, 0, sizeof(*out));
	out->arena = arena_new();
	assert_int_equal(json_parse(text, source.len, true, &out->root, &out->err), 0);
	out->rc = field_load(fields, out->root, "", &source, ignore, out->arena, &out->thing,
			     &out->err);
}

static void unload(struct loaded *loaded)
{
	json_free(loaded->root);
	arena_free(loaded->arena);
}

static void absent_keys_have_their_defaults(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "{}", NULL);
	assert_int_equal(l.rc, 0);
	assert_string_equal(l.thing.text, "hello");
	assert_null(l.thing.pattern);
	assert_true(l.thing.flag);
	assert_int_equal(l.thing.maybe, -1);
	assert_true(l.thing.whole == FIELD_ABSENT_INT);
	assert_true(isnan(l.thing.number));
	assert_true(l.thing.wait_ns == UINT64_C(30000000000));
	assert_int_equal(l.thing.size_bytes, 0);
	assert_int_equal(l.thing.colour, 1);
	assert_int_equal(l.thing.words.count, 0);
	assert_null(l.thing.point);
	assert_null(l.thing.any);
	unload(&l);
}

static void every_type_is_read(void **state)
{
	struct loaded l;

	(void)state;
	load(&l,
	     "{\"text\": \"t\", \"pattern\": \"^a+$\", \"flag\": false, \"maybe\": true, "
	     "\"whole\": 7,"
	     "\"number\": -0.5, \"wait\": \"500ms\", \"size\": \"10KiB\", \"colour\": \"blue\","
	     "\"words\": [\"a\", \"b\"], \"env\": {\"K\": \"v\", \"L\": \"\"}, \"point\": {\"x\": "
	     "3},"
	     "\"points\": [{\"x\": 1}, {\"x\": 2, \"label\": \"two\"}], \"any\": [null]}",
	     NULL);
	assert_int_equal(l.rc, 0);
	assert_string_equal(l.thing.text, "t");
	assert_string_equal(l.thing.pattern, "^a+$");
	assert_false(l.thing.flag);
	assert_int_equal(l.thing.maybe, 1);
	assert_int_equal(l.thing.whole, 7);
	assert_true(l.thing.number == -0.5);
	assert_int_equal(l.thing.wait_ns, 500000000);
	assert_int_equal(l.thing.size_bytes, 10240);
	assert_int_equal(l.thing.colour, 2);
	assert_int_equal(l.thing.words.count, 2);
	assert_string_equal(l.thing.words.items[1], "b");
	assert_int_equal(l.thing.env.count, 2);
	assert_string_equal(l.thing.env.items[0].key, "K");
	assert_string_equal(l.thing.env.items[1].value, "");
	assert_int_equal(l.thing.point->x, 3);
	assert_true(l.thing.point->share == 0.25);
	assert_int_equal(l.thing.points.count, 2);
	assert_string_equal(((struct point *)l.thing.points.items)[1].label, "two");
	assert_int_equal(json_type(l.thing.any), JSON_ARRAY);
	unload(&l);
}

static void one_string_is_a_list_of_one_and_a_size_may_be_a_number(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "{\"words\": \"only\", \"size\": 4096}", NULL);
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.thing.words.count, 1);
	assert_string_equal(l.thing.words.items[0], "only");
	assert_int_equal(l.thing.size_bytes, 4096);
	unload(&l);
}

static void a_string_may_stand_for_an_object(void **state)
{
	static const char *const texts[] = {"{\"spot\": \"here\"}",
					    "{\"spot\": {\"label\": \"here\"}}"};
	struct loaded l;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		load(&l, texts[i], NULL);
		assert_int_equal(l.rc, 0);
		assert_string_equal(l.thing.spot->label, "here");
		assert_int_equal(l.thing.spot->x, 7);
		unload(&l);
	}
}

static void ignored_keys_are_passed_over(void **state)
{
	static const char *const ignore[] = {"kind", NULL};
	struct loaded l;

	(void)state;
	load(&l, "{\"kind\": 5}", ignore);
	assert_int_equal(l.rc, 0);
	unload(&l);
	load(&l, "{\"knd\": 5}", ignore);
	assert_string_equal(l.err.msg, "t.jsonc:1:2: knd: unknown key, did you mean \"kind\"?");
	unload(&l);
}

struct mistake {
	const char *text;
	const char *message;
};

static const struct mistake mistakes[] = {
	{"[]", "t.jsonc:1:1: expected an object, found a list"},
	{"{\n \"txet\": 1}", "t.jsonc:2:2: txet: unknown key, did you mean \"text\"?"},
	{"{\"zzzzz\": 1}", "t.jsonc:1:2: zzzzz: unknown key"},
	{"{\"t\\u0065xt2\": 1}", "t.jsonc:1:1: text2: unknown key, did you mean \"text\"?"},
	{"{\"text\": 1}", "t.jsonc:1:2: text: expected a string, found a number"},
	{"{\"text\": \"\"}", "t.jsonc:1:2: text: must not be empty"},
	{"{\"flag\": \"yes\"}", "t.jsonc:1:2: flag: expected true or false, found a string"},
	{"{\"maybe\": null}", "t.jsonc:1:2: maybe: expected true or false, found null"},
	{"{\"whole\": \"1\"}", "t.jsonc:1:2: whole: expected a number, found a string"},
	{"{\"whole\": 0}", "t.jsonc:1:2: whole: 0 is out of range 1 to 2000000"},
	{"{\"whole\": 2000001}", "t.jsonc:1:2: whole: 2000001 is out of range 1 to 2000000"},
	{"{\"whole\": 1.5}", "t.jsonc:1:2: whole: 1.5 is not a whole number"},
	{"{\"number\": 1.01}", "t.jsonc:1:2: number: 1.01 is out of range -1 to 1"},
	{"{\"wait\": 30}", "t.jsonc:1:2: wait: expected a duration like \"30s\", found a number"},
	{"{\"wait\": \"soon\"}",
	 "t.jsonc:1:2: wait: \"soon\" is not a duration: write 500ms, 30s, 5m or 1h"},
	{"{\"wait\": \"0s\"}", "t.jsonc:1:2: wait: must be longer than 0"},
	{"{\"size\": \"big\"}",
	 "t.jsonc:1:2: size: \"big\" is not a size: write 4096, 10KiB or 64MB"},
	{"{\"size\": -1}", "t.jsonc:1:2: size: -1 is not a whole number of bytes"},
	{"{\"size\": true}",
	 "t.jsonc:1:2: size: expected a size like \"10MiB\", found true or false"},
	{"{\"colour\": \"bleu\"}",
	 "t.jsonc:1:2: colour: \"bleu\" is unknown, did you mean \"blue\"?"},
	{"{\"colour\": \"magenta\"}",
	 "t.jsonc:1:2: colour: \"magenta\" is none of red, green, blue"},
	{"{\"words\": []}", "t.jsonc:1:2: words: must not be empty"},
	{"{\"words\": {}}",
	 "t.jsonc:1:2: words: expected a string or a list of strings, found an object"},
	{"{\"words\": [\"a\",\n 5]}", "t.jsonc:2:2: words[1]: expected a string, found a number"},
	{"{\"words\": [\"a\", \"\"]}", "t.jsonc:1:17: words[1]: must not be empty"},
	{"{\"env\": {}}", "t.jsonc:1:2: env: must not be empty"},
	{"{\"env\": [\"A=1\"]}", "t.jsonc:1:2: env: expected an object of strings, found a list"},
	{"{\"env\": {\"A.B\": 1}}", "t.jsonc:1:10: env.A.B: expected a string, found a number"},
	{"{\"point\": {}}", "t.jsonc:1:11: point: the key \"x\" is missing"},
	{"{\"point\": {\"x\": 1, \"lable\": 2}}",
	 "t.jsonc:1:20: point.lable: unknown key, did you mean \"label\"?"},
	{"{\"spot\": 5}", "t.jsonc:1:2: spot: expected a string or an object, found a number"},
	{"{\"spot\": {\"x\": 1}}", "t.jsonc:1:10: spot: the key \"label\" is missing"},
	{"{\"spot\":\n \"\"}", "t.jsonc:2:2: spot.label: must not be empty"},
	{"{\"points\": {}}", "t.jsonc:1:2: points: expected a list of objects, found an object"},
	{"{\"points\": [{\"x\": 1},\n{\"x\": \"2\"}]}",
	 "t.jsonc:2:2: points[1].x: expected a number, found a string"},
	{"{\"points\": [{\"x\": 1}, 5]}",
	 "t.jsonc:1:23: points[1]: expected an object, found a number"},
};

static void finds_the_mistake(void **state)
{
	const struct mistake *row = *state;
	struct loaded l;

	load(&l, row->text, NULL);
	assert_int_equal(l.rc, -1);
	assert_int_equal(l.err.code, ERR_USAGE);
	assert_string_equal(l.err.msg, row->message);
	unload(&l);
}

static void a_bad_pattern_is_located(void **state)
{
	static const char start[] = "t.jsonc:1:2: pattern: bad pattern '(' at offset 1: ";
	struct loaded l;

	(void)state;
	load(&l, "{\"pattern\": \"(\"}", NULL);
	assert_int_equal(l.rc, -1);
	assert_int_equal(strncmp(l.err.msg, start, sizeof(start) - 1), 0);
	unload(&l);
}

static void nearest_is_a_typing_error_away(void **state)
{
	static const char *const words[] = {"command", "version", "env", "gpu", NULL};

	(void)state;
	assert_string_equal(field_nearest("comand", words), "command");
	assert_string_equal(field_nearest("evn", words), "env");
	assert_string_equal(field_nearest("versoin", words), "version");
	assert_null(field_nearest("metadata", words));
	assert_null(field_nearest("x", words));
	assert_null(field_nearest("", words));
}

static void expect_member(const struct json *schema, const char *name, const char *want)
{
	struct buf out;

	buf_init(&out, 10000);
	json_print(json_get(json_get(schema, "properties"), name), false, &out);
	assert_string_equal(buf_str(&out), want);
	buf_done(&out);
}

static void the_schema_says_what_the_table_says(void **state)
{
	struct json *schema = json_new_object();

	(void)state;
	field_schema(fields, schema);
	assert_string_equal(json_str(schema, "type", ""), "object");
	assert_false(json_bool(schema, "additionalProperties", true));
	assert_int_equal(json_size(json_get(schema, "properties")), 16);
	assert_null(json_get(schema, "required"));
	expect_member(schema, "text",
		      "{\"description\":\"some text\",\"type\":\"string\",\"minLength\":1,"
		      "\"default\":\"hello\"}");
	expect_member(schema, "flag", "{\"type\":\"boolean\",\"default\":true}");
	expect_member(schema, "whole", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":2000000}");
	expect_member(schema, "colour",
		      "{\"enum\":[\"red\",\"green\",\"blue\"],\"default\":\"green\"}");
	expect_member(schema, "words",
		      "{\"anyOf\":[{\"type\":\"string\",\"minLength\":1},{\"type\":\"array\","
		      "\"items\":{\"type\":\"string\",\"minLength\":1},\"minItems\":1}]}");
	expect_member(schema, "env",
		      "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
		      "\"minProperties\":1}");
	expect_member(schema, "any", "{}");
	expect_member(schema, "shaped", "{\"minItems\":2}");
	expect_member(schema, "spot",
		      "{\"anyOf\":[{\"type\":\"string\",\"minLength\":1},{\"type\":\"object\","
		      "\"additionalProperties\":false,\"properties\":{\"label\":{\"type\":"
		      "\"string\",\"minLength\":1},\"x\":{\"type\":\"integer\",\"default\":7}},"
		      "\"required\":[\"label\"]}]}");
	expect_member(schema, "points",
		      "{\"type\":\"array\",\"items\":{\"type\":\"object\","
		      "\"additionalProperties\":false,\"properties\":{\"x\":{\"type\":\"integer\"},"
		      "\"share\":{\"type\":\"number\",\"default\":0.25},"
		      "\"label\":{\"type\":\"string\"}},\"required\":[\"x\"]}}");
	json_free(schema);
}

int main(void)
{
	enum { ROWS = sizeof(mistakes) / sizeof(*mistakes) };
	static struct CMUnitTest rows[ROWS];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_keys_have_their_defaults),
		cmocka_unit_test(every_type_is_read),
		cmocka_unit_test(one_string_is_a_list_of_one_and_a_size_may_be_a_number),
		cmocka_unit_test(a_string_may_stand_for_an_object),
		cmocka_unit_test(ignored_keys_are_passed_over),
		cmocka_unit_test(a_bad_pattern_is_located),
		cmocka_unit_test(nearest_is_a_typing_error_away),
		cmocka_unit_test(the_schema_says_what_the_table_says),
	};
	int failed;

	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct CMUnitTest){.name = mistakes[i].message,
					      .test_func = finds_the_mistake,
					      .initial_state = (void *)(uintptr_t)&mistakes[i]};
	failed = cmocka_run_group_tests_name("base/field mistakes", rows, NULL, NULL);
	return failed + cmocka_run_group_tests_name("base/field", tests, NULL, NULL);
}
