/* GPU code of an ELF file: fatbins in their sections, or the file itself when it is a cubin. */
#include "binary/elf.h"

#define EM_CUDA 190
#define ABI_SM_IN_SECOND_BYTE 8 /* e_ident[8] of CUDA 13.0's cubins, found by compiling */

static void read_cubin(struct elf *elf, struct binary *out)
{
	uint64_t flags = elf_get(elf->file, elf->is64 ? 48 : 36, 4);
	uint64_t abi = elf_get(elf->file, 8, 1);
	struct fatbin_summary *device = &out->device;
	struct fatbin_arch *arch =
		arena_push(elf->arena, &device->archs, &device->arch_count, sizeof(*arch));

	arch->cc = (unsigned)(abi >= ABI_SM_IN_SECOND_BYTE ? flags >> 8 & 0xff : flags & 0xff);
	arch->kind = FATBIN_SASS;
	arch->entries = arch->fatbins = device->fatbin_count = 1;
	arch->bytes = elf->file.len;
}

void elf_read_device(struct elf *elf, struct binary *out)
{
	struct fatbin_summary *device = &out->device;

	if (elf->machine == EM_CUDA) {
		read_cubin(elf, out);
		return;
	}
	for (size_t i = 0; i < elf->section_count; i++) {
		const struct elf_section *section = &elf->sections[i];

		if (elf_named(elf, section, ".nv_fatbin") ||
		    elf_named(elf, section, "__nv_relfatbin")) {
			struct elf_view content = elf_content(elf, section);

			if (content.len)
				fatbin_walk(content.data, content.len, elf->arena, device);
		}
	}
	if (!elf->section_count)
		for (size_t i = 0; i < elf->segment_count; i++)
			if (elf->segments[i].type == ELF_PT_LOAD) {
				struct elf_view content = elf_slice(
					elf->file, elf->segments[i].offset, elf->segments[i].size);

				if (content.len)
					fatbin_walk(content.data, content.len, elf->arena, device);
			}
	if (device->malformed && !elf->malformed)
		elf->malformed = device->malformed;
}
