#include "store/query.h"
#include "store/store_private.h"

#include <string.h>

/* Give the metrics of RUN their samples back. */
static void load_samples(struct query *query, struct run *run, int64_t key)
{
	query_begin(query, "SELECT cases.position, series.metric, series.unit, series.direction,"
			   " cells.name, measurements.samples FROM cases"
			   " JOIN series ON series.check_id = cases.check_id"
			   " JOIN runs ON runs.key = cases.run"
			   " JOIN measurements ON measurements.series = series.id"
			   " AND measurements.at_ms = runs.at_ms AND measurements.run = cases.run"
			   " LEFT JOIN cells ON cells.id = series.cell WHERE cases.run = $1");
	query_int(query, key);
	while (query_next(query)) {
		size_t place = (size_t)query_get_int(query, 0), len = 0;
		const char *name = query_get_text(query, 1), *unit = query_get_text(query, 2);
		const char *direction = query_get_text(query, 3), *cell = query_get_text(query, 4);
		const void *data = query_get_bytes(query, 5, &len);

		for (size_t m = 0; place < run->case_count && m < run->cases[place].metric_count;
		     m++) {
			struct metric *metric = &run->cases[place].metrics[m];

			if (strcmp(metric->name, name) == 0 &&
			    strcmp(metric->unit ? metric->unit : "", unit) == 0 &&
			    strcmp(direction_name(metric->direction), direction) == 0 &&
			    strcmp(metric->cell ? metric->cell : "", cell ? cell : "") == 0)
				metric->samples = samples_unpack(data, len, run->arena,
								 &metric->sample_count);
		}
	}
	query_end(query);
}

/* The first row is the run's, or that of the only one whose id begins so. */
static int step_load(struct query *query, const char *id, int64_t *key, struct run **out,
		     struct err *err)
{
	struct run *run = NULL;
	const char *text;

	if (!query_next(query))
		return query->failed ? -1
				     : err_set(err, ERR_NOTFOUND, "no run '%s' in %s", id,
					       query->store->name);
	*key = query_get_int(query, 0);
	text = query_get_text(query, 1);
	if (store_parse(text, strlen(text), &run, err) < 0)
		return err_wrap(err, "%s", query->store->name);
	if (strcmp(run->id, id) != 0 && query_next(query)) {
		run_free(run);
		return err_set(err, ERR_USAGE, "run id '%s' is ambiguous: write more of it", id);
	}
	if (query->failed) {
		run_free(run);
		return -1;
	}
	*out = run;
	return 0;
}

/* One past the last id that begins with ID: ids are ASCII. "" begins none. */
static const char *prefix_end(const char *id, struct arena *arena)
{
	return *id ? arena_printf(arena, "%s\x7f", id) : "";
}

/* Ids that begin with ID, in order: the id itself comes first when it exists. */
int sql_load(struct store *base, const char *id, struct run **out, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct arena *arena = arena_new();
	struct run *run = NULL;
	int64_t key = 0;
	int rc;

	query_begin(&query, "SELECT key, body FROM runs JOIN documents ON run = key"
			    " WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2");
	query_text(&query, id);
	query_text(&query, prefix_end(id, arena));
	rc = step_load(&query, id, &key, &run, err);
	query_end(&query);
	if (rc == 0) {
		load_samples(&query, run, key);
		rc = query.failed ? -1 : 0;
	}
	if (rc == 0)
		*out = run;
	else
		run_free(run);
	arena_free(arena);
	return rc;
}

/* The conditions that FILTER sets, on a SELECT that has one already. */
static void add_filter(struct select *select, const struct store_filter *filter)
{
	select_text(select, " AND suite = ", filter->suite);
	select_text(select, " AND commit_hash = ", filter->commit);
	select_text(select, " AND input_hash = ", filter->input_hash);
	select_text(select, " AND suite_hash = ", filter->suite_hash);
	select_text(select, " AND image_id = ", filter->image_id);
	if (filter->with_image)
		select_add(select, " AND image_id IS NOT NULL");
	if (filter->completed)
		select_add(select, " AND verdict IN ('pass', 'fail', 'inconclusive')");
}

int sql_runs(struct store *base, const struct store_filter *filter, struct arena *arena,
	     struct run_row **rows, size_t *count, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct run_row *list = NULL;
	struct select select;
	size_t n = 0;

	select_init(&select, "SELECT id, started_at, suite, commit_hash, subject, verdict, reason,"
			     " image_id, duration_ns, passed, failed, other FROM runs WHERE true");
	add_filter(&select, filter);
	select_int(&select,
		   filter->as_recorded ? " ORDER BY key LIMIT "
				       : " ORDER BY started_at DESC, id DESC LIMIT ",
		   sql_limit(filter->limit));
	select_begin(&select, &query);
	while (query_next(&query)) {
		struct run_row *row = arena_push(arena, &list, &n, sizeof(*row));

		row->id = query_copy(&query, 0, arena);
		row->started_at = query_copy(&query, 1, arena);
		row->suite = query_copy(&query, 2, arena);
		row->commit = query_copy(&query, 3, arena);
		row->subject = query_copy(&query, 4, arena);
		row->verdict = VERDICT_OPEN;
		(void)verdict_parse(query_get_text(&query, 5), &row->verdict);
		row->reason = query_copy(&query, 6, arena);
		row->image_id = query_copy(&query, 7, arena);
		row->duration_ns = (uint64_t)query_get_int(&query, 8);
		row->passed = (unsigned)query_get_int(&query, 9);
		row->failed = (unsigned)query_get_int(&query, 10);
		row->other = (unsigned)query_get_int(&query, 11);
	}
	query_end(&query);
	if (query.failed)
		return -1;
	*rows = list;
	*count = n;
	return 0;
}

int sql_flips(struct store *base, const struct store_filter *filter, struct arena *arena,
	      struct flip_row **rows, size_t *count, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct flip_row *list = NULL;
	struct select select;
	size_t n = 0;

	/* CROSS: newest runs first, so that the limit ends the search */
	select_init(&select,
		    "SELECT r.id, r.started_at, r.commit_hash, r.suite, checks.name, c.flip,"
		    " signatures.label, c.explanation FROM runs r CROSS JOIN cases c"
		    " JOIN checks ON checks.id = c.check_id"
		    " LEFT JOIN signatures ON signatures.id = c.signature"
		    " WHERE c.run = r.key AND c.flip IN ('regressed', 'fixed')");
	select_text(&select, " AND r.suite = ", filter->suite);
	select_text(&select, " AND r.commit_hash = ", filter->commit);
	select_int(&select, " ORDER BY r.started_at DESC, r.id DESC, c.position LIMIT ",
		   sql_limit(filter->limit));
	select_begin(&select, &query);
	while (query_next(&query)) {
		struct flip_row *row = arena_push(arena, &list, &n, sizeof(*row));
		const char *flip = query_get_text(&query, 5);

		row->run_id = query_copy(&query, 0, arena);
		row->started_at = query_copy(&query, 1, arena);
		row->commit = query_copy(&query, 2, arena);
		row->suite = query_copy(&query, 3, arena);
		row->case_name = query_copy(&query, 4, arena);
		row->flip = strcmp(flip, flip_name(FLIP_FIXED)) == 0 ? FLIP_FIXED : FLIP_REGRESSED;
		row->label = query_copy(&query, 6, arena);
		row->explanation = query_copy(&query, 7, arena);
	}
	query_end(&query);
	if (query.failed)
		return -1;
	*rows = list;
	*count = n;
	return 0;
}

/* Only runs of the window count, and only cases that failed there at least once are looked up. */
int sql_repeats(struct store *base, const struct store_filter *filter, struct arena *arena,
		struct repeat_row **rows, size_t *count, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct repeat_row *list = NULL;
	struct select select;
	size_t n = 0;

	/* CROSS: in this order, or SQLite reads the cases of every run there is */
	select_init(&select, "WITH recent AS MATERIALIZED (SELECT key, started_at, environment,"
			     " image_id FROM runs WHERE image_id IS NOT NULL");
	add_filter(&select, filter);
	select_int(&select, " ORDER BY started_at DESC, id DESC LIMIT ", sql_limit(filter->limit));
	select_add(&select,
		   "), suspects AS MATERIALIZED (SELECT DISTINCT f.check_id FROM recent"
		   " CROSS JOIN cases f"
		   " WHERE f.run = recent.key AND f.outcome IN ('fail', 'timeout')),"
		   " results AS (SELECT c.check_id, recent.environment, recent.image_id, c.outcome,"
		   " c.signature, recent.started_at"
		   " FROM suspects CROSS JOIN recent CROSS JOIN cases c"
		   " WHERE c.run = recent.key AND c.check_id = suspects.check_id"
		   " AND c.outcome IN ('pass', 'fail') AND c.reused_from IS NULL"
		   " UNION ALL SELECT a.check_id, recent.environment, recent.image_id, a.outcome,"
		   " a.signature, recent.started_at FROM recent CROSS JOIN attempts a"
		   " WHERE a.run = recent.key AND a.outcome IN ('pass', 'fail'))"
		   " SELECT checks.suite, checks.name, g.environment, g.image_id, g.passed,"
		   " g.failed, g.signatures, g.newest FROM"
		   " (SELECT check_id, environment, image_id,"
		   " CAST(sum(CASE WHEN outcome = 'pass' THEN 1 ELSE 0 END) AS BIGINT) AS passed,"
		   " CAST(sum(CASE WHEN outcome = 'pass' THEN 0 ELSE 1 END) AS BIGINT) AS failed,"
		   " count(DISTINCT signature) AS signatures, max(started_at) AS newest"
		   " FROM results GROUP BY check_id, environment, image_id) AS g"
		   " JOIN checks ON checks.id = g.check_id"
		   " ORDER BY checks.suite, checks.name, g.environment, g.image_id");
	select_begin(&select, &query);
	while (query_next(&query)) {
		struct repeat_row *row = arena_push(arena, &list, &n, sizeof(*row));

		row->suite = query_copy(&query, 0, arena);
		row->case_name = query_copy(&query, 1, arena);
		row->environment = query_get_int(&query, 2);
		row->image_id = query_copy(&query, 3, arena);
		row->passed = (uint64_t)query_get_int(&query, 4);
		row->failed = (uint64_t)query_get_int(&query, 5);
		row->signatures = (uint64_t)query_get_int(&query, 6);
		row->newest = query_copy(&query, 7, arena);
	}
	query_end(&query);
	if (query.failed)
		return -1;
	*rows = list;
	*count = n;
	return 0;
}
