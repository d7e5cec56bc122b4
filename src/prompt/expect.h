/*
 * What must hold of an answer. One table for functional checks and for load. Pure.
 *
 * Each assertion that fails is one finding, one line: expected, found, where in the answer. All
 * are judged, none hides another. What cannot be decided is an error, never a pass.
 */
#ifndef PROMPT_EXPECT_H
#define PROMPT_EXPECT_H

#include "prompt/reply.h"

#define EXPECT_FINDINGS_MAX 100 /* of one answer */

struct expect_value { /* an element of "json" */
	const char *path;
	const struct json *equals;
	const char *contains;
	const char *matches;
	double min, max;
	double near; /* with TOLERANCE */
	double tolerance;
	double relative;		/* |found - near| <= max(tolerance, relative * |near|) */
	int type;			/* enum json_type, -1 */
	int exists;			/* tri-state */
	int64_t length_min, length_max; /* of a string in bytes, of a list or object in members */
};

struct expect_header { /* an element of "headers" */
	const char *name;
	const char *equals;
	const char *contains;
	const char *matches;
	int exists;
};

struct expect_similar {
	const char *to; /* the text to be like; NULL: the golden */
	double min;	/* least F1 of word n-grams, 0..1 */
	int64_t n;	/* words in an n-gram, default 2 */
};

enum expect_json_of { EXPECT_BODY, EXPECT_TEXT };

struct expect {
	int64_t status; /* FIELD_ABSENT_INT: 200 is wanted, which asserts nothing by itself */
	struct objects headers; /* struct expect_header */
	struct objects json;	/* struct expect_value */
	const struct json *schema;
	int json_of;	    /* enum expect_json_of: what `json` and `schema` look at */
	const char *equals; /* of the text; white space at both ends is dropped */
	struct strings contains, not_contains;
	struct strings matches, not_matches; /* PCRE2 */
	const char *finish;		     /* finish reason */
	int64_t tokens_min, tokens_max;
	struct expect_similar *similar;
	bool golden;	    /* exactly the golden of the case */
	bool deterministic; /* all repetitions give the same text */
};
extern const struct field expect_fields[];
/* The row of what must hold of answers, for a struct that holds an expect at OFFSET. */
#define EXPECT_FIELD(OFFSET, HELP)                                                                 \
	{                                                                                          \
		.name = "expect", .type = FIELD_OBJECT, .offset = (OFFSET),                        \
		.fields = expect_fields, .size = sizeof(struct expect), .help = (HELP)             \
	}

/* Does it say anything at all? */
bool expect_asserts(const struct expect *expect);

/* SPEC asserts something and does not contradict itself; its paths, patterns and schema are
 * sound. WHAT names it in the message. ERR_USAGE. */
int expect_validate(const struct expect *expect, const char *what, struct err *err);

/* An answer as it came. */
struct expect_answer {
	int status;
	const char *headers; /* raw header lines of the last answer, "" when unknown */
	const char *body;
	size_t body_len;
	const struct json *document; /* the body as JSON, NULL: it is none, or a stream */
	const struct prompt_reply *reply;
	const char *golden; /* NULL: there is none */
};

struct expect_finding {
	const char *label; /* "prompt/…" */
	const char *expected;
	const char *actual;
	const char *where; /* "status", "header content-type", "$.usage.total_tokens", "the text" */
};

struct expect_findings {
	struct expect_finding *items;
	size_t count; /* at most EXPECT_FINDINGS_MAX */
};

/*
 * Add to OUT every assertion of EXPECT that ANSWER does not hold, and an error object in an answer
 * of status 2xx; strings are ARENA's, not redacted
 * and not cut. `deterministic` is not judged here. -1: undecidable (a pattern gave up: ERR_LIMIT).
 */
int expect_judge(const struct expect *expect, const struct expect_answer *answer,
		 struct arena *arena, struct expect_findings *out, struct err *err);

/* F1 of the word n-grams of two texts, 0..1; texts shorter than N words are compared by the
 * words they have. Two empty texts are alike. */
double expect_similarity(const char *a, const char *b, unsigned n, struct arena *arena);

#endif
