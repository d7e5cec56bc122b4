#include "http/http.h"

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"
#include "http/http_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One exchange: what the callbacks need, and the first error that one of them met. */
struct exchange {
	const struct http_request *request;
	struct http_client *client;
	CURL *easy;
	struct http_answer answer;
	struct err err;
	bool failed;
	char message[CURL_ERROR_SIZE];
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_code;

static void global_init(void)
{
	global_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http__global(struct err *err)
{
	(void)pthread_once(&global_once, global_init);
	if (global_code)
		return err_set(err, ERR_INFRA, "libcurl: %s", curl_easy_strerror(global_code));
	return 0;
}

int http_client_open(const char *base, const char *socket, struct http_client **out,
		     struct err *err)
{
	struct http_client *client;

	if (http__global(err) < 0)
		return -1;
	client = xcalloc(1, sizeof(*client));
	client->base = xstrdup(base);
	client->socket = socket ? xstrdup(socket) : NULL;
	(void)pthread_mutex_init(&client->lock, NULL);
	*out = client;
	return 0;
}

void http_client_tls(struct http_client *client, const char *ca, const char *cert, const char *key)
{
	client->ca = ca ? xstrdup(ca) : NULL;
	client->cert = cert ? xstrdup(cert) : NULL;
	client->key = key ? xstrdup(key) : NULL;
}

void http_client_insecure(struct http_client *client)
{
	client->insecure = true;
}

void http_client_proxy(struct http_client *client, const char *proxy)
{
	client->proxy = proxy ? xstrdup(proxy) : NULL;
}

static void slot_free(struct http__slot *slot)
{
	curl_easy_cleanup(slot->easy);
	curl_multi_cleanup(slot->multi);
}

void http_client_close(struct http_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < client->pooled; i++)
		slot_free(&client->pool[i]);
	(void)pthread_mutex_destroy(&client->lock);
	free(client->base);
	free(client->socket);
	free(client->ca);
	free(client->cert);
	free(client->key);
	free(client->proxy);
	free(client);
}

static int slot_take(struct http_client *client, struct http__slot *out, struct err *err)
{
	struct http__slot slot = {0};

	(void)pthread_mutex_lock(&client->lock);
	if (client->pooled)
		slot = client->pool[--client->pooled];
	(void)pthread_mutex_unlock(&client->lock);
	if (!slot.easy) {
		slot.multi = curl_multi_init();
		slot.easy = curl_easy_init();
	}
	if (!slot.multi || !slot.easy) {
		slot_free(&slot);
		return err_set(err, ERR_INFRA, "libcurl: out of memory");
	}
	*out = slot;
	return 0;
}

static void slot_give(struct http_client *client, struct http__slot *slot)
{
	curl_easy_reset(slot->easy);
	(void)pthread_mutex_lock(&client->lock);
	if (client->pooled < HTTP_POOL_MAX) {
		client->pool[client->pooled++] = *slot;
		slot->easy = NULL;
	}
	(void)pthread_mutex_unlock(&client->lock);
	if (slot->easy)
		slot_free(slot);
}

const char *http__place(const struct http_client *client)
{
	return client->socket ? client->socket : client->base;
}

long http__ms(uint64_t ns)
{
	uint64_t ms = ns / NS_PER_MS;

	if (ms == 0)
		return 1; /* 0 would mean "no limit" */
	return ms > (uint64_t)INT32_MAX ? INT32_MAX : (long)ms;
}

void http__configure(const struct http_client *client, CURL *easy, const char *path,
		     uint64_t connect_timeout_ns)
{
	struct buf url;

	buf_init(&url, HTTP_URL_MAX);
	buf_addstr(&url, client->base);
	buf_addstr(&url, path);
	(void)curl_easy_setopt(easy, CURLOPT_URL, buf_str(&url));
	buf_done(&url);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			       http__ms(connect_timeout_ns ? connect_timeout_ns : HTTP_CONNECT_NS));
	if (client->socket) {
		(void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->socket);
		(void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	}
	if (client->proxy) /* an empty name is none */
		(void)curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy);
	if (client->ca)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca);
	if (client->cert) {
		(void)curl_easy_setopt(easy, CURLOPT_SSLCERT, client->cert);
		(void)curl_easy_setopt(easy, CURLOPT_SSLKEY, client->key);
	}
	if (client->insecure) {
		(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

/* A new connection was through with TLS, and nothing of the request could be sent on it. */
static bool cut_before_request(CURL *easy)
{
	curl_off_t tls_us = 0;
	long connects = 0, sent = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
	(void)curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
	(void)curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
	return connects && tls_us && !sent;
}

const char *http__tls_failure(CURL *easy, CURLcode code, const char *message)
{
	switch (code) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return *message ? message : curl_easy_strerror(code);
	case CURLE_RECV_ERROR:
		return strstr(message, "SSL") && strstr(message, " alert ") ? message : NULL;
	case CURLE_SEND_ERROR:
		return cut_before_request(easy)
			       ? "the server ended the connection after the TLS handshake, before "
				 "the request: does it want a certificate of the client, or refuse "
				 "this one?"
			       : NULL;
	default:
		return NULL;
	}
}

int http__connect_error(const struct http_client *client, CURL *easy, CURLcode code,
			const char *message, struct err *err)
{
	const char *why = *message ? message : curl_easy_strerror(code);
	long sys = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &sys);
	if (code == CURLE_COULDNT_CONNECT && sys)
		why = strerror((int)sys);
	(void)err_set(err, ERR_INFRA, "cannot connect to %s: %s", http__place(client), why);
	if (err)
		err->sys = sys ? (int)sys : EHOSTUNREACH;
	return -1;
}

static size_t on_header(char *data, size_t size, size_t count, void *payload)
{
	struct exchange *x = payload;

	/* A new status line starts over: "100 Continue" came before. */
	if (size * count > 5 && memcmp(data, "HTTP/", 5) == 0)
		buf_consume(&x->answer.headers, x->answer.headers.len);
	buf_add(&x->answer.headers, data, size * count);
	return size * count;
}

static size_t on_read(char *data, size_t size, size_t count, void *payload)
{
	struct exchange *x = payload;
	ssize_t len = x->request->read(x->request->payload, data, size * count, &x->err);

	if (len < 0) {
		x->failed = true;
		return CURL_READFUNC_ABORT;
	}
	return (size_t)len;
}

static int collect(struct exchange *x, const char *data, size_t len, bool good)
{
	char size[32];

	buf_add(&x->answer.body, data, len);
	if (!x->answer.body.truncated || !good)
		return 0; /* of a refusal the beginning is enough */
	return err_set(&x->err, ERR_LIMIT, "the answer of %s %s is larger than %s",
		       http__place(x->client), x->request->path,
		       units_size(x->answer.body.max, size, sizeof(size)));
}

static size_t on_write(char *data, size_t size, size_t count, void *payload)
{
	struct exchange *x = payload;
	size_t len = size * count;
	long status = 0;
	bool good;
	int rc;

	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	good = status >= 200 && status < 300;
	if (good && x->request->write)
		rc = x->request->write(x->request->payload, data, len, &x->err);
	else
		rc = collect(x, data, len, good);
	if (rc == 0)
		return len;
	x->failed = true;
	return len ? 0 : 1;
}

static struct curl_slist *header_list(const struct http_request *request)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	bool typed = !request->body && !request->read;

	for (const char *const *h = request->headers; h && *h; h++) {
		typed = typed || strncasecmp(*h, "Content-Type:", 13) == 0;
		list = curl_slist_append(list, *h);
	}
	return typed ? list : curl_slist_append(list, "Content-Type: application/json");
}

static void set_body(struct exchange *x, CURL *easy)
{
	const struct http_request *request = x->request;

	if (request->read) {
		(void)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		(void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		(void)curl_easy_setopt(easy, CURLOPT_READDATA, x);
		/* A stream cannot be sent twice, so never begin it on a connection that the
		 * server may have closed meanwhile. */
		(void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		return;
	}
	if (!request->body && (!request->method || strcmp(request->method, "POST") != 0))
		return;
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
}

static void setup(struct exchange *x, CURL *easy, struct curl_slist *headers)
{
	const struct http_request *request = x->request;

	http__configure(x->client, easy, request->path, request->connect_timeout_ns);
	set_body(x, easy);
	if (request->head)
		(void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else
		(void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
				       request->method ? request->method : "GET");
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->message);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
	if (request->timeout_ns)
		(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, http__ms(request->timeout_ns));
}

/* Drive the transfer to its end. 0 with its result in CODE, or -1 when interrupted. */
static int transfer(struct http__slot *slot, bool cleanup, CURLcode *code, struct err *err)
{
	int running = 1, left;
	CURLMcode multi = CURLM_OK;
	CURLMsg *message;

	for (;;) {
		multi = curl_multi_perform(slot->multi, &running);
		if (multi || !running)
			break;
		if (!cleanup && cancel_check(err) < 0)
			return -1;
		multi = curl_multi_poll(slot->multi, NULL, 0, HTTP_SLICE_MS, NULL);
		if (multi)
			break;
	}
	if (multi)
		return err_set(err, ERR_INFRA, "libcurl: %s", curl_multi_strerror(multi));
	*code = CURLE_OK;
	while ((message = curl_multi_info_read(slot->multi, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
			*code = message->data.result;
	return 0;
}

static int timeout_error(struct exchange *x, struct err *err)
{
	curl_off_t connected = 0;
	char limit[32];

	(void)curl_easy_getinfo(x->easy, CURLINFO_CONNECT_TIME_T, &connected);
	if (!connected && !x->answer.headers.len)
		return http__connect_error(x->client, x->easy, CURLE_OPERATION_TIMEDOUT, "", err);
	return err_set(err, ERR_TIMEOUT, "%s %s: no complete answer within %s",
		       http__place(x->client), x->request->path,
		       units_duration(x->request->timeout_ns, limit, sizeof(limit)));
}

static int transfer_error(struct exchange *x, CURLcode code, struct err *err)
{
	const char *tls = http__tls_failure(x->easy, code, x->message);
	curl_off_t bytes = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	if (tls)
		return http__connect_error(x->client, x->easy, code, tls, err);
	switch (code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return http__connect_error(x->client, x->easy, code, "", err);
	case CURLE_OPERATION_TIMEDOUT:
		return timeout_error(x, err);
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
		return err_set(err, ERR_INFRA,
			       "the answer of %s %s ended after %" PRIdMAX " bytes, cut off",
			       http__place(x->client), x->request->path, (intmax_t)bytes);
	case CURLE_GOT_NOTHING:
		return err_set(err, ERR_INFRA, "%s %s: the connection was closed without an answer",
			       http__place(x->client), x->request->path);
	case CURLE_SEND_ERROR:
		return err_set(err, ERR_INFRA,
			       "%s %s: the connection was lost while sending (%" PRIdMAX
			       " bytes of answer)",
			       http__place(x->client), x->request->path, (intmax_t)bytes);
	default:
		return err_set(err, ERR_INFRA, "%s %s: %s", http__place(x->client),
			       x->request->path, curl_easy_strerror(code));
	}
}

static int finish(struct exchange *x, CURLcode code, struct err *err)
{
	long status = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->answer.status = (int)status;
	if (code == CURLE_OK)
		return 0;
	if (x->failed) {
		if (err)
			*err = x->err;
		return -1;
	}
	/* The server refused and closed while we were still sending: its answer counts. */
	if (code == CURLE_SEND_ERROR && status >= 300)
		return 0;
	return transfer_error(x, code, err);
}

int http_send(struct http_client *client, const struct http_request *request,
	      struct http_answer *out, struct err *err)
{
	struct exchange x = {.request = request, .client = client};
	struct curl_slist *headers;
	struct http__slot slot;
	CURLcode code = CURLE_OK;
	int rc;

	if ((!request->cleanup && cancel_check(err) < 0) || slot_take(client, &slot, err) < 0)
		return -1;
	x.easy = slot.easy;
	buf_init(&x.answer.headers, HTTP_HEADERS_MAX);
	buf_init(&x.answer.body, request->answer_max ? request->answer_max : HTTP_ANSWER_MAX);
	headers = header_list(request);
	setup(&x, slot.easy, headers);
	(void)curl_multi_add_handle(slot.multi, slot.easy);
	rc = transfer(&slot, request->cleanup, &code, err);
	if (rc == 0)
		rc = finish(&x, code, err);
	(void)curl_multi_remove_handle(slot.multi, slot.easy);
	(void)curl_easy_setopt(slot.easy, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(headers);
	slot_give(client, &slot);
	if (rc < 0)
		http_answer_done(&x.answer);
	else
		*out = x.answer;
	return rc;
}

void http_answer_done(struct http_answer *answer)
{
	buf_done(&answer->body);
	buf_done(&answer->headers);
	answer->status = 0;
}

const char *http_header(const struct http_answer *answer, const char *name, char *out, size_t size)
{
	const char *line = buf_str(&answer->headers);
	size_t name_len = strlen(name);

	out[0] = '\0';
	for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		const char *value = line + name_len + 1;
		size_t len;

		if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
		len = (size_t)(end - value);
		while (len && (value[len - 1] == '\r' || value[len - 1] == ' '))
			len--;
		if (len > size - 1)
			len = size - 1;
		memcpy(out, value, len);
		out[len] = '\0';
		break;
	}
	return out;
}

void http_encode(const char *text, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9') || strchr("-._~", *c);
		char escaped[3] = {'%', hex[*c >> 4], hex[*c & 15]};

		if (plain)
			buf_add(out, c, 1);
		else
			buf_add(out, escaped, 3);
	}
}
