/* The dynamic section: what the loader is told, and the versions asked for and given. */
#include "base/mem.h"
#include "binary/elf.h"

#include <string.h>

#define DT_NEEDED 1
#define DT_HASH 4
#define DT_STRTAB 5
#define DT_SYMTAB 6
#define DT_STRSZ 10
#define DT_SONAME 14
#define DT_RPATH 15
#define DT_RUNPATH 29
#define DT_GNU_HASH 0x6ffffef5
#define DT_VERSYM 0x6ffffff0
#define DT_VERDEF 0x6ffffffc
#define DT_VERNEED 0x6ffffffe
#define VERNEED_BYTES 16
#define VERDEF_BYTES 20
#define VER_FLG_BASE 1
#define VER_FLG_WEAK 2

/* What the loader sees. In a file that keeps only debug information the section has no bytes, but
 * the segment still says where they were. */
static struct elf_view dynamic_section(const struct elf *elf)
{
	for (size_t i = 0; i < elf->section_count; i++)
		if (elf->sections[i].type == ELF_SHT_NOBITS &&
		    elf_named(elf, &elf->sections[i], ".dynamic"))
			return (struct elf_view){NULL, 0};
	for (size_t i = 0; i < elf->segment_count; i++)
		if (elf->segments[i].type == ELF_PT_DYNAMIC)
			return elf_slice(elf->file, elf->segments[i].offset, elf->segments[i].size);
	return (struct elf_view){NULL, 0};
}

/* Entry I; false at the end. */
static bool entry(const struct elf *elf, struct elf_view dynamic, size_t i, uint64_t *tag,
		  uint64_t *value)
{
	unsigned word = elf->is64 ? 8 : 4;

	if (i >= ELF_DYNAMIC_MAX || (i + 1) * 2 * word > dynamic.len)
		return false;
	*tag = elf_get(dynamic, i * 2 * word, word);
	*value = elf_get(dynamic, i * 2 * word + word, word);
	return *tag != 0;
}

static uint64_t value_of(const struct elf *elf, struct elf_view dynamic, uint64_t wanted)
{
	uint64_t tag, value;

	for (size_t i = 0; entry(elf, dynamic, i, &tag, &value); i++)
		if (tag == wanted)
			return value;
	return 0;
}

/* --- tables ---------------------------------------------------------------------------------- */

/* DT_HASH counts the symbols; DT_GNU_HASH ends in chains, the last of which ends at the last. */
static uint64_t count_by_hash(const struct elf *elf, struct elf_view dynamic)
{
	struct elf_view hash = elf_mapped(elf, value_of(elf, dynamic, DT_HASH));
	struct elf_view gnu = elf_mapped(elf, value_of(elf, dynamic, DT_GNU_HASH));
	uint64_t buckets = elf_get(gnu, 0, 4), first = elf_get(gnu, 4, 4), last = 0;
	uint64_t at = 16 + elf_get(gnu, 8, 4) * (elf->is64 ? 8 : 4), chains = at + buckets * 4;

	if (value_of(elf, dynamic, DT_HASH) && hash.len)
		return elf_get(hash, 4, 4);
	if (!value_of(elf, dynamic, DT_GNU_HASH) || !gnu.len || chains > gnu.len)
		return 0;
	for (uint64_t i = 0; i < buckets; i++) {
		uint64_t bucket = elf_get(gnu, at + i * 4, 4);

		last = bucket > last ? bucket : last;
	}
	if (last < first)
		return first;
	while (chains + (last - first + 1) * 4 <= gnu.len &&
	       !(elf_get(gnu, chains + (last - first) * 4, 4) & 1))
		last++;
	return last + 1;
}

static void tables_of_segments(const struct elf *elf, struct elf_view dynamic,
			       struct elf_tables *out)
{
	uint64_t strings = value_of(elf, dynamic, DT_STRTAB), symbols, versions;

	out->strings = elf_mapped(elf, strings);
	out->strings = elf_slice(out->strings, 0, value_of(elf, dynamic, DT_STRSZ));
	symbols = value_of(elf, dynamic, DT_SYMTAB);
	out->symbols = symbols ? elf_mapped(elf, symbols) : (struct elf_view){NULL, 0};
	out->symbol_count = count_by_hash(elf, dynamic);
	versions = value_of(elf, dynamic, DT_VERSYM);
	out->versions = versions ? elf_mapped(elf, versions) : (struct elf_view){NULL, 0};
	if (value_of(elf, dynamic, DT_VERNEED))
		out->needs = elf_mapped(elf, value_of(elf, dynamic, DT_VERNEED));
	if (value_of(elf, dynamic, DT_VERDEF))
		out->defs = elf_mapped(elf, value_of(elf, dynamic, DT_VERDEF));
}

static void find_tables(struct elf *elf, struct elf_view dynamic, struct elf_tables *out)
{
	const struct elf_section *symbols = elf_by_type(elf, ELF_SHT_DYNSYM);
	unsigned size = elf->is64 ? 24 : 16;

	if (!symbols) {
		tables_of_segments(elf, dynamic, out);
		return;
	}
	out->symbols = elf_content(elf, symbols);
	out->symbol_count = out->symbols.len / size;
	if (symbols->link < elf->section_count)
		out->strings = elf_content(elf, &elf->sections[symbols->link]);
	out->versions = elf_content(elf, elf_by_type(elf, ELF_SHT_VERSYM));
	out->needs = elf_content(elf, elf_by_type(elf, ELF_SHT_VERNEED));
	out->defs = elf_content(elf, elf_by_type(elf, ELF_SHT_VERDEF));
}

/* --- versions -------------------------------------------------------------------------------- */

static void add_need(struct elf *elf, struct elf_tables *tables, uint64_t aux, const char *file,
		     struct binary *out)
{
	const char *version = elf_text(elf, tables->strings, elf_get(tables->needs, aux + 8, 4));
	uint64_t number = elf_get(tables->needs, aux + 6, 2) % ELF_VERSION_NUMBERS;
	struct binary_version_need *need;

	if (!version)
		return;
	if (!tables->version_names[number])
		tables->version_names[number] = version;
	if (!file)
		return;
	need = arena_push(elf->arena, &out->version_needs, &out->version_need_count, sizeof(*need));
	*need = (struct binary_version_need){
		file, version, (elf_get(tables->needs, aux + 4, 2) & VER_FLG_WEAK) != 0};
}

/* Offsets lead forward by a record at least, but an inner chain may run over all the outer ones:
 * what bounds the whole is the number of steps. */
static void read_needs(struct elf *elf, struct elf_tables *tables, struct binary *out)
{
	uint64_t at = 0, step = VERNEED_BYTES;
	size_t steps = 0;

	tables->version_names = xcalloc(ELF_VERSION_NUMBERS, sizeof(*tables->version_names));
	while (step >= VERNEED_BYTES && elf_slice(tables->needs, at, VERNEED_BYTES).len) {
		uint64_t aux = at + elf_get(tables->needs, at + 8, 4), next = VERNEED_BYTES;
		const char *file =
			elf_text(elf, tables->strings, elf_get(tables->needs, at + 4, 4));

		while (next >= VERNEED_BYTES && elf_slice(tables->needs, aux, VERNEED_BYTES).len) {
			if (++steps > BINARY_VERSIONS_MAX) {
				elf_fail(elf, "too many needed versions");
				return;
			}
			add_need(elf, tables, aux, file, out);
			next = elf_get(tables->needs, aux + 12, 4);
			aux += next;
		}
		step = elf_get(tables->needs, at + 12, 4);
		at += step;
	}
}

static void read_defs(struct elf *elf, const struct elf_tables *tables, struct binary *out)
{
	uint64_t at = 0, step = VERDEF_BYTES;

	while (step >= VERDEF_BYTES && elf_slice(tables->defs, at, VERDEF_BYTES).len) {
		uint64_t aux = at + elf_get(tables->defs, at + 12, 4);
		const char *name = NULL, **item;

		if (out->version_defs.count == BINARY_VERSIONS_MAX) {
			elf_fail(elf, "too many defined versions");
			return;
		}
		if (elf_slice(tables->defs, aux, 8).len &&
		    !(elf_get(tables->defs, at + 2, 2) & VER_FLG_BASE))
			name = elf_text(elf, tables->strings, elf_get(tables->defs, aux, 4));
		if (name) {
			item = arena_push(elf->arena, &out->version_defs.items,
					  &out->version_defs.count, sizeof(*item));
			*item = name;
		}
		step = elf_get(tables->defs, at + 16, 4);
		at += step;
	}
}

/* --- the section ----------------------------------------------------------------------------- */

static void add_needed(struct elf *elf, struct binary *out, const char *name)
{
	const char **item;

	if (!name)
		return;
	if (out->needed.count == BINARY_NEEDED_MAX) {
		elf_fail(elf, "too many needed libraries");
		return;
	}
	item = arena_push(elf->arena, &out->needed.items, &out->needed.count, sizeof(*item));
	*item = name;
}

static void read_interp(struct elf *elf, struct binary *out)
{
	for (size_t i = 0; i < elf->segment_count; i++)
		if (elf->segments[i].type == ELF_PT_INTERP)
			out->interp = elf_text(elf,
					       elf_slice(elf->file, elf->segments[i].offset,
							 elf->segments[i].size),
					       0);
}

void elf_read_dynamic(struct elf *elf, struct elf_tables *tables, struct binary *out)
{
	struct elf_view dynamic = dynamic_section(elf), strings;
	uint64_t tag, value;

	read_interp(elf, out);
	if (!dynamic.len)
		return;
	find_tables(elf, dynamic, tables);
	strings = elf_slice(elf_mapped(elf, value_of(elf, dynamic, DT_STRTAB)), 0,
			    value_of(elf, dynamic, DT_STRSZ));
	if (!strings.len)
		strings = tables->strings;
	for (size_t i = 0; entry(elf, dynamic, i, &tag, &value); i++) {
		if (tag == DT_NEEDED)
			add_needed(elf, out, elf_text(elf, strings, value));
		else if (tag == DT_SONAME)
			out->soname = elf_text(elf, strings, value);
		else if (tag == DT_RPATH)
			out->rpath = elf_text(elf, strings, value);
		else if (tag == DT_RUNPATH)
			out->runpath = elf_text(elf, strings, value);
	}
	if (tables->needs.len)
		read_needs(elf, tables, out);
	if (tables->defs.len)
		read_defs(elf, tables, out);
}
