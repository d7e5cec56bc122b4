/* YAML as a JSON tree: what is read, how scalars resolve, what is refused and where. */
#include "base/yaml.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_json(const char *yaml, const char *wanted)
{
	struct json *root = NULL;
	struct err err = {0};
	struct buf text;

	if (yaml_parse("f", yaml, strlen(yaml), &root, &err) < 0)
		fail_msg("%s: %s", yaml, err.msg);
	buf_init(&text, 1 << 20);
	json_print(root, false, &text);
	assert_string_equal(buf_str(&text), wanted);
	buf_done(&text);
	json_free(root);
}

static void expect_error(const char *yaml, const char *wanted)
{
	struct json *root = NULL;
	struct err err = {0};

	if (yaml_parse("f", yaml, strlen(yaml), &root, &err) == 0)
		fail_msg("%s: read", yaml);
	assert_null(root);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, wanted))
		fail_msg("%s: \"%s\" is not in: %s", yaml, wanted, err.msg);
}

static void blocks_and_flows_are_read(void **state)
{
	(void)state;
	expect_json("a: 1\nb: [x, {c: d}]\ne:\n- f\n- - g\n",
		    "{\"a\":1,\"b\":[\"x\",{\"c\":\"d\"}],"
		    "\"e\":[\"f\",[\"g\"]]}");
	expect_json("- |\n  two\n  lines\n- >\n  one\n  line\n",
		    "[\"two\\nlines\\n\",\"one line\\n\"]");
	expect_json("--- # comment\n{\"a\": \"\\u00e9\\n\"}\n...\n", "{\"a\":\"\xC3\xA9\\n\"}");
	expect_json("\xEF\xBB\xBF{}", "{}");
}

static void plain_scalars_resolve_by_yaml_1_1(void **state)
{
	(void)state;
	expect_json("[yes, No, on, OFF, y, N, true, False]",
		    "[true,false,true,false,true,false,true,false]");
	expect_json("[~, null, NULL, ]", "[null,null,null]");
	expect_json("[10, 010, 0x1F, 0b101, 0o17, 1_000, -3, +4]", "[10,8,31,5,15,1000,-3,4]");
	expect_json("[1.5, .5, 1e3, -2.5E-1]", "[1.5,0.5,1000,-0.25]");
	expect_json("[yEs, 1.2.3, 09, 0x, 1e, -, +, 12h, 2001-01-01, .]",
		    "[\"yEs\",\"1.2.3\",9,\"0x\",\"1e\",\"-\",\"+\",\"12h\",\"2001-01-01\",\".\"]");
	expect_json("[.nan, .inf]", "[null,null]");
}

static void quotes_and_tags_decide_over_the_text(void **state)
{
	(void)state;
	expect_json("['yes', \"10\", !!str 10, ! 10]", "[\"yes\",\"10\",\"10\",\"10\"]");
	expect_json("[!!int \"10\", !!bool \"no\", !!float '1.5']", "[10,false,1.5]");
	expect_error("[!!int ten]", "f:1:2: the text is none of what its tag says");
	expect_error("a: !mine x", "f:1:4: a tag other than");
	expect_error("a: !mine [x]", "f:1:4: a tag of an application");
}

static void scalars_keep_their_text(void **state)
{
	static const char text[] = "[1.10, yes, 010, ~, 'q']";
	static const char *const wanted[] = {"1.10", "yes", "010", "~", "q"};
	struct json *root = NULL;
	struct err err = {0};
	size_t i = 0;

	(void)state;
	assert_int_equal(yaml_parse("f", text, strlen(text), &root, &err), 0);
	for (const struct json *item = json_first(root); item; item = json_next(item))
		assert_string_equal(json_literal(item), wanted[i++]);
	assert_int_equal(i, 5);
	json_free(root);
}

static void anchors_and_merges_are_expanded(void **state)
{
	(void)state;
	expect_json("a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}");
	expect_json("- &x {b: 1, c: 2}\n- <<: *x\n  c: 3\n",
		    "[{\"b\":1,\"c\":2},{\"c\":3,\"b\":1}]");
	expect_json("- &x {b: 1}\n- &y {b: 2, d: 3}\n- <<: [*x, *y]\n",
		    "[{\"b\":1},{\"b\":2,\"d\":3},{\"b\":1,\"d\":3}]");
	expect_json("[&x a, *x, &x b, *x]", "[\"a\",\"a\",\"b\",\"b\"]");
	expect_json("<<: {a: &x 1}\nb: *x\n", "{\"b\":1,\"a\":1}");
	expect_error("[*x]", "f:1:2: an alias of nothing");
	expect_error("&x [*x]", "f:1:5: an alias of nothing");
	expect_error("- &x [a]\n- <<: *x\n", "f:2:3: only mappings can be merged");
	expect_error("- &x {a: 1}\n- a: 2\n  <<: *x\n", "f:3:3: \"<<\" stands after \"a\"");
}

static void mistakes_are_located(void **state)
{
	(void)state;
	expect_error("a: 1\nb: 2\na: 3\n", "f:3:1: duplicate key \"a\"");
	expect_error("a: [1\nb: 2\n", "f:2:");
	expect_error("a:\n\t- b\n", "f:2:1: not valid YAML");
	expect_error("{[a]: b}", "f:1:2: a key that is no scalar");
	expect_error("--- {}\n--- {}\n", "f:2:5: a second document");
	expect_error("text", "f:1:1: the document is no mapping and no list");
	expect_error("", "the document is empty");
	expect_error("a: \"x\\0y\"", "f:1:4: a text with a NUL character");
	expect_error("\xC3\xA9: 1\n\xC3\xA9: 2", "f:2:1: duplicate");
	expect_error("a: \xFF", "f:1:4: not valid YAML");
}

/* Nine lists of nine aliases each: 9^9 values. */
static void a_bomb_of_aliases_is_refused(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	buf_addstr(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 9; i++)
		buf_printf(&text,
			   "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i,
			   i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	expect_error(buf_str(&text), "more than 100000 values");
	buf_done(&text);
}

/* Every level merges the one before: 2^n copies of its members would be made. */
static void a_bomb_of_depth_is_refused(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 65; i++)
		buf_addstr(&text, "[");
	expect_error(buf_str(&text), "nested deeper than 64 levels");
	buf_consume(&text, text.len);
	buf_addstr(&text, "- &a0 [x]\n");
	for (int i = 1; i < 70; i++)
		buf_printf(&text, "- &a%d [*a%d]\n", i, i - 1);
	expect_error(buf_str(&text), "nested deeper than 64 levels");
	buf_done(&text);
}

static void sizes_are_bounded(void **state)
{
	char *text = xcalloc(1, YAML_BYTES_MAX + 1);
	struct json *root = NULL;
	struct err err = {0};
	struct buf keys;

	(void)state;
	memset(text, ' ', YAML_BYTES_MAX + 1);
	assert_int_equal(yaml_parse("f", text, YAML_BYTES_MAX + 1, &root, &err), -1);
	assert_non_null(strstr(err.msg, "larger than 1 MiB"));
	free(text);
	buf_init(&keys, 1 << 20);
	for (int i = 0; i < 1025; i++)
		buf_printf(&keys, "k%d: 1\n", i);
	expect_error(buf_str(&keys), "f:1025:1: more than 1024 keys");
	buf_done(&keys);
}

static void expect_place(const char *text, const char *path, const char *key, const char *found)
{
	size_t at = yaml_locate(text, strlen(text), path, key);

	if (strncmp(text + at, found, strlen(found)) != 0)
		fail_msg("%s %s: found \"%.20s\"", path, key ? key : "", text + at);
}

static void places_are_found(void **state)
{
	static const char text[] = "a: \xC3\xA9\nb:\n- c: 1\n  d: [x, y]\n- &z {e: f}\n- *z\n";

	(void)state;
	expect_place(text, "", NULL, "a:");
	expect_place(text, "", "b", "b:");
	expect_place(text, "a", NULL, "\xC3\xA9");
	expect_place(text, "b[0].d[1]", NULL, "y]");
	expect_place(text, "b[0]", "d", "d: [");
	expect_place(text, "b[1].e", NULL, "f}");
	expect_place(text, "b[2].e", NULL, "*z");	    /* where it was expanded */
	expect_place(text, "b[0].nosuch[3]", NULL, "c: 1"); /* the nearest that is there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_and_flows_are_read),
		cmocka_unit_test(plain_scalars_resolve_by_yaml_1_1),
		cmocka_unit_test(quotes_and_tags_decide_over_the_text),
		cmocka_unit_test(scalars_keep_their_text),
		cmocka_unit_test(anchors_and_merges_are_expanded),
		cmocka_unit_test(mistakes_are_located),
		cmocka_unit_test(a_bomb_of_aliases_is_refused),
		cmocka_unit_test(a_bomb_of_depth_is_refused),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(places_are_found),
	};

	return cmocka_run_group_tests_name("base/yaml", tests, NULL, NULL);
}
