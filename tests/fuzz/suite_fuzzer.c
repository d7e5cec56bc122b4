/* Suites: any bytes give a suite or one located error, and the same bytes the same answer. */
#include "suite/suite.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct spec {
	const char *path;
	const char *pattern;
	struct strings words;
	struct pairs env;
	int64_t count;
	uint64_t size_bytes;
	const struct json *any;
};

#define AT(member) .offset = offsetof(struct spec, member)
static const struct field spec_fields[] = {
	{.name = "path", .type = FIELD_STRING, AT(path), .required = true, .nonempty = true},
	{.name = "pattern", .type = FIELD_STRING, AT(pattern), .pattern = true},
	{.name = "words", .type = FIELD_STRINGS, AT(words), .nonempty = true},
	{.name = "env", .type = FIELD_MAP, AT(env)},
	{.name = "count", .type = FIELD_INT, AT(count), .min = 1, .max = 10, .def = "3"},
	{.name = "size", .type = FIELD_SIZE, AT(size_bytes)},
	{.name = "any", .type = FIELD_JSON, AT(any)},
	{.name = NULL},
};

static bool lookup(const char *kind, struct suite_kind *out, void *payload)
{
	(void)payload;
	if (strcmp(kind, "probe") != 0)
		return false;
	*out = (struct suite_kind){spec_fields, sizeof(struct spec), NULL, NULL};
	return true;
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = {"probe", NULL};
	static const char *const only[] = {"a*"};
	struct pair pair = {"A", "value \" ${B}"};
	const struct pairs vars = {&pair, 1};
	struct suite *suite = NULL, *again = NULL;
	struct err err = {0};
	const char *text = (const char *)data;

	if (suite_parse("f", text, size, &vars, NULL, lookup, kinds, NULL, &suite, &err) < 0) {
		must(!suite && err.code == ERR_USAGE && strncmp(err.msg, "f:", 2) == 0);
		return 0;
	}
	must(suite->name && suite->image && strlen(suite->hash) == 64);
	for (size_t i = 0; i < suite->check_count; i++)
		must(suite->checks[i].name && suite->checks[i].spec);
	must(suite_parse("f", text, size, &vars, NULL, lookup, kinds, NULL, &again, &err) == 0);
	must(strcmp(suite->hash, again->hash) == 0 && suite->check_count == again->check_count);
	must(suite_select(suite, only, 1) <= again->check_count);
	suite_free(suite);
	suite_free(again);
	return 0;
}
