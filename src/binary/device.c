/* GPU code of an ELF file: fatbins in their sections, or the file itself when it is a cubin. */
#include "binary/elf.h"

#include <stdio.h>
#include <string.h>

#define EM_CUDA 190
#define DEVICE_SECTIONS_MAX 64
#define ABI_SM_IN_SECOND_BYTE 8 /* e_ident[8] of CUDA 13.0's cubins, found by compiling */

/* ptxas notes its options: "-arch sm_100f -m 64". Nothing else in a cubin tells 100f from 100. */
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
	uint64_t abi = elf_get(elf->file, 8, 1);
	struct fatbin_summary *device = &out->device;
	struct fatbin_arch *arch =
		arena_push(elf->arena, &device->archs, &device->arch_count, sizeof(*arch));

	arch->cc = (unsigned)(abi >= ABI_SM_IN_SECOND_BYTE ? flags >> 8 & 0xff : flags & 0xff);
	arch->suffix = noted_suffix(elf, arch->cc);
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

void elf_read_device(struct elf *elf, struct binary *out)
{
	struct fatbin_summary *device = &out->device;

	if (elf->machine == EM_CUDA) {
		read_cubin(elf, out);
		return;
	}
	if (!elf->names.len)
		scan_segments(elf, device);
	for (size_t i = 0, found = 0; i < elf->section_count; i++) {
		const struct elf_section *section = &elf->sections[i];
		struct elf_view content = elf_content(elf, section);

		if (!content.len || (!elf_named(elf, section, ".nv_fatbin") &&
				     !elf_named(elf, section, "__nv_relfatbin")))
			continue;
		if (++found > DEVICE_SECTIONS_MAX) {
			elf_fail(elf, "too many sections with device code");
			return;
		}
		fatbin_walk(content.data, content.len, elf->arena, device);
	}
	if (device->malformed)
		elf_fail(elf, device->malformed);
}
