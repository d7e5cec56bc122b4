/*
 * Registries that want a token of their own: they answer 401 and name a service that gives one to
 * whoever shows USER:PASSWORD there, or to anybody for what is public (distribution.github.io,
 * "Token Authentication Specification").
 */
#include "registry/registry_private.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

#define CHALLENGE_MAX 4096
#define TOKEN_ANSWER_MAX ((size_t)64 * 1024)

struct challenge {
	const char *realm, *service, *scope;
};

/* The value at TEXT, quoted or not; *END is behind it. NULL: it is not ended. */
static const char *value_at(const char *text, const char **end, struct arena *arena)
{
	size_t len;

	if (*text != '"') {
		len = strcspn(text, ", \t");
		*end = text + len;
		return arena_strndup(arena, text, len);
	}
	len = strcspn(++text, "\"");
	if (!text[len])
		return NULL;
	*end = text + len + 1;
	return arena_strndup(arena, text, len);
}

/* `Bearer realm="https://host/token",service="host",scope="repository:a/b:pull"` */
static bool parse(const char *header, struct arena *arena, struct challenge *out)
{
	static const char scheme[] = "Bearer ";
	const char *at = header;

	*out = (struct challenge){0};
	if (strncasecmp(at, scheme, sizeof(scheme) - 1) != 0)
		return false;
	at += sizeof(scheme) - 1;
	while (*at) {
		size_t key;
		const char *name, *value;

		at += strspn(at, ", \t");
		key = strcspn(at, "=");
		if (!at[key])
			break;
		name = arena_strndup(arena, at, key);
		value = value_at(at + key + 1, &at, arena);
		if (!value)
			return false;
		if (strcasecmp(name, "realm") == 0)
			out->realm = value;
		else if (strcasecmp(name, "service") == 0)
			out->service = value;
		else if (strcasecmp(name, "scope") == 0)
			out->scope = value;
	}
	return out->realm != NULL;
}

static void add_parameter(struct buf *path, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(path, "%c%s=", strchr(buf_str(path), '?') ? '&' : '?', key);
	http_encode(value, path);
}

static int ask(const struct registry *registry, const struct challenge *challenge,
	       struct http_answer *answer, struct err *err)
{
	const char *start = strstr(challenge->realm, "://") + 3, *slash = strchr(start, '/');
	const char *headers[] = {registry->basic, NULL};
	struct http_request request = {.method = "GET",
				       .headers = headers,
				       .body = "",
				       .answer_max = TOKEN_ANSWER_MAX,
				       .timeout_ns = REGISTRY_TIMEOUT_NS};
	size_t base = slash ? (size_t)(slash - challenge->realm) : strlen(challenge->realm);
	struct http_client *client = NULL;
	struct buf path;
	int rc;

	if (http_client_open(arena_strndup(registry->arena, challenge->realm, base), NULL, &client,
			     err) < 0)
		return -1;
	if (registry__is_loopback(start))
		http_client_proxy(client, "");
	buf_init(&path, CHALLENGE_MAX);
	buf_addstr(&path, slash ? slash : "/");
	add_parameter(&path, "service", challenge->service);
	add_parameter(&path, "scope", challenge->scope);
	request.path = buf_str(&path);
	rc = path.truncated ? err_set(err, ERR_LIMIT, "what it asks for is too long")
			    : http_send(client, &request, answer, err);
	buf_done(&path);
	http_client_close(client);
	return rc;
}

/* A token goes into a header: it holds nothing that ends one. */
static const char *token_of(const struct http_answer *answer, struct arena *arena)
{
	CLEANUP(json_freep) struct json *json = NULL;
	const char *token = NULL;
	struct err ignored;

	if (answer->status == 200 &&
	    json_parse(buf_str(&answer->body), answer->body.len, false, &json, &ignored) == 0)
		token = json_str(json, "token", json_str(json, "access_token", NULL));
	if (!token || !*token || strpbrk(token, "\r\n"))
		return NULL;
	return arena_printf(arena, "Authorization: Bearer %s", token);
}

int registry__take_token(struct registry *registry, const struct http_answer *refusal,
			 struct err *err)
{
	struct http_answer answer = {0};
	struct challenge challenge;
	char header[CHALLENGE_MAX];
	const char *token;

	(void)http_header(refusal, "WWW-Authenticate", header, sizeof(header));
	if (!parse(header, registry->arena, &challenge))
		return 0;
	/* A password goes where the registry says, but never in clear over a network. */
	if (!registry__is_private(registry, challenge.realm))
		return err_set(
			err, ERR_INFRA,
			"registry %s: it sends for a token to %.200s, where a password would "
			"go unencrypted",
			registry->ref.host, challenge.realm);
	if (ask(registry, &challenge, &answer, err) < 0) {
		if (err->code != ERR_CANCELLED)
			err->code = ERR_INFRA;
		return err_wrap(err, "registry %s: token of %.200s", registry->ref.host,
				challenge.realm);
	}
	token = token_of(&answer, registry->arena);
	if (!token)
		err_set(err, ERR_INFRA,
			"registry %s: %.200s gives no token (status %d): set ASSAY_REGISTRY_AUTH "
			"to USER:PASSWORD, or log in with docker",
			registry->ref.host, challenge.realm, answer.status);
	http_answer_done(&answer);
	if (!token)
		return -1;
	registry->auth = token;
	return 1;
}
