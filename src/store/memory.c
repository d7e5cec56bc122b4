/* A history that ends with the process: for tests, and for runs nobody wants kept. */
#include "base/mem.h"
#include "store/store_private.h"

#include <stdlib.h>
#include <string.h>

struct memory {
	struct store base;
	struct run **runs; /* in the order appended */
	size_t count;
};

static int memory_open(const char *location, struct store **out, struct err *err)
{
	struct memory *memory = xcalloc(1, sizeof(*memory));

	(void)location;
	(void)err;
	memory->base.ops = &store_memory;
	*out = &memory->base;
	return 0;
}

static void memory_close(struct store *store)
{
	struct memory *memory = (struct memory *)store;

	for (size_t i = 0; i < memory->count; i++)
		run_free(memory->runs[i]);
	free(memory->runs);
	free(memory);
}

/* A deep copy, by the way every store keeps runs. */
static int copy_run(const struct run *run, struct run **out, struct err *err)
{
	struct buf document;
	int rc;

	buf_init(&document, JSON_BYTES_MAX);
	rc = store_document(run, &document, out, err);
	buf_done(&document);
	return rc;
}

static int memory_append(struct store *store, const struct run *run, struct err *err)
{
	struct memory *memory = (struct memory *)store;
	struct run *copy = NULL;

	if (copy_run(run, &copy, err) < 0)
		return -1;
	for (size_t i = 0; i < memory->count; i++) {
		if (strcmp(memory->runs[i]->id, run->id) != 0)
			continue;
		run_free(memory->runs[i]);
		memory->runs[i] = copy;
		return 0;
	}
	memory->runs = xrealloc(memory->runs, (memory->count + 1) * sizeof(*memory->runs));
	memory->runs[memory->count++] = copy;
	return 0;
}

static int memory_load(struct store *store, const char *id, struct run **out, struct err *err)
{
	const struct memory *memory = (const struct memory *)store;
	const struct run *found = NULL;
	size_t len = strlen(id), matches = 0;

	for (size_t i = 0; len && i < memory->count; i++) {
		const struct run *run = memory->runs[i];

		if (strcmp(run->id, id) == 0)
			return copy_run(run, out, err);
		if (strncmp(run->id, id, len) != 0)
			continue;
		found = run;
		matches++;
	}
	if (!found)
		return err_set(err, ERR_NOTFOUND, "no run '%s'", id);
	if (matches > 1)
		return err_set(err, ERR_USAGE, "run id '%s' is ambiguous: write more of it", id);
	return copy_run(found, out, err);
}

static bool same(const char *wanted, const char *value)
{
	return !wanted || (value && strcmp(wanted, value) == 0);
}

static bool matches(const struct run *run, const struct store_filter *filter)
{
	bool completed = run->verdict == VERDICT_PASS || run->verdict == VERDICT_FAIL ||
			 run->verdict == VERDICT_INCONCLUSIVE;

	return same(filter->suite, run->suite) && same(filter->commit, run->commit.hash) &&
	       same(filter->input_hash, run->build.input_hash) &&
	       same(filter->suite_hash, run->suite_hash) &&
	       (!filter->with_image || run->build.image_id) && (!filter->completed || completed);
}

/* A column that is never NULL. */
static const char *text_of(const char *text, struct arena *arena)
{
	return arena_strdup(arena, text ? text : "");
}

static void fill_row(const struct run *run, struct arena *arena, struct run_row *row)
{
	*row = (struct run_row){.id = arena_strdup(arena, run->id),
				.started_at = text_of(run->started_at, arena),
				.suite = text_of(run->suite, arena),
				.commit = text_of(run->commit.hash, arena),
				.subject = arena_strdup(arena, run->commit.subject),
				.verdict = run->verdict,
				.reason = arena_strdup(arena, run->reason),
				.image_id = arena_strdup(arena, run->build.image_id),
				.duration_ns = run->duration_ns};
	for (size_t i = 0; i < run->case_count; i++) {
		if (run->cases[i].outcome == OUTCOME_PASS)
			row->passed++;
		else if (outcome_is_failure(run->cases[i].outcome))
			row->failed++;
		else
			row->other++;
	}
}

/* Newest first: by start, then by id, as SQL does. */
static int compare_runs(const void *a, const void *b)
{
	const struct run *ra = *(const struct run *const *)a, *rb = *(const struct run *const *)b;
	int order =
		strcmp(rb->started_at ? rb->started_at : "", ra->started_at ? ra->started_at : "");

	return order ? order : strcmp(rb->id, ra->id);
}

static const struct run **sorted_runs(const struct memory *memory, struct arena *arena)
{
	const struct run **list = arena_alloc(arena, memory->count * sizeof(*list) + 1);

	for (size_t i = 0; i < memory->count; i++)
		list[i] = memory->runs[i];
	qsort(list, memory->count, sizeof(*list), compare_runs);
	return list;
}

static int memory_runs(struct store *store, const struct store_filter *filter, struct arena *arena,
		       struct run_row **rows, size_t *count, struct err *err)
{
	const struct memory *memory = (const struct memory *)store;
	const struct run **list = sorted_runs(memory, arena);
	size_t limit = filter->limit ? filter->limit : STORE_ROWS_DEFAULT;

	(void)err;
	*rows = NULL;
	*count = 0;
	for (size_t i = 0; i < memory->count && *count < limit; i++)
		if (matches(list[i], filter))
			fill_row(list[i], arena, arena_push(arena, rows, count, sizeof(**rows)));
	return 0;
}

static void add_flips(const struct run *run, size_t limit, struct arena *arena,
		      struct flip_row **rows, size_t *count)
{
	for (size_t i = 0; i < run->case_count && *count < limit; i++) {
		const struct case_result *result = &run->cases[i];
		struct flip_row *row;

		if (result->flip != FLIP_REGRESSED && result->flip != FLIP_FIXED)
			continue;
		row = arena_push(arena, rows, count, sizeof(*row));
		row->run_id = arena_strdup(arena, run->id);
		row->started_at = text_of(run->started_at, arena);
		row->commit = text_of(run->commit.hash, arena);
		row->suite = text_of(run->suite, arena);
		row->case_name = arena_strdup(arena, result->name);
		row->flip = result->flip;
		row->label = arena_strdup(arena, result->label);
		row->explanation = arena_strdup(arena, case_explain(result, arena));
	}
}

static int memory_flips(struct store *store, const struct store_filter *filter, struct arena *arena,
			struct flip_row **rows, size_t *count, struct err *err)
{
	const struct memory *memory = (const struct memory *)store;
	const struct run **list = sorted_runs(memory, arena);
	size_t limit = filter->limit ? filter->limit : STORE_ROWS_DEFAULT;

	(void)err;
	*rows = NULL;
	*count = 0;
	for (size_t i = 0; i < memory->count; i++)
		if (matches(list[i], filter))
			add_flips(list[i], limit, arena, rows, count);
	return 0;
}

const struct store_ops store_memory = {
	.name = "memory",
	.summary = "ends with the process; for tests",
	.scheme = "memory",
	.open = memory_open,
	.close = memory_close,
	.append = memory_append,
	.load = memory_load,
	.runs = memory_runs,
	.flips = memory_flips,
};
