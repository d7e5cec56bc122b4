#include "base/json.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/units.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json *must_parse(const char *text)
{
	struct json *root = NULL;
	struct err err = {0};

	if (json_parse(text, strlen(text), true, &root, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	return root;
}

static void expect_text(const struct json *value, bool pretty, const char *want)
{
	struct buf out;

	buf_init(&out, 1024 * 1024);
	json_print(value, pretty, &out);
	assert_string_equal(buf_str(&out), want);
	buf_done(&out);
}

/* --- what is refused ------------------------------------------------------------------------- */

struct refusal {
	const char *text;
	bool jsonc;
	const char *message;
};

static const struct refusal refusals[] = {
	{"", true, "line 1, column 1: the document is empty"},
	{" \n ", true, "line 1, column 1: the document is empty"},
	{"// nothing\n/* here */\n", true, "line 1, column 1: the document is empty"},
	{"{} // no", false, "line 1, column 4: something follows the end of the document"},
	{"// no\n{}", false, "line 1, column 1: expected a value"},
	{"{}\n{}", true, "line 2, column 1: something follows the end of the document"},
	{"[1,]", false, "line 1, column 3: a comma before ']'"},
	{"[,]", true, "line 1, column 2: expected a value"},
	{"[1,,2]", true, "line 1, column 4: expected a value"},
	{"[1 2]", true, "line 1, column 4: expected ',' or ']'"},
	{"[1}", true, "line 1, column 3: expected ',' or ']'"},
	{"{\"a\":1", true, "line 1, column 7: expected ',' or '}', the text ends here"},
	{"{\"a\" 1}", true, "line 1, column 6: expected ':' behind the key"},
	{"{a: 1}", true, "line 1, column 2: expected a key in double quotes"},
	{"[\n  tru\n]", true, "line 2, column 3: expected a value"},
	{"nul", true, "line 1, column 1: expected a value"},
	{"truest", true, "line 1, column 5: something follows the end of the document"},
	{"[01]", true, "line 1, column 2: not a JSON number"},
	{"[1.]", true, "line 1, column 2: not a JSON number"},
	{"[-]", true, "line 1, column 2: not a JSON number"},
	{"[1e]", true, "line 1, column 2: not a JSON number"},
	{"[+1]", true, "line 1, column 2: expected a value"},
	{"[.5]", true, "line 1, column 2: expected a value"},
	{"[NaN]", true, "line 1, column 2: expected a value"},
	{"[1e999]", true, "line 1, column 2: a number too large"},
	{"[\"a]", true, "line 1, column 2: the string is not closed"},
	{"[\"a\n\"]", true, "line 1, column 2: the string is not closed on its line"},
	{"[\"a\tb\"]", true, "line 1, column 4: a control character in a string"},
	{"[\"\\x\"]", true, "line 1, column 3: no such escape in a string"},
	{"[\"\\u12g4\"]", true, "line 1, column 3: no such escape in a string"},
	{"[\"\\u0000\"]", true, "line 1, column 3: a NUL character in a string"},
	{"[\"\\ud800\"]", true, "line 1, column 3: half a surrogate pair"},
	{"[\"\\udc00\"]", true, "line 1, column 3: half a surrogate pair"},
	{"[\"\\", true, "line 1, column 3: no such escape in a string"},
	{"[1 /* open", true, "line 1, column 4: the comment is not closed"},
	{"[1 / 2]", true, "line 1, column 4: expected ',' or ']'"},
	{"[\"\xFF\"]", true, "line 1, column 3: not valid UTF-8"},
	{"[\"\xC0\xAF\"]", true, "line 1, column 3: not valid UTF-8"},
	{"[\"\xED\xA0\x80\"]", true, "line 1, column 3: not valid UTF-8"},
	{"[\"\xF4\x90\x80\x80\"]", true, "line 1, column 3: not valid UTF-8"},
	{"[\"\xE2\x82", true, "line 1, column 3: not valid UTF-8"},
	{"// \xFE\n[]", true, "line 1, column 4: not valid UTF-8"},
	{"\xEF\xBB\xBF{}", true,
	 "line 1, column 1: starts with a byte order mark: save it without one"},
	{"{\"a\": 1,\n \"a\": 2}", true, "line 2, column 2: duplicate key \"a\""},
	/* The same name elsewhere, as a key or as a value, is no reason to point there. */
	{"{\"x\": {\"n\": \"n\"}, \"y\": [{\"n\": 1}, {\n\"n\": 1, /* , */ \"m\": [{\"n\": 2}],\n"
	 "\"n\": 2}]}",
	 true, "line 3, column 1: duplicate key \"n\""},
	{"{\"a\": 1, \"\\u0061\": 2}", true, "line 1, column 10: duplicate key \"a\""},
	/* Columns count characters, also behind a comment that has long ones. */
	{"[\"\xC3\xA4\xE2\x82\xAC\", /* \xC3\xBC */ x]", true,
	 "line 1, column 16: expected a value"},
};

static void refuses(void **state)
{
	const struct refusal *row = *state;
	struct json *root = NULL;
	struct err err = {0};

	assert_int_equal(json_parse(row->text, strlen(row->text), row->jsonc, &root, &err), -1);
	assert_string_equal(err.msg, row->message);
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(root);
}

static void refuses_a_nul_byte(void **state)
{
	struct json *root = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(json_parse("[1\0]", 4, true, &root, &err), -1);
	assert_string_equal(err.msg, "line 1, column 3: a NUL byte");
}

static void names_the_file_when_asked(void **state)
{
	struct json *root = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(json_parse_file("a.jsonc", "\n [", 3, true, &root, &err), -1);
	assert_string_equal(err.msg, "a.jsonc:2:3: expected a value, the text ends here");
}

static void ten_megabytes_of_brackets_end_quickly(void **state)
{
	const size_t len = 10 * 1000 * 1000;
	char *text = malloc(len);
	struct json *root = NULL;
	struct err err = {0};
	uint64_t start = clock_ns();

	(void)state;
	assert_non_null(text);
	memset(text, '[', len);
	assert_int_equal(json_parse(text, len, true, &root, &err), -1);
	assert_string_equal(err.msg, "line 1, column 65: nested deeper than 64 levels");
	assert_true(clock_ns() - start < 5 * NS_PER_S);
	free(text);
}

static void allows_exactly_the_maximum_depth(void **state)
{
	char text[2 * JSON_DEPTH_MAX + 1] = "";

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	json_free(must_parse(text));
}

static void refuses_a_number_longer_than_cjson_reads(void **state)
{
	char text[128] = "[";
	struct json *root = NULL;
	struct err err = {0};

	(void)state;
	memset(text + 1, '1', 63);
	text[64] = ']';
	json_free(must_parse(text));
	text[64] = '1';
	text[65] = ']';
	assert_int_equal(json_parse(text, strlen(text), true, &root, &err), -1);
	assert_string_equal(err.msg, "line 1, column 2: a number of more than 63 characters");
}

/* --- what is read ---------------------------------------------------------------------------- */

static void comments_and_trailing_commas_are_nothing(void **state)
{
	struct json *root = must_parse("/* a */ { // b\n \"u\": \"http://x/*y*/\", /* , ] */\n"
				       " \"l\": [1, 2, /**/ ], }");

	(void)state;
	expect_text(root, false, "{\"u\":\"http://x/*y*/\",\"l\":[1,2]}");
	json_free(root);
}

static void getters_give_the_fallback_for_another_type(void **state)
{
	struct json *root =
		must_parse("{\"s\":\"x\",\"n\":2.5,\"b\":true,\"z\":null,\"big\":1e300}");

	(void)state;
	assert_string_equal(json_str(root, "s", "-"), "x");
	assert_string_equal(json_str(root, "n", "-"), "-");
	assert_string_equal(json_str(root, "S", "-"), "-");
	assert_true(json_num(root, "n", 0) == 2.5);
	assert_true(json_num(root, "s", 7) == 7);
	assert_int_equal(json_int(root, "n", 9), 2);
	assert_int_equal(json_int(root, "big", 9), 9);
	assert_int_equal(json_int(root, "gone", 9), 9);
	assert_true(json_bool(root, "b", false));
	assert_true(json_bool(root, "s", true));
	assert_int_equal(json_type(json_get(root, "z")), JSON_NULL);
	assert_int_equal(json_size(root), 5);
	assert_null(json_get(NULL, "s"));
	json_free(root);
}

/* --- what is written ------------------------------------------------------------------------- */

static void numbers_read_back_as_the_same_double(void **state)
{
	static const double values[] = {0.1,	       1.0 / 3,
					1e21,	       1.7976931348623157e308,
					DBL_MIN,       5e-324,
					123456789.125, 0.30000000000000004,
					-2.5e-9,       9007199254740993.0,
					1e17};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct json *list = json_new_array(), *back;
		struct buf out;

		json_add_num(list, NULL, values[i]);
		buf_init(&out, 100);
		json_print(list, false, &out);
		back = must_parse(buf_str(&out));
		assert_true(json_number(json_first(back)) == values[i]);
		assert_true(json_number(json_first(list)) == values[i]);
		json_free(back);
		json_free(list);
		buf_done(&out);
	}
}

static const char *printed(double value, struct buf *out)
{
	struct json *list = json_new_array();

	json_add_num(list, NULL, value);
	out->len = 0;
	json_print(list, false, out);
	json_free(list);
	return buf_str(out);
}

static void decimals_are_as_short_as_they_were_written(void **state)
{
	static const double scales[] = {1, 10, 1000, 1e6, 1e9, 1e12};
	uint64_t seed = 7;
	struct buf out;
	char wanted[64];

	(void)state;
	buf_init(&out, 1024);
	for (int i = 0; i < 60000; i++) {
		double value = nearbyint((random_unit(&seed) - .5) * 2e9) / scales[i % 6];

		(void)snprintf(wanted, sizeof(wanted), "[%.15g]", value);
		assert_string_equal(printed(value, &out), wanted);
	}
	buf_done(&out);
}

static void any_double_is_read_back_bit_for_bit(void **state)
{
	uint64_t seed = 9;
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	for (int i = 0; i < 60000; i++) {
		double value =
			(random_unit(&seed) - .5) * exp2((int)(random_unit(&seed) * 200) - 100);

		assert_true(strtod(printed(value, &out) + 1, NULL) == value);
	}
	buf_done(&out);
}

static void whole_numbers_have_no_exponent(void **state)
{
	struct json *list = json_new_array();

	(void)state;
	json_add_int(list, NULL, INT64_C(9007199254740992));
	json_add_int(list, NULL, INT64_C(-9007199254740991));
	json_add_num(list, NULL, 1e15);
	json_add_int(list, NULL, 4294967296);
	json_add_int(list, NULL, 0);
	json_add_num(list, NULL, (double)NAN);
	json_add_num(list, NULL, (double)INFINITY);
	expect_text(list, false,
		    "[9007199254740992,-9007199254740991,1000000000000000,4294967296,0,null,null]");
	json_free(list);
}

static void copies_keep_whole_numbers_whole(void **state)
{
	struct json *from = must_parse("{\"n\":1000000000000000}"), *to = json_new_object();

	(void)state;
	json_add_copy(to, "copy", from);
	expect_text(to, false, "{\"copy\":{\"n\":1000000000000000}}");
	json_free(from);
	json_free(to);
}

static void strings_are_escaped_and_mended(void **state)
{
	struct json *root = json_new_object();

	(void)state;
	json_add_str(root, "a\"b", "q\" b\\ n\n t\t r\r \x01 \x1b \xC3\xA9 /");
	json_add_str(root, "bad", "x\xFFy\xE2\x82");
	json_add_str(root, "none", NULL);
	expect_text(root, false,
		    "{\"a\\\"b\":\"q\\\" b\\\\ n\\n t\\t r\\r \\u0001 \\u001b \xC3\xA9 /\","
		    "\"bad\":\"x\xEF\xBF\xBDy\xEF\xBF\xBD\xEF\xBF\xBD\"}");
	json_free(root);
}

static void pretty_text_is_indented(void **state)
{
	struct json *root = must_parse("{\"a\":[1,{\"b\":null}],\"c\":{},\"d\":[]}");

	(void)state;
	expect_text(root, true,
		    "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},\n"
		    "  \"d\": []\n}");
	json_free(root);
}

/* --- places ---------------------------------------------------------------------------------- */

static const char document[] =
	"// head {\"a\": [\n"
	"{ \"a\": 1, /* \"b\": 0 */\n"
	"  \"list\": [ 1.5 /* ] */, \"]\", { \"b\": [true, {\"c\" : \"}\"}] }, ],\n"
	"  \"b\": {\"c\":\"x\"} }\n";

static void expect_place(const char *path, const char *key, unsigned line, unsigned column)
{
	size_t at = json_locate(document, sizeof(document) - 1, path, key);
	unsigned l, c;

	assert_true(at < sizeof(document) - 1);
	json_position(document, at, &l, &c);
	if (l != line || c != column)
		fail_msg("%s %s: at %u:%u, want %u:%u", path, key ? key : "-", l, c, line, column);
}

static void finds_values_and_keys(void **state)
{
	const size_t len = sizeof(document) - 1;

	(void)state;
	expect_place("", NULL, 2, 1);
	expect_place("", "a", 2, 3);
	expect_place("a", NULL, 2, 8);
	expect_place("", "b", 4, 3);
	expect_place("list[0]", NULL, 3, 13);
	expect_place("list[1]", NULL, 3, 26);
	expect_place("list[2].b[1]", "c", 3, 46);
	expect_place("list[2].b[1].c", NULL, 3, 52);
	expect_place("b.c", NULL, 4, 13);
	assert_int_equal(json_locate(document, len, "list[3]", NULL), len);
	assert_int_equal(json_locate(document, len, "", "c"), len);
	assert_int_equal(json_locate(document, len, "a.x", NULL), len);
	assert_int_equal(json_locate(document, len, "list[99999999999999999999]", NULL), len);
	assert_int_equal(json_locate("{", 1, "", "a"), 1);
}

int main(void)
{
	enum { ROWS = sizeof(refusals) / sizeof(*refusals) };
	static struct CMUnitTest rows[ROWS];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_a_nul_byte),
		cmocka_unit_test(names_the_file_when_asked),
		cmocka_unit_test(ten_megabytes_of_brackets_end_quickly),
		cmocka_unit_test(allows_exactly_the_maximum_depth),
		cmocka_unit_test(refuses_a_number_longer_than_cjson_reads),
		cmocka_unit_test(comments_and_trailing_commas_are_nothing),
		cmocka_unit_test(getters_give_the_fallback_for_another_type),
		cmocka_unit_test(numbers_read_back_as_the_same_double),
		cmocka_unit_test(decimals_are_as_short_as_they_were_written),
		cmocka_unit_test(any_double_is_read_back_bit_for_bit),
		cmocka_unit_test(whole_numbers_have_no_exponent),
		cmocka_unit_test(copies_keep_whole_numbers_whole),
		cmocka_unit_test(strings_are_escaped_and_mended),
		cmocka_unit_test(pretty_text_is_indented),
		cmocka_unit_test(finds_values_and_keys),
	};
	int failed;

	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct CMUnitTest){.name = refusals[i].message,
					      .test_func = refuses,
					      .initial_state = (void *)(uintptr_t)&refusals[i]};
	failed = cmocka_run_group_tests_name("base/json refuses", rows, NULL, NULL);
	return failed + cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
