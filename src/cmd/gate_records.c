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

/* The newest run that is recorded of the subject, "" for none. */
static const struct run *newest_of(const struct gate *gate)
{
	const struct run *newest = NULL;

	for (size_t i = 0; i < gate->run_count; i++)
		if (!newest || strcmp(gate->runs[i]->id, newest->id) > 0)
			newest = gate->runs[i];
	return newest;
}

/* A run folder newer than what is recorded. What does not read yet is being written. */
static void add_open_run(struct gate *gate, const char *id, const struct run *newest)
{
	const char *path = arena_printf(gate->arena, "%s/runs/%s/run.json", gate->state, id);
	struct json *json = NULL;
	struct run *run = NULL;
	struct err ignored = {0};
	struct buf text;

	buf_init(&text, JSON_BYTES_MAX);
	if (file_read(path, &text, &ignored) == 0 &&
	    json_parse(buf_str(&text), text.len, false, &json, &ignored) == 0 &&
	    run_from_json(json, &run, &ignored) == 0 && run->verdict == VERDICT_OPEN) {
		/* its image is not known yet; the same commit would make the same one */
		if (newest && !run->build.image_id && run->commit.hash &&
		    strcmp(run->commit.hash, newest->commit.hash) == 0)
			run->build.image_id = gate->input.image_id;
		add_record(gate, &(struct policy_record){.run = run, .id = run->id});
		keep_run(gate, run);
		run = NULL;
	}
	run_free(run);
	json_free(json);
	buf_done(&text);
}

static void read_open_runs(struct gate *gate)
{
	const struct run *newest = newest_of(gate);
	struct dirent *entry;
	DIR *folder;

	if (!gate->state)
		return;
	folder = opendir(arena_printf(gate->arena, "%s/runs", gate->state));
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && (!newest || strcmp(entry->d_name, newest->id) > 0))
			add_open_run(gate, entry->d_name, newest);
	if (folder)
		closedir(folder);
}

void gate_read_records(struct gate *gate)
{
	struct err why = {0};
	int rc = open_history(gate, &why);

	if (rc == 0)
		rc = find_name(gate, &why);
	for (size_t i = 0; i < gate->policy->suites.count && rc == 0; i++)
		rc = read_suite(gate, gate->policy->suites.items[i], &why);
	if (rc < 0)
		gate->input.unreachable = arena_strdup(gate->arena, why.msg);
	else
		read_open_runs(gate);
}

/* --- the chain ------------------------------------------------------------------------------- */

int gate_chain(struct gate *gate, const char *suite, size_t records, char head[DIGEST_HEX],
	       size_t *count, struct err *err)
{
	const struct store_filter filter = {.suite = suite,
					    .as_recorded = true,
					    .limit = records < CHAIN_MAX ? records : CHAIN_MAX};
	struct arena *arena = arena_new();
	struct run_row *rows = NULL;
	size_t found = 0;
	int rc = open_history(gate, err);

	if (rc == 0 && records)
		rc = gate->store->ops->runs(gate->store, &filter, arena, &rows, &found, err);
	head[0] = '\0';
	for (size_t i = 0; i < found; i++) {
		const struct attest_record record = {rows[i].id,
						     rows[i].started_at,
						     rows[i].suite,
						     rows[i].commit,
						     verdict_name(rows[i].verdict),
						     rows[i].reason,
						     rows[i].image_id,
						     rows[i].passed,
						     rows[i].failed,
						     rows[i].other};

		attest_chain_add(head, &record);
	}
	arena_free(arena);
	if (rc == 0 && records != SIZE_MAX && found < records)
		rc = err_set(err, ERR_NOTFOUND,
			     "the history has %zu records of suite %s, the "
			     "decision knew %zu",
			     found, suite, records);
	if (rc == 0 && count)
		*count = found;
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
