/*
 * Runs in the forked child only, so it may allocate and leave things open. It gives up every
 * capability: a command of an image whose user is root keeps uid 0 and nothing else.
 */
#include "agent/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROUPS_MAX 64
#define CAPABILITIES_MAX 64
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[GROUPS_MAX];
	size_t group_count;
	const char *name; /* NULL: not in passwd */
	const char *home;
};

static _Noreturn void give_up(const struct child_files *files, int kind, int error)
{
	const struct failure failure = {.kind = kind, .error = error};

	/* A pipe takes these few bytes at once, or nothing can be said at all. */
	if (write(files->failure, &failure, sizeof(failure)) != (ssize_t)sizeof(failure))
		_exit(126);
	_exit(127);
}

/* Whole decimal number; -1 when TEXT is none. (uid_t)-1 means "unchanged", so it is refused. */
static int parse_id(const char *text, size_t len, unsigned *out)
{
	unsigned long long value = 0;
	size_t i;

	if (len == 0 || len > 10)
		return -1;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (unsigned long long)(text[i] - '0');
	}
	if (value >= UINT_MAX)
		return -1;
	*out = (unsigned)value;
	return 0;
}

/* The image chooses these files: only regular ones, so that opening cannot hang. */
static FILE *open_table(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return NULL;
	}
	return fdopen(fd, "r");
}

/* By name first, as Docker does, then by number. */
static int find_user(const char *name, size_t len, struct identity *who)
{
	FILE *file = open_table("/etc/passwd");
	bool numeric = parse_id(name, len, &who->uid) == 0;
	const struct passwd *entry;

	while (file != NULL && (entry = fgetpwent(file)) != NULL) {
		if (!(strlen(entry->pw_name) == len && memcmp(entry->pw_name, name, len) == 0) &&
		    !(numeric && entry->pw_uid == who->uid))
			continue;
		who->uid = entry->pw_uid;
		who->gid = entry->pw_gid;
		who->name = strdup(entry->pw_name);
		who->home = strdup(entry->pw_dir);
		return 0;
	}
	return numeric ? 0 : -1;
}

static int find_group(const char *name, struct identity *who)
{
	FILE *file = open_table("/etc/group");
	const struct group *entry;

	if (parse_id(name, strlen(name), &who->gid) == 0)
		return 0;
	while (file != NULL && (entry = fgetgrent(file)) != NULL) {
		if (strcmp(entry->gr_name, name) == 0) {
			who->gid = entry->gr_gid;
			return 0;
		}
	}
	return -1;
}

static void find_groups(struct identity *who)
{
	FILE *file = open_table("/etc/group");
	const struct group *entry;
	char **member;

	while (file != NULL && who->name != NULL && (entry = fgetgrent(file)) != NULL)
		for (member = entry->gr_mem; *member != NULL; member++)
			if (strcmp(*member, who->name) == 0 && who->group_count < GROUPS_MAX)
				who->groups[who->group_count++] = entry->gr_gid;
}

/* "uid", "name", "uid:gid", "name:group". */
static int become_user(const char *user)
{
	struct identity who = {.home = "/"};
	const char *colon = strchr(user, ':');
	size_t len = colon == NULL ? strlen(user) : (size_t)(colon - user);

	errno = 0;
	if (find_user(user, len, &who) != 0 ||
	    (colon != NULL && find_group(colon + 1, &who) != 0)) {
		errno = ENOENT;
		return -1;
	}
	if (colon == NULL)
		find_groups(&who);
	if (setgroups(who.group_count, who.groups) != 0 ||
	    setresgid(who.gid, who.gid, who.gid) != 0 || setresuid(who.uid, who.uid, who.uid) != 0)
		return -1;
	return setenv("HOME", who.home, 1);
}

/* Needs CAP_SETPCAP, which a container's agent lacks: its bounding set is small already. */
static void drop_bounds(void)
{
	unsigned long cap;

	for (cap = 0; cap < CAPABILITIES_MAX; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			break;
}

/* no_new_privs makes it final: no program of the image gets a capability back by execve. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}, {0}};

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) != 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* The command is the first to go when the container's memory ends, never the agent. */
static void prefer_for_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "800", 3) != 3)
		(void)0; /* only a preference */
	close(fd);
}

static int take_files(const struct child_files *files)
{
	return dup2(files->in, STDIN_FILENO) < 0 || dup2(files->out, STDOUT_FILENO) < 0 ||
			       dup2(files->errout, STDERR_FILENO) < 0
		       ? -1
		       : 0;
}

/* execvpe without its habit of handing files of unknown format to a shell. */
static int execute(char **argv)
{
	const char *path = getenv("PATH"), *end;
	char file[PATH_MAX];
	int error = ENOENT;

	if (strchr(argv[0], '/') != NULL || argv[0][0] == '\0') {
		execve(argv[0], argv, environ);
		return errno;
	}
	for (path = path == NULL ? DEFAULT_PATH : path;; path = end + 1) {
		end = strchrnul(path, ':');
		if (snprintf(file, sizeof(file), "%.*s%s%s", (int)(end - path), path,
			     end == path ? "" : "/", argv[0]) < (int)sizeof(file)) {
			execve(file, argv, environ);
			if (errno != ENOENT && errno != ENOTDIR && error == ENOENT)
				error = errno;
			if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
				return errno;
		}
		if (*end == '\0')
			return error;
	}
}

static bool is_absent(int error)
{
	return error == ENOENT || error == EACCES || error == ENOTDIR || error == ENOEXEC ||
	       error == ELOOP || error == ENAMETOOLONG || error == EISDIR || error == EINVAL ||
	       error == ELIBBAD || error == EPERM;
}

_Noreturn void child_become(const struct request *request, const struct child_files *files)
{
	sigset_t none;
	char **pair;
	int error;

	setsid();
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prefer_for_oom();
	if (take_files(files) != 0)
		give_up(files, PROTOCOL_NO_START, errno);
	drop_bounds();
	if (request->user[0] != '\0' && become_user(request->user) != 0)
		give_up(files, PROTOCOL_NO_USER, errno);
	if (drop_capabilities() != 0)
		give_up(files, PROTOCOL_NO_START, errno);
	if (request->workdir[0] != '\0' && chdir(request->workdir) != 0)
		give_up(files, PROTOCOL_NO_WORKDIR, errno);
	for (pair = request->env; *pair != NULL; pair++)
		putenv(*pair);
	error = execute(request->argv);
	give_up(files, is_absent(error) ? PROTOCOL_NOT_FOUND : PROTOCOL_NO_START, error);
}
