/*
 * A scripted HTTP server on a unix socket, in a thread of the test. One request per connection;
 * the first rule whose text occurs in the request line answers, with raw bytes.
 */
#ifndef TESTS_STUB_SERVER_H
#define TESTS_STUB_SERVER_H

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct stub_rule {
	const char *match; /* NULL ends the script */
	const char *answer;
	size_t len;   /* 0: strlen */
	size_t piece; /* bytes sent at a time, 0: all */
	bool early;   /* answer before the body is read */
	bool hold;    /* answer nothing until the client goes away */
	bool echo;    /* after the answer send back what comes */
};

struct stub {
	const struct stub_rule *rules;
	char folder[64], path[96];
	int listener;
	pthread_t thread;
	char requests[8192]; /* request lines and heads; read after stub_stop or an answer */
	size_t body_bytes;   /* of the last request, chunk framing included */
	char body[4096];     /* its start, of the last request that had one */
	unsigned count;
};

static void stub_serve_body(struct stub *stub, int fd, const char *head, const char *rest,
			    size_t rest_len)
{
	const char *length = strcasestr(head, "Content-Length: ");
	bool chunked = strcasestr(head, "Transfer-Encoding: chunked") != NULL;
	char tail[5] = {0}, data[4096];
	size_t want = 0;
	ssize_t got = 0;

	for (length = length ? length + 16 : ""; *length >= '0' && *length <= '9'; length++)
		want = want * 10 + (size_t)(*length - '0');
	memcpy(data, rest, rest_len);
	got = (ssize_t)rest_len;
	stub->body_bytes = 0;
	for (;;) {
		if (got && stub->body_bytes == 0)
			memset(stub->body, 0, sizeof(stub->body));
		if (stub->body_bytes + (size_t)got < sizeof(stub->body))
			memcpy(stub->body + stub->body_bytes, data, (size_t)got);
		stub->body_bytes += (size_t)got;
		for (ssize_t i = got > 5 ? got - 5 : 0; i < got; i++) {
			memmove(tail, tail + 1, 4);
			tail[4] = data[i];
		}
		if (chunked ? memcmp(tail, "0\r\n\r\n", 5) == 0 : stub->body_bytes >= want)
			return;
		got = recv(fd, data, sizeof(data), 0);
		if (got <= 0)
			return;
	}
}

static void stub_answer(const struct stub_rule *rule, int fd)
{
	size_t len = rule->len ? rule->len : strlen(rule->answer);
	char data[4096];
	ssize_t got;

	for (size_t from = 0; from < len;) {
		size_t piece = rule->piece && rule->piece < len - from ? rule->piece : len - from;

		got = send(fd, rule->answer + from, piece, MSG_NOSIGNAL);
		if (got <= 0)
			return;
		from += (size_t)got;
	}
	while (rule->echo && (got = recv(fd, data, sizeof(data), 0)) > 0)
		(void)!send(fd, data, (size_t)got, MSG_NOSIGNAL);
}

static void stub_connection(struct stub *stub, int fd)
{
	char head[4096] = {0};
	size_t used = 0, room;
	char *end;
	ssize_t got;

	while ((end = strstr(head, "\r\n\r\n")) == NULL && used < sizeof(head) - 1) {
		got = recv(fd, head + used, sizeof(head) - 1 - used, 0);
		if (got <= 0)
			return;
		used += (size_t)got;
	}
	if (!end)
		return;
	end += 4;
	room = sizeof(stub->requests) - 1 - strlen(stub->requests);
	if (room > (size_t)(end - head))
		memcpy(stub->requests + strlen(stub->requests), head, (size_t)(end - head));
	stub->count++;
	for (const struct stub_rule *rule = stub->rules; rule->match; rule++) {
		const char *at = strstr(head, rule->match);
		bool early = rule->early; /* the test may be over, and its rules with it, below */

		if (!at || at > strchr(head, '\r'))
			continue;
		if (!early)
			stub_serve_body(stub, fd, head, end, used - (size_t)(end - head));
		if (rule->hold)
			(void)!recv(fd, head, 1, 0);
		else
			stub_answer(rule, fd);
		/* Closed over unread bytes, the answer may be lost to the client. */
		(void)shutdown(fd, SHUT_WR);
		while (early && recv(fd, head, sizeof(head), 0) > 0)
			;
		return;
	}
}

static void *stub_main(void *payload)
{
	struct stub *stub = payload;
	int fd;

	while ((fd = accept(stub->listener, NULL, NULL)) >= 0) {
		stub_connection(stub, fd);
		close(fd);
	}
	return NULL;
}

static struct stub *stub_start(const struct stub_rule *rules)
{
	struct stub *stub = calloc(1, sizeof(*stub));
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	assert(stub);
	stub->rules = rules;
	(void)snprintf(stub->folder, sizeof(stub->folder), "/tmp/assay-stub-XXXXXX");
	if (!mkdtemp(stub->folder))
		abort();
	(void)snprintf(stub->path, sizeof(stub->path), "%s/s", stub->folder);
	memcpy(address.sun_path, stub->path, sizeof(stub->path));
	stub->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(stub->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(stub->listener, 8) < 0 ||
	    pthread_create(&stub->thread, NULL, stub_main, stub) != 0)
		abort();
	return stub;
}

/* No request may be under way. */
static void stub_stop(struct stub *stub)
{
	shutdown(stub->listener, SHUT_RDWR);
	pthread_join(stub->thread, NULL);
	close(stub->listener);
	unlink(stub->path);
	rmdir(stub->folder);
	free(stub);
}

#endif
