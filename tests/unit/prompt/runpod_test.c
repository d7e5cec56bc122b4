/* The life of a RunPod job, answer by answer. */
#include "prompt/runpod.h"

#include "support.h"

#include <math.h>

static struct runpod_job job;

static enum runpod_step take(int status, const char *body, uint64_t now)
{
	return runpod_take(&job, status, body ? parse(body) : NULL, now);
}

static void begin(void)
{
	runpod_begin(&job, 1000, 0, arena);
}

static void a_job_is_polled_until_it_is_completed(void **state)
{
	uint64_t first;

	(void)state;
	begin();
	assert_int_equal(take(200, "{\"id\":\"abc-1\",\"status\":\"IN_QUEUE\"}", 0), RUNPOD_STATUS);
	assert_string_equal(job.path, "/status/abc-1");
	first = job.wait_ns;
	assert_int_equal(take(200, "{\"id\":\"abc-1\",\"status\":\"IN_PROGRESS\"}", 10),
			 RUNPOD_STATUS);
	assert_true(job.wait_ns > first);
	assert_int_equal(take(200,
			      "{\"id\":\"abc-1\",\"status\":\"COMPLETED\",\"output\":{\"success\":"
			      "true,\"output\":\"x\"},\"delayTime\":120,\"executionTime\":34.5}",
			      20),
			 RUNPOD_GOOD);
	assert_true(fabs(job.delay_ms - 120) < 0.01);
	assert_true(fabs(job.execution_ms - 34.5) < 0.01);
}

static void the_pause_between_polls_is_bounded(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 50; i++)
		assert_int_equal(take(200, "{\"id\":\"a\",\"status\":\"IN_PROGRESS\"}", 0),
				 RUNPOD_STATUS);
	assert_int_equal(job.wait_ns, RUNPOD_POLL_LAST_NS);
}

static void each_bad_end_has_its_label(void **state)
{
	static const struct {
		int status;
		const char *body, *label, *words;
	} rows[] = {
		{200, "{\"id\":\"a\",\"status\":\"COMPLETED\"}", "runpod/no-output", "without"},
		{200, "{\"id\":\"a\",\"status\":\"COMPLETED\",\"output\":null}", "runpod/no-output",
		 "without"},
		{200, "{\"id\":\"a\",\"status\":\"COMPLETED\",\"output\":{\"success\":false}}",
		 "runpod/not-successful", "success"},
		{200, "{\"id\":\"a\",\"status\":\"FAILED\",\"error\":\"boom\"}", "runpod/failed",
		 "'boom'"},
		{200,
		 "{\"id\":\"a\",\"status\":\"FAILED\",\"error\":\"{\\\"error_type\\\":\\\"<class "
		 "'RuntimeError'>\\\",\\\"error_message\\\":\\\"CUDA error\\\"}\"}",
		 "runpod/failed", "<class 'RuntimeError'>: CUDA error"},
		{200, "{\"id\":\"a\",\"status\":\"CANCELLED\"}", "runpod/cancelled", "CANCELLED"},
		{200, "{\"id\":\"a\",\"status\":\"TIMED_OUT\"}", "runpod/timed-out", "TIMED_OUT"},
		{200, "{\"id\":\"a\",\"status\":\"ODD\"}", "runpod/protocol", "'ODD'"},
		{200, "{\"status\":\"IN_QUEUE\"}", "runpod/protocol", "IN_QUEUE"},
		{200, "{\"id\":\"../x\",\"status\":\"IN_QUEUE\"}", "runpod/protocol", "IN_QUEUE"},
		{200, "{\"output\":1}", "runpod/protocol", "output"},
		{200, "[]", "runpod/protocol", "[]"},
		{200, NULL, "runpod/protocol", "nothing"},
		{401, NULL, "runpod/unauthorized", "401"},
		{403, NULL, "runpod/unauthorized", "403"},
		{429, "{\"error\":\"slow down\"}", "runpod/rate-limited", "slow down"},
		{413, NULL, "runpod/payload-too-large", "413"},
		{404, NULL, "runpod/protocol", "404"},
		{500, NULL, "runpod/server-error", "500"},
		{502, NULL, "runpod/server-error", "502"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		assert_int_equal(take(rows[i].status, rows[i].body, 0), RUNPOD_BAD);
		assert_string_equal(job.label, rows[i].label);
		if (!strstr(job.actual, rows[i].words))
			fail_msg("%s: %s", rows[i].label, job.actual);
	}
}

static void a_forgotten_job_has_expired(void **state)
{
	(void)state;
	begin();
	assert_int_equal(take(200, "{\"id\":\"a\",\"status\":\"IN_PROGRESS\"}", 0), RUNPOD_STATUS);
	assert_int_equal(take(404, "{\"error\":\"job not found\"}", 1), RUNPOD_BAD);
	assert_string_equal(job.label, "runpod/expired");
}

static enum runpod_step queue_then(const char *health, int status)
{
	begin();
	assert_int_equal(take(200, "{\"id\":\"a\",\"status\":\"IN_QUEUE\"}", 0), RUNPOD_STATUS);
	assert_int_equal(take(200, "{\"id\":\"a\",\"status\":\"IN_QUEUE\"}", 1000), RUNPOD_HEALTH);
	assert_string_equal(job.path, "/health");
	return runpod_take_health(&job, status, health ? parse(health) : NULL);
}

static void health_splits_the_queue(void **state)
{
	(void)state;
	assert_int_equal(queue_then("{\"workers\":{\"unhealthy\":2,\"idle\":0}}", 200), RUNPOD_BAD);
	assert_string_equal(job.label, "runpod/crash-loop");
	assert_int_equal(queue_then("{\"workers\":{\"idle\":0,\"throttled\":3}}", 200),
			 RUNPOD_INFRA);
	assert_non_null(strstr(job.actual, "no capacity"));
	assert_int_equal(queue_then("{\"workers\":{}}", 200), RUNPOD_INFRA);
	assert_int_equal(queue_then("{\"workers\":{\"initializing\":1}}", 200), RUNPOD_STATUS);
	assert_int_equal(queue_then("{\"workers\":{\"running\":1}}", 200), RUNPOD_STATUS);
	assert_int_equal(queue_then(NULL, 500), RUNPOD_INFRA);
	assert_non_null(strstr(job.actual, "does not say why"));
}

static void health_is_asked_once(void **state)
{
	(void)state;
	assert_int_equal(queue_then("{\"workers\":{\"running\":1}}", 200), RUNPOD_STATUS);
	assert_int_equal(take(200, "{\"id\":\"a\",\"status\":\"IN_QUEUE\"}", 9000), RUNPOD_STATUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_job_is_polled_until_it_is_completed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_pause_between_polls_is_bounded, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(each_bad_end_has_its_label, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_forgotten_job_has_expired, set_up, tear_down),
		cmocka_unit_test_setup_teardown(health_splits_the_queue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(health_is_asked_once, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("prompt/runpod", tests, NULL, NULL);
}
