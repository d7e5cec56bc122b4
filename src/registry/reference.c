#include "registry/registry_private.h"

#include <string.h>

#define REPO_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789._-/"
#define TAG_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]"
#define REFERENCE_MAX 512

static bool has_only(const char *text, const char *letters)
{
	return *text && !text[strspn(text, letters)];
}

static bool is_digest(const char *text)
{
	return strncmp(text, "sha256:", 7) == 0 && strlen(text) == 71 &&
	       strspn(text + 7, "0123456789abcdef") == 64;
}

bool registry_is_reference(const char *text)
{
	size_t host = strcspn(text, "/");

	return text[host] == '/' && (memchr(text, '.', host) || memchr(text, ':', host) ||
				     (host == 9 && memcmp(text, "localhost", 9) == 0));
}

int registry_parse(const char *text, struct arena *arena, struct registry_ref *out, struct err *err)
{
	struct registry_ref ref = {0};
	const char *slash = strchr(text, '/'), *at, *rest, *colon;

	if (strlen(text) > REFERENCE_MAX || !registry_is_reference(text))
		return err_set(err, ERR_USAGE,
			       "'%.100s' is no reference to a registry: write HOST/REPO:TAG or "
			       "HOST/REPO@sha256:DIGEST",
			       text);
	at = strchr(slash, '@');
	ref.host = arena_strndup(arena, text, (size_t)(slash - text));
	ref.digest = at ? arena_strdup(arena, at + 1) : NULL;
	rest = arena_strndup(arena, slash + 1, at ? (size_t)(at - slash) - 1 : strlen(slash + 1));
	colon = strchr(rest, ':');
	ref.repo = colon ? arena_strndup(arena, rest, (size_t)(colon - rest)) : rest;
	ref.tag = colon ? colon + 1 : "latest";
	if (ref.digest && !is_digest(ref.digest))
		return err_set(err, ERR_USAGE, "'%.100s': a digest is sha256: and 64 hex digits",
			       text);
	if (!has_only(ref.host, HOST_LETTERS) || !has_only(ref.repo, REPO_LETTERS) ||
	    strstr(ref.repo, "..") || strstr(ref.repo, "//") || ref.repo[0] == '/' ||
	    !has_only(ref.tag, TAG_LETTERS) || strlen(ref.tag) > 128)
		return err_set(err, ERR_USAGE, "'%.100s' has a letter that a reference cannot have",
			       text);
	ref.name = arena_printf(arena, "%s/%s", ref.host, ref.repo);
	*out = ref;
	return 0;
}
