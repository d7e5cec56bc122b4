/*
 * HTTP: one wrapper over libcurl, for TCP and unix sockets, streaming both ways, with limits.
 * A client may be used from several threads; every request has a connection of its own or a
 * pooled one. All waits poll base/cancel.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct http_client;

/* BASE: "http://host:port", or "http://localhost" with SOCKET the path of a unix socket. */
int http_client_open(const char *base, const char *socket, struct http_client **out,
		     struct err *err);
void http_client_close(struct http_client *client);
/* For an https BASE: files with the authority, our certificate and its key; NULL: none, and the
 * system's authorities. Before the first request. */
void http_client_tls(struct http_client *client, const char *ca, const char *cert, const char *key);
/* For an https BASE: take any certificate. Before the first request. */
void http_client_insecure(struct http_client *client);
/* Its URL, "" for none; NULL: the environment's, as without this call. Before the first request. */
void http_client_proxy(struct http_client *client, const char *proxy);

struct http_request {
	const char *method;	    /* NULL: GET */
	const char *path;	    /* with query, already encoded */
	const char *const *headers; /* "Name: value", NULL-terminated, may be NULL */
	const void *body;
	size_t body_len;
	/* Instead of BODY: a stream, sent chunked. Bytes given, 0 at the end, -1 with ERR. */
	ssize_t (*read)(void *payload, void *data, size_t len, struct err *err);
	/* Instead of collecting the answer: called with each piece of a 2xx body; 0 goes on. */
	int (*write)(void *payload, const void *data, size_t len, struct err *err);
	void *payload;
	size_t answer_max;	     /* bytes of body kept in the answer, default 16 MiB */
	uint64_t timeout_ns;	     /* of the whole exchange, 0: none */
	uint64_t connect_timeout_ns; /* 0: 10 s */
	bool head;
	bool cleanup; /* goes on after Ctrl-C: removes what was made before */
};

struct http_answer {
	int status;
	struct buf body;    /* non-2xx bodies are always collected here */
	struct buf headers; /* raw header lines */
};

/* 0 for any complete exchange, whatever the status. -1: connect failure (ERR_INFRA with `sys` set,
 * only then), cut-off transfer (ERR_INFRA; the message says after how many bytes), timeout
 * (ERR_TIMEOUT), limit (ERR_LIMIT), cancelled, or what READ or WRITE said. http_answer_done frees.
 */
int http_send(struct http_client *client, const struct http_request *request,
	      struct http_answer *out, struct err *err);
void http_answer_done(struct http_answer *answer);
/* Value of a header into OUT, "" when missing; returns OUT. */
const char *http_header(const struct http_answer *answer, const char *name, char *out, size_t size);

/* A raw two-way stream after an upgrade (Docker's attach). One thread may read while another
 * writes. A refusal is ERR_NOTFOUND for 404, else ERR_INFRA with the server's words. */
struct http_stream;
int http_upgrade(struct http_client *client, const char *method, const char *path,
		 struct http_stream **out, struct err *err);
/* Bytes read, 0 at the end, -1 with ERR; waits TIMEOUT_NS at most (ERR_TIMEOUT), 0: no limit. */
ssize_t http_stream_read(struct http_stream *stream, void *data, size_t len, uint64_t timeout_ns,
			 struct err *err);
int http_stream_write(struct http_stream *stream, const void *data, size_t len, struct err *err);
void http_stream_close(struct http_stream *stream);

/* Percent-encode a query value; appends to OUT. */
void http_encode(const char *text, struct buf *out);

#endif
