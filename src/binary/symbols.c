/* Dynamic symbols: what others must define, and hashes of what is defined here. */
#include "binary/elf.h"

#include <stdlib.h>
#include <string.h>

#define SHN_UNDEF 0
#define STB_LOCAL 0
#define STB_WEAK 2
#define VERSION_FIRST 2		       /* 0 is local, 1 global */
#define HASH_START 0x9e3779b97f4a7c15u /* odd, bits well mixed: 2^64 by the golden ratio */

/* Eight bytes a step: libtorch_cuda.so defines 4 MB of names, which a byte a step takes 6 ms for.
 */
static uint64_t hash_bytes(const unsigned char *at, size_t len)
{
	uint64_t hash = HASH_START ^ len, word;

	for (; len; at += sizeof(word), len -= sizeof(word)) {
		if (len < sizeof(word)) {
			word = 0;
			memcpy(&word, at, len);
			len = sizeof(word);
		} else {
			memcpy(&word, at, sizeof(word));
		}
		hash = (hash ^ word) * HASH_START;
		hash ^= hash >> 32;
	}
	return hash;
}

uint64_t binary_symbol_hash(const char *name)
{
	return hash_bytes((const unsigned char *)name, strnlen(name, BINARY_NAME_MAX));
}

static void add_undefined(struct elf *elf, const struct elf_tables *tables, struct elf_view at,
			  uint64_t index, struct binary *out)
{
	uint64_t version = elf_get(tables->versions, index * 2, 2) % ELF_VERSION_NUMBERS;
	const char *name = elf_text(elf, tables->strings, elf_get(at, 0, 4));
	struct binary_symbol *symbol;

	if (!name || !*name)
		return;
	symbol = &out->undefined[out->undefined_count++];
	symbol->name = name;
	if (version >= VERSION_FIRST && tables->version_names)
		symbol->version = tables->version_names[version];
	symbol->weak = elf_get(at, elf->is64 ? 4 : 12, 1) >> 4 == STB_WEAK;
}

/* Hashed where it lies: names of what is defined are not kept. */
static void add_defined(struct elf *elf, const struct elf_tables *tables, struct elf_view at,
			uint64_t *hashes, size_t *count)
{
	uint64_t offset = elf_get(at, 0, 4);
	const char *name;
	size_t room;

	if (elf_get(at, elf->is64 ? 4 : 12, 1) >> 4 == STB_LOCAL || offset >= tables->strings.len)
		return;
	name = (const char *)tables->strings.data + offset;
	room = tables->strings.len - (size_t)offset;
	room = strnlen(name, room < BINARY_NAME_MAX ? room : BINARY_NAME_MAX);
	hashes[(*count)++] = hash_bytes((const unsigned char *)name, room);
}

static int by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void elf_read_symbols(struct elf *elf, const struct elf_tables *tables, struct binary *out)
{
	unsigned size = elf->is64 ? 24 : 16, section = elf->is64 ? 6 : 14;
	uint64_t count = tables->symbol_count, undefined = 0;

	if (count > tables->symbols.len / size) {
		elf_fail(elf, "more dynamic symbols are announced than there is room for");
		count = tables->symbols.len / size;
	}
	if (count > BINARY_SYMBOLS_MAX) {
		elf_fail(elf, "too many dynamic symbols");
		return;
	}
	for (uint64_t i = 1; i < count; i++)
		undefined += elf_get(tables->symbols, i * size + section, 2) == SHN_UNDEF;
	if (count < 2)
		return;
	out->undefined = arena_alloc(elf->arena, (size_t)undefined * sizeof(*out->undefined));
	out->defined = arena_alloc(elf->arena, (size_t)(count - undefined) * sizeof(*out->defined));
	for (uint64_t i = 1; i < count; i++) {
		struct elf_view at = elf_slice(tables->symbols, i * size, size);

		if (elf_get(at, section, 2) == SHN_UNDEF)
			add_undefined(elf, tables, at, i, out);
		else
			add_defined(elf, tables, at, out->defined, &out->defined_count);
	}
	if (out->defined_count)
		qsort(out->defined, out->defined_count, sizeof(*out->defined), by_hash);
}

bool binary_defines(const struct binary *binary, const char *symbol)
{
	uint64_t hash = binary_symbol_hash(symbol);

	return binary->defined_count && bsearch(&hash, binary->defined, binary->defined_count,
						sizeof(hash), by_hash) != NULL;
}
