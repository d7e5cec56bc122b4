#include "source/git.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES_MAX 4096
#define LINKS_MAX 8 /* symbolic links followed to one file */

/* --- listing --------------------------------------------------------------------------------- */

struct listing {
	struct source *source;
	struct arena *arena;
	struct source_entry *entries;
	size_t count;
};

static int list_tree(struct listing *list, const git_oid *oid, const char *prefix, unsigned depth,
		     struct err *err);

static int list_entry(struct listing *list, const git_tree_entry *entry, const char *prefix,
		      unsigned depth, struct err *err)
{
	const git_oid *oid = git_tree_entry_id(entry);
	char hex[OID_HEX];
	struct source_entry *out;
	const char *path;

	if (list->count >= SOURCE_ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "the tree has more than %d entries",
			       SOURCE_ENTRIES_MAX);
	out = arena_push(list->arena, &list->entries, &list->count, sizeof(*out));
	path = *prefix ? arena_printf(list->arena, "%s/%s", prefix, git_tree_entry_name(entry))
		       : arena_strdup(list->arena, git_tree_entry_name(entry));
	out->path = path;
	out->mode = (unsigned)git_tree_entry_filemode(entry);
	out->oid = arena_strdup(list->arena, git_oid_tostr(hex, sizeof(hex), oid));
	if (git_tree_entry_type(entry) != GIT_OBJECT_TREE)
		return 0;
	return list_tree(list, oid, path, depth + 1, err);
}

static int list_tree(struct listing *list, const git_oid *oid, const char *prefix, unsigned depth,
		     struct err *err)
{
	CLEANUP(git__tree_done) git_tree *tree = NULL;
	size_t count;

	if (depth > SOURCE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "the tree has more than %d folders below each other",
			       SOURCE_DEPTH_MAX);
	if (git_tree_lookup(&tree, list->source->repo, oid) < 0)
		return git__damaged("tree", oid, err);
	count = git_tree_entrycount(tree);
	for (size_t i = 0; i < count; i++)
		if (list_entry(list, git_tree_entry_byindex(tree, i), prefix, depth, err) < 0)
			return -1;
	return 0;
}

/* --- paths ----------------------------------------------------------------------------------- */

/* Take ".", empty and ".." parts out of FOLDER/PATH; -1 when it leads above the tree's root. */
static int tidy(const char *folder, const char *path, char out[PATH_BYTES_MAX])
{
	char all[2 * PATH_BYTES_MAX];
	char *rest = all;
	char *part;
	size_t len = 0;

	if (snprintf(all, sizeof(all), "%s/%s", folder, path) >= (int)sizeof(all))
		return -1;
	out[0] = '\0';
	while ((part = strsep(&rest, "/")) != NULL) {
		size_t size = strlen(part);

		if (!size || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			char *slash = strrchr(out, '/');

			if (!len)
				return -1;
			len = slash ? (size_t)(slash - out) : 0;
			out[len] = '\0';
			continue;
		}
		if (len + size + 2 > PATH_BYTES_MAX)
			return -1;
		if (len)
			out[len++] = '/';
		memcpy(out + len, part, size + 1);
		len += size;
	}
	return 0;
}

/* A place in a commit's tree. */
struct place {
	git_oid oid;
	git_filemode_t mode;
};

/* Go down PATH from ROOT, part by part, so that a damaged folder is named as such and not taken
 * for a missing path. ERR_NOTFOUND. */
static int find_path(struct source *source, git_tree *root, const char *path, struct place *out,
		     struct err *err)
{
	CLEANUP(git__tree_done) git_tree *tree = NULL;
	char parts[PATH_BYTES_MAX];
	char *rest = parts;
	char *part;

	(void)snprintf(parts, sizeof(parts), "%s", path);
	if (git_tree_dup(&tree, root) < 0)
		return git__damaged("tree", git_tree_id(root), err);
	*out = (struct place){*git_tree_id(root), GIT_FILEMODE_TREE};
	while ((part = strsep(&rest, "/")) != NULL && *part) {
		const git_tree_entry *entry;

		if (!tree && out->mode == GIT_FILEMODE_TREE &&
		    git_tree_lookup(&tree, source->repo, &out->oid) < 0)
			return git__damaged("tree", &out->oid, err);
		entry = tree ? git_tree_entry_byname(tree, part) : NULL;
		if (!entry)
			return err_set(err, ERR_NOTFOUND, "the commit has no file %s", path);
		*out = (struct place){*git_tree_entry_id(entry), git_tree_entry_filemode(entry)};
		git_tree_free(tree);
		tree = NULL;
	}
	return 0;
}

static int root_tree(struct source *source, const char *commit, git_tree **out, struct err *err)
{
	CLEANUP(git__commit_done) git_commit *object = NULL;

	if (git__commit(source, commit, &object, err) < 0)
		return -1;
	if (git_commit_tree(out, object) < 0)
		return git__damaged("tree", git_commit_tree_id(object), err);
	return 0;
}

int source_tree(struct source *source, const char *commit, const char *folder, struct arena *arena,
		struct source_entry **out, size_t *count, struct err *err)
{
	CLEANUP(git__tree_done) git_tree *root = NULL;
	struct listing list = {.source = source, .arena = arena};
	char path[PATH_BYTES_MAX];
	struct place place;
	struct err why;

	if (tidy("", folder, path) < 0)
		return err_set(err, ERR_USAGE, "folder %s lies outside the repository", folder);
	if (root_tree(source, commit, &root, err) < 0)
		return -1;
	if (find_path(source, root, path, &place, &why) < 0) {
		if (why.code == ERR_NOTFOUND)
			return err_set(err, ERR_USAGE, "commit %.12s has no folder %s", commit,
				       folder);
		return err_set(err, why.code, "%s", why.msg);
	}
	if (place.mode != GIT_FILEMODE_TREE)
		return err_set(err, ERR_USAGE, "%s is not a folder in commit %.12s", folder,
			       commit);
	if (list_tree(&list, &place.oid, "", 0, err) < 0)
		return -1;
	*out = list.entries;
	*count = list.count;
	return 0;
}

/* --- one file -------------------------------------------------------------------------------- */

static int append(struct source *source, const git_oid *oid, const char *path, struct buf *out,
		  struct err *err)
{
	git_odb_object *object = NULL;
	git_object_t type;
	size_t size;

	if (git_odb_read_header(&size, &type, source->odb, oid) < 0)
		return git__damaged("blob", oid, err);
	if (size > out->max - out->len)
		return err_set(err, ERR_LIMIT, "%s has %zu bytes, more than %zu", path, size,
			       out->max - out->len);
	if (git_odb_read(&object, source->odb, oid) < 0)
		return git__damaged("blob", oid, err);
	buf_add(out, git_odb_object_data(object), git_odb_object_size(object));
	git_odb_object_free(object);
	return 0;
}

/* Replace PATH, a symbolic link, by what it points at. */
static int follow(struct source *source, const git_oid *oid, char path[PATH_BYTES_MAX],
		  struct err *err)
{
	char folder[PATH_BYTES_MAX], next[PATH_BYTES_MAX];
	struct buf link;
	char *slash;
	int rc;

	buf_init(&link, PATH_BYTES_MAX - 1);
	rc = append(source, oid, path, &link, err);
	if (rc == 0) {
		memcpy(folder, path, sizeof(folder));
		slash = strrchr(folder, '/');
		*(slash ? slash : folder) = '\0';
		if (buf_str(&link)[0] == '/' || tidy(folder, buf_str(&link), next) < 0)
			rc = err_set(err, ERR_NOTFOUND, "%s is a link to %s, outside the commit",
				     path, buf_str(&link));
		else
			memcpy(path, next, sizeof(next));
	}
	buf_done(&link);
	return rc;
}

int source_read(struct source *source, const char *commit, const char *path, struct buf *out,
		struct err *err)
{
	CLEANUP(git__tree_done) git_tree *root = NULL;
	char at[PATH_BYTES_MAX] = "";

	if (tidy("", path, at) < 0 || !*at)
		return err_set(err, ERR_NOTFOUND, "%s is not a file of the repository", path);
	if (root_tree(source, commit, &root, err) < 0)
		return -1;
	for (unsigned links = 0; links <= LINKS_MAX; links++) {
		struct place place;

		if (find_path(source, root, at, &place, err) < 0)
			return -1;
		if (place.mode == GIT_FILEMODE_TREE || place.mode == GIT_FILEMODE_COMMIT)
			return err_set(err, ERR_USAGE, "%s is a %s in commit %.12s, not a file", at,
				       place.mode == GIT_FILEMODE_TREE ? "folder" : "submodule",
				       commit);
		if (place.mode != GIT_FILEMODE_LINK)
			return append(source, &place.oid, at, out, err);
		if (follow(source, &place.oid, at, err) < 0)
			return -1;
	}
	return err_set(err, ERR_NOTFOUND, "%s leads through more than %d links", path, LINKS_MAX);
}
