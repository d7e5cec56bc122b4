/* Input: a JSON Schema, a line feed, a value. What the check takes can be judged. */
#include "fuzzer.h"

#include "prompt/schema.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *line = size ? memchr(text, '\n', size) : NULL;
	struct json *schema = NULL, *value = NULL;
	struct schema_finding finding = {0};
	struct arena *arena;
	struct err err;

	if (!line)
		return 0;
	arena = arena_new();
	if (json_parse(text, (size_t)(line - text), false, &schema, &err) == 0 &&
	    json_parse(line + 1, size - (size_t)(line + 1 - text), false, &value, &err) == 0 &&
	    schema_check(schema, &err) == 0 &&
	    schema_judge(schema, value, arena, &finding, &err) == 0 &&
	    (!finding.path || !finding.expected))
		abort();
	json_free(schema);
	json_free(value);
	arena_free(arena);
	return 0;
}
