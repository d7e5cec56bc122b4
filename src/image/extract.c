#include "image/extract.h"

#include "base/file.h"
#include "binary/binary.h"
#include "pydist/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SPOOL_MEMORY ((size_t)8 * 1024 * 1024)

void extract_elf(const char *path, const void *data, size_t len, struct buf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct binary binary;

	buf_init(out, EXTRACT_FACTS_MAX);
	if (binary_read(path, data, len, arena, &binary, NULL) == 0)
		binary_save(&binary, out);
}

int extract_elf_at(const char *path, int fd, uint64_t offset, uint64_t len, struct buf *out,
		   struct err *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), lead = offset % page;
	void *data;

	data = mmap(NULL, (size_t)(len + lead), PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - lead));
	if (data == MAP_FAILED)
		return err_sys(err, ERR_INFRA, "cannot map %s", path);
	extract_elf(path, (const char *)data + lead, (size_t)len, out);
	(void)munmap(data, (size_t)(len + lead));
	return 0;
}

void extract_source(const char *text, size_t len, struct buf *out)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct py_source source = {0};

	buf_init(out, EXTRACT_FACTS_MAX);
	py_source_read(text, len, arena, &source);
	py_source_save(&source, out);
}

void spool_init(struct spool *spool, const char *folder)
{
	*spool = (struct spool){.folder = folder, .fd = -1};
	buf_init(&spool->memory, SPOOL_MEMORY);
}

void spool_done(struct spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = -1;
	buf_done(&spool->memory);
}

static int open_scratch(struct spool *spool, struct err *err)
{
	const char *env = getenv("TMPDIR"), *folder = spool->folder;
	char path[4096];

	if (spool->fd >= 0)
		return 0;
	if (!folder)
		folder = env && *env ? env : "/tmp";
	spool->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->fd >= 0)
		return 0;
	/* not every file system can make a file without a name */
	if ((size_t)snprintf(path, sizeof(path), "%s/assay-scratch-XXXXXX", folder) >= sizeof(path))
		return err_set(err, ERR_INFRA, "%s: path too long", folder);
	spool->fd = mkostemp(path, O_CLOEXEC);
	if (spool->fd < 0)
		return err_sys(err, ERR_INFRA, "cannot make a scratch file in %s", folder);
	(void)unlink(path);
	return 0;
}

static int to_file(struct spool *spool, const void *data, size_t len, struct err *err)
{
	if (file_write_all(spool->fd, data, len) < 0)
		return err_sys(err, ERR_INFRA, "cannot write the scratch file");
	spool->len += len;
	return 0;
}

int spool_add(struct spool *spool, const void *data, size_t len, struct err *err)
{
	if (!spool->len && len <= SPOOL_MEMORY - spool->memory.len) {
		buf_add(&spool->memory, data, len);
		return 0;
	}
	if (!spool->len && (open_scratch(spool, err) < 0 ||
			    to_file(spool, spool->memory.data, spool->memory.len, err) < 0))
		return -1;
	return to_file(spool, data, len, err);
}

void spool_reset(struct spool *spool)
{
	spool->memory.len = 0;
	if (!spool->len)
		return;
	spool->len = 0;
	(void)lseek(spool->fd, 0, SEEK_SET);
	(void)!ftruncate(spool->fd, 0);
}

int spool_elf(struct spool *spool, const char *path, struct buf *out, struct err *err)
{
	if (spool->len)
		return extract_elf_at(path, spool->fd, 0, spool->len, out, err);
	extract_elf(path, spool->memory.data, spool->memory.len, out);
	return 0;
}
