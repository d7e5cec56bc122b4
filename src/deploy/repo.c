#include "deploy/repo.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const wanted[] = {"Dockerfile*",
				     "*.Dockerfile",
				     "*.dockerfile",
				     "Containerfile*",
				     "requirements*.txt",
				     "*requirements.txt",
				     "constraints*.txt",
				     "*constraints.txt",
				     "pyproject.toml",
				     "setup.cfg",
				     "setup.py",
				     "*.py",
				     "*.sh",
				     "*.toml",
				     "*.yaml",
				     "*.yml",
				     "*.json",
				     "pip.conf",
				     ".env",
				     NULL};

static const char *const closed[] = {".git",	    "node_modules", ".venv",  "venv",
				     "__pycache__", ".tox",	    ".assay", "build",
				     "dist",	    ".mypy_cache",  NULL};

static bool is_closed(const char *name, size_t len)
{
	for (size_t i = 0; closed[i]; i++)
		if (strlen(closed[i]) == len && memcmp(closed[i], name, len) == 0)
			return true;
	return false;
}

bool repo_wants(const char *path)
{
	const char *name = path;
	unsigned depth = 0;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(name, '/')) {
		if (is_closed(name, (size_t)(slash - name)) || ++depth > REPO_DEPTH_MAX)
			return false;
		name = slash + 1;
	}
	for (size_t i = 0; wanted[i]; i++)
		if (fnmatch(wanted[i], name, 0) == 0)
			return true;
	return false;
}

struct collector {
	struct arena *arena;
	struct repo_files *out;
	size_t bytes;
	size_t seen;
};

static void keep(struct collector *collector, const char *path, const struct buf *text)
{
	struct repo_files *out = collector->out;
	struct repo_file *file;

	if (out->count == REPO_FILES_MAX || collector->bytes + text->len > REPO_BYTES_MAX ||
	    memchr(buf_str(text), '\0', text->len))
		return;
	file = arena_push(collector->arena, &out->items, &out->count, sizeof(*file));
	file->path = arena_strdup(collector->arena, path);
	file->text = arena_strndup(collector->arena, buf_str(text), text->len);
	file->len = text->len;
	collector->bytes += text->len;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct repo_file *)a)->path, ((const struct repo_file *)b)->path);
}

static void finish(struct repo_files *out)
{
	const char *only = NULL;
	size_t candidates = 0;

	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), by_path);
	for (size_t i = 0; i < out->count && !out->dockerfile; i++) {
		const char *path = out->items[i].path;
		const char *slash = strrchr(path, '/');

		if (strcmp(path, "Dockerfile") == 0)
			out->dockerfile = path;
		if (strcasestr(slash ? slash + 1 : path, "dockerfile")) {
			only = path;
			candidates++;
		}
	}
	if (!out->dockerfile && candidates == 1)
		out->dockerfile = only;
}

int repo_read_commit(struct source *source, const char *commit, struct arena *arena,
		     struct repo_files *out, struct err *err)
{
	struct repo_files files = {0};
	struct collector collector = {arena, &files, 0, 0};
	struct source_entry *entries = NULL;
	struct arena *scratch = arena_new();
	size_t count = 0;
	int rc = source_tree(source, commit, ".", scratch, &entries, &count, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct buf text;

		if ((entries[i].mode & S_IFMT) != S_IFREG || !repo_wants(entries[i].path))
			continue;
		buf_init(&text, REPO_FILE_BYTES_MAX);
		rc = source_read(source, commit, entries[i].path, &text, err);
		if (rc == 0)
			keep(&collector, entries[i].path, &text);
		else if (err->code == ERR_LIMIT)
			rc = 0;
		buf_done(&text);
	}
	arena_free(scratch);
	if (rc < 0)
		return -1;
	finish(&files);
	*out = files;
	return 0;
}

static void read_entry(struct collector *collector, int dir, const char *name, const char *path)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat info;
	struct buf text;
	char piece[65536];
	ssize_t n = 0;

	if (fd < 0)
		return;
	buf_init(&text, REPO_FILE_BYTES_MAX);
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		while (!text.truncated && (n = read(fd, piece, sizeof(piece))) > 0)
			buf_add(&text, piece, (size_t)n);
	if (S_ISREG(info.st_mode) && n == 0 && !text.truncated)
		keep(collector, path, &text);
	buf_done(&text);
	close(fd);
}

static void walk(struct collector *collector, int fd, const char *prefix, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL && collector->seen++ < REPO_SEEN_MAX) {
		const char *name = entry->d_name;
		const char *path = arena_printf(collector->arena, "%s%s", prefix, name);
		int below;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		below = is_closed(name, strlen(name)) || depth == REPO_DEPTH_MAX
				? -1
				: openat(dirfd(dir), name,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			walk(collector, below, arena_printf(collector->arena, "%s/", path),
			     depth + 1);
		else if (repo_wants(path))
			read_entry(collector, dirfd(dir), name, path);
	}
	closedir(dir);
}

int repo_read_folder(const char *dir, struct arena *arena, struct repo_files *out, struct err *err)
{
	struct repo_files files = {0};
	struct collector collector = {arena, &files, 0, 0};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, ERR_USAGE, "folder %s", dir);
	walk(&collector, fd, "", 0);
	finish(&files);
	*out = files;
	return 0;
}
