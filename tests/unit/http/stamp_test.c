/* Times of arrival: of loopback connections, and of clocks that are set. */
#include "http/stamp.h"

#include "base/clock.h"
#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define WALL (UINT64_C(1700000000) * NS_PER_S)
#define NOW (1000 * NS_PER_S)
#define CLOCKS_NS UINT64_C(20000) /* more than two readings of two clocks can differ */

struct pair {
	int reader, writer;
};

static struct pair pair_open(void)
{
	struct sockaddr_in place = {.sin_family = AF_INET,
				    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	socklen_t size = sizeof(place);
	struct pair pair;

	assert_int_equal(bind(listener, (struct sockaddr *)&place, sizeof(place)), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&place, &size), 0);
	assert_int_equal(listen(listener, 1), 0);
	pair.reader = socket(AF_INET, SOCK_STREAM, 0);
	stamp_enable(pair.reader);
	assert_int_equal(connect(pair.reader, (struct sockaddr *)&place, sizeof(place)), 0);
	pair.writer = accept(listener, NULL, NULL);
	assert_true(pair.writer >= 0);
	(void)setsockopt(pair.writer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)close(listener);
	return pair;
}

static void pair_close(const struct pair *pair)
{
	(void)close(pair->reader);
	(void)close(pair->writer);
}

static void say(const struct pair *pair, const char *text, size_t len)
{
	assert_int_equal(send(pair->writer, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Until something can be read: what was said has come. */
static void await(const struct pair *pair)
{
	struct pollfd wanted = {.fd = pair->reader, .events = POLLIN};

	assert_int_equal(poll(&wanted, 1, -1), 1);
}

static void take(const struct pair *pair, const char *text, size_t len)
{
	char bytes[8];

	assert_int_equal(recv(pair->reader, bytes, sizeof(bytes), 0), (ssize_t)len);
	assert_memory_equal(bytes, text, len);
}

/* The kernel begins to stamp a little after it was asked. */
static void await_stamps(const struct pair *pair, struct stamp_clock *clock)
{
	bool stamped = false;

	while (!stamped) {
		say(pair, "x", 1);
		await(pair);
		stamped = stamp_look(clock, pair->reader, 1).at_ns;
		take(pair, "x", 1);
	}
}

static void what_waits_came_when_it_was_sent(void **state)
{
	struct stamp_clock clock = {0};
	struct pair pair = pair_open();
	struct stamp first, again;
	uint64_t before, come;

	(void)state;
	await_stamps(&pair, &clock);
	assert_int_equal(stamp_look(&clock, pair.reader, 4096).at_ns, 0);
	before = clock_ns();
	say(&pair, "later", 5);
	await(&pair);
	come = clock_ns();
	first = stamp_look(&clock, pair.reader, 4096);
	assert_int_equal(first.len, 5);
	assert_in_range(first.at_ns, before - CLOCKS_NS, come + CLOCKS_NS);
	/* who looks later sees the same time, and the same bytes */
	while (clock_ns() < come + NS_PER_MS)
		;
	again = stamp_look(&clock, pair.reader, 4096);
	assert_in_range(again.at_ns, first.at_ns - CLOCKS_NS, first.at_ns + CLOCKS_NS);
	take(&pair, "later", 5);
	pair_close(&pair);
}

static void other_sockets_have_no_stamp(void **state)
{
	struct stamp_clock clock = {0};
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	stamp_enable(fds[0]);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(stamp_look(&clock, fds[0], 16).at_ns, 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_int_equal(stamp_look(&clock, -1, 16).at_ns, 0);
}

static void a_stamp_is_put_on_our_clock(void **state)
{
	struct stamp_clock clock = {0};

	(void)state;
	assert_int_equal(stamp_convert(&clock, WALL - 5, WALL, NOW), NOW - 5);
	assert_int_equal(stamp_convert(&clock, WALL, WALL, NOW), NOW);
	/* the readings may differ a little */
	assert_int_equal(stamp_convert(&clock, WALL + 90, WALL + 20100, NOW + 100), NOW - 19910);
}

static void a_stamp_that_cannot_be_is_none(void **state)
{
	struct stamp_clock clock = {0};

	(void)state;
	assert_int_equal(stamp_convert(&clock, WALL + 1, WALL, NOW), 0);
	assert_int_equal(stamp_convert(&clock, WALL - NOW, WALL, NOW), 0);
	assert_int_equal(stamp_convert(&clock, 0, WALL, NOW), 0);
}

static void a_wall_clock_that_was_set_is_doubted_for_a_second(void **state)
{
	const int64_t steps[] = {60 * NS_PER_S, -60 * (int64_t)NS_PER_S, NS_PER_MS,
				 -(int64_t)NS_PER_MS};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct stamp_clock clock = {0};
		uint64_t wall = WALL + (uint64_t)steps[i];

		assert_int_equal(stamp_convert(&clock, WALL - 5, WALL, NOW), NOW - 5);
		assert_int_equal(stamp_convert(&clock, wall - 5, wall, NOW), 0);
		assert_int_equal(stamp_convert(&clock, wall + NS_PER_S - 2, wall + NS_PER_S - 1,
					       NOW + NS_PER_S - 1),
				 0);
		assert_int_equal(
			stamp_convert(&clock, wall + NS_PER_S - 5, wall + NS_PER_S, NOW + NS_PER_S),
			NOW + NS_PER_S - 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_came_when_it_was_sent),
		cmocka_unit_test(other_sockets_have_no_stamp),
		cmocka_unit_test(a_stamp_is_put_on_our_clock),
		cmocka_unit_test(a_stamp_that_cannot_be_is_none),
		cmocka_unit_test(a_wall_clock_that_was_set_is_doubted_for_a_second),
	};

	return cmocka_run_group_tests_name("http/stamp", tests, NULL, NULL);
}
