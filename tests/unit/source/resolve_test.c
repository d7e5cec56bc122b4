/* Revisions: every spelling that names a commit, and what is said of those that name none. */
#include "repo.h"
#include "source/source.h"

static char *scratch;
static char *pristine; /* made once, copied for each test */
static struct source *source;
static struct arena *arena;
static struct err err;

static const char *const history =
	"git init -q -b main repo && cd repo\n"
	"for n in 1 2 3 4 5; do echo $n >file; git add -A; git commit -qm \"commit $n\"; done\n"
	"git tag light HEAD~1\n"
	"git tag -a v1.0 -m 'release' HEAD~2 && git tag -a outer -m 'tag of a tag' v1.0 "
	"2>/dev/null\n"
	"git tag a-tree HEAD^{tree} && git tag a-blob HEAD:file\n"
	"git tag -a tagged-tree -m t HEAD^{tree}\n"
	"git checkout -q -b feature/login HEAD~3 && echo f >other && git add -A && "
	"git commit -qm 'on the side'\n"
	"git checkout -q main && git merge -q --no-ff -m 'merge the side' feature/login\n"
	"git update-ref refs/remotes/origin/theirs HEAD~1\n";

static int make_pristine(void **state)
{
	(void)state;
	pristine = repo_scratch();
	repo_sh(pristine, history);
	return 0;
}

static int remove_pristine(void **state)
{
	(void)state;
	repo_remove(pristine);
	return 0;
}

static int setup(void **state)
{
	char script[256];

	(void)state;
	scratch = repo_scratch();
	(void)snprintf(script, sizeof(script), "cp -R -p %s/repo .", pristine);
	repo_sh(scratch, script);
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	source_close(source);
	source = NULL;
	arena_free(arena);
	repo_remove(scratch);
	return 0;
}

static void open_in(const char *name)
{
	source_close(source);
	source = NULL;
	if (source_open(arena_printf(arena, "%s/%s", scratch, name), &source, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
}

/* git itself says what the revision means. */
static void assert_same_as_git(const char *rev)
{
	char *expected =
		repo_ask(source_root(source), arena_printf(arena, "git rev-list -n1 '%s' --", rev));
	struct commit commit;

	if (source_resolve(source, rev, arena, &commit, &err) < 0)
		fail_msg("%s: %s", rev, err.msg);
	assert_string_equal(commit.hash, expected);
	assert_string_equal(commit.asked, rev);
	free(expected);
}

static void assert_refused_as(enum err_code code, const char *rev, const char *part)
{
	struct commit commit = {.hash = "untouched"};

	assert_int_equal(source_resolve(source, rev, arena, &commit, &err), -1);
	assert_string_equal(commit.hash, "untouched");
	if (!strstr(err.msg, part))
		fail_msg("%s: \"%s\" lacks \"%s\"", rev, err.msg, part);
	assert_int_equal(err.code, code);
}

static void assert_refused(const char *rev, const char *part)
{
	assert_refused_as(ERR_USAGE, rev, part);
}

static void resolves_every_spelling_as_git_does(void **state)
{
	static const char *const revs[] = {
		"HEAD",
		"@",
		"main",
		"refs/heads/main",
		"heads/main",
		"HEAD~3",
		"HEAD^",
		"HEAD^2",
		"HEAD^2~1",
		"main~2^",
		"light",
		"v1.0",
		"outer",
		"tags/v1.0",
		"v1.0^{commit}",
		"v1.0^{}",
		"feature/login",
		"origin/theirs",
		"HEAD@{1}",
		"@{1}",
		"v1.0~1",
		":/commit 3",
		"HEAD^{/commit 2}",
	};
	char *hash, *described;

	(void)state;
	open_in("repo");
	for (size_t i = 0; i < sizeof(revs) / sizeof(revs[0]); i++)
		assert_same_as_git(revs[i]);
	hash = repo_ask(source_root(source), "git rev-parse HEAD~2");
	assert_same_as_git(hash);
	assert_same_as_git(arena_strndup(arena, hash, 7));
	assert_same_as_git(arena_printf(arena, "%.9s~1", hash));
	free(hash);
	described = repo_ask(source_root(source), "git describe --long");
	assert_same_as_git(described);
	free(described);
}

static void prefers_a_tag_over_a_branch_of_the_same_name(void **state)
{
	(void)state;
	repo_sh(scratch, "cd repo && git branch both HEAD && git tag both HEAD~2");
	open_in("repo");
	assert_same_as_git("both");
}

static void resolves_a_detached_head_and_a_worktrees_own_head(void **state)
{
	(void)state;
	repo_sh(scratch, "cd repo && git checkout -q HEAD~2 && "
			 "git worktree add -q ../linked feature/login");
	open_in("repo");
	assert_same_as_git("HEAD");
	open_in("linked");
	assert_same_as_git("HEAD");
	assert_same_as_git("main");
}

static void resolves_packed_references_and_packed_objects(void **state)
{
	(void)state;
	repo_sh(scratch, "cd repo && git gc -q && test ! -f .git/refs/heads/main");
	open_in("repo");
	assert_same_as_git("main");
	assert_same_as_git("v1.0");
}

static void describes_the_commit(void **state)
{
	char *hash, *tree;
	struct commit commit;

	(void)state;
	open_in("repo");
	hash = repo_ask(source_root(source), "git rev-parse light");
	tree = repo_ask(source_root(source), "git rev-parse light^{tree}");
	assert_int_equal(source_resolve(source, "light", arena, &commit, &err), 0);
	assert_string_equal(commit.hash, hash);
	assert_string_equal(commit.tree, tree);
	assert_string_equal(commit.subject, "commit 4");
	assert_string_equal(commit.author, "Ada Author <ada@example.org>");
	assert_int_equal(commit.time_s, 1759744800); /* date -d 2025-10-06T10:00:00Z +%s */
	assert_string_equal(commit.repo, source_root(source));
	assert_int_equal(commit.submodules.count, 0);
	free(hash);
	free(tree);
}

static void makes_utf8_of_any_message(void **state)
{
	struct commit commit;

	(void)state;
	/* The git client would convert: write the commit by hand. */
	repo_sh(scratch, "cd repo && git cat-file commit main | sed '/^$/,$d' >c && "
			 "printf '\\ncaf\\351 \\360\\237\\231\\202 \\355\\240\\200\\n' >>c && "
			 "git update-ref HEAD $(git hash-object -t commit -w --literally c)");
	open_in("repo");
	assert_int_equal(source_resolve(source, "HEAD", arena, &commit, &err), 0);
	assert_string_equal(
		commit.subject,
		"caf\xEF\xBF\xBD \xF0\x9F\x99\x82 \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void reports_submodules(void **state)
{
	struct commit commit;

	(void)state;
	repo_sh(scratch,
		"git init -q -b main lib && git -C lib commit -q --allow-empty -m lib && "
		"cd repo && git -c protocol.file.allow=always submodule --quiet add ../lib "
		"third/lib && git -c protocol.file.allow=always submodule --quiet add "
		"../lib zlib && git commit -qm 'submodules'");
	open_in("repo");
	assert_int_equal(source_resolve(source, "HEAD", arena, &commit, &err), 0);
	assert_int_equal(commit.submodules.count, 2);
	assert_string_equal(commit.submodules.items[0], "third/lib");
	assert_string_equal(commit.submodules.items[1], "zlib");
}

static void suggests_the_nearest_branch_or_tag(void **state)
{
	(void)state;
	open_in("repo");
	assert_refused("mian", "did you mean main?");
	assert_refused("feature/lgoin", "did you mean feature/login?");
	assert_refused("v1.O", "did you mean v1.0?");
	assert_refused("lihgt~1", "did you mean light~1?");
	assert_refused("theirs", "did you mean origin/theirs?");
	assert_refused("something-else", "no such branch, tag or commit");
	assert_refused("0123456789012345678901234567890123456789", "no such branch, tag or commit");
}

static void refuses_what_is_no_commit(void **state)
{
	(void)state;
	open_in("repo");
	assert_refused("a-blob", "names a blob, not a commit");
	assert_refused("a-tree", "names a tree, not a commit");
	assert_refused("tagged-tree", "points at a tree, not at a commit");
	assert_refused("HEAD:file", "names a blob, not a commit");
	assert_refused("HEAD^{tree}", "names a tree, not a commit");
	assert_refused("HEAD:nothing", "names a path, not a commit");
	assert_refused("main..light", "is a range");
	assert_refused("", "empty");
	assert_refused("HEAD^{", "not well formed");
	assert_refused("v1.0@{7}", "not known here");
	assert_refused(arena_printf(arena, "%2000s", "x"), "longer than");
}

static void says_where_history_begins(void **state)
{
	char *root;

	(void)state;
	open_in("repo");
	root = repo_ask(source_root(source), "git rev-list --max-parents=0 HEAD | cut -c1-12");
	assert_refused("HEAD~30", "history begins at");
	assert_refused("HEAD~30", root);
	assert_refused("main^3", "does not exist");
	free(root);
}

static void says_that_a_shallow_clone_ends(void **state)
{
	char *end;

	(void)state;
	repo_sh(scratch, "git -C repo checkout -q light && "
			 "git clone -q --depth 2 file://$PWD/repo shallow");
	open_in("shallow");
	end = repo_ask(source_root(source), "cut -c1-12 .git/shallow");
	assert_same_as_git("HEAD~1");
	assert_refused("HEAD~2", arena_printf(arena,
					      "the clone is shallow and ends at %s: run git fetch "
					      "--unshallow",
					      end));
	assert_refused("0123456789012345678901234567890123456789", "run git fetch --unshallow");
	assert_refused("something-else", "run git fetch --unshallow");
	free(end);
}

static void says_that_there_are_no_commits(void **state)
{
	(void)state;
	repo_sh(scratch, "git init -q -b main empty && "
			 "cd repo && git checkout -q --orphan fresh");
	open_in("empty");
	assert_refused("HEAD", "has no commits yet");
	assert_refused("main", "has no commits yet");
	open_in("repo");
	assert_refused("HEAD", "the branch checked out in");
	assert_same_as_git("main");
}

/* 700 objects and 4 digits: some of 65536 prefixes collide, and which ones never changes. */
static void tells_candidates_of_an_ambiguous_prefix(void **state)
{
	char *commits, *mixed, *hash;
	struct commit commit;

	(void)state;
	repo_sh(scratch,
		"git init -q -b main many && cd many && for n in $(seq 700); do "
		"printf 'commit refs/heads/main\\ncommitter A <a@b> %d +0000\\ndata 1\\nx\\n"
		"M 100644 inline f\\ndata <<E\\n%d\\nE\\n' $n $n; done | "
		"git fast-import --quiet");
	open_in("many");
	commits = repo_ask(source_root(source),
			   "git log --format=%H | cut -c1-4 | sort | uniq -d | head -1");
	assert_int_equal(strlen(commits), 4);
	assert_refused(commits, "is ambiguous: it begins ");
	assert_refused(arena_printf(arena, "%s~1", commits), "is ambiguous");
	assert_non_null(strstr(strstr(err.msg, "begins"), commits));
	/* One commit among trees and blobs is meant, as git takes it where a commit is wanted. */
	mixed = repo_ask(source_root(source),
			 "git cat-file --batch-all-objects --batch-check='%(objectname)' | "
			 "cut -c1-4 | sort | uniq -d >../twice; git log --format=%H | cut -c1-4 | "
			 "sort | uniq -u >../once; comm -12 ../twice ../once | head -1");
	assert_int_equal(strlen(mixed), 4);
	hash = repo_ask(source_root(source),
			arena_printf(arena, "git rev-parse '%s^{commit}'", mixed));
	assert_int_equal(source_resolve(source, mixed, arena, &commit, &err), 0);
	assert_string_equal(commit.hash, hash);
	free(hash);
	free(commits);
	free(mixed);
}

/* Damage the loose object that REV names. */
static char *damage(const char *rev, const char *how)
{
	return repo_ask(scratch, arena_printf(arena,
					      "cd repo && id=$(git rev-parse %s) && "
					      "f=.git/objects/$(echo $id | sed 's,..,&/,') && "
					      "chmod u+w $f && %s && echo $id",
					      rev, how));
}

static void names_a_damaged_object(void **state)
{
	static const char *const ways[] = {
		"echo rubbish >$f", ": >$f", "rm -f $f",
		"dd if=$f of=$f.x bs=1 count=40 2>/dev/null && mv -f $f.x $f"};
	char *id;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		teardown(NULL);
		setup(NULL);
		id = damage("light", ways[i]);
		open_in("repo");
		assert_refused_as(ERR_INFRA, "light", id);
		assert_refused_as(ERR_INFRA, "HEAD~3", id);
		free(id);
		id = damage("v1.0^{tree}", ways[i]);
		assert_refused_as(ERR_INFRA, "v1.0", id);
		free(id);
	}
}

static void names_a_damaged_object_by_its_short_hash(void **state)
{
	char *id;

	(void)state;
	id = damage("light", "dd if=$f of=$f.x bs=1 count=40 2>/dev/null && mv -f $f.x $f");
	open_in("repo");
	assert_refused_as(ERR_INFRA, arena_strndup(arena, id, 9), "cut off");
	assert_refused_as(ERR_INFRA, id, id);
	free(id);
}

static void reads_damaged_loose_objects_from_a_pack_that_has_them(void **state)
{
	(void)state;
	repo_sh(scratch, "cd repo && git repack -q -a && id=$(git rev-parse light) && "
			 "f=.git/objects/$(echo $id | sed 's,..,&/,') && mkdir -p ${f%/*} && "
			 "chmod u+w $f && dd if=$f of=$f.x bs=1 count=40 2>/dev/null && "
			 "mv -f $f.x $f");
	open_in("repo");
	assert_same_as_git("light");
}

static void names_a_damaged_object_of_an_alternate(void **state)
{
	char *id;

	(void)state;
	repo_sh(scratch, "git clone -q --shared repo borrower");
	id = damage("light", "dd if=$f of=$f.x bs=1 count=40 2>/dev/null && mv -f $f.x $f");
	open_in("borrower");
	assert_refused_as(ERR_INFRA, "light", id);
	free(id);
}

static void names_an_object_whose_content_was_replaced(void **state)
{
	char *id;

	(void)state;
	id = damage("light", "cp .git/objects/$(git rev-parse HEAD | sed 's,..,&/,') $f");
	open_in("repo");
	assert_refused_as(ERR_INFRA, "light", id);
	free(id);
}

static void walks_first_parents(void **state)
{
	struct strings all, two, none;
	bool shallow = true;
	char *expected, *head;
	struct buf got;

	(void)state;
	open_in("repo");
	head = repo_ask(source_root(source), "git rev-parse HEAD");
	expected = repo_ask(source_root(source), "git rev-list --first-parent HEAD^");
	buf_init(&got, 4096);
	assert_int_equal(source_ancestors(source, head, 100, arena, &all, &shallow, &err), 0);
	for (size_t i = 0; i < all.count; i++)
		buf_printf(&got, "%s%s", i ? "\n" : "", all.items[i]);
	assert_string_equal(buf_str(&got), expected);
	assert_int_equal(all.count, 5);
	assert_false(shallow);
	assert_int_equal(source_ancestors(source, head, 2, arena, &two, &shallow, &err), 0);
	assert_int_equal(two.count, 2);
	assert_string_equal(two.items[1], all.items[1]);
	assert_int_equal(source_ancestors(source, all.items[4], 9, arena, &none, NULL, &err), 0);
	assert_int_equal(none.count, 0);
	buf_done(&got);
	free(expected);
	free(head);
}

static void walks_to_the_boundary_of_a_shallow_clone(void **state)
{
	struct strings all;
	bool shallow = false;
	char *head;

	(void)state;
	repo_sh(scratch, "git clone -q --depth 3 file://$PWD/repo shallow && "
			 "git -C shallow worktree add -q ../tree");
	for (int i = 0; i < 2; i++) {
		open_in(i ? "tree" : "shallow");
		head = repo_ask(source_root(source), "git rev-parse HEAD");
		assert_int_equal(source_ancestors(source, head, 100, arena, &all, &shallow, &err),
				 0);
		assert_int_equal(all.count, 2);
		assert_true(shallow);
		free(head);
	}
}

static void writes_nothing(void **state)
{
	struct strings all;
	struct commit commit;
	char *before, *after;

	(void)state;
	repo_sh(scratch,
		"cd repo && echo dirty >file && echo new >untracked && git add untracked && "
		"touch -d 2020-01-01 other");
	before = repo_snapshot(scratch);
	open_in("repo");
	assert_int_equal(source_resolve(source, "v1.0", arena, &commit, &err), 0);
	assert_int_equal(source_resolve(source, "mian", arena, &commit, &err), -1);
	assert_int_equal(source_resolve(source, "HEAD~99", arena, &commit, &err), -1);
	assert_int_equal(source_ancestors(source, commit.hash, 9, arena, &all, NULL, &err), 0);
	after = repo_snapshot(scratch);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(resolves_every_spelling_as_git_does),
		TEST(prefers_a_tag_over_a_branch_of_the_same_name),
		TEST(resolves_a_detached_head_and_a_worktrees_own_head),
		TEST(resolves_packed_references_and_packed_objects),
		TEST(describes_the_commit),
		TEST(makes_utf8_of_any_message),
		TEST(reports_submodules),
		TEST(suggests_the_nearest_branch_or_tag),
		TEST(refuses_what_is_no_commit),
		TEST(says_where_history_begins),
		TEST(says_that_a_shallow_clone_ends),
		TEST(says_that_there_are_no_commits),
		TEST(tells_candidates_of_an_ambiguous_prefix),
		TEST(names_a_damaged_object),
		TEST(names_a_damaged_object_by_its_short_hash),
		TEST(reads_damaged_loose_objects_from_a_pack_that_has_them),
		TEST(names_a_damaged_object_of_an_alternate),
		TEST(names_an_object_whose_content_was_replaced),
		TEST(walks_first_parents),
		TEST(walks_to_the_boundary_of_a_shallow_clone),
		TEST(writes_nothing),
	};

	return cmocka_run_group_tests_name("source/resolve", tests, make_pristine, remove_pristine);
}
