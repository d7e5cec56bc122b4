/* Friends of the room only. */
#ifndef PROMPT_SCHEMA_PRIVATE_H
#define PROMPT_SCHEMA_PRIVATE_H

#include "prompt/schema.h"

/* What "#" or "#/a/0/b" names in ROOT; NULL: nothing, or not a pointer. */
const struct json *schema__refer(const struct json *root, const char *ref);

#endif
