/*
 * Headers of rpm packages, as rpm's database keeps them: what is installed and which files are its
 * own. The format: rpm.org, "RPM V4 header format" (docs/manual/format_header); the numbers of tags
 * and types: rpm's rpmtag.h. In the database a header has no magic number before it.
 */
#ifndef PARSE_RPM_HEADER_H
#define PARSE_RPM_HEADER_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define RPM_HEADER_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define RPM_FILES_MAX 1000000
#define RPM_PATH_MAX 4096
#define RPM_PATHS_BYTES_MAX ((size_t)256 * 1024 * 1024)

struct rpm_header {
	const char *name;
	const char *version; /* "1.5-3", with an epoch other than 0 "2:1.5-3" */
	const char *arch;    /* NULL: none, as of keys */
	uint64_t size_bytes; /* of its files; 0 unknown */
	const char **paths;  /* absolute, folders among them */
	size_t path_count;
};

/* Read the LEN bytes at DATA; strings are ARENA's, OUT is untouched on failure. ERR_USAGE: not a
 * header, or none of a package; ERR_LIMIT. */
int rpm_header_read(const void *data, size_t len, struct arena *arena, struct rpm_header *out,
		    struct err *err);

#endif
