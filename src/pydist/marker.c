/*
 * Environment markers (PEP 508): comparisons of variables and quoted texts, joined by and, or and
 * parentheses. Python's packaging decided the table of tests/unit/pydist/markers.tsv.
 */
#include "parse/version.h"
#include "pydist/requirement.h"
#include "pydist/text.h"

#include <string.h>

#define DEPTH_MAX 50
#define WORD_MAX 256

struct marker {
	const char *at;
	const struct py_environment *environment;
	unsigned depth;
	bool bad; /* could not be understood */
};

struct operand {
	char text[WORD_MAX];
	bool variable;
	bool extra;
	bool version; /* its values are versions */
};

static void skip(struct marker *marker)
{
	marker->at += strspn(marker->at, " \t");
}

static bool take_word(struct marker *marker, const char *word)
{
	size_t len = strlen(word);
	char next = '\0';

	skip(marker);
	if (strncmp(marker->at, word, len) != 0)
		return false;
	next = marker->at[len];
	if ((next >= 'a' && next <= 'z') || next == '_')
		return false;
	marker->at += len;
	return true;
}

/* --- operands -------------------------------------------------------------------------------- */

static const char *value_of(const struct py_environment *e, const char *name)
{
	const struct {
		const char *name, *value;
	} known[] = {{"python_version", e->python_version},
		     {"python_full_version", e->python_full_version},
		     {"platform_machine", e->platform_machine},
		     {"sys_platform", e->sys_platform},
		     {"extra", e->extra ? e->extra : ""},
		     {"os_name", "posix"},
		     {"os.name", "posix"},
		     {"sys.platform", e->sys_platform},
		     {"platform.machine", e->platform_machine},
		     {"platform.version", ""},
		     {"platform.python_implementation", "CPython"},
		     {"platform_system", "Linux"},
		     {"platform_python_implementation", "CPython"},
		     {"python_implementation", "CPython"},
		     {"implementation_name", "cpython"},
		     {"implementation_version", e->python_full_version},
		     {"platform_release", ""},
		     {"platform_version", ""}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].value ? known[i].value : "";
	return NULL;
}

/* The names that PEP 508 and pip compare as versions; all others are texts. */
static bool is_version(const char *name)
{
	static const char *const names[] = {"python_version", "python_full_version",
					    "implementation_version", "platform_release"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void take_operand(struct marker *marker, struct operand *out)
{
	char quote;
	size_t len;
	const char *value;

	*out = (struct operand){0};
	skip(marker);
	quote = *marker->at;
	if (quote == '\'' || quote == '"') {
		const char *end = strchr(marker->at + 1, quote);

		len = end ? (size_t)(end - marker->at - 1) : 0;
		if (!end || len >= WORD_MAX) {
			marker->bad = true;
			return;
		}
		memcpy(out->text, marker->at + 1, len);
		marker->at = end + 1;
		return;
	}
	len = strspn(marker->at, "abcdefghijklmnopqrstuvwxyz_.");
	if (!len || len >= WORD_MAX) {
		marker->bad = true;
		return;
	}
	memcpy(out->text, marker->at, len);
	marker->at += len;
	out->extra = strcmp(out->text, "extra") == 0;
	out->version = is_version(out->text);
	out->variable = true;
	value = value_of(marker->environment, out->text);
	if (!value || strlen(value) >= WORD_MAX)
		marker->bad = true;
	else
		memcpy(out->text, value, strlen(value) + 1);
}

/* --- comparisons ----------------------------------------------------------------------------- */

static bool compare_texts(const struct operand *left, const char *op, const struct operand *right,
			  struct marker *marker)
{
	bool same = strcmp(left->text, right->text) == 0;

	if (strcmp(op, "in") == 0)
		return strstr(right->text, left->text) != NULL;
	if (strcmp(op, "not in") == 0)
		return strstr(right->text, left->text) == NULL;
	if (strcmp(op, "!=") == 0)
		return !same;
	if (strcmp(op, "==") == 0 || strcmp(op, "<=") == 0 || strcmp(op, ">=") == 0)
		return same; /* what is no version has no order */
	if (strcmp(op, "<") != 0 && strcmp(op, ">") != 0)
		marker->bad = true;
	return false;
}

static void normalise(struct operand *operand, struct arena *arena)
{
	const char *name = py_normalise(operand->text, arena);

	memcpy(operand->text, name, strlen(name) + 1); /* never longer */
}

/* A text that is no version satisfies no constraint, "!=" neither: so does pip. */
static bool compare(struct operand *left, const char *op, struct operand *right,
		    struct marker *marker)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char constraint[WORD_MAX + 4] = "";
	struct err ignored;
	bool holds = false;

	if (left->extra || right->extra) {
		normalise(left, arena);
		normalise(right, arena);
		return compare_texts(left, op, right, marker);
	}
	memcpy(constraint, op, strlen(op) + 1);
	memcpy(constraint + strlen(op), right->text, strlen(right->text) + 1);
	if (!(left->version || right->version) ||
	    version_constraint_check(VERSION_PEP440, constraint, &ignored) < 0)
		return compare_texts(left, op, right, marker);
	return version_matches(VERSION_PEP440, constraint, left->text, &holds, &ignored) == 0 &&
	       holds;
}

static const char *take_operator(struct marker *marker)
{
	static const char *const signs[] = {"===", "==", "!=", "<=", ">=", "~=", "<", ">"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strncmp(marker->at, signs[i], strlen(signs[i])) == 0) {
			marker->at += strlen(signs[i]);
			return signs[i];
		}
	if (take_word(marker, "in"))
		return "in";
	if (take_word(marker, "not") && take_word(marker, "in"))
		return "not in";
	marker->bad = true;
	return "==";
}

/* --- grammar --------------------------------------------------------------------------------- */

static bool either(struct marker *marker);

static bool single(struct marker *marker)
{
	struct operand left, right;
	const char *op;
	bool holds;

	skip(marker);
	if (*marker->at == '(') {
		if (++marker->depth > DEPTH_MAX) {
			marker->bad = true;
			return false;
		}
		marker->at++;
		holds = either(marker);
		skip(marker);
		marker->bad = marker->bad || *marker->at != ')';
		marker->at += *marker->at == ')';
		marker->depth--;
		return holds;
	}
	take_operand(marker, &left);
	skip(marker);
	op = take_operator(marker);
	take_operand(marker, &right);
	if (!left.variable && !right.variable)
		marker->bad = true;
	return !marker->bad && compare(&left, op, &right, marker);
}

static bool both(struct marker *marker)
{
	bool holds = single(marker);

	while (!marker->bad && take_word(marker, "and"))
		holds = single(marker) && holds;
	return holds;
}

static bool either(struct marker *marker)
{
	bool holds = both(marker);

	while (!marker->bad && take_word(marker, "or"))
		holds = both(marker) || holds;
	return holds;
}

bool requirement_applies(const char *text, const struct py_environment *environment, bool *known)
{
	struct marker marker = {.at = text, .environment = environment};
	bool holds;

	if (known)
		*known = true;
	if (!text)
		return true;
	holds = either(&marker);
	skip(&marker);
	if (marker.bad || *marker.at) {
		if (known)
			*known = false;
		return false;
	}
	return holds;
}
