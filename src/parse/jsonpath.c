/* RFC 9535 singular queries: names, quoted keys and indices, one after the other. */
#include "parse/jsonpath.h"

#include "base/units.h"

#include <string.h>

#define KEY_BYTES_MAX 256
#define INDEX_DIGITS_MAX 9

struct segment {
	bool is_index;
	int64_t index;
	char key[KEY_BYTES_MAX + 1];
};

static bool name_byte(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x80 || c == '_' || c == '-' || (c >= '0' && c <= '9') ||
	       (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int read_name(const char **at, struct segment *out, struct err *err)
{
	size_t len = 0;

	while (name_byte((*at)[len]))
		len++;
	if (!len)
		return err_set(err, ERR_USAGE, "a name is missing at \"%.40s\"", *at);
	if (len > KEY_BYTES_MAX)
		return err_set(err, ERR_USAGE, "a name has more than %d bytes", KEY_BYTES_MAX);
	*out = (struct segment){0};
	memcpy(out->key, *at, len);
	*at += len;
	return 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_hex4(const char *at, unsigned *out)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		int digit = hex_value(at[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | (unsigned)digit;
	}
	*out = value;
	return 0;
}

static size_t put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Four hex digits, or a pair of surrogates; AT stands behind "\u". */
static int read_unicode(const char **at, unsigned *out)
{
	unsigned high, low;

	if (read_hex4(*at, &high) < 0 || high == 0)
		return -1;
	*at += 4;
	if (high < 0xd800 || high > 0xdfff) {
		*out = high;
		return 0;
	}
	if (high > 0xdbff || (*at)[0] != '\\' || (*at)[1] != 'u' || read_hex4(*at + 2, &low) < 0 ||
	    low < 0xdc00 || low > 0xdfff)
		return -1;
	*at += 6;
	*out = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	return 0;
}

/* One character of a quoted key into OUT; AT stands behind the backslash. Returns bytes, 0 bad. */
static size_t read_escape(const char **at, char quote, char *out)
{
	static const char from[] = "bfnrt/\\", to[] = "\b\f\n\r\t/\\";
	char c = **at;
	const char *found = c ? strchr(from, c) : NULL;
	unsigned point;

	if (!c)
		return 0;
	(*at)++;
	if (c == 'u')
		return read_unicode(at, &point) < 0 ? 0 : put_utf8(out, point);
	if (!found && c != quote)
		return 0;
	*out = found ? to[found - from] : quote;
	return 1;
}

static int read_quoted(const char **at, struct segment *out, struct err *err)
{
	const char *p = *at;
	char quote = *p++;
	size_t len = 0;

	*out = (struct segment){0};
	while (*p && *p != quote) {
		char bytes[4] = {*p};
		size_t n = 1;

		if ((unsigned char)*p < 0x20)
			return err_set(err, ERR_USAGE, "a quoted key holds a control character");
		if (*p++ == '\\') {
			n = read_escape(&p, quote, bytes);
			if (!n)
				return err_set(err, ERR_USAGE, "a bad escape in a quoted key");
		}
		if (len + n > KEY_BYTES_MAX)
			return err_set(err, ERR_USAGE, "a key has more than %d bytes",
				       KEY_BYTES_MAX);
		memcpy(out->key + len, bytes, n);
		len += n;
	}
	if (!*p)
		return err_set(err, ERR_USAGE, "a quoted key has no end");
	*at = p + 1;
	return 0;
}

static int read_index(const char **at, struct segment *out, struct err *err)
{
	char text[INDEX_DIGITS_MAX + 2] = {0};
	size_t sign = **at == '-', digits = strspn(*at + sign, "0123456789");

	if (!digits || digits > INDEX_DIGITS_MAX)
		return err_set(err, ERR_USAGE, "\"[\" needs a quoted key or an index, at \"%.40s\"",
			       *at);
	if ((*at)[sign] == '0' && (digits > 1 || sign))
		return err_set(err, ERR_USAGE, "an index has a leading zero, at \"%.40s\"", *at);
	memcpy(text, *at, sign + digits);
	*out = (struct segment){.is_index = true};
	if (units_parse_int(text, -INT64_C(999999999), INT64_C(999999999), &out->index) < 0)
		return err_set(err, ERR_USAGE, "\"%s\" is not an index", text);
	*at += sign + digits;
	return 0;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t\n\r");
}

/* The segment at AT, which moves behind it. FIRST allows a name without its dot. */
static int next_segment(const char **at, bool first, struct segment *out, struct err *err)
{
	int rc;

	if (**at != '[') {
		if (**at == '.')
			(*at)++;
		else if (!first)
			return err_set(err, ERR_USAGE, "\".\" or \"[\" is missing at \"%.40s\"",
				       *at);
		return read_name(at, out, err);
	}
	*at = skip_blanks(*at + 1);
	rc = **at == '\'' || **at == '"' ? read_quoted(at, out, err) : read_index(at, out, err);
	if (rc < 0)
		return -1;
	*at = skip_blanks(*at);
	if (**at != ']')
		return err_set(err, ERR_USAGE, "\"]\" is missing at \"%.40s\"", *at);
	(*at)++;
	return 0;
}

static const char *start(const char *path, bool *bare)
{
	*bare = *path != '$';
	return *path == '$' ? path + 1 : path;
}

int jsonpath_check(const char *path, struct err *err)
{
	bool bare;
	const char *at = start(path, &bare);
	struct segment segment;

	if (!*path)
		return err_set(err, ERR_USAGE, "the path is empty; \"$\" is the whole document");
	for (; *at; bare = false)
		if (next_segment(&at, bare, &segment, err) < 0)
			return err_wrap(err, "path \"%.80s\"", path);
	return 0;
}

static const struct json *element(const struct json *array, int64_t index)
{
	const struct json *child = json_first(array);

	if (index < 0)
		index += (int64_t)json_size(array);
	if (index < 0)
		return NULL;
	while (child && index-- > 0)
		child = json_next(child);
	return child;
}

static const struct json *step(const struct json *value, const struct segment *segment)
{
	if (segment->is_index)
		return json_type(value) == JSON_ARRAY ? element(value, segment->index) : NULL;
	return json_type(value) == JSON_OBJECT ? json_get(value, segment->key) : NULL;
}

const struct json *jsonpath_find(const struct json *root, const char *path)
{
	bool bare;
	const char *at = start(path, &bare);
	struct segment segment;

	for (; root && *at; bare = false) {
		if (next_segment(&at, bare, &segment, NULL) < 0)
			return NULL;
		root = step(root, &segment);
	}
	return root;
}
