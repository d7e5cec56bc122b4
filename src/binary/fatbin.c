/*
 * A fatbin is a header of 16 bytes, then entries of at least 64 bytes each with their payload. What
 * is read here: of the header u32 magic, u16 version, u16 header size, u64 bytes of all entries; of
 * an entry u16 kind, u32 header size at 4, u64 payload size at 8, u32 arch at 28, u64 flags at 40.
 */
#include "binary/fatbin.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC 0xBA55ED50u
#define HEADER_BYTES 16
#define ENTRY_BYTES 64
#define ENTRY_HEADER_MAX 4096
#define FLAG_ZSTD 0x8000u
#define FLAG_ARCH_SPECIFIC 0x100000u
#define FLAG_FAMILY 0x200000u
#define FLAGS_COMPRESSED (0x2000u | FLAG_ZSTD)
#define SECTION_BYTES 64
#define SECTION_EXECUTABLE 4u /* SHF_EXECINSTR */
#define ARCHS_MAX 1024

/* What is kept of an entry until its fatbin is known to be no stub. */
struct entry {
	enum fatbin_kind kind;
	unsigned cc;
	char suffix;
	bool zstd, empty;
	uint64_t bytes;
};

struct walk {
	const unsigned char *data;
	size_t len;
	struct arena *arena;
	struct fatbin_summary *out;
	uint64_t fatbins, entries;
	struct entry *pending; /* of the fatbin being read */
	size_t pending_count, pending_max;
};

static uint64_t get(const unsigned char *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = bytes; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

/* --- one fatbin ------------------------------------------------------------------------------ */

/* Device linking leaves objects without code for every architecture: an uncompressed ELF64 file no
 * section of which holds instructions. */
static bool holds_no_code(const unsigned char *elf, uint64_t len)
{
	uint64_t offset, size, count;

	if (len < 64 || memcmp(elf, "\177ELF\2\1", 6) != 0)
		return false;
	offset = get(elf + 40, 8);
	size = get(elf + 58, 2);
	count = get(elf + 60, 2);
	if (size != SECTION_BYTES || offset > len || count * size > len - offset)
		return false;
	for (uint64_t i = 0; i < count; i++)
		if (get(elf + offset + i * size + 8, 8) & SECTION_EXECUTABLE)
			return false;
	return true;
}

static void keep_entry(struct walk *walk, const unsigned char *at, uint64_t header, uint64_t size)
{
	uint64_t flags = get(at + 40, 8), kind = get(at, 2);
	struct entry *entry;

	if (kind != FATBIN_PTX && kind != FATBIN_SASS)
		return;
	if (walk->pending_count == walk->pending_max) {
		walk->pending_max = walk->pending_max ? walk->pending_max * 2 : 16;
		walk->pending = xrealloc(walk->pending, walk->pending_max * sizeof(*entry));
	}
	entry = &walk->pending[walk->pending_count++];
	*entry = (struct entry){.kind = kind == FATBIN_PTX ? FATBIN_PTX : FATBIN_SASS,
				.cc = (unsigned)get(at + 28, 4),
				.zstd = (flags & FLAG_ZSTD) != 0,
				.bytes = size};
	entry->suffix = flags & FLAG_ARCH_SPECIFIC ? 'a' : flags & FLAG_FAMILY ? 'f' : '\0';
	entry->empty = entry->kind == FATBIN_SASS && !(flags & FLAGS_COMPRESSED) &&
		       holds_no_code(at + header, size);
}

/* Read the entries of one fatbin; what is wrong with them, or NULL. */
static const char *read_entries(struct walk *walk, const unsigned char *at, uint64_t left)
{
	walk->pending_count = 0;
	while (left) {
		uint64_t header, size;

		if (left < ENTRY_BYTES)
			return "a fatbin ends inside an entry";
		header = get(at + 4, 4);
		size = get(at + 8, 8);
		if (header < ENTRY_BYTES || header > ENTRY_HEADER_MAX || header > left)
			return "a fatbin entry has a header of impossible size";
		if (size > left - header)
			return "a fatbin entry is longer than its fatbin";
		if (++walk->entries > FATBIN_ENTRY_MAX)
			return "too many fatbin entries";
		keep_entry(walk, at, header, size);
		at += header + size;
		left -= header + size;
	}
	return NULL;
}

/* --- counting -------------------------------------------------------------------------------- */

static struct fatbin_arch *arch_of(struct walk *walk, const struct entry *entry)
{
	struct fatbin_summary *out = walk->out;
	struct fatbin_arch *arch;

	for (size_t i = 0; i < out->arch_count; i++) {
		arch = &out->archs[i];
		if (arch->kind == entry->kind && arch->cc == entry->cc &&
		    arch->suffix == entry->suffix)
			return arch;
	}
	if (out->arch_count == ARCHS_MAX)
		return NULL;
	arch = arena_push(walk->arena, &out->archs, &out->arch_count, sizeof(*arch));
	arch->kind = entry->kind;
	arch->cc = entry->cc;
	arch->suffix = entry->suffix;
	return arch;
}

static bool same_arch(const struct entry *a, const struct entry *b)
{
	return a->kind == b->kind && a->cc == b->cc && a->suffix == b->suffix;
}

static void count_fatbin(struct walk *walk)
{
	bool stub = true;

	for (size_t i = 0; i < walk->pending_count; i++)
		stub = stub && walk->pending[i].empty;
	if (stub) {
		walk->out->stub_count += walk->pending_count > 0;
		return;
	}
	walk->out->fatbin_count++;
	for (size_t i = 0; i < walk->pending_count; i++) {
		const struct entry *entry = &walk->pending[i];
		struct fatbin_arch *arch = arch_of(walk, entry);
		bool first = true;

		if (!arch)
			continue;
		for (size_t k = 0; k < i && first; k++)
			first = !same_arch(entry, &walk->pending[k]);
		arch->entries++;
		arch->bytes += entry->bytes;
		arch->fatbins += first;
		walk->out->zstd = walk->out->zstd || entry->zstd;
	}
}

static int by_arch(const void *a, const void *b)
{
	const struct fatbin_arch *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind == FATBIN_SASS ? -1 : 1;
	if (x->cc != y->cc)
		return x->cc < y->cc ? -1 : 1;
	return x->suffix - y->suffix;
}

/* The next header at or after AT, on the 8 bytes that fatbins are aligned to; LEN when none. */
static size_t next_header(const struct walk *walk, size_t at)
{
	for (at = (at + 7) & ~(size_t)7; at + HEADER_BYTES <= walk->len; at += 8)
		if (get(walk->data + at, 4) == MAGIC && get(walk->data + at + 4, 2) == 1 &&
		    get(walk->data + at + 6, 2) == HEADER_BYTES)
			return at;
	return walk->len;
}

void fatbin_walk(const void *data, size_t len, struct arena *arena, struct fatbin_summary *out)
{
	struct walk walk = {.data = data, .len = len, .arena = arena, .out = out};
	size_t at = next_header(&walk, 0);

	while (at < len && !out->malformed) {
		uint64_t size = get(walk.data + at + 8, 8);

		if (size > len - at - HEADER_BYTES)
			out->malformed = "a fatbin is longer than its section";
		else if (++walk.fatbins > FATBIN_COUNT_MAX)
			out->malformed = "too many fatbins";
		else
			out->malformed = read_entries(&walk, walk.data + at + HEADER_BYTES, size);
		count_fatbin(&walk);
		walk.pending_count = 0;
		if (!out->malformed)
			at = next_header(&walk, at + HEADER_BYTES + (size_t)size);
	}
	if (out->arch_count)
		qsort(out->archs, out->arch_count, sizeof(*out->archs), by_arch);
	free(walk.pending);
}

/* --- judging --------------------------------------------------------------------------------- */

enum fatbin_fit fatbin_fits(const struct fatbin_arch *arch, unsigned cc)
{
	bool same_major = arch->cc / 10 == cc / 10;

	if (arch->kind == FATBIN_PTX) {
		if (arch->suffix == 'a')
			return arch->cc == cc ? FATBIN_JIT : FATBIN_NONE;
		if (arch->suffix == 'f')
			return same_major && arch->cc <= cc ? FATBIN_JIT : FATBIN_NONE;
		return arch->cc <= cc ? FATBIN_JIT : FATBIN_NONE;
	}
	if (arch->suffix == 'a')
		return arch->cc == cc ? FATBIN_NATIVE : FATBIN_NONE;
	return same_major && arch->cc <= cc ? FATBIN_NATIVE : FATBIN_NONE;
}

enum fatbin_fit fatbin_best(const struct fatbin_summary *summary, unsigned cc)
{
	enum fatbin_fit best = FATBIN_NONE;
	uint64_t most = 0;

	for (size_t i = 0; i < summary->arch_count; i++)
		most = summary->archs[i].fatbins > most ? summary->archs[i].fatbins : most;
	for (size_t i = 0; i < summary->arch_count; i++) {
		enum fatbin_fit fit = fatbin_fits(&summary->archs[i], cc);

		if (summary->archs[i].fatbins >= most / 2 && fit > best)
			best = fit;
	}
	return best;
}

const char *fatbin_text(const struct fatbin_summary *summary, struct arena *arena)
{
	enum fatbin_kind last = FATBIN_SASS;
	const char *text;
	struct buf out;

	buf_init(&out, ARCHS_MAX * 16);
	for (size_t i = 0; i < summary->arch_count; i++) {
		const struct fatbin_arch *arch = &summary->archs[i];

		buf_addstr(&out, i ? " " : "");
		if (arch->kind != last)
			buf_addstr(&out, "+PTX ");
		last = arch->kind;
		buf_printf(&out, "%u", arch->cc);
		if (arch->suffix)
			buf_printf(&out, "%c", arch->suffix);
	}
	text = arena_strdup(arena, summary->arch_count ? buf_str(&out) : "none");
	buf_done(&out);
	return text;
}
