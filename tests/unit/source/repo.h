/* Git repositories made with the git client in a scratch folder, for tests that read them. */
#ifndef TESTS_REPO_H
#define TESTS_REPO_H

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPO_OUTPUT_MAX ((size_t)8 * 1024 * 1024)
#define UNUSED_OK __attribute__((unused))

/* No setting of the machine, fixed identities and times: hashes are the same everywhere. */
static const char *const repo_environment[][2] = {
	{"GIT_CONFIG_GLOBAL", "/dev/null"},
	{"GIT_CONFIG_SYSTEM", "/dev/null"},
	{"GIT_AUTHOR_NAME", "Ada Author"},
	{"GIT_AUTHOR_EMAIL", "ada@example.org"},
	{"GIT_AUTHOR_DATE", "2025-10-06T10:00:00+0000"},
	{"GIT_COMMITTER_NAME", "Ada Author"},
	{"GIT_COMMITTER_EMAIL", "ada@example.org"},
	{"GIT_COMMITTER_DATE", "2025-10-06T10:00:00+0000"},
	{"LC_ALL", "C"},
	{"TZ", "UTC"},
};

/* Run SCRIPT with sh in DIR, its output (without the last line break) in OUT when not NULL. The
 * test fails when the script does. */
static UNUSED_OK void repo_sh_out(const char *dir, const char *script, struct buf *out)
{
	char piece[65536];
	int ends[2], status = -1;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (chdir(dir) < 0 || dup2(ends[1], 1) < 0)
			_exit(120);
		close(ends[0]);
		for (size_t i = 0; i < sizeof(repo_environment) / sizeof(repo_environment[0]); i++)
			setenv(repo_environment[i][0], repo_environment[i][1], 1);
		execl("/bin/sh", "sh", "-euc", script, (char *)NULL);
		_exit(121);
	}
	close(ends[1]);
	while ((got = read(ends[0], piece, sizeof(piece))) > 0)
		if (out)
			buf_add(out, piece, (size_t)got);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		print_error("script failed (%d): %s\n", status, script);
	assert_int_equal(status, 0);
	while (out && out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
}

static UNUSED_OK void repo_sh(const char *dir, const char *script)
{
	repo_sh_out(dir, script, NULL);
}

/* The output of SCRIPT; the caller frees. */
static UNUSED_OK char *repo_ask(const char *dir, const char *script)
{
	struct buf out;
	char *text;

	buf_init(&out, REPO_OUTPUT_MAX);
	repo_sh_out(dir, script, &out);
	text = xstrdup(buf_str(&out));
	buf_done(&out);
	return text;
}

static UNUSED_OK char *repo_scratch(void)
{
	char *dir = xstrdup("/tmp/assay-test-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static UNUSED_OK void repo_remove(char *dir)
{
	struct err err;

	assert_int_equal(file_remove_tree(dir, &err), 0);
	free(dir);
}

/* Everything about every file, the git folder included, that reading could change. */
static UNUSED_OK char *repo_snapshot(const char *dir)
{
	return repo_ask(dir, "find . -printf '%p %y %m %U %s %T@ %C@ %l\\n' | sort");
}

#endif
