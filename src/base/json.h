/*
 * JSON and JSONC: a thin face over cJSON, the only place that knows it.
 *
 * Reading is strict: UTF-8 only, no duplicate keys, bounded size and depth, errors with line and
 * column. Typed getters return the fallback when the key is missing or of another type.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json; /* one value; a child is borrowed from its root */

#define JSON_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define JSON_DEPTH_MAX 64

/* Parse LEN bytes; comments and trailing commas only when JSONC. The caller frees the root.
 * Errors are ERR_USAGE, "line L, column C: …". */
int json_parse(const char *text, size_t len, bool jsonc, struct json **out, struct err *err);
/* As json_parse, with errors "FILE:L:C: …". */
int json_parse_file(const char *file, const char *text, size_t len, bool jsonc, struct json **out,
		    struct err *err);
void json_free(struct json *root);
void json_freep(struct json **root);

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
enum json_type json_type(const struct json *value);
const char *json_type_name(enum json_type type); /* "a string", "an object", … */

const struct json *json_get(const struct json *object, const char *key); /* NULL when missing */
const struct json *json_first(const struct json *container);		 /* first child or NULL */
const struct json *json_next(const struct json *child);
const char *json_key(const struct json *child); /* NULL inside an array */
size_t json_size(const struct json *container);

const char *json_str(const struct json *object, const char *key, const char *fallback);
double json_num(const struct json *object, const char *key, double fallback);
/* The fraction is cut off; numbers beyond 2^53 give the fallback. */
int64_t json_int(const struct json *object, const char *key, int64_t fallback);
bool json_bool(const struct json *object, const char *key, bool fallback);
const char *json_text(const struct json *value); /* of a string value, else NULL */
double json_number(const struct json *value);	 /* of a number value, else NAN */
bool json_true(const struct json *value);
const char *json_literal(const struct json *value); /* as written; NULL: JSON keeps no such text */

/* Equal in type and value; the order of an object's keys does not matter, and 1 is 1.0. */
bool json_same(const struct json *a, const struct json *b);

/* Building. KEY NULL appends to an array. A NULL TEXT adds nothing; bytes of it that are no UTF-8
 * become U+FFFD. Numbers are doubles: whole ones are exact to 2^53, NaN and infinity become null.
 * New containers are owned by the parent. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_add_object(struct json *parent, const char *key);
struct json *json_add_array(struct json *parent, const char *key);
void json_add_str(struct json *parent, const char *key, const char *text);
void json_add_num(struct json *parent, const char *key, double value);
void json_add_int(struct json *parent, const char *key, int64_t value);
void json_add_bool(struct json *parent, const char *key, bool value);
/* A number, truth or null that another language wrote as TEXT; VALUE counts but for null. */
void json_add_literal(struct json *parent, const char *key, enum json_type type, double value,
		      const char *text);
void json_add_copy(struct json *parent, const char *key, const struct json *value);

/* Append the text of VALUE, indented when PRETTY; no final newline. Numbers read back as the same
 * double; whole ones up to 2^53 have no exponent. */
void json_print(const struct json *value, bool pretty, struct buf *out);

/* Line and column (from 1) of a byte offset; used with json_locate. */
void json_position(const char *text, size_t offset, unsigned *line, unsigned *column);

/* Byte offset in the JSONC text TEXT of the value (or, with KEY, of that key inside it) at PATH,
 * such as "checks[2].stdout"; "" is the root. TEXT has parsed before. Returns LEN when absent. */
size_t json_locate(const char *text, size_t len, const char *path, const char *key);

#endif
