#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "{\"policy\": 1, \"name\": \"p\", \"suites\": \"s\", "

static void refused(const char *text, const char *why)
{
	struct policy *policy = NULL;
	struct err err = {0};

	assert_int_equal(policy_parse("gate.jsonc", text, strlen(text), &policy, &err), -1);
	assert_null(policy);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, why) || strncmp(err.msg, "gate.jsonc:", 11) != 0)
		fail_msg("expected \"%s\" in: %s", why, err.msg);
}

static void a_policy_that_requires_nothing_is_refused(void **state)
{
	(void)state;
	refused(HEAD "\"require\": []}", "must not be empty");
	refused("{\"policy\": 1, \"name\": \"p\", \"suites\": \"s\"}", "require");
	refused("{\"policy\": 1, \"name\": \"p\", \"suites\": [], \"require\": [{\"tag\": "
		"\"x\"}]}",
		"must not be empty");
}

static void mistakes_are_located(void **state)
{
	(void)state;
	refused("{\"policy\": 2}", "needs a newer assay");
	refused("[]", "expected an object");
	refused(HEAD "\"require\": [{}]}", "either \"check\" or \"tag\"");
	refused(HEAD "\"require\": [{\"check\": \"a\", \"tag\": \"b\"}]}", "either");
	refused(HEAD "\n\"requires\": []}", "did you mean \"require\"");
	refused(HEAD "\"require\": [{\"tag\": \"x\"}], \"opens_on\": [\"empty\"]}",
		"\"empty\" is none of pass");
	refused(HEAD "\"require\": [{\"tag\": \"x\"}], \"max_age\": {\"kernel\": \"30d\"}}",
		"not a duration");
	refused(HEAD "\"require\": [{\"tag\": \"x\"}], \"signers\": [{\"name\": \"a\", \"key\": "
		     "\"k\", \"may\": [\"deploy\"]}]}",
		"\"deploy\" is none of attest, waive");
	refused(HEAD "\"require\": [{\"tag\": \"x\"}], \"metrics\": [{\"check\": \"a\", "
		     "\"metric\": \"m\", \"direction\": \"up\", \"limit\": 1}]}",
		"\"up\" is none of higher, lower");
}

static void defaults_are_strict(void **state)
{
	static const char text[] = HEAD "// a comment\n\"require\": [{\"tag\": \"x\"}]}";
	struct policy *policy = NULL;
	struct err err = {0};
	char hash[DIGEST_HEX];

	(void)state;
	assert_int_equal(policy_parse("p", text, strlen(text), &policy, &err), 0);
	assert_int_equal(policy->opens_on.count, 1);
	assert_string_equal(policy->opens_on.items[0], "pass");
	assert_int_equal(policy->skip, POLICY_SKIP_CLOSED);
	assert_int_equal(policy->after_fail, POLICY_AFTER_FAIL_CLOSED);
	assert_false(policy->advisory);
	digest_of(text, strlen(text), hash);
	assert_string_equal(policy->hash, hash);
	policy_free(policy);
}

static void every_key_has_a_sentence_and_is_in_the_schema(void **state)
{
	struct json *schema = policy_schema();
	const struct json *properties = json_get(schema, "properties");

	(void)state;
	for (const struct field *field = policy_fields; field->name; field++) {
		assert_true(field->help && *field->help);
		assert_non_null(json_get(properties, field->name));
		for (const struct field *sub = field->fields; sub && sub->name; sub++)
			assert_true(sub->help && *sub->help);
	}
	json_free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_that_requires_nothing_is_refused),
		cmocka_unit_test(mistakes_are_located),
		cmocka_unit_test(defaults_are_strict),
		cmocka_unit_test(every_key_has_a_sentence_and_is_in_the_schema),
	};

	return cmocka_run_group_tests_name("policy/load", tests, NULL, NULL);
}
