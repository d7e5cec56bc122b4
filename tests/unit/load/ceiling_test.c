/* The client against a server of its own. */
#include "load/ceiling.h"

#include "base/units.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static size_t open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

static void every_request_is_answered_and_nothing_stays_open(void **state)
{
	struct load_ceiling ceiling = {0};
	struct err err = {0};
	size_t before;

	(void)state;
	for (int i = 0; i < 2; i++) { /* libcurl opens files of its own once */
		before = open_files();
		if (load_ceiling(500, NS_PER_S / 10, &ceiling, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(ceiling.failures, 0);
		assert_true(ceiling.one_core > 100);
		assert_true(ceiling.cpu_share > 0);
		assert_in_range(ceiling.threads, 1, LOAD_THREADS_MAX);
	}
	assert_int_equal(open_files(), before);
}

/* More than any machine sends: the lateness says so. */
static void a_rate_that_is_too_high_is_seen(void **state)
{
	struct load_ceiling ceiling = {0};
	struct err err = {0};

	(void)state;
	if (load_ceiling(SCHEDULE_RATE_MAX, NS_PER_S / 50, &ceiling, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(ceiling.lag_ns > NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_is_answered_and_nothing_stays_open),
		cmocka_unit_test(a_rate_that_is_too_high_is_seen),
	};

	return cmocka_run_group_tests_name("load/ceiling", tests, NULL, NULL);
}
