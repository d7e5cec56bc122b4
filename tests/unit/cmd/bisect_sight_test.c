#include "cmd/bisect_private.h"
#include "model/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define OLD "1111111111111111111111111111111111111111" /* the good end */
#define MIDDLE "2222222222222222222222222222222222222222"
#define NEW "3333333333333333333333333333333333333333" /* the bad end */

/* Of the hunt: two suspects after the good end. */
uint32_t bisect__position_of(const struct hunt *hunt, const char *hash)
{
	(void)hunt;
	return strcmp(hash, MIDDLE) == 0 ? 0 : strcmp(hash, NEW) == 0 ? 1 : GRAPH_NOWHERE;
}

struct fixture {
	struct hunt hunt;
	struct bisect_options options;
};

static int open_fixture(void **state)
{
	static const uint32_t start[] = {0, 0, 1}, parents[] = {0};
	const struct graph_input input = {2, start, parents, 1, false};
	static struct fixture fixture;
	struct hunt *hunt = &fixture.hunt;

	fixture = (struct fixture){.options = {.build_failure = 0}};
	hunt->arena = arena_new();
	hunt->options = &fixture.options;
	hunt->search_options = (struct search_options){
		.model.tests = {.fail = {.known = true, .value = 1}, .flake = {.known = true}},
		.confidence = .99,
		.workers = 1,
		.build_s = 1,
		.test_s = 1,
		.good_artefact = GRAPH_NOWHERE};
	*state = &fixture;
	return graph_open(&input, &hunt->graph, NULL) < 0 ||
			       search_open(hunt->graph, &hunt->search_options, &hunt->search,
					   NULL) < 0
		       ? -1
		       : 0;
}

static int close_fixture(void **state)
{
	struct fixture *fixture = *state;

	search_free(fixture->hunt.search);
	graph_free(fixture->hunt.graph);
	arena_free(fixture->hunt.arena);
	return 0;
}

static struct run *run_at(const char *hash)
{
	struct run *run = run_new();

	run->id = "id";
	run->commit.hash = hash;
	run->build.image_id = "sha256:1";
	run->verdict = VERDICT_PASS;
	case_pass(run_add_case(run, "build", "build"), "built");
	return run;
}

static void add_failure(struct run *run, const char *name, const char *actual)
{
	case_fail(run_add_case(run, name, "command"), "command/exit-code", "exit 0", actual, NULL,
		  NULL);
	run->verdict = VERDICT_FAIL;
}

static enum sight see(struct fixture *fixture, struct run *run)
{
	struct sighting sighting = {0};

	assert_int_equal(bisect__see_run(&fixture->hunt, run, &sighting, NULL), 0);
	assert_string_equal(sighting.run, "id");
	run_free(run);
	return sighting.sight;
}

static struct run *failing(const char *hash, const char *actual)
{
	struct run *run = run_at(hash);

	add_failure(run, "torch", actual);
	return run;
}

static struct run *passing(const char *hash)
{
	struct run *run = run_at(hash);

	case_pass(run_add_case(run, "torch", "command"), "exit 0");
	return run;
}

static void bad_end_tells_what_to_look_for(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(see(fixture, failing(NEW, "exit 3")), SIGHT_FAIL);
	assert_int_equal(fixture->hunt.wanted_count, 1);
	assert_string_equal(fixture->hunt.wanted[0].name, "torch");
	assert_int_equal(see(fixture, passing(MIDDLE)), SIGHT_PASS);
	assert_int_equal(see(fixture, failing(MIDDLE, "exit 3")), SIGHT_FAIL);
}

static void check_that_is_not_asked_about_is_not_looked_for(void **state)
{
	struct fixture *fixture = *state;
	struct suite_check checks[] = {{.name = "disk"}};
	struct suite suite = {.checks = checks, .check_count = 1};
	struct run *both = failing(NEW, "exit 3");

	add_failure(both, "disk@rtx5090", "exit 4");
	fixture->hunt.suite = &suite;
	(void)see(fixture, both);
	assert_int_equal(fixture->hunt.wanted_count, 1);
	assert_string_equal(fixture->hunt.wanted[0].name, "disk@rtx5090");
}

static void another_failure_is_not_this_failure(void **state)
{
	struct fixture *fixture = *state;

	(void)see(fixture, failing(NEW, "ImportError: no torch"));
	assert_int_equal(see(fixture, failing(MIDDLE, "Segmentation fault")), SIGHT_BROKEN);
}

static void check_that_did_not_run_is_no_evidence(void **state)
{
	struct fixture *fixture = *state;
	struct run *skipped = run_at(MIDDLE);

	(void)see(fixture, failing(NEW, "exit 3"));
	assert_int_equal(see(fixture, run_at(MIDDLE)), SIGHT_BROKEN);
	case_skip(run_add_case(skipped, "torch", "command"), "no GPU");
	assert_int_equal(see(fixture, skipped), SIGHT_BROKEN);
}

static void old_failure_of_the_good_end_is_forgotten(void **state)
{
	struct fixture *fixture = *state;
	struct run *both = failing(NEW, "exit 3");

	add_failure(both, "disk", "exit 4");
	(void)see(fixture, both);
	assert_int_equal(fixture->hunt.wanted_count, 2);
	both = passing(OLD);
	add_failure(both, "disk", "exit 4");
	assert_int_equal(see(fixture, both), SIGHT_PASS);
	assert_int_equal(fixture->hunt.wanted_count, 1);
	assert_string_equal(fixture->hunt.wanted[0].name, "torch");
}

static struct run *unbuilt(const char *hash, const char *message)
{
	struct run *run = run_new();

	run->id = "id";
	run->commit.hash = hash;
	run->verdict = VERDICT_FAIL;
	run->build.failed = true;
	case_fail(run_add_case(run, "build", "build"), "build/step-failed", "an image", message,
		  NULL, NULL);
	return run;
}

static void failed_build_is_no_evidence_unless_it_is_the_property(void **state)
{
	struct fixture *fixture = *state;

	(void)see(fixture, failing(NEW, "exit 3"));
	assert_int_equal(see(fixture, unbuilt(MIDDLE, "no such package")), SIGHT_BROKEN);
	fixture->options.build_failure = 1;
	assert_int_equal(see(fixture, unbuilt(MIDDLE, "no such package")), SIGHT_FAIL);
}

static void other_reason_not_to_build_is_another_failure(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.build_failure = 1;
	assert_int_equal(see(fixture, unbuilt(NEW, "no such package")), SIGHT_FAIL);
	assert_int_equal(see(fixture, unbuilt(MIDDLE, "no such package")), SIGHT_FAIL);
	assert_int_equal(see(fixture, unbuilt(MIDDLE, "disk is full")), SIGHT_BROKEN);
}

static void broken_infrastructure_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct run *run = run_at(MIDDLE);
	struct sighting sighting;
	struct err err = {0};

	case_broken(run_add_case(run, "torch", "command"), "the engine went away");
	run->verdict = VERDICT_INFRA;
	assert_int_equal(bisect__see_run(&fixture->hunt, run, &sighting, &err), -1);
	assert_int_equal(err.code, ERR_INFRA);
	assert_string_equal(err.msg, "the engine went away");
	run_free(run);
}

static void fix_turns_it_round(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.fix = true;
	(void)see(fixture, failing(OLD, "exit 3"));
	assert_int_equal(fixture->hunt.wanted_count, 1);
	assert_int_equal(see(fixture, failing(MIDDLE, "exit 3")), SIGHT_PASS);
	assert_int_equal(see(fixture, passing(MIDDLE)), SIGHT_FAIL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(bad_end_tells_what_to_look_for),
		CASE(check_that_is_not_asked_about_is_not_looked_for),
		CASE(another_failure_is_not_this_failure),
		CASE(check_that_did_not_run_is_no_evidence),
		CASE(old_failure_of_the_good_end_is_forgotten),
		CASE(failed_build_is_no_evidence_unless_it_is_the_property),
		CASE(other_reason_not_to_build_is_another_failure),
		CASE(broken_infrastructure_is_an_error),
		CASE(fix_turns_it_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
