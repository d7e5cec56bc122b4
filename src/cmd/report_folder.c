#include "cmd/report_folder.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only reports have this file. */
#define MARKER ".assay-report"

static bool is_empty(DIR *dir)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return true;
}

static int check_place(const char *path, struct err *err)
{
	char marker[PATH_MAX];
	DIR *dir = opendir(path);
	bool empty;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return err_sys(err, ERR_USAGE, "cannot write a report to %s", path);
	empty = is_empty(dir);
	(void)closedir(dir);
	if ((size_t)snprintf(marker, sizeof(marker), "%s/" MARKER, path) >= sizeof(marker))
		return err_set(err, ERR_USAGE, "%s: path too long", path);
	if (!empty && access(marker, F_OK) != 0)
		return err_set(err, ERR_USAGE,
			       "%s is not empty and not a report: name a new folder", path);
	return 0;
}

/* A sibling of PATH, so that a rename is enough. */
static int make_scratch(const char *path, struct report_folder *out, struct err *err)
{
	size_t len = strlen(path), room = len + sizeof("/..tmp-XXXXXX");
	char *scratch;

	while (len > 1 && path[len - 1] == '/')
		len--;
	out->path = xcalloc(len + 1, 1);
	memcpy(out->path, path, len);
	scratch = xcalloc(room, 1);
	(void)snprintf(scratch, room, "%s.tmp-XXXXXX", out->path);
	if (!mkdtemp(scratch)) {
		free(scratch);
		return err_sys(err, ERR_USAGE, "cannot write a report beside %s", out->path);
	}
	out->scratch = scratch;
	/* mkdtemp keeps others out; a report is for them. */
	if (chmod(scratch, 0755) < 0)
		return err_sys(err, ERR_INFRA, "%s", scratch);
	return report_folder_write(out, MARKER, "", 0, err);
}

int report_folder_begin(const char *path, struct report_folder *out, struct err *err)
{
	struct report_folder folder = {0};

	if (!*path)
		return err_set(err, ERR_USAGE, "--html: no folder given");
	if (check_place(path, err) < 0)
		return -1;
	if (make_scratch(path, &folder, err) < 0) {
		report_folder_end(&folder);
		return -1;
	}
	*out = folder;
	return 0;
}

int report_folder_write(struct report_folder *folder, const char *name, const void *data,
			size_t len, struct err *err)
{
	char path[PATH_MAX];
	char *slash;
	int fd, rc;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder->scratch, name) >= sizeof(path))
		return err_set(err, ERR_USAGE, "%s: path too long", name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 && errno == ENOENT) {
		slash = strrchr(path, '/');
		*slash = '\0';
		if (file_mkdirs(path, err) < 0)
			return -1;
		*slash = '/';
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	}
	if (fd < 0)
		return err_sys(err, ERR_INFRA, "cannot write %s", path);
	rc = file_write_all(fd, data, len);
	if (close(fd) < 0 || rc < 0)
		return err_sys(err, ERR_INFRA, "cannot write %s", path);
	folder->files++;
	folder->bytes += len;
	return 0;
}

int report_folder_commit(struct report_folder *folder, struct err *err)
{
	if (renameat2(AT_FDCWD, folder->scratch, AT_FDCWD, folder->path, RENAME_EXCHANGE) == 0)
		return file_remove_tree(folder->scratch, err); /* the old one is there now */
	/* No old one, or a file system that cannot exchange. */
	if (errno != ENOENT && file_remove_tree(folder->path, err) < 0)
		return -1;
	if (rename(folder->scratch, folder->path) < 0)
		return err_sys(err, ERR_INFRA, "cannot put the report at %s", folder->path);
	return 0;
}

void report_folder_end(struct report_folder *folder)
{
	struct err ignored;

	if (folder->scratch)
		(void)file_remove_tree(folder->scratch, &ignored);
	free(folder->scratch);
	free(folder->path);
	*folder = (struct report_folder){0};
}
