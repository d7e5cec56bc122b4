/* Two check kinds that exist only in tests: "probe" has keys of most types, "plain" has none. */
#ifndef TESTS_UNIT_SUITE_FAKE_KIND_H
#define TESTS_UNIT_SUITE_FAKE_KIND_H

#include "suite/suite.h"

#include <string.h>

struct probe {
	const char *path;
	const char *pattern;
	struct strings words;
	int64_t count;
	uint64_t wait_ns;
	const struct json *any;
};

static const struct field probe_fields[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct probe, path),
	 .required = true,
	 .nonempty = true,
	 .help = "where to look"},
	{.name = "pattern",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct probe, pattern),
	 .pattern = true,
	 .help = "what must occur"},
	{.name = "words",
	 .type = FIELD_STRINGS,
	 .offset = offsetof(struct probe, words),
	 .help = "some words"},
	{.name = "count",
	 .type = FIELD_INT,
	 .offset = offsetof(struct probe, count),
	 .min = 1,
	 .max = 10,
	 .def = "3",
	 .help = "how often"},
	{.name = "wait",
	 .type = FIELD_DURATION,
	 .offset = offsetof(struct probe, wait_ns),
	 .help = "how long"},
	{.name = "any",
	 .type = FIELD_JSON,
	 .offset = offsetof(struct probe, any),
	 .help = "anything"},
	{.name = NULL},
};

static const struct field plain_fields[] = {{.name = NULL}};

static const char *const fake_kinds[] = {"plain", "probe", NULL};

static int probe_validate(const void *spec, struct err *err)
{
	const struct probe *probe = spec;

	if (probe->pattern && probe->any)
		return err_set(err, ERR_USAGE, "\"pattern\" and \"any\" exclude each other");
	return 0;
}

static bool fake_lookup(const char *kind, struct suite_kind *out, void *payload)
{
	(void)payload;
	if (strcmp(kind, "probe") == 0)
		*out = (struct suite_kind){probe_fields, sizeof(struct probe), probe_validate,
					   NULL};
	else if (strcmp(kind, "plain") == 0)
		*out = (struct suite_kind){plain_fields, 0, NULL, NULL};
	else
		return false;
	return true;
}

#endif
