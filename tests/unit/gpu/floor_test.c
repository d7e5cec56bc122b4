/* assay-gpu runs in the images that people ship: what it asks of their C library. */
#include "base/file.h"
#include "base/units.h"
#include "binary/binary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FLOOR_MINOR 31 /* Debian 11, Ubuntu 20.04 */
#define PROGRAM_BYTES_MAX ((size_t)64 * 1024 * 1024)

static struct arena *arena;
static struct binary program;

static int read_program(void **state)
{
	struct buf file;
	struct err err = {0};

	(void)state;
	arena = arena_new();
	buf_init(&file, PROGRAM_BYTES_MAX);
	if (file_read(ASSAY_GPU_FILE, &file, &err) < 0 ||
	    binary_read("assay-gpu", file.data, file.len, arena, &program, &err) < 0)
		fail_msg("%s", err.msg);
	buf_done(&file);
	return 0;
}

static int forget_program(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* 31 of "GLIBC_2.31" and of "GLIBC_2.2.5" 2; -1: not of that form. */
static int64_t minor_of(const char *version)
{
	char part[8] = "";
	int64_t minor;

	if (strncmp(version, "GLIBC_2.", 8) != 0)
		return -1;
	(void)snprintf(part, sizeof(part), "%.*s", (int)strspn(version + 8, "0123456789"),
		       version + 8);
	return units_parse_int(part, 0, 9999, &minor) == 0 ? minor : -1;
}

static void asks_for_no_newer_glibc_than_its_floor(void **state)
{
	int64_t highest = -1;

	(void)state;
	assert_null(program.malformed);
	assert_true(program.version_need_count > 0);
	for (size_t i = 0; i < program.version_need_count; i++) {
		int64_t minor = minor_of(program.version_needs[i].version);

		if (minor < 0 || minor > FLOOR_MINOR)
			fail_msg("%s of %s", program.version_needs[i].version,
				 program.version_needs[i].file);
		highest = minor > highest ? minor : highest;
	}
	print_message("glibc 2.%d is enough\n", (int)highest);
}

/* The driver and CUDA are the machine's and the image's, found when it runs. */
static void links_with_nothing_but_the_c_library(void **state)
{
	static const char *const allowed[] = {"libc.so.6", "libm.so.6", "libdl.so.2",
					      "libpthread.so.0", "ld-linux"};

	(void)state;
	for (size_t i = 0; i < program.needed.count; i++) {
		bool known = false;

		for (size_t a = 0; a < sizeof(allowed) / sizeof(allowed[0]); a++)
			known |= strncmp(program.needed.items[i], allowed[a], strlen(allowed[a])) ==
				 0;
		if (!known)
			fail_msg("%s", program.needed.items[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_no_newer_glibc_than_its_floor),
		cmocka_unit_test(links_with_nothing_but_the_c_library),
	};

	return cmocka_run_group_tests(tests, read_program, forget_program);
}
