/* The schemes' common door: picks one, splits constraints into clauses. */
#include "parse/version.h"

#include "parse/version_ops.h"

#include <string.h>

static const struct version_ops *const schemes[] = {
	[VERSION_PEP440] = &version__pep440,
	[VERSION_SEMVER] = &version__semver,
	[VERSION_DOTTED] = &version__dotted,
};

static struct span whole(const char *text)
{
	return version__trim((struct span){text, strlen(text)});
}

static int check(enum version_scheme scheme, const char *text, struct err *err)
{
	struct err why = {0};
	struct span span = whole(text);

	if (!span.len)
		return err_set(err, ERR_USAGE, "the version is empty");
	if (span.len > VERSION_BYTES_MAX)
		return err_set(err, ERR_USAGE, "the version has more than %d bytes",
			       VERSION_BYTES_MAX);
	if (schemes[scheme]->check(span, &why) < 0)
		return err_set(err, ERR_USAGE, "\"%.*s\" is not a version: %s", (int)span.len,
			       span.at, why.msg);
	return 0;
}

int version_check(enum version_scheme scheme, const char *text, struct err *err)
{
	return check(scheme, text, err);
}

int version_compare(enum version_scheme scheme, const char *a, const char *b, int *out,
		    struct err *err)
{
	if (check(scheme, a, err) < 0 || check(scheme, b, err) < 0)
		return -1;
	*out = schemes[scheme]->compare(whole(a), whole(b));
	return 0;
}

/* Where spaces separate clauses, the one between an operator and its version does not. */
static size_t clause_length(struct span rest)
{
	size_t i = 0;

	while (i < rest.len && strchr("=!<>^~ \t", rest.at[i]))
		i++;
	while (i < rest.len && !strchr(", \t", rest.at[i]))
		i++;
	return i;
}

/* Cut the next clause off REST. A comma must have a clause on both sides. */
static bool next_clause(const struct version_ops *ops, struct span *rest, struct span *clause)
{
	size_t len;

	if (!rest->at)
		return false;
	if (!ops->clauses_by_space) {
		version__part(rest, ',', clause);
		*clause = version__trim(*clause);
		return true;
	}
	*rest = version__trim(*rest);
	len = clause_length(*rest);
	*clause = version__trim((struct span){rest->at, len});
	*rest = version__trim((struct span){rest->at + len, rest->len - len});
	if (rest->len && rest->at[0] == ',')
		*rest = (struct span){rest->at + 1, rest->len - 1};
	else if (!rest->len)
		*rest = (struct span){NULL, 0};
	return true;
}

int version_constraint_check(enum version_scheme scheme, const char *constraint, struct err *err)
{
	const struct version_ops *ops = schemes[scheme];
	struct span rest = whole(constraint), clause;

	if (!rest.len)
		return err_set(err, ERR_USAGE, "the constraint is empty");
	if (rest.len > VERSION_BYTES_MAX)
		return err_set(err, ERR_USAGE, "the constraint has more than %d bytes",
			       VERSION_BYTES_MAX);
	while (next_clause(ops, &rest, &clause)) {
		struct err why = {0};

		if (!clause.len)
			return err_set(err, ERR_USAGE, "\"%s\" has an empty clause", constraint);
		if (ops->clause_check(clause, &why) < 0)
			return err_set(err, ERR_USAGE, "bad clause \"%.*s\": %s", (int)clause.len,
				       clause.at, why.msg);
	}
	return 0;
}

int version_matches(enum version_scheme scheme, const char *constraint, const char *text, bool *out,
		    struct err *err)
{
	const struct version_ops *ops = schemes[scheme];
	struct span rest = whole(constraint), clause;
	bool all = true;

	if (version_constraint_check(scheme, constraint, err) < 0 || check(scheme, text, err) < 0)
		return -1;
	while (next_clause(ops, &rest, &clause))
		all = all && ops->clause_match(clause, whole(text));
	*out = all;
	return 0;
}
