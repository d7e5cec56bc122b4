/*
 * assay-agent: the entrypoint of a container under test. Reads requests from standard input, runs
 * each as a child in a session of its own and writes results to standard output (protocol.h).
 * Nothing of the image runs unless it is asked for.
 *
 * One thread, one poll loop. As PID 1 it reaps orphans; elsewhere it is a subreaper. Outputs are
 * read to their end but kept only up to a maximum, so a command can neither fill the memory nor
 * block on a full pipe. When the direct child ends, what is left of its session's group is killed
 * and the result goes out: a command is over when its first process is over.
 */
#include "agent/child.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIECE_MAX ((size_t)64 * 1024)
#define DRAIN_MAX ((size_t)2 * 1024 * 1024)   /* read after the end: more than a pipe holds */
#define UNSENT_MAX ((size_t)32 * 1024 * 1024) /* beyond it no new command starts */
#define NS_PER_MS UINT64_C(1000000)

enum { SLOT_SIGNAL, SLOT_IN, SLOT_OUT, SLOT_JOBS };

struct bytes {
	unsigned char *data;
	size_t len, cap;
};

struct stream {
	int fd; /* -1: closed */
	struct bytes kept;
	bool truncated;
};

struct job {
	pid_t pid; /* 0: the slot is free */
	uint32_t id;
	uint32_t keep;
	int failure_fd;
	struct stream out, errout;
	uint64_t began_ns, deadline_ns; /* 0: no deadline */
	bool timed_out;
};

struct agent {
	struct job jobs[PROTOCOL_RUNNING_MAX];
	size_t running;
	struct bytes in, unsent;
	size_t sent; /* of UNSENT */
	int signal_fd;
};

static _Noreturn void die(struct agent *agent, const char *why)
{
	size_t i;

	for (i = 0; i < PROTOCOL_RUNNING_MAX; i++)
		if (agent->jobs[i].pid > 0)
			kill(-agent->jobs[i].pid, SIGKILL);
	if (why == NULL)
		exit(0);
	fprintf(stderr, "assay-agent: %s\n", why);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* Room for LEN more bytes at the end; the process ends when memory does. */
static unsigned char *bytes_grow(struct bytes *bytes, size_t len)
{
	if (bytes->cap - bytes->len < len) {
		bytes->cap = (bytes->len + len) * 2;
		bytes->data = realloc(bytes->data, bytes->cap);
		if (bytes->data == NULL)
			_exit(3);
	}
	return bytes->data + bytes->len;
}

static void bytes_add(struct bytes *bytes, const void *data, size_t len)
{
	if (len == 0)
		return;
	memcpy(bytes_grow(bytes, len), data, len);
	bytes->len += len;
}

static void bytes_put(struct bytes *bytes, uint64_t value, size_t len)
{
	protocol_put(bytes_grow(bytes, len), value, len);
	bytes->len += len;
}

static void bytes_consume(struct bytes *bytes, size_t len)
{
	bytes->len -= len;
	if (bytes->len != 0)
		memmove(bytes->data, bytes->data + len, bytes->len);
}

static void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- results --------------------------------------------------------------------------------- */

static void send_head(struct agent *agent, uint32_t id, enum protocol_type type, size_t payload)
{
	bytes_put(&agent->unsent, payload + PROTOCOL_HEAD - 4, 4);
	bytes_put(&agent->unsent, id, 4);
	bytes_put(&agent->unsent, type, 1);
}

static void send_result(struct agent *agent, const struct job *job, int kind, int value)
{
	const struct bytes *out = &job->out.kept, *errout = &job->errout.kept;
	struct bytes *to = &agent->unsent;

	send_head(agent, job->id, PROTOCOL_RESULT, 1 + 4 + 8 + 1 + 4 + out->len + 4 + errout->len);
	bytes_put(to, (uint64_t)kind, 1);
	bytes_put(to, (uint64_t)value, 4);
	bytes_put(to, now_ns() - job->began_ns, 8);
	bytes_put(to,
		  (job->out.truncated ? PROTOCOL_OUT_TRUNCATED : 0U) |
			  (job->errout.truncated ? PROTOCOL_ERR_TRUNCATED : 0U),
		  1);
	bytes_put(to, out->len, 4);
	bytes_add(to, out->data, out->len);
	bytes_put(to, errout->len, 4);
	bytes_add(to, errout->data, errout->len);
}

static void flush(struct agent *agent)
{
	ssize_t n;

	while (agent->sent < agent->unsent.len) {
		n = write(STDOUT_FILENO, agent->unsent.data + agent->sent,
			  agent->unsent.len - agent->sent);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			die(agent, NULL); /* nobody listens any more */
		agent->sent += (size_t)n;
	}
	agent->sent = agent->unsent.len = 0;
	if (agent->unsent.cap > UNSENT_MAX)
		bytes_free(&agent->unsent);
}

/* --- a command's streams --------------------------------------------------------------------- */

/* Bytes read, 0 when there is nothing now or no more. */
static size_t stream_read(struct stream *stream, size_t keep)
{
	static unsigned char piece[PIECE_MAX];
	ssize_t n = read(stream->fd, piece, sizeof(piece));
	size_t room = keep - stream->kept.len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close_fd(&stream->fd);
		return 0;
	}
	if ((size_t)n > room)
		stream->truncated = true;
	bytes_add(&stream->kept, piece, (size_t)n < room ? (size_t)n : room);
	return (size_t)n;
}

/* What the command wrote before it ended is in the pipe already. A process that left the group
 * may still hold the other end, so the end of the stream is not waited for. */
static void stream_finish(struct stream *stream, size_t keep)
{
	size_t total = 0, n;

	while (stream->fd >= 0 && total < DRAIN_MAX && (n = stream_read(stream, keep)) != 0)
		total += n;
	close_fd(&stream->fd);
}

/* --- start and end of commands --------------------------------------------------------------- */

static void job_free(struct agent *agent, struct job *job)
{
	close_fd(&job->failure_fd);
	close_fd(&job->out.fd);
	close_fd(&job->errout.fd);
	bytes_free(&job->out.kept);
	bytes_free(&job->errout.kept);
	*job = (struct job){.failure_fd = -1, .out.fd = -1, .errout.fd = -1};
	agent->running--;
}

/* A file in memory: the command reads its input at its own pace and the agent is done with it. */
static int open_input(const struct request *request)
{
	int fd = request->input_len == 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
	size_t done = 0;
	ssize_t n;

	if (fd < 0)
		fd = memfd_create("input", MFD_CLOEXEC);
	while (fd >= 0 && done < request->input_len) {
		n = write(fd, (const char *)request->input + done, request->input_len - done);
		if (n < 0 && errno != EINTR)
			close_fd(&fd);
		else if (n > 0)
			done += (size_t)n;
	}
	if (fd >= 0 && done != 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* A pipe whose reading end is ours and does not block. */
static int open_pipe(int *reader, int *writer)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	*reader = fds[0];
	*writer = fds[1];
	return fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

/* 0 or errno. */
static int job_fork(struct job *job, const struct request *request)
{
	struct child_files files = {
		.in = open_input(request), .out = -1, .errout = -1, .failure = -1};
	int error = 0;

	if (files.in < 0 || open_pipe(&job->out.fd, &files.out) != 0 ||
	    open_pipe(&job->errout.fd, &files.errout) != 0 ||
	    open_pipe(&job->failure_fd, &files.failure) != 0) {
		error = errno;
	} else {
		job->pid = fork();
		if (job->pid == 0)
			child_become(request, &files);
		if (job->pid < 0)
			error = errno;
	}
	close_fd(&files.in);
	close_fd(&files.out);
	close_fd(&files.errout);
	close_fd(&files.failure);
	return error;
}

static void job_start(struct agent *agent, const struct request *request)
{
	struct job *job = agent->jobs;
	int error;

	while (job->pid != 0)
		job++;
	agent->running++;
	job->id = request->id;
	job->keep = request->keep;
	job->began_ns = now_ns();
	if (request->timeout_ms != 0)
		job->deadline_ns = job->began_ns + request->timeout_ms * NS_PER_MS;
	error = job_fork(job, request);
	if (error == 0)
		return;
	send_result(agent, job, PROTOCOL_NO_START, error);
	job_free(agent, job);
}

static void job_end(struct agent *agent, struct job *job, int status)
{
	struct failure failure;

	stream_finish(&job->out, job->keep);
	stream_finish(&job->errout, job->keep);
	if (read(job->failure_fd, &failure, sizeof(failure)) == (ssize_t)sizeof(failure))
		send_result(agent, job, failure.kind, failure.error);
	else if (job->timed_out)
		send_result(agent, job, PROTOCOL_TIMED_OUT, 0);
	else if (WIFSIGNALED(status))
		send_result(agent, job, PROTOCOL_SIGNALLED, WTERMSIG(status));
	else
		send_result(agent, job, PROTOCOL_EXITED, WEXITSTATUS(status));
	job_free(agent, job);
}

static struct job *find_job(struct agent *agent, pid_t pid)
{
	size_t i;

	for (i = 0; i < PROTOCOL_RUNNING_MAX; i++)
		if (agent->jobs[i].pid == pid)
			return &agent->jobs[i];
	return NULL;
}

/* The group is killed while its leader is still a zombie, so its number cannot be another's. */
static void reap(struct agent *agent)
{
	struct signalfd_siginfo ignored;
	struct job *job;
	siginfo_t info;
	int status;

	while (read(agent->signal_fd, &ignored, sizeof(ignored)) > 0)
		continue;
	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
			return;
		job = find_job(agent, info.si_pid);
		if (job != NULL)
			kill(-info.si_pid, SIGKILL);
		if (waitpid(info.si_pid, &status, 0) == info.si_pid && job != NULL)
			job_end(agent, job, status);
	}
}

/* Kill what is late. Milliseconds until the next deadline, -1: none. */
static int check_deadlines(struct agent *agent)
{
	uint64_t now = now_ns(), next = 0, wait_ms;
	struct job *job;

	for (job = agent->jobs; job < agent->jobs + PROTOCOL_RUNNING_MAX; job++) {
		if (job->pid == 0 || job->deadline_ns == 0 || job->timed_out)
			continue;
		if (job->deadline_ns <= now) {
			job->timed_out = true;
			kill(-job->pid, SIGKILL);
			kill(job->pid, SIGKILL); /* it may not lead a group yet */
		} else if (next == 0 || job->deadline_ns < next) {
			next = job->deadline_ns;
		}
	}
	if (next == 0)
		return -1;
	wait_ms = (next - now) / NS_PER_MS + 1;
	return wait_ms > 60000 ? 60000 : (int)wait_ms;
}

/* --- requests -------------------------------------------------------------------------------- */

/* A NULL-terminated list of strings inside the payload; NULL when malformed. */
static char **read_list(struct protocol_reader *reader)
{
	size_t count = (size_t)protocol_get(reader, 4), i;
	char **list;

	if (!reader->ok || count > PROTOCOL_STRINGS_MAX)
		return NULL;
	list = calloc(count + 1, sizeof(*list));
	for (i = 0; list != NULL && i < count; i++)
		list[i] = (char *)(uintptr_t)protocol_string(reader);
	return list;
}

static bool is_sound(const struct request *request, const struct protocol_reader *reader)
{
	char **pair;

	if (!reader->ok || reader->left != 0 || request->argv == NULL || request->env == NULL ||
	    request->argv[0] == NULL || request->keep > PROTOCOL_OUTPUT_MAX ||
	    request->timeout_ms > PROTOCOL_TIMEOUT_MS_MAX)
		return false;
	for (pair = request->env; *pair != NULL; pair++)
		if (strchr(*pair, '=') == NULL || **pair == '=')
			return false;
	return true;
}

static void serve(struct agent *agent, const unsigned char *frame, size_t len)
{
	struct protocol_reader reader = {.at = frame, .left = len, .ok = true};
	struct request request = {.id = (uint32_t)protocol_get(&reader, 4)};

	if (protocol_get(&reader, 1) != PROTOCOL_RUN)
		die(agent, "a frame of unknown type");
	request.timeout_ms = protocol_get(&reader, 8);
	request.keep = (uint32_t)protocol_get(&reader, 4);
	request.workdir = protocol_string(&reader);
	request.user = protocol_string(&reader);
	request.argv = read_list(&reader);
	request.env = read_list(&reader);
	request.input = protocol_blob(&reader, &request.input_len);
	if (!is_sound(&request, &reader))
		die(agent, "a malformed request");
	job_start(agent, &request);
	free(request.argv);
	free(request.env);
}

static bool has_room(const struct agent *agent)
{
	return agent->running < PROTOCOL_RUNNING_MAX && agent->unsent.len < UNSENT_MAX;
}

static void serve_frames(struct agent *agent)
{
	struct bytes *in = &agent->in;
	struct protocol_reader head;
	size_t done = 0, len;

	while (has_room(agent) && in->len - done >= 4) {
		head = (struct protocol_reader){.at = in->data + done, .left = 4, .ok = true};
		len = (size_t)protocol_get(&head, 4);
		if (len < PROTOCOL_HEAD - 4 || len > PROTOCOL_REQUEST_MAX)
			die(agent, "a frame of impossible length");
		if (in->len - done - 4 < len)
			break;
		serve(agent, in->data + done + 4, len);
		done += 4 + len;
	}
	if (done != 0)
		bytes_consume(in, done);
}

static void read_requests(struct agent *agent)
{
	ssize_t n = read(STDIN_FILENO, bytes_grow(&agent->in, PIECE_MAX), PIECE_MAX);

	if (n > 0)
		agent->in.len += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		die(agent, NULL);
}

/* --- the loop -------------------------------------------------------------------------------- */

static void set_up(struct agent *agent)
{
	const struct rlimit none = {0, 0};
	sigset_t chld;
	size_t i;

	for (i = 0; i < PROTOCOL_RUNNING_MAX; i++)
		agent->jobs[i].failure_fd = agent->jobs[i].out.fd = agent->jobs[i].errout.fd = -1;
	close_range(3, ~0U, 0); /* nothing inherited may reach the commands */
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	agent->signal_fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	/* Commands of the same uid must not reach the agent's streams through /proc or ptrace; a
	 * crash must not run the host's core handler. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	if (agent->signal_fd < 0 || fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK) != 0)
		die(agent, "cannot set up");
	send_head(agent, 0, PROTOCOL_READY, 4);
	bytes_put(&agent->unsent, PROTOCOL_VERSION, 4);
}

/* Slots 2i and 2i+1 after SLOT_JOBS are the streams of job i; poll ignores negative ones. */
static void wait_for_events(struct agent *agent, struct pollfd *fds)
{
	size_t i;

	fds[SLOT_SIGNAL] = (struct pollfd){.fd = agent->signal_fd, .events = POLLIN};
	fds[SLOT_IN] = (struct pollfd){.fd = STDIN_FILENO, .events = has_room(agent) ? POLLIN : 0};
	fds[SLOT_OUT] = (struct pollfd){.fd = agent->unsent.len != 0 ? STDOUT_FILENO : -1,
					.events = POLLOUT};
	for (i = 0; i < PROTOCOL_RUNNING_MAX; i++) {
		fds[SLOT_JOBS + 2 * i] =
			(struct pollfd){.fd = agent->jobs[i].out.fd, .events = POLLIN};
		fds[SLOT_JOBS + 2 * i + 1] =
			(struct pollfd){.fd = agent->jobs[i].errout.fd, .events = POLLIN};
	}
	if (poll(fds, SLOT_JOBS + 2 * PROTOCOL_RUNNING_MAX, check_deadlines(agent)) < 0 &&
	    errno != EINTR)
		die(agent, "poll failed");
}

static void handle_events(struct agent *agent, const struct pollfd *fds)
{
	size_t i;

	for (i = 0; i < PROTOCOL_RUNNING_MAX; i++) {
		if (fds[SLOT_JOBS + 2 * i].revents != 0)
			(void)stream_read(&agent->jobs[i].out, agent->jobs[i].keep);
		if (fds[SLOT_JOBS + 2 * i + 1].revents != 0)
			(void)stream_read(&agent->jobs[i].errout, agent->jobs[i].keep);
	}
	if (fds[SLOT_SIGNAL].revents != 0)
		reap(agent);
	if (fds[SLOT_IN].revents & POLLIN)
		read_requests(agent);
	else if (fds[SLOT_IN].revents != 0)
		die(agent, NULL); /* every writer is gone */
	serve_frames(agent);
	flush(agent);
}

/* --- instead of serving ---------------------------------------------------------------------- */

/* What PATH itself is and whose, for engines whose API looks through links and tells no owner
 * (protocol.h). */
static int tell_link(const char *path)
{
	static char target[PATH_MAX];
	struct stat info;
	ssize_t len = 0;

	if (lstat(path, &info) != 0)
		return errno == EACCES ? PROTOCOL_LINK_CLOSED : PROTOCOL_LINK_NONE;
	if (S_ISLNK(info.st_mode)) {
		len = readlink(path, target, sizeof(target));
		if (len < 0)
			return PROTOCOL_LINK_CLOSED;
	}
	printf("%u %u", (unsigned)info.st_uid, (unsigned)info.st_gid);
	if (!S_ISLNK(info.st_mode))
		return PROTOCOL_LINK_NONE;
	printf(" %.*s", (int)len, target);
	return 0;
}

static int tell_network(void)
{
	struct ifaddrs *list = NULL, *at;
	bool some = getifaddrs(&list) != 0; /* not known to be alone */

	for (at = list; at != NULL; at = at->ifa_next)
		if ((at->ifa_flags & IFF_UP) != 0 && (at->ifa_flags & IFF_LOOPBACK) == 0)
			some = true;
	freeifaddrs(list);
	return some ? PROTOCOL_NETWORK_SOME : PROTOCOL_NETWORK_NONE;
}

/* Where the engine made "/" itself it may have left out its owner's right to write, which nobody
 * misses who has all capabilities. Fails where "/" is another user's: then it is as the image says.
 */
static void open_root(void)
{
	struct stat info;

	if (stat("/", &info) == 0)
		(void)chmod("/", (info.st_mode & 07777) | S_IWUSR);
}

int main(int argc, char **argv)
{
	static struct agent agent;
	static struct pollfd fds[SLOT_JOBS + 2 * PROTOCOL_RUNNING_MAX];

	if (argc == 3 && strcmp(argv[1], PROTOCOL_ARG_LINK) == 0)
		return tell_link(argv[2]);
	if (argc == 2 && strcmp(argv[1], PROTOCOL_ARG_NETWORK) == 0)
		return tell_network();
	if (argc == 2 && strcmp(argv[1], PROTOCOL_ARG_OPEN_ROOT) == 0)
		open_root();
	set_up(&agent);
	flush(&agent);
	for (;;) {
		wait_for_events(&agent, fds);
		handle_events(&agent, fds);
	}
}
