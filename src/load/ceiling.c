#include "load/ceiling.h"

#include "base/units.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY "{\"prompt\": \"What is the capital of France?\"}"
#define ANSWER                                                                                     \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"          \
	"{\"output\":\"ok\"}"
#define IN_FLIGHT 32	     /* of the closed loop */
#define IN_FLIGHT_OPEN 10000 /* as a suite's load, unless it says */
#define WARMUP 100
#define EVENTS_MAX 256
#define READ_BYTES 4096

/* --- the server ------------------------------------------------------------------------------ */

struct server {
	int listener, epoll, stop;
	unsigned port;
	size_t open; /* connections */
	pthread_t thread;
};

static void watch(const struct server *server, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	(void)epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void take_new(struct server *server)
{
	int fd, on = 1;

	while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(server, fd);
		server->open++;
	}
}

/* Every request is the same, so its end is known by the last bytes. */
static void answer(struct server *server, int fd)
{
	static const char end[] = BODY;
	const size_t end_len = sizeof(end) - 1;
	char request[READ_BYTES];
	ssize_t got = recv(fd, request, sizeof(request), 0);

	if (got <= 0) {
		(void)close(fd);
		server->open--;
	} else if ((size_t)got >= end_len &&
		   memcmp(request + (size_t)got - end_len, end, end_len) == 0) {
		(void)send(fd, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL);
	}
}

/* Until it is told to stop, and the client has closed every connection. */
static void *serve(void *payload)
{
	struct server *server = payload;
	struct epoll_event events[EVENTS_MAX];
	bool stopping = false;

	while (!stopping || server->open) {
		int count = epoll_wait(server->epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (fd == server->stop)
				stopping = true;
			else if (fd == server->listener)
				take_new(server);
			else
				answer(server, fd);
		}
		if (stopping)
			(void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->stop, NULL);
	}
	return NULL;
}

static void close_all(const struct server *server)
{
	const int fds[] = {server->listener, server->epoll, server->stop};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

static int server_open(struct server *server, struct err *err)
{
	struct sockaddr_in place = {.sin_family = AF_INET,
				    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(place);

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->stop = eventfd(0, EFD_CLOEXEC);
	if (server->listener < 0 || server->epoll < 0 || server->stop < 0 ||
	    bind(server->listener, (struct sockaddr *)&place, sizeof(place)) < 0 ||
	    getsockname(server->listener, (struct sockaddr *)&place, &size) < 0 ||
	    listen(server->listener, SOMAXCONN) < 0)
		goto fail;
	server->port = ntohs(place.sin_port);
	watch(server, server->listener);
	watch(server, server->stop);
	if (pthread_create(&server->thread, NULL, serve, server) == 0)
		return 0;
fail:
	(void)err_sys(err, ERR_INFRA, "cannot make a server on the loopback");
	close_all(server);
	return -1;
}

/* The client has ended. */
static void server_close(struct server *server)
{
	(void)eventfd_write(server->stop, 1);
	(void)pthread_join(server->thread, NULL);
	close_all(server);
}

/* --- the client ------------------------------------------------------------------------------ */

static int measure(const struct load_request *request, double rate, uint64_t duration_ns,
		   struct arena *arena, struct load_ceiling *out, struct err *err)
{
	struct load_options options = {.peer = {.timeout_ns = 2 * NS_PER_S, .proxy = ""},
				       .requests = request,
				       .request_count = 1,
				       .format = PROMPT_FASTAPI,
				       .closed = true,
				       .schedule = {.duration_ns = duration_ns},
				       .in_flight = IN_FLIGHT,
				       .warmup = WARMUP,
				       .threads = 1,
				       .answer_max = READ_BYTES};
	struct load_result closed, open;

	if (load_run(&options, arena, &closed, err) < 0)
		return -1;
	options.closed = false;
	options.schedule.rate = rate;
	options.in_flight = IN_FLIGHT_OPEN;
	options.threads = 0;
	if (load_run(&options, arena, &open, err) < 0) {
		load_result_done(&closed);
		return -1;
	}
	*out = (struct load_ceiling){
		.one_core = closed.elapsed_ns ? (double)closed.counts[LOAD_OK] * NS_PER_S /
							(double)closed.elapsed_ns
					      : 0,
		.lag_ns = histogram_quantile(&open.send_lag, 0.99),
		.cpu_share = open.cpu_share,
		.threads = open.threads,
		.failures = load_failures(&closed) + load_failures(&open) + open.unsent};
	load_result_done(&closed);
	load_result_done(&open);
	return 0;
}

int load_ceiling(double rate, uint64_t duration_ns, struct load_ceiling *out, struct err *err)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	static const char body[] = BODY;
	struct http_plan_options options = {
		.method = "POST", .headers = headers, .body = body, .body_len = sizeof(body) - 1};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct server server = {0};
	struct http_plan *plan;
	int rc;

	if (server_open(&server, err) < 0)
		return -1;
	options.url = arena_printf(arena, "http://127.0.0.1:%u/prompt", server.port);
	plan = http_plan_new(&options);
	rc = measure(&(struct load_request){.plan = plan}, rate, duration_ns, arena, out, err);
	http_plan_free(plan);
	server_close(&server);
	return rc;
}
