/* Sessions on a real engine with the base image of the fixtures; 77 where no engine is named. */
#include "base/clock.h"
#include "base/units.h"
#include "engine/session_private.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IMAGE "assay-fixture/base:1"
#define THREADS 8
#define COMMANDS 100

static struct engine *engine;
static struct session *shared;
static struct arena *arena;

static struct session *open_session(bool writable)
{
	struct session_spec spec = {.image = IMAGE, .writable = writable};
	struct session *session = NULL;
	struct err err = {0};

	if (session_open(engine, &spec, &session, &err) < 0)
		fail_msg("%s", err.msg);
	return session;
}

static int open_all(void **state)
{
	struct err err = {0};

	(void)state;
	arena = arena_new();
	if (engine_open(NULL, &engine, &err) < 0)
		fail_msg("%s", err.msg);
	shared = open_session(false);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	session_close(shared);
	engine_close(engine);
	arena_free(arena);
	return 0;
}

static struct command shell(const char *script)
{
	const char **argv = arena_alloc(arena, 3 * sizeof(*argv));

	argv[0] = "sh";
	argv[1] = "-c";
	argv[2] = script;
	return (struct command){
		.argv = {argv, 3}, .timeout_ns = 60 * NS_PER_S, .output_max = 65536};
}

static struct command_result run_in(struct session *session, const struct command *command)
{
	struct command_result result = {0};
	struct err err = {0};

	if (session_run(session, command, arena, &result, &err) < 0)
		fail_msg("%s", err.msg);
	return result;
}

static struct command_result run(const char *script)
{
	struct command command = shell(script);

	return run_in(shared, &command);
}

static void gives_back_output_and_exit_code(void **state)
{
	struct command_result r = run("echo out; echo err >&2; exit 4");

	(void)state;
	assert_string_equal(r.out, "out\n");
	assert_string_equal(r.errout, "err\n");
	assert_int_equal(r.exit_code, 4);
	assert_false(r.timed_out || r.not_found || r.out_truncated || r.errout_truncated);
	assert_true(r.duration_ns > 0);
}

static void counts_a_signal_as_128_and_more(void **state)
{
	(void)state;
	assert_int_equal(run("kill -TERM $$").exit_code, 143);
}

static void says_when_the_program_is_not_in_the_image(void **state)
{
	const char *argv[] = {"no-such-program"};
	struct command command = {.argv = {argv, 1}, .output_max = 10};

	(void)state;
	assert_true(run_in(shared, &command).not_found);
}

static void ends_a_command_at_its_limit(void **state)
{
	struct command command = shell("echo begun; sleep 600 & sleep 600");
	struct command_result r;

	(void)state;
	command.timeout_ns = 400 * NS_PER_MS;
	r = run_in(shared, &command);
	assert_true(r.timed_out);
	assert_string_equal(r.out, "begun\n");
	assert_true(r.duration_ns < 20 * NS_PER_S);
	assert_string_equal(run("cat /proc/[0-9]*/comm | grep -c sleep").out, "0\n");
}

static void the_root_is_read_only_but_tmp_is_not(void **state)
{
	(void)state;
	assert_int_not_equal(run("touch /x 2>/dev/null").exit_code, 0);
	assert_int_equal(run("echo 'echo ran' >/tmp/x; sh /tmp/x").exit_code, 0);
}

static void there_is_no_network_but_the_loop(void **state)
{
	(void)state;
	assert_string_equal(run("ls /sys/class/net").out, "lo\n");
	assert_string_equal(run("grep -c : /proc/net/dev").out, "1\n");
}

static void commands_have_no_capabilities(void **state)
{
	(void)state;
	assert_string_equal(run("grep -E '^Cap(Inh|Prm|Eff|Amb)|NoNewPrivs' /proc/self/status").out,
			    "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
			    "CapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n"
			    "NoNewPrivs:\t1\n");
}

static void commands_cannot_reach_the_agent(void **state)
{
	(void)state;
	assert_int_not_equal(run("echo fake >/proc/1/fd/1").exit_code, 0);
	(void)run("kill -KILL 1");
	assert_string_equal(run("echo alive").out, "alive\n");
}

static void honours_the_user(void **state)
{
	struct command command = shell("id -u; id -g; echo $HOME");

	(void)state;
	assert_string_equal(run_in(shared, &command).out, "0\n0\n/root\n");
	command.user = "1234:99";
	assert_string_equal(run_in(shared, &command).out, "1234\n99\n/\n");
	command.user = "nobody";
	assert_string_equal(run_in(shared, &command).out, "65534\n65534\n/nonexistent\n");
}

static void another_users_command_can_be_ended(void **state)
{
	struct command command = shell("sleep 600 & sleep 600");

	(void)state;
	command.user = "nobody";
	command.timeout_ns = 300 * NS_PER_MS;
	assert_true(run_in(shared, &command).timed_out);
	assert_string_equal(run("cat /proc/[0-9]*/comm | grep -c sleep").out, "0\n");
}

static void an_unknown_user_or_folder_is_the_users_mistake(void **state)
{
	struct command command = shell("true");
	struct command_result r;
	struct err err = {0};

	(void)state;
	command.user = "no-such-user";
	assert_int_equal(session_run(shared, &command, arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "no-such-user"));
	command.user = NULL;
	command.workdir = "/no/such";
	assert_int_equal(session_run(shared, &command, arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "/no/such"));
}

static void adds_environment_folder_and_input(void **state)
{
	struct pair pair = {"WORD", "a=b"};
	struct command command = shell("echo $WORD; pwd; cat");

	(void)state;
	command.env = (struct pairs){&pair, 1};
	command.workdir = "/usr";
	command.input = "given";
	assert_string_equal(run_in(shared, &command).out, "a=b\n/usr\ngiven");
}

static void caps_output_without_blocking_the_command(void **state)
{
	struct command command = shell("head -c 300000000 /dev/zero; echo end >&2");
	struct command_result r;

	(void)state;
	command.output_max = 100;
	r = run_in(shared, &command);
	assert_int_equal(r.exit_code, 0);
	assert_int_equal(r.out_len, 100);
	assert_true(r.out_truncated);
	assert_string_equal(r.errout, "end\n");
}

static void carries_megabytes_both_ways(void **state)
{
	size_t len = 3 * 1024 * 1024;
	char *input = malloc(len + 1);
	struct command command = shell("cat");
	struct command_result r;

	(void)state;
	memset(input, 'x', len);
	input[len] = '\0';
	command.input = input;
	command.output_max = len;
	r = run_in(shared, &command);
	assert_int_equal(r.out_len, len);
	assert_false(r.out_truncated);
	assert_memory_equal(r.out, input, len);
	free(input);
}

static void *run_many(void *arg)
{
	unsigned *good = arg;
	struct arena *own = arena_new();
	const char *argv[] = {"sh", "-c", "echo $0", "me"};
	struct command command = {
		.argv = {argv, 4}, .output_max = 100, .timeout_ns = 60 * NS_PER_S};

	for (unsigned i = 0; i < 20; i++) {
		const char *word = arena_printf(own, "%p-%u", arg, i);
		struct command_result r;

		argv[3] = word;
		if (session_run(shared, &command, own, &r, NULL) == 0 && r.out_len &&
		    strncmp(r.out, word, strlen(word)) == 0)
			(*good)++;
	}
	arena_free(own);
	return NULL;
}

static void threads_get_their_own_results(void **state)
{
	pthread_t threads[THREADS];
	unsigned good[THREADS] = {0};

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_many, &good[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		assert_int_equal(good[i], 20);
	}
}

/* Printed, not asserted: machines differ. */
static void a_hundred_commands(void **state)
{
	const char *argv[] = {"/bin/true"};
	struct command command = {.argv = {argv, 1}, .output_max = 10};
	uint64_t begin = clock_ns();
	char text[32];

	(void)state;
	for (int i = 0; i < COMMANDS; i++)
		assert_int_equal(run_in(shared, &command).exit_code, 0);
	print_message("%d commands one after the other: %s\n", COMMANDS,
		      units_duration(clock_ns() - begin, text, sizeof(text)));
}

/* Under a smaller limit than the default, so that any machine can take part. */
static void a_command_that_eats_the_memory_dies_alone(void **state)
{
	struct session_spec spec = {.image = IMAGE, .memory_bytes = 64 << 20};
	struct session *session = NULL;
	struct command command =
		shell("head -c 300000000 /dev/zero | tail -c 299999999 >/dev/null");
	struct err err = {0};

	(void)state;
	if (session_open(engine, &spec, &session, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(run_in(session, &command).exit_code, 137);
	command = shell("echo alive");
	assert_string_equal(run_in(session, &command).out, "alive\n");
	session_close(session);
}

static void a_writable_session_can_write(void **state)
{
	struct session *session = open_session(true);
	struct command command = shell("echo word >/made && cat /made");

	(void)state;
	assert_string_equal(run_in(session, &command).out, "word\n");
	session_close(session);
}

static struct file_info look(struct session *session, const char *path, bool follow, size_t max)
{
	struct file_info info = {0};
	struct err err = {0};

	if (session_file(session, path, follow, max, arena, &info, &err) < 0)
		fail_msg("%s", err.msg);
	return info;
}

static void looks_at_files_without_running_anything(void **state)
{
	struct file_info info = look(shared, "/etc/debian_version", true, 3);
	struct command_result sum =
		run("sha256sum </etc/debian_version; stat -c %s /etc/debian_version");

	(void)state;
	assert_int_equal(info.type, FILE_REGULAR);
	assert_int_equal(info.mode, 0644);
	assert_int_equal(info.content_len, 3);
	assert_true(info.content_truncated);
	assert_memory_equal(info.sha256, sum.out, 64);
	assert_null(look(shared, "/etc/debian_version", true, 0).content);
	info = look(shared, "/usr", true, 100);
	assert_int_equal(info.type, FILE_FOLDER);
	assert_null(info.content);
}

static void follows_links_inside_the_image(void **state)
{
	struct session *session = open_session(true);
	struct command command =
		shell("mkdir -p /a/b/c /d && echo found >/a/b/word && ln -s /a/b/c /d/l &&"
		      "ln -s ../word /a/b/c/up && ln -s /d/l/up /d/abs &&"
		      "ln -s loop /d/loop && ln -s /nowhere /d/dangling");
	struct file_info info;
	struct err err = {0};

	(void)state;
	assert_int_equal(run_in(session, &command).exit_code, 0);
	info = look(session, "/d/abs", false, 100);
	assert_int_equal(info.type, FILE_SYMLINK);
	assert_string_equal(info.link, "/d/l/up");
	assert_string_equal(look(session, "/d/abs", true, 100).content, "found\n");
	assert_string_equal(look(session, "/d/l/../word", true, 100).content, "found\n");
	assert_string_equal(look(session, "d/l/up", true, 100).content, "found\n");
	assert_int_equal(session_file(session, "/d/loop", true, 0, arena, &info, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_int_equal(session_file(session, "/d/dangling", true, 0, arena, &info, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	session_close(session);
}

static void a_missing_file_is_not_found(void **state)
{
	static const char *const paths[] = {"/no/such", "/etc/passwd/x", "/usr/no such"};
	struct file_info info;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct err err = {0};

		assert_int_equal(session_file(shared, paths[i], true, 10, arena, &info, &err), -1);
		assert_int_equal(err.code, ERR_NOTFOUND);
		assert_non_null(strstr(err.msg, paths[i]));
	}
}

static void a_missing_image_is_not_found(void **state)
{
	struct session_spec spec = {.image = "assay-no-such-image:1"};
	struct session *session;
	struct err err = {0};

	(void)state;
	assert_int_equal(session_open(engine, &spec, &session, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
}

/* The tests' engines have no bridge; any other must give the network that was asked for. */
static void a_network_is_there_or_missed_in_words(void **state)
{
	struct session_spec spec = {.image = IMAGE, .network = true};
	struct command command = shell("test $(grep -c : /proc/net/dev) -gt 1");
	struct session *session = NULL;
	struct err err = {0};

	(void)state;
	if (session_open(engine, &spec, &session, &err) == 0) {
		assert_int_equal(run_in(session, &command).exit_code, 0);
		session_close(session);
		return;
	}
	assert_int_equal(err.code, ERR_INFRA);
	assert_true(strstr(err.msg, "no network for containers") || strstr(err.msg, "bridge"));
}

static void a_killed_container_is_infrastructure(void **state)
{
	struct session *session = open_session(false);
	struct command command = shell("sleep 600");
	struct command_result r;
	struct err err = {0};

	(void)state;
	assert_int_equal(engine__call(engine, "POST",
				      arena_printf(arena, "/containers/%s/kill", session->id), NULL,
				      204, 0, NULL, &err),
			 0);
	assert_int_equal(session_run(session, &command, arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_non_null(strstr(err.msg, "killed by signal 9"));
	session_close(session);
}

/* The owner is a lock file that nobody holds any more: the sweep must know the container. */
static void closing_or_sweeping_removes_the_container(void **state)
{
	struct session_spec spec = {.image = IMAGE, .owner = "/tmp/assay-no-such-lock"};
	struct session *session = open_session(false);
	const char *path = arena_printf(arena, "/containers/%s/json", session->id);
	struct err err = {0};
	unsigned removed = 0;

	(void)state;
	session_close(session);
	assert_int_equal(engine__call(engine, "GET", path, NULL, 200, 0, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_int_equal(session_open(engine, &spec, &session, &err), 0);
	path = arena_printf(arena, "/containers/%s/json", session->id);
	assert_int_equal(engine_sweep(engine, &removed, &err), 0);
	assert_true(removed >= 1);
	assert_int_equal(engine__call(engine, "GET", path, NULL, 200, 0, NULL, &err), -1);
	session_close(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_output_and_exit_code),
		cmocka_unit_test(counts_a_signal_as_128_and_more),
		cmocka_unit_test(says_when_the_program_is_not_in_the_image),
		cmocka_unit_test(ends_a_command_at_its_limit),
		cmocka_unit_test(the_root_is_read_only_but_tmp_is_not),
		cmocka_unit_test(there_is_no_network_but_the_loop),
		cmocka_unit_test(commands_have_no_capabilities),
		cmocka_unit_test(commands_cannot_reach_the_agent),
		cmocka_unit_test(honours_the_user),
		cmocka_unit_test(another_users_command_can_be_ended),
		cmocka_unit_test(an_unknown_user_or_folder_is_the_users_mistake),
		cmocka_unit_test(adds_environment_folder_and_input),
		cmocka_unit_test(caps_output_without_blocking_the_command),
		cmocka_unit_test(carries_megabytes_both_ways),
		cmocka_unit_test(threads_get_their_own_results),
		cmocka_unit_test(a_hundred_commands),
		cmocka_unit_test(a_command_that_eats_the_memory_dies_alone),
		cmocka_unit_test(a_writable_session_can_write),
		cmocka_unit_test(looks_at_files_without_running_anything),
		cmocka_unit_test(follows_links_inside_the_image),
		cmocka_unit_test(a_missing_file_is_not_found),
		cmocka_unit_test(a_missing_image_is_not_found),
		cmocka_unit_test(a_network_is_there_or_missed_in_words),
		cmocka_unit_test(a_killed_container_is_infrastructure),
		cmocka_unit_test(closing_or_sweeping_removes_the_container),
	};
	const char *host = getenv("DOCKER_HOST"), *required = getenv("REQUIRE_DOCKER");

	if ((!host || !*host) && (!required || strcmp(required, "1") != 0)) {
		(void)puts("skipped: DOCKER_HOST is not set");
		return 77;
	}
	return cmocka_run_group_tests_name("engine/session", tests, open_all, close_all);
}
