/* Installed Python distributions as their metadata folders tell: METADATA or PKG-INFO, RECORD,
 * direct_url.json, WHEEL. Pure: bytes in, structs out. */
#ifndef PYDIST_DIST_H
#define PYDIST_DIST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "pydist/requirement.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIST_RECORD_MAX 1000000 /* lines of one RECORD */

/* Name, version and requirements of METADATA, PKG-INFO; the description is not read. */
struct dist_metadata {
	const char *name;
	const char *version;
	const char *requires_python; /* NULL: none */
	const char *license;	     /* License-Expression, else License when it is one line */
	const char *summary;
	struct strings requires; /* Requires-Dist lines as written */
	struct strings provides_extra;
};
int dist_metadata_parse(const char *text, size_t len, struct arena *arena,
			struct dist_metadata *out, struct err *err);

/* requires.txt of an egg-info, as Requires-Dist lines. */
void dist_requires_txt(const char *text, size_t len, struct arena *arena, struct strings *out);

struct record_line {
	const char *path;   /* as written: relative to site-packages */
	const char *sha256; /* lower-case hex, NULL: none given */
	uint64_t size;	    /* UINT64_MAX: none given */
};
/* RECORD is CSV with quotes. */
int dist_record_parse(const char *text, size_t len, struct arena *arena, struct record_line **out,
		      size_t *count, struct err *err);

/* direct_url.json: "git+https://…@commit", "file:///…", "https://…"; NULL if it tells nothing. */
const char *dist_direct_url(const char *text, size_t len, struct arena *arena);

/* "torch-2.6.0+cu124.dist-info" into name and version; false: no such folder name. Also
 * ".egg-info". */
bool dist_folder_name(const char *folder, struct arena *arena, const char **name,
		      const char **version);

/* torch/version.py: both forms of each line ("cuda: Optional[str] = '13.0'", "cuda = '12.4'").
 * NULL fields: None or not there. */
struct torch_version {
	const char *version;
	const char *cuda;
	const char *hip;
	const char *git;
};
void torch_version_parse(const char *text, size_t len, struct arena *arena,
			 struct torch_version *out);

#endif
