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
#define ALIGNMENT 8 /* of fatbins and payloads */
#define ENTRY_BYTES 64
#define ENTRY_HEADER_MAX 4096
#define FLAG_ZSTD 0x8000u
#define FLAG_ARCH_SPECIFIC 0x100000u
#define FLAG_FAMILY 0x200000u
#define FLAGS_COMPRESSED (0x2000u | FLAG_ZSTD)
#define SECTION_BYTES 64
#define SECTION_EXECUTABLE 4u /* SHF_EXECINSTR */
/* nvcc 13.0 writes stubs of 1.4 to 1.7 KB; looking into larger payloads would touch their pages. */
#define STUB_BYTES_MAX 4096
#define CC_MAX 255 /* cubins have eight bits for it */
#define SUFFIXES 3
#define SLOTS (2 * (CC_MAX + 1) * SUFFIXES)

/* Counts of one architecture; PENDING ones belong to the fatbin being read, which may be a stub. */
struct slot {
	uint64_t entries, fatbins, bytes;
	uint64_t pending_entries, pending_bytes;
};

struct walk {
	const unsigned char *data;
	size_t len;
	uint64_t fatbins, entries;
	uint16_t touched[SLOTS]; /* slots with something pending */
	size_t touched_count;
	bool stub, zstd;	  /* of the fatbin being read */
	struct slot slots[SLOTS]; /* in the order of struct fatbin_summary */
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

static size_t slot_of(enum fatbin_kind kind, uint64_t cc, char suffix)
{
	size_t order = suffix == 'a' ? 1 : suffix == 'f' ? 2 : 0;

	return ((kind == FATBIN_PTX ? CC_MAX + 1 : 0) + (size_t)cc) * SUFFIXES + order;
}

/* Other kinds than PTX and SASS (link-time intermediate code) are passed over. */
static const char *keep_entry(struct walk *walk, const unsigned char *at, uint64_t header,
			      uint64_t size)
{
	uint64_t flags = get(at + 40, 8), kind = get(at, 2), cc = get(at + 28, 4);
	char suffix = flags & FLAG_ARCH_SPECIFIC ? 'a' : flags & FLAG_FAMILY ? 'f' : '\0';
	struct slot *slot;
	size_t index;

	if (kind != FATBIN_PTX && kind != FATBIN_SASS)
		return NULL;
	if (cc > CC_MAX)
		return "a fatbin entry is for an impossible architecture";
	index = slot_of(kind == FATBIN_PTX ? FATBIN_PTX : FATBIN_SASS, cc, suffix);
	slot = &walk->slots[index];
	if (!slot->pending_entries)
		walk->touched[walk->touched_count++] = (uint16_t)index;
	slot->pending_entries++;
	slot->pending_bytes += size;
	walk->zstd = walk->zstd || flags & FLAG_ZSTD;
	walk->stub = walk->stub && kind == FATBIN_SASS && !(flags & FLAGS_COMPRESSED) &&
		     size <= STUB_BYTES_MAX && holds_no_code(at + header, size);
	return NULL;
}

/* Read the entries of one fatbin; what is wrong with them, or NULL. */
static const char *read_entries(struct walk *walk, const unsigned char *at, uint64_t left)
{
	walk->stub = true;
	walk->zstd = false;
	while (left) {
		uint64_t header, size;
		const char *wrong;

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
		wrong = keep_entry(walk, at, header, size);
		if (wrong)
			return wrong;
		at += header + size;
		left -= header + size;
	}
	return NULL;
}

/* --- counting -------------------------------------------------------------------------------- */

/* The fatbin is read: what is pending counts when KEEP. */
static void end_fatbin(struct walk *walk, bool keep, struct fatbin_summary *out)
{
	bool any = walk->touched_count > 0;

	for (; walk->touched_count; walk->touched_count--) {
		struct slot *slot = &walk->slots[walk->touched[walk->touched_count - 1]];

		if (keep && !walk->stub) {
			slot->entries += slot->pending_entries;
			slot->bytes += slot->pending_bytes;
			slot->fatbins++;
		}
		slot->pending_entries = slot->pending_bytes = 0;
	}
	if (!keep || !any)
		return;
	out->stub_count += walk->stub;
	out->fatbin_count += !walk->stub;
	out->zstd = out->zstd || (walk->zstd && !walk->stub);
}

static void load_counts(struct walk *walk, const struct fatbin_summary *out)
{
	for (size_t i = 0; i < out->arch_count; i++) {
		const struct fatbin_arch *arch = &out->archs[i];
		struct slot *slot = &walk->slots[slot_of(arch->kind, arch->cc, arch->suffix)];

		slot->entries = arch->entries;
		slot->fatbins = arch->fatbins;
		slot->bytes = arch->bytes;
	}
}

static void store_counts(const struct walk *walk, struct arena *arena, struct fatbin_summary *out)
{
	out->archs = NULL;
	out->arch_count = 0;
	for (size_t i = 0; i < SLOTS; i++) {
		const struct slot *slot = &walk->slots[i];
		struct fatbin_arch *arch;

		if (!slot->entries)
			continue;
		arch = arena_push(arena, &out->archs, &out->arch_count, sizeof(*arch));
		arch->kind = i < SLOTS / 2 ? FATBIN_SASS : FATBIN_PTX;
		arch->cc = (unsigned)(i / SUFFIXES % (CC_MAX + 1));
		arch->suffix = "\0af"[i % SUFFIXES];
		arch->entries = slot->entries;
		arch->fatbins = slot->fatbins;
		arch->bytes = slot->bytes;
	}
}

/* --- all fatbins ----------------------------------------------------------------------------- */

/* What is wrong with the fatbin at AT, whose size goes to OUT; NULL: nothing. */
static const char *read_fatbin(struct walk *walk, size_t at, size_t *out)
{
	size_t left = walk->len - at;
	uint64_t header, size;

	if (left < HEADER_BYTES)
		return "the section ends inside the header of a fatbin";
	header = get(walk->data + at + 6, 2);
	size = get(walk->data + at + 8, 8);
	if (get(walk->data + at + 4, 2) != 1 || header != HEADER_BYTES)
		return "a fatbin of unknown version";
	if (size > left - HEADER_BYTES)
		return "a fatbin is longer than its section";
	if (++walk->fatbins > FATBIN_COUNT_MAX)
		return "too many fatbins";
	*out = HEADER_BYTES + (size_t)size;
	return read_entries(walk, walk->data + at + HEADER_BYTES, size);
}

/* One pass; GUESS: DATA may be anything, so what is no fatbin is not wrong either. */
static void walk_all(const void *data, size_t len, bool guess, struct arena *arena,
		     struct fatbin_summary *out)
{
	struct walk *walk = xcalloc(1, sizeof(*walk));
	size_t at = 0;

	walk->data = data;
	walk->len = len;
	load_counts(walk, out);
	while (len - at >= ALIGNMENT && !out->malformed) {
		size_t size = ALIGNMENT;
		const char *wrong = NULL;

		if (get(walk->data + at, 4) == MAGIC) {
			wrong = read_fatbin(walk, at, &size);
			if (wrong && guess)
				size = ALIGNMENT;
			end_fatbin(walk, !wrong || !guess, out);
		} else if (!guess && get(walk->data + at, 8)) {
			wrong = "bytes between fatbins that are none";
		}
		if (!guess)
			out->malformed = wrong;
		if (walk->entries > FATBIN_ENTRY_MAX || walk->fatbins > FATBIN_COUNT_MAX)
			break;
		size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
		at += size < len - at ? size : len - at;
	}
	store_counts(walk, arena, out);
	free(walk);
}

void fatbin_walk(const void *data, size_t len, struct arena *arena, struct fatbin_summary *out)
{
	walk_all(data, len, false, arena, out);
}

void fatbin_scan(const void *data, size_t len, struct arena *arena, struct fatbin_summary *out)
{
	walk_all(data, len, true, arena, out);
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

		if (summary->archs[i].fatbins >= most - most / 2 && fit > best)
			best = fit;
	}
	return best;
}

const char *fatbin_text(const struct fatbin_summary *summary, struct arena *arena)
{
	enum fatbin_kind last = FATBIN_SASS;
	const char *text;
	struct buf out;

	buf_init(&out, (size_t)SLOTS * 16);
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
