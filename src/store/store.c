#include "store/store_ops.h"

#include <string.h>

const struct store_ops *const store_kinds[] = {
#define KIND(name) &store_##name,
#include "store/kinds.def"
#undef KIND
	NULL,
};

/* Length of URL's scheme, 0 for a plain path: letters up to a colon. */
static size_t scheme_length(const char *url)
{
	size_t len = strspn(url, "abcdefghijklmnopqrstuvwxyz");

	return url[len] == ':' ? len : 0;
}

int store_open(const char *url, struct store **out, struct err *err)
{
	size_t len = scheme_length(url);
	const char *location = len ? url + len + 1 : url;

	if (!len)
		return store_sqlite.open(url, out, err);
	for (size_t i = 0; store_kinds[i]; i++) {
		const struct store_ops *ops = store_kinds[i];

		if (strlen(ops->scheme) != len || strncmp(ops->scheme, url, len) != 0)
			continue;
		if (ops->unavailable)
			return err_set(err, ERR_USAGE, "%s: %s", url, ops->unavailable);
		return ops->open(location, out, err);
	}
	return err_set(err, ERR_USAGE, "%s: no store takes '%.*s:'; write a path, or sqlite:PATH",
		       url, (int)len, url);
}

void store_close(struct store *store)
{
	if (store)
		store->ops->close(store);
}

void store_closep(struct store **store)
{
	store_close(*store);
}
