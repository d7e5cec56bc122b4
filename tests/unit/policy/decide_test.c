/*
 * The decision table, decide.tsv: name, members added to the policy, records, expected rules.
 *
 * Records are words. "run" starts a run of suite s on image A, an hour old; then age=, in=, suite=,
 * hash=, image=, commit=, driver=, gpu=, verdict=, nobuild, unbuilt, fault, time=; NAME=OUTCOME is
 * a case, followed by kind=, tag=, label=, target=, optional, expected, quarantined, flaky,
 * reused=AGE, reused-in=AHEAD; METRIC:1,2,3 (or METRIC<1,2 where lower is better) is a metric of
 * it. "waiver" starts a waiver of NAME: check=, metric=, wlabel=, wimage=, until=, expired=, from=,
 * unsigned, noreason. "unreachable" and "by-commit" are of the input.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "policy/policy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795435200000) /* 2026-11-23T12:00:00Z */
#define PARTS_MAX 16

struct scene {
	struct arena *arena;
	struct run *run; /* being described */
	struct case_result *result;
	struct policy_record records[PARTS_MAX];
	struct policy_waiver waivers[PARTS_MAX];
	struct policy_waiver *waiver;
	struct policy_input input;
};

static int64_t age_ms(const char *text)
{
	uint64_t ns = 0;

	if (units_parse_duration(text, &ns) < 0)
		fail_msg("no duration: %s", text);
	return (int64_t)(ns / NS_PER_MS);
}

static void set_time(struct run *run, int64_t ms)
{
	char text[CLOCK_TEXT];

	run->started_at = arena_strdup(run->arena, clock_rfc3339(ms, text, sizeof(text)));
}

/* An id as the harness makes them. */
static const char *id_at(struct arena *arena, int64_t ms)
{
	char t[CLOCK_TEXT];

	clock_rfc3339(ms, t, sizeof(t));
	return arena_printf(arena, "%.4s%.2s%.2sT%.2s%.2s%.2s%.3sZ-00000000", t, t + 5, t + 8,
			    t + 11, t + 14, t + 17, t + 20);
}

static void start_run(struct scene *scene)
{
	struct policy_record *record = &scene->records[scene->input.record_count++];
	struct run *run = run_new();

	assert_true(scene->input.record_count < PARTS_MAX);
	run->suite = "s";
	run->suite_hash = "1";
	run->suite_file = "assay.jsonc";
	run->commit.hash = "c0ffee";
	run->build.image_id = "sha256:A";
	run->verdict = VERDICT_PASS;
	set_time(run, NOW_MS - age_ms("1h"));
	*record = (struct policy_record){.run = run};
	scene->run = run;
	scene->result = NULL;
}

static void start_waiver(struct scene *scene)
{
	scene->waiver = &scene->waivers[scene->input.waiver_count++];
	assert_true(scene->input.waiver_count < PARTS_MAX);
	*scene->waiver = (struct policy_waiver){.check = "arch",
						.image = "sha256:A",
						.reason = "known",
						.made_ms = NOW_MS - 1000,
						.expires_ms = NOW_MS + age_ms("1h"),
						.signer = "ada"};
}

static void add_metric(struct scene *scene, const char *word, bool lower)
{
	const char *values = strpbrk(word, ":<") + 1;
	struct metric *metric =
		case_add_metric(scene->result, scene->run->arena,
				arena_strndup(scene->run->arena, word, (size_t)(values - word) - 1),
				"ms", lower ? DIRECTION_LOWER : DIRECTION_HIGHER);

	while (*values) {
		int64_t number = 0;
		size_t len = strcspn(values, ",");
		const char *text = arena_strndup(scene->arena, values, len);
		double value = (double)NAN;

		if (strcmp(text, "nan") != 0) {
			assert_int_equal(units_parse_int(text, 0, 1000000, &number), 0);
			value = (double)number;
		}
		metric_add_sample(metric, scene->run->arena, value);
		values += len + (values[len] == ',');
	}
}

static void add_case(struct scene *scene, const char *name, const char *outcome)
{
	struct case_result *result = run_add_case(scene->run, name, "arch");

	if (outcome_parse(outcome, &result->outcome) < 0)
		fail_msg("no outcome: %s", outcome);
	if (outcome_is_failure(result->outcome))
		result->label = "arch/missing-sm";
	scene->result = result;
}

static bool of_waiver(struct scene *scene, const char *key, const char *value)
{
	struct policy_waiver *waiver = scene->waiver;

	if (strcmp(key, "check") == 0)
		waiver->check = value;
	else if (strcmp(key, "metric") == 0)
		waiver->metric = value;
	else if (strcmp(key, "wlabel") == 0)
		waiver->label = value;
	else if (strcmp(key, "wimage") == 0)
		waiver->image = value;
	else if (strcmp(key, "until") == 0)
		waiver->expires_ms = NOW_MS + age_ms(value);
	else if (strcmp(key, "expired") == 0)
		waiver->expires_ms = NOW_MS - age_ms(value);
	else if (strcmp(key, "from") == 0)
		waiver->made_ms = NOW_MS + age_ms(value);
	else if (strcmp(key, "wfault") == 0)
		waiver->fault = value;
	else
		return false;
	return true;
}

static void add_environment(struct run *run, const char *key, const char *value)
{
	*(struct pair *)arena_push(run->arena, &run->environment.items, &run->environment.count,
				   sizeof(struct pair)) = (struct pair){key, value};
}

static bool of_run(struct scene *scene, const char *key, const char *value)
{
	struct run *run = scene->run;

	if (strcmp(key, "age") == 0)
		set_time(run, NOW_MS - age_ms(value));
	else if (strcmp(key, "in") == 0)
		set_time(run, NOW_MS + age_ms(value));
	else if (strcmp(key, "time") == 0)
		run->started_at = value;
	else if (strcmp(key, "suite") == 0)
		run->suite = value;
	else if (strcmp(key, "hash") == 0)
		run->suite_hash = value;
	else if (strcmp(key, "image") == 0)
		run->build.image_id = value;
	else if (strcmp(key, "commit") == 0)
		run->commit.hash = value;
	else if (strcmp(key, "driver") == 0)
		add_environment(run, "gpu-driver", value);
	else if (strcmp(key, "gpu") == 0)
		add_environment(run, "gpu", value);
	else if (strcmp(key, "verdict") == 0)
		assert_int_equal(verdict_parse(value, &run->verdict), 0);
	else if (strcmp(key, "fault") == 0)
		scene->records[scene->input.record_count - 1].fault = value;
	else
		return false;
	return true;
}

static bool of_case(struct scene *scene, const char *key, const char *value)
{
	struct case_result *result = scene->result;
	struct arena *arena = scene->run->arena;

	if (strcmp(key, "kind") == 0)
		result->kind = value;
	else if (strcmp(key, "label") == 0)
		result->label = value;
	else if (strcmp(key, "target") == 0)
		result->target = value;
	else if (strcmp(key, "reused") == 0)
		result->reused_from = id_at(arena, NOW_MS - age_ms(value));
	else if (strcmp(key, "reused-in") == 0)
		result->reused_from = id_at(arena, NOW_MS + age_ms(value));
	else if (strcmp(key, "reused-id") == 0)
		result->reused_from = value;
	else if (strcmp(key, "tag") == 0)
		*(const char **)arena_push(arena, &result->tags.items, &result->tags.count,
					   sizeof(char *)) = value;
	else
		return false;
	return true;
}

/* It passed when it was made again. */
static void add_flake(struct scene *scene)
{
	const struct case_result again = {.outcome = OUTCOME_PASS};

	case_add_attempt(scene->result, scene->result, scene->run->arena);
	case_add_attempt(scene->result, &again, scene->run->arena);
}

static void take_flag(struct scene *scene, const char *word)
{
	if (strcmp(word, "run") == 0)
		start_run(scene);
	else if (strcmp(word, "waiver") == 0)
		start_waiver(scene);
	else if (strcmp(word, "unreachable") == 0)
		scene->input.unreachable = "no such file";
	else if (strcmp(word, "by-commit") == 0)
		scene->input = (struct policy_input){
			.subject = "c0ffee", .commit = "c0ffee", .now_ms = NOW_MS};
	else if (strcmp(word, "nobuild") == 0)
		scene->run->build = (struct build){.failed = true, .message = "exit code 1"};
	else if (strcmp(word, "unbuilt") == 0)
		scene->run->build.image_id = NULL;
	else if (strcmp(word, "optional") == 0)
		scene->result->optional = true;
	else if (strcmp(word, "expected") == 0)
		scene->result->known.reason = "bug 7";
	else if (strcmp(word, "quarantined") == 0)
		scene->result->quarantine.reason = "races";
	else if (strcmp(word, "flaky") == 0)
		add_flake(scene);
	else if (strcmp(word, "unsigned") == 0)
		scene->waiver->signer = NULL;
	else if (strcmp(word, "noreason") == 0)
		scene->waiver->reason = "";
	else if (strchr(word, ':') || strchr(word, '<'))
		add_metric(scene, word, strchr(word, '<') != NULL);
	else
		fail_msg("unknown word: %s", word);
}

static void take_word(struct scene *scene, const char *word)
{
	const char *equals = strchr(word, '=');
	const char *key;

	if (!equals) {
		take_flag(scene, word);
		return;
	}
	key = arena_strndup(scene->arena, word, (size_t)(equals - word));
	if (scene->waiver && of_waiver(scene, key, equals + 1))
		return;
	if (scene->run && of_run(scene, key, equals + 1))
		return;
	if (scene->result && of_case(scene, key, equals + 1))
		return;
	add_case(scene, key, equals + 1);
}

/* Ids only when the times are known: they carry them. */
static void name_runs(struct scene *scene)
{
	for (size_t i = 0; i < scene->input.record_count; i++) {
		struct run *run = (struct run *)scene->records[i].run;
		int64_t ms = 0;

		(void)clock_parse_rfc3339(run->started_at, &ms);
		run->id = id_at(run->arena, ms);
		scene->records[i].id = run->id;
	}
	scene->input.records = scene->records;
	scene->input.waivers = scene->waivers;
}

static void read_scene(struct scene *scene, const char *text)
{
	*scene = (struct scene){.arena = scene->arena};
	scene->input = (struct policy_input){
		.subject = "image A", .image_id = "sha256:A", .now_ms = NOW_MS};
	while (*text) {
		size_t len = strcspn(text, " ");

		if (len)
			take_word(scene, arena_strndup(scene->arena, text, len));
		text += len + (text[len] == ' ');
	}
	name_runs(scene);
}

static void judge_row(const char *const *columns)
{
	struct scene scene = {.arena = arena_new()};
	struct policy *policy = NULL;
	struct policy_decision decision;
	struct err err = {0};
	struct buf got;
	const char *text = arena_printf(
		scene.arena, "{\"policy\": 1, \"name\": \"p\"%s%s%s%s}",
		strstr(columns[1], "\"suites\"") ? "" : ", \"suites\": [\"s\"]",
		strstr(columns[1], "\"require\"") ? "" : ", \"require\": [{\"check\": \"arch\"}]",
		*columns[1] ? ", " : "", columns[1]);

	if (policy_parse("p", text, strlen(text), &policy, &err) < 0)
		fail_msg("%s: %s", columns[0], err.msg);
	read_scene(&scene, columns[2]);
	policy_decide(policy, &scene.input, scene.arena, &decision);
	buf_init(&got, 4096);
	buf_addstr(&got, decision.open ? "open" : "closed");
	for (size_t i = 0; i < decision.waived.count; i++)
		buf_addstr(&got, " waived");
	for (size_t i = 0; i < decision.reason_count; i++) {
		buf_printf(&got, " %s", decision.reasons[i].rule);
		assert_true(*decision.reasons[i].text && *decision.reasons[i].command);
	}
	if (strcmp(buf_str(&got), columns[3]) != 0)
		fail_msg("%s: expected %s, found %s (%s)", columns[0], columns[3], buf_str(&got),
			 decision.reason_count ? decision.reasons[0].text : "");
	buf_done(&got);
	for (size_t i = 0; i < scene.input.record_count; i++)
		run_free((struct run *)scene.records[i].run);
	policy_free(policy);
	arena_free(scene.arena);
}

static void decide_as_the_row_says(void **state)
{
	judge_row(*state);
}

/* Cut LINE at tabs; columns that are not there are "". */
static const char **cut(struct arena *arena, const char *line, size_t len)
{
	const char **columns = arena_alloc(arena, 4 * sizeof(*columns));

	for (size_t i = 0; i < 4; i++) {
		const char *tab = memchr(line, '\t', len);
		size_t part = tab ? (size_t)(tab - line) : len;

		columns[i] = arena_strndup(arena, line, part);
		line += part + (tab ? 1 : 0);
		len -= part + (tab ? 1 : 0);
	}
	return columns;
}

int main(void)
{
	struct arena *arena = arena_new();
	struct CMUnitTest *tests = NULL;
	size_t count = 0;
	struct buf text;
	struct err err = {0};
	const char *line;
	int rc;

	buf_init(&text, 1024 * 1024);
	if (file_read(TEST_DATA "/unit/policy/decide.tsv", &text, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	for (line = buf_str(&text); *line;) {
		size_t len = strcspn(line, "\n");

		if (len && *line != '#') {
			struct CMUnitTest *test = arena_push(arena, &tests, &count, sizeof(*test));
			const char **columns = cut(arena, line, len);

			*test = (struct CMUnitTest){columns[0], decide_as_the_row_says, NULL, NULL,
						    (void *)columns};
		}
		line += len + (line[len] == '\n');
	}
	rc = count < 60 ? 1 : _cmocka_run_group_tests("policy/decide", tests, count, NULL, NULL);
	buf_done(&text);
	arena_free(arena);
	return rc;
}
