/* Dynamic symbols: what others must define, and hashes of what is defined here. */
#include "base/mem.h"
#include "binary/elf.h"

#include <stdlib.h>

#define SHN_UNDEF 0
#define STB_LOCAL 0
#define STB_WEAK 2
#define VERSION_NUMBER 0x7fffu /* without the bit that hides it */
#define VERSIONS 0x8000
#define VERSION_FIRST 2 /* 0 is local, 1 global */
#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

uint64_t binary_symbol_hash(const char *name)
{
	uint64_t hash = FNV_OFFSET;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * FNV_PRIME;
	return hash;
}

/* Names of the version numbers that needed symbols carry. */
struct versions {
	const char *names[VERSIONS];
};

static void read_versions(struct elf *elf, const struct elf_tables *tables, struct versions *out)
{
	uint64_t at = 0, step = tables->needs.len ? 16 : 0;

	while (step >= 16 && !elf->malformed && elf_slice(tables->needs, at, 16).len) {
		uint64_t aux = at + elf_get(tables->needs, at + 8, 4), next = 16;

		while (next >= 16 && !elf->malformed && elf_slice(tables->needs, aux, 16).len) {
			uint64_t number = elf_get(tables->needs, aux + 6, 2) & VERSION_NUMBER;

			if (!out->names[number])
				out->names[number] = elf_text(elf, tables->strings,
							      elf_get(tables->needs, aux + 8, 4));
			next = elf_get(tables->needs, aux + 12, 4);
			aux += next;
		}
		step = elf_get(tables->needs, at + 12, 4);
		at += step;
	}
}

static void add_undefined(struct elf *elf, const struct elf_tables *tables,
			  const struct versions *versions, struct elf_view at, uint64_t index,
			  struct binary *out)
{
	uint64_t version = elf_get(tables->versions, index * 2, 2) & VERSION_NUMBER;
	const char *name = elf_text(elf, tables->strings, elf_get(at, 0, 4));
	struct binary_symbol *symbol;

	if (!name || !*name)
		return;
	symbol = arena_push(elf->arena, &out->undefined, &out->undefined_count, sizeof(*symbol));
	symbol->name = name;
	symbol->version = version >= VERSION_FIRST ? versions->names[version] : NULL;
	symbol->weak = elf_get(at, elf->is64 ? 4 : 12, 1) >> 4 == STB_WEAK;
}

/* Hashed where it lies: names of what is defined are not kept. */
static void add_defined(struct elf *elf, const struct elf_tables *tables, struct elf_view at,
			uint64_t *hashes, size_t *count)
{
	uint64_t offset = elf_get(at, 0, 4), hash = FNV_OFFSET;

	if (elf_get(at, elf->is64 ? 4 : 12, 1) >> 4 == STB_LOCAL || offset >= tables->strings.len)
		return;
	for (size_t i = (size_t)offset; i < tables->strings.len && tables->strings.data[i]; i++)
		hash = (hash ^ tables->strings.data[i]) * FNV_PRIME;
	hashes[(*count)++] = hash;
}

static int by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void elf_read_symbols(struct elf *elf, struct binary *out)
{
	unsigned size = elf->is64 ? 24 : 16;
	struct versions *versions;
	struct elf_tables tables;
	uint64_t count;

	elf_find_tables(elf, &tables);
	count = tables.symbol_count;
	if (count > tables.symbols.len / size)
		count = tables.symbols.len / size;
	if (!count || elf->malformed)
		return;
	if (count > BINARY_SYMBOLS_MAX) {
		elf->malformed = "too many dynamic symbols";
		return;
	}
	versions = xcalloc(1, sizeof(*versions));
	read_versions(elf, &tables, versions);
	out->defined = arena_alloc(elf->arena, (size_t)count * sizeof(*out->defined));
	for (uint64_t i = 1; i < count && !elf->malformed; i++) {
		struct elf_view at = elf_slice(tables.symbols, i * size, size);

		if (elf_get(at, elf->is64 ? 6 : 14, 2) == SHN_UNDEF)
			add_undefined(elf, &tables, versions, at, i, out);
		else
			add_defined(elf, &tables, at, out->defined, &out->defined_count);
	}
	free(versions);
	if (out->defined_count)
		qsort(out->defined, out->defined_count, sizeof(*out->defined), by_hash);
}

bool binary_defines(const struct binary *binary, const char *symbol)
{
	uint64_t hash = binary_symbol_hash(symbol);

	return binary->defined_count && bsearch(&hash, binary->defined, binary->defined_count,
						sizeof(hash), by_hash) != NULL;
}
