/* Friends of the room only: which files' contents an index keeps, and as what. */
#ifndef IMAGE_KEEP_H
#define IMAGE_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keep {
	size_t text; /* bytes of text that are kept, 0: none; larger files are not kept */
	bool elf;    /* may be an ELF file */
	bool source; /* Python */
};

/* What to do with the regular file PATH of MODE and SIZE. */
struct keep keep_of(const char *path, uint32_t mode, uint64_t size);

#endif
