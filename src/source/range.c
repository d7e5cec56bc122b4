/* What lies between two commits, and a commit's files in a folder. */
#include "base/file.h"
#include "base/mem.h"
#include "source/git.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)64 * 1024)

struct numbered {
	git_oid oid;
	uint32_t number;
};

struct walk {
	struct numbered *items;
	size_t count, cap;
};

static void walk_done(struct walk *walk)
{
	free(walk->items);
}

static void revwalk_done(git_revwalk **walk)
{
	git_revwalk_free(*walk);
}

static void add_found(struct walk *walk, const git_oid *oid)
{
	if (walk->count == walk->cap) {
		walk->cap = walk->cap ? 2 * walk->cap : 1024;
		walk->items = xrealloc(walk->items, walk->cap * sizeof(*walk->items));
	}
	walk->items[walk->count] = (struct numbered){*oid, (uint32_t)walk->count};
	walk->count++;
}

static int by_oid(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return git_oid_cmp(&x->oid, &y->oid);
}

static int check_ends(struct source *source, const git_oid *first, const git_oid *last,
		      const char *names[2], struct err *err)
{
	int related;

	if (git_oid_equal(first, last))
		return err_set(err, ERR_USAGE, "both ends are the commit %.12s", names[0]);
	related = git_graph_descendant_of(source->repo, last, first);
	if (related < 0)
		return err_set(err, ERR_INFRA, "%s", git__message());
	if (related)
		return 0;
	if (git_graph_descendant_of(source->repo, first, last) == 1)
		return err_set(err, ERR_USAGE, "%.12s comes after %.12s: exchange the ends",
			       names[0], names[1]);
	return err_set(err, ERR_USAGE,
		       "%.12s is no ancestor of %.12s: take a commit that is, for instance "
		       "`git merge-base %.12s %.12s`",
		       names[0], names[1], names[0], names[1]);
}

static int find_all(struct source *source, const git_oid *first, const git_oid *last,
		    struct walk *walk, struct err *err)
{
	CLEANUP(revwalk_done) git_revwalk *revwalk = NULL;
	git_oid oid;
	int rc;

	if (git_revwalk_new(&revwalk, source->repo) < 0 ||
	    git_revwalk_sorting(revwalk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE) < 0 ||
	    git_revwalk_push(revwalk, last) < 0 || git_revwalk_hide(revwalk, first) < 0)
		return err_set(err, ERR_INFRA, "%s", git__message());
	while ((rc = git_revwalk_next(&oid, revwalk)) == 0) {
		if (walk->count == SOURCE_RANGE_MAX)
			return err_set(err, ERR_LIMIT, "more than %d commits lie between the ends",
				       SOURCE_RANGE_MAX);
		if (git__is_boundary(source, &oid))
			return err_set(err, ERR_USAGE,
				       "the clone is shallow and ends between the two commits: "
				       "`git fetch --unshallow`");
		add_found(walk, &oid);
	}
	return rc == GIT_ITEROVER ? 0 : err_set(err, ERR_INFRA, "%s", git__message());
}

static int link_parents(struct source *source, const struct walk *walk,
			const struct numbered *sorted, struct arena *arena,
			struct source_range *out, struct err *err)
{
	size_t used = 0, cap = 2 * walk->count + 64;
	uint32_t *parents = xcalloc(cap, sizeof(*parents));
	int rc = 0;

	for (size_t i = 0; i < walk->count && rc == 0; i++) {
		git_commit *commit = NULL;

		out->start[i] = (uint32_t)used;
		if (git_commit_lookup(&commit, source->repo, &walk->items[i].oid) < 0) {
			rc = git__damaged("commit", &walk->items[i].oid, err);
			break;
		}
		for (unsigned p = 0; p < git_commit_parentcount(commit); p++) {
			struct numbered key = {*git_commit_parent_id(commit, p), 0};
			const struct numbered *found =
				bsearch(&key, sorted, walk->count, sizeof(key), by_oid);

			if (!found)
				continue;
			if (used == cap) {
				cap *= 2;
				parents = xrealloc(parents, cap * sizeof(*parents));
			}
			parents[used++] = found->number;
		}
		git_commit_free(commit);
	}
	out->start[walk->count] = (uint32_t)used;
	out->parents = arena_alloc(arena, (used + 1) * sizeof(*parents));
	memcpy(out->parents, parents, used * sizeof(*parents));
	free(parents);
	return rc;
}

int source_range(struct source *source, const char *first, const char *last, struct arena *arena,
		 struct source_range *out, struct err *err)
{
	CLEANUP(walk_done) struct walk walk = {0};
	const char *names[2] = {first, last};
	struct source_range range = {0};
	struct numbered *sorted;
	git_oid ends[2];
	int rc;

	if (git_oid_fromstr(&ends[0], first) < 0 || git_oid_fromstr(&ends[1], last) < 0)
		return err_set(err, ERR_BUG, "%s", git__message());
	if (check_ends(source, &ends[0], &ends[1], names, err) < 0 ||
	    find_all(source, &ends[0], &ends[1], &walk, err) < 0)
		return -1;
	range.start = arena_alloc(arena, (walk.count + 1) * sizeof(*range.start));
	range.commits.items = arena_alloc(arena, walk.count * sizeof(*range.commits.items));
	range.commits.count = walk.count;
	for (size_t i = 0; i < walk.count; i++) {
		char hex[OID_HEX];

		range.commits.items[i] =
			arena_strdup(arena, git_oid_tostr(hex, sizeof(hex), &walk.items[i].oid));
	}
	sorted = xcalloc(walk.count + 1, sizeof(*sorted));
	memcpy(sorted, walk.items, walk.count * sizeof(*sorted));
	qsort(sorted, walk.count, sizeof(*sorted), by_oid);
	rc = link_parents(source, &walk, sorted, arena, &range, err);
	free(sorted);
	if (rc == 0)
		*out = range;
	return rc;
}

/* --- export ---------------------------------------------------------------------------------- */

static int copy_blob(struct source *source, const struct source_entry *entry, int fd,
		     struct err *err)
{
	struct source_blob *blob = NULL;
	char *data = xcalloc(1, COPY_BYTES);
	uint64_t size;
	ssize_t got = -1;

	if (source_blob_open(source, entry->oid, &blob, &size, err) == 0)
		while ((got = source_blob_read(blob, data, COPY_BYTES, err)) > 0)
			if (file_write_all(fd, data, (size_t)got) < 0) {
				got = err_sys(err, ERR_INFRA, "%s", entry->path);
				break;
			}
	source_blob_close(blob);
	free(data);
	return got < 0 ? -1 : 0;
}

static int write_link(struct source *source, const struct source_entry *entry, const char *path,
		      struct err *err)
{
	struct source_blob *blob = NULL;
	char target[PATH_MAX];
	ssize_t got = 0;
	size_t len = 0;
	uint64_t size;

	if (source_blob_open(source, entry->oid, &blob, &size, err) < 0)
		return -1;
	while (len < sizeof(target) - 1 &&
	       (got = source_blob_read(blob, target + len, sizeof(target) - 1 - len, err)) > 0)
		len += (size_t)got;
	source_blob_close(blob);
	if (got < 0)
		return -1;
	target[len] = '\0';
	return symlink(target, path) == 0 ? 0 : err_sys(err, ERR_INFRA, "%s", path);
}

/* Git itself refuses such names; a tree made by hand may hold them. */
static bool leads_elsewhere(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return !*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	       strcasecmp(name, ".git") == 0;
}

static int write_entry(struct source *source, const struct source_entry *entry, const char *folder,
		       struct err *err)
{
	mode_t mode = entry->mode == 0100755 ? 0755 : 0644;
	char path[PATH_MAX];
	int fd, rc;

	if (leads_elsewhere(entry->path))
		return err_set(err, ERR_USAGE, "%s: no name for a file of a commit", entry->path);
	if (snprintf(path, sizeof(path), "%s/%s", folder, entry->path) >= (int)sizeof(path))
		return err_set(err, ERR_LIMIT, "%s: the path is too long", entry->path);
	if (entry->mode == 040000 || entry->mode == 0160000)
		return mkdir(path, 0755) == 0 ? 0 : err_sys(err, ERR_INFRA, "%s", path);
	if (entry->mode == 0120000)
		return write_link(source, entry, path, err);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(err, ERR_INFRA, "%s", path);
	rc = copy_blob(source, entry, fd, err);
	if (close(fd) < 0 && rc == 0)
		rc = err_sys(err, ERR_INFRA, "%s", path);
	return rc;
}

int source_path_id(struct source *source, const char *commit, const char *path, char out[41],
		   struct err *err)
{
	CLEANUP(git__commit_done) git_commit *at = NULL;
	CLEANUP(git__tree_done) git_tree *tree = NULL;
	git_tree_entry *entry = NULL;
	int rc;

	if (git__commit(source, commit, &at, err) < 0)
		return -1;
	if (git_commit_tree(&tree, at) < 0)
		return git__damaged("tree", git_commit_tree_id(at), err);
	out[0] = '\0';
	rc = git_tree_entry_bypath(&entry, tree, path);
	if (rc == 0)
		(void)git_oid_tostr(out, OID_HEX, git_tree_entry_id(entry));
	git_tree_entry_free(entry);
	return rc == 0 || rc == GIT_ENOTFOUND ? 0 : err_set(err, ERR_INFRA, "%s", git__message());
}

int source_export(struct source *source, const char *commit, const char *folder, struct err *err)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct source_entry *entries = NULL;
	size_t count = 0;

	if (source_tree(source, commit, ".", arena, &entries, &count, err) < 0 ||
	    file_mkdirs(folder, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (write_entry(source, &entries[i], folder, err) < 0)
			return -1;
	return 0;
}
