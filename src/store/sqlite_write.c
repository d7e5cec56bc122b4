#include "store/sqlite_private.h"
#include "store/store_private.h"

#include <math.h>
#include <string.h>

/* One prepared statement; the first failure is kept and later calls do nothing. */
struct writer {
	const struct sqlite_store *store;
	sqlite3_stmt *stmt;
	int column;
	bool failed;
	struct err *err;
};

static void begin(struct writer *writer, const char *sql)
{
	writer->column = 0;
	if (!writer->failed &&
	    sqlite3_prepare_v2(writer->store->db, sql, -1, &writer->stmt, NULL) != SQLITE_OK) {
		writer->failed = true;
		sqlite_fail(writer->store, "cannot write", writer->err);
	}
}

static void put_text(struct writer *writer, const char *text)
{
	if (!writer->failed) /* a NULL text binds NULL */
		(void)sqlite3_bind_text(writer->stmt, ++writer->column, text, -1, SQLITE_STATIC);
}

static void put_int(struct writer *writer, int64_t value)
{
	if (!writer->failed)
		(void)sqlite3_bind_int64(writer->stmt, ++writer->column, value);
}

static void put_real(struct writer *writer, double value)
{
	if (!writer->failed)
		(void)sqlite3_bind_double(writer->stmt, ++writer->column, value);
}

/* Write the row and make the statement ready for the next. */
static void row(struct writer *writer)
{
	if (!writer->failed && sqlite3_step(writer->stmt) != SQLITE_DONE) {
		writer->failed = true;
		sqlite_fail(writer->store, "cannot write", writer->err);
	}
	if (writer->stmt)
		sqlite3_reset(writer->stmt);
	writer->column = 0;
}

static void end(struct writer *writer)
{
	sqlite3_finalize(writer->stmt);
	writer->stmt = NULL;
}

static void write_run_row(struct writer *writer, const struct run *run, const char *document)
{
	unsigned passed = 0, failed = 0;

	for (size_t i = 0; i < run->case_count; i++) {
		passed += run->cases[i].outcome == OUTCOME_PASS;
		failed += outcome_is_failure(run->cases[i].outcome);
	}
	begin(writer, "INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
	put_text(writer, run->id);
	put_text(writer, run->started_at ? run->started_at : "");
	put_int(writer, (int64_t)run->duration_ns);
	put_text(writer, run->suite ? run->suite : "");
	put_text(writer, run->suite_hash);
	put_text(writer, run->commit.hash ? run->commit.hash : "");
	put_text(writer, run->commit.tree);
	put_text(writer, run->commit.subject);
	put_text(writer, verdict_name(run->verdict));
	put_text(writer, run->reason);
	put_text(writer, run->build.input_hash);
	put_text(writer, run->build.image_id);
	put_int(writer, run->build.reused);
	put_text(writer, run->build.builder);
	put_int(writer, (int64_t)run->build.duration_ns);
	put_text(writer, run->baseline.run_id);
	put_int(writer, passed);
	put_int(writer, failed);
	put_int(writer, (int64_t)run->case_count - passed - failed);
	put_text(writer, document);
	row(writer);
	end(writer);
}

static void write_pairs(struct writer *writer, const char *sql, const char *id,
			const struct pairs *pairs)
{
	begin(writer, sql);
	for (size_t i = 0; i < pairs->count; i++) {
		put_text(writer, id);
		put_text(writer, pairs->items[i].key);
		put_text(writer, pairs->items[i].value ? pairs->items[i].value : "");
		row(writer);
	}
	end(writer);
}

static void write_steps(struct writer *writer, const struct run *run)
{
	begin(writer, "INSERT INTO steps VALUES (?,?,?,?,?,?,?,?,?)");
	for (size_t i = 0; i < run->build.step_count; i++) {
		const struct step *step = &run->build.steps[i];

		put_text(writer, run->id);
		put_int(writer, (int64_t)i);
		put_int(writer, step->number);
		put_text(writer, step->stage);
		put_text(writer, step->instruction);
		put_int(writer, step->line);
		put_int(writer, (int64_t)step->duration_ns);
		put_int(writer, step->cached);
		put_int(writer, step->failed);
		row(writer);
	}
	end(writer);
}

static void write_cases(struct writer *writer, const struct run *run, struct arena *arena)
{
	begin(writer, "INSERT INTO cases VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)");
	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *result = &run->cases[i];

		put_text(writer, run->id);
		put_text(writer, result->name);
		put_text(writer, result->kind ? result->kind : "");
		put_text(writer, result->target);
		put_text(writer, outcome_name(result->outcome));
		put_text(writer, result->flip ? flip_name(result->flip) : NULL);
		put_text(writer, result->label);
		put_text(writer, result->expected);
		put_text(writer, result->actual);
		put_text(writer, result->where);
		put_text(writer, case_explain(result, arena));
		put_int(writer, (int64_t)result->duration_ns);
		put_text(writer, result->reused_from);
		row(writer);
	}
	end(writer);
}

static void write_samples(struct writer *writer, const struct run *run)
{
	begin(writer, "INSERT INTO samples VALUES (?,?,?,?,?,?,?,?)");
	for (size_t i = 0; i < run->case_count; i++) {
		const struct case_result *result = &run->cases[i];

		for (size_t m = 0; m < result->metric_count; m++) {
			const struct metric *metric = &result->metrics[m];

			for (size_t s = 0; s < metric->sample_count; s++) {
				if (!isfinite(metric->samples[s]))
					continue; /* nothing was measured; SQL has no NaN */
				put_text(writer, run->id);
				put_text(writer, result->name);
				put_text(writer, metric->name);
				put_int(writer, (int64_t)s);
				put_real(writer, metric->samples[s]);
				put_text(writer, metric->unit);
				put_text(writer, direction_name(metric->direction));
				put_text(writer, metric->cell);
				row(writer);
			}
		}
	}
	end(writer);
}

static void statement(struct writer *writer, const char *sql, const char *id)
{
	begin(writer, sql);
	if (id)
		put_text(writer, id);
	row(writer);
	end(writer);
}

/* Everything of RUN or nothing. */
static int write_run(struct sqlite_store *store, const struct run *run, const char *document,
		     struct err *err)
{
	struct writer writer = {.store = store, .err = err};
	struct arena *arena = arena_new();

	statement(&writer, "BEGIN IMMEDIATE", NULL);
	statement(&writer, "DELETE FROM runs WHERE id = ?", run->id);
	write_run_row(&writer, run, document);
	write_pairs(&writer, "INSERT INTO bases VALUES (?,?,?)", run->id, &run->build.bases);
	write_pairs(&writer, "INSERT INTO environment VALUES (?,?,?)", run->id, &run->environment);
	write_steps(&writer, run);
	write_cases(&writer, run, arena);
	write_samples(&writer, run);
	statement(&writer, "COMMIT", NULL);
	if (writer.failed && !sqlite3_get_autocommit(store->db))
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	arena_free(arena);
	return writer.failed ? -1 : 0;
}

int sqlite_append(struct store *base, const struct run *run, struct err *err)
{
	struct run *copy = NULL;
	struct buf document;
	int rc;

	buf_init(&document, JSON_BYTES_MAX);
	rc = store_document(run, &document, &copy, err);
	if (rc == 0) /* the copy: columns and document then say the same, in UTF-8 */
		rc = write_run((struct sqlite_store *)base, copy, buf_str(&document), err);
	buf_done(&document);
	run_free(copy);
	return rc;
}
