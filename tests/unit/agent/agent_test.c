/* The real agent over pipes, as the engine room talks to it through a container's streams. */
#include "agent/agent.h"
#include "agent/protocol.h"
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define FRAME_MAX ((size_t)64 * 1024 * 1024)
#define PATIENCE_MS 30000

struct agent {
	pid_t pid;
	int to, from;
};

struct result {
	uint32_t id;
	int kind, value;
	uint64_t duration_ns;
	unsigned flags;
	struct buf out, errout;
};

struct ask {
	uint32_t id;
	const char *const *argv;
	const char *const *env;
	const char *workdir, *user, *input;
	uint64_t timeout_ms;
	uint32_t keep;
};

static void read_fully(int fd, void *data, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t done = 0;

	while (done < len) {
		ssize_t n;

		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		n = read(fd, (char *)data + done, len - done);
		assert_true(n > 0);
		done += (size_t)n;
	}
}

static void write_fully(int fd, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const char *)data + done, len - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
}

/* A frame into BODY: id, type and payload. */
static void read_frame(int fd, struct buf *body)
{
	unsigned char head[4];
	struct protocol_reader reader = {.at = head, .left = 4, .ok = true};
	size_t len;
	void *data;

	read_fully(fd, head, 4);
	len = (size_t)protocol_get(&reader, 4);
	assert_true(len >= 5 && len <= PROTOCOL_RESULT_MAX);
	data = malloc(len);
	read_fully(fd, data, len);
	buf_init(body, FRAME_MAX);
	buf_add(body, data, len);
	free(data);
}

static int program_file(void)
{
	size_t len;
	const void *program = agent_program(&len);
	int fd = memfd_create("assay-agent", MFD_CLOEXEC);

	assert_true(fd >= 0);
	write_fully(fd, program, len);
	return fd;
}

static int start(void **state)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	int to[2], from[2], program = program_file();
	char *argv[] = {(char *)(uintptr_t) "assay-agent", NULL};
	struct protocol_reader reader = {.ok = true};
	struct buf body;

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	agent->pid = fork();
	if (agent->pid == 0) {
		(void)dup2(to[0], 0);
		(void)dup2(from[1], 1);
		(void)fexecve(program, argv, environ);
		_exit(120);
	}
	(void)close(program);
	(void)close(to[0]);
	(void)close(from[1]);
	agent->to = to[1];
	agent->from = from[0];
	read_frame(agent->from, &body);
	reader.at = (const unsigned char *)body.data;
	reader.left = body.len;
	assert_int_equal(protocol_get(&reader, 4), 0);
	assert_int_equal(protocol_get(&reader, 1), PROTOCOL_READY);
	assert_int_equal(protocol_get(&reader, 4), PROTOCOL_VERSION);
	buf_done(&body);
	*state = agent;
	return 0;
}

/* Its exit status; 256 + signal. */
static int end(struct agent *agent)
{
	int status;

	(void)close(agent->to);
	assert_int_equal(waitpid(agent->pid, &status, 0), agent->pid);
	(void)close(agent->from);
	free(agent);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static int stop(void **state)
{
	if (*state != NULL)
		assert_int_equal(end(*state), 0);
	return 0;
}

static void put(struct buf *out, uint64_t value, size_t bytes)
{
	unsigned char raw[8];

	protocol_put(raw, value, bytes);
	buf_add(out, raw, bytes);
}

static void put_string(struct buf *out, const char *text)
{
	text = text == NULL ? "" : text;
	put(out, strlen(text), 4);
	buf_add(out, text, strlen(text) + 1);
}

static void put_list(struct buf *out, const char *const *list)
{
	size_t count = 0, i;

	while (list != NULL && list[count] != NULL)
		count++;
	put(out, count, 4);
	for (i = 0; i < count; i++)
		put_string(out, list[i]);
}

static void send_frame(const struct agent *agent, uint32_t id, int type, const struct buf *payload)
{
	struct buf frame;

	buf_init(&frame, FRAME_MAX);
	put(&frame, payload->len + 5, 4);
	put(&frame, id, 4);
	put(&frame, (uint64_t)type, 1);
	buf_add(&frame, payload->data, payload->len);
	write_fully(agent->to, frame.data, frame.len);
	buf_done(&frame);
}

static void ask(const struct agent *agent, const struct ask *a)
{
	struct buf payload;

	buf_init(&payload, FRAME_MAX);
	put(&payload, a->timeout_ms, 8);
	put(&payload, a->keep == 0 ? 65536 : a->keep, 4);
	put_string(&payload, a->workdir);
	put_string(&payload, a->user);
	put_list(&payload, a->argv);
	put_list(&payload, a->env);
	put(&payload, a->input == NULL ? 0 : strlen(a->input), 4);
	if (a->input != NULL)
		buf_addstr(&payload, a->input);
	send_frame(agent, a->id, PROTOCOL_RUN, &payload);
	buf_done(&payload);
}

static void receive(const struct agent *agent, struct result *out)
{
	struct protocol_reader reader = {.ok = true};
	struct buf body;
	const void *data;
	size_t len;

	read_frame(agent->from, &body);
	reader.at = (const unsigned char *)body.data;
	reader.left = body.len;
	out->id = (uint32_t)protocol_get(&reader, 4);
	assert_int_equal(protocol_get(&reader, 1), PROTOCOL_RESULT);
	out->kind = (int)protocol_get(&reader, 1);
	out->value = (int)protocol_get(&reader, 4);
	out->duration_ns = protocol_get(&reader, 8);
	out->flags = (unsigned)protocol_get(&reader, 1);
	buf_init(&out->out, FRAME_MAX);
	buf_init(&out->errout, FRAME_MAX);
	data = protocol_blob(&reader, &len);
	buf_add(&out->out, data, len);
	data = protocol_blob(&reader, &len);
	buf_add(&out->errout, data, len);
	assert_true(reader.ok && reader.left == 0);
	buf_done(&body);
}

static void result_done(struct result *result)
{
	buf_done(&result->out);
	buf_done(&result->errout);
}

static void converse(const struct agent *agent, const struct ask *a, struct result *out)
{
	ask(agent, a);
	receive(agent, out);
	assert_int_equal(out->id, a->id);
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void returns_output_and_exit_code(void **state)
{
	struct result r;

	converse(*state,
		 &(struct ask){.id = 7, .argv = ARGV("sh", "-c", "echo out; echo err >&2; exit 3")},
		 &r);
	assert_int_equal(r.kind, PROTOCOL_EXITED);
	assert_int_equal(r.value, 3);
	assert_string_equal(buf_str(&r.out), "out\n");
	assert_string_equal(buf_str(&r.errout), "err\n");
	assert_int_equal(r.flags, 0);
	result_done(&r);
}

static void passes_environment_folder_and_input(void **state)
{
	struct result r;

	converse(*state,
		 &(struct ask){.argv = ARGV("sh", "-c", "echo $A; pwd; cat"),
			       .env = ARGV("A=b=c"),
			       .workdir = "/usr",
			       .input = "hello"},
		 &r);
	assert_string_equal(buf_str(&r.out), "b=c\n/usr\nhello");
	result_done(&r);
}

static void finds_the_program_in_the_path_of_the_request(void **state)
{
	struct result r;

	converse(*state, &(struct ask){.argv = ARGV("true"), .env = ARGV("PATH=/nowhere:/usr/bin")},
		 &r);
	assert_int_equal(r.kind, PROTOCOL_EXITED);
	result_done(&r);
	converse(*state, &(struct ask){.argv = ARGV("true"), .env = ARGV("PATH=/nowhere")}, &r);
	assert_int_equal(r.kind, PROTOCOL_NOT_FOUND);
	result_done(&r);
}

static void says_when_a_program_is_missing_or_no_program(void **state)
{
	struct result r;

	converse(*state, &(struct ask){.argv = ARGV("no-such-program")}, &r);
	assert_int_equal(r.kind, PROTOCOL_NOT_FOUND);
	assert_int_equal(r.value, ENOENT);
	result_done(&r);
	converse(*state, &(struct ask){.argv = ARGV("/etc/passwd")}, &r);
	assert_int_equal(r.kind, PROTOCOL_NOT_FOUND);
	assert_int_equal(r.value, EACCES);
	result_done(&r);
}

static void a_program_that_exits_127_was_found(void **state)
{
	struct result r;

	converse(*state, &(struct ask){.argv = ARGV("sh", "-c", "exit 127")}, &r);
	assert_int_equal(r.kind, PROTOCOL_EXITED);
	assert_int_equal(r.value, 127);
	result_done(&r);
}

static void tells_missing_users_and_folders_apart(void **state)
{
	struct result r;

	converse(*state, &(struct ask){.argv = ARGV("true"), .workdir = "/no/such"}, &r);
	assert_int_equal(r.kind, PROTOCOL_NO_WORKDIR);
	assert_int_equal(r.value, ENOENT);
	result_done(&r);
	converse(*state, &(struct ask){.argv = ARGV("true"), .user = "no-such-user"}, &r);
	assert_int_equal(r.kind, PROTOCOL_NO_USER);
	result_done(&r);
}

static void reports_the_signal_that_ended_a_command(void **state)
{
	struct result r;

	converse(*state, &(struct ask){.argv = ARGV("sh", "-c", "kill -SEGV $$")}, &r);
	assert_int_equal(r.kind, PROTOCOL_SIGNALLED);
	assert_int_equal(r.value, SIGSEGV);
	result_done(&r);
}

/* Whether PID ends within the patience of this test; it may be a zombie for a moment. */
static bool goes_away(pid_t pid)
{
	const struct timespec moment = {.tv_nsec = 5 * 1000 * 1000};
	int i;

	for (i = 0; i < PATIENCE_MS / 5; i++) {
		if (kill(pid, 0) != 0)
			return true;
		(void)nanosleep(&moment, NULL);
	}
	return false;
}

static pid_t first_number(const struct buf *text)
{
	const char *p = buf_str(text);
	pid_t pid = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		pid = pid * 10 + (*p - '0');
	assert_true(pid > 1);
	return pid;
}

static void kills_the_whole_group_after_the_timeout(void **state)
{
	struct result r;

	converse(
		*state,
		&(struct ask){.argv = ARGV("sh", "-c", "(sh -c 'echo $$; sleep 600'; :) & wait; :"),
			      .timeout_ms = 300},
		&r);
	assert_int_equal(r.kind, PROTOCOL_TIMED_OUT);
	assert_true(r.duration_ns >= 300 * UINT64_C(1000000));
	assert_true(r.duration_ns < 10 * UINT64_C(1000000000));
	assert_true(goes_away(first_number(&r.out)));
	result_done(&r);
}

static void kills_what_a_command_left_behind(void **state)
{
	struct result r;

	converse(*state, &(struct ask){.argv = ARGV("sh", "-c", "sleep 600 & echo $!")}, &r);
	assert_int_equal(r.kind, PROTOCOL_EXITED);
	assert_int_equal(r.value, 0);
	assert_true(goes_away(first_number(&r.out)));
	result_done(&r);
}

static void does_not_wait_for_a_daemon_that_keeps_the_pipe(void **state)
{
	struct result r;
	pid_t daemon;

	converse(*state, &(struct ask){.argv = ARGV("sh", "-c", "setsid sleep 600 & echo $!")}, &r);
	assert_int_equal(r.kind, PROTOCOL_EXITED);
	assert_true(r.duration_ns < 10 * UINT64_C(1000000000));
	daemon = first_number(&r.out);
	(void)kill(daemon, SIGKILL);
	assert_true(goes_away(daemon));
	result_done(&r);
}

static void caps_a_gigabyte_of_output_and_lets_the_command_end(void **state)
{
	struct agent *agent = *state;
	char path[64], line[256];
	struct result r;
	size_t peak_kib = 0;
	FILE *status;

	converse(agent,
		 &(struct ask){
			 .argv = ARGV("sh", "-c", "head -c 1073741824 /dev/zero; echo done >&2"),
			 .keep = 1000},
		 &r);
	assert_int_equal(r.kind, PROTOCOL_EXITED);
	assert_int_equal(r.out.len, 1000);
	assert_int_equal(r.flags, PROTOCOL_OUT_TRUNCATED);
	assert_string_equal(buf_str(&r.errout), "done\n");
	result_done(&r);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)agent->pid);
	status = fopen(path, "r");
	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			for (const char *p = line; *p != '\0'; p++)
				if (*p >= '0' && *p <= '9')
					peak_kib = peak_kib * 10 + (size_t)(*p - '0');
	if (status != NULL)
		(void)fclose(status);
	assert_in_range(peak_kib, 1, 16 * 1024);
}

static void keeps_exactly_the_bytes_asked_for(void **state)
{
	struct result r;

	converse(*state, &(struct ask){.argv = ARGV("printf", "12345"), .keep = 5}, &r);
	assert_string_equal(buf_str(&r.out), "12345");
	assert_int_equal(r.flags, 0);
	result_done(&r);
	converse(*state, &(struct ask){.argv = ARGV("printf", "123456"), .keep = 5}, &r);
	assert_string_equal(buf_str(&r.out), "12345");
	assert_int_equal(r.flags, PROTOCOL_OUT_TRUNCATED);
	result_done(&r);
}

static void answers_two_hundred_requests_in_flight(void **state)
{
	bool seen[201] = {false};
	struct agent *agent = *state;
	uint32_t i;

	for (i = 1; i <= 200; i++)
		ask(agent, &(struct ask){.id = i,
					 .argv = ARGV("sh", "-c", "sleep 0.1; echo $N"),
					 .env = ARGV("N=5")});
	for (i = 1; i <= 200; i++) {
		struct result r;

		receive(agent, &r);
		assert_in_range(r.id, 1, 200);
		assert_false(seen[r.id]);
		seen[r.id] = true;
		assert_string_equal(buf_str(&r.out), "5\n");
		result_done(&r);
	}
}

static void runs_commands_side_by_side(void **state)
{
	struct agent *agent = *state;
	struct result r;

	ask(agent, &(struct ask){.id = 1, .argv = ARGV("sleep", "600"), .timeout_ms = 1000});
	converse(agent, &(struct ask){.id = 2, .argv = ARGV("true")}, &r);
	result_done(&r);
	receive(agent, &r);
	assert_int_equal(r.id, 1);
	assert_int_equal(r.kind, PROTOCOL_TIMED_OUT);
	result_done(&r);
}

static void commands_hold_no_descriptor_of_the_agent(void **state)
{
	struct result r;

	converse(*state, &(struct ask){.argv = ARGV("ls", "/proc/self/fd")}, &r);
	assert_string_equal(buf_str(&r.out), "0\n1\n2\n3\n"); /* 3 is ls reading the folder */
	result_done(&r);
}

static void commands_have_no_capabilities_and_default_signals(void **state)
{
	struct result r;

	converse(*state,
		 &(struct ask){.argv = ARGV("grep", "-E",
					    "^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|SigBlk|SigIgn)",
					    "/proc/self/status")},
		 &r);
	assert_string_equal(buf_str(&r.out), "SigBlk:\t0000000000000000\n"
					     "SigIgn:\t0000000000000000\n"
					     "CapInh:\t0000000000000000\n"
					     "CapPrm:\t0000000000000000\n"
					     "CapEff:\t0000000000000000\n"
					     "CapAmb:\t0000000000000000\n"
					     "NoNewPrivs:\t1\n");
	result_done(&r);
}

static void becomes_the_user_asked_for(void **state)
{
	struct result r;

	if (geteuid() != 0)
		skip();
	converse(*state,
		 &(struct ask){.argv = ARGV("sh", "-c", "id -u; id -g; echo $HOME"),
			       .user = "daemon"},
		 &r);
	assert_string_equal(buf_str(&r.out), "1\n1\n/usr/sbin\n");
	result_done(&r);
	converse(*state,
		 &(struct ask){.argv = ARGV("sh", "-c", "id -u; id -g; id -G"), .user = "4321:17"},
		 &r);
	assert_string_equal(buf_str(&r.out), "4321\n17\n17\n");
	result_done(&r);
	converse(*state, &(struct ask){.argv = ARGV("id", "-u"), .user = "4294967295"}, &r);
	assert_int_equal(r.kind, PROTOCOL_NO_USER);
	result_done(&r);
}

static void the_end_of_input_ends_agent_and_commands(void **state)
{
	struct agent *agent = *state;
	struct buf text;
	struct result r;
	char path[] = "/tmp/assay-agent-XXXXXX", digits[32] = "";
	int fd = mkstemp(path);
	pid_t sleeper;

	converse(agent, &(struct ask){.argv = ARGV("true")}, &r);
	result_done(&r);
	ask(agent, &(struct ask){.argv = ARGV("sh", "-c", "echo $$ >$F; exec sleep 600"),
				 .env = ARGV("F=/dev/stderr"),
				 .timeout_ms = 600000});
	/* The command writes its number to a file: the agent tells nothing before it ends. */
	buf_init(&text, 64);
	buf_printf(&text, "F=%s", path);
	ask(agent,
	    &(struct ask){.argv = ARGV("sh", "-c", "echo $$ >$F.tmp; mv $F.tmp $F; exec sleep 600"),
			  .env = ARGV(buf_str(&text))});
	buf_done(&text);
	(void)close(fd);
	for (int i = 0; i < PATIENCE_MS / 5 && digits[0] == '\0'; i++) {
		const struct timespec moment = {.tv_nsec = 5 * 1000 * 1000};

		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (read(fd, digits, sizeof(digits) - 1) <= 0)
			(void)nanosleep(&moment, NULL);
		(void)close(fd);
	}
	(void)unlink(path);
	buf_init(&text, 64);
	buf_addstr(&text, digits);
	sleeper = first_number(&text);
	buf_done(&text);
	assert_int_equal(end(agent), 0);
	*state = NULL;
	assert_true(goes_away(sleeper));
}

static void ends_at_a_bad_frame(struct agent *agent, const void *data, size_t len, void **state)
{
	write_fully(agent->to, data, len);
	assert_int_equal(end(agent), 2);
	*state = NULL;
}

static void a_frame_too_long_ends_it(void **state)
{
	const unsigned char head[] = {0xff, 0xff, 0xff, 0x7f};

	ends_at_a_bad_frame(*state, head, sizeof(head), state);
}

static void a_frame_too_short_ends_it(void **state)
{
	const unsigned char head[] = {4, 0, 0, 0, 1, 0, 0, 0};

	ends_at_a_bad_frame(*state, head, sizeof(head), state);
}

static void a_frame_of_unknown_type_ends_it(void **state)
{
	const unsigned char frame[] = {5, 0, 0, 0, 1, 0, 0, 0, 99};

	ends_at_a_bad_frame(*state, frame, sizeof(frame), state);
}

/* Every value of a good request in turn is the last one: none of the cut ones may run. */
static void a_request_cut_anywhere_ends_it(void **state)
{
	struct buf payload;
	size_t whole;

	buf_init(&payload, 4096);
	put(&payload, 0, 8);
	put(&payload, 10, 4);
	put_string(&payload, "/");
	put_string(&payload, "");
	put_list(&payload, ARGV("true"));
	put_list(&payload, ARGV("A=b"));
	put(&payload, 0, 4);
	whole = payload.len;
	for (payload.len = 0; payload.len < whole; payload.len += 3) {
		send_frame(*state, 1, PROTOCOL_RUN, &payload);
		assert_int_equal(end(*state), 2);
		(void)start(state);
	}
	buf_done(&payload);
}

static void a_request_with_impossible_values_ends_it(void **state)
{
	const struct ask bad[] = {
		{.argv = ARGV("true"), .keep = PROTOCOL_OUTPUT_MAX + 1},
		{.argv = ARGV("true"), .timeout_ms = UINT64_MAX},
		{.argv = ARGV("true"), .env = ARGV("no-equals-sign")},
		{.argv = ARGV("true"), .env = ARGV("=x")},
		{.argv = (const char *const[]){NULL}},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ask(*state, &bad[i]);
		assert_int_equal(end(*state), 2);
		(void)start(state);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

/* Its exit code, and what it wrote, when it is given ARGS instead of a conversation. */
static int tell(const char *word, const char *path, char *out, size_t size)
{
	char *argv[] = {(char *)(uintptr_t) "assay-agent", (char *)(uintptr_t)word,
			(char *)(uintptr_t)path, NULL};
	int from[2], status, program = program_file();
	pid_t pid;
	ssize_t len;

	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(from[1], 1);
		(void)fexecve(program, argv, environ);
		_exit(120);
	}
	(void)close(program);
	(void)close(from[1]);
	len = read(from[0], out, size - 1);
	assert_true(len >= 0);
	out[len] = '\0';
	(void)close(from[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void says_what_a_link_is(void **state)
{
	char folder[] = "/tmp/assay-agent-XXXXXX", path[64], out[128], want[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/link", folder);
	(void)snprintf(want, sizeof(want), "%u %u no where", (unsigned)getuid(),
		       (unsigned)getgid());
	assert_int_equal(symlink("no where", path), 0);
	assert_int_equal(tell(PROTOCOL_ARG_LINK, path, out, sizeof(out)), 0);
	assert_string_equal(out, want);
	assert_int_equal(tell(PROTOCOL_ARG_LINK, folder, out, sizeof(out)), PROTOCOL_LINK_NONE);
	(void)snprintf(want, sizeof(want), "%u %u", (unsigned)getuid(), (unsigned)getgid());
	assert_string_equal(out, want);
	(void)unlink(path);
	assert_int_equal(tell(PROTOCOL_ARG_LINK, path, out, sizeof(out)), PROTOCOL_LINK_NONE);
	(void)rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(returns_output_and_exit_code),
		TEST(passes_environment_folder_and_input),
		TEST(finds_the_program_in_the_path_of_the_request),
		TEST(says_when_a_program_is_missing_or_no_program),
		TEST(a_program_that_exits_127_was_found),
		TEST(tells_missing_users_and_folders_apart),
		TEST(reports_the_signal_that_ended_a_command),
		TEST(kills_the_whole_group_after_the_timeout),
		TEST(kills_what_a_command_left_behind),
		TEST(does_not_wait_for_a_daemon_that_keeps_the_pipe),
		TEST(caps_a_gigabyte_of_output_and_lets_the_command_end),
		TEST(keeps_exactly_the_bytes_asked_for),
		TEST(answers_two_hundred_requests_in_flight),
		TEST(runs_commands_side_by_side),
		TEST(commands_hold_no_descriptor_of_the_agent),
		TEST(commands_have_no_capabilities_and_default_signals),
		TEST(becomes_the_user_asked_for),
		TEST(the_end_of_input_ends_agent_and_commands),
		TEST(a_frame_too_long_ends_it),
		TEST(a_frame_too_short_ends_it),
		TEST(a_frame_of_unknown_type_ends_it),
		TEST(a_request_cut_anywhere_ends_it),
		TEST(a_request_with_impossible_values_ends_it),
		TEST(says_what_a_link_is),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("agent/agent", tests, NULL, NULL);
}
