#include "site/site.h"

#include "page_data.h"

static const struct site_frame frame = {.title = "report"};

static struct run *some_run(const char *id, const char *suite)
{
	struct run *run = run_new();

	run->id = arena_strdup(run->arena, id);
	run->suite = suite;
	run->started_at = "2026-11-23T05:51:00.000Z";
	run->commit.hash = "0123456789012345678901234567890123456789";
	run->commit.subject = "a change";
	return run;
}

static struct json *write_grid(const struct site_grid *grid, size_t page)
{
	struct json *data;
	struct buf out;

	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_grid_write(grid, page, &frame, &out);
	assert_false(out.truncated);
	data = page_data(out.data);
	buf_done(&out);
	return data;
}

static void says_so_without_runs(void **state)
{
	struct site_grid *grid = site_grid_new();
	struct json *data = write_grid(grid, 0);

	(void)state;
	assert_int_equal(site_grid_pages(grid), 1);
	assert_int_equal(json_size(json_get(data, "suites")), 0);
	json_free(data);
	site_grid_free(grid);
}

static void gives_each_cell_its_letter_and_flip(void **state)
{
	struct run *now = some_run("b", "s"), *before = some_run("a", "s");
	struct site_grid *grid = site_grid_new();
	const struct json *checks;
	struct json *data;

	(void)state;
	case_pass(run_add_case(before, "one", "env"), "ok");
	run_add_case(before, "gone", "env")->outcome = OUTCOME_TIMEOUT;
	case_fail(run_add_case(now, "one", "env"), "command/exit-code", "x", "y", NULL, NULL);
	case_skip(run_add_case(now, "two", "env"), "no GPU");
	run_compare(now, before);
	site_grid_add(grid, now, false);
	site_grid_add(grid, before, false);
	data = write_grid(grid, 0);
	checks = json_get(item(json_get(data, "suites"), 0), "checks");
	assert_int_equal(json_size(checks), 3);
	assert_string_equal(json_str(item(checks, 0), "name", ""), "one");
	assert_string_equal(json_str(item(checks, 0), "outcomes", ""), "FP");
	assert_string_equal(json_str(item(checks, 0), "flips", ""), "r.");
	assert_string_equal(json_str(item(checks, 1), "outcomes", ""), "S-");
	assert_string_equal(json_str(item(checks, 2), "name", ""), "gone");
	assert_string_equal(json_str(item(checks, 2), "outcomes", ""), "-T");
	json_free(data);
	site_grid_free(grid);
	run_free(now);
	run_free(before);
}

static void keeps_suites_apart(void **state)
{
	struct run *a = some_run("b", "first"), *b = some_run("a", "second");
	struct site_grid *grid = site_grid_new();
	struct json *data;

	(void)state;
	case_pass(run_add_case(a, "same", "env"), "ok");
	case_pass(run_add_case(b, "same", "env"), "ok");
	site_grid_add(grid, a, false);
	site_grid_add(grid, b, false);
	data = write_grid(grid, 0);
	assert_int_equal(json_size(json_get(data, "suites")), 2);
	assert_int_equal(json_size(json_get(item(json_get(data, "suites"), 1), "runs")), 1);
	json_free(data);
	site_grid_free(grid);
	run_free(a);
	run_free(b);
}

/* Pages end before they hold too many cells or columns, and every run is on exactly one. */
static void bounds_its_pages(void **state)
{
	struct site_grid *grid = site_grid_new();
	struct run *big = some_run("big", "s"), *small = some_run("small", "s");
	struct arena *arena = arena_new();
	size_t runs = 0;

	(void)state;
	for (size_t i = 0; i < SITE_CELLS_MAX + 1; i++)
		case_pass(run_add_case(big, arena_printf(big->arena, "c%zu", i), "env"), "ok");
	case_pass(run_add_case(small, "c", "env"), "ok");
	site_grid_add(grid, big, false);
	for (size_t i = 0; i < SITE_COLUMNS_MAX + 1; i++)
		site_grid_add(grid, small, false);
	assert_int_equal(site_grid_pages(grid), 3);
	for (size_t page = 0; page < 3; page++) {
		struct json *data = write_grid(grid, page);

		runs += json_size(json_get(item(json_get(data, "suites"), 0), "runs"));
		json_free(data);
	}
	assert_int_equal(runs, SITE_COLUMNS_MAX + 2);
	assert_string_equal(site_grid_path(0, arena), "index.html");
	assert_string_equal(site_grid_path(2, arena), "index-3.html");
	arena_free(arena);
	site_grid_free(grid);
	run_free(big);
	run_free(small);
}

static void hostile_text_stays_text(void **state)
{
	struct run *run = some_run(HOSTILE, HOSTILE);
	const struct site_frame hostile = {.title = HOSTILE};
	struct site_grid *grid = site_grid_new();
	struct json *data;
	struct buf out;

	(void)state;
	run->commit.subject = run->commit.author = run->reason = HOSTILE;
	case_pass(run_add_case(run, HOSTILE, "env"), HOSTILE);
	site_grid_add(grid, run, false);
	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_grid_write(grid, 0, &hostile, &out);
	assert_null(strstr(out.data, "<b>"));
	assert_null(strchr(out.data, '\x1b'));
	assert_null(strchr(out.data, '\xff'));
	assert_int_equal(occurrences(out.data, "</script>"), 3); /* of the frame */
	data = page_data(out.data);
	assert_int_equal(strncmp(json_str(item(json_get(data, "suites"), 0), "name", ""),
				 "</script><b>", 12),
			 0);
	json_free(data);
	buf_done(&out);
	site_grid_free(grid);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_so_without_runs),
		cmocka_unit_test(gives_each_cell_its_letter_and_flip),
		cmocka_unit_test(keeps_suites_apart),
		cmocka_unit_test(bounds_its_pages),
		cmocka_unit_test(hostile_text_stays_text),
	};

	return cmocka_run_group_tests_name("site/grid", tests, NULL, NULL);
}
