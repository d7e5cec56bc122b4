/* JSON written in tests, and a memory of their own. */
#ifndef TEST_PROMPT_SUPPORT_H
#define TEST_PROMPT_SUPPORT_H

#include "base/field.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct json *documents[1000];
static size_t document_count;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (document_count)
		json_free(documents[--document_count]);
	arena_free(arena);
	return 0;
}

/* TEXT as JSON; it lives until the test ends. */
static inline const struct json *parse(const char *text)
{
	struct err err = {0};
	struct json *out = NULL;

	if (json_parse(text, strlen(text), true, &out, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	documents[document_count++] = out;
	return out;
}

/* A spec of FIELDS from TEXT. */
static inline void load(const struct field *fields, const char *text, void *out)
{
	const struct field_source source = {"test", text, strlen(text), false};
	struct err err = {0};

	if (field_load(fields, parse(text), "", &source, NULL, arena, out, &err) < 0)
		fail_msg("%s", err.msg);
}

#endif
