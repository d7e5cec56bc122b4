/*
 * Many HTTP exchanges at once in one thread: curl_multi_socket_action over epoll, with a timerfd,
 * so that nothing waits for a whole millisecond. A transfer is made once and used again and again;
 * its connection is kept between exchanges. Answers go to callbacks as they arrive, nothing is
 * stored.
 *
 * Everything that belongs to one http_multi is used by one thread.
 */
#ifndef HTTP_MULTI_H
#define HTTP_MULTI_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_MESSAGE_BYTES 256 /* of libcurl's words */

struct http_multi;
struct http_transfer;

/* What is sent; every transfer that sends it borrows it, from any thread. */
struct http_plan;
struct http_plan_options {
	const char *method;	    /* NULL: GET */
	const char *url;	    /* absolute */
	const char *const *headers; /* "Name: value", NULL-terminated, may be NULL */
	const char *body;	    /* borrowed; NULL: none */
	size_t body_len;
};
struct http_plan *http_plan_new(const struct http_plan_options *options);
void http_plan_free(struct http_plan *plan); /* NULL is allowed */

/* How connections are made; strings are borrowed. */
struct http_multi_options {
	const char *ca;		     /* file of authorities, NULL: the system's */
	const char *cert;	     /* our certificate and its key, both or none */
	const char *key;	     /* of CERT */
	bool insecure;		     /* take any certificate */
	const char *proxy;	     /* "" for none; NULL: the environment's */
	unsigned redirects;	     /* followed at most; 0: none is followed */
	uint64_t connect_timeout_ns; /* 0: 5 s */
	uint64_t timeout_ns;	     /* of one exchange, from its start; 0: none */
	size_t connections;	     /* kept open at most */
	size_t read_bytes;	     /* of a transfer's receive buffer, 1024..; 0: 16 KiB */
	bool stamps;		     /* times of answers are the kernel's: one more call a read */
};

/* How an exchange ended. */
enum http_end {
	HTTP_END_WHOLE,	    /* whole answer, whatever its status */
	HTTP_END_STOPPED,   /* the data callback said so */
	HTTP_END_TIMEOUT,   /* a deadline passed, of connecting or of the whole */
	HTTP_END_TRUNCATED, /* the connection ended inside the answer */
	HTTP_END_REFUSED,   /* no connection */
	HTTP_END_DNS,	    /* the name was not found */
	HTTP_END_TLS,	    /* handshake or certificate */
	HTTP_END_RESET,	    /* reset, or ended before the answer began */
	HTTP_END_PROTOCOL,  /* no HTTP, broken chunks, too many redirects */
};

struct http_result {
	enum http_end end;
	int status;	     /* 0: no answer began */
	const char *type;    /* content type, "" when none was said; borrowed */
	const char *message; /* libcurl's words, "" for HTTP_END_WHOLE; borrowed */
	bool connected;	     /* a connection was made for it */
	uint64_t connect_ns; /* until that stood, TLS included */
	uint64_t at_ns;	     /* as in the events */
};

/*
 * AT_NS is when it came, clock_ns: with stamps of the kernel what lay there when the connection was
 * looked at, see http/stamp.h; else when it is told.
 */
struct http_transfer_events {
	/* The first byte of the answer came. */
	void (*begin)(void *payload, uint64_t at_ns);
	/* A line of the headers, as it came; NULL: not wanted. */
	void (*header)(void *payload, const char *line, size_t len);
	/* LEN bytes of the body; other than 0 stops the exchange. */
	int (*data)(void *payload, const char *data, size_t len, uint64_t at_ns);
	/* It is over. The transfer may be started again from here. */
	void (*done)(void *payload, const struct http_result *result);
};

/* ERR_INFRA: out of files. */
int http_multi_open(const struct http_multi_options *options, struct http_multi **out,
		    struct err *err);
/* Transfers are closed first. */
void http_multi_close(struct http_multi *multi);

/* EVENTS is borrowed. */
int http_transfer_open(struct http_multi *multi, const struct http_transfer_events *events,
		       void *payload, struct http_transfer **out, struct err *err);
/* An exchange under way is cut off without a word; NULL is allowed. */
void http_transfer_close(struct http_transfer *transfer);
/* Begin to send PLAN; DONE of the events tells the end. The transfer must be idle. */
int http_transfer_start(struct http_transfer *transfer, const struct http_plan *plan,
			struct err *err);

/*
 * Let things happen once: wait until something does or the clock is UNTIL_NS (clock_ns; one that
 * is past only looks), then call back. The last SPIN_NS before UNTIL_NS are waited for awake, which
 * is exact where a sleeping thread is woken late.
 */
int http_multi_step(struct http_multi *multi, uint64_t until_ns, uint64_t spin_ns, struct err *err);
/* Time waited for awake so far, ns. */
uint64_t http_multi_spun_ns(const struct http_multi *multi);
/* Pieces of answers so far whose time is that of their reading for want of a stamp. */
uint64_t http_multi_unstamped(const struct http_multi *multi);

#endif
