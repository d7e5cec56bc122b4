#include "base/utf8.h"

#include <string.h>

size_t utf8_length(const char *text, size_t left)
{
	const unsigned char *u = (const unsigned char *)text;
	size_t want = u[0] < 0x80   ? 1
		      : u[0] < 0xc2 ? 0
		      : u[0] < 0xe0 ? 2
		      : u[0] < 0xf0 ? 3
		      : u[0] < 0xf5 ? 4
				    : 0;

	if (!want || want > left)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return want;
}

uint32_t utf8_decode(const char *text, size_t len)
{
	static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *u = (const unsigned char *)text;
	uint32_t c = u[0] & lead[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (u[i] & 0x3f);
	return c;
}

void utf8_mend(const char *text, struct buf *out)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		size_t start = i, step;

		while (i < len && (step = utf8_length(text + i, len - i)) > 0)
			i += step;
		buf_add(out, text + start, i - start);
		if (i < len)
			buf_addstr(out, "\xEF\xBF\xBD");
	}
}
