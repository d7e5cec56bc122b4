#include "base/file.h"
#include "cmd/bisect_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COMMITS 8

static const char *const hashes[COMMITS] = {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"};

/* Of the hunt. No suite: its runs are not asked for. */
uint32_t bisect__position_of(const struct hunt *hunt, const char *hash)
{
	(void)hunt;
	for (uint32_t v = 0; v < COMMITS; v++)
		if (strcmp(hashes[v], hash) == 0)
			return v;
	return GRAPH_NOWHERE;
}

int bisect__see_run(struct hunt *hunt, const struct run *run, struct sighting *out, struct err *err)
{
	(void)hunt;
	(void)run;
	(void)out;
	return err_set(err, ERR_BUG, "no run was expected");
}

int bisect__recall_wanted(struct hunt *hunt, struct err *err)
{
	(void)hunt;
	return err_set(err, ERR_BUG, "no suite was expected");
}

static char folder[] = "/tmp/assay-journal-XXXXXX";
static struct bisect_options options;

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return file_remove_tree(folder, NULL);
}

static void open_hunt(struct hunt *hunt)
{
	static uint32_t start[COMMITS + 1], parents[COMMITS];
	const struct graph_input input = {COMMITS, start, parents, COMMITS - 1, false};

	for (uint32_t v = 0; v < COMMITS; v++) {
		start[v + 1] = v;
		parents[v] = v;
	}
	*hunt = (struct hunt){.options = &options,
			      .arena = arena_new(),
			      .good.hash = "good",
			      .bad.hash = "c7",
			      .journal = -1,
			      .lock = -1};
	hunt->state = arena_printf(hunt->arena, "%s/state", folder);
	hunt->search_options = (struct search_options){
		.model.tests = {.fail = {.yes = 9.5, .no = .5}, .flake = {.yes = .5, .no = 9.5}},
		.confidence = .99,
		.workers = 1,
		.build_s = 1,
		.test_s = 1,
		.good_artefact = GRAPH_NOWHERE};
	assert_int_equal(graph_open(&input, &hunt->graph, NULL), 0);
	assert_int_equal(search_open(hunt->graph, &hunt->search_options, &hunt->search, NULL), 0);
}

static void close_hunt(struct hunt *hunt)
{
	bisect__journal_close(hunt);
	search_free(hunt->search);
	graph_free(hunt->graph);
	arena_free(hunt->arena);
}

static void add(struct hunt *hunt, const char *commit, enum sight sight, double build_s)
{
	const struct sighting sighting = {
		.commit = commit, .sight = sight, .note = "seen", .build_s = build_s, .test_s = 1};

	assert_int_equal(bisect__journal_add(hunt, &sighting, NULL), 0);
}

static void what_was_seen_is_there_again(void **state)
{
	struct hunt hunt;

	(void)state;
	options = (struct bisect_options){.command = "first"};
	open_hunt(&hunt);
	assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
	add(&hunt, "c7", SIGHT_FAIL, 10);
	add(&hunt, "good", SIGHT_PASS, 10);
	add(&hunt, "c3", SIGHT_BROKEN, 5);
	add(&hunt, "c7", SIGHT_FAIL, 0);
	close_hunt(&hunt);

	open_hunt(&hunt);
	assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
	assert_int_equal(hunt.resumed, 4);
	assert_int_equal(hunt.builds, 3);
	assert_int_equal(hunt.tests, 3);
	assert_int_equal(search_seen(hunt.search, 7).fails, 2);
	assert_int_equal(search_seen(hunt.search, GRAPH_NOWHERE).passes, 1);
	assert_true(search_is_broken(hunt.search, 3));
	assert_true(search_is_cached(hunt.search, 7));
	close_hunt(&hunt);
}

static void half_a_line_of_a_killed_process_is_dropped(void **state)
{
	const char *path;
	struct hunt hunt;
	FILE *file;

	(void)state;
	options = (struct bisect_options){.command = "second"};
	open_hunt(&hunt);
	assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
	add(&hunt, "c7", SIGHT_FAIL, 0);
	path = arena_printf(hunt.arena, "%s/journal.jsonl", hunt.folder);
	file = fopen(path, "a");
	assert_non_null(file);
	assert_true(fputs("{\"commit\":\"c5\",\"sight\":\"fa", file) >= 0);
	assert_int_equal(fclose(file), 0);
	close_hunt(&hunt);

	for (int again = 0; again < 2; again++) { /* what follows is whole again */
		open_hunt(&hunt);
		assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
		assert_int_equal(hunt.resumed, 1 + again);
		add(&hunt, "c4", SIGHT_PASS, 0);
		close_hunt(&hunt);
	}
}

static void measurements_come_back_with_all_digits(void **state)
{
	const struct sighting sighting = {.commit = "c4",
					  .sight = SIGHT_MEASURED,
					  .value = .1 + .2,
					  .level = 1. / 3,
					  .base_build_s = 4,
					  .unit = "ms"};
	struct hunt hunt;

	(void)state;
	options = (struct bisect_options){.command = "third", .metric = "latency"};
	open_hunt(&hunt);
	assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
	assert_int_equal(bisect__journal_add(&hunt, &sighting, NULL), 0);
	close_hunt(&hunt);
	open_hunt(&hunt);
	assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
	assert_true(search_seen(hunt.search, 4).sum == .1 + .2);
	assert_true(hunt.sightings[0].level == 1. / 3);
	assert_string_equal(hunt.sightings[0].unit, "ms");
	assert_int_equal(hunt.builds, 1);
	close_hunt(&hunt);
}

static void history_is_asked_for_flakes_once(void **state)
{
	struct hunt hunt;
	double fail, before, after;

	(void)state;
	options = (struct bisect_options){.command = "fourth"};
	open_hunt(&hunt);
	assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
	posterior_rates(search_posterior(hunt.search), &fail, &before);
	hunt.repeats = (struct repeats){20, 100, {.yes = 10, .no = 40}};
	assert_int_equal(bisect__journal_repeats(&hunt, NULL), 0);
	close_hunt(&hunt);
	open_hunt(&hunt);
	assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
	assert_true(hunt.flakes_known);
	assert_int_equal(hunt.repeats.trials, 100);
	add(&hunt, "c7", SIGHT_FAIL, 0);
	(void)search_left(hunt.search);
	posterior_rates(search_posterior(hunt.search), &fail, &after);
	assert_true(before < .06 && after > .15);
	close_hunt(&hunt);
}

static void other_questions_have_other_journals(void **state)
{
	struct hunt hunt, other;
	struct err err = {0};

	(void)state;
	options = (struct bisect_options){.command = "fifth"};
	open_hunt(&hunt);
	assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
	add(&hunt, "c7", SIGHT_FAIL, 0);
	open_hunt(&other); /* the same question at the same time */
	assert_int_equal(bisect__journal_open(&other, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	close_hunt(&other);
	options.first_parent = true;
	open_hunt(&other);
	assert_int_equal(bisect__journal_open(&other, NULL), 0);
	assert_int_equal(other.resumed, 0);
	close_hunt(&other);
	close_hunt(&hunt);
}

static void again_forgets(void **state)
{
	struct hunt hunt;

	(void)state;
	options = (struct bisect_options){.command = "first", .again = true};
	open_hunt(&hunt);
	assert_int_equal(bisect__journal_open(&hunt, NULL), 0);
	assert_int_equal(hunt.resumed, 0);
	close_hunt(&hunt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_seen_is_there_again),
		cmocka_unit_test(half_a_line_of_a_killed_process_is_dropped),
		cmocka_unit_test(measurements_come_back_with_all_digits),
		cmocka_unit_test(history_is_asked_for_flakes_once),
		cmocka_unit_test(other_questions_have_other_journals),
		cmocka_unit_test(again_forgets),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
