/* What `docker login` left behind. Helpers that keep passwords elsewhere are not asked. */
#include "registry/registry.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_BYTES_MAX ((size_t)1024 * 1024)
#define AUTH_BYTES_MAX ((size_t)16 * 1024)

static const char *config_path(struct arena *arena)
{
	const char *folder = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

	if (folder && *folder)
		return arena_printf(arena, "%s/config.json", folder);
	return home && *home ? arena_printf(arena, "%s/.docker/config.json", home) : NULL;
}

/* Docker Hub's entry has a name of its own; others stand by their host, or as a URL of it. */
static const struct json *entry_of(const struct json *auths, const char *host, struct arena *arena)
{
	const char *names[] = {host, arena_printf(arena, "https://%s", host),
			       arena_printf(arena, "https://%s/v1/", host),
			       arena_printf(arena, "https://%s/v2/", host),
			       "https://index.docker.io/v1/"};
	bool hub = strcmp(host, "docker.io") == 0 || strcmp(host, "index.docker.io") == 0 ||
		   strcmp(host, "registry-1.docker.io") == 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) - !hub; i++) {
		const struct json *entry = json_get(auths, names[i]);

		if (json_str(entry, "auth", NULL))
			return entry;
	}
	return NULL;
}

int registry_credentials(const char *host, struct arena *arena, const char **out, struct err *err)
{
	CLEANUP(json_freep) struct json *json = NULL;
	const char *path = config_path(arena), *auth;
	struct buf text;
	int rc;

	*out = NULL;
	if (!path)
		return 0;
	buf_init(&text, CONFIG_BYTES_MAX);
	rc = file_read(path, &text, err);
	if (rc == 0 && json_parse(buf_str(&text), text.len, false, &json, err) < 0)
		rc = err_wrap(err, "%s", path);
	buf_done(&text);
	if (rc < 0)
		return err->code == ERR_NOTFOUND ? 0 : -1;
	auth = json_str(entry_of(json_get(json, "auths"), host, arena), "auth", NULL);
	if (!auth)
		return 0;
	buf_init(&text, AUTH_BYTES_MAX);
	if (base64_read(auth, strlen(auth), &text) < 0 || text.truncated ||
	    memchr(text.data, 0, text.len) || !strchr(buf_str(&text), ':'))
		rc = err_set(err, ERR_USAGE, "%s: the entry of %s is not USER:PASSWORD in base64",
			     path, host);
	else
		*out = arena_strdup(arena, buf_str(&text));
	buf_done(&text);
	return rc;
}
