/* What was generated, from whole answers and from streams. */
#include "prompt/reply.h"

#include "support.h"

static struct prompt_reply read_as(enum prompt_format format, const char *path, const char *text)
{
	struct prompt_reply reply;

	reply_read(format, path, parse(text), arena, &reply);
	return reply;
}

static void finds_the_text_of_each_template(void **state)
{
	static const struct {
		enum prompt_format format;
		const char *body, *text;
	} rows[] = {
		{PROMPT_OPENAI_CHAT,
		 "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"hi\"}}]}", "hi"},
		{PROMPT_OPENAI_CHAT, "{\"choices\":[{\"message\":{\"content\":null}}]}", NULL},
		{PROMPT_OPENAI_CHAT, "{\"choices\":[],\"output\":\"not this\"}", NULL},
		{PROMPT_OPENAI_CHAT, "{\"output\":\"not this\"}", NULL},
		{PROMPT_OPENAI_COMPLETIONS, "{\"choices\":[{\"text\":\"hi\"}]}", "hi"},
		{PROMPT_FASTAPI, "{\"success\":true,\"output\":\"hi\"}", "hi"},
		{PROMPT_FASTAPI, "{\"success\":true,\"output\":{\"action\":\"go\"}}",
		 "{\"action\":\"go\"}"},
		{PROMPT_FASTAPI, "{\"generated_text\":\"hi\"}", "hi"},
		{PROMPT_FASTAPI, "\"hi\"", "hi"},
		{PROMPT_FASTAPI, "{\"detail\":\"no\"}", NULL},
		{PROMPT_RUNPOD_SYNC, "{\"status\":\"COMPLETED\",\"output\":\"hi\"}", "hi"},
		{PROMPT_RUNPOD_SYNC, "{\"status\":\"COMPLETED\",\"output\":[\"h\",\"i\"]}", "hi"},
		{PROMPT_RUNPOD_ASYNC, "{\"output\":[{\"choices\":[{\"tokens\":[\"h\",\"i\"]}]}]}",
		 "hi"},
		{PROMPT_RUNPOD_ASYNC,
		 "{\"output\":{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}}", "hi"},
		{PROMPT_RUNPOD_SYNC, "{\"output\":{\"score\":0.5}}", "{\"score\":0.5}"},
		{PROMPT_RUNPOD_SYNC, "{\"status\":\"FAILED\",\"error\":\"x\"}", NULL},
		{PROMPT_JSON, "{\"result\":{\"answer\":\"hi\"}}", "hi"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prompt_reply reply = read_as(rows[i].format, NULL, rows[i].body);

		if (!rows[i].text != !reply.text ||
		    (reply.text && strcmp(reply.text, rows[i].text) != 0))
			fail_msg("%s: found %s", rows[i].body, reply.text ? reply.text : "nothing");
	}
}

static void a_path_names_the_text(void **state)
{
	(void)state;
	assert_string_equal(read_as(PROMPT_JSON, "$.a[1].b", "{\"a\":[0,{\"b\":\"x\"}]}").text,
			    "x");
	assert_string_equal(read_as(PROMPT_JSON, "$.a", "{\"a\":[1,2]}").text, "[1,2]");
	assert_null(read_as(PROMPT_JSON, "$.b", "{\"a\":1,\"text\":\"no\"}").text);
}

static void reads_tokens_finish_and_model(void **state)
{
	struct prompt_reply reply =
		read_as(PROMPT_OPENAI_CHAT, NULL,
			"{\"model\":\"m\",\"system_fingerprint\":\"fp\",\"choices\":[{\"message\":"
			"{\"content\":\"\"},\"finish_reason\":\"length\"}],\"usage\":{"
			"\"completion_tokens\":7}}");

	(void)state;
	assert_string_equal(reply.finish, "length");
	assert_string_equal(reply.model, "m");
	assert_string_equal(reply.fingerprint, "fp");
	assert_int_equal(reply.tokens, 7);
	assert_string_equal(reply.text, "");
	assert_int_equal(read_as(PROMPT_FASTAPI, NULL, "{\"output\":\"x\"}").tokens, -1);
	assert_int_equal(read_as(PROMPT_RUNPOD_SYNC, NULL,
				 "{\"output\":[{\"choices\":[{\"tokens\":[\"x\"]}],\"usage\":{"
				 "\"input\":3,\"output\":9}}]}")
				 .tokens,
			 9);
}

static void an_error_object_is_an_error(void **state)
{
	(void)state;
	assert_string_equal(
		read_as(PROMPT_OPENAI_CHAT, NULL, "{\"error\":{\"message\":\"boom\"}}").error,
		"boom");
	assert_string_equal(read_as(PROMPT_FASTAPI, NULL, "{\"error\":\"boom\"}").error, "boom");
	assert_string_equal(
		read_as(PROMPT_RUNPOD_SYNC, NULL, "{\"output\":{\"error\":\"boom\"}}").error,
		"boom");
	assert_string_equal(read_as(PROMPT_FASTAPI, NULL, "{\"error\":{\"code\":3}}").error,
			    "{\"code\":3}");
	assert_null(read_as(PROMPT_FASTAPI, NULL, "{\"error\":null,\"output\":\"x\"}").error);
	assert_null(read_as(PROMPT_FASTAPI, NULL, "{\"error\":false}").error);
	assert_null(read_as(PROMPT_FASTAPI, NULL, "{\"error\":\"\"}").error);
}

static enum reply_event feed(struct reply_stream *stream, const char *data)
{
	return reply_stream_event(stream, data, strlen(data));
}

static void a_role_alone_is_no_token(void **state)
{
	struct prompt_reply reply;
	struct reply_stream s;

	(void)state;
	reply_stream_init(&s, PROMPT_OPENAI_CHAT, NULL, true);
	assert_int_equal(feed(&s, "{\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}"),
			 REPLY_NOTHING);
	assert_int_equal(
		feed(&s, "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}"),
		REPLY_NOTHING);
	assert_int_equal(
		feed(&s, "{\"choices\":[{\"delta\":{\"content\":\"He\"}}],\"model\":\"m\"}"),
		REPLY_TOKEN);
	assert_int_equal(feed(&s, "{\"choices\":[{\"delta\":{\"content\":\"llo\"}}]}"),
			 REPLY_TOKEN);
	assert_int_equal(feed(&s, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}"),
			 REPLY_DONE);
	assert_int_equal(feed(&s, "{\"choices\":[],\"usage\":{\"completion_tokens\":2}}"),
			 REPLY_NOTHING);
	assert_int_equal(feed(&s, "[DONE]"), REPLY_DONE);
	reply_stream_view(&s, &reply);
	assert_string_equal(reply.text, "Hello");
	assert_string_equal(reply.finish, "stop");
	assert_string_equal(reply.model, "m");
	assert_int_equal(reply.tokens, 2);
	assert_int_equal((int)reply.pieces, 2);
	assert_true(reply.done);
	reply_stream_done(&s);
}

static void reasoning_and_tools_are_tokens_without_text(void **state)
{
	struct prompt_reply reply;
	struct reply_stream s;

	(void)state;
	reply_stream_init(&s, PROMPT_OPENAI_CHAT, NULL, true);
	assert_int_equal(feed(&s, "{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}"),
			 REPLY_TOKEN);
	assert_int_equal(feed(&s, "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"1\"}]}}]}"),
			 REPLY_TOKEN);
	reply_stream_view(&s, &reply);
	assert_int_equal(reply.text_len, 0);
	assert_int_equal((int)reply.pieces, 2);
	assert_false(reply.done);
	reply_stream_done(&s);
}

static void an_error_in_a_stream_is_seen(void **state)
{
	struct prompt_reply reply;
	struct reply_stream s;

	(void)state;
	reply_stream_init(&s, PROMPT_OPENAI_CHAT, NULL, true);
	assert_int_equal(feed(&s, "{\"choices\":[{\"delta\":{\"content\":\"He\"}}]}"), REPLY_TOKEN);
	assert_int_equal(feed(&s, "{\"error\":{\"message\":\"CUDA out of memory\"}}"), REPLY_ERROR);
	reply_stream_view(&s, &reply);
	assert_string_equal(reply.error, "CUDA out of memory");
	assert_false(reply.done);
	reply_stream_done(&s);
}

static void bare_text_is_for_services_of_ones_own(void **state)
{
	struct prompt_reply reply;
	struct reply_stream s;

	(void)state;
	reply_stream_init(&s, PROMPT_OPENAI_CHAT, NULL, true);
	assert_int_equal(feed(&s, "hello"), REPLY_BAD);
	assert_int_equal(feed(&s, "\"hello\""), REPLY_BAD);
	assert_int_equal(feed(&s, "{\"choices\":"), REPLY_BAD);
	reply_stream_done(&s);
	reply_stream_init(&s, PROMPT_FASTAPI, NULL, true);
	assert_int_equal(feed(&s, "hello "), REPLY_TOKEN);
	assert_int_equal(feed(&s, "{\"token\":\"you\"}"), REPLY_TOKEN);
	assert_int_equal(feed(&s, "42"), REPLY_TOKEN);
	assert_int_equal(feed(&s, "{\"tok"), REPLY_BAD);
	assert_int_equal(feed(&s, ""), REPLY_NOTHING);
	assert_int_equal(feed(&s, "{\"done\":true}"), REPLY_DONE);
	reply_stream_view(&s, &reply);
	assert_string_equal(reply.text, "hello you42");
	assert_true(reply.done);
	reply_stream_done(&s);
}

static void text_is_counted_when_it_is_not_kept(void **state)
{
	struct reply_stream s;

	(void)state;
	reply_stream_init(&s, PROMPT_OPENAI_COMPLETIONS, NULL, false);
	assert_int_equal(feed(&s, "{\"choices\":[{\"text\":\"abc\"}]}"), REPLY_TOKEN);
	assert_int_equal((int)s.text_bytes, 3);
	assert_int_equal(s.text.len, 0);
	reply_stream_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_the_text_of_each_template, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_path_names_the_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_tokens_finish_and_model, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_error_object_is_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_role_alone_is_no_token, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reasoning_and_tools_are_tokens_without_text, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_error_in_a_stream_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bare_text_is_for_services_of_ones_own, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(text_is_counted_when_it_is_not_kept, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("prompt/reply", tests, NULL, NULL);
}
