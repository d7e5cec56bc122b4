/* The page of a bisection, over what `assay bisect` keeps as answer.json ("assay_bisect": 1). */
#include "site/site_private.h"

#include <string.h>

#define COMMITS_MAX 20000
#define MEMBERS_MAX 500
#define EVIDENCE_MAX 5000
#define DIFFERENCES_MAX 2000

static void copy_text(const struct json *from, const char *key, struct json *to)
{
	site_add_text(to, key, json_str(from, key, NULL), SITE_FIELD_MAX);
}

static void copy_number(const struct json *from, const char *key, struct json *to)
{
	const struct json *value = json_get(from, key);

	if (value && json_type(value) == JSON_NUMBER)
		json_add_num(to, key, json_number(value));
}

static void copy_flag(const struct json *from, const char *key, struct json *to)
{
	if (json_bool(from, key, false))
		json_add_bool(to, key, true);
}

static const char *run_subject(const struct site_bisect *page, const char *commit)
{
	for (size_t i = 0; commit && i < page->subjects.count; i++)
		if (strcmp(page->subjects.items[i].key, commit) == 0)
			return page->subjects.items[i].value;
	return NULL;
}

/* What the answer says of COMMIT, else what the runs of the report do. */
static const char *subject_of(const struct site_bisect *page, const char *commit)
{
	const struct json *item = json_first(json_get(page->answer, "posterior"));

	for (; commit && item; item = json_next(item))
		if (strcmp(json_str(item, "commit", ""), commit) == 0 &&
		    json_str(item, "subject", NULL))
			return json_str(item, "subject", NULL);
	return run_subject(page, commit);
}

/* A list of at most MAX objects; ADD fills each from its source. */
static void copy_list(const struct site_bisect *page, const struct json *from, const char *key,
		      size_t max, struct json *to,
		      void (*fill)(const struct site_bisect *page, const struct json *from,
				   struct json *to))
{
	struct json *list = json_add_array(to, key);
	size_t count = 0;

	for (const struct json *item = json_first(json_get(from, key)); item && count < max;
	     item = json_next(item), count++)
		if (json_type(item) == JSON_OBJECT)
			fill(page, item, json_add_object(list, NULL));
}

static void fill_commit(const struct site_bisect *page, const struct json *from, struct json *to)
{
	const char *subject = json_str(from, "subject", NULL);

	if (!subject)
		subject = run_subject(page, json_str(from, "commit", NULL));
	copy_text(from, "commit", to);
	site_add_text(to, "subject", subject, SITE_FIELD_MAX);
	copy_number(from, "probability", to);
	copy_number(from, "fails", to);
	copy_number(from, "passes", to);
	copy_number(from, "measured", to);
	copy_number(from, "change", to);
	copy_flag(from, "same_inputs", to);
	copy_flag(from, "no_verdict", to);
}

static void fill_evidence(const struct site_bisect *page, const struct json *from, struct json *to)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const char *run = json_str(from, "run", NULL);

	copy_text(from, "commit", to);
	copy_text(from, "seen", to);
	copy_text(from, "note", to);
	copy_text(from, "run", to);
	copy_number(from, "build_s", to);
	copy_number(from, "test_s", to);
	copy_flag(from, "built_anew", to);
	copy_number(from, "change", to);
	for (size_t i = 0; run && i < page->runs.count; i++)
		if (strcmp(page->runs.items[i], run) == 0)
			json_add_str(to, "page", site_run_path(run, arena));
}

static void fill_difference(const struct site_bisect *page, const struct json *from,
			    struct json *to)
{
	(void)page;
	copy_text(from, "topic", to);
	copy_text(from, "name", to);
	copy_text(from, "before", to);
	copy_text(from, "after", to);
	copy_text(from, "where", to);
}

static void fill_wanted(const struct site_bisect *page, const struct json *from, struct json *to)
{
	(void)page;
	copy_text(from, "check", to);
	copy_text(from, "signature", to);
}

static void put_members(const struct site_bisect *page, struct json *to)
{
	struct json *list = json_add_array(to, "commits");
	size_t count = 0;

	for (const struct json *item = json_first(json_get(page->answer, "commits"));
	     item && count < MEMBERS_MAX; item = json_next(item), count++) {
		struct json *member = json_add_object(list, NULL);

		site_add_text(member, "commit", json_text(item), SITE_FIELD_MAX);
		site_add_text(member, "subject", subject_of(page, json_text(item)), SITE_FIELD_MAX);
	}
}

static void put_cause(const struct site_bisect *page, struct json *to)
{
	const struct json *from = json_get(page->answer, "cause");

	copy_text(from, "external", to);
	copy_text(from, "before", to);
	copy_text(from, "after", to);
	copy_text(from, "not_compared", to);
	copy_list(page, from, "differences", DIFFERENCES_MAX, to, fill_difference);
}

static void put_metric(const struct json *from, struct json *to)
{
	static const char *const keys[] = {"good", "change", "noise", "margin", NULL};

	copy_text(from, "name", to);
	copy_text(from, "unit", to);
	for (size_t i = 0; keys[i]; i++)
		copy_number(from, keys[i], to);
}

/* What a search that has not ended was doing when it last said so. */
static void put_now(const struct site_bisect *page, const struct json *from, struct json *to)
{
	struct json *list;
	size_t count = 0;

	copy_text(from, "at", to);
	copy_number(from, "left", to);
	copy_number(from, "left_s", to);
	list = json_add_array(to, "probing");
	for (const struct json *item = json_first(json_get(from, "probing"));
	     item && count < MEMBERS_MAX; item = json_next(item), count++) {
		struct json *probe = json_add_object(list, NULL);

		site_add_text(probe, "commit", json_text(item), SITE_FIELD_MAX);
		site_add_text(probe, "subject", subject_of(page, json_text(item)), SITE_FIELD_MAX);
	}
}

static void put_cost(const struct json *from, struct json *to)
{
	static const char *const keys[] = {"suspects", "different", "builds", "tests",
					   "retries",  "work_s",    NULL};

	for (size_t i = 0; keys[i]; i++)
		copy_number(from, keys[i], to);
}

static void put_head(const struct site_bisect *page, struct json *data)
{
	static const char *const texts[] = {"good", "bad", "suite", "command", "ending", NULL};

	json_add_str(data, "id", page->id);
	for (size_t i = 0; texts[i]; i++)
		copy_text(page->answer, texts[i], data);
	copy_number(page->answer, "probability", data);
	copy_flag(page->answer, "confirmed", data);
	put_members(page, data);
}

void site_bisect_write(const struct site_bisect *page, const struct site_frame *frame,
		       struct buf *out)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct json *answer = page->answer;
	struct site_page frame_page = {.kind = "bisect", .root = "../", .charts = true};
	struct json *data = json_new_object();

	put_head(page, data);
	copy_list(page, answer, "wanted", EVIDENCE_MAX, data, fill_wanted);
	copy_list(page, answer, "posterior", COMMITS_MAX, data, fill_commit);
	copy_list(page, answer, "evidence", EVIDENCE_MAX, data, fill_evidence);
	copy_number(answer, "no_culprit", data);
	copy_number(answer, "older", data);
	if (json_get(answer, "metric"))
		put_metric(json_get(answer, "metric"), json_add_object(data, "metric"));
	if (json_get(answer, "now"))
		put_now(page, json_get(answer, "now"), json_add_object(data, "now"));
	put_cause(page, json_add_object(data, "cause"));
	put_cost(json_get(answer, "cost"), json_add_object(data, "cost"));
	frame_page.title =
		arena_printf(arena, "Bisection %.10s..%.10s – %s", json_str(answer, "good", ""),
			     json_str(answer, "bad", ""), frame->title);
	frame_page.data = data;
	site_page_write(&frame_page, frame, out);
}

void site_bisects_write(const struct site_bisect *pages, size_t count,
			const struct site_frame *frame, struct buf *out)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct site_page frame_page = {.kind = "bisects", .root = ""};
	struct json *data = json_new_object(), *list = json_add_array(data, "bisects");

	for (size_t i = 0; i < count; i++) {
		struct json *item = json_add_object(list, NULL);

		put_head(&pages[i], item);
		json_add_str(item, "page", site_bisect_path(pages[i].id, arena));
	}
	frame_page.title = arena_printf(arena, "Bisections – %s", frame->title);
	frame_page.data = data;
	site_page_write(&frame_page, frame, out);
}
