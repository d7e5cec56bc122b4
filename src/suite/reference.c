/* References: what a metric is known to be in a cell, and how far from it is too far. */
#include "suite/suite_private.h"

#include <math.h>
#include <string.h>

const char suite_reference_schema[] =
	"{\"type\": \"object\", \"minProperties\": 1, \"additionalProperties\": {"
	"\"type\": \"object\", \"minProperties\": 1, \"additionalProperties\": {"
	"\"type\": \"array\", \"minItems\": 4, \"maxItems\": 4, \"prefixItems\": ["
	"{\"type\": \"number\", \"not\": {\"const\": 0}}, {\"type\": [\"number\", \"null\"], "
	"\"maximum\": 0},"
	" {\"type\": [\"number\", \"null\"], \"minimum\": 0}, {\"type\": \"string\"}]}}}";

struct reader {
	const struct field_source *source;
	const char *path; /* "checks[3].references" */
	const char *cell, *metric;
	struct err *err;
};

/* Cells and metrics may be named as no path can be: the place is that of the cell. */
static int refuse(const struct reader *reader, const char *what)
{
	return field_error(reader->source, reader->path, reader->cell, reader->err, "%s%s%s",
			   reader->metric ? reader->metric : "", reader->metric ? ": " : "", what);
}

/* A percentage, or null for none. */
static int read_bound(const struct json *item, double *out)
{
	*out = (double)NAN;
	if (json_type(item) == JSON_NULL)
		return 0;
	*out = json_number(item);
	return json_type(item) == JSON_NUMBER && isfinite(*out) ? 0 : -1;
}

static int read_one(const struct reader *reader, const struct json *list,
		    struct suite_reference *out, struct arena *arena)
{
	const struct json *item = json_first(list);

	if (json_type(list) != JSON_ARRAY || json_size(list) != 4)
		return refuse(reader, "write [value, lower %, upper %, \"unit\"]");
	out->value = json_number(item);
	if (json_type(item) != JSON_NUMBER || !isfinite(out->value) || fabs(out->value) < 1e-300)
		return refuse(reader, "the value is a number other than 0: bounds are parts of it");
	item = json_next(item);
	if (read_bound(item, &out->lower) < 0 || out->lower > 0)
		return refuse(reader, "the lower bound is a percentage of at most 0, or null");
	item = json_next(item);
	if (read_bound(item, &out->upper) < 0 || out->upper < 0)
		return refuse(reader, "the upper bound is a percentage of at least 0, or null");
	if (isnan(out->lower) && isnan(out->upper))
		return refuse(reader, "without bounds nothing is asserted");
	item = json_next(item);
	if (!json_text(item))
		return refuse(reader, "the unit is a string, \"\" for none");
	out->unit = arena_strdup(arena, json_text(item));
	out->cell = arena_strdup(arena, reader->cell);
	out->metric = arena_strdup(arena, reader->metric);
	return 0;
}

int suite_load_references(const struct json *json, const struct field_source *source,
			  const char *path, struct arena *arena, struct suite_references *out,
			  struct err *err)
{
	struct reader reader = {.source = source, .path = path, .err = err};

	*out = (struct suite_references){0};
	if (!json)
		return 0;
	if (json_type(json) != JSON_OBJECT || !json_size(json))
		return refuse(&reader, "expected an object of cells, \"*\" for any");
	for (const struct json *cell = json_first(json); cell; cell = json_next(cell)) {
		reader.cell = json_key(cell);
		reader.metric = NULL;
		if (json_type(cell) != JSON_OBJECT || !json_size(cell))
			return refuse(&reader, "expected an object of metrics");
		for (const struct json *item = json_first(cell); item; item = json_next(item)) {
			struct suite_reference *slot;

			reader.metric = json_key(item);
			if (out->count == SUITE_REFERENCES_MAX)
				return refuse(&reader, "too many references");
			slot = arena_push(arena, &out->items, &out->count, sizeof(*slot));
			if (read_one(&reader, item, slot, arena) < 0)
				return -1;
		}
	}
	return 0;
}
