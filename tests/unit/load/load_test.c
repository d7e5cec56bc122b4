/* Runs against a server that does wrong on request: classes, loops, lag, limits. */
#include "load/load.h"

#include "base/clock.h"
#include "base/units.h"

#include <setjmp.h>
#include <stdint.h>

#include "fault_server.h"

#include <cmocka.h>

static struct fault_server server;
static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new();
	fault_start(&server);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fault_stop(&server);
	arena_free(arena);
	return 0;
}

static struct load_options options_of(bool stream)
{
	return (struct load_options){
		.peer = {.timeout_ns = 400 * NS_PER_MS, .proxy = ""},
		.request_count = 1,
		.format = stream ? PROMPT_OPENAI_CHAT : PROMPT_FASTAPI,
		.stream = stream,
		.schedule = {.rate = 200, .duration_ns = NS_PER_S, .requests = 4},
		.in_flight = 100,
		.threads = 1,
		.answer_max = 1024 * 1024};
}

/* Send OPTIONS to URL. */
static int run_at(struct load_options options, const char *url, struct load_result *out,
		  struct err *err)
{
	struct http_plan *plan = http_plan_new(&(struct http_plan_options){.url = url});
	const struct load_request request = {.plan = plan};
	int rc;

	options.requests = &request;
	rc = load_run(&options, arena, out, err);
	http_plan_free(plan);
	return rc;
}

static void run_on(struct load_options options, const char *path, struct load_result *out)
{
	struct err err = {0};

	if (run_at(options, arena_printf(arena, "http://127.0.0.1:%u%s", server.port, path), out,
		   &err) < 0)
		fail_msg("%s", err.msg);
}

static void expect_class(const struct load_result *result, const char *what, enum load_class class)
{
	for (int i = 0; i < LOAD_CLASSES; i++)
		if (result->counts[i] != (i == (int)class ? 4 : 0))
			fail_msg("%s: %d of class %s, wanted %s", what, (int)result->counts[i],
				 load_class_names[i], load_class_names[class]);
	if (class != LOAD_OK && !result->examples[class])
		fail_msg("%s: nothing is told of class %s", what, load_class_names[class]);
}

static void each_fault_has_its_class(void **state)
{
	static const struct {
		const char *path;
		bool stream;
		enum load_class class;
	} rows[] = {
		{"/ok", false, LOAD_OK},
		{"/late", false, LOAD_OK},
		{"/stream", true, LOAD_OK},
		{"/status", false, LOAD_HTTP},
		{"/status", true, LOAD_HTTP},
		{"/loop", false, LOAD_HTTP},
		{"/silent", false, LOAD_TIMEOUT},
		{"/drip", false, LOAD_TIMEOUT},
		{"/killed", true, LOAD_TRUNCATED},
		{"/no-end", true, LOAD_TRUNCATED},
		{"/empty", false, LOAD_EMPTY},
		{"/role-only", true, LOAD_EMPTY},
		{"/reset", false, LOAD_RESET},
		{"/reset-inside", true, LOAD_RESET},
		{"/close", false, LOAD_RESET},
		{"/large", false, LOAD_TOO_LARGE},
		{"/utf8", true, LOAD_PROTOCOL},
		{"/chunks", true, LOAD_PROTOCOL},
		{"/garbage", false, LOAD_PROTOCOL},
		{"/ok", true, LOAD_PROTOCOL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct load_options options = options_of(rows[i].stream);
		struct load_result result;
		uint64_t start = clock_ns();

		run_on(options, rows[i].path, &result);
		expect_class(&result, rows[i].path, rows[i].class);
		assert_true(clock_ns() - start < 3 * NS_PER_S);
		assert_int_equal(result.latency.count, rows[i].class == LOAD_OK ? 4 : 0);
		load_result_done(&result);
	}
}

static void connections_that_fail_have_their_class(void **state)
{
	struct load_options options = options_of(false);
	struct load_result result;
	struct err err = {0};

	(void)state;
	options.peer.timeout_ns = 30 * NS_PER_S; /* no class depends on how busy the machine is */
	assert_int_equal(run_at(options, "http://127.0.0.1:1/ok", &result, &err), 0);
	expect_class(&result, "a closed port", LOAD_REFUSED);
	load_result_done(&result);
	assert_int_equal(run_at(options,
				arena_printf(arena, "https://127.0.0.1:%u/ok", server.port),
				&result, &err),
			 0);
	expect_class(&result, "TLS to a server without", LOAD_TLS);
	load_result_done(&result);
	options.peer.timeout_ns = 5 * NS_PER_S;
	assert_int_equal(run_at(options, "http://no-such-host.invalid/ok", &result, &err), 0);
	expect_class(&result, "a name that is none", LOAD_DNS);
	load_result_done(&result);
}

static void redirects_without_end_are_no_answer(void **state)
{
	struct load_options options = options_of(false);
	struct load_result result;

	(void)state;
	options.peer.redirects = 5;
	run_on(options, "/loop", &result);
	expect_class(&result, "/loop", LOAD_PROTOCOL);
	load_result_done(&result);
}

static void a_redirect_leads_elsewhere(void **state)
{
	struct load_options options = options_of(false);
	struct load_result result;

	(void)state;
	options.peer.redirects = 1;
	run_on(options, "/moved", &result);
	expect_class(&result, "/moved", LOAD_OK);
	load_result_done(&result);
}

static void an_answer_must_hold_what_is_expected(void **state)
{
	const char *wanted = "bye";
	struct expect expect = {.status = FIELD_ABSENT_INT,
				.contains = {&wanted, 1},
				.tokens_min = FIELD_ABSENT_INT,
				.tokens_max = FIELD_ABSENT_INT};

	(void)state;
	for (int stream = 0; stream < 2; stream++) {
		struct load_options options = options_of(stream);
		struct load_result result;

		options.expect = &expect;
		wanted = "bye";
		run_on(options, stream ? "/stream" : "/ok", &result);
		expect_class(&result, "bye", LOAD_ASSERTION);
		assert_non_null(strstr(result.examples[LOAD_ASSERTION], "bye"));
		load_result_done(&result);
		wanted = "hi";
		run_on(options, stream ? "/stream" : "/ok", &result);
		expect_class(&result, "hi", LOAD_OK);
		load_result_done(&result);
	}
}

struct told {
	unsigned first, later;
	bool wrong;
};

static void on_token(void *payload, uint64_t number, uint64_t at_ns, uint64_t gap_ns,
		     const char *event)
{
	struct told *told = payload;

	told->first += number == 0;
	told->later += number > 0;
	told->wrong |= (number == 0) != (gap_ns == 0) || number > 4 || at_ns > clock_ns() ||
		       !strstr(event, "\"hi\"");
}

static void a_job_that_is_not_done_is_no_answer(void **state)
{
	struct expect expect = {.status = FIELD_ABSENT_INT,
				.tokens_min = FIELD_ABSENT_INT,
				.tokens_max = FIELD_ABSENT_INT};
	struct load_options options = options_of(false);
	struct load_result result;

	(void)state;
	options.expect = &expect;
	options.format = PROMPT_RUNPOD_SYNC;
	run_on(options, "/queued", &result);
	expect_class(&result, "/queued", LOAD_TIMEOUT);
	assert_non_null(strstr(result.examples[LOAD_TIMEOUT], "IN_QUEUE"));
	load_result_done(&result);
	run_on(options, "/denied", &result);
	expect_class(&result, "/denied", LOAD_ASSERTION);
	load_result_done(&result);
	run_on(options, "/html", &result);
	expect_class(&result, "/html", LOAD_PROTOCOL);
	load_result_done(&result);
}

static void the_first_token_is_not_the_role(void **state)
{
	struct load_options options = options_of(true);
	struct load_result result;
	struct told told = {0};

	(void)state;
	options.on_token = on_token;
	options.payload = &told;
	options.warmup = 1;
	run_on(options, "/stream", &result);
	assert_int_equal(told.first, 4);
	assert_int_equal(told.later, 16);
	assert_false(told.wrong);
	assert_int_equal(result.tokens, 20);
	assert_int_equal(result.inter_token.count, 16);
	assert_true(result.first_token.least_ns >= 10 * NS_PER_MS);
	assert_true(result.first_byte.least_ns < result.first_token.least_ns);
	assert_true(histogram_quantile(&result.inter_token, 0.5) >= 9 * NS_PER_MS);
	load_result_done(&result);
}

struct held_up {
	unsigned tokens;
	uint64_t late_ns; /* of the second token */
};

/* The first token holds the thread up; another stream's comes meanwhile. */
static void on_token_slowly(void *payload, uint64_t number, uint64_t at_ns, uint64_t gap_ns,
			    const char *event)
{
	struct held_up *held_up = payload;

	(void)number;
	(void)gap_ns;
	(void)event;
	held_up->tokens++;
	if (held_up->tokens == 1)
		fault_pause(80);
	else if (held_up->tokens == 2)
		held_up->late_ns = clock_ns() - at_ns;
}

static void tokens_count_from_their_arrival(void **state)
{
	struct load_options options = options_of(true);
	struct load_result result;
	struct held_up held_up = {0};

	(void)state;
	options.peer.timeout_ns = 10 * NS_PER_S;
	options.on_token = on_token_slowly;
	options.payload = &held_up;
	options.schedule.requests = 2;
	run_on(options, "/slow", &result);
	assert_int_equal(result.counts[LOAD_OK], 2);
	assert_true(held_up.late_ns >= 15 * NS_PER_MS);
	assert_true(result.inter_token.least_ns >= 60 * NS_PER_MS);
	load_result_done(&result);
}

static void waiting_for_a_free_place_counts_as_latency(void **state)
{
	struct load_options options = options_of(false);
	struct load_result result;

	(void)state;
	options.in_flight = 1;
	options.schedule.rate = 1000;
	options.schedule.requests = 5;
	run_on(options, "/late", &result);
	assert_int_equal(result.counts[LOAD_OK], 5);
	assert_int_equal(server.most, 1);
	assert_int_equal(result.most_in_flight, 1);
	assert_true(result.latency.most_ns >= 240 * NS_PER_MS);
	assert_true(result.send_lag.most_ns >= 190 * NS_PER_MS);
	load_result_done(&result);
}

static void a_closed_loop_keeps_so_many_in_flight(void **state)
{
	struct load_options options = options_of(false);
	struct load_result result;

	(void)state;
	options.closed = true;
	options.threads = 2;
	options.in_flight = 7;
	options.schedule.requests = 35;
	options.schedule.duration_ns = 60 * NS_PER_S;
	run_on(options, "/late", &result);
	assert_int_equal(result.counts[LOAD_OK], 35);
	assert_int_equal(server.most, 7);
	assert_int_equal(server.requests, 35);
	assert_true(result.elapsed_ns >= 240 * NS_PER_MS);
	assert_true(result.connect.count >= 7 && result.connect.count < 20);
	load_result_done(&result);
}

static void threads_share_one_schedule(void **state)
{
	struct load_options options = options_of(false);
	struct load_result result;

	(void)state;
	options.threads = 3;
	options.schedule.requests = 100;
	options.schedule.rate = 1000;
	run_on(options, "/ok", &result);
	assert_int_equal(result.threads, 3);
	assert_int_equal(result.counts[LOAD_OK], 100);
	assert_int_equal(result.requests, 100);
	assert_int_equal(result.latency.count, 100);
	assert_int_equal(result.good, 100);
	assert_true(result.elapsed_ns >= 98 * NS_PER_MS);
	load_result_done(&result);
}

static void each_request_is_kept_by_its_time(void **state)
{
	struct load_options options = options_of(true);
	struct load_result result;
	struct buf text;
	unsigned lines = 0;

	(void)state;
	options.threads = 2;
	options.warmup = 3;
	options.records_max = 100;
	run_on(options, "/stream", &result);
	assert_int_equal(result.record_count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct load_record *record = &result.records[i];

		assert_true(!i || record->scheduled >= result.records[i - 1].scheduled);
		assert_true(record->sent >= record->scheduled);
		assert_true(record->first_byte >= record->sent);
		assert_true(record->first_token >= record->sent + 10 * NS_PER_MS);
		assert_true(record->last_token >= record->sent + 50 * NS_PER_MS);
		assert_true(record->end >= record->last_token);
		assert_int_equal(record->tokens, 5);
		assert_int_equal(record->class, LOAD_OK);
	}
	buf_init(&text, 100000);
	load_print_records(&result, &text);
	for (const char *at = buf_str(&text); (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 5);
	assert_non_null(strstr(buf_str(&text), ",ok\n"));
	buf_consume(&text, text.len);
	load_print_histograms(&result, &text);
	assert_non_null(strstr(buf_str(&text), "\ninter_token,"));
	buf_done(&text);
	load_result_done(&result);
	options.records_max = 3;
	run_on(options, "/status", &result);
	assert_int_equal(result.record_count, 3);
	assert_int_equal(result.records[0].first_token, 0);
	assert_int_equal(result.records[0].class, LOAD_HTTP);
	load_result_done(&result);
}

static void warm_up_is_counted_apart(void **state)
{
	struct load_options options = options_of(false);
	struct load_result result;

	(void)state;
	options.warmup = 9;
	run_on(options, "/status", &result);
	assert_int_equal(result.warmup[LOAD_HTTP], 9);
	expect_class(&result, "/status", LOAD_HTTP);
	assert_int_equal(server.requests, 13);
	load_result_done(&result);
}

static void good_requests_are_within_every_limit(void **state)
{
	struct load_options options = options_of(true);
	struct load_result result;

	(void)state;
	options.limits.inter_token_ns = 5 * NS_PER_MS;
	run_on(options, "/stream", &result);
	assert_int_equal(result.good, 0);
	load_result_done(&result);
	options.limits.inter_token_ns = 100 * NS_PER_MS;
	run_on(options, "/stream", &result);
	assert_int_equal(result.good, 4);
	load_result_done(&result);
}

static void ends_at_its_time_limit(void **state)
{
	struct load_options options = options_of(false);
	struct load_result result;
	struct err err = {0};
	uint64_t start = clock_ns();

	(void)state;
	options.peer.timeout_ns = 60 * NS_PER_S;
	options.deadline_ns = start + 200 * NS_PER_MS;
	options.threads = 2;
	assert_int_equal(run_at(options,
				arena_printf(arena, "http://127.0.0.1:%u/silent", server.port),
				&result, &err),
			 -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(clock_ns() - start < 2 * NS_PER_S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_fault_has_its_class),
		TEST(connections_that_fail_have_their_class),
		TEST(redirects_without_end_are_no_answer),
		TEST(a_redirect_leads_elsewhere),
		TEST(an_answer_must_hold_what_is_expected),
		TEST(a_job_that_is_not_done_is_no_answer),
		TEST(the_first_token_is_not_the_role),
		TEST(tokens_count_from_their_arrival),
		TEST(waiting_for_a_free_place_counts_as_latency),
		TEST(a_closed_loop_keeps_so_many_in_flight),
		TEST(threads_share_one_schedule),
		TEST(each_request_is_kept_by_its_time),
		TEST(warm_up_is_counted_apart),
		TEST(good_requests_are_within_every_limit),
		TEST(ends_at_its_time_limit),
	};

	return cmocka_run_group_tests_name("load/load", tests, NULL, NULL);
}
