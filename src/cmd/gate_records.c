/* What a gate knows: the history, and runs that have not reached it. */
#include "cmd/gate_private.h"

#include "base/file.h"
#include "base/json.h"
#include "model/run_json.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORDS_MAX ((size_t)10000) /* runs of one image or commit */
#define CHAIN_MAX ((size_t)10000000)

static void add_record(struct gate *gate, const struct policy_record *record)
{
	struct policy_input *input = &gate->input;
	struct policy_record **list = (struct policy_record **)&input->records;

	*(struct policy_record *)arena_push(gate->arena, list, &input->record_count,
					    sizeof(*record)) = *record;
}

static void keep_run(struct gate *gate, struct run *run)
{
	*(struct run **)arena_push(gate->arena, &gate->runs, &gate->run_count, sizeof(run)) = run;
}

/* A history that is not there must not be made by asking it. */
static int open_history(struct gate *gate, struct err *err)
{
	const char *url = gate->options->history;
	const char *path = url ? url : NULL;

	if (gate->store)
		return 0;
	if (!url && !gate->state)
		return err_set(err, ERR_INFRA, "no history: write --history, or --repo");
	if (!url)
		url = path = arena_printf(gate->arena, "%s/history.db", gate->state);
	if (strncmp(path, "sqlite:", 7) == 0)
		path += 7;
	else if (strspn(path, "abcdefghijklmnopqrstuvwxyz") == strcspn(path, ":") &&
		 strchr(path, ':'))
		path = NULL;
	if (path && access(path, R_OK) != 0)
		return err_sys(err, ERR_INFRA, "history %s", path);
	return store_open(url, &gate->store, err);
}

static void add_row(struct gate *gate, const struct run_row *row)
{
	struct policy_record record = {.id = row->id};
	struct run *run = NULL;
	struct err why = {0};

	if (gate->store->ops->load(gate->store, row->id, &run, &why) < 0)
		record.fault = arena_strdup(gate->arena, why.msg);
	else if (strcmp(run->id, row->id) != 0 || run->verdict != row->verdict)
		record.fault = "its row says something else than its document";
	if (run)
		keep_run(gate, run);
	record.run = run;
	add_record(gate, &record);
}

static int has_runs(struct gate *gate, const char *image, bool *out, struct err *err)
{
	const struct store_filter filter = {.image_id = image, .limit = 1};
	struct run_row *rows = NULL;
	size_t count = 0;

	if (gate->store->ops->runs(gate->store, &filter, gate->arena, &rows, &count, err) < 0)
		return -1;
	*out = count > 0;
	return 0;
}

/*
 * Engines name an image by its configuration, those with containerd's store by its manifest, or by
 * the index of several. Runs under two names would have to be judged as one: that is refused.
 */
static int find_name(struct gate *gate, struct err *err)
{
	const char *names[] = {gate->found.image_id, gate->found.manifest, gate->found.index};
	const char *known = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool runs = false;

		if (names[i] && has_runs(gate, names[i], &runs, err) < 0)
			return -1;
		if (runs && known)
			return err_set(err, ERR_INFRA,
				       "runs of this image are recorded as %.19s and as %.19s, by "
				       "engines that name it differently: use one kind",
				       known, names[i]);
		known = runs ? names[i] : known;
	}
	if (known)
		gate->input.image_id = known;
	return 0;
}

static int read_suite(struct gate *gate, const char *suite, struct err *err)
{
	const struct store_filter filter = {.suite = suite,
					    .image_id = gate->input.image_id,
					    .commit = gate->input.commit,
					    .limit = RECORDS_MAX};
	struct run_row *rows = NULL;
	size_t count = 0;

	if (gate->store->ops->runs(gate->store, &filter, gate->arena, &rows, &count, err) < 0)
		return -1;
	if (count == RECORDS_MAX)
		return err_set(err, ERR_LIMIT, "suite %s has more than %zu runs of this image",
			       suite, RECORDS_MAX - 1);
	for (size_t i = 0; i < count; i++)
		add_row(gate, &rows[i]);
	return 0;
}

/* --- runs that have not ended ---------------------------------------------------------------- */

/* Id of the newest run of SUITE that is recorded of the subject, "" for none. */
static const char *newest_of(const struct gate *gate, const char *suite)
{
	const char *newest = "";

	for (size_t i = 0; i < gate->run_count; i++)
		if (strcmp(gate->runs[i]->suite, suite) == 0 &&
		    strcmp(gate->runs[i]->id, newest) > 0)
			newest = gate->runs[i]->id;
	return newest;
}

/* A run of one suite is not made known by a newer one of another: the oldest of the newest. */
static const char *known_up_to(const struct gate *gate)
{
	const struct strings *suites = &gate->policy->suites;
	const char *oldest = newest_of(gate, suites->items[0]);

	for (size_t i = 1; i < suites->count; i++) {
		const char *newest = newest_of(gate, suites->items[i]);

		oldest = strcmp(newest, oldest) < 0 ? newest : oldest;
	}
	return oldest;
}

/* Does COMMIT make the gate's image? So it did, if it did before. */
static bool makes_image(const struct gate *gate, const char *commit)
{
	for (size_t i = 0; i < gate->run_count; i++) {
		const struct run *run = gate->runs[i];

		if (commit && run->build.image_id && run->commit.hash &&
		    strcmp(run->commit.hash, commit) == 0)
			return true;
	}
	return false;
}

/* 0 also when there is no run.json yet: the folder has just been made. */
static int read_run_file(struct gate *gate, const char *id, struct run **out, struct err *err)
{
	const char *path = arena_printf(gate->arena, "%s/runs/%s/run.json", gate->state, id);
	struct json *json = NULL;
	struct buf text;
	int rc;

	buf_init(&text, JSON_BYTES_MAX);
	rc = file_read(path, &text, err);
	if (rc == 0 && (json_parse(buf_str(&text), text.len, false, &json, err) < 0 ||
			run_from_json(json, out, err) < 0))
		rc = err_wrap(err, "%s", path);
	else if (rc < 0 && err->code == ERR_NOTFOUND)
		rc = 0;
	json_free(json);
	buf_done(&text);
	return rc;
}

/* A run folder newer than what is recorded. */
static void add_open_run(struct gate *gate, const char *id)
{
	struct policy_record record = {.id = arena_strdup(gate->arena, id)};
	struct run *run = NULL;
	struct err why = {0};

	if (read_run_file(gate, id, &run, &why) < 0) {
		record.fault = arena_strdup(gate->arena, why.msg);
		add_record(gate, &record);
		return;
	}
	if (!run || run->verdict != VERDICT_OPEN) {
		run_free(run);
		return;
	}
	if (!run->build.image_id && makes_image(gate, run->commit.hash))
		run->build.image_id = gate->input.image_id;
	record.run = run;
	add_record(gate, &record);
	keep_run(gate, run);
}

static void read_open_runs(struct gate *gate)
{
	const char *known = known_up_to(gate);
	struct dirent *entry;
	DIR *folder;

	if (!gate->state)
		return;
	folder = opendir(arena_printf(gate->arena, "%s/runs", gate->state));
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, known) > 0)
			add_open_run(gate, entry->d_name);
	if (folder)
		closedir(folder);
}

void gate_read_records(struct gate *gate)
{
	struct err why = {0};
	int rc = open_history(gate, &why);

	if (rc == 0)
		rc = find_name(gate, &why);
	if (rc == 0 && (gate->options->attest || gate->options->push))
		rc = gate_read_histories(gate, &why);
	for (size_t i = 0; i < gate->policy->suites.count && rc == 0; i++)
		rc = read_suite(gate, gate->policy->suites.items[i], &why);
	if (rc < 0)
		gate->input.unreachable = arena_strdup(gate->arena, why.msg);
	else
		read_open_runs(gate);
}

/* --- the chain ------------------------------------------------------------------------------- */

static void add_link(char head[DIGEST_HEX], const struct run_row *row)
{
	const struct attest_record record = {
		row->id,     row->started_at, row->suite,  row->commit, verdict_name(row->verdict),
		row->reason, row->image_id,   row->passed, row->failed, row->other};

	attest_chain_add(head, &record);
}

/* Is ID the gate's image, by whichever name an engine gives it? */
static bool is_ours(const struct gate *gate, const char *id)
{
	const char *names[] = {gate->input.image_id, gate->found.image_id, gate->found.manifest,
			       gate->found.index};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (id && names[i] && strcmp(id, names[i]) == 0)
			return true;
	return false;
}

/* A decision does not know what came after it: of this image nothing but passes may have. */
static int check_since(const struct gate *gate, const struct run_row *rows, size_t count,
		       struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (is_ours(gate, rows[i].image_id) && rows[i].verdict != VERDICT_PASS)
			return err_set(err, ERR_USAGE,
				       "run %s of this image, recorded since the decision: %s",
				       rows[i].id, verdict_name(rows[i].verdict));
	return 0;
}

int gate_chain(struct gate *gate, const char *suite, size_t records, char head[DIGEST_HEX],
	       size_t *count, struct err *err)
{
	const struct store_filter filter = {
		.suite = suite, .as_recorded = true, .limit = CHAIN_MAX};
	struct arena *arena = arena_new();
	struct run_row *rows = NULL;
	size_t found = 0, links;
	int rc = open_history(gate, err);

	if (rc == 0)
		rc = gate->store->ops->runs(gate->store, &filter, arena, &rows, &found, err);
	links = records < found ? records : found;
	head[0] = '\0';
	for (size_t i = 0; i < links; i++)
		add_link(head, &rows[i]);
	if (rc == 0 && records != SIZE_MAX && found < records)
		rc = err_set(err, ERR_NOTFOUND,
			     "the history has %zu records of suite %s, the "
			     "decision knew %zu",
			     found, suite, records);
	if (rc == 0)
		rc = check_since(gate, rows + links, found - links, err);
	if (rc == 0 && count)
		*count = found;
	arena_free(arena);
	return rc;
}

int gate_run_digest(struct gate *gate, const char *id, char digest[DIGEST_HEX], struct err *err)
{
	struct run *run = NULL;

	if (open_history(gate, err) < 0 || gate->store->ops->load(gate->store, id, &run, err) < 0)
		return -1;
	attest_run_digest(run, digest);
	run_free(run);
	return 0;
}
