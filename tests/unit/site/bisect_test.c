#include "site/site.h"

#include "page_data.h"

static const struct site_frame frame = {.title = "report", .bisect_count = 1};

static struct json *write_answer(const char *text, struct site_bisect page)
{
	struct json *answer = NULL, *data;
	struct err err = {0};
	struct buf out;

	assert_int_equal(json_parse(text, strlen(text), false, &answer, &err), 0);
	page.id = "0123";
	page.answer = answer;
	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_bisect_write(&page, &frame, &out);
	assert_null(strstr(out.data, "<b>"));
	data = page_data(out.data);
	json_free(answer);
	buf_done(&out);
	return data;
}

static void copies_what_it_knows_and_nothing_else(void **state)
{
	struct json *data = write_answer(
		"{\"assay_bisect\":1,\"good\":\"<b>\",\"probability\":0.5,\"confirmed\":true,"
		"\"secret\":\"no\",\"posterior\":[{\"commit\":\"a\",\"probability\":1,\"fails\":2,"
		"\"other\":1},7],\"cost\":{\"builds\":3}}",
		(struct site_bisect){0});
	const struct json *commit = item(json_get(data, "posterior"), 0);

	(void)state;
	assert_string_equal(json_str(data, "good", ""), "<b>");
	assert_true(json_bool(data, "confirmed", false));
	assert_null(json_get(data, "secret"));
	assert_int_equal(json_size(json_get(data, "posterior")), 1);
	assert_int_equal(json_int(commit, "fails", 0), 2);
	assert_null(json_get(commit, "other"));
	assert_int_equal(json_int(json_get(data, "cost"), "builds", 0), 3);
	json_free(data);
}

static void bears_an_answer_of_other_types(void **state)
{
	struct json *data =
		write_answer("{\"commits\":[1,null,{}],\"posterior\":\"x\",\"cause\":[],"
			     "\"evidence\":{\"a\":1},\"probability\":\"high\"}",
			     (struct site_bisect){0});

	(void)state;
	assert_null(json_get(data, "probability"));
	assert_int_equal(json_size(json_get(data, "evidence")), 0);
	json_free(data);
}

static void names_commits_and_links_runs_that_have_pages(void **state)
{
	struct pair subject = {"a", "a change"};
	const char *run = "r1";
	struct json *data = write_answer(
		"{\"commits\":[\"a\",\"b\"],\"posterior\":[{\"commit\":\"a\"},{\"commit\":\"b\","
		"\"subject\":\"own\"}],\"evidence\":[{\"run\":\"r1\"},{\"run\":\"r2\"}]}",
		(struct site_bisect){.subjects = {&subject, 1}, .runs = {&run, 1}});
	const struct json *evidence = json_get(data, "evidence");

	(void)state;
	assert_string_equal(json_str(item(json_get(data, "commits"), 0), "subject", ""),
			    "a change");
	assert_string_equal(json_str(item(json_get(data, "commits"), 1), "subject", ""), "own");
	assert_string_equal(json_str(item(json_get(data, "posterior"), 0), "subject", ""),
			    "a change");
	assert_string_equal(json_str(item(json_get(data, "posterior"), 1), "subject", ""), "own");
	assert_string_equal(json_str(item(evidence, 0), "page", ""), "runs/r1.html");
	assert_null(json_get(item(evidence, 1), "page"));
	json_free(data);
}

static void search_that_goes_on_says_what_it_does(void **state)
{
	struct json *data = write_answer(
		"{\"assay_bisect\":1,\"ending\":\"open\",\"metric\":{\"name\":\"latency\",\"unit\":"
		"\"ms\","
		"\"change\":0.05},\"now\":{\"left\":3,\"left_s\":60,\"probing\":[\"c1\",7]},"
		"\"posterior\":[{\"commit\":\"c1\",\"subject\":\"own\",\"measured\":2,\"change\":0."
		"04}]}",
		(struct site_bisect){0});
	const struct json *now = json_get(data, "now");
	const struct json *probing = json_get(now, "probing");

	(void)state;
	assert_int_equal(json_int(now, "left", 0), 3);
	assert_string_equal(json_str(item(probing, 0), "subject", ""), "own");
	assert_int_equal(json_size(probing), 2);
	assert_string_equal(json_str(json_get(data, "metric"), "unit", ""), "ms");
	assert_int_equal(json_int(item(json_get(data, "posterior"), 0), "measured", 0), 2);
	json_free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_what_it_knows_and_nothing_else),
		cmocka_unit_test(bears_an_answer_of_other_types),
		cmocka_unit_test(names_commits_and_links_runs_that_have_pages),
		cmocka_unit_test(search_that_goes_on_says_what_it_does),
	};

	return cmocka_run_group_tests_name("site/bisect", tests, NULL, NULL);
}
