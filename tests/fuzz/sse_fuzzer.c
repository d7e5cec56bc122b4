/* Input: the size of pieces in the first byte, then an event stream. Pieces change nothing. */
#include "fuzzer.h"

#include "base/buf.h"
#include "prompt/sse.h"

#include <stdlib.h>
#include <string.h>

#define SEEN_BYTES_MAX ((size_t)4 * 1024 * 1024)

static void collect(void *payload, const char *data, size_t len)
{
	struct buf *seen = payload;

	if (data[len] != '\0')
		abort();
	buf_add(seen, data, len);
	buf_add(seen, "\xff", 1);
}

static void read_in(const char *data, size_t size, size_t piece, struct buf *seen)
{
	struct sse sse;

	buf_init(seen, SEEN_BYTES_MAX);
	sse_init(&sse, collect, seen);
	for (size_t at = 0; at < size; at += piece)
		if (sse_feed(&sse, data + at, size - at < piece ? size - at : piece) < 0)
			break;
	sse_end(&sse);
	sse_done(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, cut;

	if (size < 2)
		return 0;
	read_in((const char *)data + 1, size - 1, size, &whole);
	read_in((const char *)data + 1, size - 1, (size_t)data[0] + 1, &cut);
	if (whole.len != cut.len || (whole.len && memcmp(whole.data, cut.data, whole.len) != 0))
		abort();
	buf_done(&whole);
	buf_done(&cut);
	return 0;
}
