/* What must hold of an answer: each assertion, by itself and together. */
#include "prompt/expect.h"

#include "support.h"

#include <stdio.h>

static const char body[] =
	"{\"id\":\"c-1\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"The "
	"capital "
	"is "
	"Paris.\"},\"finish_reason\":\"stop\"}],\"usage\":{\"completion_tokens\":5},\"score\":0.5}";
static const char heads[] =
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Served-By: a1 \r\n\r\n";

static struct expect_findings findings;
static struct err err;

static void judge_answer(const char *expect_text, const char *answer_body, int status,
			 const char *golden)
{
	const struct json *document = parse(answer_body);
	struct prompt_reply reply;
	struct expect expect = {0};
	struct expect_answer answer = {.status = status,
				       .headers = heads,
				       .body = answer_body,
				       .body_len = strlen(answer_body),
				       .document = document,
				       .reply = &reply,
				       .golden = golden};

	err = (struct err){0};
	findings = (struct expect_findings){0};
	load(expect_fields, expect_text, &expect);
	if (expect_validate(&expect, "expect", &err) < 0)
		fail_msg("%s: %s", expect_text, err.msg);
	reply_read(PROMPT_OPENAI_CHAT, NULL, document, arena, &reply);
	assert_int_equal(expect_judge(&expect, &answer, arena, &findings, &err), 0);
}

static void judge(const char *expect_text)
{
	judge_answer(expect_text, body, 200, NULL);
}

static void what_holds_finds_nothing(void **state)
{
	static const char *const rows[] = {
		"{\"status\":200}",
		"{\"headers\":[{\"name\":\"content-type\",\"equals\":\"application/json\"}]}",
		"{\"headers\":[{\"name\":\"x-served-by\",\"equals\":\"a1\",\"matches\":\"^a\"}]}",
		"{\"headers\":[{\"name\":\"x-none\",\"exists\":false}]}",
		"{\"json\":[{\"path\":\"$.choices[0].message.role\",\"equals\":\"assistant\","
		"\"type\":"
		"\"string\"}]}",
		"{\"json\":[{\"path\":\"$.score\",\"near\":0.49,\"tolerance\":0.02}]}",
		"{\"json\":[{\"path\":\"$.score\",\"near\":0.48,\"relative\":0.05}]}",
		"{\"json\":[{\"path\":\"$.score\",\"min\":0.5,\"max\":0.5}]}",
		"{\"json\":[{\"path\":\"$.choices\",\"length_min\":1,\"length_max\":1}]}",
		"{\"json\":[{\"path\":\"$.error\",\"exists\":false}]}",
		"{\"schema\":{\"type\":\"object\",\"required\":[\"choices\",\"usage\"]}}",
		"{\"contains\":[\"Paris\",\"capital\"]}",
		"{\"not_contains\":\"London\"}",
		"{\"matches\":\"Paris\\\\.$\",\"not_matches\":\"^The London\"}",
		"{\"equals\":\"  The capital is Paris.\\n\"}",
		"{\"finish\":\"stop\"}",
		"{\"tokens_min\":5,\"tokens_max\":5}",
		"{\"similar\":{\"to\":\"the capital is paris\",\"min\":1}}",
		"{\"similar\":{\"to\":\"Paris is the capital\",\"min\":0.3}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		judge(rows[i]);
		if (findings.count)
			fail_msg("%s: %s, %s", rows[i], findings.items[0].expected,
				 findings.items[0].actual);
	}
}

static void what_does_not_hold_is_one_line(void **state)
{
	static const struct {
		const char *expect, *label, *where, *expected, *actual;
	} rows[] = {
		{"{\"status\":201}", "prompt/status", "status", "201", "200"},
		{"{\"headers\":[{\"name\":\"content-type\",\"contains\":\"event-stream\"}]}",
		 "prompt/header-mismatch", "header content-type", "a value with 'event-stream'",
		 "'application/json'"},
		{"{\"headers\":[{\"name\":\"x-none\",\"exists\":true}]}", "prompt/header-mismatch",
		 "header x-none", "such a header", "none"},
		{"{\"json\":[{\"path\":\"$.id\",\"type\":\"number\"}]}", "prompt/json-mismatch",
		 "$.id", "a number", "\"c-1\""},
		{"{\"json\":[{\"path\":\"$.none\",\"exists\":true}]}", "prompt/json-mismatch",
		 "$.none", "a value", "nothing"},
		{"{\"json\":[{\"path\":\"$.score\",\"equals\":\"0.5\"}]}", "prompt/json-mismatch",
		 "$.score", "\"0.5\"", "0.5"},
		{"{\"json\":[{\"path\":\"$.score\",\"near\":0.7,\"tolerance\":0.1}]}",
		 "prompt/number-out-of-range", "$.score", "0.7, give or take 0.1", "0.5"},
		{"{\"json\":[{\"path\":\"$.id\",\"min\":1}]}", "prompt/number-out-of-range", "$.id",
		 "a number of at least 1", "\"c-1\""},
		{"{\"json\":[{\"path\":\"$.choices\",\"length_min\":2}]}", "prompt/json-mismatch",
		 "$.choices", "a length of at least 2, it is 1", NULL},
		{"{\"schema\":{\"properties\":{\"usage\":{\"required\":[\"total_tokens\"]}}}}",
		 "prompt/schema-violation", "$.usage.total_tokens", "a value", "nothing"},
		{"{\"contains\":\"London\"}", "prompt/text-mismatch", "the text",
		 "a text with 'London'", "'The capital is Paris.'"},
		{"{\"not_contains\":\"Paris\"}", "prompt/text-mismatch", "the text", "no 'Paris'",
		 NULL},
		{"{\"matches\":\"^Paris\"}", "prompt/text-mismatch", "the text",
		 "a match of /^Paris/", NULL},
		{"{\"not_matches\":\"Par.s\"}", "prompt/text-mismatch", "the text",
		 "no match of /Par.s/", NULL},
		{"{\"equals\":\"Paris\"}", "prompt/text-mismatch", "the text", "'Paris'", NULL},
		{"{\"finish\":\"length\"}", "prompt/finish-reason", "the finish reason", "'length'",
		 "'stop'"},
		{"{\"tokens_min\":6}", "prompt/token-count", "the count of tokens", "at least 6",
		 "5"},
		{"{\"tokens_max\":4}", "prompt/token-count", "the count of tokens", "at most 4",
		 "5"},
		{"{\"similar\":{\"to\":\"bananas are yellow\",\"min\":0.2}}", "prompt/not-similar",
		 "the text", NULL, NULL},
		{"{\"golden\":true}", "prompt/golden-missing", "the golden file", NULL, "none"},
		{"{\"json\":[{\"path\":\"$\",\"exists\":true}],\"json_of\":\"text\"}",
		 "prompt/not-json", "the text", "a JSON document", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct expect_finding *found;

		judge(rows[i].expect);
		if (findings.count != 1)
			fail_msg("%s: %zu findings", rows[i].expect, findings.count);
		found = &findings.items[0];
		assert_string_equal(found->label, rows[i].label);
		assert_string_equal(found->where, rows[i].where);
		if (rows[i].expected)
			assert_string_equal(found->expected, rows[i].expected);
		if (rows[i].actual)
			assert_string_equal(found->actual, rows[i].actual);
	}
}

static void a_golden_is_exact(void **state)
{
	(void)state;
	judge_answer("{\"golden\":true}", body, 200, "The capital is Paris.");
	assert_int_equal(findings.count, 0);
	judge_answer("{\"golden\":true}", body, 200, "The capital is Paris. ");
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.items[0].label, "prompt/golden-differs");
	judge_answer("{\"similar\":{\"min\":0.9}}", body, 200, "The capital is Paris");
	assert_int_equal(findings.count, 0);
}

static void a_wrong_status_hides_no_other_finding(void **state)
{
	(void)state;
	judge_answer("{\"contains\":\"x\",\"finish\":\"stop\"}", "{\"detail\":\"no\"}", 500, NULL);
	assert_int_equal(findings.count, 3);
	assert_string_equal(findings.items[0].label, "prompt/status");
	assert_string_equal(findings.items[1].label, "prompt/no-text");
	assert_string_equal(findings.items[2].label, "prompt/finish-reason");
}

static void an_error_object_of_status_200_is_a_finding(void **state)
{
	(void)state;
	judge_answer("{\"json\":[{\"path\":\"$.error\",\"exists\":true}]}",
		     "{\"error\":{\"message\":\"boom\"}}", 200, NULL);
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.items[0].label, "prompt/error-in-reply");
	judge_answer("{\"status\":503}", "{\"error\":{\"message\":\"boom\"}}", 503, NULL);
	assert_int_equal(findings.count, 0);
}

static void generated_json_is_judged_as_json(void **state)
{
	static const char answer[] =
		"{\"choices\":[{\"message\":{\"content\":\"{\\\"action\\\":\\\"go\\\"}\"}}]}";

	(void)state;
	judge_answer("{\"json_of\":\"text\",\"json\":[{\"path\":\"$.action\",\"equals\":\"go\"}],"
		     "\"schema\":{\"required\":[\"action\"]}}",
		     answer, 200, NULL);
	assert_int_equal(findings.count, 0);
}

static void refuses_what_asserts_nothing_or_contradicts_itself(void **state)
{
	static const char *const rows[] = {
		"{}",
		"{\"deterministic\":false}",
		"{\"json\":[{\"path\":\"$.a\"}]}",
		"{\"json\":[{\"path\":\"$.a\",\"exists\":false,\"equals\":1}]}",
		"{\"json\":[{\"path\":\"$.a\",\"type\":\"string\",\"min\":1}]}",
		"{\"json\":[{\"path\":\"$.a\",\"min\":2,\"max\":1}]}",
		"{\"json\":[{\"path\":\"$.a\",\"near\":2}]}",
		"{\"json\":[{\"path\":\"$.a\",\"tolerance\":2}]}",
		"{\"json\":[{\"path\":\"$..a\",\"exists\":true}]}",
		"{\"json\":[{\"path\":\"$.a\",\"length_min\":3,\"length_max\":1}]}",
		"{\"headers\":[{\"name\":\"a\"}]}",
		"{\"headers\":[{\"name\":\"a\",\"exists\":false,\"equals\":\"x\"}]}",
		"{\"schema\":{\"typ\":\"string\"}}",
		"{\"equals\":\"a\",\"contains\":\"b\"}",
		"{\"equals\":\"ab\",\"not_contains\":\"b\"}",
		"{\"contains\":\"a\",\"not_contains\":\"a\"}",
		"{\"tokens_min\":3,\"tokens_max\":2}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct expect expect = {0};

		err = (struct err){0};
		load(expect_fields, rows[i], &expect);
		if (expect_validate(&expect, "expect", &err) == 0)
			fail_msg("%s is taken", rows[i]);
		assert_int_equal(err.code, ERR_USAGE);
	}
}

static void likeness_is_the_f1_of_word_pairs(void **state)
{
	(void)state;
	/* "the cat", "cat sat" and "the cat", "cat ran": one of two on both sides. */
	assert_true(expect_similarity("The cat sat", "the cat, ran!", 2, arena) > 0.499);
	assert_true(expect_similarity("The cat sat", "the cat, ran!", 2, arena) < 0.501);
	assert_true(expect_similarity("", "", 2, arena) > 0.99);
	assert_true(expect_similarity("", "word", 2, arena) < 0.01);
	assert_true(expect_similarity("word", "Word.", 2, arena) > 0.99);
	/* A word said three times is like one said once, once: 2*1/(1+3). */
	assert_true(expect_similarity("a", "a a a", 1, arena) < 0.501);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_holds_finds_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_does_not_hold_is_one_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_golden_is_exact, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wrong_status_hides_no_other_finding, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_error_object_of_status_200_is_a_finding, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(generated_json_is_judged_as_json, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_asserts_nothing_or_contradicts_itself,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(likeness_is_the_f1_of_word_pairs, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("prompt/expect", tests, NULL, NULL);
}
