/* What lies between two commits, and copies of commits. */
#include "repo.h"
#include "source/source.h"

#include <sys/stat.h>

static char *scratch;
static struct source *source;
static struct arena *arena;
static struct err err;

/* 1 - 2 - 3 - 6 (merge), 2 - 4 - 5 */
static const char *const history =
	"git init -q -b main repo && cd repo\n"
	"for n in 1 2; do echo $n >file; git add -A; git commit -qm \"c$n\"; git tag c$n; done\n"
	"git checkout -q -b side\n"
	"for n in 4 5; do echo $n >side; git add -A; git commit -qm \"c$n\"; git tag c$n; done\n"
	"git checkout -q main; echo 3 >file; ln -s file link; mkdir sub; echo x >sub/run\n"
	"chmod +x sub/run; git add -A; git commit -qm c3; git tag c3\n"
	"git merge -q --no-ff -m c6 side; git tag c6\n";

static int setup(void **state)
{
	char path[4096];

	(void)state;
	scratch = repo_scratch();
	repo_sh(scratch, history);
	arena = arena_new();
	err = (struct err){0};
	(void)snprintf(path, sizeof(path), "%s/repo", scratch);
	return source_open(path, &source, &err);
}

static int teardown(void **state)
{
	(void)state;
	source_close(source);
	arena_free(arena);
	repo_remove(scratch);
	return 0;
}

static const char *hash_of(const char *rev)
{
	struct commit commit = {0};

	assert_int_equal(source_resolve(source, rev, arena, &commit, &err), 0);
	return commit.hash;
}

static const char *subject_of(const char *hash)
{
	struct commit commit = {0};

	assert_int_equal(source_resolve(source, hash, arena, &commit, &err), 0);
	return commit.subject;
}

static void range_holds_branches_and_links_parents(void **state)
{
	struct source_range range;
	size_t last;

	(void)state;
	assert_int_equal(source_range(source, hash_of("c1"), hash_of("c6"), arena, &range, &err),
			 0);
	assert_int_equal(range.commits.count, 5);
	last = range.commits.count - 1;
	assert_string_equal(subject_of(range.commits.items[0]), "c2");
	assert_int_equal(range.start[1], 0); /* its parent is the good end */
	assert_string_equal(subject_of(range.commits.items[last]), "c6");
	assert_int_equal(range.start[last + 1] - range.start[last], 2);
	assert_string_equal(subject_of(range.commits.items[range.parents[range.start[last]]]),
			    "c3");
	assert_string_equal(subject_of(range.commits.items[range.parents[range.start[last] + 1]]),
			    "c5");
	for (size_t i = 0; i <= last; i++)
		for (uint32_t p = range.start[i]; p < range.start[i + 1]; p++)
			assert_true(range.parents[p] < i);
}

static void range_refuses_ends_in_the_wrong_order(void **state)
{
	struct source_range range;

	(void)state;
	assert_int_equal(source_range(source, hash_of("c6"), hash_of("c1"), arena, &range, &err),
			 -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "exchange the ends"));
	assert_int_equal(source_range(source, hash_of("c3"), hash_of("c5"), arena, &range, &err),
			 -1);
	assert_non_null(strstr(err.msg, "no ancestor"));
	assert_int_equal(source_range(source, hash_of("c3"), hash_of("c3"), arena, &range, &err),
			 -1);
}

static void export_writes_files_links_and_modes(void **state)
{
	char folder[4096], path[5000];
	struct stat st;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/copy", scratch);
	assert_int_equal(source_export(source, hash_of("c3"), folder, &err), 0);
	(void)snprintf(path, sizeof(path), "%s/sub/run", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_mode & S_IXUSR);
	(void)snprintf(path, sizeof(path), "%s/link", folder);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	repo_sh(scratch, "test \"$(cat copy/file)\" = 3 && test ! -e copy/side");
}

static void export_overwrites_nothing(void **state)
{
	char folder[4096];

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/copy", scratch);
	repo_sh(scratch, "mkdir copy && echo mine >copy/file");
	assert_int_equal(source_export(source, hash_of("c3"), folder, &err), -1);
	repo_sh(scratch, "test \"$(cat copy/file)\" = mine");
}

static void path_ids_tell_changes(void **state)
{
	char before[41], after[41];

	(void)state;
	assert_int_equal(source_path_id(source, hash_of("c2"), "file", before, &err), 0);
	assert_int_equal(source_path_id(source, hash_of("c3"), "file", after, &err), 0);
	assert_string_not_equal(before, after);
	assert_int_equal(source_path_id(source, hash_of("c2"), "sub/run", before, &err), 0);
	assert_string_equal(before, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(range_holds_branches_and_links_parents, setup,
						teardown),
		cmocka_unit_test_setup_teardown(range_refuses_ends_in_the_wrong_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(export_writes_files_links_and_modes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(export_overwrites_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(path_ids_tell_changes, setup, teardown),
	};

	return cmocka_run_group_tests_name("source/range", tests, NULL, NULL);
}
