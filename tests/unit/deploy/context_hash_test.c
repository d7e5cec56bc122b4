/* The input hash: equal where the image would be equal, different where it would not. */
#include "base/clock.h"
#include "context_support.h"

static const struct suite_image plain = {.dockerfile = "Dockerfile", .context = "."};

static const char *const start =
	"printf 'ARG V=1\\nFROM base:1 AS b\\nFROM other:2\\nCOPY --from=b /x /x\\n' >Dockerfile\n"
	"mkdir src docs && echo m >src/main && echo d >docs/d && echo t >tool && ln -s tool link\n"
	"printf 'docs\\n.dockerignore\\nDockerfile\\n' >.dockerignore";

static struct pair base_ids[] = {{"base:1", "sha256:aa"}, {"other:2", "sha256:bb"}};
static const struct pairs bases = {base_ids, 2};

static const char *hash_of(const char *rev, const struct suite_image *image)
{
	struct context *context = open_context(rev, image);
	char *hash = arena_alloc(arena, 65);

	if (context_hash(context, &bases, hash, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(strlen(hash), 64);
	context_close(context);
	return hash;
}

static void assert_change(const char *script, bool changes)
{
	const char *before = hash_of("HEAD", &plain);

	in_repo(arena_printf(arena, "%s\ngit add -A && git commit -qm change", script));
	if ((strcmp(before, hash_of("HEAD", &plain)) != 0) != changes)
		fail_msg("%s: should%s change the hash", script, changes ? "" : " not");
}

static void changes_with_everything_that_is_built(void **state)
{
	static const char *const scripts[] = {
		"echo other >src/main",
		"chmod 755 tool",
		"chmod 644 tool && ln -sf src/main link",
		"mv tool renamed",
		"echo new >new",
		"rm new",
		"rm link && echo -n src/main >link",
		"echo '# comment' >>Dockerfile",
		"mkdir sub && mv src/main sub/main",
		("mkdir lib && git update-index --add --cacheinfo "
		 "160000,0123456789012345678901234567890123456789,lib"),
		"echo '!docs/d' >>.dockerignore",
	};

	(void)state;
	make_repo(start);
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		assert_change(scripts[i], true);
}

static void stays_with_what_the_image_cannot_see(void **state)
{
	(void)state;
	make_repo(start);
	assert_change("echo other >docs/d && echo more >docs/more", false);
	assert_change("echo '# no rule' >>.dockerignore", false);
	assert_change("git commit -q --allow-empty -m nothing; echo x >docs/x", false);
	in_repo("git update-index --add --cacheinfo "
		"160000,0123456789012345678901234567890123456789,lib && git commit -qm lib && "
		"git tag one && git update-index --cacheinfo "
		"160000,9876543210012345678901234567890123456789,lib && git commit -qm lib");
	assert_string_equal(hash_of("one", &plain), hash_of("HEAD", &plain));
}

static void counts_a_dockerignore_that_is_sent_as_content(void **state)
{
	(void)state;
	make_repo("echo FROM base:1 >Dockerfile && echo docs >.dockerignore");
	assert_change("echo '# no rule' >>.dockerignore", true);
}

static void changes_with_the_suites_wishes(void **state)
{
	struct pair ab[] = {{"A", "1"}, {"B", "2"}}, ba[] = {{"B", "2"}, {"A", "1"}};
	struct pair other[] = {{"A", "1"}, {"B", "3"}};
	const struct suite_image args = {"Dockerfile", ".", .args = {ab, 2}};
	const struct suite_image swapped = {"Dockerfile", ".", .args = {ba, 2}};
	const struct suite_image changed = {"Dockerfile", ".", .args = {other, 2}};
	const struct suite_image labels = {"Dockerfile", ".", .labels = {ab, 2}};
	const struct suite_image target = {"Dockerfile", ".", .target = "b"};
	const struct suite_image host = {"Dockerfile", ".", .network = "host"};
	const struct suite_image none = {"Dockerfile", ".", .network = "none"};
	const struct suite_image timeout = {"Dockerfile", ".", .timeout_ns = 5, .pull = 1};
	const struct suite_image *all[] = {&plain, &args, &changed, &labels, &target, &host};

	(void)state;
	make_repo(start);
	for (size_t i = 0; i < 6; i++)
		for (size_t j = i + 1; j < 6; j++)
			assert_string_not_equal(hash_of("HEAD", all[i]), hash_of("HEAD", all[j]));
	assert_string_equal(hash_of("HEAD", &args), hash_of("HEAD", &swapped));
	assert_string_equal(hash_of("HEAD", &plain), hash_of("HEAD", &none));
	assert_string_equal(hash_of("HEAD", &plain), hash_of("HEAD", &timeout));
}

static void changes_with_the_base_images(void **state)
{
	const char *before;

	(void)state;
	make_repo(start);
	before = hash_of("HEAD", &plain);
	base_ids[1].value = "sha256:cc";
	assert_string_not_equal(before, hash_of("HEAD", &plain));
	base_ids[1].value = "sha256:bb";
	assert_string_equal(before, hash_of("HEAD", &plain));
}

static void has_no_hash_without_a_base_image(void **state)
{
	const struct pairs one = {base_ids, 1};
	struct context *context;
	char hash[65] = "untouched";

	(void)state;
	make_repo(start);
	context = open_context("HEAD", &plain);
	assert_int_equal(context_hash(context, &one, hash, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "other:2"));
	assert_string_equal(hash, "untouched");
	context_close(context);
}

/* expected by the story: its documentation commits change no image input, all others do */
static void tells_the_incidents_documentation_commits_from_the_others(void **state)
{
	static const struct {
		const char *name;
		bool same_as_before;
	} story[] = {
		{"story/1-works", false}, {"story/2-docs", true},	{"story/3-bump", false},
		{"story/4-swap", false},  {"story/5-unrelated", false}, {"story/6-widened", false},
		{"story/7a-docs", true},  {"story/7b-handler", false},	{"story/8-repair", false},
	};
	const char *hashes[9];
	struct pair ids[] = {{"assay-fixture/base:1", "sha256:dd"}};
	const struct pairs known = {ids, 1};

	(void)state;
	repo_sh(scratch, FIXTURES "/incident/make-repo repo");
	assert_int_equal(source_open(arena_printf(arena, "%s/repo", scratch), &source, &err), 0);
	for (size_t i = 0; i < 9; i++) {
		struct context *context = open_context(story[i].name, &plain);
		char *hash = arena_alloc(arena, 65);

		assert_int_equal(context_hash(context, &known, hash, &err), 0);
		hashes[i] = hash;
		context_close(context);
	}
	for (size_t i = 1; i < 9; i++)
		for (size_t j = 0; j < i; j++)
			if ((strcmp(hashes[i], hashes[j]) == 0) !=
			    (j + 1 == i && story[i].same_as_before))
				fail_msg("%s and %s", story[i].name, story[j].name);
}

/* A few milliseconds here; the bound only catches reading every file. */
static void hashes_ten_thousand_files_without_reading_them(void **state)
{
	struct context *context;
	char hash[65];
	uint64_t began;

	(void)state;
	make_repo("echo FROM base:1 >Dockerfile && for d in $(seq 100); do mkdir d$d && cd d$d && "
		  "seq 100 | split -l 1 -a 3 && cd ..; done && printf '**/*.md\\ndocs\\n' "
		  ">.dockerignore");
	in_repo("rm -f $(printf '.git/objects/%s' $(git rev-parse HEAD:d1/xaaa | "
		"sed 's,..,&/,'))"); /* no blob has to be there */
	began = clock_ns();
	context = open_context("HEAD", &plain);
	assert_int_equal(context_hash(context, &bases, hash, &err), 0);
	print_message("             10,002 files hashed in %.1f ms\n",
		      (double)(clock_ns() - began) / 1e6);
	assert_true(clock_ns() - began < 1000000000);
	context_close(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(changes_with_everything_that_is_built),
		TEST(stays_with_what_the_image_cannot_see),
		TEST(counts_a_dockerignore_that_is_sent_as_content),
		TEST(changes_with_the_suites_wishes),
		TEST(changes_with_the_base_images),
		TEST(has_no_hash_without_a_base_image),
		TEST(tells_the_incidents_documentation_commits_from_the_others),
		TEST(hashes_ten_thousand_files_without_reading_them),
	};

	return cmocka_run_group_tests_name("deploy/context_hash", tests, NULL, NULL);
}
