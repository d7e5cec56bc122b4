/*
 * JSON Schema, draft 2020-12: the part that people write about answers of a service.
 *
 * Asserted: type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf,
 * minLength, maxLength, pattern, items, prefixItems, minItems, maxItems, uniqueItems, contains,
 * properties, required, additionalProperties, patternProperties, propertyNames, minProperties,
 * maxProperties, dependentRequired, allOf, anyOf, oneOf, not, if/then/else, and $ref to "#" or a
 * pointer into the same document. Read over: title, description, default, examples, deprecated,
 * readOnly, writeOnly, $comment, $schema, $id, $defs, definitions. Any other keyword is an error,
 * `format` too, which the draft does not assert: a schema never holds because a word of it was
 * not understood. Patterns are PCRE2.
 */
#ifndef PROMPT_SCHEMA_H
#define PROMPT_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#define SCHEMA_DEPTH_MAX 200	 /* of schemas applied inside each other, $ref included */
#define SCHEMA_STEPS_MAX 1000000 /* schemas applied to values, of one judgement */

/* SCHEMA is one that can be judged. ERR_USAGE names the place and the keyword. */
int schema_check(const struct json *schema, struct err *err);

struct schema_finding {
	const char *path;	  /* of the value, "$.choices[0].text" */
	const char *expected;	  /* "a string", "at least 3 members", … */
	const struct json *value; /* what is there, NULL: nothing; borrowed */
};

/* Does VALUE hold SCHEMA, which schema_check took? 1 yes; 0 no, OUT is the first that does not,
 * strings ARENA's; -1: a limit was reached or a pattern gave up (ERR_LIMIT). */
int schema_judge(const struct json *schema, const struct json *value, struct arena *arena,
		 struct schema_finding *out, struct err *err);

#endif
