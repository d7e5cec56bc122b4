#include "suite/suite_private.h"

#include <stdlib.h>
#include <string.h>

#define VAR_NAME_MAX 128
#define PLACE_BYTES_MAX 2048 /* of a path in an error */

/* Where the walk stands; the text of it is only made for an error. */
struct place {
	const struct place *up;
	const char *key; /* NULL in a list */
	size_t index;
};

struct walk {
	const struct field_source *source;
	const struct pairs *vars;
	struct digest *digest;
	size_t bytes; /* of expanded strings so far */
	struct err *err;
};

static void add_place(const struct place *place, struct buf *out)
{
	if (!place)
		return;
	add_place(place->up, out);
	if (place->key)
		buf_printf(out, "%s%s", out->len ? "." : "", place->key);
	else
		buf_printf(out, "[%zu]", place->index);
}

static int fail_at(const struct walk *walk, const struct place *place, const char *name,
		   const char *what)
{
	struct buf path;
	int rc;

	buf_init(&path, PLACE_BYTES_MAX);
	add_place(place->key ? place->up : place, &path);
	rc = field_error(walk->source, buf_str(&path), place->key, walk->err, "%s%s%s%s",
			 name ? "${" : "", name ? name : "", name ? "} " : "", what);
	buf_done(&path);
	return rc;
}

static const char *lookup(const struct pairs *vars, const char *name)
{
	for (size_t i = 0; vars && i < vars->count; i++)
		if (strcmp(vars->items[i].key, name) == 0)
			return vars->items[i].value;
	return getenv(name);
}

/* Length of the variable's name at TEXT, 0 when it is none. */
static size_t name_length(const char *text)
{
	static const char letters[] =
		"0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t len = strspn(text, letters);

	if (!len || len >= VAR_NAME_MAX || (*text >= '0' && *text <= '9') || text[len] != '}')
		return 0;
	return len;
}

/* Append the value of the "${NAME}" at TEXT; returns its length in TEXT, 0 with an error. */
static size_t add_variable(struct walk *walk, const struct place *place, const char *text,
			   struct buf *out)
{
	size_t len = name_length(text + 2);
	char name[VAR_NAME_MAX];
	const char *value;

	if (!len) {
		fail_at(walk, place, NULL, "write ${NAME}, or $${ for a literal ${");
		return 0;
	}
	memcpy(name, text + 2, len);
	name[len] = '\0';
	value = lookup(walk->vars, name);
	if (!value) {
		fail_at(walk, place, name,
			"is not set: give --var NAME=VALUE or set it in the environment");
		return 0;
	}
	digest_add_field(walk->digest, name);
	digest_add_field(walk->digest, value);
	buf_addstr(out, value);
	return len + 3;
}

static int expand_string(struct walk *walk, const struct place *place, const char *text,
			 struct buf *out)
{
	while (*text) {
		size_t plain = strcspn(text, "$"), step = 1;

		buf_add(out, text, plain);
		text += plain;
		if (strncmp(text, "$${", 3) == 0) {
			buf_addstr(out, "${");
			step = 3;
		} else if (strncmp(text, "${", 2) == 0) {
			step = add_variable(walk, place, text, out);
			if (!step)
				return -1;
		} else if (*text) {
			buf_addstr(out, "$");
		}
		text += *text ? step : 0;
	}
	walk->bytes += out->len;
	if (out->truncated || walk->bytes > SUITE_EXPANDED_MAX)
		return fail_at(walk, place, NULL, "variables make the suite larger than 4 MiB");
	return 0;
}

/* The members of FROM into TO; depth is bounded by JSON_DEPTH_MAX. */
static int expand_members(struct walk *walk, const struct place *up, const struct json *from,
			  struct json *to)
{
	struct place place = {.up = up};

	for (const struct json *item = json_first(from); item; item = json_next(item)) {
		enum json_type type = json_type(item);
		struct buf text;
		int rc = 0;

		place.key = json_key(item);
		if (type == JSON_OBJECT) {
			rc = expand_members(walk, &place, item, json_add_object(to, place.key));
		} else if (type == JSON_ARRAY) {
			rc = expand_members(walk, &place, item, json_add_array(to, place.key));
		} else if (type == JSON_STRING && strchr(json_text(item), '$')) {
			buf_init(&text, SUITE_EXPANDED_MAX);
			rc = expand_string(walk, &place, json_text(item), &text);
			json_add_str(to, place.key, buf_str(&text));
			buf_done(&text);
		} else {
			json_add_copy(to, place.key, item);
		}
		if (rc < 0)
			return -1;
		place.index++;
	}
	return 0;
}

int suite_expand(const struct json *document, const struct field_source *source,
		 const struct pairs *vars, struct digest *digest, struct json **out,
		 struct err *err)
{
	struct walk walk = {.source = source, .vars = vars, .digest = digest, .err = err};
	struct json *copy = json_new_object();

	if (expand_members(&walk, NULL, document, copy) < 0) {
		json_free(copy);
		return -1;
	}
	*out = copy;
	return 0;
}
