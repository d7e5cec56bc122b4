#include "check/gpu_private.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

struct reading {
	struct arena *arena;
	size_t number; /* of the line, from 1 */
	struct err *err;
};

static int wrong(const struct reading *reading, const char *what)
{
	return err_set(reading->err, ERR_INFRA, "line %zu of assay-gpu's output: %s",
		       reading->number, what);
}

/* A string of at most MAX bytes, "" when the key is missing. */
static int take_text(const struct reading *reading, const struct json *object, const char *key,
		     size_t max, const char **out)
{
	const struct json *value = json_get(object, key);
	const char *text = value ? json_text(value) : "";

	if (!text || strlen(text) > max)
		return wrong(reading, arena_printf(reading->arena, "\"%s\" is no text of %zu bytes",
						   key, max));
	*out = arena_strdup(reading->arena, text);
	return 0;
}

static int take_name(const struct reading *reading, const struct json *object, const char *key,
		     const char **out)
{
	if (take_text(reading, object, key, GPU_NAME_MAX, out) < 0)
		return -1;
	for (const char *at = *out; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			return wrong(reading, "a name has other bytes than printable ones");
	return **out ? 0 : wrong(reading, arena_printf(reading->arena, "it has no \"%s\"", key));
}

/* --- metrics --------------------------------------------------------------------------------- */

static int take_samples(const struct reading *reading, const struct json *list,
			struct gpu_metric *out)
{
	if (!list || json_type(list) != JSON_ARRAY || json_size(list) > GPU_SAMPLES_MAX)
		return wrong(reading, "a metric has no list of samples, or too many");
	out->samples = arena_alloc(reading->arena, GPU_SAMPLES_MAX * sizeof(*out->samples));
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		if (json_type(item) == JSON_NULL)
			continue; /* not a number: nothing was measured */
		if (json_type(item) != JSON_NUMBER || !isfinite(json_number(item)))
			return wrong(reading, "a sample is no number");
		out->samples[out->sample_count++] = json_number(item);
	}
	return 0;
}

/* What the card's state is, no better and no worse. */
static bool is_state(const char *unit)
{
	static const char *const units[] = {"MHz", "C", "W", "bits"};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i]) == 0)
			return true;
	return false;
}

static int take_metric(const struct reading *reading, const struct json *object,
		       struct gpu_metric *out)
{
	const char *direction = "";

	if (json_type(object) != JSON_OBJECT)
		return wrong(reading, "a metric is no object");
	if (take_name(reading, object, "name", &out->name) < 0 ||
	    take_name(reading, object, "unit", &out->unit) < 0 ||
	    take_text(reading, object, "direction", GPU_NAME_MAX, &direction) < 0 ||
	    take_text(reading, object, "shape", GPU_NAME_MAX, &out->shape) < 0)
		return -1;
	if (strcmp(direction, "higher") != 0 && strcmp(direction, "lower") != 0)
		return wrong(reading, "a metric's direction is neither higher nor lower");
	out->direction = is_state(out->unit)	      ? DIRECTION_NONE
			 : strcmp(direction, "lower") ? DIRECTION_HIGHER
						      : DIRECTION_LOWER;
	return take_samples(reading, json_get(object, "samples"), out);
}

static int take_metrics(const struct reading *reading, const struct json *list,
			struct gpu_line *out)
{
	if (!list)
		return 0;
	if (json_type(list) != JSON_ARRAY || json_size(list) > GPU_METRICS_MAX)
		return wrong(reading, "its metrics are no list, or too many");
	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		struct gpu_metric *metric = arena_push(reading->arena, &out->metrics,
						       &out->metric_count, sizeof(*metric));

		*metric = (struct gpu_metric){0};
		if (take_metric(reading, item, metric) < 0)
			return -1;
	}
	return 0;
}

/* --- lines ----------------------------------------------------------------------------------- */

static int take_outcome(const struct reading *reading, const char *word, struct gpu_line *out)
{
	static const struct {
		const char *word;
		enum outcome outcome;
	} known[] = {{"pass", OUTCOME_PASS},
		     {"fail", OUTCOME_FAIL},
		     {"skip", OUTCOME_SKIP},
		     {"broken", OUTCOME_BROKEN},
		     {"infra", OUTCOME_BROKEN}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].word, word) == 0) {
			out->outcome = known[i].outcome;
			out->infra = strcmp(word, "infra") == 0;
			return 0;
		}
	return wrong(reading, "its outcome is none");
}

/* Only labels of the two kinds: no program in an image chooses among all. */
static int take_label(const struct reading *reading, const char *name, struct gpu_line *out)
{
	bool ours = strncmp(name, "kernel/", 7) == 0 || strncmp(name, "gpu-health/", 11) == 0;

	out->label = ours ? label_find(name) : NULL;
	if (out->label || (!*name && out->outcome != OUTCOME_FAIL))
		return 0;
	return wrong(reading, *name ? "its label is unknown" : "it fails without a label");
}

static int take_line(const struct reading *reading, const struct json *object, struct gpu_line *out)
{
	const char *outcome = "", *label = "";

	if (json_type(object) != JSON_OBJECT)
		return wrong(reading, "it is no object");
	if (take_name(reading, object, "name", &out->name) < 0 ||
	    take_name(reading, object, "outcome", &outcome) < 0 ||
	    take_text(reading, object, "label", GPU_NAME_MAX, &label) < 0 ||
	    take_text(reading, object, "expected", GPU_TEXT_MAX, &out->expected) < 0 ||
	    take_text(reading, object, "actual", GPU_TEXT_MAX, &out->actual) < 0 ||
	    take_text(reading, object, "reason", GPU_TEXT_MAX, &out->reason) < 0 ||
	    take_text(reading, object, "cell", GPU_TEXT_MAX, &out->cell) < 0 ||
	    take_outcome(reading, outcome, out) < 0 || take_label(reading, label, out) < 0)
		return -1;
	return take_metrics(reading, json_get(object, "metrics"), out);
}

static int read_line(const struct reading *reading, const char *text, size_t len,
		     struct gpu_lines *out)
{
	CLEANUP(json_freep) struct json *root = NULL;
	struct gpu_line *line;
	struct err bad = {0};

	if (len > GPU_LINE_BYTES_MAX || out->count == GPU_LINES_MAX)
		return wrong(reading, "too long, or one line too many");
	if (json_parse(text, len, false, &root, &bad) < 0)
		return wrong(reading, arena_strdup(reading->arena, bad.msg));
	line = arena_push(reading->arena, &out->items, &out->count, sizeof(*line));
	*line = (struct gpu_line){0};
	return take_line(reading, root, line);
}

int check_gpu_read(const char *text, size_t len, struct arena *arena, struct gpu_lines *out,
		   struct err *err)
{
	struct reading reading = {.arena = arena, .err = err};
	struct gpu_lines lines = {0};

	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		reading.number++;
		if (line && read_line(&reading, text, line, &lines) < 0)
			return -1;
		line += end ? 1 : 0;
		text += line;
		len -= line;
	}
	*out = lines;
	return 0;
}
