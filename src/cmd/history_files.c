/*
 * `assay history export`, `import` and `prune`. An export is JSON lines: {"assay_history": 1,
 * "sha256": of the text of run, "run": …}, oldest first; a line that does not say its own digest is
 * refused, so a cut or changed file is not taken for a history.
 */
#include "base/clock.h"
#include "base/digest.h"
#include "cmd/history_private.h"
#include "model/run_json.h"

#include <stdio.h>
#include <string.h>

#define EXPORT_VERSION 1
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define DAYS_MAX 36500

/* The text of RUN and its digest. */
static void run_text(const struct run *run, struct buf *out, char digest[DIGEST_HEX])
{
	struct json *json = run_to_json(run);

	json_print(json, false, out);
	json_free(json);
	digest_of(buf_str(out), out->len, digest);
}

static int export_run(const struct history *history, const char *id, FILE *file, struct err *err)
{
	char digest[DIGEST_HEX];
	struct run *run = NULL;
	struct buf text;

	if (history->store->ops->load(history->store, id, &run, err) < 0)
		return -1;
	buf_init(&text, JSON_BYTES_MAX);
	run_text(run, &text, digest);
	(void)fprintf(file, "{\"assay_history\":%d,\"sha256\":\"%s\",\"run\":", EXPORT_VERSION,
		      digest);
	(void)fwrite(buf_str(&text), 1, text.len, file);
	(void)fputs("}\n", file);
	buf_done(&text);
	run_free(run);
	return ferror(file) ? err_sys(err, ERR_INFRA, "cannot write") : 0;
}

int history_export(const struct history *history, const char *name, struct err *err)
{
	const struct store_filter filter = {.suite = history->options->suite, .limit = SIZE_MAX};
	struct run_row *rows = NULL;
	size_t count = 0;
	int rc = 0;
	FILE *file;

	if (history->store->ops->runs(history->store, &filter, history->arena, &rows, &count, err) <
	    0)
		return -1;
	file = strcmp(name, "-") == 0 ? stdout : fopen(name, "we");
	if (!file)
		return err_sys(err, ERR_USAGE, "%s", name);
	for (size_t i = count; i-- > 0 && rc == 0;)
		rc = export_run(history, rows[i].id, file, err);
	if (file == stdout)
		return rc;
	if (fclose(file) != 0 && rc == 0)
		rc = err_sys(err, ERR_INFRA, "%s: cannot write", name);
	if (rc == 0 && !history->options->common.quiet)
		printf("%zu run%s exported to %s\n", count, count == 1 ? "" : "s", name);
	return rc;
}

struct import {
	const struct history *history;
	const char *file;
	size_t line, added, known;
};

static bool digest_holds(const struct run *run, const char *wanted)
{
	char digest[DIGEST_HEX];
	struct buf text;

	buf_init(&text, JSON_BYTES_MAX);
	run_text(run, &text, digest);
	buf_done(&text);
	return wanted && strcmp(wanted, digest) == 0;
}

/* The run of one line, checked. */
static int import_parse(const struct import *import, const char *text, size_t len, struct run **out,
			struct err *err)
{
	struct json *json CLEANUP(json_freep) = NULL;
	const struct json *run;
	struct run *read = NULL;

	if (json_parse(text, len, false, &json, err) < 0)
		return err_wrap(err, "%s:%zu", import->file, import->line);
	run = json_get(json, "run");
	if (json_int(json, "assay_history", 0) != EXPORT_VERSION || !run)
		return err_set(err, ERR_USAGE, "%s:%zu: not a line of `assay history export`",
			       import->file, import->line);
	if (run_from_json(run, &read, err) < 0)
		return err_wrap(err, "%s:%zu", import->file, import->line);
	if (digest_holds(read, json_str(json, "sha256", NULL))) {
		*out = read;
		return 0;
	}
	run_free(read);
	return err_set(err, ERR_USAGE,
		       "%s:%zu: the run is not what its digest says: it was changed", import->file,
		       import->line);
}

/* Add RUN unless it is there already; another run under its id is not replaced. */
static int import_run(struct import *import, const struct run *run, struct err *err)
{
	struct store *store = import->history->store;
	struct run *known CLEANUP(run_freep) = NULL;
	char digest[DIGEST_HEX];
	struct err why = {0};
	struct buf text;

	if (store->ops->load(store, run->id, &known, &why) < 0 && why.code != ERR_NOTFOUND &&
	    why.code != ERR_USAGE)
		return err_set(err, why.code, "%s", why.msg);
	if (!known || strcmp(known->id, run->id) != 0) {
		import->added++;
		return import->history->options->dry_run ? 0 : store->ops->append(store, run, err);
	}
	buf_init(&text, JSON_BYTES_MAX);
	run_text(run, &text, digest);
	buf_done(&text);
	if (!digest_holds(known, digest))
		return err_set(err, ERR_USAGE, "%s:%zu: the history has another run %s",
			       import->file, import->line, run->id);
	import->known++;
	return 0;
}

/* One line into LINE, without reading more than it may hold; false at the end of FILE. */
static bool read_line(FILE *file, struct buf *line)
{
	char chunk[64 * 1024];

	buf_consume(line, line->len);
	while (!line->truncated && fgets(chunk, sizeof(chunk), file)) {
		buf_addstr(line, chunk);
		if (line->len && line->data[line->len - 1] == '\n')
			break;
	}
	return line->len > 0;
}

static int import_lines(struct import *import, FILE *file, struct err *err)
{
	struct buf line;
	int rc = 0;

	buf_init(&line, JSON_BYTES_MAX);
	while (rc == 0 && read_line(file, &line)) {
		struct run *run CLEANUP(run_freep) = NULL;

		import->line++;
		if (line.truncated)
			rc = err_set(err, ERR_LIMIT, "%s:%zu: longer than %zu MiB", import->file,
				     import->line, JSON_BYTES_MAX / 1024 / 1024);
		else if (import_parse(import, buf_str(&line), line.len, &run, err) < 0)
			rc = -1;
		else
			rc = import_run(import, run, err);
	}
	if (rc == 0 && ferror(file))
		rc = err_sys(err, ERR_USAGE, "%s: cannot read", import->file);
	buf_done(&line);
	return rc;
}

int history_import(const struct history *history, const char *name, struct err *err)
{
	struct import import = {.history = history, .file = name};
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	int rc;

	if (!file)
		return err_sys(err, ERR_USAGE, "%s", name);
	rc = import_lines(&import, file, err);
	if (file != stdin)
		(void)fclose(file);
	if (rc == 0 && !history->options->common.quiet)
		printf("%zu run%s %s, %zu already there\n", import.added,
		       import.added == 1 ? "" : "s",
		       history->options->dry_run ? "would be imported" : "imported", import.known);
	return rc;
}

int history_prune(const struct history *history, struct err *err)
{
	const struct history_options *options = history->options;
	struct prune_rule rule = {.keep_newest = (size_t)options->keep_runs,
				  .dry_run = options->dry_run};
	struct prune_row *rows = NULL;
	size_t count = 0, kept = 0;
	char since[CLOCK_TEXT];

	if (!options->keep_days && !options->keep_runs)
		return err_set(err, ERR_USAGE,
			       "prune: say what stays: --keep-days N, --keep-runs N, or both");
	if (options->keep_days > DAYS_MAX)
		return err_set(err, ERR_USAGE, "--keep-days: at most %d", DAYS_MAX);
	if (options->keep_days)
		rule.keep_since = clock_rfc3339(clock_unix_ms() - options->keep_days * DAY_MS,
						since, sizeof(since));
	if (history->store->ops->prune(history->store, &rule, history->arena, &rows, &count, &kept,
				       err) < 0)
		return -1;
	for (size_t i = 0; options->dry_run && !options->common.quiet && i < count; i++)
		printf("%s  %s\n", rows[i].run_id, rows[i].started_at);
	printf("%zu run%s %s, %zu kept\n", count, count == 1 ? "" : "s",
	       options->dry_run ? "would be removed" : "removed", kept);
	return 0;
}
