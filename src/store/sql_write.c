/* Runs in: one transaction in which nobody else writes, so ids are the largest so far and one. */
#include "base/digest.h"
#include "model/signature.h"
#include "stats/summary.h"
#include "store/query.h"
#include "store/store_private.h"

#include <string.h>

/* A table of things that runs share, each under a number. */
struct dictionary {
	struct query find, add;
};

struct word {
	const char *text; /* NULL: NUMBER */
	int64_t number;
};

static void dictionary_begin(struct dictionary *dictionary, const struct query *query,
			     const char *find, const char *add)
{
	dictionary->find = query_beside(query);
	dictionary->add = query_beside(query);
	query_begin(&dictionary->find, find);
	query_begin(&dictionary->add, add);
}

/* So that the first failure ends the whole. */
static void dictionary_check(const struct dictionary *dictionary, struct query *query)
{
	query->failed = query->failed || dictionary->find.failed || dictionary->add.failed;
}

static void dictionary_end(struct dictionary *dictionary, struct query *query)
{
	query_join(query, &dictionary->find);
	query_join(query, &dictionary->add);
}

static int64_t ask(struct query *query, const struct word *words, size_t count)
{
	int64_t id = -1;

	for (size_t i = 0; i < count; i++) {
		if (words[i].text)
			query_text(query, words[i].text);
		else
			query_int(query, words[i].number);
	}
	while (query_next(query))
		id = query_get_int(query, 0);
	query_reset(query);
	return id;
}

/* The number of WORDS, given now when there is none: then *ADDED. -1 after a failure. */
static int64_t intern(struct dictionary *dictionary, const struct word *words, size_t count,
		      bool *added)
{
	int64_t id = ask(&dictionary->find, words, count);

	if (added)
		*added = false;
	if (id >= 0 || dictionary->find.failed)
		return id;
	if (added)
		*added = true;
	return ask(&dictionary->add, words, count);
}

static int64_t intern_one(struct query *query, const char *find, const char *add, const char *text,
			  bool *added)
{
	struct dictionary dictionary;
	int64_t id;

	dictionary_begin(&dictionary, query, find, add);
	id = intern(&dictionary, &(struct word){.text = text}, 1, added);
	dictionary_end(&dictionary, query);
	return id;
}

/* Rows (ID, key, value). */
static void write_pairs(struct query *query, const char *sql, int64_t id, const struct pairs *pairs)
{
	struct query insert = query_beside(query);

	query_begin(&insert, sql);
	for (size_t i = 0; i < pairs->count; i++) {
		query_int(&insert, id);
		query_text(&insert, pairs->items[i].key);
		query_text(&insert, pairs->items[i].value ? pairs->items[i].value : "");
		query_run(&insert);
	}
	query_join(query, &insert);
}

static int64_t intern_environment(struct query *query, const struct pairs *pairs)
{
	struct digest *digest = digest_new();
	char hex[DIGEST_HEX];
	bool added = false;
	int64_t id;

	for (size_t i = 0; i < pairs->count; i++) {
		digest_add_field(digest, pairs->items[i].key);
		digest_add_field(digest, pairs->items[i].value ? pairs->items[i].value : "");
	}
	digest_final(digest, hex);
	id = intern_one(query, "SELECT id FROM environments WHERE digest = $1",
			"INSERT INTO environments (id, digest) VALUES "
			"((SELECT coalesce(max(id), 0) + 1 FROM environments), $1) RETURNING id",
			hex, &added);
	if (added)
		write_pairs(query, "INSERT INTO environment_values VALUES ($1, $2, $3)", id, pairs);
	return id;
}

static int64_t intern_cell(struct query *query, const char *cell, struct arena *arena)
{
	struct pairs pairs = {0};
	bool added = false;
	int64_t id;

	if (!cell)
		return 0;
	id = intern_one(query, "SELECT id FROM cells WHERE name = $1",
			"INSERT INTO cells (id, name) VALUES "
			"((SELECT coalesce(max(id), 0) + 1 FROM cells), $1) RETURNING id",
			cell, &added);
	cell_pairs(cell, arena, &pairs);
	if (added) /* a key twice: the first counts */
		write_pairs(query,
			    "INSERT INTO cell_values VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
			    id, &pairs);
	return id;
}

static int64_t write_run_row(struct query *query, const struct run *run, int64_t environment)
{
	unsigned passed = 0, failed = 0;
	int64_t key = -1;

	for (size_t i = 0; i < run->case_count; i++) {
		passed += run->cases[i].outcome == OUTCOME_PASS;
		failed += outcome_is_failure(run->cases[i].outcome);
	}
	query_begin(query,
		    "INSERT INTO runs VALUES ((SELECT coalesce(max(key), 0) + 1 FROM runs), $1, $2,"
		    " $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,"
		    " $20, $21) RETURNING key");
	query_text(query, run->id);
	query_text(query, run->started_at ? run->started_at : "");
	query_int(query, store_time_ms(run->started_at));
	query_int(query, (int64_t)run->duration_ns);
	query_text(query, run->suite ? run->suite : "");
	query_text(query, run->suite_hash);
	query_text(query, run->commit.hash ? run->commit.hash : "");
	query_text(query, run->commit.tree);
	query_text(query, run->commit.subject);
	query_text(query, verdict_name(run->verdict));
	query_text(query, run->reason);
	query_text(query, run->build.input_hash);
	query_text(query, run->build.image_id);
	query_int(query, run->build.reused);
	query_text(query, run->build.builder);
	query_int(query, (int64_t)run->build.duration_ns);
	query_text(query, run->baseline.run_id);
	query_int(query, environment);
	query_int(query, passed);
	query_int(query, failed);
	query_int(query, (int64_t)run->case_count - passed - failed);
	while (query_next(query))
		key = query_get_int(query, 0);
	query_end(query);
	return key;
}

static void write_document(struct query *query, int64_t key, const char *document)
{
	query_begin(query, "INSERT INTO documents VALUES ($1, $2)");
	query_int(query, key);
	query_text(query, document);
	query_run(query);
	query_end(query);
}

static void write_steps(struct query *query, const struct run *run, int64_t key)
{
	query_begin(query, "INSERT INTO steps VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
	for (size_t i = 0; i < run->build.step_count; i++) {
		const struct step *step = &run->build.steps[i];

		query_int(query, key);
		query_int(query, (int64_t)i);
		query_int(query, step->number);
		query_text(query, step->stage);
		query_text(query, step->instruction);
		query_int(query, step->line);
		query_int(query, (int64_t)step->duration_ns);
		query_int(query, step->cached);
		query_int(query, step->failed);
		query_run(query);
	}
	query_end(query);
}

/* The signature of RESULT by its number; NULL for what did not fail. */
static void put_signature(struct query *query, struct dictionary *signatures,
			  const struct case_result *result, struct arena *arena)
{
	struct word words[2] = {{0}, {0}};

	if (!outcome_is_failure(result->outcome)) {
		query_text(query, NULL);
		return;
	}
	words[0].text = result->label ? result->label : "";
	words[1].text = signature_text(result, arena);
	query_int(query, intern(signatures, words, 2, NULL));
	dictionary_check(signatures, query);
}

static void write_case(struct query *query, struct dictionary *signatures,
		       const struct case_result *result, struct arena *arena)
{
	bool told = result->outcome != OUTCOME_PASS || result->flip != FLIP_NONE;

	query_text(query, result->kind ? result->kind : "");
	query_text(query, result->target);
	query_text(query, outcome_name(result->outcome));
	query_text(query, result->flip ? flip_name(result->flip) : NULL);
	put_signature(query, signatures, result, arena);
	query_text(query, told ? case_explain(result, arena) : NULL);
	query_int(query, (int64_t)result->duration_ns);
	query_text(query, result->reused_from);
	query_run(query);
}

/* What came after the case's own result; those of another run are there already. */
static void write_attempts(struct query *query, struct dictionary *signatures, int64_t key,
			   int64_t check, const struct case_result *result, struct arena *arena)
{
	struct query insert = query_beside(query);

	if (result->attempt_count < 2 || result->reused_from)
		return;
	query_begin(&insert, "INSERT INTO attempts VALUES ($1, $2, $3, $4, $5, $6)");
	for (size_t i = 1; i < result->attempt_count; i++) {
		const struct case_attempt *attempt = &result->attempts[i];
		const struct case_result made = {.outcome = attempt->outcome,
						 .label = attempt->label,
						 .actual = attempt->actual,
						 .reason = attempt->reason};

		query_int(&insert, key);
		query_int(&insert, check);
		query_int(&insert, (int64_t)i);
		query_text(&insert, outcome_name(attempt->outcome));
		put_signature(&insert, signatures, &made, arena);
		query_int(&insert, (int64_t)attempt->duration_ns);
		query_run(&insert);
	}
	query_join(query, &insert);
}

/* IDS: the number of each case's check. */
static void write_cases(struct query *query, const struct run *run, int64_t key, int64_t *ids,
			struct arena *arena)
{
	struct dictionary checks, signatures;

	dictionary_begin(&checks, query, "SELECT id FROM checks WHERE suite = $1 AND name = $2",
			 "INSERT INTO checks (id, suite, name) VALUES "
			 "((SELECT coalesce(max(id), 0) + 1 FROM checks), $1, $2) RETURNING id");
	dictionary_begin(
		&signatures, query, "SELECT id FROM signatures WHERE label = $1 AND body = $2",
		"INSERT INTO signatures (id, label, body) VALUES "
		"((SELECT coalesce(max(id), 0) + 1 FROM signatures), $1, $2) RETURNING id");
	query_begin(query,
		    "INSERT INTO cases VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
	for (size_t i = 0; i < run->case_count; i++) {
		const struct word words[2] = {{.text = run->suite ? run->suite : ""},
					      {.text = run->cases[i].name}};

		ids[i] = intern(&checks, words, 2, NULL);
		dictionary_check(&checks, query);
		query_int(query, key);
		query_int(query, ids[i]);
		query_int(query, (int64_t)i);
		write_case(query, &signatures, &run->cases[i], arena);
	}
	query_end(query);
	for (size_t i = 0; i < run->case_count; i++)
		write_attempts(query, &signatures, key, ids[i], &run->cases[i], arena);
	dictionary_end(&checks, query);
	dictionary_end(&signatures, query);
}

static void write_measurement(struct query *query, const struct run *run, int64_t key,
			      int64_t series, const struct metric *metric, struct arena *arena)
{
	struct stats_summary summary = stats_summarise(metric->samples, metric->sample_count);

	query_int(query, series);
	query_int(query, store_time_ms(run->started_at));
	query_int(query, key);
	query_int(query, (int64_t)summary.count);
	query_real(query, summary.median);
	query_real(query, summary.mean);
	query_real(query, summary.minimum);
	query_real(query, summary.maximum);
	query_bytes(query, samples_pack(metric->samples, metric->sample_count, arena),
		    metric->sample_count * SAMPLE_BYTES);
	query_run(query);
}

/* Where samples go: the cell of the metric before is nearly always that of the next. */
struct measuring {
	struct dictionary series;
	struct arena *arena;
	const char *cell;
	int64_t cell_id;
};

static int64_t intern_series(struct measuring *measuring, struct query *query, int64_t check,
			     const struct metric *metric)
{
	struct query cells = query_beside(query);
	struct word words[5] = {{0}};
	int64_t id;

	if (!measuring->cell || !metric->cell || strcmp(measuring->cell, metric->cell) != 0)
		measuring->cell_id = intern_cell(&cells, metric->cell, measuring->arena);
	measuring->cell = metric->cell;
	query->failed = query->failed || cells.failed;
	words[0].text = metric->name;
	words[1].number = check;
	words[2].number = measuring->cell_id;
	words[3].text = metric->unit ? metric->unit : "";
	words[4].text = direction_name(metric->direction);
	id = intern(&measuring->series, words, 5, NULL);
	dictionary_check(&measuring->series, query);
	return id;
}

static void write_measurements(struct query *query, const struct run *run, int64_t key,
			       const int64_t *ids, struct arena *arena)
{
	struct measuring measuring = {.arena = arena};

	dictionary_begin(&measuring.series, query,
			 "SELECT id FROM series WHERE metric = $1 AND check_id = $2 AND cell = $3"
			 " AND unit = $4 AND direction = $5",
			 "INSERT INTO series (id, metric, check_id, cell, unit, direction) VALUES "
			 "((SELECT coalesce(max(id), 0) + 1 FROM series), $1, $2, $3, $4, $5) "
			 "RETURNING id");
	query_begin(query, "INSERT INTO measurements VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *result = &run->cases[i];

		for (size_t m = 0; m < result->metric_count; m++) {
			const struct metric *metric = &result->metrics[m];
			int64_t series = intern_series(&measuring, query, ids[i], metric);

			if (metric->sample_count)
				write_measurement(query, run, key, series, metric, arena);
		}
	}
	query_end(query);
	dictionary_end(&measuring.series, query);
}

void sql_write_run(struct query *query, const struct run *run, const char *document)
{
	struct arena *arena = arena_new();
	int64_t *ids = arena_alloc(arena, run->case_count * sizeof(*ids) + 1);
	int64_t key = write_run_row(query, run, intern_environment(query, &run->environment));

	write_document(query, key, document);
	write_pairs(query, "INSERT INTO bases VALUES ($1, $2, $3)", key, &run->build.bases);
	write_steps(query, run, key);
	write_cases(query, run, key, ids, arena);
	write_measurements(query, run, key, ids, arena);
	arena_free(arena);
}

static int64_t find_run(struct query *query, const char *id)
{
	int64_t key = -1;

	query_begin(query, "SELECT key FROM runs WHERE id = $1");
	query_text(query, id);
	while (query_next(query))
		key = query_get_int(query, 0);
	query_end(query);
	return key;
}

void sql_remove_run(struct query *query, const char *id)
{
	static const char *const texts[] = {
		/* by the whole key: there is no index by run */
		"DELETE FROM measurements WHERE run = $1 AND series IN (SELECT series.id FROM "
		"series"
		" JOIN cases ON cases.check_id = series.check_id WHERE cases.run = $1)"
		" AND at_ms = (SELECT at_ms FROM runs WHERE key = $1)",
		"DELETE FROM runs WHERE key = $1",
	};

	int64_t key = find_run(query, id);

	for (size_t i = 0; key >= 0 && i < sizeof(texts) / sizeof(texts[0]); i++) {
		query_begin(query, texts[i]);
		query_int(query, key);
		query_run(query);
		query_end(query);
	}
}

/* Everything of RUN or nothing. */
static int write_whole(struct sql_store *store, const struct run *run, const char *document,
		       struct err *err)
{
	struct query query = {.store = store, .err = err};
	if (store->driver->begin_alone(store, err) < 0)
		return -1;
	sql_remove_run(&query, run->id);
	sql_write_run(&query, run, document);
	return sql_end(&query);
}

int sql_append(struct store *base, const struct run *run, struct err *err)
{
	struct run *copy = NULL;
	struct buf document;
	int rc;

	buf_init(&document, JSON_BYTES_MAX);
	rc = store_document(run, &document, &copy, err);
	if (rc == 0) /* the copy: columns and document then say the same, in UTF-8 */
		rc = write_whole((struct sql_store *)base, copy, buf_str(&document), err);
	buf_done(&document);
	run_free(copy);
	return rc;
}
