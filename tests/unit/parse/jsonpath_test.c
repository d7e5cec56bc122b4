/* RFC 9535's singular queries. */
#include "parse/jsonpath.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char document[] =
	"{\"a\":{\"b\":[10,20,{\"c d\":\"found\"}],\"it's\":1,\"x\\ny\":2,\"\xe2\x98\xba\":3,"
	"\"\":4,\"\xf0\x9f\x98\x80\":5},\"0\":\"zero\",\"n\":null}";
static struct json *root;

static int set_up(void **state)
{
	(void)state;
	return json_parse(document, strlen(document), false, &root, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	json_free(root);
	return 0;
}

static double number(const char *path)
{
	const struct json *value;
	struct err err = {0};

	if (jsonpath_check(path, &err) < 0)
		fail_msg("%s", err.msg);
	value = jsonpath_find(root, path);
	return value && json_type(value) == JSON_NUMBER ? json_number(value) : -1;
}

static void finds_what_a_path_names(void **state)
{
	(void)state;
	assert_int_equal((int)number("$.a.b[0]"), 10);
	assert_int_equal((int)number("a.b[1]"), 20);
	assert_int_equal((int)number("$['a'][\"b\"][ 1 ]"), 20);
	assert_int_equal((int)number("$.a.b[-2]"), 20);
	assert_int_equal((int)number("['a'].b[0]"), 10);
	assert_string_equal(json_text(jsonpath_find(root, "$.a.b[2]['c d']")), "found");
	assert_string_equal(json_text(jsonpath_find(root, "$.a.b[-1]['c d']")), "found");
	assert_string_equal(json_text(jsonpath_find(root, "$.0")), "zero");
	assert_ptr_equal(jsonpath_find(root, "$"), root);
	assert_int_equal(json_type(jsonpath_find(root, "$.n")), JSON_NULL);
}

static void quoted_keys_know_escapes(void **state)
{
	(void)state;
	assert_int_equal((int)number("$.a['it\\'s']"), 1);
	assert_int_equal((int)number("$.a[\"it's\"]"), 1);
	assert_int_equal((int)number("$.a['x\\ny']"), 2);
	assert_int_equal((int)number("$.a['\\u263A']"), 3);
	assert_int_equal((int)number("$.a.\xe2\x98\xba"), 3);
	assert_int_equal((int)number("$.a['']"), 4);
	assert_int_equal((int)number("$.a['\\uD83D\\uDE00']"), 5);
}

static void leads_nowhere_without_a_match(void **state)
{
	static const char *const paths[] = {"$.b",	 "$.a.b[3]",   "$.a.b[-4]",
					    "$.a[0]",	 "$.a.b.c",    "$.n.x",
					    "$['0'][0]", "$.a.b['0']", "$.A.b[0]"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(jsonpath_check(paths[i], NULL), 0);
		assert_null(jsonpath_find(root, paths[i]));
	}
}

static void refuses_what_is_no_singular_path(void **state)
{
	static const char *const paths[] = {"",
					    "$.",
					    "$..a",
					    "$.*",
					    "$[*]",
					    "$[0:1]",
					    "$[?@.a]",
					    "$[",
					    "$[0",
					    "$['a",
					    "$['a'",
					    "$[a]",
					    "$[01]",
					    "$[-0]",
					    "$[-]",
					    "$a",
					    "$.a b",
					    "$['\\x']",
					    "$['\\ud83d']",
					    "$.a.",
					    "$[1,2]",
					    "$['a''b']",
					    "$[9999999999]",
					    "$['\\\"']",
					    "$['\\u0000']"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct err err = {0};

		if (jsonpath_check(paths[i], &err) == 0)
			fail_msg("\"%s\" passed", paths[i]);
		assert_int_equal(err.code, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_a_path_names),
		cmocka_unit_test(quoted_keys_know_escapes),
		cmocka_unit_test(leads_nowhere_without_a_match),
		cmocka_unit_test(refuses_what_is_no_singular_path),
	};

	return cmocka_run_group_tests_name("parse/jsonpath", tests, set_up, tear_down);
}
