/* Headers of rpm's database: one that rpm 4.18 wrote, and what is none. */
#include "parse/rpm_header.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct buf bytes;
static struct err err;

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	buf_init(&bytes, RPM_HEADER_BYTES_MAX);
	return file_read(TEST_DATA "/unit/parse/data/alpha.rpm_header", &bytes, &err);
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	buf_done(&bytes);
	return 0;
}

static void a_header_tells_package_and_files(void **state)
{
	struct rpm_header header;

	(void)state;
	assert_int_equal(rpm_header_read(bytes.data, bytes.len, arena, &header, &err), 0);
	assert_string_equal(header.name, "alpha");
	assert_string_equal(header.version, "2:1.5-3");
	assert_string_equal(header.arch, "noarch");
	assert_int_equal(header.size_bytes, 6);
	assert_int_equal(header.path_count, 3);
	assert_string_equal(header.paths[0], "/opt/alpha");
	assert_string_equal(header.paths[1], "/opt/alpha/data.txt");
	assert_string_equal(header.paths[2], "/usr/bin/alpha");
}

/* Every cut is refused, or tells what it has without reading beyond its end (ASan). */
static void a_cut_header_is_never_read_beyond_its_end(void **state)
{
	struct rpm_header header = {.name = "untouched"};

	(void)state;
	for (size_t len = 0; len < bytes.len; len++) {
		char *cut = malloc(len + 1);

		memcpy(cut, bytes.data, len);
		assert_int_equal(rpm_header_read(cut, len, arena, &header, &err), -1);
		assert_string_equal(header.name, "untouched");
		free(cut);
	}
}

static void put32(char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(value >> (24 - 8 * i));
}

/* The entry of TAG; the header is known to have it. */
static char *entry(uint32_t tag)
{
	char wanted[4], *at = bytes.data + 8;

	put32(wanted, tag);
	while (memcmp(at, wanted, 4) != 0)
		at += 16;
	return at;
}

static void refused(const char *why)
{
	struct rpm_header header;

	assert_int_equal(rpm_header_read(bytes.data, bytes.len, arena, &header, &err), -1);
	if (!strstr(err.msg, why))
		fail_msg("'%s' does not say '%s'", err.msg, why);
}

static void lying_counts_are_refused(void **state)
{
	(void)state;
	put32(bytes.data, 0x0fffffff);
	refused("268435455 entries");
}

static void a_header_without_name_is_none(void **state)
{
	(void)state;
	put32(entry(1000) + 8, 0x7fffffff); /* beyond the data */
	refused("without name");
}

static void files_without_folders_are_refused(void **state)
{
	(void)state;
	put32(entry(1116) + 12, 2);
	refused("no folders");
}

static void a_folder_beyond_the_list_is_refused(void **state)
{
	(void)state;
	put32(entry(1118) + 12, 1);
	refused("no folder");
}

static void more_files_than_names_are_refused(void **state)
{
	(void)state;
	put32(entry(1117) + 12, 900000);
	put32(entry(1116) + 12, 900000);
	refused("no folders");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_header_tells_package_and_files),
		TEST(a_cut_header_is_never_read_beyond_its_end),
		TEST(lying_counts_are_refused),
		TEST(a_header_without_name_is_none),
		TEST(files_without_folders_are_refused),
		TEST(a_folder_beyond_the_list_is_refused),
		TEST(more_files_than_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
