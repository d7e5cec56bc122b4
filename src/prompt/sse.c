#include "prompt/sse.h"

#include <string.h>

void sse_init(struct sse *sse, void (*event)(void *payload, const char *data, size_t len),
	      void *payload)
{
	*sse = (struct sse){.event = event, .payload = payload};
	buf_init(&sse->line, SSE_LINE_BYTES_MAX);
	buf_init(&sse->data, SSE_DATA_BYTES_MAX);
}

void sse_done(struct sse *sse)
{
	buf_done(&sse->line);
	buf_done(&sse->data);
}

static void dispatch(struct sse *sse)
{
	if (sse->has_data)
		sse->event(sse->payload, buf_str(&sse->data), sse->data.len);
	buf_consume(&sse->data, sse->data.len);
	sse->has_data = false;
}

static void take_field(struct sse *sse, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *value;
	size_t name = colon ? (size_t)(colon - line) : len;

	if (name != 4 || memcmp(line, "data", 4) != 0)
		return;
	value = line + name + (colon ? 1 : 0);
	len -= (size_t)(value - line);
	if (len && *value == ' ') {
		value++;
		len--;
	}
	if (sse->has_data)
		buf_addstr(&sse->data, "\n");
	sse->has_data = true;
	buf_add(&sse->data, value, len);
}

static void take_line(struct sse *sse)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *line = buf_str(&sse->line);
	size_t len = sse->line.len;

	if (!sse->begun && len >= 3 && memcmp(line, mark, 3) == 0) {
		line += 3;
		len -= 3;
	}
	sse->begun = true;
	if (len)
		take_field(sse, line, len);
	else
		dispatch(sse);
	buf_consume(&sse->line, sse->line.len);
}

int sse_feed(struct sse *sse, const char *data, size_t len)
{
	const char *end = data + len;

	while (data < end) {
		const char *at = data;

		if (sse->skip_lf && *data == '\n') {
			data++;
			sse->skip_lf = false;
			continue;
		}
		sse->skip_lf = false;
		while (at < end && *at != '\n' && *at != '\r')
			at++;
		buf_add(&sse->line, data, (size_t)(at - data));
		if (at < end) {
			sse->skip_lf = *at == '\r';
			take_line(sse);
			at++;
		}
		if (sse->line.truncated || sse->data.truncated)
			return -1;
		data = at;
	}
	return 0;
}

void sse_end(struct sse *sse)
{
	if (sse->line.len)
		take_line(sse);
	dispatch(sse);
}
