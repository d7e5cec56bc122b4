/* Files are written whole or not at all; what is no file is written to. */
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/assay-test-XXXXXX";
static char path[64];
static struct err err;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/x", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return file_remove_tree(folder, &err);
}

static void a_file_has_the_new_content(void **state)
{
	struct buf text;

	(void)state;
	assert_int_equal(file_write(path, "old content", 11, &err), 0);
	assert_int_equal(file_write(path, "new", 3, &err), 0);
	buf_init(&text, 100);
	assert_int_equal(file_read(path, &text, &err), 0);
	assert_string_equal(buf_str(&text), "new");
	buf_done(&text);
	assert_int_equal(unlink(path), 0);
}

/* As root /dev/null can be renamed over; it must not be. */
static void a_pipe_stays_one_and_gets_what_is_written(void **state)
{
	char text[8] = "";
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(file_write(path, "new", 3, &err), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "new");
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_the_new_content),
		cmocka_unit_test(a_pipe_stays_one_and_gets_what_is_written),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
