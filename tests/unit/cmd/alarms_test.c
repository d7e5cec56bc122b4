/* The life of alarms, over histories that are made here. */
#include "cmd/alarms.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COMMITS 60

static struct store *store;
static struct arena *arena;
static char hashes[COMMITS][41];
static char told[4096];
static uint64_t seed;
static unsigned runs;
static struct err err;

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	for (unsigned i = 0; i < COMMITS; i++)
		(void)snprintf(hashes[i], sizeof(hashes[i]), "%040x", i + 1);
	seed = 1;
	runs = 0;
	return store_open("memory:", &store, &err);
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	arena_free(arena);
	return 0;
}

static void on_line(void *payload, const char *line)
{
	size_t used = strlen(told);

	(void)payload;
	(void)snprintf(told + used, sizeof(told) - used, "%s\n", line);
}

/* A run of commit AT on HOST that measured VALUE, with noise of a tenth of a per cent. */
static void run_on(const char *host, unsigned at, double value)
{
	struct strings parents = {0};
	struct run *run = run_new();
	struct case_result *result;
	struct metric *metric;
	struct pair *pair = arena_push(run->arena, &run->environment.items, &run->environment.count,
				       sizeof(*pair));

	*pair = (struct pair){"host", host};
	run->id = arena_printf(run->arena, "r%06u", runs);
	run->started_at = arena_printf(run->arena, "2026-11-%02uT%02u:%02u:00.000Z",
				       1 + runs / 1440, runs / 60 % 24, runs % 60);
	runs++;
	run->suite = "s";
	run->commit.hash = hashes[at];
	result = run_add_case(run, "speed", "command");
	case_pass(result, NULL);
	metric = case_add_metric(result, run->arena, "ms", "ms", DIRECTION_LOWER);
	metric_add_sample(metric, run->arena, value * (1 + .001 * (2 * random_unit(&seed) - 1)));
	run_decide(run);
	assert_int_equal(store->ops->append(store, run, &err), 0);
	for (unsigned i = at; i-- > 0;)
		*(const char **)arena_push(arena, &parents.items, &parents.count, sizeof(char *)) =
			hashes[i];
	told[0] = '\0';
	if (alarms_watch(store, run, &parents, on_line, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	run_free(run);
}

static void level(unsigned from, unsigned to, double value)
{
	for (unsigned at = from; at < to; at++)
		run_on("a", at, value);
}

/* "commit:state" of every alarm, newest first, commits by their number. */
static const char *alarms(void)
{
	const struct alarm_filter filter = {0};
	struct alarm_row *rows = NULL;
	const char *out = "";
	size_t count = 0;

	assert_int_equal(store->ops->alarms(store, &filter, arena, &rows, &count, &err), 0);
	for (size_t i = 0; i < count; i++) {
		unsigned at = 0;

		while (at < COMMITS && strcmp(hashes[at], rows[i].commit) != 0)
			at++;
		out = arena_printf(arena, "%s%s%u:%s", out, *out ? " " : "", at,
				   alarm_state_name(rows[i].state));
	}
	return out;
}

static void a_loss_is_suspected_and_named_with_the_way_to_be_sure(void **state)
{
	(void)state;
	level(0, 20, 100);
	assert_string_equal(alarms(), "");
	for (unsigned at = 20; at < 25 && !*told; at++)
		run_on("a", at, 110);
	assert_non_null(strstr(told, "alarm: speed ms +"));
	assert_non_null(strstr(told, ": suspected; to be sure: assay run --commit 000000000000 "
				     "--against 000000000000 --metric ms"));
	assert_string_equal(alarms(), "20:suspected");
	level(25, 26, 110);
	assert_string_equal(told, ""); /* once */
}

static void a_gain_is_none(void **state)
{
	(void)state;
	level(0, 20, 100);
	level(20, 30, 90);
	assert_string_equal(alarms(), "");
}

static void another_machine_is_none(void **state)
{
	(void)state;
	level(0, 20, 100);
	for (unsigned at = 20; at < 30; at++)
		run_on("b", at, 130);
	assert_string_equal(alarms(), "");
}

static void a_commit_that_varies_in_itself_is_none(void **state)
{
	(void)state;
	level(0, 20, 100);
	for (unsigned i = 0; i < 10; i++)
		run_on("a", 20, i < 5 ? 100 : 120);
	assert_string_equal(alarms(), "");
}

static void a_run_of_an_older_commit_takes_nothing_back(void **state)
{
	(void)state;
	level(0, 20, 100);
	level(20, 25, 110);
	run_on("a", 20, 110);
	run_on("a", 10, 100);
	assert_string_equal(alarms(), "20:suspected");
}

static void a_machine_with_few_runs_takes_nothing_back(void **state)
{
	(void)state;
	level(0, 20, 100);
	level(20, 25, 110);
	for (unsigned at = 18; at < 26; at++)
		run_on("b", at, 100);
	assert_string_equal(alarms(), "20:suspected");
}

static void what_another_machine_never_saw_stays_here(void **state)
{
	(void)state;
	level(0, 20, 100);
	level(20, 25, 110);
	for (unsigned at = 0; at < 40; at++)
		run_on("b", at, 100);
	assert_string_equal(alarms(), "20:suspected");
}

static void what_two_machines_see_each_has_its_own(void **state)
{
	(void)state;
	level(0, 20, 100);
	level(20, 25, 110);
	for (unsigned at = 0; at < 26; at++)
		run_on("b", at, at < 20 ? 50 : 55);
	assert_string_equal(alarms(), "20:suspected 20:suspected");
}

/* An alarm of commit 20, as it came to STATE. */
static void put(enum alarm_state state, const char *note)
{
	const struct alarm_row alarm = {.suite = "s",
					.case_name = "speed",
					.metric = "ms",
					.environment = 1, /* of "a", which runs first */
					.commit = hashes[20],
					.before_commit = hashes[19],
					.state = state,
					.change = .1,
					.low = .09,
					.high = .11,
					.at = "2026-11-01T00:00:00.000Z",
					.note = note};

	assert_int_equal(store->ops->put_alarm(store, &alarm, &err), 0);
}

static void later_runs_that_know_better_take_it_back(void **state)
{
	(void)state;
	put(ALARM_SUSPECTED, NULL);
	level(0, 26, 100);
	assert_string_equal(alarms(), "20:suspected"); /* six points are not yet enough */
	level(26, 27, 100);
	assert_string_equal(alarms(), "20:retracted");
	assert_non_null(strstr(told, ": retracted"));
}

static void what_later_runs_took_back_opens_again_when_it_shows(void **state)
{
	(void)state;
	put(ALARM_RETRACTED, "later runs do not show it");
	level(0, 20, 100);
	level(20, 26, 110);
	assert_string_equal(alarms(), "20:suspected");
}

static void the_old_level_fixes_it(void **state)
{
	(void)state;
	level(0, 20, 100);
	level(20, 30, 110);
	level(30, 40, 101);
	assert_string_equal(alarms(), "20:fixed");
}

static struct trial_row trial(unsigned before, unsigned after, enum verdict verdict)
{
	return (struct trial_row){.id = "t",
				  .suite = "s",
				  .case_name = "speed",
				  .metric = "ms",
				  .before_commit = hashes[before],
				  .after_commit = hashes[after],
				  .verdict = verdict};
}

static void an_ab_run_between_its_commits_decides(void **state)
{
	const struct trial_row open = trial(19, 20, VERDICT_INCONCLUSIVE);
	const struct trial_row other = trial(3, 20, VERDICT_PASS);
	const struct trial_row seen = trial(19, 20, VERDICT_FAIL);

	(void)state;
	level(0, 20, 100);
	level(20, 25, 110);
	assert_int_equal(alarms_tried(store, &open, &err), 0);
	assert_int_equal(alarms_tried(store, &other, &err), 0);
	assert_string_equal(alarms(), "20:suspected");
	assert_int_equal(alarms_tried(store, &seen, &err), 0);
	assert_string_equal(alarms(), "20:confirmed");
}

static void what_an_ab_run_denied_stays_denied(void **state)
{
	const struct trial_row unseen = trial(19, 20, VERDICT_PASS);

	(void)state;
	level(0, 20, 100);
	level(20, 25, 110);
	assert_int_equal(alarms_tried(store, &unseen, &err), 0);
	level(25, 35, 110);
	assert_string_equal(alarms(), "20:retracted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_loss_is_suspected_and_named_with_the_way_to_be_sure, setup, teardown),
		cmocka_unit_test_setup_teardown(a_gain_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(another_machine_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(a_commit_that_varies_in_itself_is_none, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_run_of_an_older_commit_takes_nothing_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_machine_with_few_runs_takes_nothing_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_another_machine_never_saw_stays_here, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_two_machines_see_each_has_its_own, setup,
						teardown),
		cmocka_unit_test_setup_teardown(later_runs_that_know_better_take_it_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_later_runs_took_back_opens_again_when_it_shows,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_old_level_fixes_it, setup, teardown),
		cmocka_unit_test_setup_teardown(an_ab_run_between_its_commits_decides, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_an_ab_run_denied_stays_denied, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
