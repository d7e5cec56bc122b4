/* The answer and what it rests on, as JSON and as a log that git takes. */
#include "base/clock.h"
#include "base/json.h"
#include "cmd/bisect_private.h"
#include "cmd/output.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 * 1024 * 1024)
#define OPEN_MAX 4096 /* commits of a range that is reported on while the search goes on */

static const char *const formats[] = {"json", "log", NULL};

static const char *ending_name(enum ending ending)
{
	static const char *const names[] = {"open", "culprit", "no-culprit", "older", "undecided"};

	return names[ending];
}

/* --- formats --------------------------------------------------------------------------------- */

static int find_format(const char *word, const char **format, const char **file, struct err *err)
{
	for (size_t i = 0; formats[i]; i++) {
		size_t len = strlen(formats[i]);

		if (strncmp(word, formats[i], len) == 0 && word[len] == '=' && word[len + 1]) {
			*format = formats[i];
			*file = word + len + 1;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "-o %s: write json=FILE or log=FILE", word);
}

int bisect__check_outputs(const struct strings *words, struct err *err)
{
	const char *format, *file;

	for (size_t i = 0; i < words->count; i++)
		if (find_format(words->items[i], &format, &file, err) < 0)
			return -1;
	return 0;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void add_evidence(const struct hunt *hunt, struct json *root)
{
	static const char *const sights[] = {"pass", "fail", "no verdict", "measured"};
	struct json *list = json_add_array(root, "evidence");

	for (size_t i = 0; i < hunt->sighting_count; i++) {
		const struct sighting *one = &hunt->sightings[i];
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "commit", one->commit);
		json_add_str(item, "seen", sights[one->sight]);
		json_add_str(item, "note", one->note);
		json_add_str(item, "artefact", one->artefact);
		json_add_str(item, "run", one->run);
		json_add_str(item, "image", one->image);
		json_add_num(item, "build_s", one->build_s);
		json_add_num(item, "test_s", one->test_s);
		json_add_bool(item, "built_anew", one->fresh);
		if (one->sight == SIGHT_MEASURED)
			json_add_num(item, "change", bisect__change(hunt, one->value) / 100);
	}
}

static void add_posterior(struct hunt *hunt, struct json *root)
{
	const struct posterior *posterior = search_posterior(hunt->search);
	struct json *list = json_add_array(root, "posterior");

	for (uint32_t v = 0; v < graph_count(hunt->graph); v++) {
		struct json *item = json_add_object(list, NULL);
		struct seen seen = search_seen(hunt->search, v);

		json_add_str(item, "commit", bisect__hash_at(hunt, v));
		json_add_str(item, "subject", bisect__subject_at(hunt, v));
		json_add_num(item, "probability", posterior_mass(posterior, v));
		if (posterior_is_excluded(posterior, v))
			json_add_bool(item, "same_inputs", true);
		if (search_is_broken(hunt->search, v))
			json_add_bool(item, "no_verdict", true);
		if (seen.fails || seen.passes) {
			json_add_int(item, "fails", seen.fails);
			json_add_int(item, "passes", seen.passes);
		}
		if (seen.measured) {
			json_add_int(item, "measured", seen.measured);
			json_add_num(item, "change",
				     bisect__change(hunt, seen.sum / seen.measured) / 100);
		}
	}
	json_add_num(root, "no_culprit", posterior_no_culprit(posterior));
	json_add_num(root, "older", posterior_older(posterior));
}

static void add_cause(const struct cause *cause, struct json *root)
{
	struct json *object = json_add_object(root, "cause");
	struct json *list;

	json_add_str(object, "external", cause->external);
	json_add_str(object, "before", cause->before);
	json_add_str(object, "after", cause->after);
	json_add_str(object, "not_compared", cause->silent);
	list = json_add_array(object, "notes");
	for (size_t i = 0; i < cause->notes.count; i++)
		json_add_str(list, NULL, cause->notes.items[i]);
	list = json_add_array(object, "differences");
	for (size_t i = 0; i < cause->count; i++) {
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "topic", cause->differences[i].topic);
		json_add_str(item, "name", cause->differences[i].name);
		json_add_str(item, "before", cause->differences[i].before);
		json_add_str(item, "after", cause->differences[i].after);
		json_add_str(item, "where", cause->differences[i].where);
	}
}

static void add_metric(const struct hunt *hunt, struct json *root)
{
	struct levels levels = posterior_levels(search_posterior(hunt->search));
	struct json *object = json_add_object(root, "metric");
	const char *unit;
	double level = bisect__level(hunt, &unit);

	json_add_str(object, "name", hunt->options->metric);
	json_add_str(object, "unit", unit);
	json_add_num(object, "good", level);
	json_add_num(object, "change", bisect__change(hunt, levels.bad) / 100);
	json_add_num(object, "noise", levels.noise);
	json_add_num(object, "margin", hunt->search_options.model.tests.margin);
}

static struct json *json_of(struct hunt *hunt, const struct verdict_of_search *answer,
			    const struct cause *cause)
{
	struct json *root = json_new_object(), *list, *cost, *object;

	json_add_int(root, "assay_bisect", 1);
	json_add_str(root, "good", hunt->good.hash);
	json_add_str(root, "bad", hunt->bad.hash);
	json_add_str(root, "suite", hunt->suite ? hunt->suite->name : NULL);
	json_add_str(root, "command", hunt->options->command);
	json_add_str(root, "ending", ending_name(answer->ending));
	json_add_num(root, "probability", answer->mass);
	json_add_bool(root, "confirmed", answer->confirmed);
	list = json_add_array(root, "commits");
	for (size_t i = 0; i < answer->member_count; i++)
		json_add_str(list, NULL, bisect__hash_at(hunt, answer->members[i]));
	list = json_add_array(root, "wanted");
	for (size_t i = 0; i < hunt->wanted_count; i++) {
		struct json *item = json_add_object(list, NULL);

		json_add_str(item, "check", hunt->wanted[i].name);
		json_add_str(item, "signature", hunt->wanted[i].signature);
	}
	if (hunt->options->metric)
		add_metric(hunt, root);
	add_cause(cause, root);
	cost = json_add_object(root, "cost");
	json_add_int(cost, "suspects", graph_count(hunt->graph));
	json_add_int(cost, "different", (int64_t)hunt->kinds);
	json_add_int(cost, "builds", hunt->builds);
	json_add_int(cost, "tests", hunt->tests);
	json_add_int(cost, "retries", hunt->retries);
	json_add_num(cost, "work_s", hunt->busy_s);
	if (hunt->repeats.trials) {
		object = json_add_object(root, "flakes_in_history");
		json_add_int(object, "failed", (int64_t)hunt->repeats.failed);
		json_add_int(object, "trials", (int64_t)hunt->repeats.trials);
	}
	add_evidence(hunt, root);
	add_posterior(hunt, root);
	return root;
}

/* --- git's log ------------------------------------------------------------------------------- */

static bool is_answer(const struct verdict_of_search *answer, uint32_t v)
{
	for (size_t i = 0; i < answer->member_count; i++)
		if (answer->members[i] == v)
			return true;
	return false;
}

/* Git knows nothing of equal artefacts: what decides the answer is said of each commit. */
static bool is_next_to_answer(const struct hunt *hunt, const struct verdict_of_search *answer,
			      uint32_t v)
{
	for (size_t i = 0; i < answer->member_count; i++) {
		size_t count;
		const uint32_t *parents = graph_parents(hunt->graph, answer->members[i], &count);

		for (size_t j = 0; j < count; j++)
			if (parents[j] == v)
				return true;
	}
	return is_answer(answer, v);
}

static bool is_bad(const struct hunt *hunt, uint32_t v)
{
	return posterior_bad(search_posterior(hunt->search), v) > .5;
}

static const char *what_was_seen(const struct hunt *hunt, const struct seen *seen)
{
	if (seen->measured)
		return arena_printf(hunt->arena, "%+.1f %%, mean of %u",
				    bisect__change(hunt, seen->sum / seen->measured),
				    seen->measured);
	return arena_printf(hunt->arena, "%u of %u fail", seen->fails, seen->fails + seen->passes);
}

static void log_commit(struct hunt *hunt, const struct verdict_of_search *answer, uint32_t v,
		       struct buf *out)
{
	const char *hash = bisect__hash_at(hunt, v);
	struct seen seen = search_seen(hunt->search, v);

	if (search_face(hunt->search, v) != v && !is_next_to_answer(hunt, answer, v))
		return;
	if (search_is_broken(hunt->search, v))
		buf_printf(out, "git bisect skip %s\n", hash);
	else if (bisect__is_tested(hunt, v))
		buf_printf(out, "# %s\ngit bisect %s %s\n", what_was_seen(hunt, &seen),
			   is_bad(hunt, v) ? hunt->new : hunt->old, hash);
}

/* Every commit that was looked at, with the side it most probably is on: `git bisect replay` takes
 * it, with its own idea of what is left. */
static void write_log(struct hunt *hunt, const struct verdict_of_search *answer, struct buf *out)
{
	bool plain = strcmp(hunt->old, "good") == 0 && strcmp(hunt->new, "bad") == 0;

	if (plain)
		buf_addstr(out, "git bisect start\n");
	else
		buf_printf(out, "git bisect start '--term-old=%s' '--term-new=%s'\n", hunt->old,
			   hunt->new);
	buf_printf(out, "git bisect %s %s\ngit bisect %s %s\n", hunt->new, hunt->bad.hash,
		   hunt->old, hunt->good.hash);
	for (uint32_t v = 0; v + 1 < graph_count(hunt->graph); v++)
		if (!is_bad(hunt, v))
			log_commit(hunt, answer, v, out);
	for (uint32_t v = graph_count(hunt->graph) - 1; v-- > 0;) /* the last one counts */
		if (is_bad(hunt, v))
			log_commit(hunt, answer, v, out);
	for (size_t i = 0; answer->ending == ENDING_CULPRIT && i < answer->member_count; i++)
		buf_printf(out, "# %sfirst %s commit: [%s] %s\n",
			   answer->member_count > 1 ? "possible " : "", hunt->new,
			   bisect__hash_at(hunt, answer->members[i]),
			   bisect__subject(hunt, bisect__hash_at(hunt, answer->members[i])));
}

static int write_logs(struct hunt *hunt, const struct verdict_of_search *answer, struct err *err)
{
	const struct strings *words = &hunt->options->outputs;
	struct buf log;
	int rc = 0;

	buf_init(&log, TEXT_MAX);
	write_log(hunt, answer, &log);
	for (size_t i = 0; i < words->count && rc == 0; i++) {
		const char *format = "", *file = "";

		rc = find_format(words->items[i], &format, &file, err);
		if (rc == 0 && strcmp(format, "log") == 0)
			rc = output_text(file, &log, err);
	}
	buf_done(&log);
	return rc;
}

static void add_now(struct hunt *hunt, const struct probe *probes, size_t count, uint64_t left_ns,
		    struct json *root)
{
	struct json *now = json_add_object(root, "now"), *list;
	char at[CLOCK_TEXT];

	json_add_str(now, "at", clock_rfc3339(clock_unix_ms(), at, sizeof(at)));
	json_add_int(now, "left", (int64_t)search_left(hunt->search));
	if (left_ns != UINT64_MAX)
		json_add_num(now, "left_s", (double)left_ns / 1e9);
	list = json_add_array(now, "probing");
	for (size_t i = 0; i < count; i++)
		json_add_str(list, NULL, bisect__hash_at(hunt, probes[i].position));
}

int bisect__report_open(struct hunt *hunt, const struct probe *probes, size_t count,
			uint64_t left_ns, struct err *err)
{
	const struct cause none = {0};
	struct verdict_of_search answer;
	struct json *json;
	int rc;

	if (graph_count(hunt->graph) > OPEN_MAX)
		return 0;
	search_answer(hunt->search, &answer);
	answer.ending = ENDING_OPEN;
	json = json_of(hunt, &answer, &none);
	add_now(hunt, probes, count, left_ns, json);
	rc = output_json(arena_printf(hunt->arena, "%s/answer.json", hunt->folder), json, err);
	json_free(json);
	return rc;
}

int bisect__report(struct hunt *hunt, const struct verdict_of_search *answer,
		   const struct cause *cause, struct json **out, struct err *err)
{
	struct json *json = json_of(hunt, answer, cause);

	if (output_json(arena_printf(hunt->arena, "%s/answer.json", hunt->folder), json, err) < 0 ||
	    write_logs(hunt, answer, err) < 0) {
		json_free(json);
		return -1;
	}
	if (!hunt->options->common.json)
		bisect__print(hunt, answer, cause);
	*out = json;
	return 0;
}

int bisect__write_json(const struct bisect_options *options, const struct json *json,
		       struct err *err)
{
	const struct strings *words = &options->outputs;

	for (size_t i = 0; i < words->count; i++) {
		const char *format = "", *file = "";

		if (find_format(words->items[i], &format, &file, err) < 0 ||
		    (strcmp(format, "json") == 0 && output_json(file, json, err) < 0))
			return -1;
	}
	return 0;
}
