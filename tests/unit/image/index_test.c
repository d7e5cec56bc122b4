/* Indexes: order, completion, the cache file and what it refuses; and the table of kept texts. */
#include "tarball.h"

#include "image/index.h"
#include "image/keep.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void make(struct index *out)
{
	struct index_builder *builder = index_builder_new();
	const struct entry entries[] = {
		{.kind = ENTRY_FILE,
		 .path = "/b/f",
		 .size = 5,
		 .text = {"hello", 5},
		 .mode = 04755},
		{.kind = ENTRY_SYMLINK, .path = "/a", .link = "b/f"},
		{.kind = ENTRY_WHITEOUT, .path = "/b/gone"},
		{.kind = ENTRY_OPAQUE, .path = "/b"},
		{.kind = ENTRY_HARD, .path = "/h", .link = "/b/f"},
		{.kind = ENTRY_FILE,
		 .path = "/x",
		 .size = 1ULL << 40,
		 .offset = 512,
		 .uid = 4000000},
	};

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		assert_int_equal(index_add(builder, &entries[i], NULL), 0);
	assert_int_equal(index_finish(builder, true, out, NULL), 0);
}

static void check(const struct index *index)
{
	static const char *const paths[] = {"/", "/a", "/b", "/b", "/b/f", "/b/gone", "/h", "/x"};
	struct index_cursor cursor = {.index = index};
	struct entry entry;
	size_t count = 0;

	while (index_next(&cursor, &entry) > 0)
		assert_string_equal(entry.path, paths[count++]);
	assert_int_equal(count, 8);
	assert_int_equal(index->file_count, 3);
	assert_int_equal(index->size_bytes, (1ULL << 40) + 5);
	assert_true(index_find(index, "/b/f", &entry));
	assert_string_equal(entry.text.data, "hello");
	assert_int_equal(entry.mode, 04755);
	assert_true(index_find(index, "/h", &entry));
	assert_string_equal(entry.link, "/b/f");
	assert_int_equal(entry.mode, 04755);
	assert_true(index_find(index, "/x", &entry));
	assert_int_equal(entry.size, 1ULL << 40);
	assert_int_equal(entry.offset, 512);
	assert_int_equal(entry.uid, 4000000);
	assert_true(index_find(index, "/b", &entry));
	assert_true(entry.implied);
	assert_false(index_find(index, "/b/gone", &entry));
}

static void gives_back_what_was_added(void **state)
{
	struct index index, again;

	(void)state;
	make(&index);
	check(&index);
	assert_int_equal(index_open(index.bytes.data, index.bytes.len, &again, NULL), 0);
	check(&again);
	index_done(&index);
}

static void the_cache_refuses_damage(void **state)
{
	char folder[64], path[256];
	struct index index, again;
	struct buf bytes;
	struct err err;

	(void)state;
	tarball_folder(folder);
	make(&index);
	assert_int_equal(index_load(folder, DIGEST, &again, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_int_equal(index_store(folder, DIGEST, &index, &err), 0);
	assert_int_equal(index_load(folder, DIGEST, &again, &err), 0);
	check(&again);
	index_done(&again);
	(void)snprintf(path, sizeof(path), "%s/layers/%s.idx", folder, &DIGEST[7]);
	buf_init(&bytes, TARBALL_MAX);
	assert_int_equal(file_read(path, &bytes, NULL), 0);
	for (size_t i = 0; i < bytes.len; i++) {
		bytes.data[i] ^= 0x10;
		assert_int_equal(file_write_quick(path, bytes.data, bytes.len, NULL), 0);
		if (index_load(folder, DIGEST, &again, &err) == 0)
			fail_msg("byte %zu may be anything", i);
		assert_int_equal(err.code, ERR_NOTFOUND);
		bytes.data[i] ^= 0x10;
	}
	assert_int_equal(file_write_quick(path, bytes.data, bytes.len - 1, NULL), 0);
	assert_int_equal(index_load(folder, DIGEST, &again, &err), -1);
	assert_int_equal(index_load(folder, "sha256:../../x", &again, &err), -1);
	buf_done(&bytes);
	index_done(&index);
	assert_int_equal(file_remove_tree(folder, NULL), 0);
}

static void normalises_paths(void **state)
{
	static const char *const rows[][2] = {
		{"", "/"},	     {"/", "/"},	  {".", "/"},	      {"./a//b/.", "/a/b"},
		{"a/../b", "/b"},    {"..", NULL},	  {"a/../..", NULL},  {"/../a", NULL},
		{"a/..b", "/a/..b"}, {"a/...", "/a/..."}, {"a/b/../..", "/"},
	};
	char got[TAR_PATH_MAX + 2], longest[TAR_PATH_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int rc = index_normalise(rows[i][0], got);

		assert_int_equal(rc, rows[i][1] ? 0 : -1);
		if (rows[i][1])
			assert_string_equal(got, rows[i][1]);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[TAR_PATH_MAX + 1] = '\0';
	assert_int_equal(index_normalise(longest, got), -1);
	longest[TAR_PATH_MAX - 1] = '\0';
	assert_int_equal(index_normalise(longest, got), 0);
}

static void keeps_what_later_rooms_read(void **state)
{
	static const struct {
		const char *path;
		bool text;
	} rows[] = {
		{"/etc/os-release", true},
		{"/etc/ld.so.conf.d/x.conf", true},
		{"/var/lib/dpkg/status", true},
		{"/var/lib/dpkg/info/libc6:amd64.list", true},
		{"/var/lib/dpkg/info/libc6:amd64.md5sums", false},
		{"/lib/apk/db/installed", true},
		{"/usr/lib/python3/dist-packages/x-1.dist-info/METADATA", true},
		{"/usr/lib/python3/dist-packages/x-1.dist-info/LICENSE", false},
		{"/v/site-packages/x.egg-info/requires.txt", true},
		{"/v/site-packages/x-1.egg-info", true},
		{"/v/site-packages/torch/version.py", true},
		{"/v/site-packages/torch/cuda/version.py", false},
		{"/v/site-packages/torch/nn/__init__.py", false},
		{"/v/site-packages/p/_version.py", true},
		{"/v/site-packages/x.pth", true},
		{"/v/site-packages/p/x.pth", false},
		{"/app/handler.py", true},
		{"/app/.env", true},
		{"/app/x.env", true},
		{"/root/.netrc", true},
		{"/root/.ssh/id_rsa", true},
		{"/app/model.bin", false},
		{"/usr/lib/python3.11/os.py", false},
		{"/usr/local/lib/python3.11/os.py", false},
		{"/usr/share/doc/x.txt", false},
		{"/proc/x.json", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((keep_of(rows[i].path, 0644, 10).text > 0) != rows[i].text)
			fail_msg("%s", rows[i].path);
	assert_int_equal(keep_of("/app/handler.py", 0644, 300000).text, 0);
	assert_true(keep_of("/x/y.py", 0644, 300000).source);
	assert_false(keep_of("/x/y.py", 0644, PY_SOURCE_MAX + 1).source);
	assert_true(keep_of("/x/liba.so.1", 0644, 10).elf);
	assert_true(keep_of("/x/tool", 0755, 10).elf);
	assert_true(keep_of("/x/ptxas-blackwell", 0644, 10).elf);
	assert_true(keep_of("/x/k.cubin", 0644, 10).elf);
	assert_false(keep_of("/x/liba.a", 0755, 10).elf);
	assert_false(keep_of("/x/data", 0644, 10).elf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_was_added),
		cmocka_unit_test(the_cache_refuses_damage),
		cmocka_unit_test(normalises_paths),
		cmocka_unit_test(keeps_what_later_rooms_read),
	};

	return cmocka_run_group_tests_name("image/index", tests, NULL, NULL);
}
