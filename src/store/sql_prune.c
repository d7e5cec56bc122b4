/*
 * Old runs out. Kept always: the newest run of each suite and commit, and the baseline of every run
 * that stays, however old: without it that run's flips could not be explained.
 */
#include "store/query.h"
#include "store/store_private.h"

#include <string.h>

#define PRUNE_BATCH 64 /* runs removed in one transaction, so that writers wait shortly */

struct candidate {
	const char *id;
	const char *started_at;
	const char *baseline;
	bool keep;
};

static const char *const candidates_sql =
	"SELECT id, started_at, baseline_run, CASE WHEN rank <= $1 OR started_at >= $2 OR "
	"place = 1 THEN 1 ELSE 0 END FROM (SELECT id, started_at, baseline_run,"
	" row_number() OVER (ORDER BY started_at DESC, id DESC) AS rank,"
	" row_number() OVER (PARTITION BY suite, commit_hash ORDER BY started_at DESC, id DESC) AS "
	"place FROM runs) AS ranked ORDER BY id";

/* All runs by id, each marked by what it is itself. */
static void read_candidates(struct query *query, const struct prune_rule *rule, struct arena *arena,
			    struct candidate **list, size_t *count)
{
	query_begin(query, candidates_sql);
	query_int(query, (int64_t)rule->keep_newest);
	query_text(query, rule->keep_since ? rule->keep_since : "\x7f");
	while (query_next(query)) {
		struct candidate *row = arena_push(arena, list, count, sizeof(*row));

		row->id = query_copy(query, 0, arena);
		row->started_at = query_copy(query, 1, arena);
		row->baseline = query_copy(query, 2, arena);
		row->keep = query_get_int(query, 3) != 0;
	}
	query_end(query);
}

static struct candidate *find(struct candidate *list, size_t count, const char *id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(list[middle].id, id);

		if (order == 0)
			return &list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* A kept run keeps its baseline, and that one its own. */
static void keep_baselines(struct candidate *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct candidate *run = list[i].keep ? &list[i] : NULL;

		while (run && run->baseline) {
			run = find(list, count, run->baseline);
			if (run && run->keep)
				break;
			if (run)
				run->keep = true;
		}
	}
}

static int remove_batch(struct sql_store *store, const struct candidate *list, size_t count,
			size_t *next, struct err *err)
{
	struct query query = {.store = store, .err = err};
	size_t removed = 0;

	if (store->driver->begin_alone(store, err) < 0)
		return -1;
	for (; *next < count && removed < PRUNE_BATCH && !query.failed; (*next)++) {
		if (list[*next].keep)
			continue;
		sql_remove_run(&query, list[*next].id);
		removed++;
	}
	return sql_end(&query);
}

int sql_prune(struct store *base, const struct prune_rule *rule, struct arena *arena,
	      struct prune_row **rows, size_t *count, size_t *kept, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct candidate *list = NULL;
	struct prune_row *out = NULL;
	size_t total = 0, n = 0, next = 0;

	read_candidates(&query, rule, arena, &list, &total);
	if (query.failed)
		return -1;
	keep_baselines(list, total);
	for (size_t i = 0; i < total; i++) {
		struct prune_row *row;

		if (list[i].keep)
			continue;
		row = arena_push(arena, &out, &n, sizeof(*row));
		row->run_id = list[i].id;
		row->started_at = list[i].started_at;
	}
	while (!rule->dry_run && n && next < total)
		if (remove_batch(query.store, list, total, &next, err) < 0)
			return -1;
	*rows = out;
	*count = n;
	*kept = total - n;
	return 0;
}
