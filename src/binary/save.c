/*
 * A binary as bytes: magic and format, then every field in the order of the struct. Numbers are
 * LEB128, texts their length + 1 (0: NULL) and the bytes; hashes lie as they are in memory, since a
 * cache does not leave its machine.
 */
#include "binary/binary.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC "ABIN"
#define TEXT_MAX ((uint64_t)1024 * 1024)

static void put(struct buf *out, uint64_t value)
{
	char byte;

	do {
		byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		buf_add(out, &byte, 1);
		value >>= 7;
	} while (value);
}

static void put_text(struct buf *out, const char *text)
{
	put(out, text ? strlen(text) + 1 : 0);
	if (text)
		buf_add(out, text, strlen(text));
}

static void put_texts(struct buf *out, const struct strings *texts)
{
	put(out, texts->count);
	for (size_t i = 0; i < texts->count; i++)
		put_text(out, texts->items[i]);
}

static void put_device(struct buf *out, const struct fatbin_summary *device)
{
	put(out, device->arch_count);
	for (size_t i = 0; i < device->arch_count; i++) {
		const struct fatbin_arch *arch = &device->archs[i];

		put(out, arch->cc);
		put(out, (unsigned char)arch->suffix);
		put(out, arch->kind);
		put(out, arch->entries);
		put(out, arch->fatbins);
		put(out, arch->bytes);
	}
	put(out, device->fatbin_count);
	put(out, device->stub_count);
	put(out, device->zstd);
	put_text(out, device->malformed);
}

void binary_save(const struct binary *binary, struct buf *out)
{
	buf_addstr(out, MAGIC);
	put(out, BINARY_FORMAT);
	put(out, binary->kind);
	put(out, binary->is64);
	put_text(out, binary->machine);
	put_text(out, binary->interp);
	put_text(out, binary->soname);
	put_text(out, binary->rpath);
	put_text(out, binary->runpath);
	put_texts(out, &binary->needed);
	put(out, binary->version_need_count);
	for (size_t i = 0; i < binary->version_need_count; i++) {
		put_text(out, binary->version_needs[i].file);
		put_text(out, binary->version_needs[i].version);
		put(out, binary->version_needs[i].weak);
	}
	put_texts(out, &binary->version_defs);
	put(out, binary->undefined_count);
	for (size_t i = 0; i < binary->undefined_count; i++) {
		put_text(out, binary->undefined[i].name);
		put_text(out, binary->undefined[i].version);
		put(out, binary->undefined[i].weak);
	}
	put(out, binary->defined_count);
	if (binary->defined_count)
		buf_add(out, binary->defined, binary->defined_count * sizeof(*binary->defined));
	put_device(out, &binary->device);
	put_text(out, binary->arch_list);
	put_texts(out, &binary->ptxas_targets);
	put_text(out, binary->malformed);
}

/* --- and back -------------------------------------------------------------------------------- */

struct reader {
	const unsigned char *at;
	size_t left;
	bool ok;
	struct arena *arena;
};

static uint64_t take(struct reader *reader, uint64_t max)
{
	uint64_t value = 0;
	unsigned shift = 0;
	unsigned char byte;

	do {
		if (!reader->left || shift > 63)
			goto bad;
		byte = *reader->at++;
		reader->left--;
		value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (value <= max)
		return value;
bad:
	reader->ok = false;
	reader->left = 0;
	return 0;
}

static const char *take_text(struct reader *reader)
{
	uint64_t len = take(reader, TEXT_MAX + 1);
	const char *text;

	if (!len)
		return NULL;
	len--;
	if (len > reader->left || memchr(reader->at, '\0', (size_t)len)) {
		reader->ok = false;
		reader->left = 0;
		return NULL;
	}
	text = arena_strndup(reader->arena, (const char *)reader->at, (size_t)len);
	reader->at += len;
	reader->left -= (size_t)len;
	return text;
}

/* A list of COUNT things, each at least EACH bytes in the file, of SIZE in memory. */
static void *take_list(struct reader *reader, uint64_t max, size_t each, size_t size, size_t *count)
{
	uint64_t found = take(reader, max);

	if (found > reader->left / each) {
		reader->ok = false;
		found = 0;
	}
	*count = (size_t)found;
	return found ? arena_alloc(reader->arena, (size_t)found * size) : NULL;
}

static void take_texts(struct reader *reader, uint64_t max, struct strings *out)
{
	out->items = take_list(reader, max, 1, sizeof(*out->items), &out->count);
	for (size_t i = 0; i < out->count; i++) {
		out->items[i] = take_text(reader);
		if (!out->items[i])
			reader->ok = false;
	}
}

static void take_device(struct reader *reader, struct fatbin_summary *out)
{
	out->archs = take_list(reader, UINT32_MAX, 6, sizeof(*out->archs), &out->arch_count);
	for (size_t i = 0; i < out->arch_count; i++) {
		struct fatbin_arch *arch = &out->archs[i];

		arch->cc = (unsigned)take(reader, UINT32_MAX);
		arch->suffix = (char)take(reader, 'f');
		arch->kind = take(reader, FATBIN_SASS) == FATBIN_PTX ? FATBIN_PTX : FATBIN_SASS;
		arch->entries = take(reader, UINT64_MAX);
		arch->fatbins = take(reader, UINT64_MAX);
		arch->bytes = take(reader, UINT64_MAX);
	}
	out->fatbin_count = take(reader, UINT64_MAX);
	out->stub_count = take(reader, UINT64_MAX);
	out->zstd = take(reader, 1);
	out->malformed = take_text(reader);
}

static void take_symbols(struct reader *reader, struct binary *out)
{
	out->undefined = take_list(reader, BINARY_SYMBOLS_MAX, 3, sizeof(*out->undefined),
				   &out->undefined_count);
	for (size_t i = 0; i < out->undefined_count; i++) {
		out->undefined[i].name = take_text(reader);
		out->undefined[i].version = take_text(reader);
		out->undefined[i].weak = take(reader, 1);
		reader->ok = reader->ok && out->undefined[i].name;
	}
	out->defined = take_list(reader, BINARY_SYMBOLS_MAX, sizeof(*out->defined),
				 sizeof(*out->defined), &out->defined_count);
	if (out->defined_count) {
		memcpy(out->defined, reader->at, out->defined_count * sizeof(*out->defined));
		reader->at += out->defined_count * sizeof(*out->defined);
		reader->left -= out->defined_count * sizeof(*out->defined);
	}
	for (size_t i = 1; i < out->defined_count; i++)
		reader->ok = reader->ok && out->defined[i - 1] <= out->defined[i];
}

static void take_binary(struct reader *reader, struct binary *out)
{
	out->kind = (enum binary_kind)take(reader, BINARY_OTHER);
	out->is64 = take(reader, 1);
	out->machine = take_text(reader);
	out->interp = take_text(reader);
	out->soname = take_text(reader);
	out->rpath = take_text(reader);
	out->runpath = take_text(reader);
	take_texts(reader, BINARY_NEEDED_MAX, &out->needed);
	out->version_needs = take_list(reader, BINARY_VERSIONS_MAX, 3, sizeof(*out->version_needs),
				       &out->version_need_count);
	for (size_t i = 0; i < out->version_need_count; i++) {
		out->version_needs[i].file = take_text(reader);
		out->version_needs[i].version = take_text(reader);
		out->version_needs[i].weak = take(reader, 1);
		reader->ok =
			reader->ok && out->version_needs[i].file && out->version_needs[i].version;
	}
	take_texts(reader, BINARY_VERSIONS_MAX, &out->version_defs);
	take_symbols(reader, out);
	take_device(reader, &out->device);
	out->arch_list = take_text(reader);
	take_texts(reader, UINT32_MAX, &out->ptxas_targets);
	out->malformed = take_text(reader);
}

int binary_load(const void *data, size_t len, struct arena *arena, struct binary *out,
		struct err *err)
{
	struct reader reader = {.at = data, .left = len, .ok = true, .arena = arena};
	struct binary binary = {0};

	if (len < 4 || memcmp(data, MAGIC, 4) != 0)
		return err_set(err, ERR_NOTFOUND, "not a kept binary");
	reader.at += 4;
	reader.left -= 4;
	if (take(&reader, UINT32_MAX) != BINARY_FORMAT || !reader.ok)
		return err_set(err, ERR_NOTFOUND, "a binary kept by another version");
	take_binary(&reader, &binary);
	if (!reader.ok || reader.left || !binary.machine)
		return err_set(err, ERR_NOTFOUND, "a damaged kept binary");
	*out = binary;
	return 0;
}
