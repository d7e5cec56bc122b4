#include "site/site.h"

#include "page_data.h"

static const struct site_frame frame = {.title = "report"};

static struct run *some_run(void)
{
	struct run *run = run_new();

	run->id = "20261123T055100123Z-1f0c9a3b";
	run->suite = "s";
	run->started_at = "2026-11-23T05:51:00.000Z";
	run->commit.hash = "0123456789012345678901234567890123456789";
	return run;
}

static struct json *write_run(const struct site_run *page)
{
	struct json *data;
	struct buf out;

	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_run_write(page, &frame, &out);
	assert_false(out.truncated);
	data = page_data(out.data);
	buf_done(&out);
	return data;
}

static const char *filled(struct run *run, size_t len, char with)
{
	return memset(arena_alloc(run->arena, len + 1), with, len);
}

static void keeps_the_end_of_long_output(void **state)
{
	struct run *run = some_run();
	const struct site_run page = {.run = run};
	struct case_result *result = run_add_case(run, "c", "command");
	const struct json *stream;
	struct json *data;

	(void)state;
	result->outcome = OUTCOME_FAIL;
	result->out = arena_printf(run->arena, "start%send", filled(run, SITE_STREAM_MAX, '.'));
	data = write_run(&page);
	stream = json_get(item(json_get(data, "cases"), 0), "stdout");
	assert_int_equal(json_int(stream, "cut_bytes", 0), 8);
	assert_int_equal(strlen(json_str(stream, "text", "")), SITE_STREAM_MAX);
	assert_non_null(strstr(json_str(stream, "text", ""), ".end"));
	json_free(data);
	run_free(run);
}

/* A page has room for so much output; failures come first, wherever they stand. */
static void serves_failures_first(void **state)
{
	struct run *run = some_run();
	const struct site_run page = {.run = run};
	const char *big = filled(run, SITE_STREAM_MAX, 'x');
	size_t count = SITE_OUTPUT_MAX / SITE_STREAM_MAX + 1, shown = 0;
	const struct json *cases, *last;
	struct json *data;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct case_result *result =
			run_add_case(run, arena_printf(run->arena, "c%zu", i), "command");

		result->outcome = i + 1 < count ? OUTCOME_PASS : OUTCOME_FAIL;
		result->out = big;
	}
	data = write_run(&page);
	cases = json_get(data, "cases");
	for (size_t i = 0; i < count; i++)
		shown += json_get(item(cases, i), "stdout") != NULL;
	assert_int_equal(shown, count - 1);
	last = item(cases, count - 1);
	assert_non_null(json_get(last, "stdout"));
	assert_int_equal(json_int(item(cases, count - 2), "output_left_out_bytes", 0),
			 SITE_STREAM_MAX);
	json_free(data);
	run_free(run);
}

static void shows_the_build_with_its_log(void **state)
{
	struct run *run = some_run();
	struct step step = {.number = 4, .total = 6, .instruction = "RUN false", .failed = true};
	const struct site_run page = {.run = run, .log = "line\n", .log_len = 5, .log_bytes = 105};
	const struct json *build;
	struct json *data;

	(void)state;
	run->build.steps = &step;
	run->build.step_count = 1;
	run->build.failed = true;
	data = write_run(&page);
	build = json_get(data, "build");
	assert_true(json_bool(item(json_get(build, "steps"), 0), "failed", false));
	assert_null(json_get(item(json_get(build, "steps"), 0), "line"));
	assert_int_equal(json_int(json_get(build, "log"), "cut_bytes", 0), 100);
	json_free(data);
	run_free(run);
}

static void says_why_facts_were_not_compared(void **state)
{
	struct run *run = some_run();
	struct difference change = {
		.topic = "python", .name = "torch", .before = "2.6.0", .after = "2.7.1"};
	struct site_run page = {.run = run, .no_differences = "no baseline"};
	struct json *data = write_run(&page);

	(void)state;
	assert_string_equal(json_str(data, "no_differences", ""), "no baseline");
	assert_null(json_get(data, "differences"));
	json_free(data);
	page = (struct site_run){.run = run, .differences = &change, .difference_count = 1};
	data = write_run(&page);
	assert_string_equal(json_str(item(json_get(data, "differences"), 0), "after", ""), "2.7.1");
	assert_null(json_get(data, "no_differences"));
	json_free(data);
	page = (struct site_run){.run = run};
	data = write_run(&page);
	assert_int_equal(json_size(json_get(data, "differences")), 0);
	assert_non_null(json_get(data, "differences"));
	json_free(data);
	run_free(run);
}

static void links_only_pages_that_are_written(void **state)
{
	struct run *run = some_run();
	struct site_run page = {.run = run, .newer = "n", .has_baseline_page = false};
	struct json *data;

	(void)state;
	run->baseline = (struct baseline){.run_id = "base", .commit = "c"};
	data = write_run(&page);
	assert_string_equal(json_str(data, "newer", ""), "runs/n.html");
	assert_null(json_get(data, "older"));
	assert_null(json_get(data, "image"));
	assert_null(json_get(json_get(data, "baseline"), "page"));
	json_free(data);
	page.has_baseline_page = true;
	data = write_run(&page);
	assert_string_equal(json_str(json_get(data, "baseline"), "page", ""), "runs/base.html");
	json_free(data);
	run_free(run);
}

static void hostile_text_stays_text(void **state)
{
	struct run *run = some_run();
	struct pair pair = {HOSTILE, HOSTILE};
	const char *line = HOSTILE;
	struct site_run page = {.run = run, .no_differences = HOSTILE};
	struct json *data;
	struct buf out;

	(void)state;
	run->commit = (struct commit){.hash = HOSTILE, .subject = HOSTILE, .author = HOSTILE};
	run->reason = run->suite = run->suite_file = run->build.message = HOSTILE;
	run->environment = run->build.bases = (struct pairs){&pair, 1};
	run->notes = run->gone = run->targets = (struct strings){&line, 1};
	case_fail(run_add_case(run, HOSTILE, "command"), "command/exit-code", HOSTILE, HOSTILE,
		  HOSTILE, HOSTILE);
	run->cases[0].out = run->cases[0].errout = HOSTILE;
	page.log = HOSTILE;
	page.log_len = page.log_bytes = sizeof(HOSTILE) - 1;
	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_run_write(&page, &frame, &out);
	assert_null(strstr(out.data, "<b>"));
	assert_null(strchr(out.data, '\x1b'));
	assert_null(strchr(out.data, '\xff'));
	assert_int_equal(occurrences(out.data, "</script>"), 3);
	data = page_data(out.data);
	assert_non_null(
		strstr(json_str(json_get(item(json_get(data, "cases"), 0), "stdout"), "text", ""),
		       "<!--"));
	json_free(data);
	buf_done(&out);
	run_free(run);
}

static void equal_runs_give_equal_bytes(void **state)
{
	struct run *run = some_run();
	const struct site_run page = {.run = run};
	struct buf first, second;

	(void)state;
	case_pass(run_add_case(run, "c", "env"), "ok");
	buf_init(&first, SITE_PAGE_BYTES_MAX);
	buf_init(&second, SITE_PAGE_BYTES_MAX);
	site_run_write(&page, &frame, &first);
	site_run_write(&page, &frame, &second);
	assert_string_equal(first.data, second.data);
	buf_done(&first);
	buf_done(&second);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_end_of_long_output),
		cmocka_unit_test(serves_failures_first),
		cmocka_unit_test(shows_the_build_with_its_log),
		cmocka_unit_test(says_why_facts_were_not_compared),
		cmocka_unit_test(links_only_pages_that_are_written),
		cmocka_unit_test(hostile_text_stays_text),
		cmocka_unit_test(equal_runs_give_equal_bytes),
	};

	return cmocka_run_group_tests_name("site/run", tests, NULL, NULL);
}
