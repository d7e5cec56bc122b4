#include "fake_kind.h"

#include "base/clock.h"
#include "base/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD "{\"assay\": 1, \"name\": \"x\", "

static int parse(const char *text, const struct pairs *vars, struct suite **out, struct err *err)
{
	return suite_parse("a.jsonc", text, strlen(text), vars, NULL, fake_lookup, fake_kinds, NULL,
			   out, err);
}

static struct suite *must_parse(const char *text, const struct pairs *vars)
{
	struct suite *suite = NULL;
	struct err err = {0};

	if (parse(text, vars, &suite, &err) < 0)
		fail_msg("%s", err.msg);
	return suite;
}

/* --- mistakes -------------------------------------------------------------------------------- */

struct mistake {
	const char *text;
	const char *message;
};

static const struct mistake mistakes[] = {
	{"", "a.jsonc:1:1: the document is empty"},
	{"// only\n/* comments */\n", "a.jsonc:1:1: the document is empty"},
	{"{\"name\": \"\xC0\xAF\"}", "a.jsonc:1:11: not valid UTF-8"},
	{"{\"assay\": 1,", "a.jsonc:1:13: expected a key in double quotes, the text ends here"},
	{"[]", "a.jsonc:1:1: expected an object, found a list"},
	{HEAD "\"checks\": [],\n \"name\": \"y\"}", "a.jsonc:2:2: duplicate key \"name\""},
	{"{\"name\": \"x\", \"checks\": []}", "a.jsonc:1:1: the key \"assay\" is missing"},
	{"{\"assay\": 1, \"checks\": []}", "a.jsonc:1:1: the key \"name\" is missing"},
	{HEAD "}", "a.jsonc:1:1: the key \"checks\" is missing"},
	{"{\"assay\": 2, \"future\": [\"${\"]}",
	 "a.jsonc:1:2: assay: this suite needs a newer assay: it is version 2, this one reads "
	 "version 1"},
	{"{\"assay\": 0, \"name\": \"x\", \"checks\": []}", "a.jsonc:1:2: assay: must be 1"},
	{"{\"assay\": \"1\", \"name\": \"x\", \"checks\": []}",
	 "a.jsonc:1:2: assay: expected a number, found a string"},
	{"{\"assay\": 1, \"name\": \"a b\", \"checks\": []}",
	 "a.jsonc:1:14: name: \"a b\": letters, digits, '.', '-' and '_' only, at most 100"},
	{"{\"assay\": 1, \"name\": \"\", \"checks\": []}", "a.jsonc:1:14: name: must not be empty"},
	{HEAD "\n\"chekcs\": []}", "a.jsonc:2:1: chekcs: unknown key, did you mean \"checks\"?"},
	{HEAD "\n\"checks\": {}}",
	 "a.jsonc:2:1: checks: expected a list of objects, found an object"},
	{HEAD "\n\"targets\": [\"RTX 5090\"], \"checks\": []}",
	 "a.jsonc:2:1: targets: \"RTX 5090\" is no target: write it like rtx5090, rtx4090 or "
	 "h100"},
	{HEAD "\"targets\": [\"h100\"],\n\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", "
	      "\"targets\": "
	      "\"h1OO\"}]}",
	 "a.jsonc:2:43: checks[0].targets: \"h1OO\" is no target: write it like rtx5090, rtx4090 "
	 "or "
	 "h100"},
	{HEAD "\"targets\": [\"h100\"],\n\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", "
	      "\"targets\": "
	      "\"h200\"}]}",
	 "a.jsonc:2:43: checks[0].targets: \"h200\" is not among the suite's targets"},
	{HEAD "\n\"targets\": [\"h100\", \"h100\"], \"checks\": []}",
	 "a.jsonc:2:1: targets: \"h100\" is named twice"},
	{HEAD "\n\"image\": {\"bulider\": \"auto\"}, \"checks\": []}",
	 "a.jsonc:2:11: image.bulider: unknown key, did you mean \"builder\"?"},
	{HEAD "\n\"image\": {\"builder\": \"buildkid\"}, \"checks\": []}",
	 "a.jsonc:2:11: image.builder: \"buildkid\" is unknown, did you mean \"buildkit\"?"},
	{HEAD "\"checks\": [\n7]}", "a.jsonc:2:1: checks[0]: expected an object, found a number"},
	{HEAD "\"checks\": [\n{\"kind\": \"plain\"}]}",
	 "a.jsonc:2:1: checks[0]: the key \"name\" is missing"},
	{HEAD "\"checks\": [\n{\"name\": \"a\"}]}",
	 "a.jsonc:2:1: checks[0]: the key \"kind\" is missing"},
	{HEAD "\"checks\": [\n{\"kind\": \"plain\", \"nmae\": \"a\"}]}",
	 "a.jsonc:2:19: checks[0].nmae: unknown key, did you mean \"name\"?"},
	/* Lines and columns are those of the text as written, comments included. */
	{HEAD "// one\n\"checks\": [ /* \xC3\xA9 */\n{\"name\": \"a\", \"kind\": \"plain\"},\n"
	      "{\"name\": \"b\", \"kind\": \"plain\"}, // {\n\n"
	      "    {\"name\": \"c\", \"path\": \"/\", \"knd\": \"probe\"},\n]}",
	 "a.jsonc:6:32: checks[2].knd: unknown key, did you mean \"kind\"?"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": 5}]}",
	 "a.jsonc:2:15: checks[0].kind: expected a string, found a number"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"prob\"}]}",
	 "a.jsonc:2:15: checks[0].kind: unknown kind \"prob\", did you mean \"probe\"?"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"zzz\"}]}",
	 "a.jsonc:2:15: checks[0].kind: unknown kind \"zzz\" (see `assay suite schema`)"},
	{HEAD "\"checks\": [\n{\"name\": 5, \"kind\": \"plain\"}]}",
	 "a.jsonc:2:2: checks[0].name: expected a string, found a number"},
	{HEAD "\"checks\": [\n{\"name\": \"a/b\", \"kind\": \"plain\"}]}",
	 "a.jsonc:2:2: checks[0].name: a name has no '/', '@' or control character"},
	{HEAD "\"checks\": [\n{\"name\": \"a\\nb\", \"kind\": \"plain\"}]}",
	 "a.jsonc:2:2: checks[0].name: a name has no '/', '@' or control character"},
	{HEAD "\"checks\": [\n{\"name\": \"..\", \"kind\": \"plain\"}]}",
	 "a.jsonc:2:2: checks[0].name: a name does not start with '.'"},
	{HEAD "\"checks\": [\n{\"name\": \"build\", \"kind\": \"plain\"}]}",
	 "a.jsonc:2:2: checks[0].name: \"build\" is the build's own case: choose another name"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\"},\n"
	      "{\"name\": \"b\", \"kind\": \"plain\"},\n{\"kind\": \"plain\", \"name\": \"a\"}]}",
	 "a.jsonc:3:19: checks[2].name: duplicate name \"a\", first used by checks[0]"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"plain\", \"path\": \"/\"}]}",
	 "a.jsonc:2:32: checks[0].path: unknown key"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"probe\"}]}",
	 "a.jsonc:2:1: checks[0]: the key \"path\" is missing"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"probe\", \"paht\": \"/\"}]}",
	 "a.jsonc:2:32: checks[0].paht: unknown key, did you mean \"path\"?"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"probe\", \"timeuot\": \"1s\"}]}",
	 "a.jsonc:2:32: checks[0].timeuot: unknown key, did you mean \"timeout\"?"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"plain\", \"timeout\": \"soon\"}]}",
	 "a.jsonc:2:32: checks[0].timeout: \"soon\" is not a duration: write 500ms, 30s, 5m or "
	 "1h"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"plain\", \"timeout\": \"0s\"}]}",
	 "a.jsonc:2:32: checks[0].timeout: must be longer than 0"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"plain\", \"needs\": [\"gpo\"]}]}",
	 "a.jsonc:2:32: checks[0].needs: unknown need \"gpo\"; known needs: gpu"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"plain\", \"tags\": [1]}]}",
	 "a.jsonc:2:41: checks[0].tags[0]: expected a string, found a number"},
	{HEAD
	 "\"checks\": [\n{\"name\": \"a\", \"kind\": \"probe\", \"path\": \"/\", \"count\": 11}]}",
	 "a.jsonc:2:45: checks[0].count: 11 is out of range 1 to 10"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"probe\", \"path\": \"/\", \"any\": 1, "
	      "\"pattern\": \"x\"}]}",
	 "a.jsonc:2:1: checks[0]: \"pattern\" and \"any\" exclude each other"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"plain\", \"expect_failure\": \"\"}]}",
	 "a.jsonc:2:50: checks[0].expect_failure.reason: must not be empty"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"plain\", \"expect_failure\": true}]}",
	 "a.jsonc:2:32: checks[0].expect_failure: expected a string or an object, found true or "
	 "false"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"expect_failure\": "
	      "{\"reason\": \"r\",\n\"labels\": \"file/gone\"}}]}",
	 "a.jsonc:2:1: checks[0].expect_failure.labels: \"file/gone\" is no label (see `assay "
	 "help --labels`)"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"expect_failure\": "
	      "{\"reason\": \"r\",\n\"targets\": \"h100\"}}]}",
	 "a.jsonc:2:1: checks[0].expect_failure.targets: \"h100\" is not among the suite's "
	 "targets"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"expect_failure\": "
	      "{\"reason\": \"r\",\n\"until\": \"2026-02-30\"}}]}",
	 "a.jsonc:2:1: checks[0].expect_failure.until: \"2026-02-30\" is no day: write it like "
	 "2026-12-31"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"references\":\n{}}]}",
	 "a.jsonc:2:1: checks[0].references: expected an object of cells, \"*\" for any"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"references\":\n{\"*\": {}}}]}",
	 "a.jsonc:2:2: checks[0].references.*: expected an object of metrics"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"references\":\n{\"*\": "
	      "{\"n\": 5}}}]}",
	 "a.jsonc:2:2: checks[0].references.*: n: write [value, lower %, upper %, \"unit\"]"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"references\":\n{\"*\": "
	      "{\"n\": [0, -1, 1, \"\"]}}}]}",
	 "a.jsonc:2:2: checks[0].references.*: n: the value is a number other than 0: bounds are "
	 "parts of it"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", "
	      "\"references\":\n{\"a=1,b=2.5\": {\"n\": [1, 1, 1, \"\"]}}}]}",
	 "a.jsonc:2:2: checks[0].references.a=1,b=2.5: n: the lower bound is a percentage of at "
	 "most 0, or null"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"references\":\n{\"*\": "
	      "{\"n\": [1, -1, -1, \"\"]}}}]}",
	 "a.jsonc:2:2: checks[0].references.*: n: the upper bound is a percentage of at least 0, "
	 "or null"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"references\":\n{\"*\": "
	      "{\"n\": [1, null, null, \"\"]}}}]}",
	 "a.jsonc:2:2: checks[0].references.*: n: without bounds nothing is asserted"},
	{HEAD "\"checks\": [{\"name\": \"a\", \"kind\": \"plain\", \"references\":\n{\"*\": "
	      "{\"n\": [1, -1, 1, null]}}}]}",
	 "a.jsonc:2:2: checks[0].references.*: n: the unit is a string, \"\" for none"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"plain\", \"reruns\": 21}]}",
	 "a.jsonc:2:32: checks[0].reruns: 21 is out of range 0 to 20"},
	{HEAD "\"checks\": [\n{\"name\": \"${ASSAY_TEST_UNSET}\", \"kind\": \"plain\"}]}",
	 "a.jsonc:2:2: checks[0].name: ${ASSAY_TEST_UNSET} is not set: give --var NAME=VALUE or "
	 "set it in the environment"},
	{HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"probe\", \"path\": \"/\",\n"
	      "\"words\": [\"w\", \"${ASSAY_TEST_UNSET}\"]}]}",
	 "a.jsonc:3:16: checks[0].words[1]: ${ASSAY_TEST_UNSET} is not set: give --var "
	 "NAME=VALUE or set it in the environment"},
	{HEAD "\"description\": \"${\", \"checks\": []}",
	 "a.jsonc:1:27: description: write ${NAME}, or $${ for a literal ${"},
	{HEAD "\"description\": \"${A B}\", \"checks\": []}",
	 "a.jsonc:1:27: description: write ${NAME}, or $${ for a literal ${"},
	{HEAD "\"description\": \"${1A}\", \"checks\": []}",
	 "a.jsonc:1:27: description: write ${NAME}, or $${ for a literal ${"},
};

static void finds_the_mistake(void **state)
{
	const struct mistake *row = *state;
	struct suite *suite = NULL;
	struct err err = {0};

	assert_int_equal(parse(row->text, NULL, &suite, &err), -1);
	assert_string_equal(err.msg, row->message);
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(suite);
}

static void a_bad_pattern_is_located(void **state)
{
	static const char start[] =
		"a.jsonc:2:45: checks[0].pattern: bad pattern '(' at offset 1: ";
	struct suite *suite = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(parse(HEAD "\"checks\": [\n{\"name\": \"a\", \"kind\": \"probe\", "
				    "\"path\": \"/\", \"pattern\": \"(\"}]}",
			       NULL, &suite, &err),
			 -1);
	assert_int_equal(strncmp(err.msg, start, sizeof(start) - 1), 0);
}

static void ten_megabytes_of_brackets_are_one_quick_error(void **state)
{
	const size_t len = 10 * 1000 * 1000;
	char *text = malloc(len);
	struct suite *suite = NULL;
	struct err err = {0};
	uint64_t start = clock_ns();

	(void)state;
	assert_non_null(text);
	memset(text, '[', len);
	assert_int_equal(suite_parse("a.jsonc", text, len, NULL, NULL, fake_lookup, fake_kinds,
				     NULL, &suite, &err),
			 -1);
	assert_string_equal(err.msg, "a.jsonc:1:1: larger than 1 MiB");
	assert_int_equal(suite_parse("a.jsonc", text, SUITE_BYTES_MAX, NULL, NULL, fake_lookup,
				     fake_kinds, NULL, &suite, &err),
			 -1);
	assert_string_equal(err.msg, "a.jsonc:1:65: nested deeper than 64 levels");
	assert_true(clock_ns() - start < 5 * NS_PER_S);
	free(text);
}

static void names_have_at_most_100_bytes(void **state)
{
	char text[300], name[102];
	struct suite *suite = NULL;
	struct err err = {0};

	(void)state;
	memset(name, 'n', 101);
	name[101] = '\0';
	for (int extra = 1; extra >= 0; extra--) {
		(void)snprintf(text, sizeof(text),
			       HEAD "\"checks\": [{\"name\": \"%s\", \"kind\": \"plain\"}]}",
			       name + 1 - extra);
		assert_int_equal(parse(text, NULL, &suite, &err), extra ? -1 : 0);
	}
	assert_string_equal(err.msg, "a.jsonc:1:39: checks[0].name: a name has at most 100 bytes");
	suite_free(suite);
}

static char *many_checks(size_t count)
{
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	buf_addstr(&text, HEAD "\"checks\": [");
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "{\"name\": \"check-%zu\", \"kind\": \"plain\"},", i);
	buf_addstr(&text, "]}");
	return text.data;
}

static void ten_thousand_checks_load_and_one_more_does_not(void **state)
{
	char *text = many_checks(SUITE_CHECKS_MAX);
	struct suite *suite = must_parse(text, NULL);
	struct err err = {0};

	(void)state;
	assert_int_equal(suite->check_count, SUITE_CHECKS_MAX);
	suite_free(suite);
	free(text);
	text = many_checks(SUITE_CHECKS_MAX + 1);
	assert_int_equal(parse(text, NULL, &suite, &err), -1);
	assert_string_equal(err.msg, "a.jsonc:1:27: checks: 10001 checks, at most 10000");
	free(text);
}

/* --- what is loaded -------------------------------------------------------------------------- */

static void a_small_suite_has_every_default(void **state)
{
	struct suite *suite = must_parse(HEAD "\"$schema\": \"http://x\", \"checks\": [{\"name\": "
					      "\"a\", \"kind\": \"probe\", \"path\": \"/p\"}]}",
					 NULL);
	const struct suite_check *check = &suite->checks[0];
	const struct probe *probe = check->spec;

	(void)state;
	assert_string_equal(suite->file, "a.jsonc");
	assert_string_equal(suite->name, "x");
	assert_null(suite->description);
	assert_int_equal(suite->targets.count, 0);
	assert_string_equal(suite->image->dockerfile, "Dockerfile");
	assert_string_equal(suite->image->context, ".");
	assert_string_equal(suite->image->network, "none");
	assert_int_equal(suite->image->builder, SUITE_BUILDER_AUTO);
	assert_true(suite->image->timeout_ns == 3600 * NS_PER_S);
	assert_false(suite->image->pull);
	assert_int_equal(suite->check_count, 1);
	assert_string_equal(check->name, "a");
	assert_string_equal(check->kind, "probe");
	assert_string_equal(check->path, "checks[0]");
	assert_true(check->timeout_ns == 60 * NS_PER_S);
	assert_int_equal(check->output_max, 1024 * 1024);
	assert_false(check->isolated);
	assert_false(check->optional);
	assert_string_equal(probe->path, "/p");
	assert_int_equal(probe->count, 3);
	assert_null(probe->any);
	suite_free(suite);
}

static void every_key_arrives(void **state)
{
	struct suite *suite = must_parse(
		HEAD "\"description\": \"d\", \"targets\": [\"rtx5090\", \"h100\"], \"image\": {"
		     "\"dockerfile\": \"D\", \"context\": \"c\", \"args\": {\"A\": \"1\"}, "
		     "\"labels\": {\"l\": \"v\"}, \"target\": \"t\", \"network\": \"host\", "
		     "\"builder\": \"buildkit\", \"timeout\": \"5m\", \"secrets\": \"id=a,env=B\", "
		     "\"pull\": true}, \"rerun_failures\": true, \"checks\": [{\"name\": \"a\", "
		     "\"kind\": \"probe\", "
		     "\"tags\": [\"fast\"], \"targets\": \"h100\", \"needs\": [\"gpu\"], "
		     "\"timeout\": \"2s\", \"output_max\": \"10KiB\", \"isolated\": true, "
		     "\"optional\": true, \"expect_failure\": {\"reason\": \"r\", \"labels\": "
		     "\"file/missing\", \"targets\": [\"h100\"], \"until\": \"2026-12-31\"}, "
		     "\"reruns\": 3, \"references\": {\"*\": {\"n\": [100, null, 5.5, \"ms\"]}}, "
		     "\"path\": \"/\", \"any\": {\"deep\": [1]}}]}",
		NULL);
	const struct suite_image *image = suite->image;
	const struct suite_check *check = &suite->checks[0];
	const struct probe *probe = check->spec;

	(void)state;
	assert_string_equal(suite->description, "d");
	assert_string_equal(suite->targets.items[1], "h100");
	assert_string_equal(image->dockerfile, "D");
	assert_string_equal(image->context, "c");
	assert_string_equal(image->args.items[0].value, "1");
	assert_string_equal(image->labels.items[0].key, "l");
	assert_string_equal(image->target, "t");
	assert_string_equal(image->network, "host");
	assert_int_equal(image->builder, SUITE_BUILDER_BUILDKIT);
	assert_true(image->timeout_ns == 300 * NS_PER_S);
	assert_string_equal(image->secrets.items[0], "id=a,env=B");
	assert_true(image->pull);
	assert_true(suite->rerun_failures);
	assert_string_equal(check->tags.items[0], "fast");
	assert_string_equal(check->targets.items[0], "h100");
	assert_string_equal(check->needs.items[0], "gpu");
	assert_true(check->timeout_ns == 2 * NS_PER_S);
	assert_int_equal(check->output_max, 10240);
	assert_true(check->isolated);
	assert_true(check->optional);
	assert_string_equal(check->expect_failure->reason, "r");
	assert_string_equal(check->expect_failure->labels.items[0], "file/missing");
	assert_string_equal(check->expect_failure->targets.items[0], "h100");
	assert_string_equal(check->expect_failure->until, "2026-12-31");
	assert_int_equal(check->reruns, 3);
	assert_int_equal(check->references.count, 1);
	assert_string_equal(check->references.items[0].cell, "*");
	assert_string_equal(check->references.items[0].metric, "n");
	assert_true(check->references.items[0].value == 100);
	assert_true(isnan(check->references.items[0].lower));
	assert_true(check->references.items[0].upper == 5.5);
	assert_string_equal(check->references.items[0].unit, "ms");
	assert_int_equal(json_size(json_get(probe->any, "deep")), 1);
	suite_free(suite);
}

static void an_empty_list_of_checks_loads(void **state)
{
	struct suite *suite = must_parse(HEAD "\"checks\": []}", NULL);

	(void)state;
	assert_int_equal(suite->check_count, 0);
	suite_free(suite);
}

/* --- variables ------------------------------------------------------------------------------- */

#define WITH_PATH(path)                                                                            \
	HEAD "/* ${ASSAY_TEST_UNSET} */ \"checks\": [{\"name\": \"a\", \"kind\": \"probe\", "      \
	     "\"path\": \"" path "\"}]}"

static void expect_path(const char *text, const struct pairs *vars, const char *want)
{
	struct suite *suite = must_parse(text, vars);

	assert_string_equal(((const struct probe *)suite->checks[0].spec)->path, want);
	suite_free(suite);
}

static void variables_are_replaced_once(void **state)
{
	struct pair pair[] = {{"A", "${B} \"\\\n"}, {"EMPTY", ""}};
	struct pairs vars = {pair, 2};

	(void)state;
	assert_int_equal(setenv("ASSAY_TEST_VAR", "from env", 1), 0);
	expect_path(WITH_PATH("<${A}>"), &vars, "<${B} \"\\\n>");
	expect_path(WITH_PATH("${ASSAY_TEST_VAR}${EMPTY}!"), &vars, "from env!");
	expect_path(WITH_PATH("$${A} $A $ $$ 5$"), &vars, "${A} $A $ $$ 5$");
	expect_path(WITH_PATH("\\u0024{A}"), &vars, "${B} \"\\\n");
}

static void a_given_value_wins_over_the_environment(void **state)
{
	struct pair pair = {"ASSAY_TEST_VAR", "given"};
	struct pairs vars = {&pair, 1};

	(void)state;
	assert_int_equal(setenv("ASSAY_TEST_VAR", "from env", 1), 0);
	expect_path(WITH_PATH("${ASSAY_TEST_VAR}"), &vars, "given");
}

static void a_value_cannot_add_keys_and_is_checked_like_text(void **state)
{
	struct pair pair = {"A", "\", \"count\": \""};
	struct pairs vars = {&pair, 1};
	struct suite *suite = NULL;
	struct err err = {0};

	(void)state;
	expect_path(WITH_PATH("${A}"), &vars, pair.value);
	pair.value = "";
	assert_int_equal(parse(WITH_PATH("${A}"), &vars, &suite, &err), -1);
	assert_string_equal(err.msg, "a.jsonc:1:95: checks[0].path: must not be empty");
}

static void variables_cannot_grow_without_bound(void **state)
{
	size_t len = SUITE_BYTES_MAX;
	char *value = malloc(len + 1);
	struct pair pair = {"A", value};
	struct pairs vars = {&pair, 1};
	struct suite *suite = NULL;
	struct err err = {0};

	(void)state;
	assert_non_null(value);
	memset(value, 'v', len);
	value[len] = '\0';
	assert_int_equal(parse(HEAD "\"description\": \"${A}${A}${A}${A}${A}\", \"checks\": []}",
			       &vars, &suite, &err),
			 -1);
	assert_string_equal(
		err.msg, "a.jsonc:1:27: description: variables make the suite larger than 4 MiB");
	free(value);
}

static void hash_of(const char *text, const char *value, char out[65])
{
	struct pair pair[] = {{"A", value}, {"UNUSED", value}};
	struct pairs vars = {pair, 2};
	struct suite *suite = must_parse(text, &vars);

	assert_int_equal(strlen(suite->hash), 64);
	memcpy(out, suite->hash, 65);
	suite_free(suite);
}

static void the_hash_covers_bytes_and_used_variables(void **state)
{
	char one[65], two[65];

	(void)state;
	hash_of(WITH_PATH("${A}"), "1", one);
	hash_of(WITH_PATH("${A}"), "1", two);
	assert_string_equal(one, two);
	hash_of(WITH_PATH("${A}"), "2", two);
	assert_string_not_equal(one, two);
	hash_of(WITH_PATH("${A}") " ", "1", two);
	assert_string_not_equal(one, two);
	hash_of(WITH_PATH("p"), "1", one);
	hash_of(WITH_PATH("p"), "2", two);
	assert_string_equal(one, two);
}

/* --- selection ------------------------------------------------------------------------------- */

static size_t select_names(const char *word, const char *more, char *kept, size_t size)
{
	struct suite *suite = must_parse(
		HEAD
		"\"checks\": [{\"name\": \"torch\", \"kind\": \"plain\", \"tags\": [\"fast\"]},"
		"{\"name\": \"torch-arch\", \"kind\": \"plain\"},"
		"{\"name\": \"a[1]\", \"kind\": \"plain\", \"tags\": [\"slow\", \"gpu\"]}]}",
		NULL);
	const char *words[] = {word, more};
	size_t count = suite_select(suite, words, more ? 2 : 1), used = 0;

	assert_int_equal(count, suite->check_count);
	kept[0] = '\0';
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(kept + used, size - used, "%s ", suite->checks[i].name);
	suite_free(suite);
	return count;
}

static void selects_by_name_tag_and_wildcard(void **state)
{
	char kept[100];

	(void)state;
	assert_int_equal(select_names("torch", NULL, kept, sizeof(kept)), 1);
	assert_string_equal(kept, "torch ");
	select_names("torch*", NULL, kept, sizeof(kept));
	assert_string_equal(kept, "torch torch-arch ");
	select_names("torch?arch", NULL, kept, sizeof(kept));
	assert_string_equal(kept, "torch-arch ");
	select_names("gpu", "torch", kept, sizeof(kept));
	assert_string_equal(kept, "torch a[1] ");
	select_names("a[1]", NULL, kept, sizeof(kept));
	assert_string_equal(kept, "a[1] ");
	assert_int_equal(select_names("tor", NULL, kept, sizeof(kept)), 0);
}

/* --- files that checks name ------------------------------------------------------------------ */

struct filed {
	const char *path;
	const char *text;
};

static const struct field filed_fields[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct filed, path),
	 .required = true,
	 .help = "a file"},
	{.name = NULL},
};

static int load_filed(void *data, const struct file_reader *files, struct arena *arena,
		      struct err *err)
{
	struct filed *spec = data;
	struct buf text;
	int rc;

	buf_init(&text, 1000);
	rc = files->read(files->self, spec->path, &text, err);
	if (rc == 0)
		spec->text = arena_strdup(arena, buf_str(&text));
	buf_done(&text);
	return rc;
}

static bool filed_lookup(const char *kind, struct suite_kind *out, void *payload)
{
	(void)payload;
	*out = (struct suite_kind){filed_fields, sizeof(struct filed), NULL, load_filed};
	return strcmp(kind, "filed") == 0;
}

static int read_fake(void *self, const char *path, struct buf *out, struct err *err)
{
	if (strcmp(path, "nosuch") == 0)
		return err_set(err, ERR_NOTFOUND, "no nosuch here");
	if (strcmp(path, "broken") == 0)
		return err_set(err, ERR_INFRA, "the disk is gone");
	buf_addstr(out, self);
	return 0;
}

static int parse_filed(const char *path, const char *content, struct suite **out, struct err *err)
{
	static const char *const kinds[] = {"filed", NULL};
	const struct file_reader files = {read_fake, (void *)content};
	char text[300];

	(void)snprintf(text, sizeof(text),
		       "{\"assay\": 1, \"name\": \"s\", \"checks\": [\n{\"name\": \"a\", "
		       "\"kind\": \"filed\", \"path\": \"%s\"}]}",
		       path);
	return suite_parse("a.jsonc", text, strlen(text), NULL, content ? &files : NULL,
			   filed_lookup, kinds, NULL, out, err);
}

static void a_named_file_is_read_and_hashed(void **state)
{
	struct suite *one = NULL, *two = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(parse_filed("sub/f", "one", &one, &err), 0);
	assert_string_equal(((const struct filed *)one->checks[0].spec)->text, "one");
	assert_int_equal(parse_filed("sub/f", "two", &two, &err), 0);
	assert_string_not_equal(one->hash, two->hash);
	suite_free(one);
	suite_free(two);
}

static void a_file_that_cannot_be_had_is_located(void **state)
{
	static const char *const rows[][2] = {{"nosuch", "a.jsonc:2:1: checks[0]: no nosuch here"},
					      {"/etc/passwd", "not below the suite's folder"},
					      {"a/../../b", "not below the suite's folder"},
					      {"..", "not below the suite's folder"},
					      {"", "not below the suite's folder"}};
	struct suite *suite = NULL;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(parse_filed(rows[i][0], "x", &suite, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_non_null(strstr(err.msg, rows[i][1]));
	}
	assert_int_equal(parse_filed("f", NULL, &suite, &err), -1);
	assert_non_null(strstr(err.msg, "files cannot be read here"));
	assert_int_equal(parse_filed("broken", "x", &suite, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_null(suite);
}

int main(void)
{
	enum { ROWS = sizeof(mistakes) / sizeof(*mistakes) };
	static struct CMUnitTest rows[ROWS];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_pattern_is_located),
		cmocka_unit_test(ten_megabytes_of_brackets_are_one_quick_error),
		cmocka_unit_test(names_have_at_most_100_bytes),
		cmocka_unit_test(ten_thousand_checks_load_and_one_more_does_not),
		cmocka_unit_test(a_small_suite_has_every_default),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(an_empty_list_of_checks_loads),
		cmocka_unit_test(variables_are_replaced_once),
		cmocka_unit_test(a_given_value_wins_over_the_environment),
		cmocka_unit_test(a_value_cannot_add_keys_and_is_checked_like_text),
		cmocka_unit_test(variables_cannot_grow_without_bound),
		cmocka_unit_test(the_hash_covers_bytes_and_used_variables),
		cmocka_unit_test(selects_by_name_tag_and_wildcard),
		cmocka_unit_test(a_named_file_is_read_and_hashed),
		cmocka_unit_test(a_file_that_cannot_be_had_is_located),
	};
	int failed;

	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct CMUnitTest){.name = mistakes[i].message,
					      .test_func = finds_the_mistake,
					      .initial_state = (void *)(uintptr_t)&mistakes[i]};
	failed = cmocka_run_group_tests_name("suite/suite mistakes", rows, NULL, NULL);
	return failed + cmocka_run_group_tests_name("suite/suite", tests, NULL, NULL);
}
