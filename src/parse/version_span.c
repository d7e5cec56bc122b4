/* Spans of digits and what the schemes share. */
#include "parse/version_ops.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span version__trim(struct span text)
{
	while (text.len && is_space(text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len && is_space(text.at[text.len - 1]))
		text.len--;
	return text;
}

struct span version__digits(struct span *text)
{
	struct span out = {text->at, 0};

	while (out.len < text->len && is_digit(out.at[out.len]))
		out.len++;
	text->at += out.len;
	text->len -= out.len;
	return out;
}

bool version__part(struct span *rest, char separator, struct span *part)
{
	const char *stop;

	if (!rest->at)
		return false;
	stop = rest->len ? memchr(rest->at, separator, rest->len) : NULL;
	*part = (struct span){rest->at, stop ? (size_t)(stop - rest->at) : rest->len};
	if (stop)
		*rest = (struct span){stop + 1, rest->len - part->len - 1};
	else
		*rest = (struct span){NULL, 0};
	return true;
}

int version__number_compare(struct span a, struct span b)
{
	int order;

	while (a.len && a.at[0] == '0') {
		a.at++;
		a.len--;
	}
	while (b.len && b.at[0] == '0') {
		b.at++;
		b.len--;
	}
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	order = a.len ? memcmp(a.at, b.at, a.len) : 0;
	return order < 0 ? -1 : order > 0;
}

int version__release_compare(struct span a, struct span b, size_t limit)
{
	for (size_t i = 0; i < limit && (a.at || b.at); i++) {
		struct span left = {"0", 1}, right = {"0", 1};
		int order;

		version__part(&a, '.', &left);
		version__part(&b, '.', &right);
		order = version__number_compare(left, right);
		if (order)
			return order;
	}
	return 0;
}

size_t version__release_count(struct span release)
{
	struct span part;
	size_t count = 0;

	while (version__part(&release, '.', &part))
		count++;
	return count;
}

bool version__is_release(struct span text)
{
	struct span part;

	while (version__part(&text, '.', &part)) {
		struct span rest = part;

		if (!version__digits(&rest).len || rest.len)
			return false;
	}
	return true;
}

enum version_op version__operator(struct span *clause)
{
	static const struct {
		const char *text;
		enum version_op op;
	} table[] = {
		{"==", OP_EQ}, {"!=", OP_NE},	{"<=", OP_LE},	 {">=", OP_GE}, {"<", OP_LT},
		{">", OP_GT},  {"^", OP_CARET}, {"~", OP_TILDE}, {"=", OP_EQ},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t len = strlen(table[i].text);

		if (clause->len >= len && !memcmp(clause->at, table[i].text, len)) {
			*clause = (struct span){clause->at + len, clause->len - len};
			*clause = version__trim(*clause);
			return table[i].op;
		}
	}
	return OP_EQ;
}

/* ^ holds everything up to the first number that is not 0; ~ holds two numbers, or the only one. */
bool version__holds(enum version_op op, struct span bound, struct span text)
{
	size_t given = version__release_count(bound), fixed = given < 2 ? given : 2;
	struct span rest = bound, part, zero = {"0", 1};

	if (op == OP_CARET) {
		fixed = 0;
		while (version__part(&rest, '.', &part)) {
			fixed++;
			if (version__number_compare(part, zero))
				break;
		}
	}
	return version__release_compare(bound, text, fixed) == 0;
}

bool version__order(enum version_op op, int order)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_LE:
		return order <= 0;
	case OP_GE:
		return order >= 0;
	case OP_LT:
		return order < 0;
	case OP_GT:
		return order > 0;
	default:
		return false;
	}
}
