#include "store/store_private.h"

#include "model/run_json.h"

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

static int parse(const char *text, size_t len, enum err_code code, struct run **out,
		 struct err *err)
{
	struct err why = {0};
	struct json *json = NULL;
	int rc = json_parse(text, len, false, &json, &why);

	if (rc == 0)
		rc = run_from_json(json, out, &why);
	json_free(json);
	return rc == 0 ? 0 : err_set(err, code, "the recorded run does not read: %s", why.msg);
}

int store_parse(const char *text, size_t len, struct run **out, struct err *err)
{
	return parse(text, len, ERR_INFRA, out, err);
}

int store_document(const struct run *run, struct buf *document, struct run **copy, struct err *err)
{
	struct json *json;

	if (!run->id || !*run->id)
		return err_set(err, ERR_BUG, "a run without id cannot be recorded");
	json = run_to_json(run);
	json_print(json, false, document);
	json_free(json);
	if (document->truncated)
		return err_set(err, ERR_LIMIT, "run %s is larger than %zu MiB: keep less output",
			       run->id, document->max / 1024 / 1024);
	return parse(buf_str(document), document->len, ERR_BUG, copy, err);
}
