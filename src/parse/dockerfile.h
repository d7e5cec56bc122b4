/* A Dockerfile as a list of instructions with their lines: enough to map build steps to lines and
 * to know the base images. Pure; syntax errors are left to the builder. */
#ifndef PARSE_DOCKERFILE_H
#define PARSE_DOCKERFILE_H

#include "base/arena.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>

#define DOCKERFILE_BYTES_MAX ((size_t)1024 * 1024)
#define DOCKERFILE_STAGES_MAX 1000

struct instruction {
	const char *name; /* upper case: "RUN" */
	const char *text; /* whole instruction; continuation lines joined, white space at a joint
			     made one space; comments dropped, heredoc bodies left out */
	unsigned line;	  /* first line, from 1 */
	unsigned end_line;
	int stage; /* 0-based stage it belongs to; -1 for ARG before the first FROM */
};

struct dockerfile_stage {
	const char *name; /* AS name, NULL */
	const char *base; /* FROM reference after ARG substitution with defaults and ARGS */
	unsigned line;
};

struct dockerfile {
	struct instruction *instructions;
	size_t count;
	struct dockerfile_stage *stages;
	size_t stage_count;
	struct strings bases; /* external images: FROM bases and COPY --from that are no stage, not
				 "scratch", each once, in order */
	bool needs_buildkit;  /* heredoc, RUN --mount/--network/--security, COPY --link/--chmod
				 and newer flags, # syntax= directive */
};

void dockerfile_parse(const char *text, size_t len, const struct pairs *args, struct arena *arena,
		      struct dockerfile *out);

/* The instruction of the classic builder's "Step NUMBER/TOTAL"; NULL when out of range. It counts
 * every instruction from the top, ARG before FROM included; --target only cuts the rest off. */
const struct instruction *dockerfile_step(const struct dockerfile *file, unsigned number);

/* The instruction of BuildKit's "[STAGE N/M] TEXT": N counts FROM, RUN, COPY, ADD, WORKDIR of the
 * stage. STAGE is a stage name, "stage-K", or NULL for a single stage; TEXT decides when given. */
const struct instruction *dockerfile_vertex(const struct dockerfile *file, const char *stage,
					    unsigned number, const char *text);

#endif
