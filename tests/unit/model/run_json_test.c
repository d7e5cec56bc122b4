#include "model/run_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = {"a", "b"};

static void fill_cases(struct run *run)
{
	struct case_result *result = run_add_case(run, "build", "build");
	struct metric *metric;

	case_pass(result, "sha256:1");
	result->duration_ns = 4200000000;
	result = run_add_case(run, "torch@rtx5090", "version");
	case_fail(result, "version/unsatisfied", "==2.6.0", "2.7.1", "pip", "pin it");
	result->target = "rtx5090";
	result->tags = (struct strings){(const char **)words, 2};
	result->flip = FLIP_STILL_FAILING;
	result->reused_from = "r0";
	result->out = "line\nline\t\x01";
	result->errout = "";
	metric = case_add_metric(result, run->arena, "latency", "ms", DIRECTION_LOWER);
	metric->cell = "rtx5090";
	metric_add_sample(metric, run->arena, 0.1);
	metric_add_sample(metric, run->arena, 1e-300);
	metric_add_sample(metric, run->arena, 9007199254740992.0);
	result = run_add_case(run, "gpu", "command");
	case_skip(result, "needs a GPU");
	result->optional = true;
	result = run_add_case(run, "race", "command");
	case_fail(result, "command/exit-code", "exit code 0", "exit code 1", NULL, NULL);
	result->known = (struct excuse){.reason = "bug 7",
					.until = "2026-12-31",
					.labels = {(const char **)words, 2},
					.ended = true};
	result->quarantine = (struct excuse){.reason = "races", .until = "2026-12-01"};
	case_add_attempt(result, result, run->arena);
	case_add_attempt(result, &run->cases[0], run->arena);
}

static struct run *full_run(void)
{
	static struct pair bases[] = {{"python:3", "sha256:b"}},
			   environment[] = {{"engine", "docker"}};
	static struct step steps[] = {
		{1, 2, NULL, "FROM python:3", 1, 0, true, false},
		{2, 2, "final", "RUN pip install", 14, 77, false, true},
	};
	struct run *run = run_new();

	run->id = "20261123T055100Z-1f0c9a3b";
	run->started_at = "2026-11-23T05:51:00Z";
	run->duration_ns = 123456789012345;
	run->suite = "s";
	run->suite_file = "assay.jsonc";
	run->suite_hash = "5";
	run->targets = (struct strings){(const char **)words, 2};
	run->commit = (struct commit){.hash = "c0",
				      .tree = "t0",
				      .asked = "HEAD",
				      .subject = "ünïcode",
				      .author = "A <a@b>",
				      .time_s = -1,
				      .repo = "/r",
				      .submodules = {(const char **)words, 1}};
	run->build = (struct build){.builder = "buildkit",
				    .dockerfile = "Dockerfile",
				    .input_hash = "h",
				    .image_id = "sha256:1",
				    .image_tag = "tag",
				    .bases = {bases, 1},
				    .reused = true,
				    .reused_from = "r0",
				    .same_inputs_as = "c9",
				    .duration_ns = 99,
				    .steps = steps,
				    .step_count = 2,
				    .failed = true,
				    .message = "AssertionError"};
	run->environment = (struct pairs){environment, 1};
	run->baseline = (struct baseline){"r0", "c1", 3, NULL};
	run->gone = (struct strings){(const char **)words, 2};
	run->notes = (struct strings){(const char **)words, 1};
	run->verdict = VERDICT_FAIL;
	run->reason = "torch: expected";
	fill_cases(run);
	return run;
}

static char *print(const struct run *run)
{
	struct json *json = run_to_json(run);
	struct buf text;

	buf_init(&text, JSON_BYTES_MAX);
	json_print(json, false, &text);
	json_free(json);
	return text.data;
}

static int parse(const char *text, struct run **out, struct err *err)
{
	struct json *json = NULL;
	int rc;

	assert_int_equal(json_parse(text, strlen(text), false, &json, err), 0);
	rc = run_from_json(json, out, err);
	json_free(json);
	return rc;
}

static void a_run_reads_back_as_it_was_written(void **state)
{
	struct run *run = full_run(), *back = NULL;
	struct err err = {0};
	char *first = print(run), *second;

	(void)state;
	run_free(run);
	assert_int_equal(parse(first, &back, &err), 0);
	second = print(back);
	assert_string_equal(first, second);
	assert_int_equal(back->duration_ns, 123456789012345);
	assert_int_equal(back->commit.time_s, -1);
	assert_string_equal(back->commit.subject, "ünïcode");
	assert_string_equal(back->commit.submodules.items[0], "a");
	assert_string_equal(back->build.bases.items[0].value, "sha256:b");
	assert_int_equal(back->build.steps[1].line, 14);
	assert_string_equal(back->build.steps[1].stage, "final");
	assert_true(back->build.steps[1].failed && back->build.steps[0].cached);
	assert_true(back->build.reused && back->build.failed);
	assert_int_equal(back->baseline.distance, 3);
	assert_int_equal(back->case_count, 4);
	assert_int_equal(back->cases[1].flip, FLIP_STILL_FAILING);
	assert_string_equal(back->cases[1].out, "line\nline\t\x01");
	assert_string_equal(back->cases[1].errout, "");
	assert_int_equal(back->cases[1].metrics[0].direction, DIRECTION_LOWER);
	assert_true(back->cases[1].metrics[0].samples[0] == 0.1);
	assert_true(back->cases[1].metrics[0].samples[1] == 1e-300);
	assert_true(back->cases[1].metrics[0].samples[2] == 9007199254740992.0);
	assert_string_equal(back->cases[2].reason, "needs a GPU");
	assert_true(back->cases[2].optional && !back->cases[1].optional);
	assert_int_equal(case_mark(&back->cases[3]), MARK_QUARANTINED);
	assert_true(back->cases[3].known.ended && !back->cases[3].quarantine.ended);
	assert_string_equal(back->cases[3].known.labels.items[1], "b");
	assert_string_equal(back->cases[3].quarantine.until, "2026-12-01");
	assert_int_equal(back->cases[3].attempt_count, 2);
	assert_string_equal(back->cases[3].attempts[0].label, "command/exit-code");
	assert_int_equal(back->cases[3].attempts[1].outcome, OUTCOME_PASS);
	assert_int_equal(back->cases[3].attempts[1].duration_ns, 4200000000);
	run_free(back);
	free(first);
	free(second);
}

static void unknown_stays_unknown(void **state)
{
	struct run *run = run_new(), *back = NULL;
	struct err err = {0};
	char *text;

	(void)state;
	run->id = "r";
	metric_add_sample(case_add_metric(run_add_case(run, "a", "command"), run->arena, "m", NULL,
					  DIRECTION_NONE),
			  run->arena, NAN);
	text = print(run);
	assert_int_equal(parse(text, &back, &err), 0);
	assert_null(back->suite);
	assert_null(back->reason);
	assert_null(back->commit.hash);
	assert_null(back->build.image_id);
	assert_null(back->cases[0].actual);
	assert_null(back->cases[0].metrics[0].unit);
	assert_true(isnan(back->cases[0].metrics[0].samples[0]));
	assert_int_equal(back->verdict, VERDICT_OPEN);
	assert_int_equal(back->cases[0].outcome, OUTCOME_NOTRUN);
	run_free(run);
	run_free(back);
	free(text);
}

static void output_that_is_no_utf8_is_still_json(void **state)
{
	struct run *run = run_new(), *back = NULL;
	struct err err = {0};
	char *text;

	(void)state;
	run->id = "r";
	run_add_case(run, "a", "command")->out = "before \xff\xc3( after";
	text = print(run);
	assert_int_equal(parse(text, &back, &err), 0);
	assert_non_null(strstr(back->cases[0].out, "before \xef\xbf\xbd"));
	assert_non_null(strstr(back->cases[0].out, "( after"));
	run_free(run);
	run_free(back);
	free(text);
}

static void a_base_that_two_stages_share_is_written_once(void **state)
{
	static struct pair bases[] = {{"python:3", "sha256:b"}, {"python:3", "sha256:b"}};
	struct run *run = run_new(), *back = NULL;
	struct err err = {0};
	char *text;

	(void)state;
	run->id = "r";
	run->build.bases = (struct pairs){bases, 2};
	text = print(run);
	assert_int_equal(parse(text, &back, &err), 0);
	assert_int_equal(back->build.bases.count, 1);
	run_free(run);
	run_free(back);
	free(text);
}

#define PARTS "\"suite\":{},\"commit\":{},\"build\":{},\"baseline\":{}"

static const struct {
	const char *text;
	const char *message;
} damaged[] = {
	{"[]", "expected an object"},
	{"{}", "assay_run is 0"},
	{"{\"assay_run\":2,\"id\":\"r\",\"verdict\":\"pass\"," PARTS ",\"cases\":[]}",
	 "assay_run is 2"},
	{"{\"assay_run\":\"1\"}", "assay_run is 0"},
	{"{\"assay_run\":1,\"id\":\"r\",\"verdict\":\"pass\",\"cases\":[]}", "\"suite\""},
	{"{\"assay_run\":1,\"verdict\":\"pass\"," PARTS ",\"cases\":[]}", "\"id\""},
	{"{\"assay_run\":1,\"id\":\"r\",\"verdict\":\"pass\"," PARTS "}", "\"cases\""},
	{"{\"assay_run\":1,\"id\":\"r\",\"verdict\":\"good\"," PARTS ",\"cases\":[]}",
	 "verdict 'good'"},
	{"{\"assay_run\":1,\"id\":\"r\"," PARTS ",\"cases\":[]}", "verdict ''"},
	{"{\"assay_run\":1,\"id\":\"r\",\"verdict\":\"pass\"," PARTS
	 ",\"cases\":[{\"kind\":\"env\",\"outcome\":\"pass\"}]}",
	 "cases[0] has no name"},
	{"{\"assay_run\":1,\"id\":\"r\",\"verdict\":\"pass\"," PARTS
	 ",\"cases\":[{\"name\":\"a\",\"kind\":\"env\",\"outcome\":\"pas\"}]}",
	 "cases[0].outcome 'pas'"},
	{"{\"assay_run\":1,\"id\":\"r\",\"verdict\":\"pass\"," PARTS ",\"cases\":[7]}",
	 "cases[0] has no name"},
};

static void damaged_documents_are_refused_and_say_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct run *out = NULL;
		struct err err = {0};

		if (parse(damaged[i].text, &out, &err) == 0)
			fail_msg("accepted: %s", damaged[i].text);
		assert_null(out);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.msg, damaged[i].message))
			fail_msg("%s: %s", damaged[i].text, err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_reads_back_as_it_was_written),
		cmocka_unit_test(unknown_stays_unknown),
		cmocka_unit_test(output_that_is_no_utf8_is_still_json),
		cmocka_unit_test(a_base_that_two_stages_share_is_written_once),
		cmocka_unit_test(damaged_documents_are_refused_and_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
