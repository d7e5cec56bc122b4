/*
 * The real search in simulated histories: `bisect_sim [OPTION VALUE]…` prints one JSON line with
 * means over the trials. Commits 0..n-1 are the suspects, oldest first; commit n-1 is bad, what
 * lies before commit 0 is good. The culprit is uniform. Good commits fail with probability
 * --flake, bad ones pass with probability --miss; with --noise, tests measure instead: Gaussian
 * values of that standard deviation, which lie --step higher at bad commits. A share --broken of
 * the commits does not build, in runs of mean length --run. With probability --none there is no
 * culprit.
 *
 * An answer counts as right when it names the culprit, or a part of the smallest set that commits
 * which do not build leave: the run of broken commits around the culprit and the commit after it,
 * and contains the culprit or that commit. `builds` counts failed ones too, but not the two ends,
 * whose images exist since they were run to find the failure; `cold` counts those as well.
 */
#include "base/mem.h"
#include "base/units.h"
#include "bisect/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BRANCHES_MAX 8	/* open at once */
#define NOISE_GUESS .02 /* as `assay bisect --metric` starts with */
#define MARGIN .01

struct setting {
	double n, trials, flake, miss, broken, run, none, workers, assume, confirm, learn, prior,
		seed, ratio, confidence, ends, merges, older, strength, step, noise;
};

struct world {
	double open_s; /* of the graph */
	const struct setting *setting;
	uint64_t seed;
	uint32_t n, culprit; /* n: none */
	uint32_t *start, *parents;
	unsigned char *broken, *built;
	bool good_built;
	struct graph *graph;
};

struct outcome {
	double builds, cold, runs, rounds, right, undecided;
	double open_s, step_s, step_s_max;
};

/* Processor time: what else runs on the machine is not measured. */
static double now(void)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double draw(struct world *world)
{
	uint64_t x = world->seed += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0;
}

static double draw_normal(struct world *world)
{
	double radius = sqrt(-2 * log(1 - draw(world))); /* Box and Muller (1958) */

	return radius * cos(2 * M_PI * draw(world));
}

/* --- world ----------------------------------------------------------------------------------- */

static void add_commit(struct world *world, uint32_t v, uint32_t first, uint32_t second)
{
	uint32_t used = world->start[v];

	if (v) /* else nothing lies before it */
		world->parents[used++] = first;
	if (second < v)
		world->parents[used++] = second;
	world->start[v + 1] = used;
}

/* One line of parents for each commit, before it: `--history FILE`. Every commit is the culprit
 * once. */
static const char *history;

static void read_history(struct world *world)
{
	FILE *file = fopen(history, "r");
	char *line = NULL;
	size_t size = 0;
	uint32_t used = 0;

	if (!file)
		abort();
	for (uint32_t v = 0; v < world->n && getline(&line, &size, file) > 0; v++) {
		char *rest = line, *word;

		while ((word = strsep(&rest, " \n")) != NULL) {
			int64_t parent;

			if (*word && units_parse_int(word, 0, v, &parent) == 0)
				world->parents[used++] = (uint32_t)parent;
		}
		world->start[v + 1] = used;
	}
	free(line);
	(void)fclose(file);
}

/* A main line from which branches start and to which they return: a share --merges of the commits
 * starts or merges one. The last commits merge what is still open. */
static void make_history(struct world *world)
{
	uint32_t tips[BRANCHES_MAX], open = 0, main_line = 0;

	for (uint32_t v = 0; v < world->n; v++) {
		double what = draw(world), which = draw(world);
		uint32_t branch = (uint32_t)(which * open), none = world->n;

		if (open && (v + open >= world->n || what < world->setting->merges / 2)) {
			add_commit(world, v, main_line, tips[branch]);
			tips[branch] = tips[--open];
			main_line = v;
		} else if (v && v + open + 1 < world->n && open < BRANCHES_MAX &&
			   what < world->setting->merges) {
			add_commit(world, v, main_line, none);
			tips[open++] = v;
		} else if (open && what > .5) {
			add_commit(world, v, tips[branch], none);
			tips[branch] = v;
		} else {
			add_commit(world, v, main_line, none);
			main_line = v;
		}
	}
}

static void break_builds(struct world *world)
{
	const struct setting *setting = world->setting;
	double leave = 1 / setting->run, enter = 0;
	bool broken = draw(world) < setting->broken;

	if (setting->broken > 0)
		enter = leave * setting->broken / (1 - setting->broken);
	for (uint32_t v = 0; v < world->n; v++) {
		world->broken[v] = broken;
		if (setting->run <= 1)
			broken = draw(world) < setting->broken;
		else
			broken = broken ? draw(world) >= leave : draw(world) < enter;
	}
	world->broken[world->n - 1] = false;
}

static void world_open(struct world *world, const struct setting *setting, uint64_t trial)
{
	struct graph_input input;

	*world = (struct world){.setting = setting, .n = (uint32_t)setting->n};
	world->seed = (uint64_t)setting->seed * UINT64_C(1000003) + trial;
	world->start = xcalloc((size_t)world->n + 1, sizeof(*world->start));
	world->parents = xcalloc(2 * (size_t)world->n, sizeof(*world->parents));
	world->broken = xcalloc(world->n, 1);
	world->built = xcalloc(world->n, 1);
	world->culprit =
		draw(world) < setting->none ? world->n : (uint32_t)(draw(world) * setting->n);
	if (history) {
		read_history(world);
		world->culprit = (uint32_t)trial;
	} else {
		make_history(world);
	}
	break_builds(world);
	input = (struct graph_input){world->n, world->start, world->parents, world->n - 1, false};
	world->open_s = now();
	if (graph_open(&input, &world->graph, NULL) < 0)
		abort();
	world->open_s = now() - world->open_s;
}

static void world_close(struct world *world)
{
	graph_free(world->graph);
	free(world->start);
	free(world->parents);
	free(world->broken);
	free(world->built);
}

/* Build what is not built yet, count the test. */
static bool is_built(struct world *world, uint32_t position, struct outcome *outcome)
{
	if (position == GRAPH_NOWHERE) {
		outcome->cold += !world->good_built;
		world->good_built = true;
	} else {
		uint32_t commit = graph_commit_at(world->graph, position);

		if (!world->built[commit]) {
			outcome->builds += position != world->n - 1;
			outcome->cold++;
			world->built[commit] = true;
		}
		if (world->broken[commit])
			return false;
	}
	outcome->runs++;
	return true;
}

static bool is_bad(const struct world *world, uint32_t position)
{
	return position != GRAPH_NOWHERE && world->culprit < world->n &&
	       graph_is_ancestor(world->graph, graph_position_of(world->graph, world->culprit),
				 position);
}

static void probe(struct world *world, struct search *search, uint32_t position,
		  struct outcome *outcome)
{
	const struct setting *setting = world->setting;
	bool bad = is_bad(world, position), fails;

	if (!is_built(world, position, outcome)) {
		search_observe(search, position, SIGHT_BROKEN);
	} else if (setting->noise > 0) {
		search_measure(search, position,
			       bad * setting->step + setting->noise * draw_normal(world));
	} else {
		fails = bad ? draw(world) >= setting->miss : draw(world) < setting->flake;
		search_observe(search, position, fails ? SIGHT_FAIL : SIGHT_PASS);
	}
}

/* --- score ----------------------------------------------------------------------------------- */

static bool is_right_set(const struct world *world, const struct verdict_of_search *answer)
{
	uint32_t low = world->culprit, high = world->culprit;
	bool holds = false;

	while (world->broken[high])
		high++;
	while (low > 0 && world->broken[low - 1])
		low--;
	for (size_t i = 0; i < answer->member_count; i++) {
		uint32_t commit = graph_commit_at(world->graph, answer->members[i]);

		if (commit < low || commit > high)
			return false;
		holds |= commit == world->culprit || commit == high;
	}
	return holds;
}

static bool is_right(const struct world *world, const struct verdict_of_search *answer)
{
	if (world->culprit == world->n)
		return answer->ending == ENDING_NO_CULPRIT;
	return answer->ending == ENDING_CULPRIT && is_right_set(world, answer);
}

/* --- one trial ------------------------------------------------------------------------------- */

static struct search_options options_of(const struct setting *setting)
{
	double flake = fmax(setting->flake, .01) * setting->assume;
	struct search_options options = {
		.model = {.tests = {.fail = {.known = true, .value = 1 - setting->miss},
				    .flake = {.known = true, .value = fmin(fmax(flake, .01), .45)}},
			  .no_culprit = setting->prior,
			  .older = setting->older},
		.confidence = setting->confidence,
		.workers = (unsigned)setting->workers,
		.confirm = (unsigned)setting->confirm,
		.trust_ends = setting->ends < 1,
		.probes_max = 1000,
		.build_s = setting->ratio,
		.test_s = 1,
		.good_artefact = GRAPH_NOWHERE,
	};

	if (setting->strength > 0) /* believed as if seen in so many tests */
		options.model.tests.flake = (struct rate){
			.yes = setting->strength * options.model.tests.flake.value,
			.no = setting->strength * (1 - options.model.tests.flake.value)};
	if (setting->learn > 0) { /* nothing is known but that most tests tell the truth */
		options.model.tests.flake = (struct rate){.yes = 1, .no = 7};
		options.model.tests.fail = (struct rate){.yes = 9.5, .no = .5};
	}
	if (setting->noise > 0) {
		options.model.tests.noise = NOISE_GUESS;
		options.model.tests.margin = MARGIN;
		options.model.older = 0;
	}
	if (setting->assume <= 0) /* tests never lie */
		options.model.tests.flake = (struct rate){.known = true};
	return options;
}

static size_t step(struct search *search, struct probe *probes, struct outcome *outcome)
{
	double start = now(), took;
	size_t count = search_next(search, probes);

	took = now() - start;
	outcome->step_s += took;
	outcome->step_s_max = fmax(outcome->step_s_max, took);
	return count;
}

static struct outcome trial(const struct setting *setting, uint64_t number)
{
	struct search_options options = options_of(setting);
	struct probe probes[SEARCH_PROBES_MAX];
	struct verdict_of_search answer;
	struct outcome outcome = {0};
	struct search *search = NULL;
	struct world world;
	double start;
	size_t count;

	world_open(&world, setting, number);
	start = now();
	if (search_open(world.graph, &options, &search, NULL) < 0)
		abort();
	outcome.open_s = world.open_s + now() - start;
	search_cached(search, world.n - 1);
	search_cached(search, GRAPH_NOWHERE);
	while ((count = step(search, probes, &outcome)) > 0) {
		outcome.rounds++;
		for (size_t i = 0; i < count; i++)
			probe(&world, search, probes[i].position, &outcome);
	}
	search_answer(search, &answer);
	outcome.right = is_right(&world, &answer);
	outcome.undecided = answer.ending == ENDING_UNDECIDED;
	search_free(search);
	world_close(&world);
	return outcome;
}

/* --- command line ---------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void run_trials(const struct setting *setting)
{
	size_t trials = (size_t)setting->trials;
	double *builds = xcalloc(trials, sizeof(*builds));
	struct outcome sum = {0};
	double start = now();

	for (size_t i = 0; i < trials; i++) {
		struct outcome one = trial(setting, i);

		builds[i] = one.builds;
		sum.builds += one.builds;
		sum.cold += one.cold;
		sum.runs += one.runs;
		sum.rounds += one.rounds;
		sum.right += one.right;
		sum.undecided += one.undecided;
		sum.open_s += one.open_s;
		sum.step_s += one.step_s;
		sum.step_s_max = fmax(sum.step_s_max, one.step_s_max);
	}
	qsort(builds, trials, sizeof(*builds), by_size);
	printf("{\"trials\": %zu, \"builds\": %.2f, \"p95\": %.0f, \"cold\": %.2f, \"runs\": %.4f, "
	       "\"rounds\": %.2f, \"right\": %.2f, \"undecided\": %.2f, "
	       "\"open_s\": %.4f, \"step_ms\": %.3f, \"step_ms_max\": %.3f, \"seconds\": %.2f}\n",
	       trials, sum.builds / setting->trials, builds[(size_t)(.95 * setting->trials)],
	       sum.cold / setting->trials, sum.runs / setting->trials, sum.rounds / setting->trials,
	       100 * sum.right / setting->trials, 100 * sum.undecided / setting->trials,
	       sum.open_s / setting->trials, 1e3 * sum.step_s / (sum.rounds + setting->trials),
	       1e3 * sum.step_s_max, now() - start);
	free(builds);
}

struct option {
	const char *name;
	size_t offset;
	double fallback;
};

#define AT(member) offsetof(struct setting, member)
static const struct option options[] = {
	{"--n", AT(n), 1024},
	{"--trials", AT(trials), 1000},
	{"--flake", AT(flake), 0},
	{"--miss", AT(miss), 0},
	{"--broken", AT(broken), 0},
	{"--run", AT(run), 1},
	{"--none", AT(none), 0},
	{"--workers", AT(workers), 1},
	{"--assume", AT(assume), 1},
	{"--confirm", AT(confirm), 2},
	{"--learn", AT(learn), 0},
	{"--prior", AT(prior), 0},
	{"--seed", AT(seed), 1},
	{"--ratio", AT(ratio), 10},
	{"--ends", AT(ends), 1},
	{"--confidence", AT(confidence), .99},
	{"--merges", AT(merges), 0},
	{"--older", AT(older), 0},
	{"--strength", AT(strength), 10},
	{"--step", AT(step), 0},
	{"--noise", AT(noise), 0},
	{NULL, 0, 0},
};
#undef AT

static double *value_of(struct setting *setting, const char *name)
{
	for (const struct option *option = options; option->name; option++)
		if (strcmp(option->name, name) == 0)
			return (double *)(void *)((char *)setting + option->offset);
	return NULL;
}

int main(int argc, char **argv)
{
	struct setting setting;

	for (const struct option *option = options; option->name; option++)
		*value_of(&setting, option->name) = option->fallback;
	for (int i = 1; i + 1 < argc; i += 2) {
		double *value;
		char *end;

		if (strcmp(argv[i], "--history") == 0) {
			history = argv[i + 1];
			continue;
		}
		value = value_of(&setting, argv[i]);
		end = NULL;
		if (value)
			*value = strtod(argv[i + 1], &end);
		if (!value || end == argv[i + 1] || *end) {
			fprintf(stderr, "bisect_sim: %s %s: no such option or number\n", argv[i],
				argv[i + 1]);
			return 2;
		}
	}
	run_trials(&setting);
	return 0;
}
