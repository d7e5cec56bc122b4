#include "source/git.h"

#include <stdio.h>
#include <string.h>

/* Names and messages are bytes in git; a report is UTF-8. Bytes that are not become U+FFFD. */
static size_t sequence_len(const unsigned char *at)
{
	size_t len = at[0] < 0x80		     ? 1
		     : at[0] >= 0xC2 && at[0] < 0xE0 ? 2
		     : at[0] >= 0xE0 && at[0] < 0xF0 ? 3
		     : at[0] >= 0xF0 && at[0] < 0xF5 ? 4
						     : 0;

	for (size_t i = 1; i < len; i++)
		if ((at[i] & 0xC0) != 0x80)
			return 0;
	if (len == 3 && ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F)))
		return 0;
	if (len == 4 && ((at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F)))
		return 0;
	return len;
}

static const char *utf8(const char *text, struct arena *arena)
{
	const unsigned char *at = (const unsigned char *)text;
	char *out = arena_alloc(arena, strlen(text) * 3 + 1);
	char *to = out;

	while (*at) {
		size_t len = sequence_len(at);

		memcpy(to, len ? (const char *)at : "\xEF\xBF\xBD", len ? len : 3);
		to += len ? len : 3;
		at += len ? len : 1;
	}
	return out;
}

static const char *hex_of(const git_oid *oid, struct arena *arena)
{
	char hex[OID_HEX];

	return arena_strdup(arena, git_oid_tostr(hex, sizeof(hex), oid));
}

static int find_submodules(struct source *source, const char *hash, struct arena *arena,
			   struct strings *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	struct source_entry *entries = NULL;
	size_t count = 0;

	if (source_tree(source, hash, ".", scratch, &entries, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (entries[i].mode == GIT_FILEMODE_COMMIT) {
			const char **path =
				arena_push(arena, &out->items, &out->count, sizeof(*path));

			*path = arena_strdup(arena, entries[i].path);
		}
	return 0;
}

static int describe(struct source *source, git_commit *commit, const char *rev, struct arena *arena,
		    struct commit *out, struct err *err)
{
	const git_signature *author = git_commit_author(commit);
	const char *summary = git_commit_summary(commit);
	struct commit made = {
		.hash = hex_of(git_commit_id(commit), arena),
		.tree = hex_of(git_commit_tree_id(commit), arena),
		.asked = arena_strdup(arena, rev),
		.subject = utf8(summary ? summary : "", arena),
		.time_s = git_commit_time(commit),
		.repo = arena_strdup(arena, source->root),
	};

	made.author = utf8(arena_printf(arena, "%s <%s>", author->name, author->email), arena);
	if (find_submodules(source, made.hash, arena, &made.submodules, err) < 0)
		return -1;
	*out = made;
	return 0;
}

static int peel(git_object *object, const char *rev, git_commit **out, struct err *err)
{
	git_object *target = NULL;
	int code = git_object_peel(&target, object, GIT_OBJECT_COMMIT);

	if (code == 0) {
		*out = (git_commit *)target;
		return 0;
	}
	if (git_object_type(object) != GIT_OBJECT_TAG)
		return err_set(err, ERR_USAGE, "revision %s names a %s, not a commit", rev,
			       git_object_type2string(git_object_type(object)));
	if (code == GIT_EPEEL || code == GIT_EINVALIDSPEC)
		return err_set(err, ERR_USAGE, "tag %s points at a %s, not at a commit", rev,
			       git_object_type2string(git_tag_target_type((git_tag *)object)));
	return git__damaged(git_object_type2string(git_tag_target_type((git_tag *)object)),
			    git_tag_target_id((git_tag *)object), err);
}

static int check_rev(const char *rev, struct err *err)
{
	if (!rev || !*rev)
		return err_set(err, ERR_USAGE, "the revision is empty");
	if (strlen(rev) > SOURCE_REV_MAX)
		return err_set(err, ERR_USAGE, "the revision is longer than %d bytes",
			       SOURCE_REV_MAX);
	if (strstr(rev, ".."))
		return err_set(err, ERR_USAGE, "%.200s is a range: name one commit", rev);
	return 0;
}

int source_resolve(struct source *source, const char *rev, struct arena *arena, struct commit *out,
		   struct err *err)
{
	CLEANUP(git__object_done) git_object *object = NULL;
	CLEANUP(git__commit_done) git_commit *commit = NULL;
	const char *spec = rev;
	int code;

	if (check_rev(rev, err) < 0)
		return -1;
	code = git_revparse_single(&object, source->repo, spec);
	if (code == GIT_EAMBIGUOUS) {
		if (git__disambiguate(source, rev, arena, &spec, err) < 0)
			return -1;
		code = git_revparse_single(&object, source->repo, spec);
	}
	if (code < 0)
		return git__unresolved(source, spec, code, err);
	if (peel(object, rev, &commit, err) < 0)
		return -1;
	return describe(source, commit, rev, arena, out, err);
}

int source_ancestors(struct source *source, const char *commit, size_t max, struct arena *arena,
		     struct strings *out, bool *shallow_out, struct err *err)
{
	struct strings found = {0};
	git_commit *at = NULL;
	bool shallow = false;

	if (git__commit(source, commit, &at, err) < 0)
		return -1;
	while (found.count < max && git_commit_parentcount(at)) {
		const git_oid *oid = git_commit_parent_id(at, 0);
		git_commit *parent = NULL;
		const char **hash;

		if ((shallow = git__is_boundary(source, git_commit_id(at))))
			break;
		if (git_commit_lookup(&parent, source->repo, oid) < 0) {
			git__damaged("commit", oid, err);
			git_commit_free(at);
			return -1;
		}
		hash = arena_push(arena, &found.items, &found.count, sizeof(*hash));
		*hash = hex_of(oid, arena);
		git_commit_free(at);
		at = parent;
	}
	git_commit_free(at);
	*out = found;
	if (shallow_out)
		*shallow_out = shallow;
	return 0;
}
