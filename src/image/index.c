/* An index as bytes: a header, records of variable-length numbers, names, and data. */
#include "image/index.h"

#include "base/file.h"
#include "image/index_format.h"
#include "parse/tar.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int index_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

bool index_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	if (len == 1)
		return path[1] != '\0';
	return !strncmp(path, folder, len) && path[len] == '/';
}

int index_normalise(const char *path, char *out)
{
	size_t len = 0;

	while (*path) {
		size_t part = strcspn(path, "/");

		if (part == 2 && path[0] == '.' && path[1] == '.') {
			if (!len)
				return -1;
			while (out[--len] != '/')
				;
		} else if (part && !(part == 1 && path[0] == '.')) {
			if (len + part + 1 > TAR_PATH_MAX)
				return -1;
			out[len++] = '/';
			memcpy(out + len, path, part);
			len += part;
		}
		path += part;
		path += *path == '/';
	}
	if (!len)
		out[len++] = '/';
	out[len] = '\0';
	return 0;
}

static int number(struct index_cursor *c, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned char byte;

		if (c->record >= c->index->records_len)
			return -1;
		byte = c->index->records[c->record++];
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = value;
			return 0;
		}
	}
	return -1;
}

static int number32(struct index_cursor *c, uint32_t *out)
{
	uint64_t value;

	if (number(c, &value) < 0 || value > UINT32_MAX)
		return -1;
	*out = (uint32_t)value;
	return 0;
}

static int name(struct index_cursor *c, const char **out)
{
	const char *at = (const char *)c->index->names + c->name;
	size_t left = c->index->names_len - c->name, len = strnlen(at, left);

	if (len == left)
		return -1;
	c->name += len + 1;
	*out = at;
	return 0;
}

/* Offset and length in the data, with TAIL bytes behind. */
static int piece(struct index_cursor *c, size_t tail, struct bytes *out)
{
	uint64_t offset, len, total = c->index->data_len;

	if (number(c, &offset) < 0 || number(c, &len) < 0 || offset > total ||
	    len > total - offset || tail > total - offset - len)
		return -1;
	out->data = c->index->data + offset;
	out->len = (size_t)len;
	return tail && c->index->data[offset + len] != '\0' ? -1 : 0;
}

static int read_data(struct index_cursor *c, unsigned flags, struct entry *out)
{
	if ((flags & RECORD_TEXT && piece(c, 1, &out->text) < 0) ||
	    (flags & RECORD_BINARY && piece(c, 0, &out->binary) < 0) ||
	    (flags & RECORD_SOURCE && piece(c, 0, &out->source) < 0))
		return -1;
	return 0;
}

int index_next(struct index_cursor *c, struct entry *out)
{
	struct entry entry = {0};
	unsigned flags;
	uint64_t word;

	if (c->seen == c->index->count)
		return 0;
	if (number(c, &word) < 0 || word > RECORD_FLAGS_MAX)
		return -1;
	flags = (unsigned)word;
	if ((flags & RECORD_KIND) > ENTRY_HARD)
		return -1;
	entry.kind = (enum entry_kind)(flags & RECORD_KIND);
	entry.implied = flags & RECORD_IMPLIED;
	if (!(flags & RECORD_SAME) && (number32(c, &c->mode) < 0 || number32(c, &c->uid) < 0 ||
				       number32(c, &c->gid) < 0 || c->mode > 07777))
		return -1;
	entry.mode = c->mode;
	entry.uid = c->uid;
	entry.gid = c->gid;
	if (entry.kind == ENTRY_FILE &&
	    (number(c, &entry.size) < 0 || number(c, &entry.offset) < 0))
		return -1;
	if (read_data(c, flags, &entry) < 0 || name(c, &entry.path) < 0)
		return -1;
	if ((entry.kind == ENTRY_SYMLINK || entry.kind == ENTRY_HARD) && name(c, &entry.link) < 0)
		return -1;
	c->seen++;
	*out = entry;
	return 1;
}

bool index_find(const struct index *index, const char *path, struct entry *out)
{
	struct index_cursor cursor = {.index = index};
	struct entry entry;

	while (index_next(&cursor, &entry) > 0) {
		int order = index_compare(entry.path, path);

		if (order > 0)
			return false;
		if (!order && entry.kind != ENTRY_WHITEOUT && entry.kind != ENTRY_OPAQUE) {
			*out = entry;
			return true;
		}
	}
	return false;
}

static bool normal(const char *path)
{
	char out[TAR_PATH_MAX + 2];

	return strlen(path) <= TAR_PATH_MAX && index_normalise(path, out) == 0 &&
	       !strcmp(path, out);
}

static unsigned rank(enum entry_kind kind)
{
	return kind < ENTRY_FILE ? kind : ENTRY_FILE;
}

/* Every entry decodes, in order, nothing is left over, and folders come before what is in them. */
static int validate(const struct index *index)
{
	struct index_cursor cursor = {.index = index};
	struct entry entry, before = {0};
	uint64_t size = 0, files = 0;
	int rc;

	while ((rc = index_next(&cursor, &entry)) > 0) {
		int order = before.path ? index_compare(before.path, entry.path) : -1;

		if (order > 0 || (!order && rank(before.kind) >= rank(entry.kind)) ||
		    !normal(entry.path) || (entry.kind == ENTRY_HARD && !normal(entry.link)) ||
		    (entry.implied && entry.kind != ENTRY_FOLDER))
			return -1;
		if (__builtin_add_overflow(size, entry.size, &size))
			return -1;
		files += entry.kind == ENTRY_FILE || entry.kind == ENTRY_HARD;
		before = entry;
	}
	if (rc < 0 || cursor.record != index->records_len || cursor.name != index->names_len)
		return -1;
	return size == index->size_bytes && files == index->file_count ? 0 : -1;
}

int index__layout(const void *data, size_t len, struct index *out)
{
	struct index_header header;
	uint64_t total = sizeof(header);

	if (len < sizeof(header))
		return -1;
	memcpy(&header, data, sizeof(header));
	if (memcmp(header.magic, INDEX_MAGIC, sizeof(header.magic)) != 0 ||
	    header.format != INDEX_FORMAT || header.binary_format != BINARY_FORMAT ||
	    header.source_format != PY_SOURCE_FORMAT || header.offsets > 1 ||
	    header.count > header.records_len ||
	    __builtin_add_overflow(total, header.records_len, &total) ||
	    __builtin_add_overflow(total, header.names_len, &total) ||
	    __builtin_add_overflow(total, header.data_len, &total) || total != len)
		return -1;
	out->records = (const unsigned char *)data + sizeof(header);
	out->records_len = (size_t)header.records_len;
	out->names = out->records + out->records_len;
	out->names_len = (size_t)header.names_len;
	out->data = out->names + out->names_len;
	out->data_len = (size_t)header.data_len;
	out->count = (size_t)header.count;
	out->file_count = (size_t)header.file_count;
	out->size_bytes = header.size_bytes;
	out->offsets = header.offsets;
	return 0;
}

int index_open(const void *data, size_t len, struct index *out, struct err *err)
{
	struct index index = {0};

	if (index__layout(data, len, &index) < 0 || index.count > IMAGE_FILES_MAX ||
	    validate(&index) < 0)
		return err_set(err, ERR_NOTFOUND, "no layer index of format %d", INDEX_FORMAT);
	*out = index;
	return 0;
}

void index_done(struct index *index)
{
	buf_done(&index->bytes);
	if (index->mapping)
		(void)munmap(index->mapping, index->mapping_len);
	*index = (struct index){0};
}

void index_copy(const struct index *index, struct index *out)
{
	struct index copy = {0};

	buf_init(&copy.bytes, INDEX_BYTES_MAX);
	buf_add(&copy.bytes, index->bytes.data, index->bytes.len);
	(void)index__layout(copy.bytes.data, copy.bytes.len, &copy);
	*out = copy;
}
