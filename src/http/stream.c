/* Raw streams: libcurl connects (unix, TCP, TLS), the upgrade and the bytes after it are ours. */
#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"
#include "http/http_private.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX ((size_t)32 * 1024)
#define REFUSAL_MAX ((size_t)8 * 1024)
#define HEAD_NS (UINT64_C(30) * NS_PER_S)
#define REFUSAL_NS (UINT64_C(2) * NS_PER_S)

struct http_stream {
	CURL *easy;
	curl_socket_t fd;
	pthread_mutex_t lock; /* of the easy handle; never held while waiting */
	struct buf early;     /* bytes that came with the head */
	char *name;	      /* "POST /path at SOCKET" */
};

/* Wait until EVENTS. 1 ready, 0 not yet (a slice passed), -1 with ERR. */
static int wait_slice(struct http_stream *stream, short events, uint64_t deadline,
		      uint64_t timeout_ns, struct err *err)
{
	struct pollfd p = {.fd = stream->fd, .events = events};
	uint64_t now = clock_ns();
	int slice = HTTP_SLICE_MS;
	char limit[32];

	if (cancel_check(err) < 0)
		return -1;
	if (timeout_ns && now >= deadline)
		return err_set(err, ERR_TIMEOUT, "%s: nothing for %s", stream->name,
			       units_duration(timeout_ns, limit, sizeof(limit)));
	if (timeout_ns && (deadline - now) / NS_PER_MS < (uint64_t)slice)
		slice = (int)((deadline - now) / NS_PER_MS) + 1;
	return poll(&p, 1, slice) > 0;
}

static ssize_t take_early(struct http_stream *stream, void *data, size_t len)
{
	if (len > stream->early.len)
		len = stream->early.len;
	memcpy(data, stream->early.data, len);
	buf_consume(&stream->early, len);
	return (ssize_t)len;
}

ssize_t http_stream_read(struct http_stream *stream, void *data, size_t len, uint64_t timeout_ns,
			 struct err *err)
{
	uint64_t deadline = clock_ns() + timeout_ns;

	if (stream->early.len)
		return take_early(stream, data, len);
	for (;;) {
		size_t got = 0;
		CURLcode code;

		(void)pthread_mutex_lock(&stream->lock);
		code = curl_easy_recv(stream->easy, data, len, &got);
		(void)pthread_mutex_unlock(&stream->lock);
		if (code == CURLE_OK)
			return (ssize_t)got;
		if (code != CURLE_AGAIN)
			return err_set(err, ERR_INFRA, "%s: the connection was lost", stream->name);
		if (wait_slice(stream, POLLIN, deadline, timeout_ns, err) < 0)
			return -1;
	}
}

int http_stream_write(struct http_stream *stream, const void *data, size_t len, struct err *err)
{
	const char *next = data;

	while (len) {
		size_t sent = 0;
		CURLcode code;

		(void)pthread_mutex_lock(&stream->lock);
		code = curl_easy_send(stream->easy, next, len, &sent);
		(void)pthread_mutex_unlock(&stream->lock);
		next += sent;
		len -= sent;
		if (code != CURLE_OK && code != CURLE_AGAIN)
			return err_set(err, ERR_INFRA, "%s: the connection was lost", stream->name);
		if (code == CURLE_AGAIN && wait_slice(stream, POLLOUT, 0, 0, err) < 0)
			return -1;
	}
	return 0;
}

void http_stream_close(struct http_stream *stream)
{
	if (!stream)
		return;
	curl_easy_cleanup(stream->easy);
	(void)pthread_mutex_destroy(&stream->lock);
	buf_done(&stream->early);
	free(stream->name);
	free(stream);
}

static void close_streamp(struct http_stream **stream)
{
	http_stream_close(*stream);
}

static int connect_raw(struct http_client *client, const char *path, struct http_stream *stream,
		       struct err *err)
{
	CURLcode code;

	stream->easy = curl_easy_init();
	if (!stream->easy)
		return err_set(err, ERR_INFRA, "libcurl: out of memory");
	http__configure(client, stream->easy, path, 0);
	(void)curl_easy_setopt(stream->easy, CURLOPT_CONNECT_ONLY, 1L);
	code = curl_easy_perform(stream->easy);
	if (code)
		return http__connect_error(client, stream->easy, code, "", err);
	code = curl_easy_getinfo(stream->easy, CURLINFO_ACTIVESOCKET, &stream->fd);
	if (code || stream->fd == CURL_SOCKET_BAD)
		return err_set(err, ERR_INFRA, "%s: libcurl gave no socket", stream->name);
	return 0;
}

static int send_head(struct http_client *client, const char *method, const char *path,
		     struct http_stream *stream, struct err *err)
{
	const char *host = strstr(client->base, "://");
	struct buf head;
	int rc;

	buf_init(&head, HTTP_URL_MAX);
	buf_printf(&head,
		   "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
		   "Content-Length: 0\r\n\r\n",
		   method, path, host ? host + 3 : client->base);
	rc = http_stream_write(stream, buf_str(&head), head.len, err);
	buf_done(&head);
	return rc;
}

/* Read into HEAD until the empty line; what follows it becomes the stream's first bytes. */
static int read_head(struct http_stream *stream, struct buf *head, struct err *err)
{
	char piece[4096];
	const char *end;
	ssize_t got;

	while ((end = strstr(buf_str(head), "\r\n\r\n")) == NULL) {
		got = http_stream_read(stream, piece, sizeof(piece), HEAD_NS, err);
		if (got < 0)
			return -1;
		if (got == 0)
			return err_set(err, ERR_INFRA, "%s: closed without an answer",
				       stream->name);
		buf_add(head, piece, (size_t)got);
		if (head->truncated)
			return err_set(err, ERR_INFRA, "%s: no HTTP answer", stream->name);
	}
	end += 4;
	buf_add(&stream->early, end, head->len - (size_t)(end - head->data));
	head->len = (size_t)(end - head->data);
	return 0;
}

static int parse_status(const struct buf *head)
{
	const char *text = buf_str(head);
	const char *space = strchr(text, ' ');

	if (strncmp(text, "HTTP/1.", 7) != 0 || !space || strspn(space + 1, "0123456789") != 3)
		return -1;
	return (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
}

static int refuse(struct http_stream *stream, int status, struct err *err)
{
	char piece[1024];
	struct buf words;
	ssize_t got;

	buf_init(&words, REFUSAL_MAX);
	while (!words.truncated && !strchr(buf_str(&words), '}')) {
		got = http_stream_read(stream, piece, sizeof(piece), REFUSAL_NS, NULL);
		if (got <= 0)
			break;
		buf_add(&words, piece, (size_t)got);
	}
	words.len = strcspn(buf_str(&words), "\r\n");
	(void)err_set(err, status == 404 ? ERR_NOTFOUND : ERR_INFRA, "%s: status %d: %.*s",
		      stream->name, status, (int)words.len, buf_str(&words));
	buf_done(&words);
	return -1;
}

int http_upgrade(struct http_client *client, const char *method, const char *path,
		 struct http_stream **out, struct err *err)
{
	__attribute__((cleanup(close_streamp))) struct http_stream *stream =
		xcalloc(1, sizeof(*stream));
	struct buf head, name;
	int rc, status;

	buf_init(&stream->early, HEAD_MAX);
	buf_init(&head, HEAD_MAX);
	buf_init(&name, REFUSAL_MAX);
	(void)pthread_mutex_init(&stream->lock, NULL);
	buf_printf(&name, "%s %s at %s", method, path, http__place(client));
	stream->name = xstrdup(buf_str(&name));
	buf_done(&name);
	rc = connect_raw(client, path, stream, err);
	if (rc == 0)
		rc = send_head(client, method, path, stream, err);
	if (rc == 0)
		rc = read_head(stream, &head, err);
	if (rc == 0) {
		status = parse_status(&head);
		if (status < 0)
			rc = err_set(err, ERR_INFRA, "%s: no HTTP answer", stream->name);
		else if (status != 101 && status != 200)
			rc = refuse(stream, status, err);
	}
	buf_done(&head);
	if (rc < 0)
		return -1;
	*out = stream;
	stream = NULL;
	return 0;
}
