/* Event streams, cut into pieces of every size. */
#include "prompt/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char seen[4096];

static void collect(void *payload, const char *data, size_t len)
{
	(void)payload;
	assert_int_equal(strlen(data), len);
	strncat(seen, data, sizeof(seen) - strlen(seen) - 1);
	strncat(seen, "|", sizeof(seen) - strlen(seen) - 1);
}

static const char *read_in(const char *text, size_t len, size_t piece)
{
	struct sse sse;

	seen[0] = '\0';
	sse_init(&sse, collect, NULL);
	for (size_t at = 0; at < len; at += piece)
		assert_int_equal(sse_feed(&sse, text + at, len - at < piece ? len - at : piece), 0);
	sse_end(&sse);
	sse_done(&sse);
	return seen;
}

static void pieces_of_any_size_give_the_same_events(void **state)
{
	static const struct {
		const char *text, *events;
	} rows[] = {
		{"data: a\n\ndata: b\n\n", "a|b|"},
		{"data: a\r\n\r\ndata: b\r\n\r\n", "a|b|"},
		{"data: a\r\rdata: b\r\r", "a|b|"},
		{"data:a\n\n", "a|"},
		{"data:  a\n\n", " a|"},
		{"data: a\ndata: b\n\n", "a\nb|"},
		{"data\n\n", "|"},
		{"data:\ndata:\n\n", "\n|"},
		{": comment\nevent: x\nid: 7\nretry: 10\ndata: a\n\n", "a|"},
		{"\n\n\ndata: a\n\n\n\n", "a|"},
		{"event: ping\n\n", ""},
		{"\xef\xbb\xbf"
		 "data: a\n\n",
		 "a|"},
		{"data: \xef\xbb\xbf\n\n", "\xef\xbb\xbf|"},
		{"data: a\xe2\x80\xa8"
		 "b\n\n",
		 "a\xe2\x80\xa8"
		 "b|"},
		{"data: a", "a|"},
		{"data: a\n", "a|"},
		{"data: a\n\ndata: [DONE]", "a|[DONE]|"},
		{"dat: a\n\n", ""},
		{"DATA: a\n\n", ""},
	};
	static const size_t sizes[] = {1, 2, 3, 7, 64, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
			assert_string_equal(read_in(rows[i].text, strlen(rows[i].text), sizes[k]),
					    rows[i].events);
}

static void an_endless_line_is_refused(void **state)
{
	char *text = malloc(SSE_LINE_BYTES_MAX + 10);
	struct sse sse;

	(void)state;
	memset(text, 'x', SSE_LINE_BYTES_MAX + 10);
	sse_init(&sse, collect, NULL);
	assert_int_equal(sse_feed(&sse, text, SSE_LINE_BYTES_MAX + 10), -1);
	sse_done(&sse);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_any_size_give_the_same_events),
		cmocka_unit_test(an_endless_line_is_refused),
	};

	return cmocka_run_group_tests_name("prompt/sse", tests, NULL, NULL);
}
