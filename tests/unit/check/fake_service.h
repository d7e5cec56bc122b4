/*
 * A service of recorded answers on the loopback: "service" of a target.json.
 *
 * "answers" are given in order to requests whose head holds "match"; the last that matches is given
 * again and again. Each has "status", "headers" (lines), "body" or "json", and may "cut" its body
 * after so many bytes, "repeat" it to so many bytes, or "hold": say nothing. "closed": nobody
 * listens. "started", "state" and "label" are what deploy says of a service.
 */
#ifndef TESTS_UNIT_CHECK_FAKE_SERVICE_H
#define TESTS_UNIT_CHECK_FAKE_SERVICE_H

#include "base/json.h"
#include "model/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKE_ANSWERS_MAX 32

struct fake_service {
	const struct json *spec; /* NULL: the suite has none */
	int listener;
	bool used[FAKE_ANSWERS_MAX];
	pthread_t thread;
	struct target_service view;
	unsigned looked;
};

static inline const struct json *fake_answer_for(struct fake_service *fake, const char *head)
{
	const struct json *list = json_get(fake->spec, "answers"), *last = NULL;
	size_t i = 0;

	for (const struct json *item = list ? json_first(list) : NULL; item;
	     item = json_next(item), i++) {
		if (!strstr(head, json_str(item, "match", "")))
			continue;
		last = item;
		if (!fake->used[i]) {
			fake->used[i] = true;
			return item;
		}
	}
	return last;
}

static inline void fake_write(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t some = send(fd, at, len, MSG_NOSIGNAL);

		if (some <= 0)
			return;
		at += some;
		len -= (size_t)some;
	}
}

static inline void fake_give(int fd, const struct json *answer)
{
	const struct json *headers = json_get(answer, "headers"), *json = json_get(answer, "json");
	size_t repeat = (size_t)json_int(answer, "repeat", 0), cut;
	const char *type = json ? "application/json" : "text/plain";
	struct buf body, head;

	buf_init(&body, JSON_BYTES_MAX);
	buf_init(&head, JSON_BYTES_MAX);
	do {
		if (json)
			json_print(json, false, &body);
		else
			buf_addstr(&body, json_str(answer, "body", ""));
	} while (body.len < repeat);
	cut = (size_t)json_int(answer, "cut", (int64_t)body.len);
	buf_printf(&head, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n",
		   (int)json_int(answer, "status", 200), body.len);
	if (!headers)
		buf_printf(&head, "Content-Type: %s\r\n", type);
	for (const struct json *item = headers ? json_first(headers) : NULL; item;
	     item = json_next(item))
		buf_printf(&head, "%s\r\n", json_text(item));
	buf_addstr(&head, "\r\n");
	fake_write(fd, head.data, head.len);
	if (body.len)
		fake_write(fd, body.data, cut);
	buf_done(&head);
	buf_done(&body);
}

/* The head and, by its length, the body: a connection closed with unread bytes is reset. */
static inline void fake_read(int fd, struct buf *in)
{
	char piece[4096];
	ssize_t len;

	while ((len = recv(fd, piece, sizeof(piece), 0)) > 0) {
		const char *head_end, *length;
		size_t want = 0;

		buf_add(in, piece, (size_t)len);
		head_end = strstr(buf_str(in), "\r\n\r\n");
		length = strcasestr(buf_str(in), "Content-Length: ");
		for (length = length ? length + 16 : ""; *length >= '0' && *length <= '9'; length++)
			want = want * 10 + (size_t)(*length - '0');
		if (head_end && in->len >= (size_t)(head_end - in->data) + 4 + want)
			return;
	}
}

static inline void fake_serve(struct fake_service *fake, int fd)
{
	const struct json *answer;
	struct buf in;
	char end;

	buf_init(&in, JSON_BYTES_MAX);
	fake_read(fd, &in);
	answer = fake_answer_for(fake, buf_str(&in));
	if (answer && json_bool(answer, "hold", false))
		(void)recv(fd, &end, 1, 0); /* until the client goes away */
	else if (answer)
		fake_give(fd, answer);
	buf_done(&in);
}

static inline void *fake_service_main(void *payload)
{
	struct fake_service *fake = payload;
	int fd;

	while ((fd = accept(fake->listener, NULL, NULL)) >= 0) {
		fake_serve(fake, fd);
		(void)close(fd);
	}
	return NULL;
}

static inline void fake_service_open(struct fake_service *fake, const struct json *spec,
				     struct arena *arena)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	bool closed = json_bool(spec, "closed", false);

	*fake = (struct fake_service){.spec = spec, .listener = -1};
	fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fake->listener, (struct sockaddr *)&address, len) < 0 ||
	    getsockname(fake->listener, (struct sockaddr *)&address, &len) < 0)
		abort();
	fake->view.url =
		arena_printf(arena, "http://127.0.0.1:%u", closed ? 1 : ntohs(address.sin_port));
	fake->view.started = json_bool(spec, "started", true);
	fake->view.cold_start_ns = 1;
	fake->view.label = json_str(spec, "label", NULL);
	fake->view.expected = json_str(spec, "expected", NULL);
	fake->view.actual = json_str(spec, "actual", NULL);
	if (!closed && (listen(fake->listener, 8) < 0 ||
			pthread_create(&fake->thread, NULL, fake_service_main, fake) != 0))
		abort();
}

static inline void fake_service_close(struct fake_service *fake)
{
	(void)shutdown(fake->listener, SHUT_RDWR);
	if (!json_bool(fake->spec, "closed", false))
		(void)pthread_join(fake->thread, NULL);
	(void)close(fake->listener);
}

/* "state": one object, or a list of one for each look. */
static inline void fake_service_look(struct fake_service *fake, struct target_service_state *out)
{
	const struct json *state = json_get(fake->spec, "state");

	*out = (struct target_service_state){.running = true, .log = ""};
	if (state && json_type(state) == JSON_ARRAY) {
		unsigned left = fake->looked++;

		for (state = json_first(state); left && json_next(state); left--)
			state = json_next(state);
	}
	if (!state)
		return;
	out->running = json_bool(state, "running", true);
	out->out_of_memory = json_bool(state, "out_of_memory", false);
	out->exit_code = (int)json_int(state, "exit", 0);
	out->memory_bytes = (uint64_t)json_int(state, "memory", 0);
	out->log = json_str(state, "log", "");
	out->log_len = strlen(out->log);
}

#endif
