/*
 * Series whose truth is known, and what stats/changes.h finds in them. `changes_sim MODE FAMILY
 * STEP SEED COUNT POINTS [FILE]`:
 *
 *   series   print the COUNT series of POINTS, one per line: for other tools
 *   judge    print one JSON line: what is found in them, all points known
 *   online   the same point by point, as they come
 *   speed    points per second on one series
 *
 * A series has the level 100, noise of 1 % of it by FAMILY (gauss, t3, ar, spikes, real), and from
 * a random place in its middle half on a level STEP higher. FILE has real residuals, a number a
 * line, of which blocks of 8 are drawn.
 */
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "stats/changes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LEVEL 100
#define NOISE 0.01
#define NEAR 3 /* points that a found change may lie from the true one */
#define BLOCK 8
#define REAL_MAX 100000

struct world {
	const char *family;
	double step;
	uint64_t state;
	size_t points;
	double *real;
	size_t real_count;
};

struct score {
	size_t series, points, false_alarms, found, retracted;
	size_t best;  /* found by who knows both levels */
	double delay; /* of those found */
	double *delays;
};

static double gauss(struct world *world)
{
	double radius = sqrt(-2 * log(random_unit(&world->state)));

	return radius * cos(2 * 3.14159265358979323846 * random_unit(&world->state));
}

/* Student's t with three degrees of freedom, of deviation 1. */
static double heavy(struct world *world)
{
	double squares = 0;

	for (int i = 0; i < 3; i++) {
		double value = gauss(world);

		squares += value * value;
	}
	return gauss(world) / sqrt(squares / 3) / sqrt(3);
}

static void noise(struct world *world, double *out)
{
	double last = gauss(world);
	size_t block = 0;

	for (size_t i = 0; i < world->points; i++) {
		if (strcmp(world->family, "t3") == 0) {
			out[i] = heavy(world);
		} else if (strcmp(world->family, "ar") == 0) {
			out[i] = last;
			last = .5 * last + sqrt(.75) * gauss(world);
		} else if (strcmp(world->family, "spikes") == 0) {
			out[i] = gauss(world);
			if (random_unit(&world->state) < .02)
				out[i] += 10;
		} else if (strcmp(world->family, "real") == 0) {
			if (i % BLOCK == 0)
				block = random_below(&world->state, world->real_count - BLOCK + 1);
			out[i] = world->real[block + i % BLOCK];
		} else {
			out[i] = gauss(world);
		}
	}
}

/* Returns where the level changes; the count of points when it does not. */
static size_t make(struct world *world, double *out)
{
	size_t at = world->points / 4 + random_below(&world->state, world->points / 2);

	noise(world, out);
	for (size_t i = 0; i < world->points; i++)
		out[i] = LEVEL * (i >= at ? 1 + world->step : 1) * (1 + NOISE * out[i]);
	return world->step == 0 ? world->points : at;
}

static bool is_near(size_t a, size_t b)
{
	return a + NEAR >= b && b + NEAR >= a;
}

/* Where the level changes, for who knows both: where the points are nearest to them. What lies
 * farther off than any noise but a spike says nothing. */
static size_t informed(const struct world *world, const double *values)
{
	const double levels[] = {LEVEL, LEVEL * (1 + world->step)}, reach = 6 * NOISE * LEVEL;
	double cost = 0, least = 0;
	size_t best = 0;

	for (size_t i = 0; i < world->points; i++) {
		double before = fmin(fabs(values[i] - levels[0]), reach);
		double after = fmin(fabs(values[i] - levels[1]), reach);

		cost += before * before - after * after;
		if (cost < least) {
			least = cost;
			best = i + 1;
		}
	}
	return best;
}

static void judge(struct world *world, struct score *score)
{
	double *values = xcalloc(world->points, sizeof(*values));
	size_t truth = make(world, values), count = 0, hits = 0;
	struct arena *arena = arena_new();
	struct stats_change *found;

	if (stats_changes(values, world->points, STATS_CHANGES_FLOOR, arena, &found, &count,
			  NULL) == 0)
		for (size_t i = 0; i < count; i++)
			hits += is_near(found[i].at, truth);
	score->best += world->step > 0 && is_near(informed(world, values), truth);
	score->found += hits > 0;
	score->false_alarms += count - (hits > 0);
	arena_free(arena);
	free(values);
}

/* An alarm is told once; one that a later look does not find within NEAR any more is taken back. */
static void follow(struct world *world, struct score *score)
{
	double *values = xcalloc(world->points, sizeof(*values));
	size_t truth = make(world, values), *told = xcalloc(world->points, sizeof(*told)), n = 0;
	bool seen = false;

	for (size_t end = 2 * STATS_CHANGES_SEGMENT; end <= world->points; end++) {
		struct arena *arena = arena_new();
		struct stats_change *found = NULL;
		size_t count = 0, kept = 0;

		(void)stats_changes(values, end, STATS_CHANGES_FLOOR, arena, &found, &count, NULL);
		for (size_t t = 0; t < n; t++) {
			bool still = false;

			for (size_t i = 0; i < count; i++)
				still |= is_near(found[i].at, told[t]);
			if (still)
				told[kept++] = told[t];
			else
				score->retracted++;
		}
		n = kept;
		for (size_t i = 0; i < count; i++) {
			bool known = false;

			for (size_t t = 0; t < n; t++)
				known |= is_near(found[i].at, told[t]);
			if (known)
				continue;
			told[n++] = found[i].at;
			if (!is_near(found[i].at, truth)) {
				score->false_alarms++;
			} else if (!seen) {
				seen = true;
				score->delays[score->found++] = (double)(end - truth);
			}
		}
		arena_free(arena);
	}
	free(told);
	free(values);
}

static void print_series(struct world *world)
{
	double *values = xcalloc(world->points, sizeof(*values));
	size_t truth = make(world, values);

	printf("%zu", truth);
	for (size_t i = 0; i < world->points; i++)
		printf(" %.9g", values[i]);
	printf("\n");
	free(values);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const struct world *world, const struct score *score)
{
	double points = (double)(score->series * world->points);

	qsort(score->delays, score->found, sizeof(*score->delays), by_value);
	printf("{\"false_per_1000\": %.4g, \"recall\": %.4g, \"informed\": %.4g, \"delay\": %.4g, "
	       "\"retracted_per_1000\": %.4g}\n",
	       1000 * (double)score->false_alarms / points,
	       100 * (double)score->found / (double)score->series,
	       100 * (double)score->best / (double)score->series,
	       score->found ? score->delays[score->found / 2] : 0,
	       1000 * (double)score->retracted / points);
}

static void speed(struct world *world)
{
	double *values = xcalloc(world->points, sizeof(*values));
	struct timespec from, to;
	double took = 0;
	size_t rounds = 0;

	(void)make(world, values);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	while (took < 1) {
		struct arena *arena = arena_new();
		struct stats_change *found;
		size_t count;

		(void)stats_changes(values, world->points, STATS_CHANGES_FLOOR, arena, &found,
				    &count, NULL);
		arena_free(arena);
		rounds++;
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		took = (double)(to.tv_sec - from.tv_sec) +
		       (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	}
	printf("{\"points_per_s\": %.4g}\n", (double)(rounds * world->points) / took);
	free(values);
}

static int read_real(struct world *world, const char *file)
{
	struct buf text;
	struct err err;
	char *at;

	buf_init(&text, 16 * REAL_MAX);
	if (file_read(file, &text, &err) < 0)
		return -1;
	world->real = xcalloc(REAL_MAX, sizeof(*world->real));
	at = text.data;
	while (at && *at && world->real_count < REAL_MAX) {
		char *end;
		double value = strtod(at, &end);

		if (end == at)
			break;
		world->real[world->real_count++] = value;
		at = end;
	}
	buf_done(&text);
	return world->real_count >= BLOCK ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct world world = {0};
	struct score score = {0};

	if (argc < 7) {
		fprintf(stderr, "usage: changes_sim MODE FAMILY STEP SEED COUNT POINTS [FILE]\n");
		return 2;
	}
	world.family = argv[2];
	world.step = strtod(argv[3], NULL);
	world.state = (uint64_t)strtod(argv[4], NULL);
	score.series = (size_t)strtod(argv[5], NULL);
	world.points = (size_t)strtod(argv[6], NULL);
	if (argc > 7 && read_real(&world, argv[7]) < 0) {
		fprintf(stderr, "changes_sim: %s: no residuals\n", argv[7]);
		return 2;
	}
	score.delays = xcalloc(score.series + 1, sizeof(*score.delays));
	if (strcmp(argv[1], "speed") == 0) {
		speed(&world);
		return 0;
	}
	for (size_t i = 0; i < score.series; i++) {
		if (strcmp(argv[1], "series") == 0)
			print_series(&world);
		else if (strcmp(argv[1], "online") == 0)
			follow(&world, &score);
		else
			judge(&world, &score);
	}
	if (strcmp(argv[1], "series") != 0)
		print(&world, &score);
	free(score.delays);
	free(world.real);
	return 0;
}
