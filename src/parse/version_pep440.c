/* packaging.python.org/en/latest/specifications/version-specifiers: parse, order, match. */
#include "parse/version_ops.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Numbers that are absent have at NULL; present without digits ("1.0a") they are "0". */
struct pep440 {
	struct span epoch;
	struct span release;
	int phase; /* 'a', 'b', 'c' (rc); 0 without a pre-release */
	struct span pre, post, dev;
	struct span local;
};

static const struct span zero = {"0", 1};

static void skip(struct span *text, size_t len)
{
	*text = (struct span){text->at + len, text->len - len};
}

static bool starts(struct span text, const char *word)
{
	size_t len = strlen(word);

	return text.len >= len && !strncasecmp(text.at, word, len);
}

static size_t separator(struct span text)
{
	return text.len && strchr("-_.", text.at[0]) ? 1 : 0;
}

/* "[-_.]WORD[-_.]DIGITS": cut it off TEXT; the digits may be missing. */
static bool tagged(struct span *text, const char *word, struct span *number)
{
	struct span rest = *text;

	skip(&rest, separator(rest));
	if (!starts(rest, word))
		return false;
	skip(&rest, strlen(word));
	skip(&rest, separator(rest));
	*number = version__digits(&rest);
	if (!number->len)
		*number = zero;
	*text = rest;
	return true;
}

static void parse_pre(struct span *text, struct pep440 *out)
{
	static const struct { /* longer spellings first */
		const char *word;
		int phase;
	} table[] = {
		{"alpha", 'a'}, {"beta", 'b'}, {"preview", 'c'}, {"pre", 'c'},
		{"rc", 'c'},	{"a", 'a'},    {"b", 'b'},	 {"c", 'c'},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (tagged(text, table[i].word, &out->pre)) {
			out->phase = table[i].phase;
			return;
		}
	}
}

static void parse_post(struct span *text, struct pep440 *out)
{
	struct span rest = *text, number;

	if (rest.len > 1 && rest.at[0] == '-') { /* the implicit form, "1.0-1" */
		skip(&rest, 1);
		number = version__digits(&rest);
		if (number.len) {
			out->post = number;
			*text = rest;
			return;
		}
	}
	if (!tagged(text, "post", &out->post) && !tagged(text, "rev", &out->post))
		(void)tagged(text, "r", &out->post);
}

static bool alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "+LABEL" to the end: letters and digits with single separators between. */
static int parse_local(struct span *text, struct pep440 *out, struct err *err)
{
	bool ready = false;

	if (!text->len || text->at[0] != '+')
		return 0;
	skip(text, 1);
	out->local = *text;
	for (size_t i = 0; i < text->len; i++) {
		if (!alnum(text->at[i]) && (!ready || !strchr("-_.", text->at[i])))
			return err_set(err, ERR_USAGE, "the local label is malformed");
		ready = alnum(text->at[i]);
	}
	if (!ready)
		return err_set(err, ERR_USAGE, "the local label is malformed");
	skip(text, text->len);
	return 0;
}

/* "N!N.N.N" in front of TEXT. A "." that no digit follows is left to what comes after. */
static int parse_release(struct span *text, struct pep440 *out, struct err *err)
{
	struct span number, rest;

	if (starts(*text, "v"))
		skip(text, 1);
	rest = *text;
	number = version__digits(&rest);
	if (number.len && rest.len && rest.at[0] == '!') {
		out->epoch = number;
		skip(&rest, 1);
		*text = rest;
		number = version__digits(&rest);
	}
	if (!number.len)
		return err_set(err, ERR_USAGE, "it must begin with a number");
	while (rest.len > 1 && rest.at[0] == '.' && rest.at[1] >= '0' && rest.at[1] <= '9') {
		skip(&rest, 1);
		(void)version__digits(&rest);
	}
	out->release = (struct span){text->at, text->len - rest.len};
	*text = rest;
	return 0;
}

static int parse(struct span text, struct pep440 *out, struct err *err)
{
	struct pep440 v = {.epoch = zero};

	if (parse_release(&text, &v, err) < 0)
		return -1;
	parse_pre(&text, &v);
	parse_post(&text, &v);
	(void)tagged(&text, "dev", &v.dev);
	if (parse_local(&text, &v, err) < 0)
		return -1;
	if (text.len)
		return err_set(err, ERR_USAGE, "\"%.*s\" is not understood", (int)text.len,
			       text.at);
	*out = v;
	return 0;
}

static int pep440_check(struct span text, struct err *err)
{
	struct pep440 ignored;

	return parse(text, &ignored, err);
}

static int sign(int order)
{
	return order < 0 ? -1 : order > 0;
}

/* An absent number sorts as ABSENT says against a present one: -1 below, 1 above. */
static int optional_compare(struct span a, struct span b, int absent)
{
	if (a.at && b.at)
		return version__number_compare(a, b);
	return (a.at ? 0 : absent) - (b.at ? 0 : absent);
}

/* Development releases of a final come before its pre-releases; a final comes after them. */
static int phase_rank(const struct pep440 *v)
{
	if (v->phase)
		return v->phase;
	return v->dev.at && !v->post.at ? 0 : 'z';
}

static bool local_part(struct span *rest, struct span *part)
{
	size_t len = 0;

	if (!rest->len)
		return false;
	while (len < rest->len && alnum(rest->at[len]))
		len++;
	*part = (struct span){rest->at, len};
	skip(rest, len < rest->len ? len + 1 : len);
	return true;
}

static int local_part_compare(struct span a, struct span b)
{
	struct span left = a, right = b;
	bool an = version__digits(&left).len && !left.len;
	bool bn = version__digits(&right).len && !right.len;
	int order;

	if (an && bn)
		return version__number_compare(a, b);
	if (an != bn)
		return an ? 1 : -1; /* numbers above words */
	order = strncasecmp(a.at, b.at, a.len < b.len ? a.len : b.len);
	if (!order && a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return sign(order);
}

static int local_compare(struct span a, struct span b)
{
	struct span left, right;

	for (;;) {
		bool more_a = local_part(&a, &left), more_b = local_part(&b, &right);
		int order;

		if (!more_a || !more_b)
			return (more_a ? 1 : 0) - (more_b ? 1 : 0);
		order = local_part_compare(left, right);
		if (order)
			return order;
	}
}

static int base_compare(const struct pep440 *a, const struct pep440 *b)
{
	int order = version__number_compare(a->epoch, b->epoch);

	return order ? order : version__release_compare(a->release, b->release, SIZE_MAX);
}

static int public_compare(const struct pep440 *a, const struct pep440 *b)
{
	int order = base_compare(a, b);

	if (!order)
		order = sign(phase_rank(a) - phase_rank(b));
	if (!order && a->phase)
		order = version__number_compare(a->pre, b->pre);
	if (!order)
		order = optional_compare(a->post, b->post, -1);
	if (!order)
		order = optional_compare(a->dev, b->dev, 1);
	return sign(order);
}

static int full_compare(const struct pep440 *a, const struct pep440 *b)
{
	int order = public_compare(a, b);

	return order ? order : local_compare(a->local, b->local);
}

static int pep440_compare(struct span a, struct span b)
{
	struct pep440 left, right;

	(void)parse(a, &left, NULL);
	(void)parse(b, &right, NULL);
	return full_compare(&left, &right);
}

static int cut_operator(struct span *clause, enum version_op *op)
{
	static const struct {
		const char *text;
		enum version_op op;
	} table[] = {
		{"===", OP_ARBITRARY}, {"~=", OP_COMPATIBLE}, {"==", OP_EQ}, {"!=", OP_NE},
		{"<=", OP_LE},	       {">=", OP_GE},	      {"<", OP_LT},  {">", OP_GT},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (starts(*clause, table[i].text)) {
			skip(clause, strlen(table[i].text));
			*clause = version__trim(*clause);
			*op = table[i].op;
			return 0;
		}
	}
	return -1;
}

/* "1.2.*" without its ".*". */
static bool cut_wildcard(struct span *text)
{
	if (text->len < 2 || memcmp(text->at + text->len - 2, ".*", 2) != 0)
		return false;
	text->len -= 2;
	return true;
}

static bool only_release(const struct pep440 *v)
{
	return !v->phase && !v->post.at && !v->dev.at && !v->local.at;
}

static int pep440_clause_check(struct span clause, struct err *err)
{
	enum version_op op;
	struct pep440 bound;
	bool wild;

	if (cut_operator(&clause, &op) < 0)
		return err_set(err, ERR_USAGE, "it must begin with one of == != <= >= < > ~= ===");
	if (!clause.len)
		return err_set(err, ERR_USAGE, "the operator has no version");
	if (op == OP_ARBITRARY)
		return 0;
	wild = cut_wildcard(&clause);
	if (wild && op != OP_EQ && op != OP_NE)
		return err_set(err, ERR_USAGE, "\".*\" goes with == and != only");
	if (parse(clause, &bound, err) < 0)
		return -1;
	if (wild && !only_release(&bound))
		return err_set(err, ERR_USAGE, "\".*\" must follow a plain release");
	if (bound.local.at && op != OP_EQ && op != OP_NE)
		return err_set(err, ERR_USAGE, "a local label goes with == and != only");
	if (op == OP_COMPATIBLE && version__release_count(bound.release) < 2)
		return err_set(err, ERR_USAGE, "~= needs at least two numbers");
	return 0;
}

static bool prefix_equal(const struct pep440 *v, const struct pep440 *bound, size_t numbers)
{
	return !version__number_compare(v->epoch, bound->epoch) &&
	       !version__release_compare(v->release, bound->release, numbers);
}

/* < excludes the pre-releases of its version, of which .dev0 is the first, unless it names one. */
static bool below(const struct pep440 *v, struct pep440 bound)
{
	if (!bound.phase && !bound.dev.at)
		bound.dev = zero;
	return full_compare(v, &bound) < 0;
}

/* > excludes the local labels of its version, and the post-releases unless it names one. */
static bool above(const struct pep440 *v, const struct pep440 *bound)
{
	struct pep440 stem = *v;

	if (public_compare(v, bound) <= 0)
		return false;
	if (bound->dev.at || bound->post.at || !v->post.at)
		return true;
	stem.post = stem.dev = (struct span){NULL, 0};
	return public_compare(&stem, bound) != 0;
}

static bool equal(const struct pep440 *v, const struct pep440 *bound)
{
	return bound->local.at ? full_compare(v, bound) == 0 : public_compare(v, bound) == 0;
}

static bool same_text(struct span a, struct span b)
{
	return a.len == b.len && !strncasecmp(a.at, b.at, a.len);
}

static bool pep440_clause_match(struct span clause, struct span text)
{
	struct pep440 v, bound;
	enum version_op op = OP_EQ;
	size_t numbers;

	(void)cut_operator(&clause, &op);
	if (op == OP_ARBITRARY)
		return same_text(clause, text);
	(void)parse(text, &v, NULL);
	if (cut_wildcard(&clause)) {
		(void)parse(clause, &bound, NULL);
		numbers = version__release_count(bound.release);
		return prefix_equal(&v, &bound, numbers) == (op == OP_EQ);
	}
	(void)parse(clause, &bound, NULL);
	switch (op) {
	case OP_EQ:
		return equal(&v, &bound);
	case OP_NE:
		return !equal(&v, &bound);
	case OP_LT:
		return below(&v, bound);
	case OP_GT:
		return above(&v, &bound);
	case OP_COMPATIBLE:
		numbers = version__release_count(bound.release) - 1;
		return public_compare(&v, &bound) >= 0 && prefix_equal(&v, &bound, numbers);
	default:
		return version__order(op, public_compare(&v, &bound));
	}
}

const struct version_ops version__pep440 = {
	.check = pep440_check,
	.compare = pep440_compare,
	.clause_check = pep440_clause_check,
	.clause_match = pep440_clause_match,
};
