#include "base/json.h"

#include "base/mem.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* struct json is cJSON's node under our name; these two are the only casts. */
static cJSON *node(struct json *value)
{
	return (cJSON *)value;
}

static const cJSON *look(const struct json *value)
{
	return (const cJSON *)value;
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

static int fail_at(const char *text, size_t offset, struct err *err, const char *what)
{
	unsigned line, column;

	json_position(text, offset, &line, &column);
	return err_set(err, ERR_USAGE, "line %u, column %u: %s", line, column, what);
}

/* Length of the UTF-8 sequence at P (LEFT bytes remain), 0 when it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t need = p[0] < 0x80 ? 1 : p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : (p[0] & 0xF0) == 0xE0 ? 3
		      : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : 0;

	if (!need || need > left)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
	    (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return need;
}

static int check_utf8(const char *text, size_t len, struct err *err)
{
	size_t i = 0;

	while (i < len) {
		size_t step = utf8_length((const unsigned char *)text + i, len - i);

		if (!step || text[i] == '\0')
			return fail_at(text, i, err, step ? "a NUL byte" : "not valid UTF-8");
		i += step;
	}
	return 0;
}

/* Offset just behind the string that starts at I, or LEN when it does not end. */
static size_t skip_string(const char *text, size_t len, size_t i)
{
	for (i++; i < len && text[i] != '"'; i++)
		if (text[i] == '\\')
			i++;
	return i < len ? i + 1 : len;
}

/* Offset just behind a comment at I; I itself when there is none. */
static size_t skip_comment(const char *text, size_t len, size_t i)
{
	const char *end;

	if (i + 1 >= len || text[i] != '/')
		return i;
	if (text[i + 1] == '/') {
		while (i < len && text[i] != '\n')
			i++;
		return i;
	}
	if (text[i + 1] != '*')
		return i;
	end = memmem(text + i + 2, len - i - 2, "*/", 2);
	return end ? (size_t)(end - text) + 2 : len;
}

/* First offset from I that is neither white space nor (in JSONC) inside a comment. */
static size_t skip_blank(const char *text, size_t len, size_t i)
{
	for (;;) {
		size_t next;

		while (i < len && strchr(" \t\r\n", text[i]) && text[i])
			i++;
		next = skip_comment(text, len, i);
		if (next == i)
			return i;
		i = next;
	}
}

/* Blank comments and trailing commas in COPY, so that offsets stay those of the text. */
static void blank_comments(char *copy, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t end;

		if (copy[i] == '"') {
			i = skip_string(copy, len, i);
			continue;
		}
		end = skip_comment(copy, len, i);
		for (size_t k = i; k < end; k++)
			if (copy[k] != '\n')
				copy[k] = ' ';
		i = end > i ? end : i + 1;
	}
	for (i = 0; i < len; i++) {
		if (copy[i] == '"') {
			i = skip_string(copy, len, i) - 1;
		} else if (copy[i] == ',') {
			size_t next = skip_blank(copy, len, i + 1);

			if (next < len && (copy[next] == ']' || copy[next] == '}'))
				copy[i] = ' ';
		}
	}
}

static int check_depth(const char *text, size_t len, struct err *err)
{
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"') {
			i = skip_string(text, len, i) - 1;
		} else if (text[i] == '[' || text[i] == '{') {
			if (++depth > JSON_DEPTH_MAX)
				return fail_at(text, i, err, "nested deeper than 64 levels");
		} else if ((text[i] == ']' || text[i] == '}') && depth) {
			depth--;
		}
	}
	return 0;
}

/* Names of one object, sorted, to find one that stands twice. */
static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *duplicate_name(const cJSON *object)
{
	size_t count = (size_t)cJSON_GetArraySize(object), i = 0;
	const char **names = xcalloc(count, sizeof(*names));
	const char *found = NULL;

	for (const cJSON *child = object->child; child; child = child->next)
		names[i++] = child->string;
	qsort(names, count, sizeof(*names), compare_names);
	for (i = 1; i < count && !found; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			found = names[i];
	free(names);
	return found;
}

/* Depth is bounded by check_depth. */
static const char *find_duplicate(const cJSON *value)
{
	const char *found = NULL;

	if (cJSON_IsObject(value))
		found = duplicate_name(value);
	for (const cJSON *child = value->child; child && !found; child = child->next)
		found = find_duplicate(child);
	return found;
}

/* Where KEY stands for the second time; good enough to point at. */
static size_t second_place(const char *text, size_t len, const char *key)
{
	size_t want = strlen(key), seen = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '"')
			continue;
		if (len - i > want + 1 && memcmp(text + i + 1, key, want) == 0 &&
		    text[i + 1 + want] == '"' && ++seen == 2)
			return i;
		i = skip_string(text, len, i) - 1;
	}
	return 0;
}

static int parse_text(const char *text, size_t len, struct json **out, struct err *err)
{
	const char *end = NULL, *duplicate;
	size_t start = skip_blank(text, len, 0), rest;
	cJSON *root;

	if (start == len)
		return fail_at(text, len, err, "the document is empty");
	root = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (!root)
		return fail_at(text, end ? (size_t)(end - text) : 0, err,
			       "not valid JSON from here on");
	rest = skip_blank(text, len, (size_t)(end - text));
	duplicate = find_duplicate(root);
	if (rest < len)
		fail_at(text, rest, err, "something follows the document's end");
	else if (duplicate)
		(void)(fail_at(text, second_place(text, len, duplicate), err, "duplicate key"),
		       snprintf(err->msg + strlen(err->msg), sizeof(err->msg) - strlen(err->msg),
				" \"%s\"", duplicate));
	if (rest < len || duplicate) {
		cJSON_Delete(root);
		return -1;
	}
	*out = (struct json *)root;
	return 0;
}

int json_parse(const char *text, size_t len, bool jsonc, struct json **out, struct err *err)
{
	char *copy;
	int rc;

	if (len > JSON_BYTES_MAX)
		return err_set(err, ERR_USAGE, "larger than %zu bytes", JSON_BYTES_MAX);
	if (check_utf8(text, len, err) < 0)
		return -1;
	copy = xcalloc(1, len + 1);
	memcpy(copy, text, len);
	if (jsonc)
		blank_comments(copy, len);
	rc = check_depth(copy, len, err);
	if (rc == 0)
		rc = parse_text(copy, len, out, err);
	free(copy);
	return rc;
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
	static const char *const names[] = { "null",	 "true or false", "a number",
					     "a string", "a list",	  "an object" };

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

	if (isnan(value) || value < -9007199254740992.0 || value > 9007199254740992.0)
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

/* Bytes that are no UTF-8 (captured output) become U+FFFD, so that what we write is JSON. */
void json_add_str(struct json *parent, const char *key, const char *text)
{
	struct buf clean;
	size_t len;

	if (!text)
		return;
	len = strlen(text);
	buf_init(&clean, SIZE_MAX / 2);
	for (size_t i = 0; i < len;) {
		size_t step = utf8_length((const unsigned char *)text + i, len - i);

		if (step)
			buf_add(&clean, text + i, step);
		else
			buf_addstr(&clean, "\xEF\xBF\xBD");
		i += step ? step : 1;
	}
	add(parent, key, cJSON_CreateString(buf_str(&clean)));
	buf_done(&clean);
}

/* Numbers are written by us: %.17g round-trips, and integers keep no exponent. */
void json_add_num(struct json *parent, const char *key, double value)
{
	char text[64];

	if (!isfinite(value)) {
		add(parent, key, cJSON_CreateNull());
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	add(parent, key, cJSON_CreateRaw(text));
}

void json_add_int(struct json *parent, const char *key, int64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	add(parent, key, cJSON_CreateRaw(text));
}

void json_add_bool(struct json *parent, const char *key, bool value)
{
	add(parent, key, cJSON_CreateBool(value));
}

void json_add_copy(struct json *parent, const char *key, const struct json *value)
{
	add(parent, key, cJSON_Duplicate(look(value), true));
}

void json_print(const struct json *value, bool pretty, struct buf *out)
{
	char *text = pretty ? cJSON_Print(look(value)) : cJSON_PrintUnformatted(look(value));

	if (!text)
		abort();
	buf_addstr(out, text);
	cJSON_free(text);
}

/* --- places ---------------------------------------------------------------------------------- */

static size_t skip_value(const char *text, size_t len, size_t i)
{
	unsigned depth = 0;

	i = skip_blank(text, len, i);
	for (; i < len; i++) {
		if (text[i] == '"') {
			i = skip_string(text, len, i) - 1;
		} else if (text[i] == '[' || text[i] == '{') {
			depth++;
		} else if (text[i] == ']' || text[i] == '}') {
			if (depth == 0 || --depth == 0)
				return depth == 0 && (text[i] == ']' || text[i] == '}') ? i + 1 : i;
		} else if (text[i] == '/') {
			i = skip_comment(text, len, i) - 1;
		}
		if (depth == 0 && i + 1 < len && strchr(",]}", text[i + 1]))
			return i + 1;
	}
	return len;
}

/* From the '{' at I: the offset of KEY's opening quote, LEN when absent. */
static size_t find_key(const char *text, size_t len, size_t i, const char *key, size_t key_len)
{
	i = skip_blank(text, len, i + 1);
	while (i < len && text[i] == '"') {
		size_t end = skip_string(text, len, i);

		if (end - i == key_len + 2 && memcmp(text + i + 1, key, key_len) == 0)
			return i;
		i = skip_blank(text, len, end);
		i = skip_value(text, len, i + 1); /* behind the ':' */
		i = skip_blank(text, len, i);
		if (i < len && text[i] == ',')
			i = skip_blank(text, len, i + 1);
	}
	return len;
}

/* From the '[' at I: the offset of element INDEX. */
static size_t find_element(const char *text, size_t len, size_t i, size_t index)
{
	i = skip_blank(text, len, i + 1);
	while (index-- && i < len) {
		i = skip_blank(text, len, skip_value(text, len, i));
		if (i < len && text[i] == ',')
			i = skip_blank(text, len, i + 1);
	}
	return i;
}

size_t json_locate(const char *text, size_t len, const char *path, const char *key)
{
	size_t i = skip_blank(text, len, 0);

	while (*path && i < len) {
		if (*path == '[') {
			size_t index = 0;

			for (path++; *path >= '0' && *path <= '9'; path++)
				index = index * 10 + (size_t)(*path - '0');
			path += *path == ']';
			i = text[i] == '[' ? find_element(text, len, i, index) : len;
		} else {
			size_t word = strcspn(path += *path == '.', ".[");

			i = text[i] == '{' ? find_key(text, len, i, path, word) : len;
			if (i < len) /* from the key to its value */
				i = skip_blank(text, len, skip_string(text, len, i));
			if (i < len)
				i = skip_blank(text, len, i + 1);
			path += word;
		}
	}
	if (key && i < len)
		i = text[i] == '{' ? find_key(text, len, i, key, strlen(key)) : len;
	return i;
}
