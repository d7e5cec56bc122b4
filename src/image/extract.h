/* Friends of the room only: the facts of one file as an index keeps them. */
#ifndef IMAGE_EXTRACT_H
#define IMAGE_EXTRACT_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define EXTRACT_ELF_MAX ((uint64_t)8 << 30)	/* larger files are not read as ELF */
#define EXTRACT_SPARSE_MAX ((uint64_t)64 << 20) /* as above, for files with holes in a tar */
#define EXTRACT_FACTS_MAX ((size_t)64 << 20)	/* saved facts of one file */

/* binary_save of the ELF file at DATA into OUT, which is set up here; empty when it is none. */
void extract_elf(const char *path, const void *data, size_t len, struct buf *out);
/* The same of LEN bytes at OFFSET of FD, mapped. ERR_INFRA when that fails. */
int extract_elf_at(const char *path, int fd, uint64_t offset, uint64_t len, struct buf *out,
		   struct err *err);
void extract_source(const char *text, size_t len, struct buf *out);

#endif
