#include "http/multi.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"
#include "http/http_private.h"
#include "http/stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define READ_BYTES 16384L
#define NEVER UINT64_MAX

/* What is watched of one file descriptor, by its number. */
struct watch {
	uint32_t wanted;     /* by libcurl */
	uint32_t registered; /* with epoll; 0: not there */
};

struct http_plan {
	char *method, *url;
	CURLU *parsed; /* URL, which is dear to parse each time; NULL: libcurl says what is wrong */
	struct curl_slist *headers;
	const char *body;
	size_t body_len;
};

struct http_multi {
	CURLM *curl;
	int epoll, timer;
	uint64_t curl_due;  /* libcurl wants to be called, NEVER: it does not */
	uint64_t timer_due; /* what the timer is set to, NEVER: off */
	uint64_t spun_ns;
	struct stamp_clock clock;
	struct stamp seen; /* of what libcurl reads now */
	uint64_t unstamped;
	struct watch *watches;
	size_t watch_count;
	struct http_multi_options options;
	bool failed; /* epoll refused a descriptor */
};

struct http_transfer {
	struct http_multi *multi;
	CURL *easy;
	const struct http_transfer_events *events;
	void *payload;
	const struct http_plan *plan; /* whose options are set */
	uint64_t came_ns;	      /* what was handed over last; 0: nothing yet */
	bool active, begun, body;
	char message[CURL_ERROR_SIZE];
};

/* --- plans ----------------------------------------------------------------------------------- */

struct http_plan *http_plan_new(const struct http_plan_options *options)
{
	struct http_plan *plan = xcalloc(1, sizeof(*plan));

	plan->method = xstrdup(options->method ? options->method : "GET");
	plan->url = xstrdup(options->url);
	plan->parsed = curl_url();
	if (curl_url_set(plan->parsed, CURLUPART_URL, plan->url,
			 CURLU_PATH_AS_IS | CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME)) {
		curl_url_cleanup(plan->parsed);
		plan->parsed = NULL;
	}
	plan->body = options->body;
	plan->body_len = options->body_len;
	plan->headers = curl_slist_append(NULL, "Expect:");
	for (const char *const *h = options->headers; h && *h; h++)
		plan->headers = curl_slist_append(plan->headers, *h);
	return plan;
}

void http_plan_free(struct http_plan *plan)
{
	if (!plan)
		return;
	curl_slist_free_all(plan->headers);
	curl_url_cleanup(plan->parsed);
	free(plan->method);
	free(plan->url);
	free(plan);
}

/* --- what libcurl wants ---------------------------------------------------------------------- */

static struct watch *watch_of(struct http_multi *multi, int fd)
{
	size_t count = multi->watch_count;

	if ((size_t)fd >= count) {
		count = (size_t)fd * 2 + 64;
		multi->watches = xrealloc(multi->watches, count * sizeof(*multi->watches));
		memset(multi->watches + multi->watch_count, 0,
		       (count - multi->watch_count) * sizeof(*multi->watches));
		multi->watch_count = count;
	}
	return &multi->watches[fd];
}

static void watch_set(struct http_multi *multi, int fd, uint32_t events)
{
	struct watch *watch = watch_of(multi, fd);
	struct epoll_event event = {.events = events, .data.fd = fd};
	int op = !events ? EPOLL_CTL_DEL : watch->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (watch->registered == events)
		return;
	if (epoll_ctl(multi->epoll, op, fd, &event) < 0 && events)
		multi->failed = true;
	watch->registered = events;
}

/*
 * A connection that goes idle stays registered: the next exchange on it wants the same events, and
 * saves two system calls. If something happens on it meanwhile, on_ready takes it out.
 */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *payload, void *data)
{
	struct http_multi *multi = payload;
	struct watch *watch = watch_of(multi, fd);

	(void)easy;
	(void)data;
	watch->wanted = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			(what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	if (what == CURL_POLL_REMOVE)
		watch->wanted = 0;
	else
		watch_set(multi, fd, watch->wanted);
	return 0;
}

/* The number may come again with another connection behind it. */
static int on_close(void *payload, curl_socket_t fd)
{
	struct http_multi *multi = payload;

	watch_set(multi, fd, 0);
	watch_of(multi, fd)->wanted = 0;
	return close(fd);
}

static int on_open(void *payload, curl_socket_t fd, curlsocktype purpose)
{
	(void)payload;
	(void)purpose;
	stamp_enable(fd);
	return CURL_SOCKOPT_OK;
}

static int on_timer(CURLM *curl, long timeout_ms, void *payload)
{
	struct http_multi *multi = payload;

	(void)curl;
	multi->curl_due =
		timeout_ms < 0 ? NEVER
			       : (timeout_ms ? clock_ns() + (uint64_t)timeout_ms * NS_PER_MS : 0);
	return 0;
}

/* --- one transfer ---------------------------------------------------------------------------- */

/*
 * When the LEN bytes that libcurl hands over came; never before what it handed over last. More
 * bytes than were seen: libcurl reads on while there is something, and these have just come.
 */
static uint64_t came_ns(struct http_transfer *transfer, size_t len)
{
	struct http_multi *multi = transfer->multi;
	struct stamp *seen = &multi->seen;
	uint64_t at;

	if (seen->at_ns && len > seen->len)
		*seen = (struct stamp){clock_ns(), len};
	at = seen->at_ns;
	if (at)
		seen->len -= len;
	else
		at = clock_ns();
	multi->unstamped += multi->options.stamps && !seen->at_ns && len;
	if (at > transfer->came_ns)
		transfer->came_ns = at;
	return transfer->came_ns;
}

static size_t on_header(char *data, size_t size, size_t count, void *payload)
{
	struct http_transfer *transfer = payload;
	size_t len = size * count;

	if (!transfer->begun)
		transfer->events->begin(transfer->payload, came_ns(transfer, len));
	else if (transfer->multi->options.stamps)
		(void)came_ns(transfer, len);
	transfer->begun = true;
	if (transfer->events->header)
		transfer->events->header(transfer->payload, data, len);
	return len;
}

static size_t on_write(char *data, size_t size, size_t count, void *payload)
{
	struct http_transfer *transfer = payload;
	size_t len = size * count;

	transfer->body = true;
	return transfer->events->data(transfer->payload, data, len, came_ns(transfer, len))
		       ? len + 1
		       : len;
}

static void set_peer(struct http_transfer *transfer)
{
	const struct http_multi_options *options = &transfer->multi->options;
	CURL *easy = transfer->easy;

	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			       http__ms(options->connect_timeout_ns ? options->connect_timeout_ns
								    : HTTP_CONNECT_NS));
	if (options->timeout_ns)
		(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, http__ms(options->timeout_ns));
	if (options->redirects) {
		(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
		(void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)options->redirects);
		(void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	}
	if (options->proxy)
		(void)curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy);
	if (options->ca)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca);
	if (options->cert) {
		(void)curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert);
		(void)curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key);
	}
	if (options->insecure) {
		(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

int http_transfer_open(struct http_multi *multi, const struct http_transfer_events *events,
		       void *payload, struct http_transfer **out, struct err *err)
{
	struct http_transfer *transfer = xcalloc(1, sizeof(*transfer));
	CURL *easy = curl_easy_init();

	if (!easy) {
		free(transfer);
		return err_set(err, ERR_INFRA, "libcurl: out of memory");
	}
	*transfer = (struct http_transfer){
		.multi = multi, .easy = easy, .events = events, .payload = payload};
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
			       multi->options.read_bytes ? (long)multi->options.read_bytes
							 : READ_BYTES);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	(void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	(void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi);
	if (multi->options.stamps)
		(void)curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_open);
	set_peer(transfer);
	*out = transfer;
	return 0;
}

void http_transfer_close(struct http_transfer *transfer)
{
	if (!transfer)
		return;
	if (transfer->active)
		(void)curl_multi_remove_handle(transfer->multi->curl, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	free(transfer);
}

static void set_plan(struct http_transfer *transfer, const struct http_plan *plan)
{
	CURL *easy = transfer->easy;

	(void)curl_easy_setopt(easy, CURLOPT_URL, plan->url);
	(void)curl_easy_setopt(easy, CURLOPT_CURLU, plan->parsed);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, plan->headers);
	if (plan->body || strcmp(plan->method, "POST") == 0) {
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				       (curl_off_t)plan->body_len);
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, plan->body ? plan->body : "");
	} else {
		(void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	(void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, plan->method);
	transfer->plan = plan;
}

int http_transfer_start(struct http_transfer *transfer, const struct http_plan *plan,
			struct err *err)
{
	CURLMcode code;

	if (transfer->plan != plan)
		set_plan(transfer, plan);
	transfer->begun = transfer->body = false;
	transfer->came_ns = 0;
	transfer->message[0] = '\0';
	code = curl_multi_add_handle(transfer->multi->curl, transfer->easy);
	if (code)
		return err_set(err, ERR_INFRA, "libcurl: %s", curl_multi_strerror(code));
	transfer->active = true;
	return 0;
}

/* --- how it ended ---------------------------------------------------------------------------- */

/* Without an error of the socket it was not the connection that broke: chunks are no chunks. Only
 * TLS says the same of a connection that ends without farewell. */
static enum http_end receive_end(const struct http_transfer *transfer)
{
	const char *scheme = NULL;
	long sys = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &sys);
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_SCHEME, &scheme);
	if (sys)
		return HTTP_END_RESET;
	return scheme && strcasecmp(scheme, "https") == 0 ? HTTP_END_TRUNCATED : HTTP_END_PROTOCOL;
}

static enum http_end end_of(const struct http_transfer *transfer, CURLcode code)
{
	if (http__tls_failure(transfer->easy, code, transfer->message))
		return HTTP_END_TLS;
	switch (code) {
	case CURLE_OK:
		return HTTP_END_WHOLE;
	case CURLE_WRITE_ERROR:
		return HTTP_END_STOPPED;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_END_TIMEOUT;
	case CURLE_PARTIAL_FILE:
		return HTTP_END_TRUNCATED;
	case CURLE_COULDNT_CONNECT:
		return HTTP_END_REFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_END_DNS;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
		return HTTP_END_RESET;
	case CURLE_RECV_ERROR:
		return receive_end(transfer);
	default:
		return HTTP_END_PROTOCOL;
	}
}

/* libcurl tells how long a connection was tried, not why it failed. */
static const char *message_of(const struct http_transfer *transfer, CURLcode code)
{
	const char *tls = http__tls_failure(transfer->easy, code, transfer->message);
	long sys = 0;

	if (!code || tls)
		return tls ? tls : "";
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &sys);
	if (code == CURLE_COULDNT_CONNECT && sys)
		return strerror((int)sys);
	return transfer->message[0] ? transfer->message : curl_easy_strerror(code);
}

static void finish(struct http_transfer *transfer, CURLcode code)
{
	CURL *easy = transfer->easy;
	struct http_result result = {.end = end_of(transfer, code), .at_ns = came_ns(transfer, 0)};
	curl_off_t connect_us = 0, tls_us = 0;
	long status = 0, connects = 0;
	char *type = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	(void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
	if (connects) {
		(void)curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connect_us);
		(void)curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
		result.connected = connect_us > 0;
		result.connect_ns = (uint64_t)(tls_us > connect_us ? tls_us : connect_us) * 1000;
	}
	result.status = (int)status;
	result.type = type ? type : "";
	result.message = message_of(transfer, code);
	(void)curl_multi_remove_handle(transfer->multi->curl, easy);
	transfer->active = false;
	transfer->events->done(transfer->payload, &result);
}

/* --- the loop -------------------------------------------------------------------------------- */

static void loop_free(struct http_multi *multi)
{
	curl_multi_cleanup(multi->curl);
	if (multi->epoll >= 0)
		(void)close(multi->epoll);
	if (multi->timer >= 0)
		(void)close(multi->timer);
	free(multi->watches);
	free(multi);
}

int http_multi_open(const struct http_multi_options *options, struct http_multi **out,
		    struct err *err)
{
	struct http_multi *multi;
	struct epoll_event event = {.events = EPOLLIN};

	if (http__global(err) < 0)
		return -1;
	multi = xcalloc(1, sizeof(*multi));
	multi->options = *options;
	multi->curl_due = multi->timer_due = NEVER;
	multi->curl = curl_multi_init();
	multi->epoll = epoll_create1(EPOLL_CLOEXEC);
	multi->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	event.data.fd = multi->timer;
	if (!multi->curl || multi->epoll < 0 || multi->timer < 0 ||
	    epoll_ctl(multi->epoll, EPOLL_CTL_ADD, multi->timer, &event) < 0) {
		(void)err_sys(err, ERR_INFRA, "cannot make an event loop");
		loop_free(multi);
		return -1;
	}
	(void)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
	(void)curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
	if (options->connections)
		(void)curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS,
					(long)options->connections);
	*out = multi;
	return 0;
}

void http_multi_close(struct http_multi *multi)
{
	if (multi)
		loop_free(multi);
}

uint64_t http_multi_spun_ns(const struct http_multi *multi)
{
	return multi->spun_ns;
}

uint64_t http_multi_unstamped(const struct http_multi *multi)
{
	return multi->unstamped;
}

static int curl_act(struct http_multi *multi, curl_socket_t fd, int what, struct err *err)
{
	int running;
	CURLMcode code = curl_multi_socket_action(multi->curl, fd, what, &running);

	if (code)
		return err_set(err, ERR_INFRA, "libcurl: %s", curl_multi_strerror(code));
	return 0;
}

static void take_ends(struct http_multi *multi)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi->curl, &left)) != NULL) {
		CURLcode code = message->data.result;
		char *transfer = NULL;

		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		finish((struct http_transfer *)(void *)transfer, code);
	}
}

/* Looked at before libcurl reads; what ends by it is told while the stamp is known. */
static int read_stamped(struct http_multi *multi, int fd, int what, struct err *err)
{
	size_t len = multi->options.read_bytes ? multi->options.read_bytes : READ_BYTES;
	int rc;

	multi->seen = stamp_look(&multi->clock, fd, len);
	rc = curl_act(multi, fd, what, err);
	if (rc == 0)
		take_ends(multi);
	multi->seen = (struct stamp){0};
	return rc;
}

static int on_ready(struct http_multi *multi, const struct epoll_event *event, struct err *err)
{
	int fd = event->data.fd, what = 0;
	uint64_t ticks;

	if (fd == multi->timer) {
		multi->timer_due = NEVER;
		if (read(fd, &ticks, sizeof(ticks)) < 0 && errno != EAGAIN)
			return err_sys(err, ERR_INFRA, "cannot read a timer");
		return 0;
	}
	if (!watch_of(multi, fd)->wanted) {
		watch_set(multi, fd, 0);
		return 0;
	}
	what |= event->events & EPOLLIN ? CURL_CSELECT_IN : 0;
	what |= event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	what |= event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
	/* To look would take the socket's error away from libcurl. */
	return multi->options.stamps && what == CURL_CSELECT_IN ? read_stamped(multi, fd, what, err)
								: curl_act(multi, fd, what, err);
}

/* The timer wakes at DUE or before: an early one costs less than setting it each time. */
static int set_timer(struct http_multi *multi, uint64_t due, struct err *err)
{
	struct itimerspec spec = {.it_value = {.tv_sec = (time_t)(due / NS_PER_S),
					       .tv_nsec = (long)(due % NS_PER_S)}};

	if (due == NEVER || due >= multi->timer_due)
		return 0;
	if (timerfd_settime(multi->timer, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		return err_sys(err, ERR_INFRA, "cannot set a timer");
	multi->timer_due = due;
	return 0;
}

/* Events that came, 0 when it is time for something else; -1. */
static int wait_events(struct http_multi *multi, uint64_t until_ns, uint64_t spin_ns,
		       struct epoll_event *events, struct err *err)
{
	uint64_t due = multi->curl_due, now = clock_ns(), before = now;
	uint64_t awake = until_ns == NEVER || until_ns < spin_ns ? until_ns : until_ns - spin_ns;
	int count, timeout = 0;

	if (awake < due)
		due = awake;
	if (due > now) {
		if (set_timer(multi, due, err) < 0)
			return -1;
		timeout = HTTP_SLICE_MS;
	}
	do {
		count = epoll_wait(multi->epoll, events, EVENTS_MAX, timeout);
		if (count < 0 && errno != EINTR)
			return err_sys(err, ERR_INFRA, "cannot wait for answers");
		if (timeout || count > 0)
			return count < 0 ? 0 : count;
		now = clock_ns();
	} while (now < until_ns && now < multi->curl_due);
	multi->spun_ns += now - before;
	return 0;
}

int http_multi_step(struct http_multi *multi, uint64_t until_ns, uint64_t spin_ns, struct err *err)
{
	struct epoll_event events[EVENTS_MAX];
	int count = wait_events(multi, until_ns, spin_ns, events, err);

	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++)
		if (on_ready(multi, &events[i], err) < 0)
			return -1;
	if (multi->curl_due != NEVER && clock_ns() >= multi->curl_due) {
		multi->curl_due = NEVER;
		if (curl_act(multi, CURL_SOCKET_TIMEOUT, 0, err) < 0)
			return -1;
	}
	if (multi->failed)
		return err_set(err, ERR_INFRA, "cannot watch a connection");
	take_ends(multi);
	return 0;
}
