#include "gpu/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int mapping_open(const char *path, const void **data, size_t *len, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end;
	void *at;

	if (fd < 0)
		return err_sys(err, ERR_USAGE, "%s", path);
	end = lseek(fd, 0, SEEK_END);
	at = end > 0 ? mmap(NULL, (size_t)end, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	close(fd);
	if (at == MAP_FAILED)
		return err_set(err, ERR_USAGE, "%s: cannot be mapped", path);
	*data = at;
	*len = (size_t)end;
	return 0;
}
