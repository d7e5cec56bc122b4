/*
 * A server on the loopback that does wrong on request: the path of a request names the fault. One
 * thread a connection.
 */
#ifndef TESTS_FAULT_SERVER_H
#define TESTS_FAULT_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LARGE_BYTES (100 * 1024 * 1024)

struct fault_server {
	int fd;
	unsigned port;
	pthread_t thread;
	atomic_int open;       /* connections */
	atomic_int busy, most; /* requests being answered, and the most at once */
	atomic_int requests;
	atomic_bool stop;
};

struct fault_connection {
	struct fault_server *server;
	int fd;
};

static void fault_pause(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)nanosleep(&time, NULL);
}

static bool fault_put(int fd, const char *data, size_t len)
{
	return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool fault_say(int fd, const char *text)
{
	return fault_put(fd, text, strlen(text));
}

static void fault_body(int fd, const char *status, const char *type, const char *body)
{
	char head[512];

	(void)snprintf(head, sizeof(head),
		       "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status,
		       type, strlen(body), body);
	(void)fault_say(fd, head);
}

static bool fault_chunk(int fd, const char *data)
{
	char chunk[1024];

	(void)snprintf(chunk, sizeof(chunk), "%zx\r\n%s\r\n", strlen(data), data);
	return fault_say(fd, chunk);
}

static void fault_begin_stream(int fd)
{
	(void)fault_say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n");
	(void)fault_chunk(fd, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n");
}

static void fault_tokens(int fd, unsigned count, unsigned gap_ms)
{
	for (unsigned i = 0; i < count; i++) {
		if (gap_ms)
			fault_pause(gap_ms);
		(void)fault_chunk(fd, "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n");
	}
}

static void fault_end_stream(int fd)
{
	(void)fault_chunk(fd, "data: [DONE]\n\n");
	(void)fault_say(fd, "0\r\n\r\n");
}

static void fault_reset(int fd)
{
	const struct linger hard = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

static void fault_drip(struct fault_connection *connection)
{
	(void)fault_say(connection->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
	while (!connection->server->stop && fault_say(connection->fd, "x"))
		fault_pause(10);
}

static void fault_silent(struct fault_connection *connection)
{
	char byte;

	while (!connection->server->stop &&
	       recv(connection->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 0)
		fault_pause(5);
}

static void fault_large(int fd)
{
	static const char block[65536];
	char head[128];

	(void)snprintf(head, sizeof(head),
		       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		       "Content-Length: %d\r\n\r\n",
		       LARGE_BYTES);
	(void)fault_say(fd, head);
	for (int i = 0; i < LARGE_BYTES / (int)sizeof(block); i++)
		if (!fault_put(fd, block, sizeof(block)))
			return;
}

/* Answers that are one whole body. */
static bool fault_whole(int fd, const char *path)
{
	static const struct {
		const char *path, *status, *type, *body;
	} rows[] = {
		{"/ok", "200 OK", "application/json", "{\"output\": \"hi\"}"},
		{"/queued", "200 OK", "application/json",
		 "{\"id\": \"1\", \"status\": \"IN_QUEUE\"}"},
		{"/denied", "200 OK", "application/json",
		 "{\"id\": \"1\", \"status\": \"COMPLETED\", \"output\": {\"success\": false}}"},
		{"/status", "500 No", "text/plain", "broken"},
		{"/html", "200 OK", "text/html", "<p>hi</p>"},
		{"/empty", "200 OK", "application/json", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(path, rows[i].path) != 0)
			continue;
		fault_body(fd, rows[i].status, rows[i].type, rows[i].body);
		return true;
	}
	return false;
}

/* Answer PATH; false: the connection ends with it. */
static bool fault_answer(struct fault_connection *connection, const char *path)
{
	int fd = connection->fd;

	if (fault_whole(fd, path)) {
		return true;
	} else if (strcmp(path, "/late") == 0) {
		fault_pause(50);
		(void)fault_whole(fd, "/ok");
	} else if (strcmp(path, "/stream") == 0) {
		fault_begin_stream(fd);
		fault_tokens(fd, 5, 10);
		fault_end_stream(fd);
	} else if (strcmp(path, "/slow") == 0) {
		fault_begin_stream(fd);
		fault_tokens(fd, 3, 100);
		fault_end_stream(fd);
	} else if (strcmp(path, "/role-only") == 0) {
		fault_begin_stream(fd);
		fault_end_stream(fd);
	} else if (strcmp(path, "/no-end") == 0) {
		fault_begin_stream(fd);
		fault_tokens(fd, 2, 0);
		(void)fault_say(fd, "0\r\n\r\n");
	} else if (strcmp(path, "/killed") == 0) {
		fault_begin_stream(fd);
		fault_tokens(fd, 2, 0);
		return false;
	} else if (strcmp(path, "/reset-inside") == 0) {
		fault_begin_stream(fd);
		fault_tokens(fd, 2, 0);
		fault_pause(20);
		fault_reset(fd);
		return false;
	} else if (strcmp(path, "/utf8") == 0) {
		fault_begin_stream(fd);
		(void)fault_chunk(
			fd, "data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\n");
		fault_end_stream(fd);
	} else if (strcmp(path, "/chunks") == 0) {
		fault_begin_stream(fd);
		(void)fault_say(fd, "zz\r\nnonsense\r\n");
	} else if (strcmp(path, "/loop") == 0) {
		(void)fault_say(fd, "HTTP/1.1 302 Found\r\nLocation: /loop\r\n"
				    "Content-Length: 0\r\n\r\n");
	} else if (strcmp(path, "/moved") == 0) {
		(void)fault_say(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\n"
				    "Content-Length: 0\r\n\r\n");
	} else if (strcmp(path, "/garbage") == 0) {
		(void)fault_say(fd, "what do you want?\r\n\r\n");
		return false;
	} else if (strcmp(path, "/reset") == 0) {
		fault_reset(fd);
		return false;
	} else if (strcmp(path, "/large") == 0) {
		fault_large(fd);
		return false;
	} else if (strcmp(path, "/drip") == 0) {
		fault_drip(connection);
		return false;
	} else if (strcmp(path, "/silent") == 0) {
		fault_silent(connection);
		return false;
	} else {
		return false;
	}
	return true;
}

static bool fault_request(struct fault_connection *connection)
{
	struct fault_server *server = connection->server;
	char text[4096], path[64] = "";
	size_t len = 0;
	int busy, most;
	bool more;

	text[0] = '\0';
	while (!strstr(text, "\r\n\r\n")) {
		ssize_t got = len < sizeof(text) - 1
				      ? recv(connection->fd, text + len, sizeof(text) - 1 - len, 0)
				      : 0;

		if (got <= 0)
			return false;
		len += (size_t)got;
		text[len] = '\0';
		if (text[0] == 0x16) { /* a handshake: there is no TLS here */
			fault_body(connection->fd, "400 No", "text/plain", "plain HTTP");
			return false;
		}
	}
	for (size_t i = 0; i < sizeof(path) - 1 && text[4 + i] != ' '; i++)
		path[i] = text[4 + i];
	server->requests++;
	busy = ++server->busy;
	most = server->most;
	while (busy > most && !atomic_compare_exchange_weak(&server->most, &most, busy))
		;
	more = fault_answer(connection, path);
	server->busy--;
	return more;
}

static void *fault_serve(void *payload)
{
	struct fault_connection *connection = payload;

	while (fault_request(connection))
		;
	(void)close(connection->fd);
	connection->server->open--;
	free(connection);
	return NULL;
}

static void *fault_accept(void *payload)
{
	struct fault_server *server = payload;
	int fd;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
		struct fault_connection *connection = calloc(1, sizeof(*connection));
		const struct timeval wait = {.tv_sec = 5};
		const int at_once = 1;
		pthread_t thread;

		*connection = (struct fault_connection){server, fd};
		server->open++;
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
		(void)pthread_create(&thread, NULL, fault_serve, connection);
		(void)pthread_detach(thread);
	}
	return NULL;
}

static void fault_start(struct fault_server *server)
{
	struct sockaddr_in place = {.sin_family = AF_INET,
				    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(place);

	memset(server, 0, sizeof(*server));
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)bind(server->fd, (struct sockaddr *)&place, sizeof(place));
	(void)getsockname(server->fd, (struct sockaddr *)&place, &size);
	(void)listen(server->fd, 1024);
	server->port = ntohs(place.sin_port);
	(void)pthread_create(&server->thread, NULL, fault_accept, server);
}

static void fault_stop(struct fault_server *server)
{
	server->stop = true;
	(void)shutdown(server->fd, SHUT_RDWR);
	(void)pthread_join(server->thread, NULL);
	(void)close(server->fd);
	while (server->open)
		fault_pause(5);
}

#endif
