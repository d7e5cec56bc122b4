/* The 512 bytes in front of an entry, POSIX.1-1988 "ustar". */
#ifndef PARSE_TAR_HEADER_H
#define PARSE_TAR_HEADER_H

#include <stddef.h>
#include <stdint.h>

struct tar_block {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char rest[12];
};

_Static_assert(sizeof(struct tar_block) == 512, "a tar header is one block");

/* A number of a header: octal digits between spaces and NULs, or base-256. -1: neither. */
int tar_number(const char *field, size_t size, int64_t *out);

#endif
