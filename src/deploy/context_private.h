/* A context between its files: what is sent, in the order in which it is sent. */
#ifndef DEPLOY_CONTEXT_PRIVATE_H
#define DEPLOY_CONTEXT_PRIVATE_H

#include "deploy/deploy.h"
#include "parse/dockerfile.h"

#define CONTEXT_DOCKERFILE ".assay.Dockerfile"
#define CONTEXT_IGNORE ".dockerignore"

/* git's modes; an executable file has 0100 */
#define MODE_FOLDER 0040000U
#define MODE_LINK 0120000U
#define MODE_SUBMODULE 0160000U

struct member {
	const char *path; /* in the tar */
	unsigned mode;	  /* git's */
	const char *oid;  /* NULL: TEXT is the content */
	const char *text;
	size_t text_len;
	bool builder_only; /* ignored, or ours: the builder needs it, the image never has it */
};

/* Where the tar is. */
struct stream {
	size_t next;		  /* member whose header comes next */
	struct buf pending;	  /* headers, links, padding and small text not yet given */
	struct source_blob *blob; /* content being given */
	uint64_t left;		  /* bytes of it */
	size_t padding;		  /* after it */
	bool ended;
	bool buildkit; /* sent to BuildKit, which applies no ignore file to a tar */
};

struct context {
	struct arena *arena;
	struct source *source;
	const char *commit;
	const struct suite_image *image;
	const char *dockerfile; /* path in the repository */
	const char *folder;	/* in the repository, "." for the root */
	const char *name;	/* the Dockerfile's in the tar */
	struct buf text;	/* the Dockerfile */
	struct buf ignore_text;
	bool has_ignore; /* a .dockerignore at the context's root */
	struct dockerfile parsed;
	struct member *members; /* sorted by path; folders before their content */
	size_t count;
	struct stream stream;
};

/* Begin the tar for a builder: BuildKit would show .dockerignore to the build although it is
 * ignored, so it gets none of what only the classic builder reads. */
void context__begin(struct context *context, bool buildkit);
void context__stream_done(struct stream *stream);

#endif
