/* Contexts of repositories made by a script. */
#ifndef TESTS_CONTEXT_SUPPORT_H
#define TESTS_CONTEXT_SUPPORT_H

#include "../source/repo.h"
#include "deploy/deploy.h"

static char *scratch;
static struct arena *arena;
static struct source *source;
static struct err err;

static UNUSED_OK int setup(void **state)
{
	(void)state;
	scratch = repo_scratch();
	arena = arena_new();
	source = NULL;
	return 0;
}

static UNUSED_OK int teardown(void **state)
{
	(void)state;
	source_close(source);
	arena_free(arena);
	repo_remove(scratch);
	return 0;
}

static UNUSED_OK void in_repo(const char *script)
{
	repo_sh(scratch, arena_printf(arena, "cd repo\n%s", script));
}

/* A repository of one commit, made by SCRIPT. */
static UNUSED_OK void make_repo(const char *script)
{
	repo_sh(scratch, "git init -q -b main repo");
	in_repo(script);
	in_repo("git add -A && git commit -qm made");
	if (source_open(arena_printf(arena, "%s/repo", scratch), &source, &err) < 0)
		fail_msg("%s", err.msg);
}

static UNUSED_OK int try_open(const char *rev, const struct suite_image *image,
			      struct context **out)
{
	struct commit commit;

	if (source_resolve(source, rev, arena, &commit, &err) < 0)
		fail_msg("%s", err.msg);
	return context_open(source, commit.hash, image, out, &err);
}

static UNUSED_OK struct context *open_context(const char *rev, const struct suite_image *image)
{
	struct context *context = NULL;

	if (try_open(rev, image, &context) < 0)
		fail_msg("%s: %s", rev, err.msg);
	return context;
}

/* The whole tar, read PIECE bytes at a time. */
static UNUSED_OK void read_tar(struct context *context, size_t piece, struct buf *out)
{
	char *data = xcalloc(1, piece);
	ssize_t n;

	while ((n = context_read(context, data, piece, &err)) > 0)
		buf_add(out, data, (size_t)n);
	free(data);
	if (n < 0)
		fail_msg("%s", err.msg);
	assert_false(out->truncated);
}

/* The tar, written to FILE in the scratch folder. */
static UNUSED_OK void write_tar(struct context *context, const char *file)
{
	struct buf tar;

	buf_init(&tar, (size_t)64 * 1024 * 1024);
	read_tar(context, 65536, &tar);
	if (file_write(arena_printf(arena, "%s/%s", scratch, file), tar.data, tar.len, &err) < 0)
		fail_msg("%s", err.msg);
	buf_done(&tar);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
