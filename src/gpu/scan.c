#include "gpu/scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_LEN_MAX 63
#define WHOLE_MAX (UINT64_C(1) << 53)

static const char *blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* P is at the opening quote; the result is behind the closing one. */
static const char *past_string(const char *p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

/* Brackets outside strings balance, since the text is well-formed. */
static const char *past_container(const char *p)
{
	size_t depth = 0;

	for (;;) {
		if (*p == '"') {
			p = past_string(p);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		if ((*p == '}' || *p == ']') && --depth == 0)
			return p + 1;
		p++;
	}
}

struct span scan_value(const char *text)
{
	const char *at = blanks(text), *end;

	if (*at == '"')
		end = past_string(at);
	else if (*at == '{' || *at == '[')
		end = past_container(at);
	else
		end = at + strcspn(at, ",]} \t\r\n");
	return (struct span){at, (size_t)(end - at)};
}

bool scan_next(struct span container, struct walk *walk)
{
	const char *p = walk->next;

	if (!p) {
		if (!container.at || (*container.at != '{' && *container.at != '['))
			return false;
		p = container.at + 1;
	}
	p = blanks(p);
	if (*p == ',')
		p = blanks(p + 1);
	if (*p == '}' || *p == ']')
		return false;
	walk->key = (struct span){NULL, 0};
	if (*container.at == '{') {
		walk->key = scan_value(p);
		p = blanks(walk->key.at + walk->key.len) + 1; /* the colon */
		walk->key.at++;
		walk->key.len -= 2;
	}
	walk->value = scan_value(p);
	walk->next = walk->value.at + walk->value.len;
	return true;
}

struct span scan_get(struct span object, const char *key)
{
	struct walk walk = {NULL, {NULL, 0}, {NULL, 0}};
	size_t len = strlen(key);

	if (!object.at || *object.at != '{')
		return (struct span){NULL, 0};
	while (scan_next(object, &walk))
		if (walk.key.len == len && !memcmp(walk.key.at, key, len))
			return walk.value;
	return (struct span){NULL, 0};
}

bool scan_string(struct span value, char *out, size_t size)
{
	if (!value.at || *value.at != '"' || value.len - 2 >= size ||
	    memchr(value.at, '\\', value.len))
		return false;
	memcpy(out, value.at + 1, value.len - 2);
	out[value.len - 2] = '\0';
	return true;
}

bool scan_double(struct span value, double *out)
{
	char text[NUMBER_LEN_MAX + 1];
	double number;

	if (!value.at || value.len > NUMBER_LEN_MAX || !strchr("-0123456789", *value.at))
		return false;
	memcpy(text, value.at, value.len);
	text[value.len] = '\0';
	number = strtod(text, NULL);
	if (!isfinite(number))
		return false;
	*out = number;
	return true;
}

bool scan_uint(struct span value, uint64_t *out)
{
	double number;

	if (!scan_double(value, &number) || number < 0 || number > (double)WHOLE_MAX ||
	    number != floor(number))
		return false;
	*out = (uint64_t)number;
	return true;
}
