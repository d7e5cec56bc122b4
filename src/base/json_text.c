#include "base/json_text.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cJSON copies a number into a buffer of 64 bytes and reads what follows as something else. */
#define NUMBER_BYTES_MAX 63

struct scan {
	char *text;
	size_t len;
	size_t at;
	unsigned depth;
	bool jsonc;
	struct json_fault *fault;
};

static int fault_at(struct scan *scan, size_t offset, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fault_at(struct scan *scan, size_t offset, const char *fmt, ...)
{
	va_list ap;

	scan->fault->offset = offset;
	va_start(ap, fmt);
	(void)vsnprintf(scan->fault->what, sizeof(scan->fault->what), fmt, ap);
	va_end(ap);
	return -1;
}

void json_position(const char *text, size_t offset, unsigned *line, unsigned *column)
{
	*line = 1;
	*column = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			(*line)++;
			*column = 1;
		} else if (((unsigned char)text[i] & 0xC0) != 0x80) {
			(*column)++;
		}
	}
}

static int check_utf8(struct scan *scan)
{
	size_t i = 0;

	if (scan->len >= 3 && memcmp(scan->text, "\xEF\xBB\xBF", 3) == 0)
		return fault_at(scan, 0, "starts with a byte order mark: save it without one");
	while (i < scan->len) {
		size_t step = utf8_length(scan->text + i, scan->len - i);

		if (!step)
			return fault_at(scan, i, "not valid UTF-8");
		if (!scan->text[i])
			return fault_at(scan, i, "a NUL byte");
		i += step;
	}
	return 0;
}

/* --- skipping -------------------------------------------------------------------------------- */

/* Offset just behind the string that starts at I, or LEN when it does not end. */
static size_t skip_string(const char *text, size_t len, size_t i)
{
	for (i++; i < len && text[i] != '"'; i++)
		if (text[i] == '\\')
			i++;
	return i < len ? i + 1 : len;
}

static size_t skip_blank(const char *text, size_t len, size_t i)
{
	while (i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n'))
		i++;
	return i;
}

/* Offset just behind the comment at I; I itself when there is none, LEN + 1 when it never ends. */
static size_t skip_comment(const char *text, size_t len, size_t i)
{
	const char *end;

	if (i + 1 >= len || text[i] != '/')
		return i;
	if (text[i + 1] == '/') {
		end = memchr(text + i, '\n', len - i);
		return end ? (size_t)(end - text) : len;
	}
	if (text[i + 1] != '*')
		return i;
	end = memmem(text + i + 2, len - i - 2, "*/", 2);
	return end ? (size_t)(end - text) + 2 : len + 1;
}

static int blank_comments(struct scan *scan)
{
	char *text = scan->text;

	for (size_t i = 0; i < scan->len;) {
		size_t end;

		if (text[i] == '"') {
			i = skip_string(text, scan->len, i);
			continue;
		}
		end = skip_comment(text, scan->len, i);
		if (end > scan->len)
			return fault_at(scan, i, "the comment is not closed");
		for (size_t k = i; k < end; k++)
			if (text[k] != '\n')
				text[k] = ' ';
		i = end > i ? end : i + 1;
	}
	return 0;
}

/* --- grammar (RFC 8259) ---------------------------------------------------------------------- */

static int scan_value(struct scan *scan);

static void blank(struct scan *scan)
{
	scan->at = skip_blank(scan->text, scan->len, scan->at);
}

/* The character at hand, NUL at the end of the text. */
static char peek(const struct scan *scan)
{
	return scan->at < scan->len ? scan->text[scan->at] : '\0';
}

static int expected(struct scan *scan, const char *what)
{
	if (scan->at >= scan->len)
		return fault_at(scan, scan->at, "expected %s, the text ends here", what);
	return fault_at(scan, scan->at, "expected %s", what);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The four hex digits behind "\u" at I, or -1. */
static int hex4(const struct scan *scan, size_t i)
{
	int value = 0;

	if (i + 6 > scan->len || scan->text[i] != '\\' || scan->text[i + 1] != 'u')
		return -1;
	for (size_t k = i + 2; k < i + 6; k++) {
		char c = scan->text[k], low = (char)(c | 0x20);

		if (!is_digit(c) && !(low >= 'a' && low <= 'f'))
			return -1;
		value = value * 16 + (is_digit(c) ? c - '0' : low - 'a' + 10);
	}
	return value;
}

/* The escape at scan->at; a NUL would cut the string short, half a surrogate pair is no text. */
static int scan_escape(struct scan *scan)
{
	int first;

	if (scan->at + 1 < scan->len && strchr("\"\\/bfnrt", scan->text[scan->at + 1])) {
		scan->at += 2;
		return 0;
	}
	first = hex4(scan, scan->at);
	if (first < 0)
		return fault_at(scan, scan->at, "no such escape in a string");
	if (first == 0)
		return fault_at(scan, scan->at, "a NUL character in a string");
	if (first >= 0xD800 && first <= 0xDFFF) {
		int second = hex4(scan, scan->at + 6);

		if (first > 0xDBFF || second < 0xDC00 || second > 0xDFFF)
			return fault_at(scan, scan->at, "half a surrogate pair");
		scan->at += 6;
	}
	scan->at += 6;
	return 0;
}

static int scan_string(struct scan *scan)
{
	size_t start = scan->at++;

	while (scan->at < scan->len && scan->text[scan->at] != '"') {
		char c = scan->text[scan->at];

		if (c == '\n')
			return fault_at(scan, start, "the string is not closed on its line");
		if (c >= 0 && c < 0x20)
			return fault_at(scan, scan->at, "a control character in a string");
		if (c != '\\')
			scan->at++;
		else if (scan_escape(scan) < 0)
			return -1;
	}
	if (scan->at >= scan->len)
		return fault_at(scan, start, "the string is not closed");
	scan->at++;
	return 0;
}

/* At least one digit; false when there is none. */
static bool scan_digits(struct scan *scan)
{
	size_t start = scan->at;

	while (is_digit(peek(scan)))
		scan->at++;
	return scan->at > start;
}

static int scan_number(struct scan *scan)
{
	size_t start = scan->at;
	bool good;

	scan->at += peek(scan) == '-';
	if (peek(scan) == '0') {
		scan->at++;
		good = !is_digit(peek(scan));
	} else {
		good = scan_digits(scan);
	}
	if (good && peek(scan) == '.') {
		scan->at++;
		good = scan_digits(scan);
	}
	if (good && (peek(scan) == 'e' || peek(scan) == 'E')) {
		scan->at++;
		scan->at += peek(scan) == '+' || peek(scan) == '-';
		good = scan_digits(scan);
	}
	if (!good)
		return fault_at(scan, start, "not a JSON number");
	if (scan->at - start > NUMBER_BYTES_MAX)
		return fault_at(scan, start, "a number of more than %d characters",
				NUMBER_BYTES_MAX);
	if (!isfinite(strtod(scan->text + start, NULL)))
		return fault_at(scan, start, "a number too large");
	return 0;
}

static int scan_word(struct scan *scan)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t len = strlen(words[i]);

		if (scan->len - scan->at < len || memcmp(scan->text + scan->at, words[i], len) != 0)
			continue;
		scan->at += len;
		return 0;
	}
	return expected(scan, "a value");
}

static int scan_member(struct scan *scan, bool object)
{
	if (object) {
		if (peek(scan) != '"')
			return expected(scan, "a key in double quotes");
		if (scan_string(scan) < 0)
			return -1;
		blank(scan);
		if (peek(scan) != ':')
			return expected(scan, "':' behind the key");
		scan->at++;
		blank(scan);
	}
	return scan_value(scan);
}

static int scan_container(struct scan *scan, bool object)
{
	char close = object ? '}' : ']';
	size_t comma = 0; /* of a comma before the closing bracket; never at 0 */

	if (scan->depth == JSON_DEPTH_MAX)
		return fault_at(scan, scan->at, "nested deeper than %d levels", JSON_DEPTH_MAX);
	scan->depth++;
	scan->at++;
	for (blank(scan); peek(scan) != close; blank(scan)) {
		if (scan_member(scan, object) < 0)
			return -1;
		blank(scan);
		comma = 0;
		if (peek(scan) == close)
			break;
		if (peek(scan) != ',')
			return expected(scan, object ? "',' or '}'" : "',' or ']'");
		comma = scan->at++;
	}
	if (comma && !scan->jsonc)
		return fault_at(scan, comma, "a comma before '%c'", close);
	if (comma)
		scan->text[comma] = ' ';
	scan->at++;
	scan->depth--;
	return 0;
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
static int scan_value(struct scan *scan)
{
	char c = peek(scan);

	if (c == '{' || c == '[')
		return scan_container(scan, c == '{');
	if (c == '"')
		return scan_string(scan);
	if (c == '-' || is_digit(c))
		return scan_number(scan);
	return scan_word(scan);
}

int json_text_check(char *text, size_t len, bool jsonc, struct json_fault *fault)
{
	struct scan scan = {.text = text, .len = len, .jsonc = jsonc, .fault = fault};

	if (check_utf8(&scan) < 0 || (jsonc && blank_comments(&scan) < 0))
		return -1;
	blank(&scan);
	if (scan.at == len)
		return fault_at(&scan, 0, "the document is empty");
	if (scan_value(&scan) < 0)
		return -1;
	blank(&scan);
	if (scan.at < len)
		return fault_at(&scan, scan.at, "something follows the end of the document");
	return 0;
}

/* --- places (in text that has been checked, comments blanked) -------------------------------- */

static size_t skip_value(const char *text, size_t len, size_t i)
{
	size_t depth = 0;

	if (text[i] == '"')
		return skip_string(text, len, i);
	if (text[i] != '{' && text[i] != '[')
		return i + strcspn(text + i, ",]} \t\r\n");
	do {
		if (text[i] == '"') {
			i = skip_string(text, len, i);
			continue;
		}
		if (text[i] == '[' || text[i] == '{')
			depth++;
		else if (text[i] == ']' || text[i] == '}')
			depth--;
		i++;
	} while (depth && i < len);
	return i;
}

/* The next item of a container, from I behind its bracket or behind an item; LEN at its end. */
static size_t next_item(const char *text, size_t len, size_t i)
{
	i = skip_blank(text, len, i);
	if (i < len && text[i] == ',')
		i = skip_blank(text, len, i + 1);
	return i < len && text[i] != ']' && text[i] != '}' ? i : len;
}

/* From a key to its value. */
static size_t value_of(const char *text, size_t len, size_t key)
{
	size_t colon = skip_blank(text, len, skip_string(text, len, key));

	return skip_blank(text, len, colon + 1);
}

/* In the object at I: the offset of KEY's opening quote, LEN when absent. */
static size_t find_key(const char *text, size_t len, size_t i, const char *key, size_t key_len)
{
	i = next_item(text, len, i + 1);
	while (i < len) {
		size_t end = skip_string(text, len, i);

		if (end - i == key_len + 2 && memcmp(text + i + 1, key, key_len) == 0)
			return i;
		i = next_item(text, len, skip_value(text, len, value_of(text, len, i)));
	}
	return len;
}

/* In the list at I: the offset of item INDEX, LEN when absent. */
static size_t find_item(const char *text, size_t len, size_t i, size_t index)
{
	i = next_item(text, len, i + 1);
	while (index-- && i < len)
		i = next_item(text, len, skip_value(text, len, i));
	return i;
}

/* One step of PATH from the value at *AT; returns what is left of PATH. */
static const char *step(const char *text, size_t len, const char *path, size_t *at)
{
	size_t index = 0, word;

	if (*path == '[') {
		for (path++; is_digit(*path) && index < len; path++)
			index = index * 10 + (size_t)(*path - '0');
		*at = text[*at] == '[' ? find_item(text, len, *at, index) : len;
		return path + (*path == ']');
	}
	path += *path == '.';
	word = strcspn(path, ".[");
	*at = text[*at] == '{' ? find_key(text, len, *at, path, word) : len;
	if (*at < len)
		*at = value_of(text, len, *at);
	return path + word;
}

static size_t locate(const char *text, size_t len, const char *path, const char *key)
{
	size_t at = skip_blank(text, len, 0);

	while (*path && at < len)
		path = step(text, len, path, &at);
	if (key && at < len)
		at = text[at] == '{' ? find_key(text, len, at, key, strlen(key)) : len;
	return at;
}

size_t json_locate(const char *text, size_t len, const char *path, const char *key)
{
	char *copy = xcalloc(1, len + 1);
	struct json_fault fault;
	size_t at = len;

	memcpy(copy, text, len);
	if (json_text_check(copy, len, true, &fault) == 0)
		at = locate(copy, len, path, key);
	free(copy);
	return at;
}

size_t json_text_member(const char *text, size_t len, size_t object, size_t member)
{
	size_t i = 0;

	for (; i < len; i++) {
		if (text[i] == '"')
			i = skip_string(text, len, i) - 1;
		else if (text[i] == '{' && object-- == 0)
			break;
	}
	i = i < len ? next_item(text, len, i + 1) : len;
	while (member-- && i < len)
		i = next_item(text, len, skip_value(text, len, value_of(text, len, i)));
	return i;
}
