/* Friends of version.c only: what a version scheme provides, and the text spans they work on.
 * Numbers stay digits (compared by length, then bytes), so no version is too long to order. */
#ifndef PARSE_VERSION_OPS_H
#define PARSE_VERSION_OPS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *at;
	size_t len;
};

/* Texts reach compare and match only after they passed check and clause_check. */
struct version_ops {
	bool clauses_by_space; /* spaces separate clauses too, as in node and cargo */
	int (*check)(struct span text, struct err *err);
	int (*compare)(struct span a, struct span b);
	int (*clause_check)(struct span clause, struct err *err);
	bool (*clause_match)(struct span clause, struct span text);
};

extern const struct version_ops version__pep440, version__semver, version__dotted;

enum version_op {
	OP_EQ,
	OP_NE,
	OP_LE,
	OP_GE,
	OP_LT,
	OP_GT,
	OP_COMPATIBLE, /* ~= */
	OP_ARBITRARY,  /* === */
	OP_CARET,
	OP_TILDE,
};

struct span version__trim(struct span text);
/* Cut leading digits off TEXT; empty when there are none. */
struct span version__digits(struct span *text);
/* Cut the part before the next SEPARATOR off REST; false when REST is used up. */
bool version__part(struct span *rest, char separator, struct span *part);
int version__number_compare(struct span a, struct span b);
/* Compare dotted numbers; a missing one is 0. At most LIMIT of them. */
int version__release_compare(struct span a, struct span b, size_t limit);
/* How many numbers a dotted release has. */
size_t version__release_count(struct span release);
/* "1.2.3" with nothing else? */
bool version__is_release(struct span text);
/* The operator in front of a semver or dotted clause, `=` when there is none; cuts it off. */
enum version_op version__operator(struct span *clause);
/* ^ and ~: are all numbers of TEXT that BOUND's operator holds fixed equal to BOUND's? */
bool version__holds(enum version_op op, struct span bound, struct span text);
bool version__order(enum version_op op, int order);

#endif
