/* Sparse files: the old GNU headers and the PAX formats 0.0, 0.1 and 1.0 of GNU tar. */
#include "parse/tar_sparse.h"

#include "base/mem.h"
#include "parse/tar_header.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_PIECES 4
#define BLOCK_PIECES 21

/* Where the old format keeps its map: in the header behind the times, then in whole blocks. */
struct old_piece {
	char offset[12], len[12];
};

struct old_header {
	char before[386];
	struct old_piece pieces[HEADER_PIECES];
	char extended;
	char real_size[12];
	char rest[17];
};

struct old_block {
	struct old_piece pieces[BLOCK_PIECES];
	char extended;
	char rest[7];
};

_Static_assert(sizeof(struct old_header) == TAR_BLOCK, "a sparse header is one block");
_Static_assert(sizeof(struct old_block) == TAR_BLOCK, "a block of a sparse map is one block");

static int bad(struct err *err)
{
	return err_set(err, ERR_USAGE, "the tar archive is malformed: the map of a sparse file");
}

void tar_sparse_done(struct tar_sparse *s)
{
	free(s->pieces);
	*s = (struct tar_sparse){0};
}

void tar_sparse_reset(struct tar_sparse *s)
{
	*s = (struct tar_sparse){.pieces = s->pieces, .cap = s->cap, .wanted = UINT64_MAX};
}

static int add(struct tar_sparse *s, uint64_t offset, uint64_t len, struct err *err)
{
	if (s->count >= TAR_PIECES_MAX)
		return err_set(err, ERR_LIMIT,
			       "a sparse file in the tar archive has more than %d "
			       "pieces",
			       TAR_PIECES_MAX);
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->pieces = xrealloc(s->pieces, s->cap * sizeof(*s->pieces));
	}
	s->pieces[s->count++] = (struct tar_piece){offset, len};
	return 0;
}

static int add_old(struct tar_sparse *s, const struct old_piece *pieces, size_t count,
		   struct err *err)
{
	for (size_t i = 0; i < count && pieces[i].len[0]; i++) {
		int64_t offset, len;

		if (tar_number(pieces[i].offset, sizeof(pieces[i].offset), &offset) < 0 ||
		    tar_number(pieces[i].len, sizeof(pieces[i].len), &len) < 0 || offset < 0 ||
		    len < 0)
			return bad(err);
		if (add(s, (uint64_t)offset, (uint64_t)len, err) < 0)
			return -1;
	}
	return 0;
}

int tar_sparse_header(struct tar_sparse *s, const struct tar_block *block, struct err *err)
{
	const struct old_header *header = (const struct old_header *)block;
	int64_t size;

	tar_sparse_reset(s);
	if (tar_number(header->real_size, sizeof(header->real_size), &size) < 0 || size < 0)
		return bad(err);
	s->active = true;
	s->size = (uint64_t)size;
	if (add_old(s, header->pieces, HEADER_PIECES, err) < 0)
		return -1;
	return header->extended != 0;
}

int tar_sparse_block(struct tar_sparse *s, const struct tar_block *block, struct err *err)
{
	const struct old_block *more = (const struct old_block *)block;

	if (add_old(s, more->pieces, BLOCK_PIECES, err) < 0)
		return -1;
	return more->extended != 0;
}

/* One more number of a map: "COUNT OFFSET LEN OFFSET LEN …", the count only in format 1.0. */
static int add_number(struct tar_sparse *s, uint64_t value, struct err *err)
{
	if (s->in_data && s->wanted == UINT64_MAX) {
		if (value > TAR_PIECES_MAX)
			return add(s, 0, 0, err) < 0 ? -1 : bad(err);
		s->wanted = 2 * value;
		return 0;
	}
	if (s->numbers++ % 2 == 0)
		return add(s, value, 0, err);
	s->pieces[s->count - 1].len = value;
	return 0;
}

static int digit(struct tar_sparse *s, char c, struct err *err)
{
	if (c < '0' || c > '9' || s->digits++ >= 18)
		return bad(err);
	s->number = s->number * 10 + (uint64_t)(c - '0');
	return 0;
}

static int end_number(struct tar_sparse *s, struct err *err)
{
	uint64_t value = s->number;

	if (!s->digits)
		return bad(err);
	s->digits = 0;
	s->number = 0;
	return add_number(s, value, err);
}

static int map_text(struct tar_sparse *s, const char *text, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] == ',' ? end_number(s, err) : digit(s, text[i], err)) < 0)
			return -1;
	return len ? end_number(s, err) : 0;
}

static int read_size(const char *text, size_t len, uint64_t *out, struct err *err)
{
	uint64_t value = 0;

	if (!len || len > 18)
		return bad(err);
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return bad(err);
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*out = value;
	return 0;
}

static bool is(const char *key, size_t len, const char *name)
{
	return len == strlen(name) && !memcmp(key, name, len);
}

int tar_sparse_record(struct tar_sparse *s, const char *key, size_t key_len, const char *value,
		      size_t len, struct buf *name, struct err *err)
{
	if (!s->active) {
		tar_sparse_reset(s);
		s->active = true;
	}
	if (is(key, key_len, "major"))
		s->in_data = is(value, len, "1");
	else if (is(key, key_len, "size") || is(key, key_len, "realsize"))
		return read_size(value, len, &s->size, err);
	else if (is(key, key_len, "offset") || is(key, key_len, "numbytes") ||
		 is(key, key_len, "map"))
		return map_text(s, value, len, err);
	else if (is(key, key_len, "name"))
		buf_add(name, value, len);
	return 0;
}

int tar_sparse_map(struct tar_sparse *s, const char *data, size_t len, size_t *used,
		   struct err *err)
{
	size_t i = 0;

	while (i < len && (s->wanted == UINT64_MAX || s->numbers < s->wanted)) {
		if ((data[i] == '\n' ? end_number(s, err) : digit(s, data[i], err)) < 0)
			return -1;
		i++;
	}
	s->map_bytes += i;
	if (s->wanted != UINT64_MAX && s->numbers >= s->wanted) {
		size_t padding = tar_padding(s->map_bytes);

		padding = padding < len - i ? padding : len - i;
		s->map_bytes += padding;
		i += padding;
		s->in_data = tar_padding(s->map_bytes) != 0;
	}
	*used = i;
	return s->in_data;
}

int tar_sparse_check(const struct tar_sparse *s, uint64_t stored, struct err *err)
{
	uint64_t at = 0, sum = 0;

	if (s->numbers % 2)
		return bad(err);
	for (size_t i = 0; i < s->count; i++) {
		const struct tar_piece *piece = &s->pieces[i];

		if (piece->offset < at || piece->offset > s->size ||
		    piece->len > s->size - piece->offset)
			return bad(err);
		at = piece->offset + piece->len;
		sum += piece->len;
	}
	return sum == stored ? 0 : bad(err);
}

static int zeros_to(struct tar_sparse *s, const struct tar_visitor *visitor, uint64_t end,
		    struct err *err)
{
	static const char zeros[65536];

	while (s->at < end) {
		uint64_t left = end - s->at;
		size_t len = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);

		if (visitor->data(visitor->payload, zeros, len, err) < 0)
			return -1;
		s->at += len;
	}
	return 0;
}

int tar_sparse_data(struct tar_sparse *s, const struct tar_visitor *visitor, const char *data,
		    size_t len, struct err *err)
{
	if (!data)
		return zeros_to(s, visitor, s->size, err);
	while (len && s->piece < s->count) {
		const struct tar_piece *piece = &s->pieces[s->piece];
		uint64_t left;
		size_t part;

		if (zeros_to(s, visitor, piece->offset, err) < 0)
			return -1;
		left = piece->offset + piece->len - s->at;
		part = left < len ? (size_t)left : len;
		if (part && visitor->data(visitor->payload, data, part, err) < 0)
			return -1;
		s->at += part;
		data += part;
		len -= part;
		if (part == left)
			s->piece++;
	}
	return 0;
}
