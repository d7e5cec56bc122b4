/*
 * Requirements: PEP 508 lines as in Requires-Dist, and pip's requirements and constraints files.
 * Pure.
 */
#ifndef PYDIST_REQUIREMENT_H
#define PYDIST_REQUIREMENT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>

#define REQUIREMENT_BYTES_MAX 8192
#define REQUIREMENTS_MAX 100000

struct requirement {
	const char *name;	/* as written */
	const char *normalised; /* PEP 503: lower case, runs of -_. become one "-" */
	struct strings extras;
	const char *specifier; /* "==2.6.0,<3", "" none */
	const char *url;       /* after "@", or of a bare URL or path line */
	const char *marker;    /* after ";", NULL: none */
	unsigned line;	       /* in its file, from 1 */
	bool hashed;	       /* --hash given */
	bool editable;
};

/* What a marker is evaluated against. */
struct py_environment {
	const char *python_version;	 /* "3.11" */
	const char *python_full_version; /* "3.11.2" */
	const char *platform_machine;	 /* "x86_64" */
	const char *sys_platform;	 /* "linux" */
	const char *extra;		 /* NULL: none */
};

const char *py_normalise(const char *name, struct arena *arena);

/* One PEP 508 line. ERR_USAGE says what is wrong. */
int requirement_parse(const char *line, struct arena *arena, struct requirement *out,
		      struct err *err);
/* Does MARKER hold? NULL holds. A marker that cannot be understood holds not, with *KNOWN false
 * (may be NULL). */
bool requirement_applies(const char *marker, const struct py_environment *environment, bool *known);

struct requirements_option {
	const char *name;  /* "--index-url", "-r", … as the long form where there is one */
	const char *value; /* NULL: a flag */
	unsigned line;
};

/* A requirements or constraints file: joined lines, comments, options; includes are listed as
 * options, not followed. Lines that are wrong go to `bad` as "LINE: text". */
struct requirements {
	struct requirement *items;
	size_t count;
	struct requirements_option *options;
	size_t option_count;
	struct strings bad;
};
void requirements_parse(const char *text, size_t len, struct arena *arena,
			struct requirements *out);

#endif
