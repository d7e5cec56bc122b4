#include "site/site_private.h"

#include "page_data.h"

#include <math.h>

static const struct site_frame frame = {.title = "report"};

static struct run *some_run(const char *id, const char *host)
{
	struct run *run = run_new();
	struct pair *pair = arena_push(run->arena, &run->environment.items, &run->environment.count,
				       sizeof(*pair));

	run->id = arena_strdup(run->arena, id);
	run->suite = "s";
	run->started_at = "2026-11-23T05:51:00.000Z";
	run->commit.hash = arena_strdup(run->arena, id);
	*pair = (struct pair){"host", host};
	case_pass(run_add_case(run, "bench", "command"), "ok");
	return run;
}

static struct metric *measure(struct run *run, const char *cell, const double *values, size_t count)
{
	struct metric *metric =
		case_add_metric(&run->cases[0], run->arena, "rate", "tokens/s", DIRECTION_HIGHER);

	metric->cell = cell;
	for (size_t i = 0; i < count; i++)
		metric_add_sample(metric, run->arena, values[i]);
	return metric;
}

static struct json *write_metric(const struct site_metrics *metrics, size_t index)
{
	struct json *data;
	struct buf out;

	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_metric_write(metrics, index, &frame, &out);
	data = page_data(out.data);
	buf_done(&out);
	return data;
}

static void cells_are_series_of_their_own(void **state)
{
	struct run *run = some_run("a", "h");
	struct site_metrics *metrics = site_metrics_new();
	const double values[] = {1, 2, 3};

	(void)state;
	measure(run, "one GPU", values, 3);
	measure(run, "another", values, 3);
	measure(run, "nothing measured", values, 0);
	site_metrics_add(metrics, run);
	assert_int_equal(site_metrics_count(metrics), 2);
	assert_string_not_equal(site_metrics_path(metrics, 0), site_metrics_path(metrics, 1));
	site_metrics_free(metrics);
	run_free(run);
}

static void points_are_oldest_first_and_machines_start_epochs(void **state)
{
	static const char *const hosts[] = {"new", "old", "old"};
	struct site_metrics *metrics = site_metrics_new();
	const struct json *points, *epochs;
	struct json *data;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const char id[] = {(char)('c' - i), '\0'};
		struct run *run = some_run(id, hosts[i]);
		const double value = 10 - (double)i;

		measure(run, NULL, &value, 1);
		site_metrics_add(metrics, run);
		run_free(run);
	}
	assert_int_equal(site_metrics_count(metrics), 1);
	data = write_metric(metrics, 0);
	points = json_get(data, "points");
	assert_string_equal(json_str(item(points, 0), "commit", ""), "a");
	assert_string_equal(json_str(item(points, 2), "commit", ""), "c");
	assert_null(json_get(item(points, 0), "low"));
	epochs = json_get(data, "epochs");
	assert_int_equal(json_size(epochs), 2);
	assert_int_equal(json_int(item(epochs, 1), "point", -1), 2);
	assert_string_equal(json_str(item(epochs, 1), "machine", ""), "host new");
	assert_int_equal(json_size(json_get(data, "distributions")), 2);
	json_free(data);
	site_metrics_free(metrics);
}

static void lists_series_by_name_with_the_newest_value(void **state)
{
	struct site_metrics *metrics = site_metrics_new();
	struct run *now = some_run("b", "h"), *before = some_run("a", "h");
	const double high = 2, low = 1;
	const struct json *row;
	struct json *data;
	struct buf out;

	(void)state;
	measure(now, HOSTILE, &high, 1);
	measure(before, HOSTILE, &low, 1);
	site_metrics_add(metrics, now);
	site_metrics_add(metrics, before);
	buf_init(&out, SITE_PAGE_BYTES_MAX);
	site_metrics_write(metrics, &frame, &out);
	assert_null(strstr(out.data, "<b>"));
	data = page_data(out.data);
	row = item(json_get(data, "metrics"), 0);
	assert_true(json_num(json_get(row, "newest"), "median", 0) == 2);
	assert_true(json_num(json_get(row, "before"), "median", 0) == 1);
	assert_int_equal(json_int(row, "runs", 0), 2);
	json_free(data);
	buf_done(&out);
	site_metrics_free(metrics);
	run_free(now);
	run_free(before);
}

/* Of the last two runs in three cells: far apart, near, and too few to tell. */
static void finds_differences_between_runs_of_one_machine_only(void **state)
{
	static const double from[] = {1, 2, 3, 4, 5, 6, 7, 8}, far[] = {11, 12, 13, 14, 15, 16, 17};
	const char *hosts[][2] = {{"h", "h"}, {"h", "other"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct site_metrics *metrics = site_metrics_new();
		struct run *now = some_run("b", hosts[i][0]), *before = some_run("a", hosts[i][1]);
		const struct json *list;
		struct json *data, *page;
		struct buf out;

		measure(now, "1", far, 7);
		measure(now, "2", from + 1, 7);
		measure(now, "3", far, 2);
		measure(before, "1", from, 8);
		measure(before, "2", from, 8);
		measure(before, "3", from, 2);
		site_metrics_add(metrics, now);
		site_metrics_add(metrics, before);
		buf_init(&out, SITE_PAGE_BYTES_MAX);
		site_metrics_write(metrics, &frame, &out);
		data = page_data(out.data);
		list = json_get(data, "metrics");
		page = write_metric(metrics, 0);
		for (size_t k = 0; k < 3; k++) {
			const struct json *row = item(list, k), *found = json_get(row, "finding");
			const char *cell = json_str(row, "cell", "");

			if (i == 1) {
				assert_null(found);
				continue;
			}
			assert_string_equal(json_str(found, "is", ""), *cell == '1'   ? "different"
								       : *cell == '2' ? "same"
										      : "too few");
			assert_int_equal(json_int(found, "needed", 0), *cell == '3' ? 5 : 0);
			assert_true(json_num(found, "shift", 0) > 0);
		}
		if (i == 1)
			assert_null(json_get(page, "shift"));
		else
			assert_true(json_num(json_get(page, "shift"), "low", 0) > 0);
		json_free(page);
		json_free(data);
		buf_done(&out);
		site_metrics_free(metrics);
		run_free(now);
		run_free(before);
	}
}

static void shows_changes_and_the_newest_trial_of_its_series_only(void **state)
{
	struct site_metrics *metrics = site_metrics_new();
	struct run *run = some_run("c", "h");
	const double value = 1, fast[] = {3, 1, 2}, slow[] = {5, 4, 6};
	struct site_change change = {.suite = "s",
				     .case_name = "bench",
				     .metric = "rate",
				     .cell = "x",
				     .commit = "c",
				     .state = "confirmed",
				     .change = -.06,
				     .low = NAN,
				     .high = NAN};
	struct site_trial trial = {.suite = "s",
				   .case_name = "bench",
				   .metric = "rate",
				   .cell = "x",
				   .started_at = "new",
				   .before = fast,
				   .after = slow,
				   .count = 3};
	const struct json *changes, *sides;
	struct json *data;

	(void)state;
	measure(run, "x", &value, 1);
	site_metrics_add(metrics, run);
	site_metrics_add_change(metrics, &change);
	change.commit = "not in the report";
	site_metrics_add_change(metrics, &change);
	change.cell = "another cell";
	site_metrics_add_change(metrics, &change);
	site_metrics_add_trial(metrics, &trial);
	trial.started_at = "old";
	site_metrics_add_trial(metrics, &trial);
	data = write_metric(metrics, 0);
	changes = json_get(data, "changes");
	assert_int_equal(json_size(changes), 2);
	assert_int_equal(json_int(item(changes, 0), "point", -1), 0);
	assert_null(json_get(item(changes, 0), "low"));
	assert_null(json_get(item(changes, 1), "point"));
	sides = json_get(data, "trial");
	assert_string_equal(json_str(sides, "started_at", ""), "new");
	assert_true(json_num(json_get(sides, "before"), "median", 0) == 2);
	assert_true(json_num(json_get(sides, "after"), "median", 0) == 5);
	/* Ratios 5/3, 4 and 3: of the means of all two, the geometric, the middle ones are
	 * sqrt(20/3) and 3. */
	assert_true(fabs(json_num(json_get(sides, "change"), "value", 0) -
			 (sqrt(sqrt(20. / 3) * 3) - 1)) < 1e-12);
	assert_null(json_get(json_get(sides, "change"), "low"));
	json_free(data);
	site_metrics_free(metrics);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_series_of_their_own),
		cmocka_unit_test(points_are_oldest_first_and_machines_start_epochs),
		cmocka_unit_test(finds_differences_between_runs_of_one_machine_only),
		cmocka_unit_test(shows_changes_and_the_newest_trial_of_its_series_only),
		cmocka_unit_test(lists_series_by_name_with_the_newest_value),
	};

	return cmocka_run_group_tests_name("site/metric", tests, NULL, NULL);
}
