/* What was measured over time: series first, then each one's newest rows, which lie together. */
#include "store/query.h"
#include "store/store_private.h"

static void begin_series(struct query *query, const struct metric_filter *filter)
{
	struct select select;

	select_init(&select, "SELECT series.id, checks.suite, checks.name, series.metric,"
			     " nullif(series.unit, ''), series.direction, cells.name FROM series"
			     " JOIN checks ON checks.id = series.check_id"
			     " LEFT JOIN cells ON cells.id = series.cell");
	select_text(&select, " WHERE series.metric = ", filter->metric);
	select_text(&select, " AND checks.suite = ", filter->suite);
	select_text(&select, " AND checks.name = ", filter->case_name);
	for (size_t i = 0; i < filter->cells.count; i++) {
		select_text(&select,
			    " AND EXISTS (SELECT 1 FROM cell_values v WHERE v.cell = series.cell"
			    " AND v.name = ",
			    filter->cells.items[i].key);
		select_text(&select, " AND v.value = ", filter->cells.items[i].value);
		select_add(&select, ")");
	}
	select_add(&select, " ORDER BY checks.suite, checks.name, series.id");
	select_begin(&select, query);
}

static void read_series(struct query *query, struct arena *arena, struct metric_row **list,
			size_t *count)
{
	while (query_next(query)) {
		struct metric_row *row = arena_push(arena, list, count, sizeof(*row));

		row->series = query_get_int(query, 0);
		row->suite = query_copy(query, 1, arena);
		row->case_name = query_copy(query, 2, arena);
		row->metric = query_copy(query, 3, arena);
		row->unit = query_copy(query, 4, arena);
		row->direction = store_direction(query_get_text(query, 5));
		row->cell = query_copy(query, 6, arena);
	}
	query_end(query);
}

static void reverse(struct metric_row *rows, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct metric_row row = rows[i];

		rows[i] = rows[count - 1 - i];
		rows[count - 1 - i] = row;
	}
}

/* The rows of one series, read newest first so that the limit keeps those. */
static void read_measurements(struct query *query, const struct metric_row *series,
			      const struct metric_filter *filter, struct arena *arena,
			      struct metric_row **list, size_t *count)
{
	size_t first = *count;

	query_int(query, series->series);
	query_int(query, store_time_ms(filter->since));
	query_int(query, sql_limit(filter->limit));
	while (query_next(query)) {
		struct metric_row *row = arena_push(arena, list, count, sizeof(*row));
		const void *data;
		size_t len = 0;

		*row = *series;
		row->run_id = query_copy(query, 0, arena);
		row->started_at = query_copy(query, 1, arena);
		row->commit = query_copy(query, 2, arena);
		row->environment = query_get_int(query, 3);
		data = query_get_bytes(query, 4, &len);
		row->samples = samples_unpack(data, len, arena, &row->sample_count);
		row->finite = (size_t)query_get_int(query, 5);
		row->median = query_get_real(query, 6);
		row->minimum = query_get_real(query, 7);
		row->maximum = query_get_real(query, 8);
	}
	query_reset(query);
	if (*count > first)
		reverse(*list + first, *count - first);
}

int sql_metrics(struct store *base, const struct metric_filter *filter, struct arena *arena,
		struct metric_row **rows, size_t *count, struct err *err)
{
	struct query query = {.store = (struct sql_store *)base, .err = err};
	struct metric_row *series = NULL, *list = NULL;
	size_t series_count = 0, n = 0;

	if (filter->cells.count > METRIC_CELLS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d cell values", METRIC_CELLS_MAX);
	begin_series(&query, filter);
	read_series(&query, arena, &series, &series_count);
	query_begin(&query, "SELECT runs.id, runs.started_at, runs.commit_hash, runs.environment,"
			    " m.samples, m.count, m.median, m.minimum, m.maximum FROM measurements "
			    "m JOIN runs ON runs.key = m.run"
			    " WHERE m.series = $1 AND m.at_ms >= $2"
			    " ORDER BY m.at_ms DESC, m.run DESC LIMIT $3");
	for (size_t i = 0; i < series_count; i++)
		read_measurements(&query, &series[i], filter, arena, &list, &n);
	query_end(&query);
	if (query.failed)
		return -1;
	*rows = list;
	*count = n;
	return 0;
}
