/* What is sent to the builder, judged with tar and git archive. */
#include "context_support.h"

static const struct suite_image plain = {.dockerfile = "Dockerfile", .context = "."};

static const char *const varied =
	"printf 'FROM base:1\\nCOPY . /x\\n' >Dockerfile\n"
	"mkdir -p src/deep 'with space' && echo main >src/main.c && echo d >src/deep/d\n"
	"echo '#!/bin/sh' >run.sh && chmod 755 run.sh && : >empty && ln -s src/main.c link\n"
	"ln -s /absolute/target absolute && echo s >'with space/a b' && echo u "
	">gr\xC3\xBC\xC3\x9F\n"
	"long=$(printf 'a%.0s' $(seq 90)); mkdir -p $long/$long/$long && echo l "
	">$long/$long/$long/f\n"
	"ln -s $long/$long/$long/f far && head -c 1500000 /dev/urandom >large.bin\n"
	"head -c 512 /dev/zero >block && echo a >src.a && echo b >src-b\n";

/* Names, types, modes, link targets and content below a folder, one line each. */
static const char *const describe =
	"{ find . -mindepth 1 -printf '%P %y %m %l\\n'; find . -type f -exec sha256sum {} +; } | "
	"sort";

static char *unpacked(struct context *context)
{
	write_tar(context, "context.tar");
	repo_sh(scratch, "rm -rf out && mkdir out && tar -xpf context.tar -C out");
	return repo_ask(arena_printf(arena, "%s/out", scratch), describe);
}

static char *archived(const char *tree)
{
	repo_sh(scratch, arena_printf(arena,
				      "rm -rf git && mkdir git && git -C repo -c tar.umask=0022 "
				      "archive %s | tar -xp -C git",
				      tree));
	return repo_ask(arena_printf(arena, "%s/git", scratch), describe);
}

static void assert_names(struct context *context, const char *expected)
{
	char *names;

	write_tar(context, "context.tar");
	names = repo_ask(scratch, "tar -tf context.tar | tr '\\n' ' ' | sed 's/ $//'");
	assert_string_equal(names, expected);
	free(names);
}

static void sends_the_commit_as_git_archives_it(void **state)
{
	struct context *context;
	char *got, *expected;

	(void)state;
	make_repo(varied);
	in_repo("echo dirty >src/main.c && rm run.sh && echo new >untracked && git add untracked");
	context = open_context("HEAD", &plain);
	got = unpacked(context);
	expected = archived("HEAD");
	assert_string_equal(got, expected);
	assert_string_equal(context_dockerfile_name(context), "Dockerfile");
	assert_string_equal(context_dockerfile_text(context), "FROM base:1\nCOPY . /x\n");
	assert_int_equal(context_bases(context)->count, 1);
	assert_string_equal(context_bases(context)->items[0], "base:1");
	free(got);
	free(expected);
	context_close(context);
}

static void sends_a_sub_folder_with_its_own_dockerfile(void **state)
{
	const struct suite_image image = {.dockerfile = "./app/docker/Dockerfile.gpu",
					  .context = "app/"};
	struct context *context;
	char *got, *expected;

	(void)state;
	make_repo("mkdir -p app/docker other && echo FROM scratch >app/docker/Dockerfile.gpu && "
		  "echo x >app/x && echo y >other/y && echo 'x' >.dockerignore");
	context = open_context("HEAD", &image);
	got = unpacked(context);
	expected = archived("HEAD:app");
	assert_string_equal(got, expected);
	assert_string_equal(context_dockerfile_name(context), "docker/Dockerfile.gpu");
	assert_string_equal(context_dockerfile_path(context), "app/docker/Dockerfile.gpu");
	free(got);
	free(expected);
	context_close(context);
}

static void sends_a_dockerfile_from_outside_under_a_name_that_is_hidden(void **state)
{
	const struct suite_image image = {.dockerfile = "docker/Dockerfile", .context = "app"};
	struct context *context;
	char *text;

	(void)state;
	make_repo("mkdir docker app && echo FROM scratch >docker/Dockerfile && echo x >app/x && "
		  "echo y >app/y");
	context = open_context("HEAD", &image);
	assert_names(context, ".assay.Dockerfile .dockerignore x y");
	assert_string_equal(context_dockerfile_name(context), ".assay.Dockerfile");
	text = repo_ask(scratch, "tar -xOf context.tar .assay.Dockerfile");
	assert_string_equal(text, "FROM scratch");
	free(text);
	text = repo_ask(scratch, "tar -xOf context.tar .dockerignore");
	assert_string_equal(text, ".dockerignore\n.assay.Dockerfile");
	free(text);
	context_close(context);

	in_repo("printf y >app/.dockerignore && git add -A && git commit -qm ignore");
	context = open_context("HEAD", &image);
	assert_names(context, ".assay.Dockerfile .dockerignore x");
	text = repo_ask(scratch, "tar -xOf context.tar .dockerignore");
	assert_string_equal(text, "y\n.assay.Dockerfile");
	free(text);
	context_close(context);
}

static void sends_what_a_linked_dockerfile_says(void **state)
{
	struct context *context;
	char *text;

	(void)state;
	make_repo("mkdir docker && echo FROM linked >docker/real && ln -s docker/real Dockerfile");
	context = open_context("HEAD", &plain);
	assert_string_equal(context_dockerfile_text(context), "FROM linked\n");
	assert_string_equal(context_dockerfile_name(context), ".assay.Dockerfile");
	write_tar(context, "context.tar");
	text = repo_ask(scratch, "tar -xOf context.tar .assay.Dockerfile");
	assert_string_equal(text, "FROM linked");
	free(text);
	context_close(context);
}

static void leaves_out_what_is_ignored_and_folders_that_become_empty(void **state)
{
	struct context *context;

	(void)state;
	make_repo("echo FROM scratch >Dockerfile && mkdir -p docs keep/inner a/b/c && "
		  "echo d >docs/x.md && echo k >keep/x.md && echo i >keep/inner/i && "
		  "echo deep >a/b/c/deep.md && echo R >README.md && echo t >t.py && "
		  "printf '# comment\\n**/*.md\\n!README.md\\nkeep/inner\\n' >.dockerignore");
	context = open_context("HEAD", &plain);
	assert_names(context, ".dockerignore Dockerfile README.md t.py");
	context_close(context);
}

static void sends_dockerfile_and_dockerignore_even_when_ignored(void **state)
{
	struct context *context;

	(void)state;
	make_repo("echo FROM scratch >Dockerfile && echo x >x && echo '*' >.dockerignore && "
		  "printf '*\\n!x\\n' >.dockerignore");
	context = open_context("HEAD", &plain);
	assert_names(context, ".dockerignore Dockerfile x");
	context_close(context);
}

static void takes_the_dockerfiles_own_ignore_file_first(void **state)
{
	const struct suite_image gpu = {.dockerfile = "docker/gpu.Dockerfile", .context = "."};
	struct context *context;

	(void)state;
	make_repo("mkdir docker && echo FROM scratch >Dockerfile && "
		  "echo FROM scratch >docker/gpu.Dockerfile && echo 1 >one && echo 2 >two && "
		  "echo one >.dockerignore && echo two >docker/gpu.Dockerfile.dockerignore");
	context = open_context("HEAD", &plain);
	assert_names(context, ".dockerignore Dockerfile docker/ docker/gpu.Dockerfile "
			      "docker/gpu.Dockerfile.dockerignore two");
	context_close(context);
	context = open_context("HEAD", &gpu);
	assert_names(context, ".dockerignore Dockerfile docker/ docker/gpu.Dockerfile "
			      "docker/gpu.Dockerfile.dockerignore one");
	context_close(context);
}

static void sends_submodules_as_empty_folders(void **state)
{
	struct context *context;

	(void)state;
	make_repo("echo FROM scratch >Dockerfile");
	in_repo("git update-index --add --cacheinfo "
		"160000,0123456789012345678901234567890123456789,third/lib && git commit -qm sub");
	context = open_context("HEAD", &plain);
	assert_names(context, "Dockerfile third/ third/lib/");
	context_close(context);
}

static void writes_sorted_names_without_times_and_owners(void **state)
{
	struct context *context;
	char *listing;

	(void)state;
	make_repo("echo FROM scratch >Dockerfile && mkdir a a-b && echo 1 >a/f && echo 2 >a-b/f && "
		  "echo 3 >a.txt && chmod 777 a.txt && ln -s a.txt z && touch -d 2001-01-01 a/f");
	context = open_context("HEAD", &plain);
	write_tar(context, "context.tar");
	listing = repo_ask(scratch, "tar --full-time --numeric-owner -tvf context.tar | tr -s ' '");
	assert_string_equal(listing, "-rw-r--r-- 0/0 13 1970-01-01 00:00:00 Dockerfile\n"
				     "drwxr-xr-x 0/0 0 1970-01-01 00:00:00 a/\n"
				     "drwxr-xr-x 0/0 0 1970-01-01 00:00:00 a-b/\n"
				     "-rw-r--r-- 0/0 2 1970-01-01 00:00:00 a-b/f\n"
				     "-rwxr-xr-x 0/0 2 1970-01-01 00:00:00 a.txt\n"
				     "-rw-r--r-- 0/0 2 1970-01-01 00:00:00 a/f\n"
				     "lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 z -> a.txt");
	free(listing);
	context_close(context);
}

static void gives_the_same_bytes_in_any_pieces(void **state)
{
	static const size_t pieces[] = {1000, 512, 4096, 100003, 4000000};
	struct context *first, *again;
	struct buf a, b;

	(void)state;
	make_repo(varied);
	first = open_context("HEAD", &plain);
	again = open_context("HEAD", &plain);
	buf_init(&a, (size_t)16 * 1024 * 1024);
	buf_init(&b, (size_t)16 * 1024 * 1024);
	read_tar(first, 65536, &a);
	assert_true(a.len > 1500000);
	assert_int_equal(a.len % 512, 0);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		buf_consume(&b, b.len);
		read_tar(again, pieces[i], &b);
		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.data, b.data, a.len);
		context_rewind(again);
	}
	/* Begun again in the middle of a file. */
	assert_true(context_read(again, b.data, 1000000, &err) > 0);
	context_rewind(again);
	buf_consume(&b, b.len);
	read_tar(again, 65536, &b);
	assert_memory_equal(a.data, b.data, a.len);
	buf_done(&a);
	buf_done(&b);
	context_close(first);
	context_close(again);
}

static void names_the_file_and_the_object_that_cannot_be_read(void **state)
{
	struct context *context;
	char data[4096];
	ssize_t n;
	char *id;

	(void)state;
	make_repo("echo FROM scratch >Dockerfile && mkdir m && head -c 30000 /dev/urandom "
		  ">m/weights");
	id = repo_ask(scratch, "cd repo && id=$(git rev-parse HEAD:m/weights) && "
			       "f=.git/objects/$(echo $id | sed 's,..,&/,') && chmod u+w $f && "
			       "head -c 20000 $f >$f.x && mv -f $f.x $f && echo $id");
	context = open_context("HEAD", &plain);
	while ((n = context_read(context, data, sizeof(data), &err)) > 0)
		continue;
	assert_int_equal(n, -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_non_null(strstr(err.msg, "m/weights"));
	assert_non_null(strstr(err.msg, id));
	free(id);
	context_close(context);
}

static void assert_refused(const struct suite_image *image, const char *part)
{
	struct context *context = NULL;

	assert_int_equal(try_open("HEAD", image, &context), -1);
	assert_null(context);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, part))
		fail_msg("\"%s\" lacks \"%s\"", err.msg, part);
}

static void says_which_dockerfiles_there_are(void **state)
{
	(void)state;
	make_repo("mkdir -p docker app && echo FROM scratch >docker/Dockerfile.gpu && "
		  "echo FROM scratch >app/api.dockerfile && echo x "
		  ">docker/Dockerfile.gpu.dockerignore "
		  "&& echo no >Dockerlike");
	assert_refused(&plain, "has no Dockerfile Dockerfile; it has app/api.dockerfile, "
			       "docker/Dockerfile.gpu: set image.dockerfile");
}

static void refuses_paths_that_do_not_exist_or_lead_outside(void **state)
{
	const struct suite_image missing = {.dockerfile = "Dockerfile", .context = "nothing"};
	const struct suite_image file = {.dockerfile = "Dockerfile", .context = "x"};
	const struct suite_image above = {.dockerfile = "Dockerfile", .context = "../other"};
	const struct suite_image rooted = {.dockerfile = "/Dockerfile", .context = "."};
	const struct suite_image folder = {.dockerfile = "d", .context = "."};
	const struct suite_image gone = {.dockerfile = "d/Dockerfile", .context = "."};

	(void)state;
	make_repo("echo FROM scratch >Dockerfile && echo x >x && mkdir d && echo y >d/y");
	assert_refused(&missing, "has no folder nothing");
	assert_refused(&file, "x is not a folder");
	assert_refused(&above, "image.context ../other lies outside the repository");
	assert_refused(&rooted, "image.dockerfile /Dockerfile lies outside the repository");
	assert_refused(&folder, "d is a folder");
	in_repo("git rm -q Dockerfile && git commit -qm none");
	assert_refused(&gone, "and no other");
}

static void tells_what_only_buildkit_builds(void **state)
{
	static const char *const files[][2] = {
		{"FROM a\\nRUN x\\n", NULL},
		{"FROM a\\nRUN x\\nRUN --mount=type=cache,target=/c x\\n",
		 "Dockerfile:3: RUN --mount"},
		{"FROM a\\nCOPY --chmod=755 a b\\n", "Dockerfile:2: COPY --chmod"},
		{"# syntax=docker/dockerfile:1\\nFROM a\\n", "Dockerfile:1: # syntax= directive"},
		{"FROM a\\nRUN <<E\\necho\\nE\\n", "Dockerfile:2: RUN << (here-document)"},
	};

	(void)state;
	make_repo("echo FROM scratch >Dockerfile");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct context *context;
		const char *reason;

		in_repo(arena_printf(arena, "printf '%s' >Dockerfile && git commit -qam %zu",
				     files[i][0], i));
		context = open_context("HEAD", &plain);
		reason = context_buildkit_reason(context, arena);
		assert_int_equal(context_needs_buildkit(context), files[i][1] != NULL);
		if (files[i][1])
			assert_string_equal(reason, files[i][1]);
		else
			assert_null(reason);
		context_close(context);
	}
}

static void writes_nothing(void **state)
{
	struct context *context;
	char *before, *after;

	(void)state;
	make_repo(varied);
	in_repo("echo dirty >empty && echo new >untracked");
	before = repo_snapshot(arena_printf(arena, "%s/repo", scratch));
	context = open_context("HEAD", &plain);
	write_tar(context, "context.tar");
	context_close(context);
	after = repo_snapshot(arena_printf(arena, "%s/repo", scratch));
	assert_string_equal(before, after);
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sends_the_commit_as_git_archives_it),
		TEST(sends_a_sub_folder_with_its_own_dockerfile),
		TEST(sends_a_dockerfile_from_outside_under_a_name_that_is_hidden),
		TEST(sends_what_a_linked_dockerfile_says),
		TEST(leaves_out_what_is_ignored_and_folders_that_become_empty),
		TEST(sends_dockerfile_and_dockerignore_even_when_ignored),
		TEST(takes_the_dockerfiles_own_ignore_file_first),
		TEST(sends_submodules_as_empty_folders),
		TEST(writes_sorted_names_without_times_and_owners),
		TEST(gives_the_same_bytes_in_any_pieces),
		TEST(names_the_file_and_the_object_that_cannot_be_read),
		TEST(says_which_dockerfiles_there_are),
		TEST(refuses_paths_that_do_not_exist_or_lead_outside),
		TEST(tells_what_only_buildkit_builds),
		TEST(writes_nothing),
	};

	return cmocka_run_group_tests_name("deploy/context", tests, NULL, NULL);
}
