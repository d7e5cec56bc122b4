/*
 * Field tables: one row describes one key of a suite. The same row drives parsing, located
 * errors, the published JSON Schema, `--help` and the man page; there is no second description.
 */
#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
	FIELD_STRING,	/* const char *, NULL when absent */
	FIELD_BOOL,	/* bool; DEF "true" or "false" */
	FIELD_TRISTATE, /* int: -1 absent, 0 false, 1 true */
	FIELD_INT,	/* int64_t, FIELD_ABSENT_INT when absent and no DEF; MIN..MAX */
	FIELD_NUMBER,	/* double, NAN when absent and no DEF; MIN..MAX */
	FIELD_DURATION, /* uint64_t ns; written "500ms", "30s", "5m", "1h"; 0 when absent and no DEF
			 */
	FIELD_SIZE,	/* uint64_t bytes; written "10KiB", "64MB" or a whole number */
	FIELD_ENUM,	/* int: index into CHOICES, -1 when absent and no DEF */
	FIELD_STRINGS,	/* struct strings: a list of strings; one string is a list of one */
	FIELD_MAP,	/* struct pairs: object of string values */
	FIELD_OBJECT,	/* pointer to a struct filled by FIELDS, NULL when absent; see SHORT_FOR */
	FIELD_OBJECTS,	/* struct objects: list of such structs */
	FIELD_JSON, /* const struct json *: any value, NULL when absent; lives with the document */
};

#define FIELD_ABSENT_INT INT64_MIN

struct strings {
	const char **items;
	size_t count;
};

struct pair {
	const char *key;
	const char *value;
};

struct pairs {
	struct pair *items;
	size_t count;
};

struct objects {
	void *items; /* array of structs of the table's SIZE */
	size_t count;
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset; /* offsetof() in the struct that is filled */
	bool required;
	bool nonempty;		    /* string, list or map must not be empty */
	bool pattern;		    /* strings are PCRE2 patterns, compiled at load to prove them */
	double min, max;	    /* both 0: no bound */
	const char *def;	    /* default as written in a suite, NULL: none */
	const char *const *choices; /* FIELD_ENUM: NULL-terminated */
	const struct field *fields; /* FIELD_OBJECT(S): sub-table, ends with a NULL name */
	size_t size;		    /* FIELD_OBJECT(S): bytes of the sub-struct */
	const char *short_for;	    /* FIELD_OBJECT: a string stands for an object with this key */
	const char *schema;	    /* FIELD_JSON: JSON Schema of the value, NULL: any value */
	const char *help;	    /* one sentence, with the unit */
};

/* The text that values came from, for "FILE:LINE:COLUMN" in errors. */
struct field_source {
	const char *file;
	const char *text;
	size_t len;
	bool yaml; /* read by yaml_parse: scalars are taken by their text where a string is wanted,
		      null is absent, and one string is no list */
};

/*
 * Fill the struct at OUT from OBJECT by FIELDS. PATH names OBJECT inside the document
 * ("checks[2]", "" for the root). Unknown keys are errors with the nearest known key; keys in
 * IGNORE (NULL-terminated, may be NULL) are passed over. All memory is ARENA's. Errors are
 * ERR_USAGE "FILE:LINE:COL: PATH.key: what is wrong".
 */
int field_load(const struct field *fields, const struct json *object, const char *path,
	       const struct field_source *source, const char *const *ignore, struct arena *arena,
	       void *out, struct err *err);

/* Put "FILE:LINE:COL: " and a message about the key KEY (NULL: the value itself) at PATH in ERR. */
int field_error(const struct field_source *source, const char *path, const char *key,
		struct err *err, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Add "type", "properties", "required", "additionalProperties": false … for FIELDS to SCHEMA. */
void field_schema(const struct field *fields, struct json *schema);

/* The candidate nearest to WORD by edit distance (transpositions count one), NULL when none is
 * near enough to be a typing error. CANDIDATES is NULL-terminated. */
const char *field_nearest(const char *word, const char *const *candidates);

#endif
