#include "base/file.h"
#include "base/mem.h"
#include "source/git.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A .git at DIR or above that is there but may not be entered: libgit2 says "not found". */
static bool find_locked(const char *dir, char *out, size_t size)
{
	char path[PATH_MAX];
	struct stat st;
	char *slash;

	if (!realpath(dir, path))
		return false;
	for (;;) {
		if (snprintf(out, size, "%s/.git", path) >= (int)size)
			return false;
		if (lstat(out, &st) == 0 && access(out, S_ISDIR(st.st_mode) ? R_OK | X_OK : R_OK))
			return true;
		slash = strrchr(path, '/');
		if (!slash || slash == path)
			return false;
		*slash = '\0';
	}
}

static int open_failed(const char *dir, int code, struct err *err)
{
	char message[400], locked[PATH_MAX + 8];
	struct stat st;

	(void)snprintf(message, sizeof(message), "%s", git__message());
	if (stat(dir, &st) < 0)
		return err_sys(err, ERR_USAGE, "repository %s", dir);
	if (access(dir, R_OK | X_OK) < 0)
		return err_sys(err, ERR_USAGE, "repository %s cannot be read", dir);
	if (find_locked(dir, locked, sizeof(locked)))
		return err_set(err, ERR_USAGE,
			       "repository %s cannot be read: Permission denied: run as its owner",
			       locked);
	if (code == GIT_ENOTFOUND)
		return err_set(err, ERR_USAGE,
			       "no git repository in %s or above it: give one with --repo DIR",
			       dir);
	if (strstr(message, "extensions.objectformat"))
		return err_set(
			err, ERR_USAGE,
			"repository %s names objects by SHA-256, which libgit2 does not read", dir);
	return err_set(err, ERR_USAGE, "repository %s cannot be read: %s", dir, message);
}

static int compare(const void *a, const void *b)
{
	return git_oid_cmp(a, b);
}

/* git keeps the ends of a shallow clone in a file, one hash a line; linked worktrees share it. */
static int load_boundary(struct source *source, struct err *err)
{
	char path[PATH_MAX];
	struct buf text;
	int rc;

	(void)snprintf(path, sizeof(path), "%sshallow", git_repository_commondir(source->repo));
	buf_init(&text, SOURCE_SHALLOW_MAX);
	rc = file_read(path, &text, err);
	if (rc < 0 && err->code == ERR_NOTFOUND)
		rc = 0;
	source->boundary = xcalloc(text.len / (OID_HEX - 1) + 1, sizeof(git_oid));
	for (size_t at = 0; at + OID_HEX - 1 <= text.len; at += OID_HEX) {
		git_oid *oid = &source->boundary[source->boundary_count];

		if (git_oid_fromstrn(oid, text.data + at, OID_HEX - 1) == 0)
			source->boundary_count++;
	}
	qsort(source->boundary, source->boundary_count, sizeof(git_oid), compare);
	buf_done(&text);
	return rc;
}

static char *root_of(git_repository *repo)
{
	const char *path = git_repository_workdir(repo);
	char *root = xstrdup(path ? path : git_repository_path(repo));
	size_t len = strlen(root);

	while (len > 1 && root[len - 1] == '/')
		root[--len] = '\0';
	return root;
}

int source_open(const char *dir, struct source **out, struct err *err)
{
	CLEANUP(source_closep) struct source *source = xcalloc(1, sizeof(*source));
	struct err ours;
	int code;

	git__start();
	code = git_repository_open_ext(&source->repo, dir, 0, NULL);
	if (code < 0)
		return open_failed(dir, code, err);
	if (git_repository_odb(&source->odb, source->repo) < 0)
		return err_set(err, ERR_USAGE, "repository %s: its objects cannot be read: %s", dir,
			       git__message());
	if (git__guard(source, err) < 0 || load_boundary(source, err ? err : &ours) < 0)
		return -1;
	source->root = root_of(source->repo);
	*out = source;
	source = NULL;
	return 0;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	git_odb_free(source->odb);
	git_repository_free(source->repo);
	free(source->boundary);
	free(source->root);
	free(source);
}

void source_closep(struct source **source)
{
	source_close(*source);
}

const char *source_root(const struct source *source)
{
	return source->root;
}
