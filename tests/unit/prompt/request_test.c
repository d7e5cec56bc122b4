/* The HTTP requests that templates make. */
#include "prompt/request.h"

#include "support.h"

#include <stdio.h>

static const struct field input_fields[] = {PROMPT_INPUT_FIELDS(0), {.name = NULL}};

static struct prompt_template tmpl;
static struct prompt_input input;
static struct err err;

static void prepare(const char *request, const char *prompt)
{
	err = (struct err){0};
	tmpl = (struct prompt_template){0};
	input = (struct prompt_input){0};
	load(prompt_template_fields, request, &tmpl);
	load(input_fields, prompt, &input);
}

static struct prompt_request make(const char *request, const char *prompt, const char *secret)
{
	const struct prompt_place place = {"http://127.0.0.1:8000/", secret, "id-1"};
	struct prompt_request out = {0};

	prepare(request, prompt);
	if (prompt_template_validate(&tmpl, &err) < 0 ||
	    prompt_input_validate(&tmpl, &input, &err) < 0 ||
	    prompt_request_make(&tmpl, &input, &place, arena, &out, &err) < 0)
		fail_msg("%s", err.msg);
	return out;
}

static const char *header(const struct prompt_request *request, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; request->headers[i]; i++)
		if (strncasecmp(request->headers[i], name, len) == 0 &&
		    request->headers[i][len] == ':')
			return request->headers[i] + len + 2;
	return "";
}

static void each_template_has_its_path_and_body(void **state)
{
	static const struct {
		const char *request, *prompt, *url, *body;
	} rows[] = {
		{"{}", "{\"prompt\":\"Hi\"}", "http://127.0.0.1:8000/prompt",
		 "{\"prompt\":\"Hi\"}"},
		{"{\"template\":\"openai-chat\",\"model\":\"m\",\"system\":\"Be brief.\","
		 "\"max_tokens\":5,\"temperature\":0,\"seed\":7}",
		 "{\"prompt\":\"Hi\"}", "http://127.0.0.1:8000/v1/chat/completions",
		 "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{"
		 "\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":5,\"temperature\":0,"
		 "\"seed\":7}"},
		{"{\"template\":\"openai-completions\",\"stream\":true}",
		 "{\"prompt\":\"Hi\",\"max_tokens\":3}", "http://127.0.0.1:8000/v1/completions",
		 "{\"prompt\":\"Hi\",\"max_tokens\":3,\"stream\":true,\"stream_options\":{"
		 "\"include_usage\":true}}"},
		{"{\"template\":\"runpod-sync\",\"max_tokens\":4}", "{\"prompt\":\"Hi\"}",
		 "http://127.0.0.1:8000/runsync",
		 "{\"input\":{\"prompt\":\"Hi\",\"max_tokens\":4}}"},
		{"{\"template\":\"runpod-async\"}", "{\"input\":{\"id\":\"{{id}}\",\"n\":2}}",
		 "http://127.0.0.1:8000/run", "{\"input\":{\"id\":\"id-1\",\"n\":2}}"},
		{"{\"template\":\"json\",\"path\":\"/"
		 "x\",\"max_tokens\":9,\"body\":{\"q\":\"<{{prompt}}"
		 ">\",\"n\":\"{{max_tokens}}\",\"l\":[\"{{list}}\"],\"keep\":\"{{ }}\"}}",
		 "{\"prompt\":\"Hi\",\"vars\":{\"list\":[1,2]}}", "http://127.0.0.1:8000/x",
		 "{\"q\":\"<Hi>\",\"n\":9,\"l\":[[1,2]],\"keep\":\"{{ }}\"}"},
		{"{\"template\":\"json\",\"body\":[\"{{prompt}}\"]}", "{\"prompt\":\"{{prompt}}\"}",
		 "http://127.0.0.1:8000/", "[\"{{prompt}}\"]"},
		{"{\"body\":{\"prompt\":\"mine\",\"top_k\":5}}", "{\"prompt\":\"Hi\"}",
		 "http://127.0.0.1:8000/prompt", "{\"prompt\":\"mine\",\"top_k\":5}"},
		{"{\"url\":\"https://api.example/v2/abc\",\"template\":\"runpod-sync\",\"path\":"
		 "\"/runsync?wait=1000\"}",
		 "{\"prompt\":\"Hi\"}", "https://api.example/v2/abc/runsync?wait=1000",
		 "{\"input\":{\"prompt\":\"Hi\"}}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prompt_request out = make(rows[i].request, rows[i].prompt, NULL);

		assert_string_equal(out.url, rows[i].url);
		assert_true(strncmp(out.url, out.origin, strlen(out.origin)) == 0);
		assert_string_equal(out.url + strlen(out.origin), out.path);
		assert_int_equal(out.path[0], '/');
		assert_string_equal(out.body, rows[i].body);
		assert_int_equal(out.body_len, strlen(out.body));
		assert_string_equal(out.method, "POST");
		assert_string_equal(header(&out, "Content-Type"), "application/json");
	}
}

static void the_secret_goes_into_its_header(void **state)
{
	struct prompt_request out = make("{\"auth\":{\"env\":\"API\"},\"headers\":{\"X-A\":\"b\"}}",
					 "{\"prompt\":\"x\"}", "s3cret");

	(void)state;
	assert_string_equal(header(&out, "Authorization"), "Bearer s3cret");
	assert_string_equal(header(&out, "X-A"), "b");
	out = make("{\"auth\":{\"env\":\"API\",\"header\":\"X-API-Key\",\"scheme\":\"\"}}",
		   "{\"prompt\":\"x\"}", "s3cret");
	assert_string_equal(header(&out, "X-API-Key"), "s3cret");
	assert_string_equal(header(&out, "Authorization"), "");
}

static void a_stream_is_asked_for(void **state)
{
	struct prompt_request out = make("{\"stream\":true}", "{\"prompt\":\"x\"}", NULL);

	(void)state;
	assert_string_equal(header(&out, "Accept"), "text/event-stream");
	assert_true(out.stream);
}

static const char *refusal(const char *request, const char *prompt)
{
	prepare(request, prompt);
	if (prompt_template_validate(&tmpl, &err) == 0 &&
	    prompt_input_validate(&tmpl, &input, &err) == 0)
		fail_msg("%s with %s is taken", request, prompt);
	assert_int_equal(err.code, ERR_USAGE);
	return err.msg;
}

static void refuses_what_cannot_be_sent(void **state)
{
	static const struct {
		const char *request, *prompt, *words;
	} rows[] = {
		{"{\"url\":\"ftp://x\"}", "{\"prompt\":\"x\"}", "\"url\""},
		{"{\"url\":\"http://\"}", "{\"prompt\":\"x\"}", "\"url\""},
		{"{\"url\":\"http://me:pass@host/\"}", "{\"prompt\":\"x\"}", "use auth"},
		{"{\"path\":\"prompt\"}", "{\"prompt\":\"x\"}", "\"path\""},
		{"{\"method\":\"PO ST\"}", "{\"prompt\":\"x\"}", "\"method\""},
		{"{\"headers\":{\"A:\":\"b\"}}", "{\"prompt\":\"x\"}", "cannot be a header"},
		{"{\"headers\":{\"A\":\"b\\nC: d\"}}", "{\"prompt\":\"x\"}", "cannot be a header"},
		{"{\"headers\":{\"authorization\":\"b\"},\"auth\":{\"env\":\"X\"}}",
		 "{\"prompt\":\"x\"}", "given twice"},
		{"{\"tls\":{\"cert\":\"a\"}}", "{\"prompt\":\"x\"}", "go together"},
		{"{\"proxy\":\"host:3128\"}", "{\"prompt\":\"x\"}", "\"proxy\""},
		{"{\"template\":\"json\"}", "{\"prompt\":\"x\"}", "needs a \"body\""},
		{"{\"template\":\"json\",\"body\":{},\"model\":\"m\"}", "{}", "body alone"},
		{"{\"template\":\"json\",\"body\":\"{{nobody}}\"}", "{}", "{{nobody}}"},
		{"{\"template\":\"json\",\"body\":\"a {{max_tokens}}\"}", "{}", "{{max_tokens}}"},
		{"{\"body\":[]}", "{\"prompt\":\"x\"}", "object of keys"},
		{"{\"system\":\"x\"}", "{\"prompt\":\"x\"}", "openai-chat"},
		{"{\"template\":\"runpod-sync\",\"stream\":true}", "{\"prompt\":\"x\"}",
		 "do not stream"},
		{"{\"text\":\"$..a\"}", "{\"prompt\":\"x\"}", "text"},
		{"{}", "{}", "nothing to send"},
		{"{}", "{\"messages\":[]}", "openai-chat"},
		{"{}", "{\"input\":{}}", "runpod"},
		{"{\"template\":\"openai-chat\"}", "{\"messages\":{}}", "a list"},
		{"{\"template\":\"openai-chat\"}", "{\"messages\":[],\"prompt\":\"x\"}", "one of"},
		{"{}", "{\"prompt\":\"x\",\"vars\":[]}", "an object"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *message = refusal(rows[i].request, rows[i].prompt);

		if (!strstr(message, rows[i].words))
			fail_msg("%s: \"%s\" is not in: %s", rows[i].request, rows[i].words,
				 message);
	}
}

static int attempt(const char *request, const char *prompt, const char *base, const char *secret)
{
	const struct prompt_place place = {base, secret, NULL};
	struct prompt_request out;

	prepare(request, prompt);
	return prompt_request_make(&tmpl, &input, &place, arena, &out, &err);
}

static void nothing_is_made_without_place_or_secret(void **state)
{
	(void)state;
	assert_int_equal(attempt("{}", "{\"prompt\":\"x\"}", NULL, NULL), -1);
	assert_non_null(strstr(err.msg, "request.url"));
	assert_int_equal(
		attempt("{\"auth\":{\"env\":\"MY_KEY\"}}", "{\"prompt\":\"x\"}", "http://h", NULL),
		-1);
	assert_non_null(strstr(err.msg, "MY_KEY"));
	assert_int_equal(attempt("{\"auth\":{\"env\":\"MY_KEY\"}}", "{\"prompt\":\"x\"}",
				 "http://h", "se\ncret"),
			 -1);
	assert_null(strstr(err.msg, "cret "));
}

static void a_payload_over_the_limit_is_named(void **state)
{
	size_t size = PROMPT_RUN_BYTES_MAX + 1000;
	char *text = malloc(size + 40);

	(void)state;
	(void)snprintf(text, 40, "{\"prompt\":\"");
	memset(text + 11, 'x', size);
	memcpy(text + 11 + size, "\"}", 3);
	assert_int_equal(attempt("{\"template\":\"runpod-async\"}", text, "http://h", NULL), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.msg, "10485760"));
	assert_int_equal(attempt("{\"template\":\"runpod-sync\"}", text, "http://h", NULL), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_template_has_its_path_and_body, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_secret_goes_into_its_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stream_is_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_cannot_be_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_made_without_place_or_secret, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_payload_over_the_limit_is_named, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("prompt/request", tests, NULL, NULL);
}
