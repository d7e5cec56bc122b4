#include "image/extract.h"

#include "binary/binary.h"
#include "pydist/source.h"

#include <sys/mman.h>
#include <unistd.h>

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
	/* a few pages here and there are wanted, not what lies between */
	(void)madvise(data, (size_t)(len + lead), MADV_RANDOM);
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
