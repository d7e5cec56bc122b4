/* Building an index: entries are kept small while a layer is read, then sorted and encoded. */
#include "base/mem.h"
#include "image/index.h"
#include "image/index_format.h"
#include "parse/tar.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_OF_LINKS IMAGE_LINKS_MAX /* hard links to hard links that are followed */

/* Where an entry's data lie. */
struct extra {
	size_t offset[3], len[3]; /* of text, binary and source */
	bool has[3];
};

struct pending {
	uint64_t size, offset;
	uint32_t path, link; /* in the names; link 0: none */
	uint32_t uid, gid;
	uint32_t extra; /* index in EXTRAS plus one, 0: none */
	uint16_t mode;
	uint8_t kind;
	bool implied;
};

struct index_builder {
	struct pending *items;
	size_t count, cap;
	struct buf names; /* each with its NUL; the first is empty */
	struct buf data;
	size_t texts, facts; /* bytes of each in DATA */
	struct extra *extras;
	size_t extra_count, extra_cap;
};

struct index_builder *index_builder_new(void)
{
	struct index_builder *b = xcalloc(1, sizeof(*b));

	buf_init(&b->names, INDEX_NAMES_MAX);
	buf_add(&b->names, "", 1);
	buf_init(&b->data, INDEX_TEXTS_MAX + INDEX_FACTS_MAX + 1);
	return b;
}

void index_builder_free(struct index_builder *b)
{
	if (!b)
		return;
	buf_done(&b->names);
	buf_done(&b->data);
	free(b->items);
	free(b->extras);
	free(b);
}

static int add_name(struct index_builder *b, const char *text, uint32_t *out, struct err *err)
{
	size_t len = strlen(text) + 1;

	if (len > INDEX_NAMES_MAX - b->names.len)
		return err_set(err, ERR_LIMIT, "the names in a layer have more than %zu bytes",
			       INDEX_NAMES_MAX);
	*out = (uint32_t)b->names.len;
	buf_add(&b->names, text, len);
	return 0;
}

static void put(struct index_builder *b, struct extra *extra, size_t which,
		const struct bytes *bytes)
{
	extra->has[which] = true;
	extra->offset[which] = b->data.len;
	extra->len[which] = bytes->len;
	buf_add(&b->data, bytes->data, bytes->len);
	if (which == 0)
		buf_add(&b->data, "", 1);
}

static int add_data(struct index_builder *b, const struct entry *entry, uint32_t *out,
		    struct err *err)
{
	bool text = entry->text.data && entry->text.len < INDEX_TEXTS_MAX - b->texts;
	size_t facts = entry->binary.len + entry->source.len;
	struct extra extra = {0};

	if (!text && !entry->binary.data && !entry->source.data)
		return 0;
	if (facts > INDEX_FACTS_MAX - b->facts)
		return err_set(err, ERR_LIMIT,
			       "what is known of the files in a layer has more than "
			       "%zu bytes",
			       INDEX_FACTS_MAX);
	if (text)
		put(b, &extra, 0, &entry->text);
	if (entry->binary.data)
		put(b, &extra, 1, &entry->binary);
	if (entry->source.data)
		put(b, &extra, 2, &entry->source);
	b->texts += text ? entry->text.len + 1 : 0;
	b->facts += facts;
	if (b->extra_count == b->extra_cap) {
		b->extra_cap = b->extra_cap ? b->extra_cap * 2 : 64;
		b->extras = xrealloc(b->extras, b->extra_cap * sizeof(*b->extras));
	}
	b->extras[b->extra_count++] = extra;
	*out = (uint32_t)b->extra_count;
	return 0;
}

static struct pending *grow(struct index_builder *b)
{
	if (b->count == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 256;
		b->items = xrealloc(b->items, b->cap * sizeof(*b->items));
	}
	return &b->items[b->count++];
}

int index_add(struct index_builder *b, const struct entry *entry, struct err *err)
{
	struct pending item = {
		.size = entry->size,
		.offset = entry->offset,
		.uid = entry->uid,
		.gid = entry->gid,
		/* a file system gives links no mode of their own */
		.mode = (uint16_t)(entry->kind == ENTRY_SYMLINK ? 0777 : entry->mode & 07777),
		.kind = (uint8_t)entry->kind,
		.implied = entry->implied,
	};

	if (b->count >= IMAGE_FILES_MAX)
		return err_set(err, ERR_LIMIT, "a layer has more than %d entries", IMAGE_FILES_MAX);
	if (add_name(b, entry->path, &item.path, err) < 0 ||
	    (entry->link && add_name(b, entry->link, &item.link, err) < 0) ||
	    add_data(b, entry, &item.extra, err) < 0)
		return -1;
	*grow(b) = item;
	return 0;
}

static const char *path_of(const struct index_builder *b, uint32_t at)
{
	return b->names.data + b->items[at].path;
}

static unsigned rank(const struct pending *item)
{
	return item->kind < ENTRY_FILE ? item->kind : ENTRY_FILE;
}

/* By path, then whiteout, opaque mark, entry; then as they came. */
static int compare(const void *left, const void *right, void *payload)
{
	const struct index_builder *b = payload;
	uint32_t l = *(const uint32_t *)left, r = *(const uint32_t *)right;
	int order = index_compare(path_of(b, l), path_of(b, r));

	if (!order)
		order = (int)rank(&b->items[l]) - (int)rank(&b->items[r]);
	return order ? order : (l < r ? -1 : l > r);
}

/* Most archives are sorted already. */
static bool is_sorted(struct index_builder *b)
{
	for (uint32_t i = 1; i < b->count; i++)
		if (compare(&(uint32_t){i - 1}, &(uint32_t){i}, b) > 0)
			return false;
	return true;
}

static bool same_place(struct index_builder *b, uint32_t l, uint32_t r)
{
	return rank(&b->items[l]) == rank(&b->items[r]) && !strcmp(path_of(b, l), path_of(b, r));
}

/* The order, each place once: the last entry of a path wins, a real one over an implied one. */
static size_t sort(struct index_builder *b, uint32_t *order)
{
	size_t kept = 0;

	for (uint32_t i = 0; i < b->count; i++)
		order[i] = i;
	if (!is_sorted(b))
		qsort_r(order, b->count, sizeof(*order), compare, b);
	for (size_t i = 0; i < b->count; i++) {
		bool again = kept && same_place(b, order[kept - 1], order[i]);

		if (!again)
			order[kept++] = order[i];
		else if (!b->items[order[i]].implied)
			order[kept - 1] = order[i];
	}
	return kept;
}

/* A name that an entry of the same layer uses as a folder: it can only be one. */
static void make_folder(struct pending *item)
{
	*item = (struct pending){
		.path = item->path, .kind = ENTRY_FOLDER, .implied = true, .mode = 0755};
}

static int imply_one(struct index_builder *b, const char *path, size_t len, struct err *err)
{
	char name[TAR_PATH_MAX + 2];
	struct entry folder = {.kind = ENTRY_FOLDER, .path = name, .implied = true, .mode = 0755};

	memcpy(name, path, len);
	name[len] = '\0';
	return index_add(b, &folder, err);
}

/* Add the folders on the way to ITEM that BEFORE, the entry in front of it, does not share. */
static int imply_folders(struct index_builder *b, uint32_t before, uint32_t item, struct err *err)
{
	for (size_t len = 1;; len++) {
		const char *path = path_of(b, item), *shared = path_of(b, before);

		len += strcspn(path + len, "/");
		if (!path[len])
			return 0;
		if (strncmp(shared, path, len) != 0 || (shared[len] && shared[len] != '/')) {
			if (imply_one(b, path, len, err) < 0)
				return -1;
		} else if (!shared[len] && b->items[before].kind != ENTRY_FOLDER) {
			make_folder(&b->items[before]);
		}
	}
}

/* Afterwards every entry's folder is there, and a folder. */
static int complete(struct index_builder *b, const uint32_t *order, size_t count, struct err *err)
{
	static const struct entry root = {
		.kind = ENTRY_FOLDER, .path = "/", .implied = true, .mode = 0755};
	uint32_t before = (uint32_t)b->count;

	if (index_add(b, &root, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (b->items[order[i]].kind < ENTRY_FILE)
			continue;
		if (imply_folders(b, before, order[i], err) < 0)
			return -1;
		before = order[i];
	}
	return 0;
}

/* The entry at PATH, NULL: none. */
static struct pending *find(const struct index_builder *b, const uint32_t *order, size_t count,
			    const char *path)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int cmp = index_compare(path_of(b, order[mid]), path);

		if (!cmp && b->items[order[mid]].kind >= ENTRY_FILE)
			return &b->items[order[mid]];
		if (cmp <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Let a hard link name the file itself, not another link to it. A link to a symlink is one. */
static void resolve_link(struct index_builder *b, const uint32_t *order, size_t count,
			 struct pending *item)
{
	struct pending *target = item;

	for (unsigned hops = 0; hops < LINKS_OF_LINKS && target && target->kind == ENTRY_HARD;
	     hops++)
		target = find(b, order, count, b->names.data + target->link);
	if (!target)
		return;
	if (target->kind == ENTRY_FILE) {
		item->link = target->path;
		item->mode = target->mode;
		item->uid = target->uid;
		item->gid = target->gid;
	} else if (target->kind == ENTRY_SYMLINK || target->kind == ENTRY_OTHER) {
		uint32_t path = item->path;

		*item = *target;
		item->path = path;
	}
}

static void number(struct buf *out, uint64_t value)
{
	unsigned char bytes[10];
	size_t len = 0;

	do {
		bytes[len] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (bytes[len++] & 0x80);
	buf_add(out, bytes, len);
}

static unsigned flags_of(const struct pending *item, const struct pending *before,
			 const struct extra *extra)
{
	bool same = before && before->mode == item->mode && before->uid == item->uid &&
		    before->gid == item->gid;

	return item->kind | (same ? RECORD_SAME : 0) | (item->implied ? RECORD_IMPLIED : 0) |
	       (extra && extra->has[0] ? RECORD_TEXT : 0) |
	       (extra && extra->has[1] ? RECORD_BINARY : 0) |
	       (extra && extra->has[2] ? RECORD_SOURCE : 0);
}

static void encode(const struct index_builder *b, const struct pending *item,
		   const struct pending *before, struct buf *records, struct buf *names)
{
	const struct extra *extra = item->extra ? &b->extras[item->extra - 1] : NULL;
	unsigned flags = flags_of(item, before, extra);
	const char *path = b->names.data + item->path, *link = b->names.data + item->link;

	number(records, flags);
	if (!(flags & RECORD_SAME)) {
		number(records, item->mode);
		number(records, item->uid);
		number(records, item->gid);
	}
	if (item->kind == ENTRY_FILE) {
		number(records, item->size);
		number(records, item->offset);
	}
	for (size_t i = 0; extra && i < 3; i++) {
		if (!extra->has[i])
			continue;
		number(records, extra->offset[i]);
		number(records, extra->len[i]);
	}
	buf_add(names, path, strlen(path) + 1);
	if (item->kind == ENTRY_SYMLINK || item->kind == ENTRY_HARD)
		buf_add(names, link, strlen(link) + 1);
}

static void encode_all(const struct index_builder *b, const uint32_t *order, size_t count,
		       bool offsets, struct buf *out)
{
	struct index_header header = {.magic = INDEX_MAGIC,
				      .format = INDEX_FORMAT,
				      .binary_format = BINARY_FORMAT,
				      .source_format = PY_SOURCE_FORMAT,
				      .offsets = offsets,
				      .count = count,
				      .data_len = b->data.len};
	struct buf names;

	buf_init(&names, INDEX_NAMES_MAX);
	buf_init(out, INDEX_BYTES_MAX);
	buf_add(out, &header, sizeof(header));
	for (size_t i = 0; i < count; i++) {
		const struct pending *item = &b->items[order[i]];

		encode(b, item, i ? &b->items[order[i - 1]] : NULL, out, &names);
		header.file_count += item->kind == ENTRY_FILE || item->kind == ENTRY_HARD;
		header.size_bytes += item->kind == ENTRY_FILE ? item->size : 0;
	}
	header.records_len = out->len - sizeof(header);
	header.names_len = names.len;
	buf_add(out, names.data, names.len);
	buf_done(&names);
	buf_add(out, b->data.data, b->data.len);
	memcpy(out->data, &header, sizeof(header));
}

int index_finish(struct index_builder *b, bool offsets, struct index *out, struct err *err)
{
	size_t room = b->count, count;
	uint32_t *order = xcalloc(room, sizeof(*order));
	struct index index = {0};

	count = sort(b, order);
	if (complete(b, order, count, err) < 0) {
		free(order);
		index_builder_free(b);
		return -1;
	}
	order = xrealloc(order, b->count * sizeof(*order));
	count = sort(b, order);
	for (size_t i = 0; i < count; i++)
		if (b->items[order[i]].kind == ENTRY_HARD)
			resolve_link(b, order, count, &b->items[order[i]]);
	encode_all(b, order, count, offsets, &index.bytes);
	free(order);
	index_builder_free(b);
	(void)index__layout(index.bytes.data, index.bytes.len, &index);
	*out = index;
	return 0;
}
