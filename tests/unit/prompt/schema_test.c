/* JSON Schema against python3-jsonschema, and what is refused. */
#include "prompt/schema.h"

#include "../parse/table.h"
#include "support.h"

static void judges_as_the_reference_does(void **state)
{
	struct table table;
	unsigned rows = 0;

	(void)state;
	assert_int_equal(table_open(&table, TEST_DATA "/unit/prompt/schema.tsv"), 0);
	while (table_next(&table)) {
		const struct json *schema = parse(table.column[0]);
		const struct json *value = parse(table.column[1]);
		struct schema_finding finding = {0};
		struct err err = {0};
		int wanted = strcmp(table.column[2], "holds") == 0;

		if (schema_check(schema, &err) < 0)
			fail_msg("line %u: %s", table.line, err.msg);
		if (schema_judge(schema, value, arena, &finding, &err) != wanted)
			fail_msg("line %u: %s on %s: the reference says %s", table.line,
				 table.column[0], table.column[1], table.column[2]);
		if (!wanted)
			assert_non_null(finding.expected);
		rows++;
	}
	assert_true(rows > 130);
}

static const char *refusal(const char *schema)
{
	static struct err err;

	err = (struct err){0};
	assert_int_equal(schema_check(parse(schema), &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	return err.msg;
}

static void refuses_what_it_would_not_judge(void **state)
{
	(void)state;
	assert_non_null(strstr(refusal("{\"requires\":[\"a\"]}"), "requires"));
	assert_non_null(strstr(refusal("{\"format\":\"email\"}"), "write a pattern"));
	assert_non_null(strstr(refusal("{\"type\":\"text\"}"), "no such type"));
	assert_non_null(strstr(refusal("{\"type\":[]}"), "type"));
	assert_non_null(strstr(refusal("{\"minLength\":-1}"), "whole number"));
	assert_non_null(strstr(refusal("{\"minLength\":1.5}"), "whole number"));
	assert_non_null(strstr(refusal("{\"multipleOf\":0}"), "above 0"));
	assert_non_null(strstr(refusal("{\"pattern\":\"(\"}"), "pattern"));
	assert_non_null(strstr(refusal("{\"required\":\"a\"}"), "list of names"));
	assert_non_null(strstr(refusal("{\"anyOf\":[]}"), "list of schemas"));
	assert_non_null(strstr(refusal("{\"items\":[{}]}"), "an object"));
	assert_non_null(strstr(refusal("{\"properties\":{\"a\":{\"typ\":1}}}"), "\"typ\" in a"));
	assert_non_null(strstr(refusal("{\"$ref\":\"#/$defs/x\"}"), "leads somewhere"));
	assert_non_null(strstr(refusal("{\"$ref\":\"other.json\"}"), "leads somewhere"));
	assert_non_null(strstr(refusal("3"), "an object"));
}

static void says_where_and_what(void **state)
{
	struct schema_finding finding = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(
		schema_judge(parse("{\"properties\":{\"choices\":{\"items\":{\"properties\":"
				   "{\"the text\":{\"type\":\"string\"}}}}}}"),
			     parse("{\"choices\":[{},{\"the text\":7}]}"), arena, &finding, &err),
		0);
	assert_string_equal(finding.path, "$.choices[1]['the text']");
	assert_string_equal(finding.expected, "of type \"string\"");
	assert_int_equal((int)json_number(finding.value), 7);
}

static void a_schema_that_leads_into_itself_is_an_error(void **state)
{
	struct schema_finding finding = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(schema_judge(parse("{\"$ref\":\"#\"}"), parse("1"), arena, &finding, &err),
			 -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(judges_as_the_reference_does, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_it_would_not_judge, set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_where_and_what, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_schema_that_leads_into_itself_is_an_error, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("prompt/schema", tests, NULL, NULL);
}
