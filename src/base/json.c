#include "base/json.h"

#include "base/json_text.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INT_MAX_EXACT 9007199254740992.0 /* 2^53: whole numbers up to here are exact */

/* struct json is cJSON's node under our name; these two are the only casts. */
static cJSON *node(struct json *value)
{
	return (cJSON *)value;
}

static const cJSON *look(const struct json *value)
{
	return (const cJSON *)value;
}

/* --- reading --------------------------------------------------------------------------------- */

struct member {
	const char *name;
	size_t index;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Index of the first member of OBJECT whose name stood before, -1 when there is none. */
static int repeated_member(const cJSON *object)
{
	size_t count = 0;
	struct member *members;
	size_t found = SIZE_MAX;

	if (!object->child || !object->child->next)
		return -1;
	members = xcalloc((size_t)cJSON_GetArraySize(object), sizeof(*members));
	for (const cJSON *child = object->child; child; child = child->next, count++)
		members[count] = (struct member){child->string, count};
	qsort(members, count, sizeof(*members), compare_members);
	for (size_t i = 1; i < count; i++)
		if (strcmp(members[i - 1].name, members[i].name) == 0 && members[i].index < found)
			found = members[i].index;
	free(members);
	return found == SIZE_MAX ? -1 : (int)found;
}

/*
 * The first object below VALUE, in the text's order, that has a name twice; NULL: none. OBJECTS
 * counts the objects before it, MEMBER is the second place. Depth is bounded by JSON_DEPTH_MAX.
 */
static const cJSON *find_duplicate(const cJSON *value, size_t *objects, int *member)
{
	const cJSON *found = NULL;

	if (cJSON_IsObject(value)) {
		*member = repeated_member(value);
		if (*member >= 0)
			return value;
		(*objects)++;
	}
	for (const cJSON *child = value->child; child && !found; child = child->next)
		found = find_duplicate(child, objects, member);
	return found;
}

static int fail_at(const char *file, const char *text, size_t offset, struct err *err,
		   const char *what)
{
	unsigned line, column;

	json_position(text, offset, &line, &column);
	if (file)
		return err_set(err, ERR_USAGE, "%s:%u:%u: %s", file, line, column, what);
	return err_set(err, ERR_USAGE, "line %u, column %u: %s", line, column, what);
}

/* COPY is TEXT, blanked and proven. */
static int parse_copy(const char *file, const char *text, const char *copy, size_t len,
		      struct json **out, struct err *err)
{
	const cJSON *twice;
	size_t objects = 0;
	int member = 0;
	char what[160];
	cJSON *root = cJSON_ParseWithLength(copy, len);

	if (!root)
		return fail_at(file, text, 0, err, "not valid JSON");
	twice = find_duplicate(root, &objects, &member);
	if (twice) {
		(void)snprintf(what, sizeof(what), "duplicate key \"%.100s\"",
			       cJSON_GetArrayItem(twice, member)->string);
		fail_at(file, text, json_text_member(copy, len, objects, (size_t)member), err,
			what);
		cJSON_Delete(root);
		return -1;
	}
	*out = (struct json *)root;
	return 0;
}

int json_parse_file(const char *file, const char *text, size_t len, bool jsonc, struct json **out,
		    struct err *err)
{
	struct json_fault fault;
	char *copy;
	int rc;

	if (len > JSON_BYTES_MAX)
		return fail_at(file, text, 0, err, "larger than 64 MiB");
	copy = xcalloc(1, len + 1);
	if (len)
		memcpy(copy, text, len);
	if (json_text_check(copy, len, jsonc, &fault) < 0)
		rc = fail_at(file, text, fault.offset, err, fault.what);
	else
		rc = parse_copy(file, text, copy, len, out, err);
	free(copy);
	return rc;
}

int json_parse(const char *text, size_t len, bool jsonc, struct json **out, struct err *err)
{
	return json_parse_file(NULL, text, len, jsonc, out, err);
}

void json_free(struct json *root)
{
	cJSON_Delete(node(root));
}

void json_freep(struct json **root)
{
	json_free(*root);
}

enum json_type json_type(const struct json *value)
{
	switch (look(value)->type & 0xFF) {
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {"null",	"true or false", "a number",
					    "a string", "a list",	 "an object"};

	return names[type];
}

const struct json *json_get(const struct json *object, const char *key)
{
	return (const struct json *)cJSON_GetObjectItemCaseSensitive(look(object), key);
}

const struct json *json_first(const struct json *container)
{
	return container ? (const struct json *)look(container)->child : NULL;
}

const struct json *json_next(const struct json *child)
{
	return (const struct json *)look(child)->next;
}

const char *json_key(const struct json *child)
{
	return look(child)->string;
}

size_t json_size(const struct json *container)
{
	return container ? (size_t)cJSON_GetArraySize(look(container)) : 0;
}

const char *json_text(const struct json *value)
{
	return value && cJSON_IsString(look(value)) ? look(value)->valuestring : NULL;
}

double json_number(const struct json *value)
{
	return value && cJSON_IsNumber(look(value)) ? look(value)->valuedouble : (double)NAN;
}

bool json_true(const struct json *value)
{
	return value && cJSON_IsTrue(look(value));
}

const char *json_literal(const struct json *value)
{
	return value ? look(value)->valuestring : NULL;
}

const char *json_str(const struct json *object, const char *key, const char *fallback)
{
	const char *text = json_text(json_get(object, key));

	return text ? text : fallback;
}

double json_num(const struct json *object, const char *key, double fallback)
{
	double value = json_number(json_get(object, key));

	return isnan(value) ? fallback : value;
}

int64_t json_int(const struct json *object, const char *key, int64_t fallback)
{
	double value = json_number(json_get(object, key));

	if (isnan(value) || fabs(value) > INT_MAX_EXACT)
		return fallback;
	return (int64_t)value;
}

bool json_bool(const struct json *object, const char *key, bool fallback)
{
	const struct json *value = json_get(object, key);

	return value && cJSON_IsBool(look(value)) ? json_true(value) : fallback;
}

static void add(struct json *parent, const char *key, cJSON *child)
{
	if (key)
		cJSON_AddItemToObject(node(parent), key, child);
	else
		cJSON_AddItemToArray(node(parent), child);
}

struct json *json_new_object(void)
{
	return (struct json *)cJSON_CreateObject();
}

struct json *json_new_array(void)
{
	return (struct json *)cJSON_CreateArray();
}

struct json *json_add_object(struct json *parent, const char *key)
{
	cJSON *child = cJSON_CreateObject();

	add(parent, key, child);
	return (struct json *)child;
}

struct json *json_add_array(struct json *parent, const char *key)
{
	cJSON *child = cJSON_CreateArray();

	add(parent, key, child);
	return (struct json *)child;
}

void json_add_str(struct json *parent, const char *key, const char *text)
{
	struct buf clean;

	if (!text)
		return;
	buf_init(&clean, SIZE_MAX / 2);
	utf8_mend(text, &clean);
	add(parent, key, cJSON_CreateString(buf_str(&clean)));
	buf_done(&clean);
}

void json_add_num(struct json *parent, const char *key, double value)
{
	add(parent, key, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

void json_add_int(struct json *parent, const char *key, int64_t value)
{
	add(parent, key, cJSON_CreateNumber((double)value));
}

void json_add_bool(struct json *parent, const char *key, bool value)
{
	add(parent, key, cJSON_CreateBool(value));
}

/* cJSON copies and frees the text of any node, and reads it of strings alone. */
void json_add_literal(struct json *parent, const char *key, enum json_type type, double value,
		      const char *text)
{
	cJSON *child = type == JSON_NUMBER && isfinite(value) ? cJSON_CreateNumber(value)
		       : type == JSON_BOOL		      ? cJSON_CreateBool(value > 0)
							      : cJSON_CreateNull();

	child->valuestring = cJSON_malloc(strlen(text) + 1);
	memcpy(child->valuestring, text, strlen(text) + 1);
	add(parent, key, child);
}

void json_add_copy(struct json *parent, const char *key, const struct json *value)
{
	add(parent, key, cJSON_Duplicate(look(value), true));
}

/* --- printing -------------------------------------------------------------------------------- */

/* What we build is as deep as our own formats; what we read is bounded by JSON_DEPTH_MAX. */
static void write_value(struct json_writer *writer, const char *key, const cJSON *value)
{
	if (cJSON_IsNumber(value)) {
		json_write_num(writer, key, value->valuedouble);
	} else if (cJSON_IsString(value)) {
		json_write_str(writer, key, value->valuestring);
	} else if (cJSON_IsBool(value)) {
		json_write_word(writer, key, cJSON_IsTrue(value) ? "true" : "false");
	} else if (cJSON_IsObject(value) || cJSON_IsArray(value)) {
		json_write_open(writer, key, cJSON_IsObject(value) ? '{' : '[');
		for (const cJSON *child = value->child; child; child = child->next)
			write_value(writer, cJSON_IsObject(value) ? child->string : NULL, child);
		json_write_close(writer, cJSON_IsObject(value) ? '}' : ']');
	} else {
		json_write_word(writer, key, "null");
	}
}

void json_print(const struct json *value, bool pretty, struct buf *out)
{
	struct json_writer writer = {.out = out, .pretty = pretty};

	write_value(&writer, NULL, look(value));
}

/* --- comparing ------------------------------------------------------------------------------- */

static bool same_members(const struct json *a, const struct json *b)
{
	for (const struct json *child = json_first(a); child; child = json_next(child)) {
		const struct json *other = json_get(b, json_key(child));

		if (!other || !json_same(child, other))
			return false;
	}
	return true;
}

/* Depth is bounded by JSON_DEPTH_MAX. */
bool json_same(const struct json *a, const struct json *b)
{
	double left = json_number(a), right = json_number(b);
	const struct json *x = json_first(a), *y = json_first(b);

	if (json_type(a) != json_type(b) || json_size(a) != json_size(b))
		return false;
	switch (json_type(a)) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return json_true(a) == json_true(b);
	case JSON_NUMBER:
		return !(left < right || left > right);
	case JSON_STRING:
		return strcmp(json_text(a), json_text(b)) == 0;
	case JSON_ARRAY:
		while (x && y && json_same(x, y)) {
			x = json_next(x);
			y = json_next(y);
		}
		return !x && !y;
	case JSON_OBJECT:
		return same_members(a, b);
	}
	return false;
}
