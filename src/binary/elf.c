#include "binary/elf.h"

#include <stdlib.h>
#include <string.h>

#define ET_REL 1
#define ET_EXEC 2
#define ET_DYN 3
#define EM_CUDA 190

uint64_t elf_get(struct elf_view view, uint64_t offset, unsigned bytes)
{
	uint64_t value = 0;

	if (offset > view.len || bytes > view.len - offset)
		return 0;
	for (unsigned i = bytes; i > 0; i--)
		value = value << 8 | view.data[offset + i - 1];
	return value;
}

struct elf_view elf_slice(struct elf_view view, uint64_t offset, uint64_t size)
{
	if (!view.data || offset > view.len || size > view.len - offset)
		return (struct elf_view){NULL, 0};
	return (struct elf_view){view.data + offset, (size_t)size};
}

void elf_fail(struct elf *elf, const char *what)
{
	if (!elf->malformed)
		elf->malformed = what;
}

const char *elf_text(struct elf *elf, struct elf_view table, uint64_t offset)
{
	const unsigned char *end = NULL, *text = NULL;
	size_t room, len;

	if (offset < table.len) {
		room = table.len - (size_t)offset;
		text = table.data + offset;
		end = memchr(text, '\0', room < BINARY_NAME_MAX ? room : BINARY_NAME_MAX);
	}
	if (!end) {
		elf_fail(elf, "a name has no end inside its string table");
		return NULL;
	}
	len = (size_t)(end - text);
	if (len + 1 > ELF_TEXT_MAX - elf->text_bytes) {
		elf_fail(elf, "too many bytes of names");
		return NULL;
	}
	elf->text_bytes += len + 1;
	return arena_strndup(elf->arena, (const char *)text, len);
}

/* --- headers --------------------------------------------------------------------------------- */

static void read_section(const struct elf *elf, struct elf_view at, struct elf_section *out)
{
	out->name = (uint32_t)elf_get(at, 0, 4);
	out->type = (uint32_t)elf_get(at, 4, 4);
	out->address = elf->is64 ? elf_get(at, 16, 8) : elf_get(at, 12, 4);
	out->offset = elf->is64 ? elf_get(at, 24, 8) : elf_get(at, 16, 4);
	out->size = elf->is64 ? elf_get(at, 32, 8) : elf_get(at, 20, 4);
	out->link = (uint32_t)(elf->is64 ? elf_get(at, 40, 4) : elf_get(at, 24, 4));
}

static void read_sections(struct elf *elf)
{
	struct elf_view file = elf->file;
	uint64_t offset = elf->is64 ? elf_get(file, 40, 8) : elf_get(file, 32, 4);
	unsigned size = (unsigned)elf_get(file, elf->is64 ? 58 : 46, 2);
	uint64_t count = elf_get(file, elf->is64 ? 60 : 48, 2);
	uint64_t names = elf_get(file, elf->is64 ? 62 : 50, 2);
	struct elf_section first = {0};

	if (!offset)
		return; /* stripped of its section headers */
	if (size != (elf->is64 ? 64 : 40) || !elf_slice(file, offset, size).len) {
		elf_fail(elf, "the section headers lie outside of the file");
		return;
	}
	read_section(elf, elf_slice(file, offset, size), &first);
	count = count ? count : first.size; /* more than 65,279 sections */
	names = names == 0xffff ? first.link : names;
	if (count > ELF_SECTIONS_MAX || !elf_slice(file, offset, count * size).len) {
		elf_fail(elf, "the section headers lie outside of the file");
		return;
	}
	elf->sections = arena_alloc(elf->arena, (size_t)count * sizeof(*elf->sections));
	elf->section_count = (size_t)count;
	for (size_t i = 0; i < count; i++) {
		struct elf_section *section = &elf->sections[i];

		read_section(elf, elf_slice(file, offset + i * size, size), section);
		if (section->type == ELF_SHT_NOBITS)
			section->size = 0;
		if (section->size && !elf_slice(file, section->offset, section->size).len) {
			elf_fail(elf, "a section lies outside of the file");
			section->size = 0;
		}
	}
	if (names < count)
		elf->names = elf_content(elf, &elf->sections[names]);
}

static void read_segments(struct elf *elf)
{
	struct elf_view file = elf->file;
	uint64_t offset = elf->is64 ? elf_get(file, 32, 8) : elf_get(file, 28, 4);
	unsigned size = (unsigned)elf_get(file, elf->is64 ? 54 : 42, 2);
	uint64_t count = elf_get(file, elf->is64 ? 56 : 44, 2);

	if (!offset || !count)
		return;
	if (size != (elf->is64 ? 56 : 32) || count > ELF_SEGMENTS_MAX ||
	    !elf_slice(file, offset, count * size).len) {
		elf_fail(elf, "the program headers lie outside of the file");
		return;
	}
	elf->segments = arena_alloc(elf->arena, (size_t)count * sizeof(*elf->segments));
	elf->segment_count = (size_t)count;
	for (size_t i = 0; i < count; i++) {
		struct elf_view at = elf_slice(file, offset + i * size, size);
		struct elf_segment *out = &elf->segments[i];

		out->type = (uint32_t)elf_get(at, 0, 4);
		out->offset = elf->is64 ? elf_get(at, 8, 8) : elf_get(at, 4, 4);
		out->address = elf->is64 ? elf_get(at, 16, 8) : elf_get(at, 8, 4);
		out->size = elf->is64 ? elf_get(at, 32, 8) : elf_get(at, 16, 4);
	}
}

int elf_open(const void *data, size_t len, struct arena *arena, struct elf *out, struct err *err)
{
	struct elf elf = {.file = {data, len}, .arena = arena};

	if (!binary_is_elf(data, len))
		return err_set(err, ERR_NOTFOUND, "not an ELF file");
	elf.is64 = elf_get(elf.file, 4, 1) == 2;
	if (len < (elf.is64 ? 64u : 52u)) {
		elf.malformed = "the file ends inside its header";
	} else if (!elf.is64 && elf.file.data[4] != 1) {
		elf.malformed = "neither a 32-bit nor a 64-bit file";
	} else if (elf.file.data[5] != 1) {
		elf.malformed = "big-endian, which is not read";
	} else {
		elf.type = (uint16_t)elf_get(elf.file, 16, 2);
		elf.machine = (uint16_t)elf_get(elf.file, 18, 2);
		read_sections(&elf);
		read_segments(&elf);
	}
	*out = elf;
	return 0;
}

struct elf_view elf_content(const struct elf *elf, const struct elf_section *section)
{
	if (!section)
		return (struct elf_view){NULL, 0};
	return elf_slice(elf->file, section->offset, section->size);
}

bool elf_named(const struct elf *elf, const struct elf_section *section, const char *name)
{
	struct elf_view at = elf_slice(elf->names, section->name, strlen(name) + 1);

	return at.len && memcmp(at.data, name, at.len) == 0;
}

const struct elf_section *elf_by_type(const struct elf *elf, uint32_t type)
{
	for (size_t i = 0; i < elf->section_count; i++)
		if (elf->sections[i].type == type && elf->sections[i].size)
			return &elf->sections[i];
	return NULL;
}

struct elf_view elf_mapped(const struct elf *elf, uint64_t address)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];
		uint64_t into = address - segment->address;

		if (segment->type == ELF_PT_LOAD && address >= segment->address &&
		    into < segment->size)
			return elf_slice(elf_slice(elf->file, segment->offset, segment->size), into,
					 segment->size - into);
	}
	return (struct elf_view){NULL, 0};
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum binary_kind kind_of(const struct elf *elf, const struct binary *binary)
{
	if (elf->machine == EM_CUDA)
		return BINARY_CUBIN;
	if (elf->type == ET_REL)
		return BINARY_OBJECT;
	if (elf->type == ET_EXEC || (elf->type == ET_DYN && binary->interp && !binary->soname))
		return BINARY_EXECUTABLE; /* libc.so.6 can be run, too, and has a soname */
	return elf->type == ET_DYN ? BINARY_SHARED : BINARY_OTHER;
}

static const char *machine_name(uint16_t machine, struct arena *arena)
{
	static const struct {
		uint16_t number;
		const char *name;
	} known[] = {{3, "i386"},   {40, "arm"},       {62, "x86_64"}, {183, "aarch64"},
		     {21, "ppc64"}, {EM_CUDA, "cuda"}, {243, "riscv"}, {22, "s390"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].number == machine)
			return known[i].name;
	return arena_printf(arena, "em-%u", machine);
}

bool binary_is_elf(const void *data, size_t len)
{
	return len >= 4 && memcmp(data, "\177ELF", 4) == 0;
}

int binary_read(const char *path, const void *data, size_t len, struct arena *arena,
		struct binary *out, struct err *err)
{
	struct binary binary = {0};
	struct elf_tables tables = {0};
	struct elf elf;

	if (elf_open(data, len, arena, &elf, err) < 0)
		return -1;
	binary.is64 = elf.is64;
	binary.machine = machine_name(elf.machine, arena);
	elf_read_dynamic(&elf, &tables, &binary);
	elf_read_symbols(&elf, &tables, &binary);
	free(tables.version_names);
	elf_read_device(&elf, &binary);
	elf_read_strings(&elf, path, &binary);
	binary.kind = kind_of(&elf, &binary);
	binary.malformed = elf.malformed;
	*out = binary;
	return 0;
}
