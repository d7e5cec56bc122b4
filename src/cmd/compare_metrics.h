/* What two runs of the history measured, side by side. */
#ifndef CMD_COMPARE_METRICS_H
#define CMD_COMPARE_METRICS_H

#include "cmd/cmd.h"

#include "stats/difference.h"

/* One metric that both runs measured in the same cell. */
struct metric_change {
	const char *case_name;
	const char *metric;
	const char *unit; /* NULL: none */
	const char *cell; /* NULL: comparable across the whole history */
	enum direction direction;
	struct stats_difference difference; /* adjusted for all that are compared */
};

/* Metrics of the runs with the ids A and B, in B's order; none when the history of STATE (NULL:
 * no repository) does not know both. Memory is ARENA's. */
int compare_metrics(const char *state, const char *a, const char *b, struct arena *arena,
		    struct metric_change **out, size_t *count, struct err *err);

/* Two lines a metric: medians and whether it changed for the better; shift and finding. */
void print_metric_changes(const struct metric_change *list, size_t count);
void json_metric_changes(const struct metric_change *list, size_t count, struct json *out);

#endif
