/* Layer indexes kept in a folder, one file per layer, named after the layer's digest. */
#include "base/digest.h"
#include "base/file.h"
#include "image/index.h"
#include "image/index_format.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <isa-l/crc64.h>

static uint64_t checksum(const void *data, size_t len)
{
	size_t head = offsetof(struct index_header, checksum) + sizeof(uint64_t);

	return crc64_ecma_refl(0, (const unsigned char *)data + head, len - head);
}

/* Only "sha256:" and 64 hex digits may become a file's name. */
static int path_of(const char *cache, const char *digest, char *out, size_t size, struct err *err)
{
	const char *hex = strchr(digest, ':') ? strchr(digest, ':') + 1 : digest;
	int len;

	if (strspn(hex, "0123456789abcdef") != DIGEST_HEX - 1 || hex[DIGEST_HEX - 1])
		return err_set(err, ERR_NOTFOUND, "%s is no digest", digest);
	len = snprintf(out, size, "%s/layers/%s.idx", cache, hex);
	if (len < 0 || (size_t)len >= size)
		return err_set(err, ERR_USAGE, "%s: path too long", cache);
	return 0;
}

static int map(int fd, const char *path, void **data, size_t *len, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size < (off_t)sizeof(struct index_header) || st.st_size > (off_t)INDEX_BYTES_MAX)
		return err_set(err, ERR_NOTFOUND, "%s is damaged", path);
	*len = (size_t)st.st_size;
	*data = mmap(NULL, *len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (*data == MAP_FAILED)
		return err_sys(err, ERR_NOTFOUND, "%s", path);
	return 0;
}

static int check(const void *data, size_t len, const char *path, struct index *out, struct err *err)
{
	struct index_header header;

	memcpy(&header, data, sizeof(header));
	if (header.checksum != checksum(data, len))
		return err_set(err, ERR_NOTFOUND, "%s is damaged", path);
	return index_open(data, len, out, err);
}

int index_load(const char *cache, const char *digest, struct index *out, struct err *err)
{
	char path[PATH_MAX];
	struct index index = {0};
	void *data;
	size_t len = 0;
	int fd, rc;

	if (path_of(cache, digest, path, sizeof(path), err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(err, ERR_NOTFOUND, "%s", path);
	rc = map(fd, path, &data, &len, err);
	close(fd);
	if (rc < 0)
		return -1;
	if (check(data, len, path, &index, err) < 0) {
		(void)munmap(data, len);
		return -1;
	}
	index.mapping = data;
	index.mapping_len = len;
	*out = index;
	return 0;
}

int index_store(const char *cache, const char *digest, const struct index *index, struct err *err)
{
	char path[PATH_MAX];
	struct index_header header;

	if (!index->bytes.len)
		return 0;
	if (path_of(cache, digest, path, sizeof(path), err) < 0)
		return -1;
	*strrchr(path, '/') = '\0';
	if (file_mkdirs(path, err) < 0)
		return -1;
	path[strlen(path)] = '/';
	memcpy(&header, index->bytes.data, sizeof(header));
	header.checksum = checksum(index->bytes.data, index->bytes.len);
	memcpy(index->bytes.data, &header, sizeof(header));
	return file_write_quick(path, index->bytes.data, index->bytes.len, err);
}
