/* RECORD: CSV of path, hash, size. A path with a comma or a quote stands in quotes. */
#include "pydist/dist.h"
#include "pydist/text.h"

#include "base/units.h"

#include <string.h>

#define HASH_BYTES 32

/* One field, unquoted; *AT moves behind it and its comma. */
static char *next_field(const char **at, const char *end, struct arena *arena)
{
	const char *p = *at, *comma;
	char *out;
	size_t len = 0;

	if (p >= end || *p != '"') {
		comma = p < end ? memchr(p, ',', (size_t)(end - p)) : NULL;
		out = arena_strndup(arena, p, (size_t)((comma ? comma : end) - p));
		*at = comma ? comma + 1 : end;
		return out;
	}
	out = arena_alloc(arena, (size_t)(end - p) + 1);
	for (p++; p < end; p++) {
		if (*p == '"' && (p + 1 == end || p[1] != '"'))
			break;
		p += *p == '"';
		out[len++] = *p;
	}
	comma = p < end ? memchr(p, ',', (size_t)(end - p)) : NULL;
	*at = comma ? comma + 1 : end;
	return out;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-' || c == '+')
		return 62;
	return c == '_' || c == '/' ? 63 : -1;
}

/* "sha256=…" in URL-safe base64 without padding, as hex; NULL for other hashes. */
static const char *hash_hex(const char *field, struct arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t bits = 0;
	unsigned have = 0, bytes = 0;
	char *out;

	if (strncmp(field, "sha256=", 7) != 0)
		return NULL;
	out = arena_alloc(arena, HASH_BYTES * 2 + 1);
	for (field += 7; *field && bytes < HASH_BYTES; field++) {
		int value = base64_value(*field);

		if (value < 0)
			return NULL;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[bytes * 2] = digits[bits >> (have + 4) & 15];
		out[bytes * 2 + 1] = digits[bits >> have & 15];
		bytes++;
	}
	return bytes == HASH_BYTES ? out : NULL;
}

int dist_record_parse(const char *text, size_t len, struct arena *arena, struct record_line **out,
		      size_t *count, struct err *err)
{
	struct record_line *lines = NULL;
	const char *at = text, *end = text + len;
	struct text_line line;
	size_t found = 0;

	while (text_next(&at, end, &line)) {
		const char *p = line.at, *stop = line.at + line.len, *size;
		struct record_line *item;
		int64_t bytes;

		if (!line.len)
			continue;
		if (found == DIST_RECORD_MAX)
			return err_set(err, ERR_LIMIT, "more than %d files", DIST_RECORD_MAX);
		item = arena_push(arena, &lines, &found, sizeof(*item));
		item->path = next_field(&p, stop, arena);
		item->sha256 = hash_hex(next_field(&p, stop, arena), arena);
		size = next_field(&p, stop, arena);
		item->size = units_parse_int(size, 0, INT64_MAX, &bytes) == 0 ? (uint64_t)bytes
									      : UINT64_MAX;
	}
	*out = lines;
	*count = found;
	return 0;
}
