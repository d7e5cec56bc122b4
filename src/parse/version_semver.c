/* semver.org 2.0.0. Constraints may leave out the minor or patch number, as cargo and node allow.
 */
#include "parse/version_ops.h"

#include <stdint.h>
#include <string.h>

struct semver {
	struct span core;  /* "1.2.3" */
	struct span pre;   /* at NULL when there is none */
	struct span build; /* likewise */
};

static bool identifier(struct span text, bool leading_zero_allowed)
{
	bool number = true;

	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool digit = c >= '0' && c <= '9';

		if (!digit && c != '-' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z'))
			return false;
		number = number && digit;
	}
	return leading_zero_allowed || !number || text.len == 1 || text.at[0] != '0';
}

static bool identifiers(struct span text, bool leading_zero_allowed)
{
	struct span part;

	while (version__part(&text, '.', &part))
		if (!identifier(part, leading_zero_allowed))
			return false;
	return true;
}

/* Build metadata starts at the first "+", a pre-release at the first "-" before it. */
static struct semver split(struct span text)
{
	struct semver out = {0};
	struct span rest = text, head;

	version__part(&rest, '+', &head);
	out.build = rest;
	rest = head;
	version__part(&rest, '-', &out.core);
	out.pre = rest;
	return out;
}

static bool core_valid(struct span core)
{
	struct span part;

	if (!version__is_release(core))
		return false;
	while (version__part(&core, '.', &part))
		if (part.len > 1 && part.at[0] == '0')
			return false;
	return true;
}

static int parse(struct span text, bool partial, struct semver *out, struct err *err)
{
	struct semver v = split(text);
	size_t count = version__release_count(v.core);

	if (!core_valid(v.core))
		return err_set(err, ERR_USAGE,
			       "it must be MAJOR.MINOR.PATCH without leading zeros");
	if (count > 3 || (count < 3 && (!partial || v.pre.at || v.build.at)))
		return err_set(err, ERR_USAGE, "it must have three numbers, not %zu", count);
	if (v.pre.at && !identifiers(v.pre, false))
		return err_set(err, ERR_USAGE, "the pre-release \"%.*s\" is malformed",
			       (int)v.pre.len, v.pre.at);
	if (v.build.at && !identifiers(v.build, true))
		return err_set(err, ERR_USAGE, "the build metadata \"%.*s\" is malformed",
			       (int)v.build.len, v.build.at);
	*out = v;
	return 0;
}

static int semver_check(struct span text, struct err *err)
{
	struct semver ignored;

	return parse(text, false, &ignored, err);
}

static bool all_digits(struct span text)
{
	return version__digits(&text).len && !text.len;
}

static int bytes_compare(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.at, b.at, len);

	if (!order && a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return order < 0 ? -1 : order > 0;
}

/* semver.org 11.4: numbers below words, fewer identifiers below more. */
static int identifier_compare(struct span a, struct span b)
{
	bool an = all_digits(a), bn = all_digits(b);

	if (an && bn)
		return version__number_compare(a, b);
	if (an != bn)
		return an ? -1 : 1;
	return bytes_compare(a, b);
}

static int pre_compare(struct span a, struct span b)
{
	struct span left, right;
	bool more_a, more_b;

	if (!a.at || !b.at) /* a release is above its pre-releases */
		return (a.at ? -1 : 0) + (b.at ? 1 : 0);
	for (;;) {
		int order;

		more_a = version__part(&a, '.', &left);
		more_b = version__part(&b, '.', &right);
		if (!more_a || !more_b)
			return (more_a ? 1 : 0) - (more_b ? 1 : 0);
		order = identifier_compare(left, right);
		if (order)
			return order;
	}
}

static int precedence(const struct semver *a, const struct semver *b)
{
	int order = version__release_compare(a->core, b->core, 3);

	return order ? order : pre_compare(a->pre, b->pre);
}

static int semver_compare(struct span a, struct span b)
{
	struct semver left = split(a), right = split(b);

	return precedence(&left, &right);
}

static int semver_clause_check(struct span clause, struct err *err)
{
	struct semver ignored;

	(void)version__operator(&clause);
	if (!clause.len)
		return err_set(err, ERR_USAGE, "the operator has no version");
	return parse(clause, true, &ignored, err);
}

static bool build_equal(const struct semver *bound, const struct semver *v)
{
	if (!bound->build.at)
		return true;
	return v->build.at && bytes_compare(bound->build, v->build) == 0;
}

/* ^ and ~ end before the next version's pre-releases: 2.0.0-rc.1 is not ^1.2. */
static bool semver_clause_match(struct span clause, struct span text)
{
	enum version_op op = version__operator(&clause);
	struct semver bound = split(clause), v = split(text);
	size_t given = version__release_count(bound.core);
	int order = precedence(&v, &bound);

	switch (op) {
	case OP_CARET:
	case OP_TILDE:
		return order >= 0 && version__holds(op, bound.core, v.core);
	case OP_LT:
	case OP_GE:
		return version__order(op, order);
	default: /* "=1.2" is every 1.2.x, ">1.2" starts at 1.3.0 */
		if (given < 3)
			order = version__release_compare(v.core, bound.core, given);
		if (order == 0 && (op == OP_EQ || op == OP_NE))
			return build_equal(&bound, &v) == (op == OP_EQ);
		return version__order(op, order);
	}
}

const struct version_ops version__semver = {
	.clauses_by_space = true,
	.check = semver_check,
	.compare = semver_compare,
	.clause_check = semver_clause_check,
	.clause_match = semver_clause_match,
};
