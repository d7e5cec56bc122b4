#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){.max = buf->max};
}

static void reserve(struct buf *buf, size_t len)
{
	size_t want = buf->cap ? buf->cap : 256;

	if (len + 1 <= buf->cap)
		return;
	while (want < len + 1)
		want *= 2;
	buf->data = xrealloc(buf->data, want);
	buf->cap = want;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	size_t room = buf->max - buf->len;

	if (len > room) {
		len = room;
		buf->truncated = true;
	}
	reserve(buf, buf->len + len);
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_addstr(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	int len;
	char *big;

	va_start(ap, fmt);
	len = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	if ((size_t)len < sizeof(small)) {
		buf_add(buf, small, (size_t)len);
		return;
	}
	big = xcalloc(1, (size_t)len + 1);
	va_start(ap, fmt);
	(void)vsnprintf(big, (size_t)len + 1, fmt, ap);
	va_end(ap);
	buf_add(buf, big, (size_t)len);
	free(big);
}

void buf_consume(struct buf *buf, size_t len)
{
	if (!len)
		return;
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
	buf->data[buf->len] = '\0';
}

const char *buf_str(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}
