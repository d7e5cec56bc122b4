/*
 * Reads the files named, as a scan would, and prints one line of JSON for each: architectures with
 * their entries, and the time of the reading when the file's pages are in memory (median).
 */
#include "base/buf.h"
#include "base/clock.h"
#include "binary/binary.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPEATS 11

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_archs(const struct fatbin_summary *device)
{
	for (size_t i = 0; i < device->arch_count; i++) {
		const struct fatbin_arch *arch = &device->archs[i];
		char suffix[2] = {arch->suffix, '\0'};

		printf("%s{\"kind\": \"%s\", \"arch\": \"%u%s\", \"entries\": %ju, \"fatbins\": "
		       "%ju}",
		       i ? ", " : "", arch->kind == FATBIN_PTX ? "ptx" : "sass", arch->cc, suffix,
		       (uintmax_t)arch->entries, (uintmax_t)arch->fatbins);
	}
}

/* The first reading brings the pages in and is not timed. */
static int read_file(const char *path, const void *data, size_t len, struct err *err)
{
	uint64_t times[REPEATS], median;

	for (int i = -1; i < REPEATS; i++) {
		struct arena *arena = arena_new();
		uint64_t start = clock_ns();
		struct binary binary;

		if (binary_read(path, data, len, arena, &binary, err) < 0) {
			arena_free(arena);
			return -1;
		}
		if (i >= 0)
			times[i] = clock_ns() - start;
		if (i == REPEATS - 1) {
			qsort(times, REPEATS, sizeof(times[0]), by_time);
			median = times[REPEATS / 2];
			printf("{\"file\": \"%s\", \"ns\": %ju, \"fatbins\": %ju, \"stubs\": %ju, ",
			       path, (uintmax_t)median, (uintmax_t)binary.device.fatbin_count,
			       (uintmax_t)binary.device.stub_count);
			printf("\"malformed\": \"%s\", \"archs\": [",
			       binary.malformed ? binary.malformed : "");
			print_archs(&binary.device);
			printf("]}\n");
		}
		arena_free(arena);
	}
	return 0;
}

static int read_path(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct stat st;
	void *data;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, ERR_INFRA, "%s", path);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (data == MAP_FAILED)
		return err_sys(err, ERR_INFRA, "mapping %s", path);
	(void)madvise(data, (size_t)st.st_size, MADV_RANDOM);
	rc = read_file(path, data, (size_t)st.st_size, err);
	(void)munmap(data, (size_t)st.st_size);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err;

	for (int i = 1; i < argc; i++)
		if (read_path(argv[i], &err) < 0) {
			(void)fprintf(stderr, "archs: %s\n", err.msg);
			return 1;
		}
	return 0;
}
