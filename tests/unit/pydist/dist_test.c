#include "pydist/dist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void metadata_ends_at_the_description(void **state)
{
	static const char text[] =
		"Metadata-Version: 2.1\r\nName: torch\r\nVersion: 2.6.0+cu124\r\n"
		"Requires-Dist: filelock\r\nRequires-Dist: triton==3.2.0; "
		"platform_machine == \"x86_64\"\r\nProvides-Extra: opt\r\n"
		"License: BSD\r\n text of it\r\n\r\nName: liar\r\n";
	struct dist_metadata m;
	struct err err;

	assert_int_equal(dist_metadata_parse(text, sizeof(text) - 1, *state, &m, &err), 0);
	assert_string_equal(m.name, "torch");
	assert_string_equal(m.version, "2.6.0+cu124");
	assert_int_equal(m.requires.count, 2);
	assert_string_equal(m.requires.items[1], "triton==3.2.0; platform_machine == \"x86_64\"");
	assert_string_equal(m.license, "BSD");
	assert_int_equal(m.provides_extra.count, 1);
	assert_int_equal(dist_metadata_parse("Version: 1\n", 11, *state, &m, &err), -1);
}

static void requires_txt_sections_become_markers(void **state)
{
	static const char text[] = "a>=1\n\n[gpu]\nb\n\n[:python_version<\"3\"]\nc\n"
				   "[x:os_name==\"nt\"]\nd\n";
	struct strings out = {0};

	dist_requires_txt(text, sizeof(text) - 1, *state, &out);
	assert_int_equal(out.count, 4);
	assert_string_equal(out.items[0], "a>=1");
	assert_string_equal(out.items[1], "b; extra == \"gpu\"");
	assert_string_equal(out.items[2], "c; python_version<\"3\"");
	assert_string_equal(out.items[3], "d; (os_name==\"nt\") and extra == \"x\"");
}

static void record_lines_keep_quotes_and_hashes(void **state)
{
	static const char text[] = "a.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,12\n"
				   "\"b,\"\"q\"\".py\",,\nc.py,md5=xx,7\nd/RECORD,,\n";
	struct record_line *lines;
	struct err err;
	size_t count;

	assert_int_equal(dist_record_parse(text, sizeof(text) - 1, *state, &lines, &count, &err),
			 0);
	assert_int_equal(count, 4);
	/* of nothing at all: FIPS 180-4 */
	assert_string_equal(lines[0].sha256,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(lines[0].size, 12);
	assert_string_equal(lines[1].path, "b,\"q\".py");
	assert_true(lines[1].size == UINT64_MAX);
	assert_null(lines[2].sha256);
	assert_int_equal(lines[2].size, 7);
}

static void folder_names_give_name_and_version(void **state)
{
	const char *name, *version;

	assert_true(dist_folder_name("torch-2.6.0+cu124.dist-info", *state, &name, &version));
	assert_string_equal(name, "torch");
	assert_string_equal(version, "2.6.0+cu124");
	assert_true(dist_folder_name("six-1.16.0-py3.11.egg-info", *state, &name, &version));
	assert_string_equal(version, "1.16.0");
	assert_true(dist_folder_name("mine.egg-info", *state, &name, &version));
	assert_null(version);
	assert_false(dist_folder_name("torch", *state, &name, &version));
	assert_false(dist_folder_name("-1.dist-info", *state, &name, &version));
}

static void direct_urls_name_the_commit(void **state)
{
	static const char vcs[] = "{\"url\":\"https://h/r\",\"vcs_info\":{\"vcs\":\"git\","
				  "\"commit_id\":\"abc\"}}";
	static const char plain[] = "{\"url\":\"file:///w/x.whl\",\"archive_info\":{}}";

	assert_string_equal(dist_direct_url(vcs, sizeof(vcs) - 1, *state), "git+https://h/r@abc");
	assert_string_equal(dist_direct_url(plain, sizeof(plain) - 1, *state), "file:///w/x.whl");
	assert_null(dist_direct_url("[", 1, *state));
}

static void torch_version_files_of_both_forms_are_read(void **state)
{
	static const char now[] = "from typing import Optional\n__version__ = '2.11.0+cu130'\n"
				  "debug = False\ncuda: Optional[str] = '13.0'\n"
				  "git_version = 'abc'\nhip: Optional[str] = None\n";
	static const char then[] = "__version__ = \"2.0.0\"\ncuda = None\n";
	struct torch_version v;

	torch_version_parse(now, sizeof(now) - 1, *state, &v);
	assert_string_equal(v.version, "2.11.0+cu130");
	assert_string_equal(v.cuda, "13.0");
	assert_string_equal(v.git, "abc");
	assert_null(v.hip);
	torch_version_parse(then, sizeof(then) - 1, *state, &v);
	assert_string_equal(v.version, "2.0.0");
	assert_null(v.cuda);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(metadata_ends_at_the_description),
		TEST(requires_txt_sections_become_markers),
		TEST(record_lines_keep_quotes_and_hashes),
		TEST(folder_names_give_name_and_version),
		TEST(direct_urls_name_the_commit),
		TEST(torch_version_files_of_both_forms_are_read),
	};

	return cmocka_run_group_tests_name("pydist/dist", tests, NULL, NULL);
}
