/*
 * Every folder tests/golden/check/<kind>/<scenario> is one test: spec.json judged against
 * target.json must give expected.json, no key more and no key less. A new scenario needs no C.
 */
#include "check/check_ops.h"

#include "base/file.h"
#include "base/units.h"
#include "fake_target.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_BYTES_MAX ((size_t)1024 * 1024)

struct scenario {
	const struct check_ops *ops;
	const char *kind;
	const char *name; /* "kind/scenario" */
};

static struct arena *everything;
static struct scenario *scenarios;
static size_t scenario_count;

/* --- files ----------------------------------------------------------------------------------- */

static struct json *load(const char *scenario, const char *file, struct buf *text)
{
	const char *path =
		arena_printf(everything, "%s/golden/check/%s/%s", TEST_DATA, scenario, file);
	struct json *root = NULL;
	struct err err = {0};

	buf_init(text, FILE_BYTES_MAX);
	if (file_read(path, text, &err) < 0 ||
	    json_parse_file(file, buf_str(text), text->len, false, &root, &err) < 0)
		fail_msg("%s: %s", path, err.msg);
	return root;
}

/* Files that a spec names stand in the scenario's folder. */
static int read_beside(void *self, const char *path, struct buf *out, struct err *err)
{
	return file_read(arena_printf(everything, "%s/golden/check/%s/%s", TEST_DATA,
				      (const char *)self, path),
			 out, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct scenario *)a)->name, ((const struct scenario *)b)->name);
}

static void find_scenarios(const struct check_ops *ops)
{
	DIR *folder = opendir(arena_printf(everything, "%s/golden/check/%s", TEST_DATA, ops->kind));
	struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL) {
		struct scenario *slot;

		if (entry->d_name[0] == '.')
			continue;
		slot = arena_push(everything, &scenarios, &scenario_count, sizeof(*slot));
		slot->ops = ops;
		slot->kind = ops->kind;
		slot->name = arena_printf(everything, "%s/%s", ops->kind, entry->d_name);
	}
	if (folder)
		closedir(folder);
}

/* --- what came out, as JSON ------------------------------------------------------------------ */

/* Samples that were MEASURED differ from run to run: then their number counts, and of what a pass
 * found the words before the first number. */
static void add_metrics(struct json *out, const struct case_result *result, bool measured)
{
	struct json *list = result->metric_count ? json_add_array(out, "metrics") : NULL;

	for (size_t i = 0; i < result->metric_count; i++) {
		const struct metric *metric = &result->metrics[i];
		struct json *item = json_add_object(list, NULL), *samples;

		json_add_str(item, "name", metric->name);
		json_add_str(item, "unit", metric->unit);
		json_add_str(item, "better", direction_name(metric->direction));
		if (measured) {
			json_add_int(item, "samples", (int64_t)metric->sample_count);
			continue;
		}
		samples = json_add_array(item, "samples");
		for (size_t n = 0; n < metric->sample_count; n++)
			json_add_num(samples, NULL, metric->samples[n]);
	}
}

/* TEXT without how many pieces came unstamped: the kernel begins to stamp when it likes. */
static const char *without_unstamped(const char *text)
{
	static const char key[] = "\"unstamped\":";
	const char *at = text ? strstr(text, key) : NULL;
	const char *after;

	if (!at)
		return text;
	after = at + sizeof(key) - 1;
	after += strspn(after, "0123456789");
	return arena_printf(everything, "%.*s%s", (int)(at - text), text, after + (*after == ','));
}

static void add_result(struct json *out, const struct case_result *result, bool measured)
{
	const struct label *label = result->label ? label_find(result->label) : NULL;
	const char *actual = result->actual;

	if (actual && measured && result->outcome == OUTCOME_PASS)
		actual = arena_strndup(everything, actual, strcspn(actual, "0123456789"));
	json_add_str(out, "outcome", outcome_name(result->outcome));
	json_add_str(out, "label", result->label);
	json_add_str(out, "expected", result->expected);
	json_add_str(out, "actual", actual);
	json_add_str(out, "where", result->where);
	json_add_str(out, "reason", result->reason);
	if (label && (!result->advice || strcmp(result->advice, label->advice) != 0))
		json_add_str(out, "advice", result->advice ? result->advice : "");
	if (result->out && *result->out)
		json_add_str(out, "out", without_unstamped(result->out));
	if (result->errout && *result->errout)
		json_add_str(out, "errout", result->errout);
	add_metrics(out, result, measured);
}

/* As the executor does: what a check cannot judge is broken, a deadline a time-out. */
static void judge(const struct check_ops *ops, const struct json *document, const void *spec,
		  struct arena *arena, struct json *out)
{
	const struct json *limits = json_get(document, "limits");
	struct case_result result = {
		.name = "golden", .kind = ops->kind, .outcome = OUTCOME_INCOMPLETE};
	struct fake_target fake;
	struct check_ctx ctx = {.target = &fake.view,
				.arena = arena,
				.timeout_ns = 60 * NS_PER_S,
				.output_max = (size_t)json_int(limits, "output_max", 1 << 20),
				.isolated = json_bool(limits, "isolated", false)};
	struct err err = {0};

	fake_target_init(&fake, document, arena);
	if (json_get(document, "targets"))
		fake_strings(arena, json_get(document, "targets"), &ctx.targets);
	if (ops->run(&ctx, spec, &result, &err) < 0) {
		assert_int_not_equal(err.code, ERR_BUG);
		case_broken(&result, err.msg);
		if (err.code == ERR_TIMEOUT)
			result.outcome = OUTCOME_TIMEOUT;
	}
	add_result(out, &result, json_get(document, "service") != NULL);
	fake_target_done(&fake);
}

/* --- comparing ------------------------------------------------------------------------------- */

static const char *print(const struct json *value)
{
	struct buf text;
	const char *out;

	buf_init(&text, FILE_BYTES_MAX);
	json_print(value, false, &text);
	out = arena_strdup(everything, buf_str(&text));
	buf_done(&text);
	return out;
}

/* Every key of A is in B with the same value; SAY names the side that A is. */
static unsigned missing(const struct json *a, const struct json *b, const char *say)
{
	unsigned found = 0;

	for (const struct json *item = json_first(a); item; item = json_next(item)) {
		const struct json *other = json_get(b, json_key(item));

		if (other && strcmp(print(item), print(other)) == 0)
			continue;
		print_error("%s: \"%s\": %s\n", say, json_key(item), print(item));
		found++;
	}
	return found;
}

static void scenario_gives_what_is_expected(void **state)
{
	const struct scenario *scenario = *state;
	struct arena *arena = arena_new();
	struct buf texts[3];
	struct json *spec_json = load(scenario->name, "spec.json", &texts[0]);
	struct json *document = load(scenario->name, "target.json", &texts[1]);
	struct json *wanted = load(scenario->name, "expected.json", &texts[2]);
	struct json *found = json_new_object();
	const struct field_source source = {"spec.json", buf_str(&texts[0]), texts[0].len, false};
	const struct file_reader files = {read_beside, (void *)scenario->name};
	void *spec = arena_alloc(arena, scenario->ops->spec_size);
	unsigned wrong;
	struct err err = {0};

	if (field_load(scenario->ops->fields, spec_json, "", &source, NULL, arena, spec, &err) < 0)
		fail_msg("%s", err.msg);
	if (scenario->ops->validate && scenario->ops->validate(spec, &err) < 0)
		fail_msg("%s", err.msg);
	if (scenario->ops->load && scenario->ops->load(spec, &files, arena, &err) < 0)
		fail_msg("%s", err.msg);
	judge(scenario->ops, document, spec, arena, found);
	wrong = missing(wanted, found, "expected");
	wrong += missing(found, wanted, "found");
	json_free(spec_json);
	json_free(document);
	json_free(wanted);
	json_free(found);
	for (size_t i = 0; i < 3; i++)
		buf_done(&texts[i]);
	arena_free(arena);
	assert_int_equal(wrong, 0);
}

/* --- what the scenarios cover ---------------------------------------------------------------- */

static bool reached(const char *kind, const char *key, const char *value)
{
	bool found = false;

	for (size_t i = 0; i < scenario_count && !found; i++) {
		struct buf text;
		struct json *wanted;

		if (strcmp(scenarios[i].kind, kind) != 0)
			continue;
		wanted = load(scenarios[i].name, "expected.json", &text);
		found = strcmp(json_str(wanted, key, ""), value) == 0;
		json_free(wanted);
		buf_done(&text);
	}
	return found;
}

static void every_kind_has_a_pass_a_fail_and_a_broken_scenario(void **state)
{
	static const char *const outcomes[] = {"pass", "fail", "broken"};

	(void)state;
	for (size_t i = 0; check_kinds[i]; i++)
		for (size_t n = 0; n < 3; n++)
			/* What looks at the machine alone fails no image. */
			if (!(n == 1 && check_kinds[i] == &check_gpu_health) &&
			    !reached(check_kinds[i]->kind, "outcome", outcomes[n]))
				fail_msg("%s: no scenario is %s", check_kinds[i]->kind,
					 outcomes[n]);
}

static void every_label_of_a_kind_is_reached(void **state)
{
	(void)state;
	for (const struct label *label = label_table; label->name; label++) {
		char kind[32] = "";
		const char *slash = strchr(label->name, '/');

		memcpy(kind, label->name, (size_t)(slash - label->name));
		/* Labels of rules are reached by the rules' own tests. */
		if (check_find(kind) && !rule_topic_of(label->name) &&
		    !reached(kind, "label", label->name))
			fail_msg("no scenario reaches %s", label->name);
	}
}

static void every_scenario_says_what_it_shows(void **state)
{
	(void)state;
	for (size_t i = 0; i < scenario_count; i++) {
		struct buf text;
		struct err err = {0};

		buf_init(&text, FILE_BYTES_MAX);
		if (file_read(arena_printf(everything, "%s/golden/check/%s/README", TEST_DATA,
					   scenarios[i].name),
			      &text, &err) < 0)
			fail_msg("%s", err.msg);
		assert_true(text.len > 10);
		buf_done(&text);
	}
}

static void every_folder_belongs_to_a_kind(void **state)
{
	DIR *folder = opendir(TEST_DATA "/golden/check");
	struct dirent *entry;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.' && !check_find(entry->d_name))
			fail_msg("golden/check/%s: no such kind", entry->d_name);
	closedir(folder);
}

#define COVERAGE_TESTS 4

int main(void)
{
	static const struct CMUnitTest coverage[COVERAGE_TESTS] = {
		cmocka_unit_test(every_kind_has_a_pass_a_fail_and_a_broken_scenario),
		cmocka_unit_test(every_label_of_a_kind_is_reached),
		cmocka_unit_test(every_scenario_says_what_it_shows),
		cmocka_unit_test(every_folder_belongs_to_a_kind),
	};
	struct CMUnitTest *tests;
	int failed;

	everything = arena_new();
	for (size_t i = 0; check_kinds[i]; i++)
		find_scenarios(check_kinds[i]);
	tests = arena_alloc(everything, (scenario_count + COVERAGE_TESTS) * sizeof(*tests));
	if (scenario_count)
		qsort(scenarios, scenario_count, sizeof(*scenarios), by_name);
	for (size_t i = 0; i < scenario_count; i++)
		tests[i] = (struct CMUnitTest){.name = scenarios[i].name,
					       .test_func = scenario_gives_what_is_expected,
					       .initial_state = &scenarios[i]};
	memcpy(tests + scenario_count, coverage, sizeof(coverage));
	failed = _cmocka_run_group_tests("check/golden", tests, scenario_count + COVERAGE_TESTS,
					 NULL, NULL);
	arena_free(everything);
	return failed;
}
