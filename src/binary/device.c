/* GPU code of an ELF file: fatbins in their sections, or the file itself when it is a cubin. */
#include "binary/elf.h"

#include <stdio.h>
#include <string.h>

#define EM_CUDA 190
#define DEVICE_SECTIONS_MAX 64
/* e_ident[8] and e_flags of cubins, found by compiling with ptxas 12.8 and 13.0: up to CUDA 12 the
 * architecture is the first byte; those of 12.8 for sm_100 and later and all of 13 have it in the
 * second. */
#define ABI_SM_IN_SECOND_BYTE 8
#define FLAG_SPECIFIC_FIRST 0x800u
#define FLAG_SPECIFIC_SECOND 0x8u

/* ptxas 13 sets no flag but notes its options: "-arch sm_100f -m 64". */
static char noted_suffix(const struct elf *elf, unsigned cc)
{
	for (size_t i = 0; i < elf->section_count; i++) {
		struct elf_view note = elf_content(elf, &elf->sections[i]);
		char option[32];
		int len = snprintf(option, sizeof(option), "-arch sm_%u", cc);
		const unsigned char *at;

		if (!note.len || !elf_named(elf, &elf->sections[i], ".note.nv.tkinfo"))
			continue;
		at = memmem(note.data, note.len, option, (size_t)len);
		if (at && (uint64_t)(at - note.data) + (uint64_t)len < note.len)
			return at[len] == 'a' || at[len] == 'f' ? (char)at[len] : '\0';
	}
	return '\0';
}

static void read_cubin(struct elf *elf, struct binary *out)
{
	uint64_t flags = elf_get(elf->file, elf->is64 ? 48 : 36, 4);
	bool second = elf_get(elf->file, 8, 1) >= ABI_SM_IN_SECOND_BYTE;
	struct fatbin_summary *device = &out->device;
	struct fatbin_arch *arch =
		arena_push(elf->arena, &device->archs, &device->arch_count, sizeof(*arch));

	arch->cc = (unsigned)(second ? flags >> 8 & 0xff : flags & 0xff);
	arch->suffix = flags & (second ? FLAG_SPECIFIC_SECOND : FLAG_SPECIFIC_FIRST)
			       ? 'a'
			       : noted_suffix(elf, arch->cc);
	arch->kind = FATBIN_SASS;
	arch->entries = arch->fatbins = device->fatbin_count = 1;
	arch->bytes = elf->file.len;
}

/* Without names of sections the code may be anywhere in what is mapped. */
static void scan_segments(struct elf *elf, struct fatbin_summary *device)
{
	uint64_t scanned = 0;

	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];
		struct elf_view content = elf_slice(elf->file, segment->offset, segment->size);

		if (segment->type != ELF_PT_LOAD || !content.len)
			continue;
		scanned += content.len;
		if (scanned > 2 * (uint64_t)elf->file.len) {
			elf_fail(elf, "segments that lie over each other");
			return;
		}
		fatbin_scan(content.data, content.len, elf->arena, device);
	}
}

static void walk_sections(struct elf *elf, const char *name, struct fatbin_summary *device)
{
	unsigned found = 0;

	for (size_t i = 0; i < elf->section_count; i++) {
		struct elf_view content = elf_content(elf, &elf->sections[i]);

		if (!content.len || !elf_named(elf, &elf->sections[i], name))
			continue;
		if (++found > DEVICE_SECTIONS_MAX) {
			elf_fail(elf, "too many sections with device code");
			return;
		}
		fatbin_walk(content.data, content.len, elf->arena, device);
	}
}

/* Relocatable code is never loaded: what was linked from it lies in .nv_fatbin, perhaps for fewer
 * architectures. It counts in an object, which holds nothing else. */
void elf_read_device(struct elf *elf, struct binary *out)
{
	struct fatbin_summary *device = &out->device;

	if (elf->machine == EM_CUDA) {
		read_cubin(elf, out);
		return;
	}
	if (elf->names.len) {
		walk_sections(elf, ".nv_fatbin", device);
		if (!device->fatbin_count && !device->stub_count)
			walk_sections(elf, "__nv_relfatbin", device);
	} else {
		scan_segments(elf, device);
	}
	if (device->malformed)
		elf_fail(elf, device->malformed);
}
