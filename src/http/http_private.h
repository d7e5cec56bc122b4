/* Friends of the room only: the client and what http.c and stream.c share. */
#ifndef HTTP_HTTP_PRIVATE_H
#define HTTP_HTTP_PRIVATE_H

#include "http/http.h"

#include <curl/curl.h>
#include <pthread.h>

#define HTTP_POOL_MAX 8 /* idle connections kept by a client */
#define HTTP_ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define HTTP_HEADERS_MAX ((size_t)256 * 1024)
#define HTTP_CONNECT_NS (UINT64_C(10) * 1000 * 1000 * 1000)
#define HTTP_SLICE_MS 100 /* how often a wait looks at base/cancel */
#define HTTP_URL_MAX ((size_t)64 * 1024)

/* One transfer at a time; the multi handle keeps the connection between requests. */
struct http__slot {
	CURLM *multi;
	CURL *easy;
};

struct http_client {
	char *base;
	char *socket; /* NULL: TCP */
	char *ca, *cert, *key;
	char *proxy; /* "": none; NULL: the environment's */
	bool insecure;
	pthread_mutex_t lock; /* of the pool */
	struct http__slot pool[HTTP_POOL_MAX];
	size_t pooled;
};

/* libcurl is ready in this process; from any thread. */
int http__global(struct err *err);
/* Options of every connection of CLIENT to PATH. */
void http__configure(const struct http_client *client, CURL *easy, const char *path,
		     uint64_t connect_timeout_ns);
/*
 * What failed of TLS, in words: the handshake, a certificate; NULL: TLS did not fail. MESSAGE is
 * libcurl's. Since TLS 1.3 a server refuses a client's certificate after the client's handshake, by
 * an alert that comes in the answer's place. A server in haste ends the connection before the
 * request goes out; then nobody reads the alert, and only that is known.
 */
const char *http__tls_failure(CURL *easy, CURLcode code, const char *message);
/* ERR for a connection that was not made; MESSAGE is libcurl's, "": none. */
int http__connect_error(const struct http_client *client, CURL *easy, CURLcode code,
			const char *message, struct err *err);
const char *http__place(const struct http_client *client);
long http__ms(uint64_t ns);

#endif
