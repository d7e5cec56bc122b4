/* Numbers and JSON values of a command's output: parts of the kind `command`. */
#ifndef CHECK_COMMAND_PRIVATE_H
#define CHECK_COMMAND_PRIVATE_H

#include "check/trial.h"

/* Samples of one metric: more than any benchmark prints, few enough to search quickly. */
#define METRIC_SAMPLES_MAX 10000

struct json_spec {
	const char *path;
	const struct json *equals;
	const char *contains;
	const char *matches;
	double min, max;
	int type;
	int exists;
};
extern const struct field check_json_fields[];

struct metric_spec {
	const char *name;
	const char *path;
	const char *pattern;
	const char *unit;
	int better;
	const char *per; /* name of another; NULL: none */
	double min, max;
};
extern const struct field check_metric_fields[];

int check_json_validate(const struct json_spec *specs, size_t count, struct err *err);
int check_metric_validate(const struct metric_spec *specs, size_t count, struct err *err);

/* Add to TRIAL what does not hold of DOCUMENT. */
int check_json_judge(struct trial *trial, const struct json_spec *specs, size_t count,
		     const struct json *document, const char *where, struct err *err);

/* Record every sample in the case, also when some are out of range: over the median of the metric
 * that it is per, where it is. DOCUMENT may be NULL when no
 * metric has a path. */
int check_metric_judge(struct trial *trial, const struct metric_spec *specs, size_t count,
		       const struct json *document, const struct command_result *result,
		       const char *where, struct err *err);

/* The shortest text that reads back as VALUE. */
const char *check_number_show(double value, struct arena *arena);
/* VALUE as JSON in one line, redacted and cut; "nothing" for NULL. */
const char *check_json_show(const struct trial *trial, const struct json *value);

#endif
