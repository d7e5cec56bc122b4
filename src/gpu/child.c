#include "gpu/child.h"

#include "base/cancel.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS 20
#define KILL_NS UINT64_C(10000000000) /* how long a killed child may stay in the driver */

struct slot {
	const struct gpu_case *item; /* NULL: free */
	struct case_outcome *out;    /* shared with the child */
	pid_t pid;
	int output; /* read end of what the child prints, -1: closed */
	uint64_t started_ns;
	bool killed;
};

/* --- the child ------------------------------------------------------------------------------- */

static int open_all(struct case_env *env, const struct gpu_case *item,
		    const struct library_paths *paths, struct err *err)
{
	case_stage(env->out, "opening the card");
	if (item->no_gpu)
		return 0;
	if (cuda_open(&env->gpu, err) < 0)
		return -1;
	env->out->card = env->gpu.info;
	if (!item->needs_library)
		return 0;
	case_stage(env->out, "loading %.80s", paths->library);
	if (paths->library[0] == '\0')
		return err_set(err, ERR_NOTFOUND, "no library under test");
	return library_open(&env->gpu, paths, &env->library, err);
}

static _Noreturn void child_main(const struct gpu_case *item, const struct library_paths *paths,
				 struct case_outcome *out, int output)
{
	struct case_env env = {.out = out};
	struct err err = {.code = ERR_NONE};
	uint64_t start = clock_ns();

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(126);
	close(output);
	if (item->jit_off)
		setenv("CUDA_DISABLE_PTX_JIT", "1", 1);
	if (item->cache_off)
		setenv("CUDA_CACHE_DISABLE", "1", 1);
	if (open_all(&env, item, paths, &err) < 0) {
		case_undecided(out,
			       err.code == ERR_NOTFOUND ? CASE_SKIP
			       : err.code == ERR_INFRA	? CASE_INFRA
							: CASE_BROKEN,
			       "%s", err.msg);
	} else {
		case_stage(out, "starting");
		if (item->run(&env, &item->params, &err) < 0)
			case_failed(out, &err);
	}
	out->duration_ns = clock_ns() - start;
	out->finished = true;
	/* not exit: handlers of libraries may hang once the card has faulted */
	_exit(0);
}

/* --- the parent ------------------------------------------------------------------------------ */

static int start(struct slot *slot, const struct gpu_case *item, const struct library_paths *paths,
		 struct err *err)
{
	int ends[2];
	void *shared = mmap(NULL, sizeof(*slot->out), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return err_sys(err, ERR_INFRA, "shared memory");
	if (pipe2(ends, O_CLOEXEC) < 0) {
		munmap(shared, sizeof(*slot->out));
		return err_sys(err, ERR_INFRA, "pipe");
	}
	(void)fflush(NULL);
	*slot = (struct slot){.item = item, .out = shared, .output = ends[0]};
	slot->started_ns = clock_ns();
	slot->out->verdict = CASE_BROKEN;
	slot->pid = fork();
	if (slot->pid == 0) {
		close(ends[0]);
		child_main(item, paths, slot->out, ends[1]);
	}
	close(ends[1]);
	if (slot->pid < 0) {
		close(ends[0]);
		munmap(shared, sizeof(*slot->out));
		slot->item = NULL;
		return err_sys(err, ERR_INFRA, "fork");
	}
	return 0;
}

/* Keep the end of what the child prints. */
static void drain(struct slot *slot)
{
	char chunk[1024];
	char *text = slot->out->output;
	ssize_t got = read(slot->output, chunk, sizeof(chunk));
	size_t len = strlen(text), keep;

	if (got <= 0) {
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		close(slot->output);
		slot->output = -1;
		return;
	}
	for (ssize_t i = 0; i < got; i++)
		if (chunk[i] == '\0')
			chunk[i] = ' ';
	keep = CASE_OUTPUT_MAX - 1 - (size_t)got;
	if (len > keep) {
		memmove(text, text + len - keep, keep);
		len = keep;
	}
	memcpy(text + len, chunk, (size_t)got);
	text[len + (size_t)got] = '\0';
}

static void lose(struct case_outcome *out, const struct gpu_case *item, int status, bool timed_out)
{
	char actual[CASE_TEXT_MAX];

	case_lost(out, item, status, timed_out);
	if (!item->lost_as || out->verdict != CASE_FAIL || strcmp(out->label, item->lost_as) != 0)
		return;
	(void)snprintf(actual, sizeof(actual), "%s", out->actual);
	case_pass(out, "caught as %s: %.400s", item->lost_as, actual);
	out->label[0] = out->expected[0] = '\0';
}

static void finish(struct slot *slot, int status, bool stuck, child_done *done, void *payload)
{
	while (!stuck && slot->output >= 0) {
		struct pollfd ready = {slot->output, POLLIN, 0};

		if (poll(&ready, 1, 0) <= 0)
			break;
		drain(slot);
	}
	if (slot->output >= 0)
		close(slot->output);
	if (stuck)
		case_undecided(slot->out, CASE_INFRA,
			       "the driver does not let go of a killed process (%s)",
			       slot->out->stage);
	else if (!slot->out->finished)
		lose(slot->out, slot->item, status, slot->killed);
	if (!slot->out->duration_ns)
		slot->out->duration_ns = clock_ns() - slot->started_ns;
	done(payload, slot->item, slot->out);
	munmap(slot->out, sizeof(*slot->out));
	slot->item = NULL;
}

/* Deadlines, ends. */
static void look_after(struct slot *slot, child_done *done, void *payload)
{
	uint64_t age = clock_ns() - slot->started_ns;
	int status = 0;
	pid_t got = waitpid(slot->pid, &status, WNOHANG);

	if (got == slot->pid) {
		/* what it started may still hold the card */
		(void)kill(-slot->pid, SIGKILL);
		finish(slot, status, false, done, payload);
		return;
	}
	if (!slot->killed && age > slot->item->timeout_ns) {
		(void)kill(-slot->pid, SIGKILL);
		(void)kill(slot->pid, SIGKILL);
		slot->killed = true;
	}
	if (slot->killed && age > slot->item->timeout_ns + KILL_NS)
		finish(slot, 0, true, done, payload);
}

static void wait_for_output(struct slot *slots, unsigned jobs)
{
	struct pollfd ready[CHILD_JOBS_MAX];

	for (unsigned i = 0; i < jobs; i++)
		ready[i] = (struct pollfd){slots[i].item ? slots[i].output : -1, POLLIN, 0};
	if (poll(ready, jobs, POLL_MS) <= 0)
		return;
	for (unsigned i = 0; i < jobs; i++)
		if (ready[i].revents)
			drain(&slots[i]);
}

static unsigned busy(const struct slot *slots, unsigned jobs)
{
	unsigned count = 0;

	for (unsigned i = 0; i < jobs; i++)
		count += slots[i].item != NULL;
	return count;
}

static bool may_start(const struct gpu_case *item, const struct slot *slots, unsigned jobs)
{
	if (busy(slots, jobs) == 0)
		return true;
	if (item->alone)
		return false;
	for (unsigned i = 0; i < jobs; i++)
		if (slots[i].item && slots[i].item->alone)
			return false;
	return busy(slots, jobs) < jobs;
}

static int start_some(struct slot *slots, unsigned jobs, const struct gpu_case *items, size_t count,
		      size_t *next, const struct library_paths *paths, struct err *err)
{
	while (*next < count && may_start(&items[*next], slots, jobs)) {
		unsigned free_slot = 0;

		while (slots[free_slot].item)
			free_slot++;
		if (start(&slots[free_slot], &items[*next], paths, err) < 0)
			return -1;
		(*next)++;
	}
	return 0;
}

int child_run_all(const struct gpu_case *items, size_t count, const struct library_paths *paths,
		  unsigned jobs, child_done *done, void *payload, struct err *err)
{
	struct slot slots[CHILD_JOBS_MAX] = {{.item = NULL}};
	size_t next = 0;
	int rc = 0;

	if (jobs < 1 || jobs > CHILD_JOBS_MAX)
		return err_set(err, ERR_USAGE, "1 to %d jobs", CHILD_JOBS_MAX);
	while (rc == 0 && (next < count || busy(slots, jobs))) {
		rc = cancel_check(err);
		if (rc == 0)
			rc = start_some(slots, jobs, items, count, &next, paths, err);
		if (rc == 0)
			wait_for_output(slots, jobs);
		for (unsigned i = 0; rc == 0 && i < jobs; i++)
			if (slots[i].item)
				look_after(&slots[i], done, payload);
	}
	for (unsigned i = 0; i < jobs; i++)
		if (slots[i].item) {
			(void)kill(-slots[i].pid, SIGKILL);
			(void)kill(slots[i].pid, SIGKILL);
		}
	return rc;
}
