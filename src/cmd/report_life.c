/* Alarms and A/B tests of the history, as the metric pages want them. */
#include "cmd/report_private.h"

#define LIFE_MAX 10000

static int add_changes(struct report *report, struct err *err)
{
	const struct alarm_filter filter = {.limit = LIFE_MAX};
	struct alarm_row *rows = NULL;
	size_t count = 0;

	if (report->store->ops->alarms(report->store, &filter, report->arena, &rows, &count, err) <
	    0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct site_change change = {
			.suite = rows[i].suite,
			.case_name = rows[i].case_name,
			.metric = rows[i].metric,
			.cell = rows[i].cell,
			.commit = rows[i].commit,
			.state = alarm_state_name(rows[i].state),
			.since = rows[i].since,
			.note = rows[i].note,
			.change = rows[i].change,
			.low = rows[i].low,
			.high = rows[i].high,
		};

		site_metrics_add_change(report->metrics, &change);
	}
	return 0;
}

static int add_trials(struct report *report, struct err *err)
{
	const struct trial_filter filter = {.limit = LIFE_MAX};
	struct trial_row *rows = NULL;
	size_t count = 0;

	if (report->store->ops->trials(report->store, &filter, report->arena, &rows, &count, err) <
	    0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct site_trial trial = {
			.suite = rows[i].suite,
			.case_name = rows[i].case_name,
			.metric = rows[i].metric,
			.cell = rows[i].cell,
			.started_at = rows[i].started_at,
			.before_commit = rows[i].before_commit,
			.after_commit = rows[i].after_commit,
			.verdict = rows[i].verdict,
			.before = rows[i].before,
			.after = rows[i].after,
			.count = rows[i].count,
		};

		site_metrics_add_trial(report->metrics, &trial);
	}
	return 0;
}

int report_add_life(struct report *report, struct err *err)
{
	return add_changes(report, err) < 0 ? -1 : add_trials(report, err);
}
