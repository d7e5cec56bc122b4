#include "source/git.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Packs are mapped in small windows and few of them, so that reading a context of gigabytes does
 * not keep gigabytes resident. */
#define WINDOW_BYTES ((size_t)4 * 1024 * 1024)
#define MAPPED_BYTES ((size_t)16 * 1024 * 1024)
#define CACHE_BYTES ((ssize_t)16 * 1024 * 1024)

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start(void)
{
	/* Extensions that matter to writers only, or that show as missing objects. */
	static const char *extensions[] = {"partialclone", "preciousobjects", "worktreeconfig"};

	git_libgit2_init();
	/* safe.directory guards against hooks and settings of a stranger's repository. We run no
	 * hook and no command of it, and read commits only; CI mounts repositories of other users
	 * all the time. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions,
			 sizeof(extensions) / sizeof(extensions[0]));
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, WINDOW_BYTES);
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, MAPPED_BYTES);
	git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, CACHE_BYTES);
}

void git__start(void)
{
	(void)pthread_once(&started, start);
}

const char *git__message(void)
{
	const git_error *last = git_error_last();

	return last && last->message ? last->message : "libgit2 gives no reason";
}

int git__damaged(const char *type, const git_oid *oid, struct err *err)
{
	char hex[OID_HEX];

	git_oid_tostr(hex, sizeof(hex), oid);
	return err_set(err, ERR_INFRA, "%s %s cannot be read: %s: see git fsck", type, hex,
		       git__message());
}

static int compare(const void *a, const void *b)
{
	return git_oid_cmp(a, b);
}

bool git__is_boundary(const struct source *source, const git_oid *oid)
{
	return source->boundary_count && bsearch(oid, source->boundary, source->boundary_count,
						 sizeof(*oid), compare) != NULL;
}

int git__commit(struct source *source, const char *hash, git_commit **out, struct err *err)
{
	git_oid oid;

	if (git_oid_fromstr(&oid, hash) < 0)
		return err_set(err, ERR_BUG, "\"%.60s\" is not the hash of a commit", hash);
	if (git_commit_lookup(out, source->repo, &oid) < 0)
		return git__damaged("commit", &oid, err);
	return 0;
}

size_t git__base_len(const char *rev)
{
	size_t len = strcspn(rev, "~^:");
	const char *at = strstr(rev, "@{");

	return at && (size_t)(at - rev) < len ? (size_t)(at - rev) : len;
}

void git__object_done(git_object **object)
{
	git_object_free(*object);
}

void git__commit_done(git_commit **commit)
{
	git_commit_free(*commit);
}

void git__tree_done(git_tree **tree)
{
	git_tree_free(*tree);
}

void git__reference_done(git_reference **reference)
{
	git_reference_free(*reference);
}

#ifdef __has_feature
#if __has_feature(address_sanitizer)
/* libgit2 1.5 loses the match data of every pattern that does not match, and references whose
 * object is damaged: once or twice a command. Only stacks inside those calls are passed over, and
 * whole stacks are needed to tell, as libgit2 keeps no frame pointers. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:git_revparse_ext\nleak:git_repository_open_ext\nleak:git_reference_dwim\n"
	       "leak:git_reference_list\n";
}

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}
#endif
#endif
