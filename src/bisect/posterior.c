#include "bisect/posterior.h"

#include "base/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is summed over hypotheses: a prefix sum of each is kept. */
enum sum {
	SUM_MASS,      /* P(h) */
	SUM_FAIL_BAD,  /* P(h) P(fail | h, bad code) */
	SUM_FAIL_GOOD, /* P(h) P(fail | h, good code) */
	SUM_BITS_BAD,  /* P(h) H(outcome | h, bad code) */
	SUM_BITS_GOOD, /* P(h) H(outcome | h, good code) */
	SUM_COUNT
};

struct sums {
	double of[SUM_COUNT];
};

struct posterior {
	const struct graph *graph;
	struct posterior_model model;
	uint32_t count;
	double *log_prior;	 /* by position; then no culprit, older */
	double *mass;		 /* the same */
	struct seen *change;	 /* of what was seen of bad code from one position to the next */
	struct sums *before;	 /* sums over the positions before this one, count + 1 of them */
	struct sums none, older; /* the two hypotheses that are no commit */
	struct levels levels;
};

double bits_of(double p)
{
	return p <= 0 || p >= 1 ? 0 : -p * log2(p) - (1 - p) * log2(1 - p);
}

/* --- opening --------------------------------------------------------------------------------- */

static void set_prior(struct posterior *posterior)
{
	const struct posterior_model *model = &posterior->model;
	uint32_t n = posterior->count;
	double total = 0, rest = 1 - model->no_culprit - model->older;

	for (uint32_t c = 0; c < n; c++)
		total += model->weights ? model->weights[c] : 1;
	for (uint32_t c = 0; c < n; c++)
		posterior->log_prior[c] =
			log(rest * (model->weights ? model->weights[c] : 1) / total);
	posterior->log_prior[n] = log(model->no_culprit);
	posterior->log_prior[n + 1] = log(model->older);
}

int posterior_open(const struct graph *graph, const struct posterior_model *model,
		   struct posterior **out, struct err *err)
{
	size_t n = graph_count(graph);
	struct posterior *posterior;

	if (!likelihood_is_sound(&model->tests))
		return err_set(err, ERR_USAGE, "a failure rate lies between 0 and 1");
	if (!(model->no_culprit >= 0 && model->older >= 0 && model->no_culprit + model->older < 1))
		return err_set(err, ERR_USAGE,
			       "the probability of no culprit is at least 0, below 1");
	for (size_t c = 0; model->weights && c < n; c++)
		if (!(model->weights[c] > 0 && isfinite(model->weights[c])))
			return err_set(err, ERR_USAGE, "the weight of a commit is above 0");
	posterior = xcalloc(1, sizeof(*posterior));
	posterior->graph = graph;
	posterior->model = *model;
	posterior->count = (uint32_t)n;
	posterior->log_prior = xcalloc(n + 2, sizeof(double));
	posterior->mass = xcalloc(n + 2, sizeof(double));
	posterior->change = xcalloc(n + 1, sizeof(*posterior->change));
	posterior->before = xcalloc(n + 1, sizeof(*posterior->before));
	set_prior(posterior);
	posterior->model.weights = NULL;
	posterior_update(posterior, NULL, 0);
	*out = posterior;
	return 0;
}

void posterior_free(struct posterior *posterior)
{
	if (!posterior)
		return;
	free(posterior->log_prior);
	free(posterior->mass);
	free(posterior->change);
	free(posterior->before);
	free(posterior);
}

void posterior_exclude(struct posterior *posterior, uint32_t position)
{
	posterior->log_prior[position] = -INFINITY;
}

bool posterior_is_excluded(const struct posterior *posterior, uint32_t position)
{
	return posterior->log_prior[position] < -DBL_MAX;
}

void posterior_set_flake(struct posterior *posterior, const struct rate *rate)
{
	posterior->model.tests.flake = *rate;
}

/* --- update ---------------------------------------------------------------------------------- */

/* Counters wrap, and wrap back when they are added up. */
static void change_by(struct seen *change, const struct seen *seen, int sign)
{
	change->fails += (uint32_t)sign * seen->fails;
	change->passes += (uint32_t)sign * seen->passes;
	change->measured += (uint32_t)sign * seen->measured;
	change->sum += sign * seen->sum;
	change->squares += sign * seen->squares;
}

static bool is_change(const struct seen *change)
{
	return change->fails || change->passes || change->measured;
}

static void count_span(struct posterior *posterior, struct graph_span span, const struct seen *seen)
{
	change_by(&posterior->change[span.from], seen, 1);
	change_by(&posterior->change[span.to + 1], seen, -1);
}

/* Under which hypotheses were which tests on bad code? Returns what all tests showed. */
static struct seen count_tests(struct posterior *posterior, const struct tally *tallies,
			       size_t count)
{
	struct seen all = {0};

	memset(posterior->change, 0, (posterior->count + 1) * sizeof(*posterior->change));
	for (size_t i = 0; i < count; i++) {
		struct graph_set set;

		change_by(&all, &tallies[i].seen, 1);
		if (tallies[i].position == GRAPH_NOWHERE)
			continue;
		set = graph_ancestors(posterior->graph, tallies[i].position);
		for (size_t j = 0; j < set.count; j++)
			count_span(posterior, set.spans[j], &tallies[i].seen);
		count_span(posterior, set.last, &tallies[i].seen);
	}
	return all;
}

static struct seen rest_of(const struct seen *all, const struct seen *bad)
{
	struct seen good = *all;

	change_by(&good, bad, -1);
	return good;
}

static double judge(const struct posterior_model *model, const struct seen *bad,
		    const struct seen *all)
{
	const struct seen good = rest_of(all, bad);

	return likelihood_log(&model->tests, bad, &good);
}

static double log_masses(struct posterior *posterior, const struct seen *all)
{
	const struct posterior_model *model = &posterior->model;
	const struct seen nothing = {0};
	uint32_t n = posterior->count;
	struct seen bad = {0};
	double like = judge(model, &bad, all), top = -INFINITY;

	for (uint32_t c = 0; c < n; c++) {
		change_by(&bad, &posterior->change[c], 1);
		if (is_change(&posterior->change[c]))
			like = judge(model, &bad, all);
		posterior->mass[c] = posterior->log_prior[c] + like;
		top = fmax(top, posterior->mass[c]);
	}
	posterior->mass[n] = posterior->log_prior[n] + judge(model, &nothing, all);
	posterior->mass[n + 1] = posterior->log_prior[n + 1] + judge(model, all, all);
	return fmax(top, fmax(posterior->mass[n], posterior->mass[n + 1]));
}

/* Out of log space. When everything is impossible there is nothing to blame. */
static void normalise(struct posterior *posterior, double top)
{
	uint32_t n = posterior->count;
	double total = 0;

	for (uint32_t c = 0; c < n + 2; c++) {
		double mass = top > -DBL_MAX ? exp(posterior->mass[c] - top) : c == n;

		posterior->mass[c] = mass;
		total += mass;
	}
	for (uint32_t c = 0; c < n + 2; c++)
		posterior->mass[c] /= total;
}

/* The line above which a measured value counts as a failure when probes are weighed, where the most
 * probable commit puts it. What is observed is judged by its value. */
static double middle_of(struct posterior *posterior, const struct seen *all)
{
	const struct likelihood_model *tests = &posterior->model.tests;
	struct seen bad = {0}, worst = {0}, good;
	double top = -1;

	if (tests->noise <= 0)
		return 0;
	for (uint32_t c = 0; c < posterior->count; c++) {
		change_by(&bad, &posterior->change[c], 1);
		if (posterior->mass[c] > top) {
			top = posterior->mass[c];
			worst = bad;
		}
	}
	good = rest_of(all, &worst);
	posterior->levels = likelihood_levels(tests, &worst, &good);
	return (posterior->levels.bad + posterior->levels.good) / 2;
}

static struct sums unit_sums(const struct posterior_model *model, const struct seen *bad,
			     const struct seen *all, double middle)
{
	const struct seen good = rest_of(all, bad);
	double fail, flake;

	likelihood_next(&model->tests, bad, &good, middle, &fail, &flake);
	return (struct sums){{1, fail, flake, bits_of(fail), bits_of(flake)}};
}

static struct sums scaled(const struct sums *unit, double mass)
{
	struct sums out;

	for (size_t i = 0; i < SUM_COUNT; i++)
		out.of[i] = mass * unit->of[i];
	return out;
}

static void add_up(struct posterior *posterior, const struct seen *all)
{
	const struct posterior_model *model = &posterior->model;
	const struct seen nothing = {0};
	uint32_t n = posterior->count;
	double middle = middle_of(posterior, all);
	struct seen bad = {0};
	struct sums unit = unit_sums(model, &bad, all, middle);

	for (uint32_t c = 0; c < n; c++) {
		change_by(&bad, &posterior->change[c], 1);
		if (is_change(&posterior->change[c]))
			unit = unit_sums(model, &bad, all, middle);
		for (size_t i = 0; i < SUM_COUNT; i++)
			posterior->before[c + 1].of[i] =
				posterior->before[c].of[i] + posterior->mass[c] * unit.of[i];
	}
	unit = unit_sums(model, &nothing, all, middle);
	posterior->none = scaled(&unit, posterior->mass[n]);
	unit = unit_sums(model, all, all, middle);
	posterior->older = scaled(&unit, posterior->mass[n + 1]);
}

void posterior_update(struct posterior *posterior, const struct tally *tallies, size_t count)
{
	struct seen all = count_tests(posterior, tallies, count);
	double top = log_masses(posterior, &all);

	normalise(posterior, top);
	add_up(posterior, &all);
}

/* --- questions ------------------------------------------------------------------------------- */

static void sum_span(const struct posterior *posterior, struct graph_span span, struct sums *out)
{
	const struct sums *low = &posterior->before[span.from];
	const struct sums *high = &posterior->before[span.to + 1];

	for (size_t i = 0; i < SUM_COUNT; i++)
		out->of[i] += high->of[i] - low->of[i];
}

/* Sums over the hypotheses under which the code at POSITION is bad. */
static struct sums sums_bad(const struct posterior *posterior, uint32_t position)
{
	struct sums out = posterior->older;
	struct graph_set set;

	if (position == GRAPH_NOWHERE)
		return out;
	set = graph_ancestors(posterior->graph, position);
	for (size_t i = 0; i < set.count; i++)
		sum_span(posterior, set.spans[i], &out);
	sum_span(posterior, set.last, &out);
	return out;
}

static double total(const struct posterior *posterior, enum sum which)
{
	return posterior->before[posterior->count].of[which] + posterior->none.of[which] +
	       posterior->older.of[which];
}

double posterior_mass(const struct posterior *posterior, uint32_t position)
{
	return posterior->mass[position];
}

double posterior_no_culprit(const struct posterior *posterior)
{
	return posterior->mass[posterior->count];
}

double posterior_older(const struct posterior *posterior)
{
	return posterior->mass[posterior->count + 1];
}

double posterior_span(const struct posterior *posterior, uint32_t from, uint32_t to)
{
	return posterior->before[to + 1].of[SUM_MASS] - posterior->before[from].of[SUM_MASS];
}

double posterior_bad(const struct posterior *posterior, uint32_t position)
{
	struct sums bad = sums_bad(posterior, position);

	return fmin(fmax(bad.of[SUM_MASS], 0), 1);
}

/* I(culprit; outcome) = H(outcome) - sum over hypotheses of P(h) H(outcome | h). */
double posterior_information(const struct posterior *posterior, uint32_t position)
{
	struct sums bad = sums_bad(posterior, position);
	double fails =
		bad.of[SUM_FAIL_BAD] + total(posterior, SUM_FAIL_GOOD) - bad.of[SUM_FAIL_GOOD];
	double known =
		bad.of[SUM_BITS_BAD] + total(posterior, SUM_BITS_GOOD) - bad.of[SUM_BITS_GOOD];

	return fmax(bits_of(fails) - known, 0);
}

void posterior_rates(const struct posterior *posterior, double *fail_out, double *flake_out)
{
	*fail_out = total(posterior, SUM_FAIL_BAD);
	*flake_out = total(posterior, SUM_FAIL_GOOD);
}

struct levels posterior_levels(const struct posterior *posterior)
{
	return posterior->levels;
}
