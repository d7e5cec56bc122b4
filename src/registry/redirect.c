/*
 * Blobs that a registry keeps elsewhere: it answers with a redirect, mostly to object storage. Who
 * is sent there shows no password and believes nothing: a blob is named by the digest of its bytes.
 */
#include "registry/registry_private.h"

#include <string.h>

#define REDIRECTS_MAX 5
#define LOCATION_MAX 8192 /* signed URLs are long */

static bool is_redirect(const struct http_answer *answer)
{
	return answer->status == 301 || answer->status == 302 || answer->status == 303 ||
	       answer->status == 307 || answer->status == 308;
}

static int get(const struct registry *registry, const char *url, struct http_answer *out,
	       struct err *err)
{
	const char *start = strstr(url, "://") + 3, *slash = strchr(start, '/');
	struct http_request request = {.method = "GET",
				       .path = slash ? slash : "/",
				       .body = "",
				       .answer_max = REGISTRY_MANIFEST_MAX,
				       .timeout_ns = REGISTRY_TIMEOUT_NS};
	size_t base = slash ? (size_t)(slash - url) : strlen(url);
	struct http_client *client = NULL;
	int rc;

	if (http_client_open(arena_strndup(registry->arena, url, base), NULL, &client, err) < 0)
		return -1;
	if (registry__is_loopback(start))
		http_client_proxy(client, "");
	rc = http_send(client, &request, out, err);
	http_client_close(client);
	return rc;
}

int registry__follow(struct registry *registry, struct http_answer *answer, struct err *err)
{
	const char *base = arena_printf(registry->arena, "http%s://%s",
					registry__is_loopback(registry->ref.host) ? "" : "s",
					registry->ref.host);
	char location[LOCATION_MAX];

	for (int i = 0; i < REDIRECTS_MAX && is_redirect(answer); i++) {
		const char *url = http_header(answer, "Location", location, sizeof(location));

		if (*url == '/')
			url = arena_printf(registry->arena, "%s%s", base, url);
		if (!registry__is_private(registry, url))
			return err_set(
				err, ERR_INFRA,
				"registry %s: a blob is said to be at %.200s: neither HTTPS nor "
				"this machine",
				registry->ref.host, *url ? url : "no place");
		http_answer_done(answer);
		*answer = (struct http_answer){0};
		if (get(registry, url, answer, err) == 0)
			continue;
		if (err->code != ERR_CANCELLED)
			err->code = ERR_INFRA;
		return err_wrap(err, "registry %s: a blob at %.200s", registry->ref.host, url);
	}
	return 0;
}
