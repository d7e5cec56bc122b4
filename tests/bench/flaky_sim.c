/*
 * Rules that say whether a test is flaky, in worlds whose truth is known: `flaky_sim [OPTION
 * VALUE]…` prints one JSON line for each rule.
 *
 * A test is made on RUNS images, one after the other. On a good image a result fails at the rate
 * --rate, from the image --change on at --then. With --regress a regression comes with a random
 * image and goes after --lasts images, one in so many being its last; while it is there a result
 * fails at the rate --strength. The rules:
 *
 *   assay     what `assay run --rerun-failures` does: the code of model/verdict.c and stats/flaky.c
 *   majority  a failure is made again twice, the majority decides; flaky when the three differ
 *   flips-N   flaky when of the last 100 results more than N % differ from the one before
 *
 * Every rule makes as many tests as the first one did in that trial, on more images where it makes
 * fewer on each.
 */
#include "base/mem.h"
#include "base/random.h"
#include "model/run.h"
#include "stats/flaky.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS 100
#define WINDOW 100
#define CONFIDENCE 0.95

struct world {
	double rate, then, change;
	double regress, lasts, strength;
	double trials, seed;
	uint64_t state;
	size_t from, to; /* images of the regression in this trial */
};

struct tally {
	double found;	    /* trials in which the test was called flaky */
	double regressions; /* trials with a regression */
	double mistaken;    /* of these: called flaky while it was there */
	double flakes;	    /* failures of good images */
	double believed;    /* of these: called failures */
	double tests;
};

/* What one trial of a rule shows. */
struct shown {
	bool flaky, mistaken;
	size_t tests;
	double flakes, believed;
};

static bool is_regressed(const struct world *world, size_t image)
{
	return image >= world->from && image < world->to;
}

static bool fails(struct world *world, size_t image)
{
	double rate = (double)image < world->change ? world->rate : world->then;

	return random_unit(&world->state) <= (is_regressed(world, image) ? world->strength : rate);
}

/* One decision of a rule about a result that failed first. */
static void note(struct shown *shown, const struct world *world, size_t image, bool flaky,
		 bool failed)
{
	shown->flaky |= flaky;
	if (is_regressed(world, image)) {
		shown->mistaken |= flaky;
		return;
	}
	shown->flakes++;
	shown->believed += failed;
}

/* --- rules ----------------------------------------------------------------------------------- */

static unsigned reruns(const struct stats_repeats *images, size_t count)
{
	struct stats_flake flake;
	struct err err;

	if (stats_flake_rate(images, count, CONFIDENCE, &flake, &err) < 0)
		abort();
	return stats_reruns(flake.mixed ? flake.at_most : STATS_FLAKE_RATE, STATS_FLAKE_RISK);
}

static struct shown assay(struct world *world)
{
	struct stats_repeats images[RUNS] = {{0}};
	struct arena *arena = arena_new();
	struct shown shown = {0};

	for (size_t i = 0; i < RUNS; i++) {
		struct case_result result = {.kind = "command", .outcome = OUTCOME_FAIL};
		unsigned most;

		shown.tests++;
		if (!fails(world, i)) {
			images[i].passed = 1;
			continue;
		}
		most = reruns(images, i);
		case_add_attempt(&result, &result, arena);
		while (case_wants_attempt(&result, most)) {
			const struct case_result again = {
				.outcome = fails(world, i) ? OUTCOME_FAIL : OUTCOME_PASS};

			case_add_attempt(&result, &again, arena);
			shown.tests++;
		}
		images[i].passed = case_mark(&result) == MARK_FLAKY;
		images[i].failed = result.attempt_count - images[i].passed;
		note(&shown, world, i, case_mark(&result) == MARK_FLAKY,
		     case_verdict(&result) == VERDICT_FAIL);
	}
	arena_free(arena);
	return shown;
}

static struct shown majority(struct world *world, size_t tests)
{
	struct shown shown = {0};

	for (size_t i = 0; shown.tests < tests; i++) {
		int failed;

		shown.tests++;
		if (!fails(world, i))
			continue;
		failed = 1 + fails(world, i) + fails(world, i);
		shown.tests += 2;
		note(&shown, world, i, failed < 3, failed >= 2);
	}
	return shown;
}

static struct shown flips(struct world *world, size_t tests, double share)
{
	bool *results = xcalloc(tests, sizeof(*results));
	struct shown shown = {0};
	int recent = 0;

	for (size_t i = 0; i < tests; i++) {
		bool flaky;

		results[i] = fails(world, i);
		recent += i && results[i] != results[i - 1];
		if (i > WINDOW)
			recent -= results[i - WINDOW] != results[i - WINDOW - 1];
		flaky = recent > share * WINDOW;
		if (results[i])
			note(&shown, world, i, flaky, !flaky);
		else
			shown.flaky |= flaky;
	}
	shown.tests = tests;
	free(results);
	return shown;
}

/* --- trials ---------------------------------------------------------------------------------- */

static void place_regression(struct world *world)
{
	world->from = world->to = 0;
	if (!(world->regress > 0))
		return;
	world->from = (size_t)(random_unit(&world->state) * RUNS * .9);
	world->to = world->from + 1;
	while (random_unit(&world->state) > 1 / world->lasts)
		world->to++;
}

static void add(struct tally *tally, const struct world *world, const struct shown *shown)
{
	tally->found += shown->flaky;
	tally->regressions += world->to > 0;
	tally->mistaken += shown->mistaken;
	tally->flakes += shown->flakes;
	tally->believed += shown->believed;
	tally->tests += (double)shown->tests;
}

static void print(const char *rule, const struct tally *tally, double trials)
{
	printf("{\"rule\": \"%s\", \"found\": %.4f, \"mistaken\": %.4f, \"believed\": %.4f, "
	       "\"tests\": %.2f}\n",
	       rule, 100 * tally->found / trials,
	       tally->regressions > 0 ? 100 * tally->mistaken / tally->regressions : 0,
	       tally->flakes > 0 ? 100 * tally->believed / tally->flakes : 0,
	       tally->tests / trials);
}

static void simulate(struct world *world)
{
	static const struct {
		const char *name;
		double share; /* 0: the majority */
	} others[] = {{"majority", 0},
		      {"flips-1", .01},
		      {"flips-2", .02},
		      {"flips-5", .05},
		      {"flips-10", .1}};
	struct tally own = {0}, tallies[sizeof(others) / sizeof(others[0])] = {{0}};

	for (int t = 0; t < world->trials; t++) {
		struct shown shown;
		size_t tests;

		place_regression(world);
		shown = assay(world);
		tests = shown.tests;
		add(&own, world, &shown);
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
			shown = others[i].share > 0 ? flips(world, tests, others[i].share)
						    : majority(world, tests);
			add(&tallies[i], world, &shown);
		}
	}
	print("assay", &own, world->trials);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		print(others[i].name, &tallies[i], world->trials);
}

int main(int argc, char **argv)
{
	struct world world = {
		.change = RUNS * 1000.0, .lasts = 10, .strength = 1, .trials = 1000, .seed = 1};
	const struct {
		const char *name;
		double *value;
	} options[] = {{"--rate", &world.rate},	    {"--then", &world.then},
		       {"--change", &world.change}, {"--regress", &world.regress},
		       {"--lasts", &world.lasts},   {"--strength", &world.strength},
		       {"--trials", &world.trials}, {"--seed", &world.seed}};

	for (int i = 1; i + 1 < argc; i += 2) {
		size_t k = 0;

		while (k < sizeof(options) / sizeof(options[0]) &&
		       strcmp(argv[i], options[k].name) != 0)
			k++;
		if (k == sizeof(options) / sizeof(options[0])) {
			fprintf(stderr, "flaky_sim: no option %s\n", argv[i]);
			return 2;
		}
		*options[k].value = strtod(argv[i + 1], NULL);
	}
	world.state = (uint64_t)world.seed;
	simulate(&world);
	return 0;
}
