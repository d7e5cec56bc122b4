/* Numbers between dots: CUDA, drivers, glibc. */
#include "parse/version_ops.h"

#include <stdint.h>

static int dotted_check(struct span text, struct err *err)
{
	if (!version__is_release(text))
		return err_set(err, ERR_USAGE, "it must be numbers between dots");
	return 0;
}

static int dotted_compare(struct span a, struct span b)
{
	return version__release_compare(a, b, SIZE_MAX);
}

static int dotted_clause_check(struct span clause, struct err *err)
{
	(void)version__operator(&clause);
	if (!clause.len)
		return err_set(err, ERR_USAGE, "the operator has no version");
	return dotted_check(clause, err);
}

static bool dotted_clause_match(struct span clause, struct span text)
{
	enum version_op op = version__operator(&clause);
	int order = dotted_compare(text, clause);

	if (op == OP_CARET || op == OP_TILDE)
		return order >= 0 && version__holds(op, clause, text);
	return version__order(op, order);
}

const struct version_ops version__dotted = {
	.clauses_by_space = true,
	.check = dotted_check,
	.compare = dotted_compare,
	.clause_check = dotted_clause_check,
	.clause_match = dotted_clause_match,
};
