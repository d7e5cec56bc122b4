/*
 * Git, read only: resolve a commit, walk first parents, list and read a commit's tree. The user's
 * work tree and index are never touched; nothing is written to the repository.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/run.h"

struct source;

/* Open the repository that holds DIR (bare, worktree, or any folder inside). ERR_USAGE with what
 * to do: no repository here, not readable, owned by another user. */
int source_open(const char *dir, struct source **out, struct err *err);
void source_close(struct source *source);
void source_closep(struct source **source);

/* The work tree's root, or the git folder of a bare repository. Borrowed. */
const char *source_root(const struct source *source);

/* Resolve REV (branch, tag, annotated tag, short hash, HEAD~3, @{…}) to a commit; memory is
 * ARENA's. ERR_USAGE for unknown (with the nearest branch or tag when one is near), ambiguous, not
 * a commit, and for history cut off by a shallow clone (says `git fetch --unshallow`). */
int source_resolve(struct source *source, const char *rev, struct arena *arena,
		   struct commit *out, struct err *err);

/* Hashes of COMMIT's first-parent ancestors, nearest first, COMMIT itself not included; at most
 * MAX. SHALLOW_OUT tells whether the walk ended at a shallow boundary. */
int source_ancestors(struct source *source, const char *commit, size_t max, struct arena *arena,
		     struct strings *out, bool *shallow_out, struct err *err);

struct source_entry {
	const char *path; /* relative to the folder walked, '/' separated */
	unsigned mode;    /* git mode: 0100644, 0100755, 0120000 link, 0160000 submodule, 040000 folder */
	const char *oid;  /* 40 hex digits */
};

/* Every entry below FOLDER ("." for all) of COMMIT's tree, folders before their content, names in
 * git's order. ERR_USAGE when FOLDER is not a folder there. */
int source_tree(struct source *source, const char *commit, const char *folder,
		struct arena *arena, struct source_entry **out, size_t *count, struct err *err);

/* Append one file of COMMIT; ERR_NOTFOUND, ERR_LIMIT by OUT's maximum. */
int source_read(struct source *source, const char *commit, const char *path, struct buf *out,
		struct err *err);

/* Stream a blob in pieces: SINK is called with each piece and returns 0 to go on. SIZE_OUT is
 * known before the first call to SINK (passed in). Loose objects are streamed, packed ones are
 * inflated whole by libgit2. */
typedef int source_sink(void *payload, uint64_t total, const void *data, size_t len);
int source_blob(struct source *source, const char *oid, source_sink *sink, void *payload,
		struct err *err);

#endif
