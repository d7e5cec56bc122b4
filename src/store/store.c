#include "store/store_private.h"

#include "model/run_json.h"

#include <math.h>
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

/* Samples are kept apart, packed: a document of numbers would be several times as large. */
static void print_without_samples(const struct run *run, struct buf *document)
{
	struct json *json;
	struct arena *arena = arena_new();
	struct run bare = *run;

	bare.cases = arena_alloc(arena, run->case_count * sizeof(*bare.cases) + 1);
	for (size_t i = 0; i < run->case_count; i++) {
		struct case_result *result = &bare.cases[i];

		*result = run->cases[i];
		result->metrics =
			arena_alloc(arena, result->metric_count * sizeof(*result->metrics) + 1);
		for (size_t m = 0; m < result->metric_count; m++) {
			result->metrics[m] = run->cases[i].metrics[m];
			result->metrics[m].sample_count = 0;
		}
	}
	json = run_to_json(&bare);
	json_print(json, false, document);
	json_free(json);
	arena_free(arena);
}

/* The samples of RUN into COPY, which its document gave; what is not finite was not measured. */
static int copy_samples(const struct run *run, struct run *copy, struct err *err)
{
	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *from = &run->cases[i];
		struct case_result *to = i < copy->case_count ? &copy->cases[i] : NULL;

		if (!to || to->metric_count != from->metric_count)
			return err_set(err, ERR_BUG, "run %s: its cases do not read back", run->id);
		for (size_t m = 0; m < from->metric_count; m++) {
			struct metric *metric = &to->metrics[m];
			size_t count = from->metrics[m].sample_count;

			metric->sample_count = count;
			metric->samples =
				arena_alloc(copy->arena, count * sizeof(*metric->samples) + 1);
			for (size_t k = 0; k < count; k++)
				metric->samples[k] = isfinite(from->metrics[m].samples[k])
							     ? from->metrics[m].samples[k]
							     : NAN;
		}
	}
	return 0;
}

int store_document(const struct run *run, struct buf *document, struct run **copy, struct err *err)
{
	struct run *back = NULL;

	if (!run->id || !*run->id)
		return err_set(err, ERR_BUG, "a run without id cannot be recorded");
	print_without_samples(run, document);
	if (document->truncated)
		return err_set(err, ERR_LIMIT, "run %s is larger than %zu MiB: keep less output",
			       run->id, document->max / 1024 / 1024);
	if (parse(buf_str(document), document->len, ERR_BUG, &back, err) < 0)
		return -1;
	if (copy_samples(run, back, err) < 0) {
		run_free(back);
		return -1;
	}
	*copy = back;
	return 0;
}
