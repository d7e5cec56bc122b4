/* Failure signatures: whether two failures are the same one. */
#ifndef MODEL_SIGNATURE_H
#define MODEL_SIGNATURE_H

#include "model/run.h"

/* What of a failure stays when it happens again: its text with numbers, addresses, hashes, times
 * and temporary names replaced, SIGNATURE_MAX bytes at most. Memory is ARENA's. */
#define SIGNATURE_MAX 512
const char *signature_text(const struct case_result *result, struct arena *arena);

/* Did A and B, which failed, fail in the same way: by label and text? ARENA is for scratch. */
bool signature_is_same(const struct case_attempt *a, const struct case_attempt *b,
		       struct arena *arena);

#endif
