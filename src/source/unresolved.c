/* Why a revision names no commit: as much thought as resolving one, and all of it for messages. */
#include "source/git.h"

#include <stdio.h>
#include <string.h>

#define CANDIDATES_MAX 5	  /* shown for an ambiguous prefix */
#define NAMES_MAX ((size_t)10000) /* branches and tags looked at for a suggestion */
#define WALK_MAX 1000000	  /* commits walked to find where history ends */

/* --- where history ends ---------------------------------------------------------------------- */

enum end { END_ROOT, END_SHALLOW, END_DAMAGED };

/* Follow first parents from START; OID is the last commit, or the one that cannot be read. */
static enum end walk_to_end(struct source *source, git_commit *start, git_oid *oid)
{
	git_commit *at = NULL;
	enum end end = END_ROOT;

	git_oid_cpy(oid, git_commit_id(start));
	for (size_t i = 0; i < WALK_MAX; i++) {
		git_commit_free(at);
		at = NULL;
		if (git_commit_lookup(&at, source->repo, oid) < 0) {
			end = END_DAMAGED;
			break;
		}
		if (git__is_boundary(source, oid))
			end = END_SHALLOW;
		if (end != END_ROOT || !git_commit_parentcount(at))
			break;
		git_oid_cpy(oid, git_commit_parent_id(at, 0));
	}
	git_commit_free(at);
	return end;
}

static int shallow_error(const char *rev, const git_oid *end, struct err *err)
{
	char hex[OID_HEX];

	git_oid_tostr(hex, sizeof(hex), end);
	return err_set(err, ERR_USAGE,
		       "revision %s is not here: the clone is shallow and ends at %.12s: "
		       "run git fetch --unshallow",
		       rev, hex);
}

/* BASE is known, what follows it in REV leads nowhere. */
static int end_error(struct source *source, const char *rev, git_object *base, struct err *err)
{
	CLEANUP(git__object_done) git_object *start = NULL;
	char hex[OID_HEX];
	git_oid oid;
	enum end end;

	if (rev[git__base_len(rev)] == ':')
		return err_set(err, ERR_USAGE, "revision %s names a path, not a commit", rev);
	if (strstr(rev, "@{"))
		return err_set(err, ERR_USAGE,
			       "revision %s is not known here: the reflog or the upstream does not "
			       "say",
			       rev);
	if (git_object_peel(&start, base, GIT_OBJECT_COMMIT) < 0)
		return err_set(err, ERR_USAGE, "revision %s: %.*s is not a commit", rev,
			       (int)git__base_len(rev), rev);
	end = walk_to_end(source, (git_commit *)start, &oid);
	if (end == END_SHALLOW)
		return shallow_error(rev, &oid, err);
	if (end == END_DAMAGED)
		return git__damaged("commit", &oid, err);
	git_oid_tostr(hex, sizeof(hex), &oid);
	return err_set(err, ERR_USAGE, "revision %s does not exist: history begins at %.12s", rev,
		       hex);
}

/* --- unknown names --------------------------------------------------------------------------- */

static bool is_hex(const char *text, size_t len)
{
	return len >= GIT_OID_MINPREFIXLEN && len < OID_HEX &&
	       strspn(text, "0123456789abcdefABCDEF") >= len;
}

static const char *short_name(const char *ref)
{
	static const char *const prefixes[] = {"refs/heads/", "refs/tags/", "refs/remotes/"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(ref, prefixes[i], strlen(prefixes[i])) == 0)
			return ref + strlen(prefixes[i]);
	return NULL;
}

/* The branch or tag meant by WORD, in ARENA's memory; NULL when none is near. A branch that only a
 * remote has is what a fresh clone most often lacks. */
static const char *suggest(struct source *source, const char *word, struct arena *arena)
{
	const char **names = NULL;
	const char *found = NULL;
	size_t count = 0;
	git_strarray refs = {0};

	if (git_reference_list(&refs, source->repo) < 0)
		return NULL;
	for (size_t i = 0; i < refs.count && i < NAMES_MAX && !found; i++) {
		const char *name = short_name(refs.strings[i]);
		const char *slash = name ? strchr(name, '/') : NULL;
		const char **slot;

		if (!name)
			continue;
		slot = arena_push(arena, &names, &count, sizeof(*slot));
		*slot = arena_strdup(arena, name);
		if (slash && strncmp(refs.strings[i], "refs/remotes/", 13) == 0 &&
		    strcmp(slash + 1, word) == 0)
			found = *slot;
	}
	git_strarray_dispose(&refs);
	(void)arena_push(arena, &names, &count, sizeof(*names)); /* the NULL at the end */
	return found ? found : field_nearest(word, names);
}

static int unknown_error(struct source *source, const char *rev, struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	size_t len = git__base_len(rev);
	const char *base = arena_strndup(scratch, rev, len);
	const char *near = suggest(source, base, scratch);
	char hex[OID_HEX];

	if (near)
		return err_set(err, ERR_USAGE, "unknown revision %s: did you mean %s%s?", rev, near,
			       rev + len);
	if (!source->boundary_count)
		return err_set(err, ERR_USAGE, "unknown revision %s: no such branch, tag or commit",
			       rev);
	if (is_hex(base, len))
		return shallow_error(rev, &source->boundary[0], err);
	git_oid_tostr(hex, sizeof(hex), &source->boundary[0]);
	return err_set(
		err, ERR_USAGE,
		"unknown revision %s: no such branch, tag or commit (the clone is shallow and "
		"ends at %.12s: run git fetch --unshallow --tags)",
		rev, hex);
}

static bool has_references(struct source *source)
{
	git_strarray refs = {0};
	bool any = git_reference_list(&refs, source->repo) == 0 && refs.count > 0;

	git_strarray_dispose(&refs);
	return any;
}

/* The object that a branch or tag called BASE points at. */
static bool named_oid(struct source *source, const char *base, git_oid *out)
{
	CLEANUP(git__reference_done) git_reference *named = NULL;
	CLEANUP(git__reference_done) git_reference *direct = NULL;

	if (git_reference_dwim(&named, source->repo, base) < 0 ||
	    git_reference_resolve(&direct, named) < 0)
		return git_oid_fromstr(out, base) == 0 && strlen(base) == OID_HEX - 1 &&
		       git_odb_exists(source->odb, out);
	git_oid_cpy(out, git_reference_target(direct));
	return true;
}

int git__unresolved(struct source *source, const char *rev, int code, struct err *err)
{
	CLEANUP(git__object_done) git_object *object = NULL;
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	size_t len = git__base_len(rev);
	const char *base = arena_strndup(scratch, rev, len);
	const char *why = arena_strdup(scratch, git__message());
	bool head = !len || strcmp(base, "HEAD") == 0 || strcmp(base, "@") == 0;
	git_oid oid;

	if (head)
		base = "HEAD";
	if (git_repository_head_unborn(source->repo) == 1) {
		if (!has_references(source))
			return err_set(err, ERR_USAGE,
				       "revision %s: the repository %s has no commits yet", rev,
				       source->root);
		if (head)
			return err_set(err, ERR_USAGE,
				       "revision %s: the branch checked out in %s has no commits "
				       "yet: name another branch",
				       rev, source->root);
	}
	if (git_revparse_single(&object, source->repo, base) == 0) {
		if (code == GIT_EINVALIDSPEC || !rev[len])
			return err_set(err, ERR_USAGE, "revision %s is not well formed", rev);
		return end_error(source, rev, object, err);
	}
	if (named_oid(source, base, &oid))
		return git__damaged("object", &oid, err);
	if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC)
		return unknown_error(source, rev, err);
	return err_set(err, ERR_INFRA, "revision %s cannot be read: %s: see git fsck", rev, why);
}

/* --- ambiguous prefixes ---------------------------------------------------------------------- */

struct candidates {
	struct source *source;
	git_oid prefix;
	size_t digits;
	git_oid found[CANDIDATES_MAX];
	size_t count;
};

/* Trees and blobs that share the digits cannot be meant: git takes the commit, and so do we. */
static int take_candidate(const git_oid *oid, void *payload)
{
	struct candidates *all = payload;
	git_object_t type;
	size_t size;

	if (git_oid_ncmp(oid, &all->prefix, all->digits) != 0)
		return 0;
	if (git_odb_read_header(&size, &type, all->source->odb, oid) < 0 ||
	    (type != GIT_OBJECT_COMMIT && type != GIT_OBJECT_TAG))
		return 0;
	for (size_t i = 0; i < all->count; i++)
		if (git_oid_equal(oid, &all->found[i]))
			return 0; /* in two packs */
	git_oid_cpy(&all->found[all->count++], oid);
	return all->count == CANDIDATES_MAX;
}

static int ambiguous_error(const char *rev, const struct candidates *all, struct err *err)
{
	char list[CANDIDATES_MAX * (OID_HEX + 1)] = "";
	size_t used = 0;

	for (size_t i = 0; i < all->count; i++) {
		char hex[OID_HEX];

		git_oid_tostr(hex, sizeof(hex), &all->found[i]);
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%.16s", i ? ", " : "",
					 hex);
	}
	return err_set(err, ERR_USAGE, "revision %s is ambiguous: it begins %s%s", rev, list,
		       all->count == CANDIDATES_MAX ? ", …" : "");
}

int git__disambiguate(struct source *source, const char *rev, struct arena *arena, const char **out,
		      struct err *err)
{
	struct candidates all = {.source = source, .digits = git__base_len(rev)};
	char hex[OID_HEX];

	if (!is_hex(rev, all.digits) || git_oid_fromstrn(&all.prefix, rev, all.digits) < 0)
		return err_set(err, ERR_USAGE, "revision %s is ambiguous: %s", rev, git__message());
	(void)git_odb_foreach(source->odb, take_candidate, &all);
	if (all.count == 0)
		return err_set(err, ERR_USAGE, "revision %s is ambiguous and names no commit", rev);
	if (all.count > 1)
		return ambiguous_error(rev, &all, err);
	git_oid_tostr(hex, sizeof(hex), &all.found[0]);
	*out = arena_printf(arena, "%s%s", hex, rev + all.digits);
	return 0;
}
