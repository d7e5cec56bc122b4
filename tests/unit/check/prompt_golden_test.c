/* What becomes a golden: the answers that a run kept. */
#include "check/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *names[] = {"a", "b"};
static const struct strings cases = {names, 2};
static struct arena *arena;
static struct pairs answers;
static struct err err;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	answers = (struct pairs){0};
	err = (struct err){0};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static int take(const char *said)
{
	return check_golden_answers(said, strlen(said), &cases, arena, &answers, &err);
}

static void answers_of_named_cases_are_taken(void **state)
{
	(void)state;
	assert_int_equal(take("{\"case\":\"a\",\"status\":200,\"text\":\"x\\ny\"}\n"
			      "{\"case\":\"other\",\"status\":500}\n"
			      "{\"case\":\"a\",\"status\":200,\"text\":\"x\\ny\"}\n"
			      "{\"case\":\"b\",\"status\":200,\"text\":\"\"}\n"),
			 0);
	assert_int_equal(answers.count, 2);
	assert_string_equal(check_golden_find(&answers, "a"), "x\ny");
	assert_string_equal(check_golden_find(&answers, "b"), "");
	assert_null(check_golden_find(&answers, "other"));
}

static void refuse(const char *said, const char *why)
{
	assert_int_equal(take(said), -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, why))
		fail_msg("'%s' does not say '%s'", err.msg, why);
	assert_int_equal(answers.count, 0);
}

static void what_is_no_sound_answer_is_refused(void **state)
{
	(void)state;
	refuse("{\"case\":\"a\",\"status\":500,\"text\":\"x\"}\n", "no good answer");
	refuse("{\"case\":\"a\",\"status\":200}\n", "no good answer");
	refuse("{\"case\":\"a\",\"status\":200,\"text\":\"my key is ***\"}\n", "a secret");
	refuse("{\"case\":\"a\",\"status\":200,\"text\":\"x\"}\n"
	       "{\"case\":\"a\",\"status\":200,\"text\":\"y\"}\n",
	       "different texts");
	refuse("{\"case\":\"a\",\"status\":20", "output_max");
	refuse("no JSON\n", "output_max");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_of_named_cases_are_taken, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_sound_answer_is_refused, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("check/prompt_golden", tests, NULL, NULL);
}
