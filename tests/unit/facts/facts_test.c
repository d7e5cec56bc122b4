/* Facts of small root folders. What needs ELF files with versions and GPU code is in fixtures/zoo.
 */
#include "facts/facts.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SITE "usr/lib/python3.11/site-packages"
/* of "2.7.1\n": sha256, URL-safe base64 */
#define HASH_271 "mSfkOS0CFjAKoTUxeIV3HbfLcnBvBeajwen_YxlLjK4"

static char folder[64];
static struct image *image;
static struct facts *facts;

static void put(const char *path, const char *text)
{
	char full[512], *slash;
	struct err err;

	(void)snprintf(full, sizeof(full), "%s/root/%s", folder, path);
	slash = strrchr(full, '/');
	*slash = '\0';
	assert_int_equal(file_mkdirs(full, &err), 0);
	*slash = '/';
	assert_int_equal(file_write_quick(full, text, strlen(text), &err), 0);
}

static void put_config(const char *env)
{
	char text[1024], path[128];
	struct err err;

	(void)snprintf(text, sizeof(text),
		       "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":[%s]},"
		       "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
		       env);
	(void)snprintf(path, sizeof(path), "%s/config.json", folder);
	assert_int_equal(file_write_quick(path, text, strlen(text), &err), 0);
}

static void put_dist(const char *name, const char *version, const char *requires,
		     const char *record)
{
	char path[256], text[1024];

	(void)snprintf(path, sizeof(path), SITE "/%s-%s.dist-info/METADATA", name, version);
	(void)snprintf(text, sizeof(text), "Metadata-Version: 2.1\nName: %s\nVersion: %s\n%s\n",
		       name, version, requires);
	put(path, text);
	if (!record)
		return;
	(void)snprintf(path, sizeof(path), SITE "/%s-%s.dist-info/RECORD", name, version);
	put(path, record);
}

static void collect(void)
{
	char root[128], config[128];
	struct image_options options = {.config = config};
	struct err err = {0};

	(void)snprintf(root, sizeof(root), "%s/root", folder);
	(void)snprintf(config, sizeof(config), "%s/config.json", folder);
	if (image_open_root(root, &options, &image, &err) < 0 ||
	    facts_collect(image, &facts, &err) < 0)
		fail_msg("%s", err.msg);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/facts-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	put("usr/bin/python3.11", "#!/bin/sh\n");
	put("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='Debian 12'\n");
	put_config("\"PATH=/usr/bin\"");
	{
		char link[128];

		(void)snprintf(link, sizeof(link), "%s/root/usr/bin/python3", folder);
		return symlink("python3.11", link);
	}
}

static int teardown(void **state)
{
	struct err err;

	(void)state;
	facts_free(facts);
	image_close(image);
	facts = NULL;
	image = NULL;
	return file_remove_tree(folder, &err);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void system_packages_and_python_are_found(void **state)
{
	(void)state;
	put("var/lib/dpkg/status",
	    "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n"
	    "Architecture: amd64\nInstalled-Size: 12\n\n"
	    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n");
	put(SITE "/x.txt", "");
	collect();
	assert_string_equal(facts->os.pretty, "Debian 12");
	assert_int_equal(facts->package_count, 1);
	assert_string_equal(facts->packages[0].name, "libc6");
	assert_int_equal(facts->packages[0].size_bytes, 12 * 1024);
	assert_string_equal(facts->python.version, "3.11");
	assert_int_equal(facts->python.sites.count, 1);
	assert_string_equal(facts->python.sites.items[0], "/" SITE);
}

static void an_rpm_database_is_told_though_it_is_not_read(void **state)
{
	(void)state;
	put("var/lib/rpm/rpmdb.sqlite", "SQLite format 3");
	collect();
	assert_int_equal(facts->package_count, 0);
	assert_string_equal(facts->os.unread, "/var/lib/rpm/rpmdb.sqlite");
}

static void records_tell_what_is_missing_altered_and_left_over(void **state)
{
	const struct dist *dist;

	(void)state;
	put(SITE "/pkg/__init__.py", "1234567");
	put(SITE "/pkg/left_over.py", "old");
	put(SITE "/pkg/__pycache__/a.cpython-311.pyc", "code");
	put_dist("pkg", "1.0", "",
		 "pkg/__init__.py,,7\npkg/gone.py,,5\npkg/__init__.py,,9\n"
		 "pkg-1.0.dist-info/METADATA,,\npkg-1.0.dist-info/RECORD,,\n");
	collect();
	dist = facts_dist(facts, "pkg");
	assert_non_null(dist);
	assert_true(dist->files.known);
	assert_int_equal(dist->files.missing, 1);
	assert_string_equal(dist->files.missing_paths.items[0], "pkg/gone.py");
	assert_int_equal(dist->files.resized, 1);
	assert_int_equal(dist->files.orphans, 1);
	assert_string_equal(dist->files.orphan_paths.items[0], "/" SITE "/pkg/left_over.py");
}

static void files_that_two_distributions_bring_are_whose_they_are_now(void **state)
{
	const struct dist *cpu, *gpu;

	(void)state;
	put(SITE "/ort/__init__.py", "1234567");
	put(SITE "/ort/same.py", "same");
	put_dist("ort", "1.32", "", "ort/__init__.py,,9\nort/same.py,,4\n");
	put_dist("ort_gpu", "1.22", "", "ort/__init__.py,,7\nort/same.py,,4\n");
	collect();
	cpu = facts_dist(facts, "ort");
	gpu = facts_dist(facts, "ort-gpu");
	assert_int_equal(cpu->files.overwritten_paths.count, 1);
	assert_string_equal(cpu->files.overwritten_paths.items[0], "ort/__init__.py");
	assert_ptr_equal(&facts->dists[cpu->files.overwriter], gpu);
	assert_int_equal(gpu->files.overwritten_paths.count, 0);
	assert_int_equal(gpu->files.resized, 0);
}

static void libraries_that_the_system_stripped_are_not_altered(void **state)
{
	const struct dist *dist;

	(void)state;
	put("var/lib/dpkg/status", "Package: python3-pkg\nStatus: install ok installed\n"
				   "Version: 1\nArchitecture: amd64\nInstalled-Size: 1\n");
	put("var/lib/dpkg/info/python3-pkg.list",
	    "/" SITE "/pkg/_c.so\n/" SITE "/pkg/__init__.py\n");
	put(SITE "/pkg/_c.so", "stripped");
	put(SITE "/pkg/_d.so", "somebody else's");
	put(SITE "/pkg/__init__.py", "1234567");
	put_dist("pkg", "1.0", "", "pkg/_c.so,,99\npkg/_d.so,,99\npkg/__init__.py,,9\n");
	collect();
	dist = facts_dist(facts, "pkg");
	assert_int_equal(dist->files.resized, 2);
	assert_string_equal(dist->files.resized_paths.items[0], "pkg/_d.so");
	assert_string_equal(dist->files.resized_paths.items[1], "pkg/__init__.py");
}

static void of_two_metadata_folders_the_files_decide(void **state)
{
	(void)state;
	put(SITE "/pkg/__init__.py", "2.7.1 and longer\n");
	put_dist("pkg", "2.6.0", "", "pkg/__init__.py,,6\n");
	put_dist("pkg", "2.7.1", "", "pkg/__init__.py,,17\n");
	collect();
	assert_int_equal(facts->dist_count, 2);
	assert_string_equal(facts_dist(facts, "pkg")->version, "2.7.1");
	assert_true(facts->dists[0].shadowed != facts->dists[1].shadowed);
}

static void equal_sizes_are_decided_by_content(void **state)
{
	(void)state;
	put(SITE "/pkg/__init__.py", "2.7.1\n");
	put_dist("pkg", "2.7.1", "", "pkg/__init__.py,sha256=" HASH_271 ",6\n");
	put_dist("pkg", "2.8.0", "",
		 "pkg/__init__.py,sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,6\n");
	collect();
	assert_string_equal(facts_dist(facts, "pkg")->version, "2.7.1");
}

static void requirements_that_do_not_hold_are_named(void **state)
{
	(void)state;
	put_dist("a", "1.0",
		 "Requires-Dist: b>=2\nRequires-Dist: c; extra == 'x'\n"
		 "Requires-Dist: d; python_version < '3'\nRequires-Dist: e>1\n",
		 NULL);
	put_dist("b", "1.5", "", NULL);
	put_dist("e", "1.5", "", NULL);
	collect();
	assert_int_equal(facts->broken_count, 1);
	assert_string_equal(facts->broken[0].requirement, "b>=2");
	assert_string_equal(facts->broken[0].found, "1.5");
}

static void vendored_metadata_is_no_distribution(void **state)
{
	(void)state;
	put(SITE "/setuptools/_vendor/x-1.dist-info/METADATA", "Name: x\nVersion: 1\n");
	collect();
	assert_int_equal(facts->dist_count, 0);
}

static void torch_is_what_version_py_says(void **state)
{
	(void)state;
	put(SITE "/torch/version.py", "__version__ = '2.7.1+cu126'\ncuda = '12.6'\n");
	put_dist("torch", "2.7.1", "", NULL);
	collect();
	assert_true(facts->torch.present);
	assert_string_equal(facts->torch.version, "2.7.1+cu126");
	assert_string_equal(facts->torch.metadata_version, "2.7.1");
	assert_string_equal(facts->torch.index, "pypi");
}

/* A file that begins as ELF and ends there: enough to be a library by name. */
static const char elf[] = "\177ELF\2\1\1";

static const struct {
	const char *version, *cuda, *override_value, *rule, *chosen;
} bnb_rows[] = {
	{"0.45.0", "12.6", NULL, "exact", "cuda126"},
	{"0.45.0", "12.8", NULL, "cpu-fallback", "cpu"},
	{"0.48.0", "12.8", NULL, "missing", NULL},
	{"0.50.0", "12.8", NULL, "nearest-lower", "cuda126"},
	{"0.50.0", "12.1", NULL, "nearest-higher", "cuda124"},
	{"0.50.0", "13.0", NULL, "missing", NULL},
	{"0.48.0", "12.8", "124", "override", "cuda124"},
	{"0.48.0", "12.6", "", "exact", "cuda126"},
	{"0.50.0", "12.6", "", "bad-override", NULL},
	{"0.50.0", "12.6", "129", "missing", NULL},
	{"0.48.0", NULL, NULL, "cpu", "cpu"},
};

static void bitsandbytes_loads_what_its_release_chooses(void **state)
{
	for (size_t i = 0; i < sizeof(bnb_rows) / sizeof(bnb_rows[0]); i++) {
		char text[256];

		if (i)
			assert_int_equal(setup(state), 0);
		put(SITE "/bitsandbytes/libbitsandbytes_cpu.so", elf);
		put(SITE "/bitsandbytes/libbitsandbytes_cuda124.so", elf);
		put(SITE "/bitsandbytes/libbitsandbytes_cuda126.so", elf);
		put_dist("bitsandbytes", bnb_rows[i].version, "", NULL);
		(void)snprintf(text, sizeof(text), "__version__ = '2.0'\ncuda = %s%s%s\n",
			       bnb_rows[i].cuda ? "'" : "",
			       bnb_rows[i].cuda ? bnb_rows[i].cuda : "None",
			       bnb_rows[i].cuda ? "'" : "");
		put(SITE "/torch/version.py", text);
		(void)snprintf(text, sizeof(text), "\"PATH=/usr/bin\"%s%s%s",
			       bnb_rows[i].override_value ? ",\"BNB_CUDA_VERSION=" : "",
			       bnb_rows[i].override_value ? bnb_rows[i].override_value : "",
			       bnb_rows[i].override_value ? "\"" : "");
		put_config(text);
		collect();
		assert_string_equal(facts->bnb.rule, bnb_rows[i].rule);
		if (bnb_rows[i].chosen)
			assert_non_null(strstr(facts->bnb.chosen, bnb_rows[i].chosen));
		else
			assert_null(facts->bnb.chosen);
		if (i + 1 < sizeof(bnb_rows) / sizeof(bnb_rows[0]))
			assert_int_equal(teardown(state), 0);
	}
}

static void kept_facts_come_back_the_same_without_secrets(void **state)
{
	struct arena *arena = arena_new();
	struct difference *list = NULL;
	struct facts *back = NULL;
	struct json *json;
	struct err err = {0};
	struct buf text;
	size_t count = 0;

	(void)state;
	put_config("\"PATH=/usr/bin\",\"HF_TOKEN=hf_verysecret\"");
	put(SITE "/torch/version.py", "__version__ = '2.7.1+cu126'\ncuda = '12.6'\n");
	put_dist("torch", "2.7.1", "", NULL);
	collect();
	json = facts_json(facts);
	buf_init(&text, JSON_BYTES_MAX);
	json_print(json, true, &text);
	assert_null(strstr(buf_str(&text), "verysecret"));
	assert_int_equal(facts_load(json, &back, &err), 0);
	facts_diff(facts, back, false, arena, &list, &count);
	assert_int_equal(count, 0);
	assert_string_equal(back->torch.version, "2.7.1+cu126");
	buf_done(&text);
	json_free(json);
	facts_free(back);
	arena_free(arena);
}

static void a_difference_names_what_changed(void **state)
{
	struct arena *arena = arena_new();
	struct facts *before = NULL;
	struct difference *list = NULL;
	struct json *json;
	struct err err = {0};
	size_t count = 0;

	put_dist("a", "1.0", "", NULL);
	put_dist("gone", "1.0", "", NULL);
	collect();
	json = facts_json(facts);
	assert_int_equal(facts_load(json, &before, &err), 0);
	json_free(json);
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	put_dist("a", "2.0", "", NULL);
	put_dist("new", "1.0", "", NULL);
	collect();
	facts_diff(before, facts, true, arena, &list, &count);
	assert_int_equal(count, 3);
	assert_string_equal(list[0].name, "a");
	assert_string_equal(list[0].before, "1.0");
	assert_string_equal(list[0].after, "2.0");
	assert_string_equal(list[1].name, "new");
	assert_null(list[1].before);
	assert_string_equal(list[2].name, "gone");
	assert_null(list[2].after);
	facts_free(before);
	arena_free(arena);
}

static void facts_of_another_version_are_refused(void **state)
{
	struct json *json = json_new_object();
	struct facts *back = NULL;
	struct err err = {0};

	(void)state;
	json_add_int(json, "assay_facts", FACTS_VERSION + 1);
	assert_int_equal(facts_load(json, &back, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	json_free(json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(system_packages_and_python_are_found),
		TEST(an_rpm_database_is_told_though_it_is_not_read),
		TEST(records_tell_what_is_missing_altered_and_left_over),
		TEST(files_that_two_distributions_bring_are_whose_they_are_now),
		TEST(libraries_that_the_system_stripped_are_not_altered),
		TEST(of_two_metadata_folders_the_files_decide),
		TEST(equal_sizes_are_decided_by_content),
		TEST(requirements_that_do_not_hold_are_named),
		TEST(vendored_metadata_is_no_distribution),
		TEST(torch_is_what_version_py_says),
		TEST(bitsandbytes_loads_what_its_release_chooses),
		TEST(kept_facts_come_back_the_same_without_secrets),
		TEST(a_difference_names_what_changed),
		TEST(facts_of_another_version_are_refused),
	};

	return cmocka_run_group_tests_name("facts/facts", tests, NULL, NULL);
}
