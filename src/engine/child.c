#include "engine/child.h"

#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTINGS_MAX 8
#define ENVIRONMENT_MAX 4096

const char *child__find(const char *program, struct arena *arena)
{
	const char *path = getenv("PATH");

	if (!path)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path) {
		size_t len = strcspn(path, ":");
		const char *file = arena_printf(arena, "%.*s/%s", (int)len, path, program);

		if (len && access(file, X_OK) == 0)
			return file;
		path += len + (path[len] == ':');
	}
	return NULL;
}

static bool is_set_by(const char *entry, const char *const *settings)
{
	size_t len = strcspn(entry, "=") + 1;

	for (; *settings; settings++)
		if (strncmp(*settings, entry, len) == 0)
			return true;
	return false;
}

char *const *child__environment(const char *const *settings, struct arena *arena)
{
	char **out = arena_alloc(arena, (ENVIRONMENT_MAX + SETTINGS_MAX + 1) * sizeof(*out));
	size_t count = 0;

	for (size_t i = 0; environ[i] && count < ENVIRONMENT_MAX; i++)
		if (!is_set_by(environ[i], settings))
			out[count++] = environ[i];
	for (size_t i = 0; settings[i] && i < SETTINGS_MAX; i++)
		out[count++] = arena_strdup(arena, settings[i]);
	return out;
}

/* Between fork and exec only async-signal-safe calls: other threads may hold locks. */
_Noreturn static void become(const char *const *argv, char *const *environment, int in, int err_fd,
			     pid_t parent)
{
	struct sigaction fresh = {.sa_handler = SIG_DFL};
	sigset_t none;
	int null = open("/dev/null", O_WRONLY);

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)sigaction(SIGPIPE, &fresh, NULL);
	if (null < 0 || dup2(in, 0) < 0 || dup2(null, 1) < 0 || dup2(err_fd, 2) < 0)
		_exit(127);
	(void)execve(argv[0], (char *const *)argv, environment);
	_exit(127);
}

static void close_pair(const int pair[2])
{
	(void)close(pair[0]);
	(void)close(pair[1]);
}

int child__start(const char *const *argv, char *const *environment, struct child *out,
		 struct err *err)
{
	pid_t parent = getpid(), pid;
	int in[2], text[2];

	/* A socket and not a pipe: writing to it can be told to raise no SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0)
		return err_sys(err, ERR_INFRA, "starting %s", argv[0]);
	if (pipe2(text, O_CLOEXEC) < 0) {
		(void)err_sys(err, ERR_INFRA, "starting %s", argv[0]);
		close_pair(in);
		return -1;
	}
	pid = fork();
	if (pid == 0)
		become(argv, environment, in[1], text[1], parent);
	if (pid < 0) {
		(void)err_sys(err, ERR_INFRA, "starting %s", argv[0]);
		close_pair(in);
		close_pair(text);
		return -1;
	}
	(void)close(in[1]);
	(void)close(text[1]);
	(void)fcntl(in[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(text[0], F_SETFL, O_NONBLOCK);
	*out = (struct child){.pid = pid, .in = in[0], .out = text[0]};
	out->pidfd = pidfd_open(pid, 0);
	return 0;
}

void child__close_in(struct child *child)
{
	if (child->in >= 0)
		(void)close(child->in);
	child->in = -1;
}

int child__end(struct child *child, uint64_t grace_ns)
{
	struct pollfd p = {.fd = child->pidfd, .events = POLLIN};
	int status = 0, rc;

	child__close_in(child);
	do
		rc = poll(&p, 1, (int)(grace_ns / NS_PER_MS));
	while (rc < 0 && errno == EINTR);
	if (rc <= 0 || child->pidfd < 0)
		(void)kill(child->pid, SIGKILL);
	do
		rc = waitpid(child->pid, &status, 0);
	while (rc < 0 && errno == EINTR);
	if (child->pidfd >= 0)
		(void)close(child->pidfd);
	(void)close(child->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
