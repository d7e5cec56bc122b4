/*
 * bench_history URL FIRST COUNT CASES SAMPLES: append COUNT runs, from number FIRST, to the
 * history, as `assay run` does. Prints {"runs", "median_ms", "p99_ms", "max_ms"} of the appends,
 * and as "look_ms" what it took to look for alarms after the last one, at WATCHED commits.
 *
 * A commit has two runs on one image; every fiftieth case fails in one run of twenty, and half of
 * those failures have another text.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"
#include "cmd/alarms.h"
#include "store/store_ops.h"

#include <stdio.h>
#include <stdlib.h>

#define START_MS INT64_C(1767225600000) /* 2026-01-01 */
#define BETWEEN_MS INT64_C(600000)
#define RUNS_MAX 1000000
#define CASES_MAX 100000
#define WATCHED 1000 /* first parents, more than a series has points */

static uint64_t random_bits(void) /* splitmix64, of a fixed seed: every fill is the same */
{
	static uint64_t state = 42;
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static double random_unit(void)
{
	return (double)(random_bits() >> 11) * 0x1p-53;
}

static void add_case(struct run *run, size_t number, size_t samples)
{
	struct arena *arena = run->arena;
	struct case_result *result =
		run_add_case(run, arena_printf(arena, "serve/endpoint-%03zu", number), "command");
	struct metric *metric =
		case_add_metric(result, arena, arena_printf(arena, "latency_%zu", number % 10),
				"ms", DIRECTION_LOWER);

	case_pass(result, "exit code 0, 20 requests answered");
	result->duration_ns = random_bits() % NS_PER_S;
	if (number % 50 == 7 && random_bits() % 20 == 0) {
		case_fail(result, "command/exit-code", "exit code 0",
			  arena_printf(arena, "exit code 1: %s after %llu ms",
				       random_bits() % 2 ? "no answer" : "connection reset",
				       (unsigned long long)(random_bits() % 9000)),
			  "/usr/bin/probe", NULL);
		result->flip = FLIP_REGRESSED;
	}
	metric->cell = "gpu=NVIDIA H100 80GB HBM3,driver=570.86.15";
	for (size_t i = 0; i < samples; i++)
		metric_add_sample(metric, arena,
				  (double)(10 + number) * (1 + 0.02 * (random_unit() - 0.5)));
}

static struct run *make_run(size_t number, size_t cases, size_t samples)
{
	struct run *run = run_new();
	struct arena *arena = run->arena;
	int64_t at = START_MS + (int64_t)number * BETWEEN_MS;
	struct pair *pair;
	char text[CLOCK_TEXT];

	run->started_at = arena_strdup(arena, clock_rfc3339(at, text, sizeof(text)));
	run->id = arena_printf(arena, "%.10sT%06zu-%08llx", run->started_at, number,
			       (unsigned long long)(random_bits() & 0xffffffff));
	run->duration_ns = 60 * NS_PER_S;
	run->suite = "bench";
	run->suite_hash = "5ad1f0c9";
	run->commit.hash = arena_printf(arena, "%040zx", number / 2);
	run->commit.subject = "change one thing and say why";
	run->build.builder = "classic";
	run->build.input_hash = arena_printf(arena, "%064zx", number / 2);
	run->build.image_id = arena_printf(arena, "sha256:%064zx", number / 2);
	pair = arena_push(arena, &run->environment.items, &run->environment.count, sizeof(*pair));
	*pair = (struct pair){"engine", "docker 20.10.24"};
	for (size_t i = 0; i < cases; i++)
		add_case(run, i, samples);
	run_decide(run);
	return run;
}

static int compare_times(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double ms(uint64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

/* Nanoseconds, 0 when it failed. */
static uint64_t look(struct store *store, const struct run *run, size_t number, struct err *err)
{
	struct strings parents = {0};
	uint64_t start;

	for (size_t at = number / 2; at-- > 0 && parents.count < WATCHED;)
		*(const char **)arena_push(run->arena, &parents.items, &parents.count,
					   sizeof(char *)) = arena_printf(run->arena, "%040zx", at);
	start = clock_ns();
	if (alarms_watch(store, run, &parents, NULL, NULL, err) < 0)
		return 0;
	return clock_ns() - start;
}

static int fill(struct store *store, const int64_t numbers[4])
{
	size_t count = (size_t)numbers[1];
	uint64_t *times = xcalloc(count, sizeof(*times)), looked = 0;
	struct err err = {0};

	for (size_t i = 0; i < count; i++) {
		struct run *run =
			make_run((size_t)numbers[0] + i, (size_t)numbers[2], (size_t)numbers[3]);
		uint64_t start = clock_ns();
		int rc = store->ops->append(store, run, &err);

		times[i] = clock_ns() - start;
		if (rc == 0 && i + 1 == count)
			looked = look(store, run, (size_t)numbers[0] + i, &err);
		run_free(run);
		if (rc < 0 || (i + 1 == count && !looked)) {
			(void)fprintf(stderr, "%s\n", err.msg);
			free(times);
			return 1;
		}
	}
	qsort(times, count, sizeof(*times), compare_times);
	printf("{\"runs\": %zu, \"median_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, "
	       "\"look_ms\": %.3f}\n",
	       count, ms(times[count / 2]), ms(times[count * 99 / 100]), ms(times[count - 1]),
	       ms(looked));
	free(times);
	return 0;
}

int main(int argc, char **argv)
{
	struct store *store = NULL;
	struct err err = {0};
	int64_t numbers[4];
	int code;

	for (int i = 0; i < 4; i++) {
		if (argc != 6 || units_parse_int(argv[i + 2], i == 0 ? 0 : 1,
						 i < 2 ? RUNS_MAX : CASES_MAX, &numbers[i]) < 0) {
			(void)fputs("usage: bench_history URL FIRST COUNT CASES SAMPLES\n", stderr);
			return 2;
		}
	}
	if (store_open(argv[1], &store, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	code = fill(store, numbers);
	store_close(store);
	return code;
}
