/* Which folders are repositories, and what is said of those that are not. */
#include "repo.h"
#include "source/source.h"

#include <grp.h>

static char *scratch;
static struct err err;

static int setup(void **state)
{
	(void)state;
	scratch = repo_scratch();
	repo_sh(scratch, "git init -q -b main repo && cd repo && mkdir -p a/b && echo x >a/b/f &&"
			 "git add -A && git commit -qm 'first'");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	repo_sh(scratch, "chmod -R u+rwX .");
	repo_remove(scratch);
	return 0;
}

static const char *in(const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static void assert_root(const char *dir, const char *root)
{
	struct source *source = NULL;
	char *expected = realpath(root, NULL);

	if (source_open(dir, &source, &err) < 0)
		fail_msg("%s: %s", dir, err.msg);
	assert_string_equal(source_root(source), expected);
	free(expected);
	source_close(source);
}

static void assert_head(const char *dir)
{
	struct arena *arena = arena_new();
	struct source *source = NULL;
	struct commit commit;

	if (source_open(dir, &source, &err) < 0 ||
	    source_resolve(source, "HEAD", arena, &commit, &err) < 0)
		fail_msg("%s: %s", dir, err.msg);
	assert_string_equal(commit.subject, "first");
	source_close(source);
	arena_free(arena);
}

static void assert_refused(const char *dir, const char *part, const char *other)
{
	struct source *source = NULL;

	assert_int_equal(source_open(dir, &source, &err), -1);
	assert_null(source);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, part) || !strstr(err.msg, other))
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", err.msg, part, other);
}

static void opens_from_the_root_and_from_any_folder_inside(void **state)
{
	char root[4096];

	(void)state;
	(void)snprintf(root, sizeof(root), "%s/repo", scratch);
	assert_root(root, root);
	assert_root(in("repo/a/b"), root);
	assert_root(in("repo/.git"), root);
}

static void opens_a_bare_repository(void **state)
{
	(void)state;
	repo_sh(scratch, "git clone -q --bare repo bare.git");
	assert_root(in("bare.git"), in("bare.git"));
	assert_head(in("bare.git"));
}

static void opens_a_linked_worktree(void **state)
{
	(void)state;
	repo_sh(scratch,
		"cd repo && git worktree add -q ../linked -b side && test -f ../linked/.git");
	assert_root(in("linked"), in("linked"));
	assert_head(in("linked"));
}

static void opens_a_submodule(void **state)
{
	(void)state;
	repo_sh(scratch, "git init -q -b main outer && cd outer && "
			 "git -c protocol.file.allow=always submodule --quiet add ../repo sub && "
			 "test -f sub/.git");
	assert_root(in("outer/sub"), in("outer/sub"));
	assert_head(in("outer/sub"));
}

static void opens_repositories_of_other_users(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	repo_sh(scratch, "cp -R repo theirs && chown -R 12345:12345 theirs");
	assert_head(in("theirs"));
}

static void opens_sparse_and_partial_clones(void **state)
{
	(void)state;
	repo_sh(scratch, "git -C repo config uploadpack.allowFilter true && "
			 "git clone -q --no-local --filter=tree:0 file://$PWD/repo partial && "
			 "git clone -q repo sparse && git -C sparse config "
			 "core.repositoryformatversion 1 && "
			 "git -C sparse config extensions.worktreeConfig true && "
			 "git -C sparse sparse-checkout set --no-cone a");
	assert_head(in("partial"));
	assert_head(in("sparse"));
}

static void says_that_a_folder_is_not_a_repository(void **state)
{
	(void)state;
	repo_sh(scratch, "mkdir plain");
	assert_refused(in("plain"), "no git repository in", "--repo DIR");
}

static void says_that_a_folder_does_not_exist(void **state)
{
	(void)state;
	assert_refused(in("nowhere"), "nowhere", "No such file or directory");
}

static void says_that_sha256_is_not_read(void **state)
{
	(void)state;
	repo_sh(scratch, "git init -q --object-format=sha256 wide");
	assert_refused(in("wide"), "wide", "SHA-256");
}

static void says_that_a_worktree_lost_its_repository(void **state)
{
	(void)state;
	repo_sh(scratch, "mkdir lost && echo 'gitdir: /nowhere/.git/worktrees/lost' >lost/.git");
	assert_refused(in("lost"), "lost", "");
}

static void says_that_the_git_folder_is_not_readable(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	repo_sh(scratch, "chmod 755 . && cp -R repo closed && chmod 000 closed/.git");
	if (geteuid() != 0) {
		assert_refused(in("closed"), "closed/.git cannot be read", "Permission denied");
		return;
	}
	pid = fork(); /* root may read everything: look with the eyes of nobody */
	assert_true(pid >= 0);
	if (pid == 0) {
		struct source *source = NULL;

		if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
			_exit(3);
		if (source_open(in("closed"), &source, &err) == 0)
			_exit(4);
		_exit(strstr(err.msg, "closed/.git cannot be read: Permission denied") ? 0 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void writes_nothing(void **state)
{
	char *before, *after;

	(void)state;
	repo_sh(scratch, "cd repo && echo changed >a/b/f && touch -d '2020-01-01' .git/index && "
			 "echo new >untracked");
	before = repo_snapshot(in("repo"));
	assert_head(in("repo"));
	after = repo_snapshot(in("repo"));
	assert_string_equal(before, after);
	free(before);
	free(after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_from_the_root_and_from_any_folder_inside),
		TEST(opens_a_bare_repository),
		TEST(opens_a_linked_worktree),
		TEST(opens_a_submodule),
		TEST(opens_repositories_of_other_users),
		TEST(opens_sparse_and_partial_clones),
		TEST(says_that_a_folder_is_not_a_repository),
		TEST(says_that_a_folder_does_not_exist),
		TEST(says_that_sha256_is_not_read),
		TEST(says_that_a_worktree_lost_its_repository),
		TEST(says_that_the_git_folder_is_not_readable),
		TEST(writes_nothing),
	};

	return cmocka_run_group_tests_name("source/open", tests, NULL, NULL);
}
