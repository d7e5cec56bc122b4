#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "base/units.h"
#include "http/http.h"
#include "stub_server.h"

#include <errno.h>
#include <signal.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nX-Thing:  some value \r\nContent-Length: 5\r\n\r\nhello"

static const struct stub_rule rules[] = {
	{.match = "/hello", .answer = OK_HELLO},
	{.match = "/bytewise", .answer = OK_HELLO, .piece = 1},
	{.match = "/short", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"},
	{.match = "/chunkcut",
	 .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"},
	{.match = "/nothing", .answer = ""},
	{.match = "/missing", .answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nlost"},
	{.match = "/refuse",
	 .answer = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbad",
	 .early = true},
	{.match = "/hold", .hold = true, .answer = ""},
	{.match = "/attach",
	 .answer = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst",
	 .echo = true},
	{0},
};

static struct stub *stub;
static struct http_client *client;

static int setup(void **state)
{
	(void)state;
	stub = stub_start(rules);
	return http_client_open("http://localhost", stub->path, &client, NULL);
}

static int teardown(void **state)
{
	(void)state;
	http_client_close(client);
	stub_stop(stub);
	return 0;
}

static int get(const char *path, struct http_answer *answer, struct err *err)
{
	struct http_request request = {.path = path, .timeout_ns = 20 * NS_PER_S};

	return http_send(client, &request, answer, err);
}

static void expect_hello(const char *path)
{
	struct http_answer answer;
	struct err err = {0};
	char value[32];

	if (get(path, &answer, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(answer.status, 200);
	assert_string_equal(buf_str(&answer.body), "hello");
	assert_string_equal(http_header(&answer, "x-thing", value, sizeof(value)), "some value");
	assert_string_equal(http_header(&answer, "x-other", value, sizeof(value)), "");
	http_answer_done(&answer);
}

static void collects_body_and_headers(void **state)
{
	(void)state;
	expect_hello("/hello");
	expect_hello("/hello"); /* the server closed the pooled connection */
	expect_hello("/bytewise");
}

static void returns_a_refusal_as_an_answer(void **state)
{
	struct http_answer answer;

	(void)state;
	assert_int_equal(get("/missing", &answer, NULL), 0);
	assert_int_equal(answer.status, 404);
	assert_string_equal(buf_str(&answer.body), "lost");
	http_answer_done(&answer);
}

static void expect_infra(const char *path, const char *words)
{
	struct http_answer answer;
	struct err err = {0};

	assert_int_equal(get(path, &answer, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_int_equal(err.sys, 0); /* that is for connect failures */
	assert_non_null(strstr(err.msg, words));
}

static void says_where_an_answer_was_cut_off(void **state)
{
	(void)state;
	expect_infra("/short", "ended after 10 bytes");
	expect_infra("/chunkcut", "ended after 5 bytes");
	expect_infra("/nothing", "closed without an answer");
}

static void names_the_socket_it_cannot_connect_to(void **state)
{
	struct http_request request = {.path = "/"};
	struct http_client *other;
	struct http_answer answer;
	struct err err = {0};

	(void)state;
	assert_int_equal(http_client_open("http://localhost", "/nonexistent/s", &other, NULL), 0);
	assert_int_equal(http_send(other, &request, &answer, &err), -1);
	http_client_close(other);
	assert_int_equal(err.code, ERR_INFRA);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent/s: No such file"));
}

static void bounds_the_answer(void **state)
{
	struct http_request request = {.path = "/hello", .answer_max = 4};
	struct http_answer answer;
	struct err err = {0};

	(void)state;
	assert_int_equal(http_send(client, &request, &answer, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void ends_at_the_time_limit(void **state)
{
	struct http_request request = {.path = "/hold", .timeout_ns = 100 * NS_PER_MS};
	struct http_answer answer;
	struct err err = {0};

	(void)state;
	assert_int_equal(http_send(client, &request, &answer, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
}

struct source {
	size_t left; /* SIZE_MAX: without end */
	bool fail;
};

static ssize_t give(void *payload, void *data, size_t len, struct err *err)
{
	struct source *source = payload;

	if (source->fail && source->left == 0)
		return err_set(err, ERR_USAGE, "the tree is odd");
	if (len > source->left)
		len = source->left;
	memset(data, 'x', len);
	if (source->left != SIZE_MAX)
		source->left -= len;
	return (ssize_t)len;
}

static int upload(const char *path, struct source *source, struct http_answer *answer,
		  struct err *err)
{
	static const char *const headers[] = {"Content-Type: application/x-tar", NULL};
	struct http_request request = {.method = "POST",
				       .path = path,
				       .headers = headers,
				       .read = give,
				       .payload = source,
				       .timeout_ns = 20 * NS_PER_S};

	return http_send(client, &request, answer, err);
}

static void streams_an_upload_in_chunks(void **state)
{
	struct source source = {.left = 300000};
	struct http_answer answer;

	(void)state;
	assert_int_equal(upload("/hello", &source, &answer, NULL), 0);
	assert_int_equal(answer.status, 200);
	http_answer_done(&answer);
	assert_true(stub->body_bytes > 300000 && stub->body_bytes < 310000);
	assert_non_null(strstr(stub->requests, "POST /hello "));
	assert_non_null(strstr(stub->requests, "Content-Type: application/x-tar"));
	assert_null(strcasestr(stub->requests, "Expect:"));
}

static void keeps_the_error_of_the_upload(void **state)
{
	struct source source = {.left = 1000, .fail = true};
	struct http_answer answer;
	struct err err = {0};

	(void)state;
	assert_int_equal(upload("/hello", &source, &answer, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.msg, "the tree is odd");
}

static void takes_a_refusal_during_the_upload(void **state)
{
	struct source source = {.left = SIZE_MAX};
	struct http_answer answer;
	struct err err = {0};

	(void)state;
	if (upload("/refuse", &source, &answer, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(answer.status, 400);
	assert_string_equal(buf_str(&answer.body), "bad");
	http_answer_done(&answer);
}

static int refuse_piece(void *payload, const void *data, size_t len, struct err *err)
{
	(void)payload;
	(void)data;
	(void)len;
	return err_set(err, ERR_LIMIT, "enough");
}

static void keeps_the_error_of_the_reader(void **state)
{
	struct http_request request = {.path = "/hello", .write = refuse_piece};
	struct http_answer answer;
	struct err err = {0};

	(void)state;
	assert_int_equal(http_send(client, &request, &answer, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_string_equal(err.msg, "enough");
}

static void read_all(struct http_stream *stream, const char *expected)
{
	char got[64] = {0};
	size_t used = 0;

	while (used < strlen(expected)) {
		ssize_t len = http_stream_read(stream, got + used, sizeof(got) - 1 - used,
					       20 * NS_PER_S, NULL);

		assert_true(len > 0);
		used += (size_t)len;
	}
	assert_string_equal(got, expected);
}

static void upgrades_to_a_two_way_stream(void **state)
{
	struct http_stream *stream = NULL;
	struct err err = {0};
	char byte;

	(void)state;
	if (http_upgrade(client, "POST", "/attach?stream=1", &stream, &err) < 0)
		fail_msg("%s", err.msg);
	read_all(stream, "first");
	assert_int_equal(http_stream_write(stream, "ping", 4, NULL), 0);
	read_all(stream, "ping");
	assert_int_equal(http_stream_read(stream, &byte, 1, 50 * NS_PER_MS, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	http_stream_close(stream);
	assert_non_null(strcasestr(stub->requests, "Upgrade: tcp"));
}

static void refuses_an_upgrade(void **state)
{
	struct http_stream *stream = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(http_upgrade(client, "POST", "/missing", &stream, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "lost"));
	assert_int_equal(http_upgrade(client, "POST", "/nothing", &stream, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_null(stream);
}

static void encodes_a_query_value(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	http_encode("a-Z_0.~ {\"k\":\"\xc3\xa9&=/\"}", &out);
	assert_string_equal(buf_str(&out), "a-Z_0.~%20%7B%22k%22%3A%22%C3%A9%26%3D%2F%22%7D");
	buf_done(&out);
}

/* Last: the flag stays. */
static void an_interrupt_ends_all_but_cleanup(void **state)
{
	struct http_request request = {.path = "/hello", .timeout_ns = 20 * NS_PER_S};
	struct http_answer answer;
	struct err err = {0};

	(void)state;
	cancel_install();
	(void)raise(SIGINT);
	assert_int_equal(http_send(client, &request, &answer, &err), -1);
	assert_int_equal(err.code, ERR_CANCELLED);
	request.cleanup = true;
	assert_int_equal(http_send(client, &request, &answer, NULL), 0);
	http_answer_done(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(collects_body_and_headers),
		TEST(returns_a_refusal_as_an_answer),
		TEST(says_where_an_answer_was_cut_off),
		TEST(names_the_socket_it_cannot_connect_to),
		TEST(bounds_the_answer),
		TEST(ends_at_the_time_limit),
		TEST(streams_an_upload_in_chunks),
		TEST(keeps_the_error_of_the_upload),
		TEST(takes_a_refusal_during_the_upload),
		TEST(keeps_the_error_of_the_reader),
		TEST(upgrades_to_a_two_way_stream),
		TEST(refuses_an_upgrade),
		TEST(encodes_a_query_value),
		TEST(an_interrupt_ends_all_but_cleanup),
	};

	return cmocka_run_group_tests_name("http/http", tests, NULL, NULL);
}
