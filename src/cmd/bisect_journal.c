/* STATE/bisect/KEY/journal.jsonl: one line per observation, durable before the next probe starts.
 * KEY stands for the question, so asking it again goes on where it was left. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "cmd/bisect_private.h"
#include "exec/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define JOURNAL_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define RUNS_MAX 20000

static const char *const sights[] = {"pass", "fail", "broken", "measured"};

static void add_all(struct digest *digest, const struct strings *words)
{
	for (size_t i = 0; i < words->count; i++)
		digest_add_field(digest, words->items[i]);
	digest_add_field(digest, NULL);
}

/* Everything that decides what an observation means. */
static const char *key_of(const struct hunt *hunt)
{
	const struct bisect_options *options = hunt->options;
	struct digest *digest = digest_new();
	char hex[DIGEST_HEX];

	digest_add_field(digest, hunt->good.hash);
	digest_add_field(digest, hunt->bad.hash);
	digest_add_field(digest, hunt->suite ? hunt->suite->hash : NULL);
	digest_add_field(digest, options->command);
	digest_add_field(digest, options->build_command);
	digest_add_field(digest, options->metric);
	digest_add_field(digest, options->fix ? "fix" : NULL);
	digest_add_field(digest, options->first_parent ? "first" : NULL);
	digest_add_field(digest, options->build_failure == 1 ? "build" : NULL);
	add_all(digest, &options->only);
	add_all(digest, &options->targets);
	add_all(digest, &options->vars);
	digest_final(digest, hex);
	return arena_strndup(hunt->arena, hex, 16);
}

/* --- in -------------------------------------------------------------------------------------- */

/* A build that failed before fails again from the builder's cache: that is a test. */
static bool is_first_build(const struct hunt *hunt, const struct sighting *sighting)
{
	if (sighting->build_s <= 0)
		return false;
	for (size_t i = 0; i < hunt->sighting_count && !sighting->fresh; i++)
		if (hunt->sightings[i].build_s > 0 &&
		    strcmp(hunt->sightings[i].commit, sighting->commit) == 0)
			return false;
	return true;
}

static void apply(struct hunt *hunt, const struct sighting *sighting)
{
	uint32_t position = bisect__position_of(hunt, sighting->commit);
	struct sighting *kept;

	hunt->builds += is_first_build(hunt, sighting);
	hunt->builds += sighting->base_build_s > 0;
	kept = arena_push(hunt->arena, &hunt->sightings, &hunt->sighting_count, sizeof(*kept));
	*kept = *sighting;
	hunt->tests += sighting->sight != SIGHT_BROKEN;
	hunt->busy_s += sighting->build_s + sighting->base_build_s + sighting->test_s;
	if (sighting->fresh)
		return;
	if (sighting->sight == SIGHT_MEASURED)
		search_measure(hunt->search, position, sighting->value);
	else
		search_observe(hunt->search, position, sighting->sight);
	for (size_t i = 0; sighting->image && i + 1 < hunt->sighting_count; i++) {
		const struct sighting *other = &hunt->sightings[i];

		if (!other->fresh && other->image && strcmp(other->image, sighting->image) == 0)
			search_join(hunt->search, position,
				    bisect__position_of(hunt, other->commit));
	}
}

static void use_repeats(struct hunt *hunt)
{
	hunt->flakes_known = true;
	if (hunt->repeats.trials)
		search_flake_rate(hunt->search, &hunt->repeats.rate);
}

static void read_repeats(struct hunt *hunt, const struct json *flakes)
{
	struct repeats *repeats = &hunt->repeats;

	repeats->failed = (uint64_t)json_int(flakes, "failed", 0);
	repeats->trials = (uint64_t)json_int(flakes, "trials", 0);
	repeats->rate =
		(struct rate){.yes = json_num(flakes, "yes", 1), .no = json_num(flakes, "no", 1)};
	use_repeats(hunt);
}

static void read_line(struct hunt *hunt, const struct json *line)
{
	struct arena *arena = hunt->arena;
	struct sighting sighting = {
		.commit = arena_strdup(arena, json_str(line, "commit", NULL)),
		.artefact = arena_strdup(arena, json_str(line, "artefact", NULL)),
		.run = arena_strdup(arena, json_str(line, "run", NULL)),
		.image = arena_strdup(arena, json_str(line, "image", NULL)),
		.note = arena_strdup(arena, json_str(line, "note", "")),
		.build_s = json_num(line, "build_s", 0),
		.test_s = json_num(line, "test_s", 0),
		.fresh = json_bool(line, "fresh", false),
		.layers_of = arena_strdup(arena, json_str(line, "layers_of", NULL)),
		.value = json_num(line, "value", 0),
		.level = json_num(line, "level", 0),
		.base_build_s = json_num(line, "base_build_s", 0),
		.unit = arena_strdup(arena, json_str(line, "unit", NULL)),
		.higher_is_better = json_bool(line, "higher_is_better", false),
	};
	const char *sight = json_str(line, "sight", "");
	const struct json *wanted = json_get(line, "wanted");

	for (const struct json *one = json_first(wanted); one; one = json_next(one)) {
		struct wanted *item =
			arena_push(arena, &hunt->wanted, &hunt->wanted_count, sizeof(*item));

		item->name = arena_strdup(arena, json_str(one, "name", ""));
		item->signature = arena_strdup(arena, json_str(one, "signature", ""));
	}
	if (json_get(line, "flakes"))
		read_repeats(hunt, json_get(line, "flakes"));
	if (json_str(line, "started_at", NULL))
		hunt->started_at = arena_strdup(arena, json_str(line, "started_at", NULL));
	for (size_t i = 0; i < sizeof(sights) / sizeof(*sights); i++)
		if (sighting.commit && strcmp(sight, sights[i]) == 0) {
			sighting.sight = (enum sight)i;
			apply(hunt, &sighting);
			hunt->resumed++;
		}
}

/* A last line without its end was being written when the process was killed: it is dropped. */
static int read_journal(struct hunt *hunt, const char *path, struct err *err)
{
	struct buf text;
	char *at, *end;
	off_t whole = 0;
	int rc;

	buf_init(&text, JOURNAL_BYTES_MAX);
	rc = file_read(path, &text, err);
	for (at = text.data; rc == 0 && at && (end = strchr(at, '\n')); at = end + 1) {
		struct json *line = NULL;

		rc = json_parse(at, (size_t)(end - at), false, &line, err);
		if (rc < 0)
			err_wrap(err, "%s", path);
		else
			read_line(hunt, line);
		json_free(line);
		whole = end + 1 - text.data;
	}
	buf_done(&text);
	if (rc == 0 &&
	    (ftruncate(hunt->journal, whole) < 0 || lseek(hunt->journal, whole, SEEK_SET) < 0))
		rc = err_sys(err, ERR_INFRA, "%s", path);
	return rc;
}

/* --- out ------------------------------------------------------------------------------------- */

static int write_line(struct hunt *hunt, struct json *line, struct err *err)
{
	struct buf text;
	int rc = 0;

	buf_init(&text, JOURNAL_BYTES_MAX);
	json_print(line, false, &text);
	buf_addstr(&text, "\n");
	if (file_write_all(hunt->journal, buf_str(&text), text.len) < 0 ||
	    fdatasync(hunt->journal) < 0)
		rc = err_sys(err, ERR_INFRA, "%s/journal.jsonl", hunt->folder);
	buf_done(&text);
	json_free(line);
	return rc;
}

static void add_wanted(const struct hunt *hunt, struct json *line)
{
	struct json *list = json_add_array(line, "wanted");

	for (size_t i = 0; i < hunt->wanted_count; i++) {
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "name", hunt->wanted[i].name);
		json_add_str(item, "signature", hunt->wanted[i].signature);
	}
}

int bisect__journal_add(struct hunt *hunt, const struct sighting *sighting, struct err *err)
{
	struct json *line = json_new_object();
	bool wanted = true;

	for (size_t i = 0; i < hunt->sighting_count; i++)
		wanted &= hunt->sightings[i].sight == SIGHT_BROKEN;
	json_add_str(line, "commit", sighting->commit);
	json_add_str(line, "sight", sights[sighting->sight]);
	json_add_str(line, "artefact", sighting->artefact);
	json_add_str(line, "run", sighting->run);
	json_add_str(line, "image", sighting->image);
	json_add_str(line, "note", sighting->note);
	json_add_num(line, "build_s", sighting->build_s);
	json_add_num(line, "test_s", sighting->test_s);
	json_add_bool(line, "fresh", sighting->fresh);
	json_add_str(line, "layers_of", sighting->layers_of);
	if (sighting->sight == SIGHT_MEASURED) {
		json_add_num(line, "value", sighting->value);
		json_add_num(line, "level", sighting->level);
		json_add_num(line, "base_build_s", sighting->base_build_s);
		json_add_str(line, "unit", sighting->unit);
		json_add_bool(line, "higher_is_better", sighting->higher_is_better);
	}
	if (wanted && hunt->wanted_count)
		add_wanted(hunt, line);
	if (write_line(hunt, line, err) < 0)
		return -1;
	apply(hunt, sighting);
	return 0;
}

int bisect__journal_repeats(struct hunt *hunt, struct err *err)
{
	struct json *line = json_new_object(), *flakes = json_add_object(line, "flakes");

	json_add_int(flakes, "failed", (int64_t)hunt->repeats.failed);
	json_add_int(flakes, "trials", (int64_t)hunt->repeats.trials);
	json_add_num(flakes, "yes", hunt->repeats.rate.yes);
	json_add_num(flakes, "no", hunt->repeats.rate.no);
	if (write_line(hunt, line, err) < 0)
		return -1;
	use_repeats(hunt);
	return 0;
}

/* --- open ------------------------------------------------------------------------------------ */

static int take_lock(struct hunt *hunt, struct err *err)
{
	const char *path = arena_printf(hunt->arena, "%s/lock", hunt->folder);

	hunt->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (hunt->lock < 0)
		return err_sys(err, ERR_INFRA, "%s", path);
	if (flock(hunt->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? err_set(err, ERR_USAGE,
					      "another process works on this bisection (%s)", path)
				    : err_sys(err, ERR_INFRA, "%s", path);
}

static bool is_known(const struct hunt *hunt, const char *run)
{
	for (size_t i = 0; i < hunt->sighting_count; i++)
		if (hunt->sightings[i].run && strcmp(hunt->sightings[i].run, run) == 0)
			return true;
	return false;
}

/* A run that somebody made of other checks shows nothing here. */
static bool has_wanted(const struct hunt *hunt, const struct run *run)
{
	for (size_t i = 0; i < hunt->wanted_count && !run->build.failed; i++)
		if (!run_find_case(run, hunt->wanted[i].name))
			return false;
	return true;
}

/* A run that a killed bisection recorded but did not get to note. Runs from before it began are no
 * evidence: one of them failed, and that is why somebody asks. */
static int take_recorded(struct hunt *hunt, struct err *err)
{
	const struct store_filter filter = {
		.suite_hash = hunt->suite->hash, .completed = true, .limit = RUNS_MAX};
	struct run_row *rows = NULL;
	size_t count = 0;

	if (hunt->store->ops->runs(hunt->store, &filter, hunt->arena, &rows, &count, err) < 0)
		return -1;
	for (size_t i = count; i-- > 0;) { /* oldest first */
		struct sighting sighting = {0};
		struct run *run = NULL;
		int rc;

		if (strcmp(rows[i].started_at, hunt->started_at) < 0 ||
		    is_known(hunt, rows[i].id) ||
		    (strcmp(rows[i].commit, hunt->good.hash) != 0 &&
		     bisect__position_of(hunt, rows[i].commit) == GRAPH_NOWHERE))
			continue;
		if (hunt->store->ops->load(hunt->store, rows[i].id, &run, err) < 0)
			return -1;
		rc = has_wanted(hunt, run) ? bisect__see_run(hunt, run, &sighting, err) : -1;
		run_free(run);
		if (rc == 0 && bisect__journal_add(hunt, &sighting, err) < 0)
			return -1;
		hunt->resumed += rc == 0;
	}
	return 0;
}

static int begin(struct hunt *hunt, struct err *err)
{
	struct json *line = json_new_object();
	char now[CLOCK_TEXT];

	hunt->started_at =
		arena_strdup(hunt->arena, clock_rfc3339(clock_unix_ms(), now, sizeof(now)));
	json_add_int(line, "assay_bisect", 1);
	json_add_str(line, "started_at", hunt->started_at);
	json_add_str(line, "good", hunt->good.hash);
	json_add_str(line, "bad", hunt->bad.hash);
	json_add_str(line, "suite", hunt->suite ? hunt->suite->name : NULL);
	json_add_str(line, "command", hunt->options->command);
	json_add_str(line, "metric", hunt->options->metric);
	return write_line(hunt, line, err);
}

int bisect__journal_open(struct hunt *hunt, struct err *err)
{
	const char *path;

	hunt->folder = arena_printf(hunt->arena, "%s/bisect/%s", hunt->state, key_of(hunt));
	path = arena_printf(hunt->arena, "%s/journal.jsonl", hunt->folder);
	if (rundir_state_open(hunt->state, err) < 0 || file_mkdirs(hunt->folder, err) < 0 ||
	    take_lock(hunt, err) < 0)
		return -1;
	if (hunt->options->again && unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, ERR_INFRA, "%s", path);
	hunt->journal = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (hunt->journal < 0)
		return err_sys(err, ERR_INFRA, "%s", path);
	if (read_journal(hunt, path, err) < 0)
		return -1;
	if (hunt->suite && !hunt->options->metric && hunt->wanted_count == 0 &&
	    bisect__recall_wanted(hunt, err) < 0)
		return -1;
	if (!hunt->started_at)
		return begin(hunt, err);
	/* Of a pair that measures one run alone says nothing. */
	return hunt->suite && !hunt->options->metric ? take_recorded(hunt, err) : 0;
}

void bisect__journal_close(struct hunt *hunt)
{
	if (hunt->journal >= 0)
		(void)close(hunt->journal);
	if (hunt->lock >= 0)
		(void)close(hunt->lock);
}
