#include "cmd/alarms.h"

#include "base/clock.h"
#include "stats/changes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_MAX 400	 /* newest of a series: older changes have had their time */
#define ALARMS_MAX 10000 /* of a metric */
#define NEAR 3		 /* points that more data may move a change by */
#define NOT_SHOWN "later runs do not show it"
#define BACK 0.5 /* share of a change that has to be undone for the old level to be back */

struct point {
	size_t age; /* as its commit's */
	const char *commit, *started_at;
	double value;
};

struct parent {
	const char *commit;
	size_t age; /* first-parent steps back from the run's own */
};

struct watch {
	struct store *store;
	const struct run *run;
	const struct parent *parents; /* by hash */
	size_t parent_count;
	struct arena *arena;
	void (*tell)(void *payload, const char *line);
	void *payload;
	char now[CLOCK_TEXT];
};

struct series {
	const char *case_name, *metric, *cell;
	enum direction direction;
	int64_t environment; /* of the run: other machines have levels of their own */
	struct point *points;
	size_t count;
	double *values;
	struct stats_change *changes;
	size_t change_count;
	struct alarm_row *alarms; /* of this series */
	size_t alarm_count;
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* --- the series ------------------------------------------------------------------------------ */

static int by_hash(const void *a, const void *b)
{
	const struct parent *x = a, *y = b;

	return strcmp(x->commit, y->commit);
}

/* The run's commit and its first parents, by hash: every point asks. */
static void index_parents(struct watch *watch, const struct strings *commits)
{
	struct parent *parents = arena_alloc(watch->arena, (commits->count + 1) * sizeof(*parents));

	parents[0] = (struct parent){watch->run->commit.hash, 0};
	for (size_t i = 0; i < commits->count; i++)
		parents[i + 1] = (struct parent){commits->items[i], i + 1};
	watch->parents = parents;
	watch->parent_count = commits->count + 1;
	qsort(parents, watch->parent_count, sizeof(*parents), by_hash);
}

/* False for a commit that is none of the run's first parents. */
static bool find_age(const struct watch *watch, const char *commit, size_t *age)
{
	const struct parent key = {commit, 0};
	const struct parent *found = bsearch(&key, watch->parents, watch->parent_count,
					     sizeof(*watch->parents), by_hash);

	if (found)
		*age = found->age;
	return found != NULL;
}

/* Oldest commit first; runs of one commit as they were made. */
static void insert(struct series *series, struct point point)
{
	size_t at = series->count++;

	while (at && (series->points[at - 1].age < point.age ||
		      (series->points[at - 1].age == point.age &&
		       strcmp(series->points[at - 1].started_at, point.started_at) > 0))) {
		series->points[at] = series->points[at - 1];
		at--;
	}
	series->points[at] = point;
}

static int read_series(const struct watch *watch, struct series *series, struct err *err)
{
	const struct metric_filter filter = {.metric = series->metric,
					     .suite = watch->run->suite,
					     .case_name = series->case_name,
					     .limit = POINTS_MAX};
	struct metric_row *rows = NULL;
	size_t count = 0;

	if (watch->store->ops->metrics(watch->store, &filter, watch->arena, &rows, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].run_id, watch->run->id) == 0)
			series->environment = rows[i].environment;
	series->points = arena_alloc(watch->arena, count * sizeof(*series->points));
	series->values = arena_alloc(watch->arena, count * sizeof(*series->values));
	for (size_t i = 0; i < count; i++) {
		struct point point = {.commit = rows[i].commit,
				      .started_at = rows[i].started_at,
				      .value = rows[i].median};

		if (rows[i].environment == series->environment &&
		    same_text(rows[i].cell, series->cell) &&
		    rows[i].direction == series->direction && point.value > 0 &&
		    isfinite(point.value) && find_age(watch, point.commit, &point.age))
			insert(series, point);
	}
	for (size_t i = 0; i < series->count; i++)
		series->values[i] = series->points[i].value;
	return stats_changes(series->values, series->count, STATS_CHANGES_FLOOR, watch->arena,
			     &series->changes, &series->change_count, err);
}

static int read_alarms(const struct watch *watch, struct series *series, struct err *err)
{
	const struct alarm_filter filter = {.metric = series->metric, .limit = ALARMS_MAX};
	struct alarm_row *rows = NULL;
	size_t count = 0;

	if (watch->store->ops->alarms(watch->store, &filter, watch->arena, &rows, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].suite, watch->run->suite) == 0 &&
		    strcmp(rows[i].case_name, series->case_name) == 0 &&
		    same_text(rows[i].cell, series->cell) &&
		    rows[i].environment == series->environment)
			*(struct alarm_row *)arena_push(watch->arena, &series->alarms,
							&series->alarm_count, sizeof(*rows)) =
				rows[i];
	return 0;
}

/* --- states ---------------------------------------------------------------------------------- */

static bool is_worse(const struct series *series, double change)
{
	return series->direction == DIRECTION_LOWER ? change > 0 : change < 0;
}

static void tell(const struct watch *watch, const struct series *series,
		 const struct alarm_row *alarm)
{
	const char *line;

	if (!watch->tell)
		return;
	line = arena_printf(watch->arena, "alarm: %s %s%s%s %+.1f %% at %.12s: %s",
			    series->case_name, series->metric, series->cell ? " on " : "",
			    series->cell ? series->cell : "", alarm->change * 100, alarm->commit,
			    alarm_state_name(alarm->state));
	if (alarm->state == ALARM_SUSPECTED && alarm->before_commit)
		line = arena_printf(watch->arena,
				    "%s; to be sure: assay run --commit %.12s --against %.12s "
				    "--metric %s",
				    line, alarm->commit, alarm->before_commit, series->metric);
	watch->tell(watch->payload, line);
}

static int put(const struct watch *watch, const struct series *series, struct alarm_row alarm,
	       enum alarm_state state, const char *note, struct err *err)
{
	alarm.state = state;
	alarm.note = note;
	alarm.at = watch->now;
	if (watch->store->ops->put_alarm(watch->store, &alarm, err) < 0)
		return -1;
	tell(watch, series, &alarm);
	return 0;
}

/* Where the first point of COMMIT lies; the count of points when none does. */
static size_t place_of(const struct series *series, const char *commit)
{
	size_t at = 0;

	while (at < series->count && strcmp(series->points[at].commit, commit) != 0)
		at++;
	return at;
}

static bool is_near(size_t a, size_t b)
{
	return a + NEAR >= b && b + NEAR >= a;
}

/* Is it known already? What later runs took back, and now show again, is not; what an A/B run
 * denied stays denied. */
static bool is_known(const struct series *series, const struct stats_change *change)
{
	for (size_t i = 0; i < series->alarm_count; i++) {
		const struct alarm_row *alarm = &series->alarms[i];

		if (is_near(place_of(series, alarm->commit), change->at) &&
		    (alarm->state != ALARM_RETRACTED || !same_text(alarm->note, NOT_SHOWN)))
			return true;
	}
	return false;
}

static bool is_found(const struct series *series, size_t place)
{
	for (size_t i = 0; i < series->change_count; i++)
		if (is_near(series->changes[i].at, place))
			return true;
	return false;
}

/* The commit before the change: not the same one measured again. */
static const char *commit_before(const struct series *series, size_t at)
{
	for (size_t i = at; i-- > 0;)
		if (strcmp(series->points[i].commit, series->points[at].commit) != 0)
			return series->points[i].commit;
	return NULL;
}

static int open_new(const struct watch *watch, const struct series *series, struct err *err)
{
	for (size_t i = 0; i < series->change_count; i++) {
		const struct stats_change *change = &series->changes[i];
		const struct alarm_row alarm = {
			.suite = watch->run->suite,
			.case_name = series->case_name,
			.metric = series->metric,
			.cell = series->cell,
			.environment = series->environment,
			.commit = series->points[change->at].commit,
			.before_commit = commit_before(series, change->at),
			.change = change->size,
			.low = change->within.low,
			.high = change->within.high,
		};

		/* Two levels of one commit are the machine's doing, or a flake's. */
		if (is_known(series, change) || !is_worse(series, change->size) ||
		    !alarm.before_commit || place_of(series, alarm.commit) != change->at)
			continue;
		if (put(watch, series, alarm, ALARM_SUSPECTED, NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* Is the level of before the change at PLACE back at the end of the series? */
static bool is_back(const struct series *series, const struct alarm_row *alarm, size_t place)
{
	const struct stats_change *last = &series->changes[series->change_count - 1], *own = last;

	for (size_t i = 0; i < series->change_count; i++)
		if (is_near(series->changes[i].at, place))
			own = &series->changes[i];
	return last->at > own->at &&
	       fabs(last->after / own->before - 1) < (1 - BACK) * fabs(alarm->change);
}

/* Does the series hold enough of both levels to deny a change at PLACE? Not where it ends soon
 * after, as for a run of an older commit, or begins just before it. */
static bool knows_better(const struct series *series, size_t place)
{
	return place >= STATS_CHANGES_SEGMENT && series->count - place > 2 * STATS_CHANGES_SEGMENT;
}

static int follow_known(const struct watch *watch, const struct series *series, struct err *err)
{
	for (size_t i = 0; i < series->alarm_count; i++) {
		const struct alarm_row *alarm = &series->alarms[i];
		size_t place = place_of(series, alarm->commit);
		bool open = alarm->state == ALARM_SUSPECTED || alarm->state == ALARM_CONFIRMED;
		int rc = 0;

		if (!open || place == series->count)
			continue;
		if (alarm->state == ALARM_SUSPECTED && !is_found(series, place) &&
		    knows_better(series, place))
			rc = put(watch, series, *alarm, ALARM_RETRACTED, NOT_SHOWN, err);
		else if (series->change_count && is_found(series, place) &&
			 is_back(series, alarm, place))
			rc = put(watch, series, *alarm, ALARM_FIXED, "the old level is back", err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int alarms_watch(struct store *store, const struct run *run, const struct strings *commits,
		 void (*tell_line)(void *payload, const char *line), void *payload, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct watch watch = {
		.store = store, .run = run, .arena = arena, .tell = tell_line, .payload = payload};

	(void)clock_rfc3339(clock_unix_ms(), watch.now, sizeof(watch.now));
	index_parents(&watch, commits);
	for (size_t i = 0; i < run->case_count; i++)
		for (size_t m = 0; m < run->cases[i].metric_count; m++) {
			const struct metric *metric = &run->cases[i].metrics[m];
			struct series series = {.case_name = run->cases[i].name,
						.metric = metric->name,
						.cell = metric->cell,
						.direction = metric->direction,
						.environment = -1};

			if (metric->direction == DIRECTION_NONE || run->cases[i].reused_from)
				continue;
			if (read_series(&watch, &series, err) < 0 ||
			    read_alarms(&watch, &series, err) < 0 ||
			    open_new(&watch, &series, err) < 0 ||
			    follow_known(&watch, &series, err) < 0)
				return -1;
		}
	return 0;
}

int alarms_tried(struct store *store, const struct trial_row *trial, struct err *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct alarm_filter filter = {
		.metric = trial->metric, .commit = trial->after_commit, .limit = ALARMS_MAX};
	struct alarm_row *rows = NULL;
	char now[CLOCK_TEXT];
	size_t count = 0;

	if (!trial->before_commit || trial->verdict == VERDICT_INCONCLUSIVE)
		return 0;
	if (store->ops->alarms(store, &filter, arena, &rows, &count, err) < 0)
		return -1;
	(void)clock_rfc3339(clock_unix_ms(), now, sizeof(now));
	for (size_t i = 0; i < count; i++) {
		struct alarm_row *alarm = &rows[i];

		if (strcmp(alarm->suite, trial->suite) != 0 ||
		    strcmp(alarm->case_name, trial->case_name) != 0 ||
		    !same_text(alarm->cell, trial->cell) || alarm->state != ALARM_SUSPECTED ||
		    !same_text(alarm->before_commit, trial->before_commit))
			continue;
		alarm->state = trial->verdict == VERDICT_FAIL ? ALARM_CONFIRMED : ALARM_RETRACTED;
		alarm->note = arena_printf(arena, "A/B run %s", trial->id);
		alarm->at = now;
		if (store->ops->put_alarm(store, alarm, err) < 0)
			return -1;
	}
	return 0;
}
