/* What each release does with the same folder; the rules are in cextension.py of the releases. */
#include "gpu/select.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const files[] = {"libbitsandbytes_cpu.so", "libbitsandbytes_cuda121.so",
				    "libbitsandbytes_cuda124.so", "libbitsandbytes_cuda128.so",
				    "libbitsandbytes_cuda130.so"};

static void expect(unsigned release, unsigned major, unsigned minor, const char *override,
		   enum select_how how, const char *file)
{
	const struct select_input in = {release,  major, minor,
					override, files, sizeof(files) / sizeof(*files)};
	struct select_output out;

	select_library(&in, &out);
	if (out.how != how || strcmp(out.file, file) != 0)
		fail_msg("0.%u CUDA %u.%u override %s: %d %s", release, major, minor,
			 override ? override : "(unset)", (int)out.how, out.file);
	assert_true(strlen(out.why) > 10);
}

static void takes_the_file_of_torch_s_version(void **state)
{
	(void)state;
	expect(43, 12, 4, NULL, SELECT_EXACT, "libbitsandbytes_cuda124.so");
	expect(50, 13, 0, NULL, SELECT_EXACT, "libbitsandbytes_cuda130.so");
}

static void takes_the_nearest_from_50_on(void **state)
{
	(void)state;
	expect(49, 12, 6, NULL, SELECT_MISSING, "libbitsandbytes_cuda126.so");
	expect(50, 12, 6, NULL, SELECT_NEAREST, "libbitsandbytes_cuda124.so");
	expect(50, 12, 0, NULL, SELECT_NEAREST, "libbitsandbytes_cuda121.so");
	expect(50, 12, 9, NULL, SELECT_NEAREST, "libbitsandbytes_cuda128.so");
	expect(50, 11, 8, NULL, SELECT_MISSING, "libbitsandbytes_cuda118.so");
}

static void falls_to_the_cpu_silently_up_to_45(void **state)
{
	(void)state;
	expect(45, 12, 6, NULL, SELECT_CPU, "libbitsandbytes_cuda126.so");
	expect(46, 12, 6, NULL, SELECT_MISSING, "libbitsandbytes_cuda126.so");
}

static void an_override_names_the_file(void **state)
{
	(void)state;
	expect(49, 13, 0, "124", SELECT_OVERRIDE, "libbitsandbytes_cuda124.so");
	expect(50, 13, 0, "128", SELECT_OVERRIDE, "libbitsandbytes_cuda128.so");
	expect(50, 13, 0, "126", SELECT_MISSING, "libbitsandbytes_cuda126.so");
	expect(45, 13, 0, "126", SELECT_CPU, "libbitsandbytes_cuda126.so");
}

static void an_empty_override_was_unset_and_raises_since_50(void **state)
{
	(void)state;
	expect(49, 12, 4, "", SELECT_EXACT, "libbitsandbytes_cuda124.so");
	expect(50, 12, 4, "", SELECT_BAD_OVERRIDE, "");
	expect(50, 12, 4, "12.4", SELECT_BAD_OVERRIDE, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_file_of_torch_s_version),
		cmocka_unit_test(takes_the_nearest_from_50_on),
		cmocka_unit_test(falls_to_the_cpu_silently_up_to_45),
		cmocka_unit_test(an_override_names_the_file),
		cmocka_unit_test(an_empty_override_was_unset_and_raises_since_50),
	};

	return cmocka_run_group_tests_name("gpu/select", tests, NULL, NULL);
}
