#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(const char *path, struct buf *out, struct err *err)
{
	char chunk[65536];
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno == ENOENT ? ERR_NOTFOUND : ERR_USAGE, "%s", path);
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)got);
	if (got < 0)
		err_sys(err, ERR_USAGE, "reading %s", path);
	close(fd);
	if (got < 0)
		return -1;
	if (out->truncated)
		return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, out->max);
	return 0;
}

int file_write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int create(const char *path, const void *data, size_t len, bool durable, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_sys(err, ERR_INFRA, "cannot write %s", path);
	if (file_write_all(fd, data, len) < 0 || (durable && fsync(fd) < 0)) {
		err_sys(err, ERR_INFRA, "cannot write %s", path);
		close(fd);
		unlink(path);
		return -1;
	}
	close(fd);
	return 0;
}

/* A device or a pipe is written to: renamed over, /dev/null would be a file for all who come after.
 */
static int write_through(const char *path, const void *data, size_t len, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_sys(err, ERR_INFRA, "cannot write %s", path);
	rc = file_write_all(fd, data, len);
	if (rc < 0)
		err_sys(err, ERR_INFRA, "cannot write %s", path);
	close(fd);
	return rc;
}

static int write_atomically(const char *path, const void *data, size_t len, bool durable,
			    struct err *err)
{
	char tmp[PATH_MAX];
	struct statx st; /* stat() would ask for a newer glibc than images have */

	if (statx(AT_FDCWD, path, 0, STATX_TYPE, &st) == 0 && !S_ISREG(st.stx_mode) &&
	    !S_ISDIR(st.stx_mode))
		return write_through(path, data, len, err);
	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp-%ld", path, (long)getpid()) >= sizeof(tmp))
		return err_set(err, ERR_USAGE, "%s: path too long", path);
	if (create(tmp, data, len, durable, err) < 0)
		return -1;
	if (rename(tmp, path) < 0) {
		err_sys(err, ERR_INFRA, "cannot rename %s to %s", tmp, path);
		unlink(tmp);
		return -1;
	}
	return 0;
}

int file_write(const char *path, const void *data, size_t len, struct err *err)
{
	return write_atomically(path, data, len, true, err);
}

int file_write_quick(const char *path, const void *data, size_t len, struct err *err)
{
	return write_atomically(path, data, len, false, err);
}

int file_create(const char *path, const void *data, size_t len, struct err *err)
{
	return create(path, data, len, false, err);
}

int file_mkdirs(const char *path, struct err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (mkdir(path, 0777) == 0) /* the usual case: only the last is missing */
		return 0;
	if (len >= sizeof(part))
		return err_set(err, ERR_USAGE, "%s: path too long", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0777) < 0 && errno != EEXIST)
			return err_sys(err, ERR_INFRA, "cannot make the folder %s", part);
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int file_remove_tree(const char *path, struct err *err)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return err_sys(err, ERR_INFRA, "cannot remove %s", path);
	return 0;
}
