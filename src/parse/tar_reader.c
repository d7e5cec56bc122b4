/* Reading tar: a state machine over whatever pieces the bytes come in. The input is hostile. */
#include "parse/tar.h"

#include "base/mem.h"
#include "parse/tar_header.h"
#include "parse/tar_sparse.h"

#include <stdlib.h>
#include <string.h>

enum state {
	AT_HEADER,  /* collecting a block */
	AT_MAP,	    /* collecting a block of an old sparse file's map */
	AT_META,    /* collecting the payload of a PAX header or GNU long name */
	AT_CONTENT, /* passing content on */
	AT_PADDING, /* passing over what remains */
	AT_END,	    /* a block of zeros was read: what follows has no meaning */
};

/* What PAX records and GNU long names say about the next entry. */
struct overrides {
	struct buf path, link;
	bool has_name; /* of a sparse file: PATH is not overridden again */
	bool has_path, has_link, has_size, has_uid, has_gid, has_mtime;
	uint64_t size, uid, gid;
	int64_t mtime;
};

struct tar_reader {
	struct tar_visitor visitor;
	enum state state;
	struct tar_block block;
	size_t block_len;
	char meta_type;
	struct buf meta;
	struct overrides next;
	struct tar_sparse sparse;
	struct tar_block map;
	size_t map_len;
	uint64_t fed;	  /* bytes of the archive before the piece that is looked at */
	uint64_t content; /* offset of the current entry's content */
	uint64_t left;	  /* bytes of content or meta still to come */
	uint64_t after;	  /* bytes of padding or skipped content behind them */
	bool skip;
	struct buf path, link; /* of the current entry */
};

struct tar_reader *tar_reader_new(const struct tar_visitor *visitor)
{
	struct tar_reader *reader = xcalloc(1, sizeof(*reader));

	reader->visitor = *visitor;
	buf_init(&reader->meta, TAR_META_MAX);
	buf_init(&reader->path, TAR_PATH_MAX);
	buf_init(&reader->link, TAR_PATH_MAX);
	buf_init(&reader->next.path, TAR_PATH_MAX);
	buf_init(&reader->next.link, TAR_PATH_MAX);
	return reader;
}

void tar_reader_free(struct tar_reader *reader)
{
	if (!reader)
		return;
	tar_sparse_done(&reader->sparse);
	buf_done(&reader->meta);
	buf_done(&reader->path);
	buf_done(&reader->link);
	buf_done(&reader->next.path);
	buf_done(&reader->next.link);
	free(reader);
}

static int bad(struct err *err, const char *what)
{
	return err_set(err, ERR_USAGE, "the tar archive is malformed: %s", what);
}

/* Two's complement, big endian, in all but the first bit. Only 64 bits are wanted. */
static int base256(const char *field, size_t size, int64_t *out)
{
	bool negative = field[0] & 0x40;
	uint64_t value = negative ? UINT64_MAX : 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)field[i];

		if (i == 0)
			byte = negative ? byte | 0x80 : byte & 0x7f;
		if (i + 8 < size && byte != (negative ? 0xff : 0))
			return -1;
		value = value << 8 | byte;
	}
	if (value >> 63 != negative)
		return -1;
	*out = (int64_t)value;
	return 0;
}

int tar_number(const char *field, size_t size, int64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;

	if (field[0] & 0x80)
		return base256(field, size, out);
	while (i < size && field[i] == ' ')
		i++;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0');
	for (; i < size; i++)
		if (field[i] != ' ' && field[i] != '\0')
			return -1;
	*out = (int64_t)value; /* 12 digits are 36 bits */
	return 0;
}

static bool checksum_holds(const struct tar_block *block)
{
	const unsigned char *bytes = (const unsigned char *)block;
	size_t first = offsetof(struct tar_block, checksum);
	int64_t sum = 0, told = -1;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= first && i < first + sizeof(block->checksum) ? ' ' : bytes[i];
	return tar_number(block->checksum, sizeof(block->checksum), &told) == 0 && told == sum;
}

static bool is_zero(const struct tar_block *block)
{
	static const struct tar_block zeros;

	return !memcmp(block, &zeros, sizeof(zeros));
}

/* Decimal, with an optional "-" and a fraction that is dropped towards the past. */
static int decimal(const char *text, size_t len, bool fraction, int64_t *out)
{
	bool negative = fraction && len && text[0] == '-', rest = false;
	int64_t value = 0;
	size_t i = negative, digits = 0;

	for (; i < len && text[i] >= '0' && text[i] <= '9'; i++, digits++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[i] - '0', &value))
			return -1;
	if (!digits || (i < len && (!fraction || text[i] != '.')))
		return -1;
	for (i++; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		rest = rest || text[i] != '0';
	}
	*out = negative ? -value - rest : value;
	return 0;
}

static int set_name(struct buf *out, const char *text, size_t len, struct err *err)
{
	if (len > TAR_PATH_MAX)
		return err_set(err, ERR_LIMIT, "a name in the tar archive has more than %d bytes",
			       TAR_PATH_MAX);
	if (memchr(text, '\0', len))
		return bad(err, "a name holds a NUL byte");
	out->len = 0;
	buf_add(out, text, len);
	return 0;
}

static bool is_key(const char *key, size_t len, const char *name)
{
	return len == strlen(name) && !memcmp(key, name, len);
}

static int pax_number(const char *value, size_t len, bool *has, uint64_t *out, struct err *err)
{
	int64_t parsed;

	if (decimal(value, len, false, &parsed) < 0)
		return bad(err, "a number in a PAX record");
	*has = true;
	*out = (uint64_t)parsed;
	return 0;
}

/* The name of a sparse file is not that of its entry, which tells only where it was made. */
static int sparse_record(struct tar_reader *r, const char *key, size_t key_len, const char *value,
			 size_t len, struct err *err)
{
	struct buf name;
	int rc;

	buf_init(&name, TAR_PATH_MAX + 1);
	rc = tar_sparse_record(&r->sparse, key, key_len, value, len, &name, err);
	if (rc == 0 && name.len) {
		rc = set_name(&r->next.path, buf_str(&name), name.len, err);
		r->next.has_path = r->next.has_name = true;
	}
	buf_done(&name);
	return rc;
}

static int pax_record(struct tar_reader *r, const char *key, size_t key_len, const char *value,
		      size_t len, struct err *err)
{
	struct overrides *next = &r->next;

	if (is_key(key, key_len, "path")) {
		if (next->has_name)
			return 0;
		next->has_path = len > 0; /* an empty value takes the record back */
		return set_name(&next->path, value, len, err);
	}
	if (is_key(key, key_len, "linkpath")) {
		next->has_link = len > 0;
		return set_name(&next->link, value, len, err);
	}
	if (is_key(key, key_len, "size"))
		return pax_number(value, len, &next->has_size, &next->size, err);
	if (is_key(key, key_len, "uid"))
		return pax_number(value, len, &next->has_uid, &next->uid, err);
	if (is_key(key, key_len, "gid"))
		return pax_number(value, len, &next->has_gid, &next->gid, err);
	if (is_key(key, key_len, "mtime")) {
		next->has_mtime = true;
		if (decimal(value, len, true, &next->mtime) < 0)
			return bad(err, "a time in a PAX record");
	}
	if (key_len > 11 && !memcmp(key, "GNU.sparse.", 11))
		return sparse_record(r, key + 11, key_len - 11, value, len, err);
	return 0;
}

static int read_pax(struct tar_reader *r, const char *at, size_t len, struct err *err)
{
	while (len) {
		const char *space = memchr(at, ' ', len < 20 ? len : 20), *equals;
		size_t head, rest;
		int64_t record;

		if (!space || decimal(at, (size_t)(space - at), false, &record) < 0)
			return bad(err, "the length of a PAX record");
		head = (size_t)(space - at) + 1;
		if ((uint64_t)record <= head || (uint64_t)record > len || at[record - 1] != '\n')
			return bad(err, "the length of a PAX record");
		rest = (size_t)record - head - 1;
		equals = memchr(at + head, '=', rest);
		if (!equals)
			return bad(err, "a PAX record without \"=\"");
		head = (size_t)(equals - at) + 1;
		if (pax_record(r, space + 1, (size_t)(equals - space) - 1, equals + 1,
			       (size_t)record - head - 1, err) < 0)
			return -1;
		at += record;
		len -= (size_t)record;
	}
	return 0;
}

static int end_meta(struct tar_reader *r, struct err *err)
{
	const char *text = buf_str(&r->meta);
	size_t len = strnlen(text, r->meta.len);

	switch (r->meta_type) {
	case 'x':
		return read_pax(r, text, r->meta.len, err);
	case 'L':
		r->next.has_path = true;
		return set_name(&r->next.path, text, len, err);
	case 'K':
		r->next.has_link = true;
		return set_name(&r->next.link, text, len, err);
	default:
		return 0;
	}
}

static void block_path(const struct tar_block *block, struct buf *out)
{
	bool posix = !memcmp(block->magic, "ustar\0", 6);
	size_t prefix = posix ? strnlen(block->prefix, sizeof(block->prefix)) : 0;

	out->len = 0;
	if (prefix) {
		buf_add(out, block->prefix, prefix);
		buf_addstr(out, "/");
	}
	buf_add(out, block->name, strnlen(block->name, sizeof(block->name)));
}

static enum tar_type entry_type(char type, const struct buf *path)
{
	switch (type) {
	case '\0':
	case '0':
	case '7':
	case 'S':
		/* archives older than ustar mark a folder by its name alone */
		return path->len && path->data[path->len - 1] == '/' ? TAR_FOLDER : TAR_FILE;
	case '1':
		return TAR_HARDLINK;
	case '2':
		return TAR_SYMLINK;
	case '5':
		return TAR_FOLDER;
	default:
		return TAR_OTHER;
	}
}

static int read_numbers(const struct tar_reader *r, struct tar_entry *out, struct err *err)
{
	const struct tar_block *b = &r->block;
	const struct overrides *next = &r->next;
	int64_t mode, uid, gid, size, mtime;

	if (tar_number(b->mode, sizeof(b->mode), &mode) < 0 ||
	    tar_number(b->uid, sizeof(b->uid), &uid) < 0 ||
	    tar_number(b->gid, sizeof(b->gid), &gid) < 0 ||
	    tar_number(b->size, sizeof(b->size), &size) < 0 ||
	    tar_number(b->mtime, sizeof(b->mtime), &mtime) < 0)
		return bad(err, "a number in a header");
	uid = next->has_uid ? (int64_t)next->uid : uid;
	gid = next->has_gid ? (int64_t)next->gid : gid;
	size = next->has_size ? (int64_t)next->size : size;
	if (size < 0 || uid < 0 || uid > UINT32_MAX || gid < 0 || gid > UINT32_MAX)
		return bad(err, "a number in a header is out of range");
	out->mode = (uint32_t)mode & 07777;
	out->uid = (uint32_t)uid;
	out->gid = (uint32_t)gid;
	out->size = (uint64_t)size;
	out->mtime_s = next->has_mtime ? next->mtime : mtime;
	return 0;
}

static int read_names(struct tar_reader *r, struct tar_entry *out, struct err *err)
{
	const struct tar_block *b = &r->block;

	if (r->next.has_path)
		(void)set_name(&r->path, buf_str(&r->next.path), r->next.path.len, NULL);
	else
		block_path(b, &r->path);
	if (!r->path.len)
		return bad(err, "an entry has no name");
	out->type = entry_type(b->type, &r->path);
	if (out->type == TAR_FOLDER)
		while (r->path.len > 1 && r->path.data[r->path.len - 1] == '/')
			r->path.data[--r->path.len] = '\0';
	out->path = buf_str(&r->path);
	if (out->type != TAR_SYMLINK && out->type != TAR_HARDLINK)
		return 0;
	if (r->next.has_link)
		(void)set_name(&r->link, buf_str(&r->next.link), r->next.link.len, NULL);
	else
		(void)set_name(&r->link, b->link, strnlen(b->link, sizeof(b->link)), NULL);
	out->link = buf_str(&r->link);
	return 0;
}

static void forget_overrides(struct overrides *next)
{
	*next = (struct overrides){.path = next->path, .link = next->link};
}

static int begin_meta(struct tar_reader *r, struct err *err)
{
	int64_t size;

	if (tar_number(r->block.size, sizeof(r->block.size), &size) < 0 || size < 0)
		return bad(err, "a number in a header");
	if ((uint64_t)size > TAR_META_MAX)
		return err_set(err, ERR_LIMIT,
			       "a header in the tar archive has more than %zu bytes", TAR_META_MAX);
	r->meta_type = r->block.type;
	r->meta.len = 0;
	r->left = (uint64_t)size;
	r->after = tar_padding(r->left);
	r->state = AT_META;
	return 0;
}

static int begin_entry(struct tar_reader *r, struct err *err)
{
	struct tar_entry entry = {0};
	int rc;

	if (read_numbers(r, &entry, err) < 0 || read_names(r, &entry, err) < 0)
		return -1;
	/* only files (and kinds unknown to us) have content, whatever the header says */
	if ((entry.type != TAR_FILE && entry.type != TAR_OTHER) ||
	    (r->block.type && strchr("346", r->block.type)))
		entry.size = 0;
	forget_overrides(&r->next);
	r->left = entry.size;
	r->after = tar_padding(entry.size);
	r->content = r->fed;
	if (entry.type != TAR_FILE)
		r->sparse.active = false;
	if (r->sparse.active && !r->sparse.in_data &&
	    tar_sparse_check(&r->sparse, entry.size, err) < 0)
		return -1;
	entry.sparse = r->sparse.active;
	entry.size = entry.sparse ? r->sparse.size : entry.size;
	rc = r->visitor.entry(r->visitor.payload, &entry, err);
	if (rc < 0)
		return -1;
	r->skip = rc > 0 || !r->visitor.data;
	r->state = AT_CONTENT;
	return 0;
}

static int end_header(struct tar_reader *r, struct err *err)
{
	int rc;

	r->block_len = 0;
	if (is_zero(&r->block)) {
		r->state = AT_END;
		return 0;
	}
	if (!checksum_holds(&r->block))
		return bad(err, "a header's checksum is wrong");
	switch (r->block.type) {
	case 'x':
	case 'g':
	case 'L':
	case 'K':
		return begin_meta(r, err);
	case 'S':
		rc = tar_sparse_header(&r->sparse, &r->block, err);
		if (rc > 0)
			r->state = AT_MAP;
		return rc == 0 ? begin_entry(r, err) : rc > 0 ? 0 : -1;
	default:
		return begin_entry(r, err);
	}
}

/* What of LEN bytes belongs to the present state. */
static size_t share(uint64_t wanted, size_t len)
{
	return wanted < len ? (size_t)wanted : len;
}

static int feed_header(struct tar_reader *r, const char *data, size_t len, size_t *used,
		       struct err *err)
{
	*used = share(TAR_BLOCK - r->block_len, len);
	memcpy((char *)&r->block + r->block_len, data, *used);
	r->block_len += *used;
	r->fed += *used;
	return r->block_len == TAR_BLOCK ? end_header(r, err) : 0;
}

static int feed_map(struct tar_reader *r, const char *data, size_t len, size_t *used,
		    struct err *err)
{
	int rc;

	*used = share(TAR_BLOCK - r->map_len, len);
	memcpy((char *)&r->map + r->map_len, data, *used);
	r->map_len += *used;
	r->fed += *used;
	if (r->map_len < TAR_BLOCK)
		return 0;
	r->map_len = 0;
	rc = tar_sparse_block(&r->sparse, &r->map, err);
	return rc == 0 ? begin_entry(r, err) : rc > 0 ? 0 : -1;
}

/* Content of the current entry: to the visitor, through the map of a sparse file. */
static int give(struct tar_reader *r, const char *data, size_t len, struct err *err)
{
	size_t used = 0;

	if (!r->sparse.active)
		return len ? r->visitor.data(r->visitor.payload, data, len, err) : 0;
	if (r->sparse.in_data) {
		int rc = tar_sparse_map(&r->sparse, data, len, &used, err);

		if (rc > 0 && !r->left)
			return bad(err, "the map of a sparse file is cut off");
		if (rc)
			return rc < 0 ? -1 : 0;
		if (tar_sparse_check(&r->sparse, r->left + len - used, err) < 0)
			return -1;
	}
	if (tar_sparse_data(&r->sparse, &r->visitor, data + used, len - used, err) < 0)
		return -1;
	return r->left ? 0 : tar_sparse_data(&r->sparse, &r->visitor, NULL, 0, err);
}

static int end_content(struct tar_reader *r, struct err *err)
{
	if (r->state == AT_META && end_meta(r, err) < 0)
		return -1;
	if (r->state == AT_CONTENT && r->sparse.active)
		tar_sparse_reset(&r->sparse);
	r->state = r->after ? AT_PADDING : AT_HEADER;
	return 0;
}

static int feed_content(struct tar_reader *r, const char *data, size_t len, size_t *used,
			struct err *err)
{
	*used = share(r->left, len);
	r->left -= *used;
	r->fed += *used;
	if (r->state == AT_META)
		buf_add(&r->meta, data, *used);
	else if (!r->skip && give(r, data, *used, err) < 0)
		return -1;
	return r->left ? 0 : end_content(r, err);
}

static int feed_some(struct tar_reader *r, const char *data, size_t len, size_t *used,
		     struct err *err)
{
	switch (r->state) {
	case AT_HEADER:
		return feed_header(r, data, len, used, err);
	case AT_MAP:
		return feed_map(r, data, len, used, err);
	case AT_META:
	case AT_CONTENT:
		return feed_content(r, data, len, used, err);
	case AT_PADDING:
		*used = share(r->after, len);
		r->after -= *used;
		r->fed += *used;
		if (!r->after)
			r->state = AT_HEADER;
		return 0;
	case AT_END:
		break;
	}
	*used = len;
	return 0;
}

int tar_reader_feed(struct tar_reader *r, const void *data, size_t len, struct err *err)
{
	const char *at = data;

	/* an empty entry ends without another byte */
	while (len || ((r->state == AT_CONTENT || r->state == AT_META) && !r->left)) {
		size_t used = 0;

		if (feed_some(r, at, len, &used, err) < 0)
			return -1;
		at += used;
		len -= used;
	}
	return 0;
}

uint64_t tar_reader_content(const struct tar_reader *r)
{
	return r->content;
}

uint64_t tar_reader_skip(struct tar_reader *r, uint64_t max)
{
	uint64_t content = 0, padding = 0;

	if (r->state == AT_CONTENT && r->skip) {
		content = r->left < max ? r->left : max;
		r->left -= content;
		if (!r->left)
			(void)end_content(r, NULL);
	}
	if (r->state == AT_PADDING) {
		padding = r->after < max - content ? r->after : max - content;
		r->after -= padding;
		if (!r->after)
			r->state = AT_HEADER;
	}
	r->fed += content + padding;
	return content + padding;
}

int tar_reader_end(struct tar_reader *r, struct err *err)
{
	bool named = r->next.has_path || r->next.has_link;

	if (r->state == AT_END || (r->state == AT_HEADER && !r->block_len && !named))
		return 0;
	return bad(err, "it ends in the middle of an entry");
}
