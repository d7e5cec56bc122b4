/* assay-gpu on this machine: its output, its limits, and that equal requests are run once. */
#include "base/units.h"
#include "deploy/gpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct err err;

static int begin(void **state)
{
	(void)state;
	arena = arena_new();
	err = (struct err){0};
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct gpu_request request_of(const char **words, size_t count)
{
	return (struct gpu_request){.args = {words, count},
				    .host = true,
				    .timeout_ns = 60 * NS_PER_S,
				    .output_max = 65536};
}

static void gives_output_and_exit_code(void **state)
{
	const char *list[] = {"--list"}, *wrong[] = {"--nosuch"};
	struct gpu_request request = request_of(list, 1);
	struct command_result result;

	(void)state;
	assert_int_equal(gpu_host_run(&request, arena, &result, &err), 0);
	assert_int_equal(result.exit_code, 0);
	assert_non_null(strstr(result.out, "health/nvml\n"));
	assert_false(result.timed_out || result.out_truncated);
	request = request_of(wrong, 1);
	assert_int_equal(gpu_host_run(&request, arena, &result, &err), 0);
	assert_int_equal(result.exit_code, 2);
	assert_non_null(strstr(result.errout, "usage:"));
}

static void keeps_no_more_than_asked(void **state)
{
	const char *list[] = {"--list"};
	struct gpu_request request = request_of(list, 1);
	struct command_result result;

	(void)state;
	request.output_max = 20;
	assert_int_equal(gpu_host_run(&request, arena, &result, &err), 0);
	assert_true(result.out_truncated);
	assert_int_equal(result.out_len, 20);
}

static void ends_it_at_its_limit(void **state)
{
	const char *list[] = {"--list"};
	struct gpu_request request = request_of(list, 1);
	struct command_result result;

	(void)state;
	request.timeout_ns = 1;
	assert_int_equal(gpu_host_run(&request, arena, &result, &err), 0);
	assert_true(result.timed_out);
	assert_true(result.exit_code == 128 + 9 || result.exit_code == 0); /* it may be quicker */
}

static void equal_requests_share_an_answer(void **state)
{
	const char *list[] = {"--list"}, *version[] = {"--version"};
	struct gpu_runs *runs = gpu_runs_new(NULL, NULL, NULL);
	struct gpu_request request = request_of(list, 1), other = request_of(version, 1);
	struct command_result first, second, third;
	const char *missing = "";

	(void)state;
	assert_int_equal(gpu_runs_ask(runs, &request, arena, &first, &missing, &err), 0);
	assert_null(missing);
	assert_int_equal(gpu_runs_ask(runs, &request, arena, &second, &missing, &err), 0);
	assert_true(first.duration_ns == second.duration_ns);
	assert_string_equal(first.out, second.out);
	assert_int_equal(gpu_runs_ask(runs, &other, arena, &third, &missing, &err), 0);
	assert_string_equal(third.out, "assay-gpu " ASSAY_VERSION "\n");
	gpu_runs_free(runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gives_output_and_exit_code, begin, end),
		cmocka_unit_test_setup_teardown(keeps_no_more_than_asked, begin, end),
		cmocka_unit_test_setup_teardown(ends_it_at_its_limit, begin, end),
		cmocka_unit_test_setup_teardown(equal_requests_share_an_answer, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
