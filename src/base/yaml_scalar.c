#include "base/yaml_scalar.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 400 /* of a number that is still one */
#define TAG(name) "tag:yaml.org,2002:" name

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(*words, text) == 0)
			return true;
	return false;
}

/* yaml.v2 takes `y` and `n`, which YAML 1.1 lists and many readers leave out. */
static bool is_word(const char *text, struct yaml_scalar *out)
{
	static const char *const yes[] = {"y",	  "Y",	  "yes", "Yes", "YES", "true",
					  "True", "TRUE", "on",	 "On",	"ON",  NULL};
	static const char *const no[] = {"n",	  "N",	   "no",  "No",	 "NO",	"false",
					 "False", "FALSE", "off", "Off", "OFF", NULL};
	static const char *const none[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const nan_words[] = {".nan", ".NaN", ".NAN", NULL};
	static const char *const inf_words[] = {".inf", ".Inf", ".INF", NULL};
	const char *unsigned_text = text + (*text == '+' || *text == '-');

	if (is_one_of(text, yes) || is_one_of(text, no))
		*out = (struct yaml_scalar){JSON_BOOL, is_one_of(text, yes), true};
	else if (is_one_of(text, none))
		*out = (struct yaml_scalar){JSON_NULL, 0, true};
	else if (is_one_of(text, nan_words))
		*out = (struct yaml_scalar){JSON_NUMBER, (double)NAN, true};
	else if (is_one_of(unsigned_text, inf_words))
		*out = (struct yaml_scalar){
			JSON_NUMBER, *text == '-' ? -(double)INFINITY : (double)INFINITY, true};
	else
		return false;
	return true;
}

static int digit_of(char letter)
{
	if (letter >= '0' && letter <= '9')
		return letter - '0';
	letter = (char)(letter | 0x20);
	return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 16;
}

/* Whole numbers: 12, -0x1F, 0b101, 0o17, and 017, which is octal. TEXT has no underscores. */
static bool is_whole(const char *text, double *out)
{
	const char *p = text + (*text == '+' || *text == '-');
	int base = 10;
	double value = 0;

	if (p[0] == '0' && p[1]) {
		char letter = (char)(p[1] | 0x20);

		base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
		p += letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1;
	}
	if (!*p)
		return false;
	for (; *p; p++) {
		if (digit_of(*p) >= base)
			return false;
		value = value * base + digit_of(*p);
	}
	*out = *text == '-' ? -value : value;
	return true;
}

/* [-+]? (\.[0-9]+ | [0-9]+ (\.[0-9]*)?) ([eE] [-+]? [0-9]+)? */
static bool is_fraction(const char *text, double *out)
{
	static const char digits[] = "0123456789";
	const char *p = text + (*text == '+' || *text == '-');
	size_t whole = strspn(p, digits), part = 0;

	p += whole;
	if (*p == '.') {
		part = strspn(p + 1, digits);
		p += 1 + part;
	}
	if (!whole && !part)
		return false;
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '+' || p[1] == '-');
		if (!strspn(p, digits))
			return false;
		p += strspn(p, digits);
	}
	if (*p)
		return false;
	*out = strtod(text, NULL);
	return true;
}

static bool is_number(const char *text, struct yaml_scalar *out)
{
	char plain[DIGITS_MAX + 1];
	size_t len = 0;
	double value = 0;

	if (!strchr("+-.0123456789", *text) || strlen(text) > DIGITS_MAX)
		return false;
	for (const char *p = text; *p; p++)
		if (*p != '_')
			plain[len++] = *p;
	plain[len] = '\0';
	if (!is_whole(plain, &value) && !is_fraction(text, &value))
		return false;
	*out = (struct yaml_scalar){JSON_NUMBER, value, true};
	return true;
}

static struct yaml_scalar plain_scalar(const char *text)
{
	struct yaml_scalar out = {JSON_STRING, 0, true};

	if (!is_word(text, &out))
		(void)is_number(text, &out);
	return out;
}

int yaml_scalar_resolve(const char *text, const char *tag, bool plain, struct yaml_scalar *out)
{
	static const struct {
		const char *tag;
		enum json_type type;
	} tags[] = {{TAG("str"), JSON_STRING},
		    {TAG("int"), JSON_NUMBER},
		    {TAG("float"), JSON_NUMBER},
		    {TAG("bool"), JSON_BOOL},
		    {TAG("null"), JSON_NULL}};
	struct yaml_scalar found = plain_scalar(text);

	out->known = false;
	if (!tag || strcmp(tag, "!") == 0) {
		*out = plain && !tag ? found : (struct yaml_scalar){JSON_STRING, 0, true};
		return 0;
	}
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (strcmp(tags[i].tag, tag) == 0) {
			out->known = true;
			if (tags[i].type == JSON_STRING)
				*out = (struct yaml_scalar){JSON_STRING, 0, true};
			else if (tags[i].type != found.type)
				return -1;
			else
				*out = found;
			return 0;
		}
	return -1;
}
