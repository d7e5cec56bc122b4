/*
 * The load engine of `assay`, one thread, against a URL; a line of JSON with what it measured.
 *
 *   endpoint_load URL open RATE SECONDS [stream]
 *   endpoint_load URL closed IN_FLIGHT SECONDS [stream]
 *   endpoint_load URL burst IN_FLIGHT RATE [stream]    IN_FLIGHT requests in all, at RATE
 */
#include "base/arena.h"
#include "base/units.h"
#include "load/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double ms(uint64_t ns)
{
	return (double)ns / NS_PER_MS;
}

static void print_times(const char *name, const struct histogram *times)
{
	printf(", \"%s\": {\"n\": %llu, \"p50\": %.6f, \"p90\": %.6f, \"p99\": %.6f, \"max\": "
	       "%.6f}",
	       name, (unsigned long long)times->count, ms(histogram_quantile(times, .5)),
	       ms(histogram_quantile(times, .9)), ms(histogram_quantile(times, .99)),
	       ms(times->most_ns));
}

/* What the client adds: its times of arrival against the times before sending that the server put
 * into the tokens. Both are of one clock. What the server's send() takes, and what it may lose its
 * core for in there, counts against the client. */
struct errors {
	struct histogram first, inter; /* absolute */
	struct histogram late;	       /* the server's own gaps */
	struct histogram sending;      /* the server's send() */
};

static uint64_t take_number(const char **at)
{
	uint64_t value = 0;

	while (**at >= '0' && **at <= '9')
		value = value * 10 + (uint64_t)(*(*at)++ - '0');
	*at += **at != '\0';
	return value;
}

static void on_token(void *payload, uint64_t number, uint64_t at_ns, uint64_t gap_ns,
		     const char *event)
{
	struct errors *errors = payload;
	const char *text = strstr(event, "\"content\":\"");
	uint64_t sent, gap;

	if (!text)
		return;
	text += strlen("\"content\":\"");
	sent = take_number(&text);
	gap = take_number(&text);
	if (number == 0) {
		histogram_add(&errors->first, at_ns > sent ? at_ns - sent : sent - at_ns);
		return;
	}
	histogram_add(&errors->inter, gap_ns > gap ? gap_ns - gap : gap - gap_ns);
	histogram_add(&errors->late, gap);
	histogram_add(&errors->sending, take_number(&text));
}

static void print(const struct load_result *result, const struct errors *errors)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	printf("{\"ok\": %llu, \"failed\": %llu, \"unsent\": %llu",
	       (unsigned long long)result->counts[LOAD_OK],
	       (unsigned long long)load_failures(result), (unsigned long long)result->unsent);
	printf(", \"rate\": %.1f, \"tokens_per_s\": %.1f, \"cpu\": %.4f, \"in_flight\": %zu, "
	       "\"rss_mib\": %.1f, \"preempted\": %ld, \"unstamped\": %llu",
	       (double)result->counts[LOAD_OK] * NS_PER_S / (double)result->elapsed_ns,
	       (double)result->tokens * NS_PER_S / (double)result->elapsed_ns, result->cpu_share,
	       result->most_in_flight, (double)usage.ru_maxrss / 1024, usage.ru_nivcsw,
	       (unsigned long long)result->unstamped);
	print_times("latency", &result->latency);
	print_times("first_token", &result->first_token);
	print_times("inter_token", &result->inter_token);
	print_times("send_lag", &result->send_lag);
	print_times("first_error", &errors->first);
	print_times("inter_error", &errors->inter);
	print_times("server_gap", &errors->late);
	print_times("server_send", &errors->sending);
	printf("}\n");
}

static int run(struct load_options *options)
{
	struct arena *arena = arena_new();
	struct load_result result;
	struct errors errors;
	struct err err;
	int rc;

	histogram_init(&errors.first);
	histogram_init(&errors.inter);
	histogram_init(&errors.late);
	histogram_init(&errors.sending);
	options->on_token = on_token;
	options->payload = &errors;
	rc = load_run(options, arena, &result, &err);

	if (rc < 0) {
		fprintf(stderr, "endpoint_load: %s\n", err.msg);
	} else {
		print(&result, &errors);
		load_result_done(&result);
	}
	histogram_done(&errors.first);
	histogram_done(&errors.inter);
	histogram_done(&errors.late);
	histogram_done(&errors.sending);
	arena_free(arena);
	return rc < 0;
}

int main(int argc, char **argv)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	static const char body[] = "{\"prompt\": \"What is the capital of France?\"}";
	struct http_plan_options plan = {
		.method = "POST", .headers = headers, .body = body, .body_len = sizeof(body) - 1};
	struct load_options options = {.peer = {.timeout_ns = 60 * NS_PER_S, .proxy = ""},
				       .request_count = 1,
				       .warmup = 100,
				       .threads = 1,
				       .answer_max = 1024 * 1024};
	struct load_request request = {0};
	double first, second;
	int rc;

	if (argc < 5) {
		fprintf(stderr, "usage: endpoint_load URL open|closed|burst N N [stream]\n");
		return 2;
	}
	first = strtod(argv[3], NULL);
	second = strtod(argv[4], NULL);
	plan.url = argv[1];
	options.stream = argc > 5;
	options.format = options.stream ? PROMPT_OPENAI_CHAT : PROMPT_FASTAPI;
	options.closed = strcmp(argv[2], "closed") == 0;
	options.in_flight = options.closed ? (size_t)first : 10000;
	options.schedule.rate = first;
	options.schedule.duration_ns = (uint64_t)(second * NS_PER_S);
	if (strcmp(argv[2], "burst") == 0) {
		options.schedule.requests = (uint64_t)first;
		options.schedule.rate = second;
		options.schedule.duration_ns = 600 * NS_PER_S;
		options.warmup = 0;
	}
	request.plan = http_plan_new(&plan);
	options.requests = &request;
	rc = run(&options);
	http_plan_free((struct http_plan *)request.plan);
	return rc;
}
