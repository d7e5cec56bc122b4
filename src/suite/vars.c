#include "suite/suite_private.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 128

static const char *lookup(const struct pairs *vars, const char *name)
{
	for (size_t i = 0; vars && i < vars->count; i++)
		if (strcmp(vars->items[i].key, name) == 0)
			return vars->items[i].value;
	return getenv(name);
}

/* VALUE as the inside of a JSON string. */
static void add_escaped(struct buf *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			buf_printf(out, "\\%c", *value);
		else if ((unsigned char)*value < 0x20)
			buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*value);
		else
			buf_add(out, value, 1);
	}
}

static int fail_at(const char *file, const char *text, size_t at, struct err *err,
		   const char *what, const char *name)
{
	unsigned line, column;

	json_position(text, at, &line, &column);
	return err_set(err, ERR_USAGE, "%s:%u:%u: ${%s}: %s", file, line, column, name, what);
}

/* The "${NAME}" at I; *END is behind it. */
static int expand_one(const char *file, const char *text, size_t len, size_t i,
		      const struct pairs *vars, struct digest *digest, struct buf *out, size_t *end,
		      struct err *err)
{
	const char *stop = memchr(text + i, '}', len - i);
	char name[NAME_BYTES_MAX];
	size_t size = stop ? (size_t)(stop - text) - i - 2 : 0;
	const char *value;

	if (!stop || !size || size >= sizeof(name))
		return fail_at(file, text, i, err, "write ${NAME}, or $${ for a literal ${", "");
	memcpy(name, text + i + 2, size);
	name[size] = '\0';
	value = lookup(vars, name);
	if (!value)
		return fail_at(file, text, i, err,
			       "not set: give --var NAME=VALUE or set it in the environment", name);
	digest_add_field(digest, name);
	digest_add_field(digest, value);
	add_escaped(out, value);
	*end = i + size + 3;
	return 0;
}

int suite_expand(const char *file, const char *text, size_t len, const struct pairs *vars,
		 struct digest *digest, struct buf *out, struct err *err)
{
	size_t i = 0;

	while (i < len) {
		if (len - i >= 3 && memcmp(text + i, "$${", 3) == 0) {
			buf_addstr(out, "${");
			i += 3;
		} else if (len - i >= 2 && memcmp(text + i, "${", 2) == 0) {
			if (expand_one(file, text, len, i, vars, digest, out, &i, err) < 0)
				return -1;
		} else {
			buf_add(out, text + i, 1);
			i++;
		}
	}
	return 0;
}
