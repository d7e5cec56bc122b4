/* Trees, files and blobs of a commit, whatever the work tree looks like. */
#include "repo.h"
#include "source/source.h"

static char *scratch;
static struct source *source;
static struct arena *arena;
static struct err err;
static struct commit head;

static const char *const content =
	"git init -q -b main repo && cd repo\n"
	"mkdir -p sub/deep && echo one >a.txt && echo two >sub/b && echo three >sub/deep/c\n"
	"echo '#!/bin/sh' >run && chmod 755 run && echo x >sub.x && : >empty\n"
	"ln -s sub/b link && ln -s ../a.txt sub/up && ln -s /etc/passwd outside && ln -s loop "
	"loop\n"
	"ln -s ../../escape sub/escape && ln -s sub folder-link\n"
	"git add -A && git update-index --add --cacheinfo "
	"160000,0123456789012345678901234567890123456789,vendor && git commit -qm content\n"
	"echo dirty >a.txt && rm sub/b && git rm -q --cached run";

static int setup(void **state)
{
	(void)state;
	scratch = repo_scratch();
	repo_sh(scratch, content);
	arena = arena_new();
	if (source_open(arena_printf(arena, "%s/repo", scratch), &source, &err) < 0 ||
	    source_resolve(source, "HEAD", arena, &head, &err) < 0)
		fail_msg("%s", err.msg);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	source_close(source);
	arena_free(arena);
	repo_remove(scratch);
	return 0;
}

/* git ls-tree writes the same lines. */
static void assert_lists_as_git(const char *folder, const char *tree)
{
	struct source_entry *entries;
	struct buf got;
	size_t count;
	char *expected;

	if (source_tree(source, head.hash, folder, arena, &entries, &count, &err) < 0)
		fail_msg("%s: %s", folder, err.msg);
	buf_init(&got, REPO_OUTPUT_MAX);
	for (size_t i = 0; i < count; i++)
		buf_printf(&got, "%s%06o %s %s", i ? "\n" : "", entries[i].mode, entries[i].oid,
			   entries[i].path);
	expected = repo_ask(source_root(source),
			    arena_printf(arena,
					 "git -c core.quotePath=false ls-tree -r -t "
					 "--format='%%(objectmode) %%(objectname) %%(path)' %s",
					 tree));
	assert_string_equal(buf_str(&got), expected);
	assert_true(count > 0);
	free(expected);
	buf_done(&got);
}

static void lists_a_tree_as_git_does(void **state)
{
	(void)state;
	assert_lists_as_git(".", "HEAD");
	assert_lists_as_git("", "HEAD");
	assert_lists_as_git("sub", "HEAD:sub");
	assert_lists_as_git("./sub//deep/", "HEAD:sub/deep");
	assert_lists_as_git("sub/../sub/deep", "HEAD:sub/deep");
}

static void refuses_what_is_not_a_folder(void **state)
{
	static const char *const bad[][2] = {
		{"nothing", "has no folder nothing"},
		{"sub/none/x", "has no folder"},
		{"a.txt", "is not a folder"},
		{"a.txt/x", "has no folder"},
		{"vendor", "is not a folder"},
		{"..", "outside the repository"},
		{"sub/../..", "outside the repository"},
	};
	struct source_entry *entries = NULL;
	size_t count = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			source_tree(source, head.hash, bad[i][0], arena, &entries, &count, &err),
			-1);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.msg, bad[i][1]))
			fail_msg("%s: \"%s\"", bad[i][0], err.msg);
	}
	assert_null(entries);
	assert_int_equal(count, 7);
}

static void assert_reads(const char *path, const char *expected)
{
	struct buf out;

	buf_init(&out, 1000);
	buf_addstr(&out, ">");
	if (source_read(source, head.hash, path, &out, &err) < 0)
		fail_msg("%s: %s", path, err.msg);
	assert_string_equal(buf_str(&out) + 1, expected);
	buf_done(&out);
}

static void assert_no_file(const char *path, enum err_code code)
{
	struct buf out;

	buf_init(&out, 1000);
	assert_int_equal(source_read(source, head.hash, path, &out, &err), -1);
	if (err.code != code)
		fail_msg("%s: code %d: %s", path, err.code, err.msg);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void reads_the_committed_content(void **state)
{
	(void)state;
	assert_reads("a.txt", "one\n");
	assert_reads("./sub/b", "two\n");
	assert_reads("run", "#!/bin/sh\n");
	assert_reads("empty", "");
}

static void follows_links_inside_the_commit_only(void **state)
{
	(void)state;
	assert_reads("link", "two\n");
	assert_reads("sub/up", "one\n");
	assert_no_file("outside", ERR_NOTFOUND);
	assert_no_file("sub/escape", ERR_NOTFOUND);
	assert_no_file("loop", ERR_NOTFOUND);
}

static void tells_missing_files_from_things_that_are_none(void **state)
{
	(void)state;
	assert_no_file("nothing", ERR_NOTFOUND);
	assert_no_file("sub/nothing/x", ERR_NOTFOUND);
	assert_no_file("a.txt/x", ERR_NOTFOUND);
	assert_no_file("../repo/a.txt", ERR_NOTFOUND);
	assert_no_file("", ERR_NOTFOUND);
	assert_no_file("sub", ERR_USAGE);
	assert_no_file("vendor", ERR_USAGE);
	assert_no_file("folder-link", ERR_USAGE);
}

static void refuses_a_file_larger_than_the_buffer(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 3);
	assert_int_equal(source_read(source, head.hash, "a.txt", &out, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_done(&out);
	buf_init(&out, 4);
	assert_int_equal(source_read(source, head.hash, "a.txt", &out, &err), 0);
	buf_done(&out);
}

/* The object's id, read back with git's own hash. */
static void assert_blob(const char *oid, const char *file, size_t piece)
{
	struct source_blob *blob = NULL;
	char *data = xcalloc(1, piece);
	uint64_t size = 0, got = 0;
	FILE *copy = fopen(file, "w");
	char *hash;
	ssize_t n;

	assert_non_null(copy);
	if (source_blob_open(source, oid, &blob, &size, &err) < 0)
		fail_msg("%s", err.msg);
	while ((n = source_blob_read(blob, data, piece, &err)) > 0) {
		got += (uint64_t)n;
		assert_int_equal(fwrite(data, 1, (size_t)n, copy), n);
	}
	assert_int_equal(n, 0);
	assert_int_equal(fclose(copy), 0);
	assert_int_equal(got, size);
	hash = repo_ask("/", arena_printf(arena, "git hash-object --no-filters %s", file));
	assert_string_equal(hash, oid);
	source_blob_close(blob);
	free(hash);
	free(data);
}

static char *add_blob(const char *how)
{
	return repo_ask(source_root(source),
			arena_printf(arena, "%s >../large && git hash-object -w ../large", how));
}

static void streams_blobs_of_any_size_and_storage(void **state)
{
	static const char *const makers[] = {
		":",
		"printf x",
		"head -c 1048575 /dev/zero",
		"head -c 1048576 /dev/urandom",
		"head -c 3000001 /dev/urandom",
		"seq 1000000",
	};
	char *copy = arena_printf(arena, "%s/copy", scratch);
	char *oids[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		oids[i] = add_blob(makers[i]);
		assert_blob(oids[i], copy, 65536);
	}
	assert_blob(oids[4], copy, 1000003);
	assert_blob(oids[2], copy, 7777);
	for (size_t i = 0; i < 6; i++)
		repo_sh(source_root(source),
			arena_printf(arena,
				     "git update-ref refs/keep/%zu $(printf '100644 blob %s"
				     "\\tx\\n' | git mktree | xargs -I{} git commit-tree {} "
				     "-m k)",
				     i, oids[i]));
	repo_sh(source_root(source), "git gc -q --prune=now 2>/dev/null");
	for (size_t i = 0; i < 6; i++) {
		assert_blob(oids[i], copy, 65536);
		free(oids[i]);
	}
}

static int drain(const char *oid)
{
	struct source_blob *blob = NULL;
	char data[65536];
	uint64_t size;
	ssize_t n;

	if (source_blob_open(source, oid, &blob, &size, &err) < 0)
		return -1;
	while ((n = source_blob_read(blob, data, sizeof(data), &err)) > 0)
		continue;
	source_blob_close(blob);
	return (int)n;
}

static void names_damaged_and_missing_blobs(void **state)
{
	static const char *const sizes[] = {"head -c 90000 /dev/urandom",
					    "head -c 3000000 /dev/urandom"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *oid = add_blob(sizes[i]);

		assert_int_equal(drain(oid), 0);
		repo_sh(source_root(source),
			arena_printf(arena,
				     "f=.git/objects/%.2s/%s && chmod u+w $f && "
				     "head -c 60000 $f >$f.x && mv -f $f.x $f",
				     oid, oid + 2));
		source_close(source);
		assert_int_equal(
			source_open(arena_printf(arena, "%s/repo", scratch), &source, &err), 0);
		assert_int_equal(drain(oid), -1);
		assert_int_equal(err.code, ERR_INFRA);
		assert_non_null(strstr(err.msg, oid));
		free(oid);
	}
	assert_int_equal(drain("0123456789012345678901234567890123456789"), -1);
	assert_non_null(strstr(err.msg, "0123456789012345678901234567890123456789"));
}

static void names_a_missing_folder_object(void **state)
{
	struct source_entry *entries;
	size_t count;
	struct buf out;
	char *id;

	(void)state;
	id = repo_ask(source_root(source), "id=$(git rev-parse HEAD:sub/deep) && "
					   "rm -f .git/objects/$(echo $id | sed 's,..,&/,') && "
					   "echo $id");
	source_close(source);
	assert_int_equal(source_open(arena_printf(arena, "%s/repo", scratch), &source, &err), 0);
	assert_int_equal(source_tree(source, head.hash, ".", arena, &entries, &count, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_non_null(strstr(err.msg, id));
	buf_init(&out, 100);
	assert_int_equal(source_read(source, head.hash, "sub/deep/c", &out, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_non_null(strstr(err.msg, id));
	free(id);
}

static void writes_nothing(void **state)
{
	struct source_entry *entries;
	char *before, *after;
	size_t count;

	(void)state;
	before = repo_snapshot(scratch);
	assert_int_equal(source_tree(source, head.hash, ".", arena, &entries, &count, &err), 0);
	assert_reads("link", "two\n");
	for (size_t i = 0; i < count; i++)
		if ((entries[i].mode & 0170000) == 0100000)
			assert_int_equal(drain(entries[i].oid), 0);
	after = repo_snapshot(scratch);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_a_tree_as_git_does),
		TEST(refuses_what_is_not_a_folder),
		TEST(reads_the_committed_content),
		TEST(follows_links_inside_the_commit_only),
		TEST(tells_missing_files_from_things_that_are_none),
		TEST(refuses_a_file_larger_than_the_buffer),
		TEST(streams_blobs_of_any_size_and_storage),
		TEST(names_damaged_and_missing_blobs),
		TEST(names_a_missing_folder_object),
		TEST(writes_nothing),
	};

	return cmocka_run_group_tests_name("source/tree", tests, NULL, NULL);
}
