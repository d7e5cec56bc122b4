#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../http/stub_server.h"
#include "engine/sweep_private.h"

#include <fcntl.h>
#include <sys/file.h>

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

static void sweep(const char *lock, const char *boot, const char *host, unsigned expected)
{
	char list[1024], target[128];
	const struct stub_rule rules[] = {
		{.match = "/_ping", .answer = HEAD "OK"},
		{.match = "/version", .answer = HEAD "{\"ApiVersion\":\"1.41\"}"},
		{.match = "/info", .answer = HEAD "{}"},
		{.match = "/containers/json?all=1", .answer = list},
		{.match = "DELETE /v1.41/containers/c0ffee?force=1&v=1",
		 .answer = "HTTP/1.1 204 No Content\r\n\r\n"},
		{0},
	};
	struct stub *stub = stub_start(rules);
	struct engine *engine;
	unsigned removed = 77;
	struct err err = {0};

	(void)snprintf(
		list, sizeof(list),
		HEAD "[{\"Id\":\"c0ffee\",\"Labels\":{\"assay.lock\":\"%s\",\"assay.boot\":\"%s\","
		     "\"assay.host\":\"%s\"}}]",
		lock, boot, host);
	(void)snprintf(target, sizeof(target), "unix://%s", stub->path);
	assert_int_equal(engine_open(target, &engine, &err), 0);
	if (engine_sweep(engine, &removed, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(removed, expected);
	assert_int_equal(strstr(stub->requests, "DELETE") != NULL, expected);
	engine_close(engine);
	stub_stop(stub);
}

static void removes_containers_of_dead_owners_only(void **state)
{
	char lock[] = "/tmp/assay-lock-XXXXXX";
	char boot[SWEEP_NAME_MAX], host[SWEEP_NAME_MAX];
	int fd = mkstemp(lock);

	(void)state;
	engine__boot_id(boot);
	engine__host_name(host);
	assert_true(*boot && *host && fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	sweep(lock, boot, host, 0); /* the owner lives */
	assert_int_equal(flock(fd, LOCK_UN), 0);
	sweep(lock, boot, host, 1);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	close(fd); /* as when the owner dies */
	sweep(lock, boot, host, 1);
	unlink(lock);
	sweep(lock, boot, host, 1); /* the file is gone */
	sweep("not-a-path", boot, host, 0);
}

static void leaves_other_hosts_alone(void **state)
{
	char host[SWEEP_NAME_MAX];

	(void)state;
	engine__host_name(host);
	sweep("/nonexistent/lock", "an-earlier-boot", host, 1);
	sweep("/nonexistent/lock", "an-earlier-boot", "another-host", 0);
	sweep("/nonexistent/lock", "", "", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removes_containers_of_dead_owners_only),
		cmocka_unit_test(leaves_other_hosts_alone),
	};

	return cmocka_run_group_tests_name("engine/sweep", tests, NULL, NULL);
}
