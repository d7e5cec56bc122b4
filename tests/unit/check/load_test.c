/* When a run of load decides nothing: the client was the limit, or the sample is too small. */
#include "check/load_private.h"

#include "base/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct judged {
	struct arena *arena;
	struct case_result out;
	struct load_spec spec;
	struct load_result result;
	const char *open;
};

/* A run of a thousand good answers of 1 ms, sent on time. */
static void begin(struct judged *judged)
{
	*judged = (struct judged){.arena = arena_new()};
	judged->spec = (struct load_spec){.confidence = 0.99, .error_budget = NAN};
	judged->result.requests = judged->result.counts[LOAD_OK] = judged->result.good = 1000;
	judged->result.elapsed_ns = NS_PER_S;
	histogram_init(&judged->result.latency);
	histogram_init(&judged->result.first_byte);
	histogram_init(&judged->result.first_token);
	histogram_init(&judged->result.inter_token);
	histogram_init(&judged->result.send_lag);
	histogram_init(&judged->result.connect);
	for (int i = 0; i < 1000; i++) {
		histogram_add(&judged->result.latency, NS_PER_MS);
		histogram_add(&judged->result.send_lag, 10000);
	}
}

static void judge(struct judged *judged)
{
	static const struct image_config image;
	static const struct target target = {.image = &image};
	struct check_ctx ctx = {.target = &target, .arena = judged->arena};
	struct trial trial;

	check_trial_begin(&trial, &ctx, NULL, &judged->out);
	check_load_judge(&judged->spec, &judged->result, &trial, &judged->open);
	assert_int_equal(check_trial_end(&trial, 0, "here", "good", NULL), 0);
}

static void end(struct judged *judged)
{
	load_result_done(&judged->result);
	arena_free(judged->arena);
}

static void a_client_on_time_is_believed(void **state)
{
	struct judged judged;

	(void)state;
	begin(&judged);
	judge(&judged);
	assert_null(judged.open);
	assert_int_equal(judged.out.outcome, OUTCOME_PASS);
	end(&judged);
}

static void a_late_client_decides_nothing(void **state)
{
	struct judged judged;

	(void)state;
	begin(&judged);
	for (int i = 0; i < 20; i++)
		histogram_add(&judged.result.send_lag, 20 * NS_PER_MS);
	judge(&judged);
	assert_non_null(strstr(judged.open, "client was the limit"));
	end(&judged);
}

static void lateness_counts_against_the_tightest_limit(void **state)
{
	struct load_limit limits[] = {{LOAD_OF_LATENCY, 0.99, NS_PER_S},
				      {LOAD_OF_LATENCY, 0.5, 100 * NS_PER_MS}};
	struct load_spec spec = {.limits = {limits, 2}};

	(void)state;
	assert_int_equal(check_load_lag(&spec), 5 * NS_PER_MS);
	limits[1].max_ns = NS_PER_MS;
	assert_int_equal(check_load_lag(&spec), NS_PER_MS / 5);
	/* A gap between tokens does not count from the schedule. */
	limits[0].of = limits[1].of = LOAD_OF_INTER_TOKEN;
	assert_int_equal(check_load_lag(&spec), 10 * NS_PER_MS);
	spec.send_lag_ns = 7;
	assert_int_equal(check_load_lag(&spec), 7);
	spec = (struct load_spec){0};
	assert_int_equal(check_load_lag(&spec), 10 * NS_PER_MS);
}

static void requests_never_sent_decide_nothing(void **state)
{
	struct judged judged;

	(void)state;
	begin(&judged);
	judged.result.unsent = 1;
	judge(&judged);
	assert_non_null(strstr(judged.open, "never sent"));
	end(&judged);
}

static void a_busy_client_of_a_closed_loop_decides_nothing(void **state)
{
	struct judged judged;

	(void)state;
	begin(&judged);
	judged.spec.arrival = ARRIVAL_TRACE + 1;
	judged.result.cpu_share = 0.95;
	judge(&judged);
	assert_non_null(strstr(judged.open, "client was the limit"));
	end(&judged);
}

static void a_percentile_counts_what_is_over_it(void **state)
{
	struct load_limit limit = {LOAD_OF_LATENCY, 0.99, 2 * NS_PER_MS};
	struct judged judged;

	(void)state;
	for (int slow = 0; slow <= 60; slow += 4) {
		begin(&judged);
		judged.spec.limits = (struct objects){&limit, 1};
		for (int i = 0; i < slow; i++)
			histogram_add(&judged.result.latency, 30 * NS_PER_MS);
		judge(&judged);
		/* P(B(1000, 1 %) <= 3) is 0.010, of 2 and fewer 0.003; P(B(1060, 1 %) >= 20) is
		 * below 0.01. */
		if (slow == 0)
			assert_null(judged.open);
		else if (slow < 16)
			assert_non_null(judged.open);
		else if (slow >= 24)
			assert_string_equal(judged.out.label, "load/too-slow");
		end(&judged);
	}
}

static void a_budget_allows_what_it_says(void **state)
{
	struct judged judged;

	(void)state;
	begin(&judged);
	judged.result.counts[LOAD_OK] = 990;
	judged.result.counts[LOAD_HTTP] = 10;
	judged.spec.error_budget = 0.1;
	judge(&judged);
	assert_null(judged.open);
	assert_int_equal(judged.out.outcome, OUTCOME_PASS);
	end(&judged);
	begin(&judged);
	judged.result.counts[LOAD_OK] = 800;
	judged.result.counts[LOAD_TRUNCATED] = 200;
	judged.spec.error_budget = 0.1;
	judge(&judged);
	assert_string_equal(judged.out.label, "load/errors");
	assert_non_null(strstr(judged.out.actual, "200 truncated"));
	end(&judged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_on_time_is_believed),
		cmocka_unit_test(a_late_client_decides_nothing),
		cmocka_unit_test(lateness_counts_against_the_tightest_limit),
		cmocka_unit_test(requests_never_sent_decide_nothing),
		cmocka_unit_test(a_busy_client_of_a_closed_loop_decides_nothing),
		cmocka_unit_test(a_percentile_counts_what_is_over_it),
		cmocka_unit_test(a_budget_allows_what_it_says),
	};

	return cmocka_run_group_tests_name("check/load", tests, NULL, NULL);
}
