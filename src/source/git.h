/* What the files of this room share: the handle and libgit2's errors. Nobody outside includes it.
 */
#ifndef SOURCE_GIT_H
#define SOURCE_GIT_H

#include "base/err.h"
#include "source/source.h"

#include <git2.h>

#define OID_HEX 41 /* 40 hex digits and the NUL */

struct source {
	git_repository *repo;
	git_odb *odb;
	char *root;
	git_oid *boundary; /* commits at which a shallow clone ends, sorted */
	size_t boundary_count;
};

/* Start libgit2 once for the process, with the options that reading needs. */
void git__start(void);

/* libgit2's last message, never NULL. */
const char *git__message(void);

/* An object that should be there cannot be read: ERR_INFRA that names it. */
int git__damaged(const char *type, const git_oid *oid, struct err *err);

/* Stand in front of loose objects that libgit2 would never finish reading. */
int git__guard(struct source *source, struct err *err);

bool git__is_boundary(const struct source *source, const git_oid *oid);
int git__commit(struct source *source, const char *hash, git_commit **out, struct err *err);

/* Why REV, which libgit2 did not resolve (CODE), names no commit. Always -1. */
int git__unresolved(struct source *source, const char *rev, int code, struct err *err);

/* The one commit or tag among the objects that begin with the digits of an ambiguous REV, spelled
 * out in OUT; -1 with ERR when there are several. */
int git__disambiguate(struct source *source, const char *rev, struct arena *arena, const char **out,
		      struct err *err);

/* Bytes of REV before the first ~, ^, : or @{. */
size_t git__base_len(const char *rev);

void git__object_done(git_object **object);
void git__commit_done(git_commit **commit);
void git__tree_done(git_tree **tree);
void git__reference_done(git_reference **reference);

#endif
