/*
 * A server whose delays are known, for measuring what the load client adds: one thread, epoll,
 * awake when something is due soon.
 *
 *   endpoint_server [--stall]   prints its port on the loopback
 *
 * POST /echo answers at once. POST /sse/FIRST_US/COUNT/GAP_US answers a stream: the first token
 * after FIRST_US, COUNT of them, GAP_US apart, each at its own time from the request. A token's
 * text is three times: clock_ns right before its send(), nothing but its formatting between, the
 * time since the one before it, 0 for the first, and how long the send() of that took.
 * --stall: 1.5 s after the first request nothing is done for 1 s.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 65536
#define HEAD_BYTES_MAX 4096
#define AWAKE_NS UINT64_C(300000)
#define TOKEN                                                                                      \
	"data: {\"choices\":[{\"delta\":{\"content\":\"%" PRIu64 " %" PRIu64 " %" PRIu64           \
	" \"}}]}\n\n"
#define LAST "data: [DONE]\n\n"

struct connection {
	char head[HEAD_BYTES_MAX];
	size_t len;
	uint64_t due, gap_ns; /* of the next token */
	uint64_t sent;	      /* the last one, 0: none yet */
	uint64_t sending_ns;  /* of that */
	unsigned left;
};

/* A binary heap of connections by the time of their next token. */
struct due {
	uint64_t at;
	int fd;
};

static struct connection *connections[CONNECTIONS_MAX];
static struct due heap[CONNECTIONS_MAX];
static size_t heap_count;
static bool stalling;
static uint64_t stall_at;

static void heap_push(uint64_t at, int fd)
{
	size_t i = heap_count++;

	for (; i && heap[(i - 1) / 2].at > at; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = (struct due){at, fd};
}

static struct due heap_pop(void)
{
	const struct due top = heap[0], last = heap[--heap_count];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < heap_count; i = child) {
		if (child + 1 < heap_count && heap[child + 1].at < heap[child].at)
			child++;
		if (heap[child].at >= last.at)
			break;
		heap[i] = heap[child];
	}
	heap[i] = last;
	return top;
}

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
		perror("send");
}

static void chunk(char *out, size_t size, const char *data, const char *more)
{
	(void)snprintf(out, size, "%zx\r\n%s\r\n%s", strlen(data), data, more);
}

static unsigned long number(const char **at)
{
	unsigned long value = 0;

	while (**at >= '0' && **at <= '9')
		value = value * 10 + (unsigned long)(*(*at)++ - '0');
	*at += **at != '\0';
	return value;
}

static void answer(int fd, struct connection *connection)
{
	const char *path = strchr(connection->head, '/'), *at = path + strlen("/sse/");
	uint64_t now = clock_ns();

	if (!stall_at)
		stall_at = now + NS_PER_S * 3 / 2;
	if (strncmp(path, "/sse/", 5) != 0) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			"Content-Length: 15\r\n\r\n{\"output\":\"ok\"}");
		return;
	}
	connection->due = now + number(&at) * 1000;
	connection->left = (unsigned)number(&at);
	connection->gap_ns = number(&at) * 1000;
	connection->sent = connection->sending_ns = 0;
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		"Transfer-Encoding: chunked\r\n\r\n");
	heap_push(connection->due, fd);
}

static void token(int fd)
{
	struct connection *connection = connections[fd];
	char event[128], data[256], last[64];
	uint64_t now;

	chunk(last, sizeof(last), LAST, "0\r\n\r\n");
	connection->left--;
	now = clock_ns();
	(void)snprintf(event, sizeof(event), TOKEN, now,
		       connection->sent ? now - connection->sent : 0, connection->sending_ns);
	connection->sent = now;
	chunk(data, sizeof(data), event, connection->left ? "" : last);
	say(fd, data);
	connection->sending_ns = clock_ns() - now;
	connection->due += connection->gap_ns;
	if (connection->left)
		heap_push(connection->due, fd);
}

/* A client that goes away inside a stream leaves its place in the heap: the descriptor stays open
 * until the stream is over. */
static void take(int epoll, int fd)
{
	struct connection *connection = connections[fd];
	ssize_t got = recv(fd, connection->head + connection->len,
			   HEAD_BYTES_MAX - 1 - connection->len, 0);
	const char *end, *length;
	size_t whole;

	if (got <= 0) {
		(void)epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
		if (!connection->left)
			(void)close(fd);
		return;
	}
	connection->len += (size_t)got;
	connection->head[connection->len] = '\0';
	end = strstr(connection->head, "\r\n\r\n");
	if (!end)
		return;
	length = strcasestr(connection->head, "content-length: ");
	length = length && length < end ? length + strlen("content-length: ") : "";
	whole = (size_t)(end + 4 - connection->head) + number(&length);
	if (connection->len < whole)
		return;
	connection->len = 0;
	answer(fd, connection);
}

static void take_new(int epoll, int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

		if (fd >= CONNECTIONS_MAX)
			abort();
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (!connections[fd])
			connections[fd] = xcalloc(1, sizeof(struct connection));
		connections[fd]->len = 0;
		connections[fd]->left = 0;
		(void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	}
}

static void stall(void)
{
	const struct timespec second = {.tv_sec = 1};

	if (!stalling || !stall_at || clock_ns() < stall_at)
		return;
	stalling = false;
	(void)nanosleep(&second, NULL);
}

static void serve(int listener)
{
	struct epoll_event events[256], event = {.events = EPOLLIN, .data.fd = listener};
	int epoll = epoll_create1(0);

	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		uint64_t now = clock_ns();
		int wait = heap_count ? 0 : 10, count;

		if (heap_count && heap[0].at > now + AWAKE_NS + NS_PER_MS)
			wait = (int)((heap[0].at - now - AWAKE_NS) / NS_PER_MS);
		count = epoll_wait(epoll, events, 256, wait > 10 ? 10 : wait);
		stall();
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				take_new(epoll, listener);
			else
				take(epoll, events[i].data.fd);
		}
		while (heap_count && heap[0].at <= clock_ns())
			token(heap_pop().fd);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in place = {.sin_family = AF_INET,
				    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(place);
	struct rlimit files;

	stalling = argc > 1 && strcmp(argv[1], "--stall") == 0;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (bind(listener, (struct sockaddr *)&place, sizeof(place)) < 0 ||
	    getsockname(listener, (struct sockaddr *)&place, &size) < 0 ||
	    listen(listener, 16384) < 0) {
		perror("endpoint_server");
		return 1;
	}
	printf("%u\n", ntohs(place.sin_port));
	(void)fflush(stdout);
	serve(listener);
}
