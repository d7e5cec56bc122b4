/* Input: the format in the first byte, then an answer, read whole and as an event. */
#include "fuzzer.h"

#include "prompt/reply.h"

#include <stdlib.h>
#include <string.h>

static void read_whole(enum prompt_format format, const char *text, size_t len)
{
	struct arena *arena = arena_new();
	struct prompt_reply reply;
	struct json *document = NULL;
	struct err err;

	if (json_parse(text, len, false, &document, &err) == 0) {
		reply_read(format, NULL, document, arena, &reply);
		if (reply.text && strlen(reply.text) != reply.text_len)
			abort(); /* JSON has no NUL, so neither has its text */
	}
	json_free(document);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum prompt_format format;
	struct reply_stream stream;
	struct prompt_reply reply;

	if (size < 1)
		return 0;
	format = (enum prompt_format)(data[0] % PROMPT_FORMATS);
	read_whole(format, (const char *)data + 1, size - 1);
	reply_stream_init(&stream, format, NULL, true);
	for (int i = 0; i < 2; i++)
		(void)reply_stream_event(&stream, (const char *)data + 1, size - 1);
	reply_stream_view(&stream, &reply);
	if (reply.text_len > stream.text_bytes)
		abort();
	reply_stream_done(&stream);
	return 0;
}
