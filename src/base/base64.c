#include "base/base64.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buf *out, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned v = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) |
			     (left > 2 ? p[i + 2] : 0U);
		char four[4] = {letters[v >> 18], letters[v >> 12 & 63],
				left > 1 ? letters[v >> 6 & 63] : '=',
				left > 2 ? letters[v & 63] : '='};

		buf_add(out, four, sizeof(four));
	}
}

/* The value of a letter, -1 for none. */
static int value_of(char c)
{
	const char *at = c ? strchr(letters, c) : NULL;

	return at ? (int)(at - letters) : -1;
}

/* Three bytes of four letters at most; their number, or -1. */
static int read_four(const char *text, bool last, unsigned char out[3])
{
	int pad = !last || text[3] != '=' ? 0 : text[2] == '=' ? 2 : 1;
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		int value = i >= 4 - pad ? 0 : value_of(text[i]);

		if (value < 0)
			return -1;
		v = v << 6 | (unsigned)value;
	}
	if ((pad == 1 && (v & 0xFF)) || (pad == 2 && (v & 0xFFFF)))
		return -1;
	out[0] = (unsigned char)(v >> 16);
	out[1] = (unsigned char)(v >> 8);
	out[2] = (unsigned char)v;
	return 3 - pad;
}

int base64_read(const char *text, size_t len, struct buf *out)
{
	size_t before = out->len;

	if (len % 4 || len / 4 > (out->max - out->len) / 3 + 1)
		return -1;
	for (size_t i = 0; i < len; i += 4) {
		unsigned char bytes[3];
		int n = read_four(text + i, i + 4 == len, bytes);

		if (n > 0)
			buf_add(out, bytes, (size_t)n);
		if (n < 0 || out->truncated) {
			out->len = before;
			return -1;
		}
	}
	return 0;
}
