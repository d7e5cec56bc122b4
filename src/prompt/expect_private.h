/* Friends of the room only: findings are made in one place. */
#ifndef PROMPT_EXPECT_PRIVATE_H
#define PROMPT_EXPECT_PRIVATE_H

#include "prompt/expect.h"

struct expect_look {
	const struct expect *expect;
	const struct expect_answer *answer;
	struct arena *arena;
	struct expect_findings *out;
	struct err *err;
};

/* One assertion that does not hold. What passes EXPECT_FINDINGS_MAX is dropped. */
void expect__add(const struct expect_look *look, const char *label, const char *where,
		 const char *expected, const char *actual);

/* VALUE as JSON in one line, "nothing" for NULL; ARENA's. */
const char *expect__show(const struct expect_look *look, const struct json *value);

/* json and schema of the expectation. -1: undecidable. */
int expect__judge_json(const struct expect_look *look);

#endif
