#include "parse/rpm_header.h"

#include <stdbool.h>
#include <string.h>

#define INTRO 8	 /* count of entries, bytes of data */
#define ENTRY 16 /* tag, type, offset, count */

enum tag {
	TAG_NAME = 1000,
	TAG_VERSION = 1001,
	TAG_RELEASE = 1002,
	TAG_EPOCH = 1003,
	TAG_SIZE = 1009,
	TAG_ARCH = 1022,
	TAG_DIRINDEXES = 1116,
	TAG_BASENAMES = 1117,
	TAG_DIRNAMES = 1118,
	TAG_LONGSIZE = 5009,
};

enum type { TYPE_INT32 = 4, TYPE_INT64 = 5, TYPE_STRING = 6, TYPE_STRINGS = 8 };

struct header {
	const uint8_t *entries, *data;
	size_t count, len; /* of entries, of data */
};

struct value {
	const uint8_t *at;
	size_t left; /* bytes from AT to the end of the data */
	size_t count;
};

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t be64(const uint8_t *at)
{
	return (uint64_t)be32(at) << 32 | be32(at + 4);
}

/* False: there is no such tag of this type, or it lies outside the data. */
static bool find(const struct header *header, enum tag tag, enum type type, struct value *out)
{
	for (size_t i = 0; i < header->count; i++) {
		const uint8_t *entry = header->entries + i * ENTRY;
		uint32_t offset = be32(entry + 8);

		if (be32(entry) != tag || be32(entry + 4) != type || offset >= header->len)
			continue;
		*out = (struct value){header->data + offset, header->len - offset,
				      be32(entry + 12)};
		return out->count > 0;
	}
	return false;
}

/* The next string of VALUE, NULL at its end or where it is not ended. */
static const char *take(struct value *value)
{
	const uint8_t *at = value->at, *end;

	if (!value->count || !value->left)
		return NULL;
	end = memchr(at, 0, value->left);
	if (!end)
		return NULL;
	value->left -= (size_t)(end + 1 - at);
	value->at = end + 1;
	value->count--;
	return (const char *)at;
}

static const char *string_of(const struct header *header, enum tag tag)
{
	struct value value;

	return find(header, tag, TYPE_STRING, &value) ? take(&value) : NULL;
}

static uint64_t number_of(const struct header *header, enum tag tag, enum type type)
{
	size_t size = type == TYPE_INT64 ? 8 : 4;
	struct value value;

	if (!find(header, tag, type, &value) || value.left < size)
		return 0;
	return size == 8 ? be64(value.at) : be32(value.at);
}

static const char *version_of(const struct header *header, struct arena *arena)
{
	const char *version = string_of(header, TAG_VERSION);
	const char *release = string_of(header, TAG_RELEASE);
	uint64_t epoch = number_of(header, TAG_EPOCH, TYPE_INT32);

	if (!version || !release)
		return NULL;
	if (!epoch)
		return arena_printf(arena, "%s-%s", version, release);
	return arena_printf(arena, "%llu:%s-%s", (unsigned long long)epoch, version, release);
}

/* A path is a folder's name and a base name; the index tells which folder. */
static int read_paths(const struct header *header, struct arena *arena, struct rpm_header *out,
		      struct err *err)
{
	struct value folders, bases, indexes;
	const char **names;
	size_t folder_count = 0, name_count, total = 0;

	if (!find(header, TAG_BASENAMES, TYPE_STRINGS, &bases))
		return 0;
	if (!find(header, TAG_DIRNAMES, TYPE_STRINGS, &folders) ||
	    !find(header, TAG_DIRINDEXES, TYPE_INT32, &indexes) || indexes.count != bases.count ||
	    indexes.left / 4 < indexes.count)
		return err_set(err, ERR_USAGE, "the files of %s have no folders", out->name);
	if (bases.count > RPM_FILES_MAX || folders.count > bases.count)
		return err_set(err, ERR_LIMIT, "%s has more than %d files, or folders without",
			       out->name, RPM_FILES_MAX);
	name_count = folders.count;
	names = arena_alloc(arena, name_count * sizeof(*names));
	while (folder_count < name_count && (names[folder_count] = take(&folders)) != NULL)
		folder_count++;
	out->paths = arena_alloc(arena, bases.count * sizeof(*out->paths));
	for (size_t i = 0; i < indexes.count; i++) {
		const char *base = take(&bases);
		uint32_t index = be32(indexes.at + 4 * i);

		if (!base || index >= folder_count)
			return err_set(err, ERR_USAGE, "file %zu of %s has no name or no folder", i,
				       out->name);
		total += strlen(names[index]) + strlen(base);
		if (strlen(names[index]) + strlen(base) > RPM_PATH_MAX ||
		    total > RPM_PATHS_BYTES_MAX)
			return err_set(err, ERR_LIMIT, "file %zu of %s has too long a path", i,
				       out->name);
		out->paths[out->path_count++] = arena_printf(arena, "%s%s", names[index], base);
	}
	return 0;
}

int rpm_header_read(const void *data, size_t len, struct arena *arena, struct rpm_header *out,
		    struct err *err)
{
	const uint8_t *bytes = data;
	struct header header;
	struct rpm_header read = {0};

	if (len > RPM_HEADER_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "a header of %zu bytes", len);
	if (len < INTRO)
		return err_set(err, ERR_USAGE, "a header of %zu bytes", len);
	header.count = be32(bytes);
	header.len = be32(bytes + 4);
	if (header.count > (len - INTRO) / ENTRY || header.len > len - INTRO - header.count * ENTRY)
		return err_set(err, ERR_USAGE,
			       "a header of %zu entries and %zu bytes of data in %zu bytes",
			       header.count, header.len, len);
	header.entries = bytes + INTRO;
	header.data = header.entries + header.count * ENTRY;
	read.name = arena_strdup(arena, string_of(&header, TAG_NAME));
	read.version = version_of(&header, arena);
	if (!read.name || !*read.name || !read.version)
		return err_set(err, ERR_USAGE, "a header without name, version and release");
	read.arch = arena_strdup(arena, string_of(&header, TAG_ARCH));
	read.size_bytes = number_of(&header, TAG_LONGSIZE, TYPE_INT64);
	if (!read.size_bytes)
		read.size_bytes = number_of(&header, TAG_SIZE, TYPE_INT32);
	if (read_paths(&header, arena, &read, err) < 0)
		return -1;
	*out = read;
	return 0;
}
