/* Not only which commit, but what about it: the difference of the two images. And where no commit
 * did it, what moved outside of the repository. */
#include "cmd/bisect_private.h"
#include "cmd/subject.h"

#include <math.h>
#include <string.h>

#define RUNS_LOOKED_AT 200
#define EXTERNAL_PRIOR .05 /* that a new build of a commit that passes fails */
#define FRESH_TESTS_MAX 20
#define RATE_MIN .01

/* The last usable sighting of an artefact's image. */
static const struct sighting *sighting_at(const struct hunt *hunt, uint32_t position,
					  enum sight sight)
{
	const struct sighting *found = NULL;

	for (size_t i = 0; i < hunt->sighting_count; i++) {
		const struct sighting *one = &hunt->sightings[i];
		uint32_t there = bisect__position_of(hunt, one->commit);

		if (!one->fresh && (one->sight == sight || one->sight == SIGHT_MEASURED) &&
		    search_face(hunt->search, there) == search_face(hunt->search, position))
			found = one;
	}
	return found;
}

static bool was_built_here(const struct hunt *hunt, const char *image)
{
	for (size_t i = 0; i < hunt->sighting_count; i++) {
		const struct sighting *one = &hunt->sightings[i];

		if (one->image && one->build_s > 0 && strcmp(one->image, image) == 0)
			return true;
	}
	return false;
}

/* --- comparing ------------------------------------------------------------------------------- */

/* Facts of an image, or, when it is gone, those that a run kept. */
static int open_facts(const struct hunt *hunt, const char *image, const char *run,
		      struct subject *out, struct err *err)
{
	const struct subject_request by_image = {
		.kind = SUBJECT_ENGINE, .word = image, .engine = hunt->options->engine};
	const struct subject_request by_run = {
		.word = run, .engine = hunt->options->engine, .state = hunt->state};

	if (image && subject_open(&by_image, out, err) == 0)
		return 0;
	return run ? subject_open(&by_run, out, err)
		   : err_set(err, ERR_NOTFOUND, "there is no image to compare");
}

static void copy_differences(struct hunt *hunt, const struct difference *list, size_t count,
			     struct cause *out)
{
	for (size_t i = 0; i < count; i++) {
		struct difference *item =
			arena_push(hunt->arena, &out->differences, &out->count, sizeof(*item));

		if (strcmp(list[i].topic, "size") == 0) { /* a consequence, never a reason */
			out->count--;
			continue;
		}
		item->topic = arena_strdup(hunt->arena, list[i].topic);
		item->name = arena_strdup(hunt->arena, list[i].name);
		item->before = arena_strdup(hunt->arena, list[i].before);
		item->after = arena_strdup(hunt->arena, list[i].after);
		item->where = arena_strdup(hunt->arena, list[i].where);
	}
}

static void compare(struct hunt *hunt, const char *before, const char *before_run,
		    const char *after, const char *after_run, struct cause *out)
{
	struct subject sides[2] = {{0}, {0}};
	struct difference *list = NULL;
	struct err why = {0};
	size_t count = 0;

	out->before = before;
	out->after = after;
	progress_say(hunt->progress, "comparing the two images");
	if (open_facts(hunt, before, before_run, &sides[0], &why) < 0 ||
	    open_facts(hunt, after, after_run, &sides[1], &why) < 0) {
		out->silent = arena_strdup(hunt->arena, why.msg);
	} else {
		facts_diff(sides[0].facts, sides[1].facts, false, hunt->arena, &list, &count);
		copy_differences(hunt, list, count, out);
	}
	for (size_t i = 0; i < 2; i++)
		if (sides[i].arena)
			subject_close(&sides[i]);
}

/* --- earlier runs ---------------------------------------------------------------------------- */

struct earlier {
	const char *run, *image, *started_at;
	const char *base; /* "NAME: OLD -> NEW" when a base image moved since */
};

static const char *moved_base(struct hunt *hunt, const struct run *old, const struct run *now)
{
	for (size_t i = 0; now && i < old->build.bases.count; i++)
		for (size_t j = 0; j < now->build.bases.count; j++) {
			const struct pair *a = &old->build.bases.items[i];
			const struct pair *b = &now->build.bases.items[j];

			if (strcmp(a->key, b->key) == 0 && strcmp(a->value, b->value) != 0)
				return arena_printf(hunt->arena, "%s: %.19s -> %.19s", a->key,
						    a->value, b->value);
		}
	return NULL;
}

static void note_earlier(struct hunt *hunt, const struct run *run, const struct sighting *now,
			 struct earlier *out)
{
	struct run *newer = NULL;
	struct err ignored;

	out->run = arena_strdup(hunt->arena, run->id);
	out->image = arena_strdup(hunt->arena, run->build.image_id);
	out->started_at = arena_strdup(hunt->arena, run->started_at);
	if (hunt->store->ops->load(hunt->store, now->run, &newer, &ignored) == 0)
		out->base = moved_base(hunt, run, newer);
	run_free(newer);
}

/* The newest run of NOW's commit from before the bisection that showed WANT in another image. */
static int find_earlier(struct hunt *hunt, const struct sighting *now, enum sight want,
			struct earlier *out, struct err *err)
{
	const struct store_filter filter = {.suite = hunt->suite->name,
					    .commit = now->commit,
					    .completed = true,
					    .limit = RUNS_LOOKED_AT};
	struct run_row *rows = NULL;
	size_t count = 0;

	if (hunt->store->ops->runs(hunt->store, &filter, hunt->arena, &rows, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count && !out->run; i++) {
		struct sighting seen = {0};
		struct run *run = NULL;

		if (strcmp(rows[i].started_at, hunt->started_at) >= 0 || !rows[i].image_id ||
		    !now->image || strcmp(rows[i].image_id, now->image) == 0)
			continue;
		if (hunt->store->ops->load(hunt->store, rows[i].id, &run, err) < 0)
			return -1;
		if (bisect__see_run(hunt, run, &seen, err) == 0 && seen.sight == want)
			note_earlier(hunt, run, now, out);
		run_free(run);
	}
	return 0;
}

/* --- external causes ------------------------------------------------------------------------- */

static const char *what_moved(struct hunt *hunt, const struct earlier *earlier)
{
	return earlier->base ? arena_printf(hunt->arena, "the base image %s moved", earlier->base)
			     : "a dependency that the commit does not pin moved";
}

/* The good end passed once and fails now. */
static int explain_older(struct hunt *hunt, struct cause *out, struct err *err)
{
	const struct sighting *now = sighting_at(hunt, GRAPH_NOWHERE, SIGHT_FAIL);
	struct earlier earlier = {0};

	if (!now || find_earlier(hunt, now, SIGHT_PASS, &earlier, err) < 0)
		return now ? -1 : 0;
	if (!earlier.run)
		return 0;
	out->external =
		arena_printf(hunt->arena,
			     "%.12s passed on %.10s and fails in an image built now, though "
			     "the commit is the same: %s",
			     now->commit, earlier.started_at, what_moved(hunt, &earlier));
	compare(hunt, earlier.image, earlier.run, now->image, now->run, out);
	return 0;
}

/* The test number I of COMMIT's new image: what an earlier call saw, else it is made now. */
static int test_fresh(struct hunt *hunt, const char *commit, unsigned i, struct sighting *out,
		      struct err *err)
{
	const struct fresh_build build = {.rebuild = i == 0};
	unsigned seen = 0;

	for (size_t k = 0; k < hunt->sighting_count; k++) {
		const struct sighting *one = &hunt->sightings[k];

		if (!one->fresh || one->layers_of || strcmp(one->commit, commit) != 0 ||
		    seen++ != i)
			continue;
		*out = *one;
		return 0;
	}
	return bisect__probe_fresh(hunt, commit, &build, out, err);
}

/* One failure in the new image may be a flake: test it until that is as improbable as the answer
 * has to be. FRESH_OUT is the last failure there; its sight is a pass when the image is as good. */
static int judge_fresh(struct hunt *hunt, const char *commit, struct sighting *fresh_out,
		       struct err *err)
{
	double fail, flake, odds = EXTERNAL_PRIOR / (1 - EXTERNAL_PRIOR);
	double enough = hunt->search_options.confidence / (1 - hunt->search_options.confidence);
	struct sighting seen = {0};

	posterior_rates(search_posterior(hunt->search), &fail, &flake);
	fresh_out->sight = SIGHT_PASS;
	for (unsigned i = 0; i < FRESH_TESTS_MAX; i++) {
		if (test_fresh(hunt, commit, i, &seen, err) < 0)
			return -1;
		if (seen.sight == SIGHT_BROKEN)
			break;
		if (seen.sight == SIGHT_FAIL)
			*fresh_out = seen;
		odds *= seen.sight == SIGHT_FAIL
				? fail / fmax(flake, RATE_MIN)
				: fmax(1 - fail, RATE_MIN) / fmax(1 - flake, RATE_MIN);
		if (odds >= enough && i + 1 >= hunt->search_options.confirm)
			return 0;
		if (odds < EXTERNAL_PRIOR)
			break;
	}
	fresh_out->sight = SIGHT_PASS;
	return 0;
}

/* Build KNOWN's commit anew: does it fail now? Compares with KNOWN, its image that passes. */
static int try_fresh(struct hunt *hunt, const struct sighting *known, struct cause *out,
		     struct err *err)
{
	struct sighting fresh = {0};

	if (judge_fresh(hunt, known->commit, &fresh, err) < 0)
		return -1;
	if (fresh.sight != SIGHT_FAIL)
		return 0;
	out->external = arena_printf(
		hunt->arena,
		"%.12s passes in its image %.19s and fails in one built anew, though the commit is "
		"the same: a dependency that it does not pin moved",
		known->commit, known->image);
	compare(hunt, known->image, known->run, fresh.image, fresh.run, out);
	return 0;
}

/* The bad end passes. A failure seen earlier in another image of it, or in a new one, is no fault
 * of the commits. */
static int explain_nobody(struct hunt *hunt, struct cause *out, struct err *err)
{
	uint32_t bad = graph_count(hunt->graph) - 1;
	const struct sighting *now = sighting_at(hunt, bad, SIGHT_PASS);
	struct earlier earlier = {0};

	if (!now)
		return 0;
	if (find_earlier(hunt, now, SIGHT_FAIL, &earlier, err) < 0)
		return -1;
	if (earlier.run) {
		out->external =
			arena_printf(hunt->arena,
				     "%.12s failed on %.10s in another image than now, though the "
				     "commit is the same: if that was no flake, %s",
				     now->commit, earlier.started_at, what_moved(hunt, &earlier));
		compare(hunt, now->image, now->run, earlier.image, earlier.run, out);
		return 0;
	}
	if (hunt->options->trust_images || !now->image || was_built_here(hunt, now->image))
		return 0;
	return try_fresh(hunt, now, out, err);
}

/* --- the culprit ----------------------------------------------------------------------------- */

static void add_word(struct hunt *hunt, struct strings *words, const char *word)
{
	const char **item = arena_push(hunt->arena, &words->items, &words->count, sizeof(*item));

	*item = arena_strdup(hunt->arena, word);
}

/* What the culprit's own run tells: why it did not build, what it does not break. */
static int read_run(struct hunt *hunt, const struct sighting *at, struct cause *out,
		    struct err *err)
{
	struct run *run = NULL;

	if (hunt->store->ops->load(hunt->store, at->run, &run, err) < 0)
		return -1;
	for (size_t i = 0; run->build.failed && i < run->notes.count; i++)
		add_word(hunt, &out->notes, run->notes.items[i]);
	for (size_t i = 0; i < hunt->wanted_count; i++) {
		const struct case_result *result = run_find_case(run, hunt->wanted[i].name);

		if (result && result->outcome == OUTCOME_PASS)
			add_word(hunt, &out->elsewhere, hunt->wanted[i].name);
	}
	run_free(run);
	return 0;
}

/* COMMIT on the layers of IMAGE: what an earlier call saw, else it is made now. */
static int test_on_layers(struct hunt *hunt, const char *commit, const char *image,
			  struct sighting *out, struct err *err)
{
	const struct fresh_build build = {.layers_of = image};

	for (size_t k = 0; k < hunt->sighting_count; k++) {
		const struct sighting *one = &hunt->sightings[k];

		if (one->layers_of && strcmp(one->layers_of, image) == 0 &&
		    strcmp(one->commit, commit) == 0) {
			*out = *one;
			return 0;
		}
	}
	return bisect__probe_fresh(hunt, commit, &build, out, err);
}

/* Do two images have the same packages, as far as their facts tell? */
static bool has_packages_of(struct hunt *hunt, const char *image, const char *other)
{
	struct cause between = {0};

	compare(hunt, image, NULL, other, NULL, &between);
	for (size_t i = 0; i < between.count; i++)
		if (strcmp(between.differences[i].topic, "python") == 0 ||
		    strcmp(between.differences[i].topic, "package") == 0)
			return false;
	return !between.silent;
}

/* The old code fails on new packages. The new code on the old ones, in OLD's image, tells whether
 * it has a part in it. Where they cannot be had again nothing is said. */
static int try_old_packages(struct hunt *hunt, const struct sighting *old, const char *commit,
			    struct cause *out, struct err *err)
{
	struct sighting seen = {0};

	if (test_on_layers(hunt, commit, old->image, &seen, err) < 0)
		return err->code == ERR_CANCELLED ? -1 : 0;
	if (seen.sight == SIGHT_BROKEN || !seen.image ||
	    !has_packages_of(hunt, old->image, seen.image))
		return 0;
	out->external = arena_printf(
		hunt->arena, "%s; %.12s, built on the packages of that image, %s", out->external,
		commit, seen.sight == SIGHT_PASS ? "passes too" : "fails as well: it has its part");
	return 0;
}

static int explain_culprit(struct hunt *hunt, const struct verdict_of_search *answer,
			   struct cause *out, struct err *err)
{
	const struct sighting *after = sighting_at(hunt, answer->witness, SIGHT_FAIL);
	const struct sighting *before =
		answer->parent_count ? sighting_at(hunt, answer->parents[0], SIGHT_PASS) : NULL;

	if (!after || !before)
		return 0;
	/* Old images may differ by the days they were built on. */
	if (before->image && !hunt->options->trust_images && !hunt->options->fix &&
	    !hunt->options->metric && !was_built_here(hunt, before->image) &&
	    try_fresh(hunt, before, out, err) < 0)
		return -1;
	if (out->external)
		return try_old_packages(hunt, before, after->commit, out, err);
	if (!after->image || !before->image)
		out->silent = "one of the two commits has no image, as its build fails";
	else
		compare(hunt, before->image, before->run, after->image, after->run, out);
	return read_run(hunt, after, out, err);
}

int bisect__find_cause(struct hunt *hunt, const struct verdict_of_search *answer, struct cause *out,
		       struct err *err)
{
	if (!hunt->suite || (hunt->options->metric && answer->ending != ENDING_CULPRIT))
		return 0;
	switch (answer->ending) {
	case ENDING_CULPRIT:
		return explain_culprit(hunt, answer, out, err);
	case ENDING_NO_CULPRIT:
		return explain_nobody(hunt, out, err);
	case ENDING_OLDER:
		return explain_older(hunt, out, err);
	case ENDING_OPEN:
	case ENDING_UNDECIDED:
		break;
	}
	return 0;
}
