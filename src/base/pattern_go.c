#include "base/pattern_go.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REPEAT_MAX 1000
#define DIGITS "0123456789"
#define HEX DIGITS "abcdefABCDEF"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct rewriter {
	const char *pattern;
	const char *at;
	struct buf *out;
	bool repeated; /* what stands before AT is a repeat: another must not follow */
	bool opened; /* it is a group's or an alternative's beginning: there is nothing to repeat */
	bool folds;  /* (?i) was seen */
	struct err *err;
};

static int refuse(const struct rewriter *rewriter, const char *what)
{
	return err_set(rewriter->err, ERR_USAGE,
		       "bad pattern '%s' at offset %zu: %s (Go's regular expressions)",
		       rewriter->pattern, (size_t)(rewriter->at - rewriter->pattern), what);
}

static bool is_one_of(char letter, const char *set)
{
	return letter && strchr(set, letter);
}

static void add_code(struct rewriter *rewriter, unsigned code)
{
	buf_printf(rewriter->out, "\\x{%x}", code);
}

/* --- escapes --------------------------------------------------------------------------------- */

/* \x41 and \x{41}. AT is behind the x. */
static int rewrite_hex(struct rewriter *rewriter)
{
	bool braces = *rewriter->at == '{';
	const char *digits = rewriter->at + braces;
	size_t len = strspn(digits, HEX);

	if (!braces)
		len = len < 2 ? 0 : 2;
	if (!len || len > 6 || (braces && digits[len] != '}'))
		return refuse(rewriter, "no character by its number");
	buf_printf(rewriter->out, "\\x{%.*s}", (int)len, digits);
	rewriter->at = digits + len + braces;
	return 0;
}

/* \012, \1 to \7 only before another octal digit: alone they would be back references. */
static int rewrite_octal(struct rewriter *rewriter)
{
	unsigned code = 0;

	if (*rewriter->at != '0' && !is_one_of(rewriter->at[1], "01234567"))
		return refuse(rewriter, "there are no back references");
	for (int i = 0; i < 3 && is_one_of(*rewriter->at, "01234567"); i++)
		code = code * 8 + (unsigned)(*rewriter->at++ - '0');
	add_code(rewriter, code);
	return 0;
}

/* \pL, \PL, \p{Greek}, \p{^Greek}. AT is at the p. PCRE2's own names begin with X. */
static int rewrite_property(struct rewriter *rewriter)
{
	bool braces = rewriter->at[1] == '{';
	const char *name = rewriter->at + 1 + braces + (braces && rewriter->at[2] == '^');
	size_t len = braces ? strspn(name, LETTERS DIGITS "_") : 1;
	const char *end = name + len + braces;

	if (!len || len > 40 || !is_one_of(*name, LETTERS) || *name == 'X' ||
	    (braces && name[len] != '}'))
		return refuse(rewriter, "no property of characters");
	if (rewriter->folds && len == 2 && *name == 'L')
		return refuse(rewriter,
			      "a property of case under (?i), which PCRE2 reads as it stands");
	buf_printf(rewriter->out, "\\%.*s", (int)(end - rewriter->at), rewriter->at);
	rewriter->at = end;
	return 0;
}

/* Classes by a letter: Go's \s has no vertical tab. */
static bool rewrite_class_letter(struct rewriter *rewriter, char letter, bool inside)
{
	if (letter == 's')
		buf_addstr(rewriter->out, inside ? "\\t\\n\\f\\r\\x20" : "[\\t\\n\\f\\r\\x20]");
	else if (letter == 'S')
		buf_addstr(rewriter->out, inside ? "\\S\\x0b" : "[\\S\\x0b]");
	else if (is_one_of(letter, "dDwW"))
		buf_printf(rewriter->out, "\\%c", letter);
	else
		return false;
	rewriter->at++;
	return true;
}

static void rewrite_quoted(struct rewriter *rewriter)
{
	const char *end = strstr(rewriter->at, "\\E");

	for (; *rewriter->at && rewriter->at != end; rewriter->at++)
		buf_printf(rewriter->out, "%s%c",
			   is_one_of(*rewriter->at, "\\^$.|?*+()[]{}") ? "\\" : "", *rewriter->at);
	if (end)
		rewriter->at = end + 2;
}

/* AT is at the backslash. INSIDE a class there are no assertions. */
static int rewrite_escape(struct rewriter *rewriter, bool inside)
{
	char letter = *++rewriter->at;

	if (rewrite_class_letter(rewriter, letter, inside))
		return 0;
	if (is_one_of(letter, "pP"))
		return rewrite_property(rewriter);
	if (is_one_of(letter, "01234567"))
		return rewrite_octal(rewriter);
	rewriter->at++;
	if (letter == 'x')
		return rewrite_hex(rewriter);
	if (letter == 'v') {
		add_code(rewriter, 0x0b);
	} else if (letter == 'Q' && !inside) {
		rewrite_quoted(rewriter);
	} else if (is_one_of(letter, "aftnr") ||
		   ((unsigned char)letter < 0x80 && letter && !is_one_of(letter, LETTERS DIGITS))) {
		buf_printf(rewriter->out, "\\%c", letter);
	} else {
		rewriter->at--;
		return refuse(rewriter, "an escape that does not exist");
	}
	return 0;
}

/* --- classes --------------------------------------------------------------------------------- */

static size_t posix_class(const char *at)
{
	static const char *const names[] = {"alnum", "alpha", "ascii", "blank",	 "cntrl",
					    "digit", "graph", "lower", "print",	 "punct",
					    "space", "upper", "word",  "xdigit", NULL};
	const char *name = at + 2;
	size_t len;

	if (at[0] != '[' || at[1] != ':')
		return 0;
	name += *name == '^';
	len = strcspn(name, ":");
	for (size_t i = 0; names[i]; i++)
		if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0 &&
		    name[len] == ':' && name[len + 1] == ']')
			return (size_t)(name - at) + len + 2;
	return 0;
}

/* One element; a class by a letter does not begin or end a range. */
static int rewrite_element(struct rewriter *rewriter)
{
	size_t named = posix_class(rewriter->at);

	if (named) {
		buf_add(rewriter->out, rewriter->at, named);
		rewriter->at += named;
		return 0;
	}
	if (rewriter->at[0] == '[' && rewriter->at[1] == ':' && strstr(rewriter->at + 2, ":]"))
		return refuse(rewriter, "no such class");
	if (rewriter->at[0] == '\\')
		return rewrite_escape(rewriter, true);
	if (is_one_of(*rewriter->at, "[]^-&:.="))
		buf_addstr(rewriter->out, "\\");
	buf_add(rewriter->out, rewriter->at++, 1);
	while (((unsigned char)*rewriter->at & 0xC0) == 0x80)
		buf_add(rewriter->out, rewriter->at++, 1);
	return 0;
}

static bool is_set(const char *at)
{
	return posix_class(at) || (at[0] == '\\' && is_one_of(at[1], "dDsSwWpP"));
}

/* AT is at the '['. A first ']' is a character; a '-' that makes no range is one, too. */
static int rewrite_class(struct rewriter *rewriter)
{
	const char *start = rewriter->at++;
	bool first = true;

	buf_addstr(rewriter->out, "[");
	if (*rewriter->at == '^')
		buf_add(rewriter->out, rewriter->at++, 1);
	for (; *rewriter->at && (first || *rewriter->at != ']'); first = false) {
		bool set = is_set(rewriter->at);

		if (rewrite_element(rewriter) < 0)
			return -1;
		if (set || rewriter->at[0] != '-' || !rewriter->at[1] || rewriter->at[1] == ']')
			continue;
		rewriter->at++;
		if (is_set(rewriter->at))
			return refuse(rewriter, "a range that ends with a class");
		buf_addstr(rewriter->out, "-");
		if (rewrite_element(rewriter) < 0)
			return -1;
	}
	if (*rewriter->at != ']') {
		rewriter->at = start;
		return refuse(rewriter, "a class without its end");
	}
	buf_addstr(rewriter->out, "]");
	rewriter->at++;
	return 0;
}

/* --- groups and repeats ---------------------------------------------------------------------- */

/* (?i), (?i-s:…): AT is behind "(?". */
static int rewrite_flags(struct rewriter *rewriter)
{
	const char *flags = rewriter->at;
	size_t len = strspn(flags, "imsU"), off = 0;

	if (flags[len] == '-') {
		off = strspn(flags + len + 1, "imsU");
		len += 1 + off;
		if (!off)
			return refuse(rewriter, "flags that say nothing");
	}
	if (flags[len] != ')' && flags[len] != ':')
		return refuse(rewriter, "a kind of group that does not exist");
	rewriter->at = flags + len + 1;
	rewriter->folds = rewriter->folds || memchr(flags, 'i', len);
	if (len || flags[len] == ':')
		buf_printf(rewriter->out, "(?%.*s", (int)len + 1, flags);
	return 0;
}

/* AT is at the '('. Names are dropped: nobody asks for them. */
static int rewrite_group(struct rewriter *rewriter)
{
	const char *at = rewriter->at + 1;
	size_t len;

	if (*at == '*')
		return refuse(rewriter, "nothing to repeat");
	rewriter->opened = true;
	if (*at != '?') {
		buf_addstr(rewriter->out, "(");
		rewriter->at = at;
		return 0;
	}
	rewriter->at = ++at;
	at += *at == 'P' && at[1] == '<';
	if (*at != '<')
		return rewrite_flags(rewriter);
	len = strspn(at + 1, LETTERS DIGITS "_");
	if (!len || at[1 + len] != '>')
		return refuse(rewriter, "a kind of group that does not exist");
	buf_addstr(rewriter->out, "(");
	rewriter->at = at + len + 2;
	return 0;
}

static const char *read_count(const char *at, unsigned *out)
{
	*out = 0;
	for (; is_one_of(*at, DIGITS); at++)
		*out = *out > REPEAT_MAX ? *out : *out * 10 + (unsigned)(*at - '0');
	return at;
}

/* Length of "{2}", "{2,}" or "{2,3}" at AT, 0: the brace is a character. */
static size_t repeat_len(const char *at, bool *too_many)
{
	const char *p = at + 1;
	unsigned least, most = 0;

	if (*at != '{' || !is_one_of(*p, DIGITS) || (p[0] == '0' && is_one_of(p[1], DIGITS)))
		return 0;
	p = read_count(p, &least);
	if (*p == ',')
		p = read_count(p + 1, &most);
	*too_many = least > REPEAT_MAX || most > REPEAT_MAX;
	return *p == '}' ? (size_t)(p - at) + 1 : 0;
}

/* AT is at the repeat of LEN bytes. */
static int rewrite_repeat(struct rewriter *rewriter, size_t len)
{
	if (rewriter->repeated)
		return refuse(rewriter, "a repeat of a repeat");
	if (rewriter->opened)
		return refuse(rewriter, "nothing to repeat");
	buf_add(rewriter->out, rewriter->at, len);
	rewriter->at += len;
	if (*rewriter->at == '?')
		buf_add(rewriter->out, rewriter->at++, 1);
	rewriter->repeated = true;
	return 0;
}

/* Length of an assertion of one letter at AT, 0: none. */
static size_t assertion_len(const char *at)
{
	if (*at == '\\')
		return is_one_of(at[1], "AbBz") ? 2 : 0;
	return is_one_of(*at, "^$") ? 1 : 0;
}

/* Go repeats assertions, PCRE2 only groups that hold one. */
static void rewrite_assertion(struct rewriter *rewriter, size_t len)
{
	buf_printf(rewriter->out, "(?:%.*s)", (int)len, rewriter->at);
	rewriter->at += len;
}

static int rewrite_one(struct rewriter *rewriter)
{
	bool too_many = false;
	size_t repeat = is_one_of(*rewriter->at, "*+?") ? 1 : repeat_len(rewriter->at, &too_many);
	size_t assertion = assertion_len(rewriter->at);

	if (too_many)
		return refuse(rewriter, "more than 1000 repeats");
	if (repeat)
		return rewrite_repeat(rewriter, repeat);
	rewriter->repeated = false;
	if (*rewriter->at == '(')
		return rewrite_group(rewriter);
	rewriter->opened = *rewriter->at == '|';
	if (assertion) {
		rewrite_assertion(rewriter, assertion);
		return 0;
	}
	if (*rewriter->at == '\\')
		return rewrite_escape(rewriter, false);
	if (*rewriter->at == '[')
		return rewrite_class(rewriter);
	if (is_one_of(*rewriter->at, "{}"))
		buf_addstr(rewriter->out, "\\");
	buf_add(rewriter->out, rewriter->at++, 1);
	return 0;
}

int pattern_go_rewrite(const char *pattern, struct buf *out, struct err *err)
{
	struct rewriter rewriter = {
		.pattern = pattern, .at = pattern, .out = out, .opened = true, .err = err};

	while (*rewriter.at)
		if (rewrite_one(&rewriter) < 0)
			return -1;
	return out->truncated ? err_set(err, ERR_LIMIT, "a pattern longer than %zu bytes", out->max)
			      : 0;
}
