#include "deploy/gpu.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/units.h"
#include "gpu/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLICE_NS (UINT64_C(100) * NS_PER_MS) /* how often a wait looks at base/cancel */
#define PIECE_MAX ((size_t)64 * 1024)
#define STREAMS 2

struct stream {
	int read, write; /* the two ends, -1 when closed */
	struct buf kept;
};

struct host_run {
	pid_t pid; /* of the program and of its group */
	struct stream streams[STREAMS];
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* The program as a file that has no name: nothing is left behind, however this process ends. */
static int open_program(struct err *err)
{
	size_t len, done = 0;
	const char *program = gpu_program(&len);
	int fd = memfd_create("assay-gpu", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(err, ERR_INFRA, "assay-gpu");
	while (done < len) {
		ssize_t some = write(fd, program + done, len - done);

		if (some < 0 && errno == EINTR)
			continue;
		if (some <= 0) {
			(void)err_sys(err, ERR_INFRA, "assay-gpu");
			(void)close(fd);
			return -1;
		}
		done += (size_t)some;
	}
	return fd;
}

/* Between fork and exec only async-signal-safe calls: other threads may hold locks. */
_Noreturn static void become(int program, char *const *argv, const struct host_run *run,
			     pid_t parent)
{
	struct sigaction fresh = {.sa_handler = SIG_DFL};
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)sigaction(SIGPIPE, &fresh, NULL);
	if (null >= 0 && dup2(null, 0) >= 0 && dup2(run->streams[0].write, 1) >= 0 &&
	    dup2(run->streams[1].write, 2) >= 0)
		(void)fexecve(program, argv, environ);
	_exit(127);
}

static int start(const struct gpu_request *request, struct arena *arena, struct host_run *run,
		 struct err *err)
{
	const char **argv = arena_alloc(arena, (request->args.count + 2) * sizeof(*argv));
	pid_t parent = getpid();
	int program;

	for (size_t i = 0; i < STREAMS; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_sys(err, ERR_INFRA, "starting assay-gpu");
		run->streams[i].read = ends[0];
		run->streams[i].write = ends[1];
	}
	program = open_program(err);
	if (program < 0)
		return -1;
	argv[0] = "assay-gpu";
	for (size_t i = 0; i < request->args.count; i++)
		argv[i + 1] = request->args.items[i];
	run->pid = fork();
	if (run->pid == 0)
		become(program, (char *const *)argv, run, parent);
	if (run->pid > 0) /* whoever is first: a kill must find the group */
		(void)setpgid(run->pid, run->pid);
	(void)close(program);
	for (size_t i = 0; i < STREAMS; i++)
		close_end(&run->streams[i].write);
	return run->pid < 0 ? err_sys(err, ERR_INFRA, "starting assay-gpu") : 0;
}

static void take(struct stream *stream, short events)
{
	char piece[PIECE_MAX];
	ssize_t len;

	if (!events)
		return;
	len = read(stream->read, piece, sizeof(piece));
	if (len > 0)
		buf_add(&stream->kept, piece, (size_t)len);
	else if (len == 0 || errno != EINTR)
		close_end(&stream->read);
}

/* Until both streams end. 1: the limit passed; -1: cancelled. */
static int listen_to(struct host_run *run, uint64_t deadline, struct err *err)
{
	while (run->streams[0].read >= 0 || run->streams[1].read >= 0) {
		struct pollfd polled[STREAMS];

		if (cancel_check(err) < 0)
			return -1;
		if (clock_ns() >= deadline)
			return 1;
		for (size_t i = 0; i < STREAMS; i++)
			polled[i] = (struct pollfd){.fd = run->streams[i].read, .events = POLLIN};
		if (poll(polled, STREAMS, (int)(SLICE_NS / NS_PER_MS)) <= 0)
			continue;
		for (size_t i = 0; i < STREAMS; i++)
			take(&run->streams[i], polled[i].revents);
	}
	return 0;
}

static int end(const struct host_run *run, bool kill_it)
{
	int status = 0, rc;

	if (kill_it)
		(void)kill(-run->pid, SIGKILL);
	do
		rc = waitpid(run->pid, &status, 0);
	while (rc < 0 && errno == EINTR);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void give(struct host_run *run, struct arena *arena, struct command_result *out)
{
	const struct buf *text = &run->streams[0].kept, *errtext = &run->streams[1].kept;

	out->out = arena_strndup(arena, buf_str(text), text->len);
	out->out_len = text->len;
	out->out_truncated = text->truncated;
	out->errout = arena_strndup(arena, buf_str(errtext), errtext->len);
	out->errout_len = errtext->len;
	out->errout_truncated = errtext->truncated;
}

int gpu_host_run(const struct gpu_request *request, struct arena *arena, struct command_result *out,
		 struct err *err)
{
	struct host_run run = {.pid = -1};
	struct command_result result = {0};
	uint64_t begun = clock_ns();
	int rc;

	for (size_t i = 0; i < STREAMS; i++) {
		run.streams[i] = (struct stream){.read = -1, .write = -1};
		buf_init(&run.streams[i].kept, request->output_max);
	}
	rc = start(request, arena, &run, err);
	if (rc == 0) {
		rc = listen_to(&run, begun + request->timeout_ns, err);
		result.timed_out = rc == 1;
		result.exit_code = end(&run, rc != 0);
		result.duration_ns = clock_ns() - begun;
	}
	if (rc >= 0) {
		give(&run, arena, &result);
		*out = result;
	}
	for (size_t i = 0; i < STREAMS; i++) {
		close_end(&run.streams[i].read);
		close_end(&run.streams[i].write);
		buf_done(&run.streams[i].kept);
	}
	return rc < 0 ? -1 : 0;
}
