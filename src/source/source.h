/*
 * Git, read only: resolve a commit, walk first parents, list and read a commit's tree. The user's
 * work tree and index are never touched; nothing is written to the repository. A handle belongs to
 * one thread at a time.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/run.h"

#include <stdint.h>
#include <sys/types.h>

#define SOURCE_REV_MAX 1024			     /* bytes of a revision */
#define SOURCE_DEPTH_MAX 256			     /* folders below each other */
#define SOURCE_ENTRIES_MAX 2000000		     /* entries of one tree */
#define SOURCE_SHALLOW_MAX ((size_t)4 * 1024 * 1024) /* bytes of git's list of boundaries */

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
int source_resolve(struct source *source, const char *rev, struct arena *arena, struct commit *out,
		   struct err *err);

/* Hashes of COMMIT's first-parent ancestors, nearest first, COMMIT itself not included; at most
 * MAX. SHALLOW_OUT tells whether the walk ended at a shallow boundary. */
int source_ancestors(struct source *source, const char *commit, size_t max, struct arena *arena,
		     struct strings *out, bool *shallow_out, struct err *err);

/* Commits in topological order, parents before children. Parents that are no member are left out:
 * those of member i are parents[start[i]] .. parents[start[i + 1] - 1], in their order. */
struct source_range {
	struct strings commits; /* hashes */
	uint32_t *start;	/* one more than commits */
	uint32_t *parents;
};

#define SOURCE_RANGE_MAX 4000000 /* commits */

/* The ancestors of LAST, itself included, that are not FIRST or an ancestor of it. Memory is
 * ARENA's. ERR_USAGE: FIRST is no ancestor of LAST; a shallow clone ends in between. ERR_LIMIT. */
int source_range(struct source *source, const char *first, const char *last, struct arena *arena,
		 struct source_range *out, struct err *err);

/* Id of what COMMIT has at PATH, a file or a folder; "" when it has nothing there. */
int source_path_id(struct source *source, const char *commit, const char *path, char out[41],
		   struct err *err);

/* Write every file of COMMIT below FOLDER, which is made and must not exist: a copy to work in, not
 * a work tree. Links are made as links; of submodules the folder. ERR_INFRA when it cannot be
 * written. */
int source_export(struct source *source, const char *commit, const char *folder, struct err *err);

struct source_entry {
	const char *path; /* relative to the folder walked, '/' separated */
	unsigned mode; /* git mode: 0100644, 0100755, 0120000 link, 0160000 submodule, 040000 folder
			*/
	const char *oid; /* 40 hex digits */
};

/* Every entry below FOLDER ("." for all) of COMMIT's tree, folders before their content, names in
 * git's order. ERR_USAGE when FOLDER is not a folder there. */
int source_tree(struct source *source, const char *commit, const char *folder, struct arena *arena,
		struct source_entry **out, size_t *count, struct err *err);

/* Append one file of COMMIT; a symbolic link inside the tree is followed. ERR_NOTFOUND, ERR_LIMIT
 * by OUT's maximum, ERR_USAGE when PATH is a folder or a submodule. */
int source_read(struct source *source, const char *commit, const char *path, struct buf *out,
		struct err *err);

/*
 * One blob, read in pieces. SIZE_OUT is its whole length. A loose blob of SOURCE_STREAM_MIN bytes
 * or more is inflated piece by piece; libgit2 inflates a packed one whole, so that it is held in
 * memory until it is closed. An object that is missing or damaged is ERR_INFRA and named.
 */
#define SOURCE_STREAM_MIN ((uint64_t)1024 * 1024)
struct source_blob;
int source_blob_open(struct source *source, const char *oid, struct source_blob **out,
		     uint64_t *size_out, struct err *err);
/* Up to LEN bytes; 0 at the end, -1 with ERR. A blob shorter than its length is an error. */
ssize_t source_blob_read(struct source_blob *blob, void *data, size_t len, struct err *err);
void source_blob_close(struct source_blob *blob); /* NULL is allowed */

#endif
