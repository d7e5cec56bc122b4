/* Friends of the room only: an ELF file as bounded views, whatever its class. */
#ifndef BINARY_ELF_H
#define BINARY_ELF_H

#include "binary/binary.h"

#define ELF_SECTIONS_MAX 100000
#define ELF_SEGMENTS_MAX 4096
#define ELF_DYNAMIC_MAX 100000 /* entries */
/* Bytes of all texts copied from one file. Names may share bytes, so the file's size is no bound;
 * the largest library of torch takes 3 MiB. */
#define ELF_TEXT_MAX ((size_t)64 * 1024 * 1024)
#define ELF_VERSION_NUMBERS 0x8000 /* the bit above says "hidden" */

#define ELF_PT_LOAD 1
#define ELF_PT_DYNAMIC 2
#define ELF_PT_INTERP 3
#define ELF_SHT_NOBITS 8
#define ELF_SHT_DYNSYM 11
#define ELF_SHT_VERDEF 0x6ffffffd
#define ELF_SHT_VERNEED 0x6ffffffe
#define ELF_SHT_VERSYM 0x6fffffff

struct elf_view { /* bytes inside the file */
	const unsigned char *data;
	size_t len;
};

struct elf_section {
	uint32_t name, type, link;
	uint64_t address, offset, size;
};

struct elf_segment {
	uint32_t type;
	uint64_t offset, address, size; /* size in the file */
};

struct elf {
	struct elf_view file;
	bool is64;
	uint16_t type, machine;
	struct elf_section *sections; /* those inside the file */
	size_t section_count;
	struct elf_view names; /* of sections */
	struct elf_segment *segments;
	size_t segment_count;
	struct arena *arena;
	size_t text_bytes;     /* copied so far */
	const char *malformed; /* the first thing that was wrong */
};

/* Little-endian number of BYTES at OFFSET; 0 beyond the end. */
uint64_t elf_get(struct elf_view view, uint64_t offset, unsigned bytes);
/* SIZE bytes at OFFSET; an empty view when they are not all inside. */
struct elf_view elf_slice(struct elf_view view, uint64_t offset, uint64_t size);
/* Something is wrong; only the first is kept. Reading goes on. */
void elf_fail(struct elf *elf, const char *what);
/* The text at OFFSET of a string table, copied; NULL (and malformed) when it has no end inside. */
const char *elf_text(struct elf *elf, struct elf_view table, uint64_t offset);

/* ERR_NOTFOUND: no ELF file. Everything worse is elf->malformed. */
int elf_open(const void *data, size_t len, struct arena *arena, struct elf *out, struct err *err);
struct elf_view elf_content(const struct elf *elf, const struct elf_section *section);
bool elf_named(const struct elf *elf, const struct elf_section *section, const char *name);
/* The section of TYPE, NULL none. */
const struct elf_section *elf_by_type(const struct elf *elf, uint32_t type);
/* What is mapped at ADDRESS, to the end of its segment. */
struct elf_view elf_mapped(const struct elf *elf, uint64_t address);

/* The tables that dynamic symbols and versions are in. */
struct elf_tables {
	struct elf_view strings, symbols, versions; /* of the dynamic symbols */
	struct elf_view needs, defs;		    /* version needs and definitions */
	uint64_t symbol_count;
	const char **version_names; /* ELF_VERSION_NUMBERS of them, NULL: no version needed */
};

/* Needed libraries, paths, versions: dynamic.c. Symbols: symbols.c. Texts inside: strings.c. GPU
 * code: device.c. TABLES is filled by the first and read by the second; its version names are for
 * the caller to free. */
void elf_read_dynamic(struct elf *elf, struct elf_tables *tables, struct binary *out);
void elf_read_symbols(struct elf *elf, const struct elf_tables *tables, struct binary *out);
void elf_read_strings(const struct elf *elf, const char *path, struct binary *out);
void elf_read_device(struct elf *elf, struct binary *out);

#endif
