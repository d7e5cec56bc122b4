/* "{{NAME}}" inside bodies, inputs and messages. */
#include "prompt/request_private.h"

#include <math.h>
#include <string.h>

#define NAME_BYTES_MAX 64

/* The value of NAME as a JSON value in *HOLDER (freed by the caller), or borrowed. */
static const struct json *value_of(const struct prompt_vars *vars, const char *name,
				   struct json **holder)
{
	const struct prompt_template *tmpl = vars->tmpl;
	const struct json *own = vars->input->vars ? json_get(vars->input->vars, name) : NULL;
	struct json *list;

	if (own)
		return own;
	*holder = list = json_new_array();
	if (strcmp(name, "prompt") == 0)
		json_add_str(list, NULL, vars->input->prompt);
	else if (strcmp(name, "system") == 0)
		json_add_str(list, NULL, tmpl->system);
	else if (strcmp(name, "model") == 0)
		json_add_str(list, NULL, tmpl->model);
	else if (strcmp(name, "id") == 0)
		json_add_str(list, NULL, vars->id ? vars->id : "");
	else if (strcmp(name, "max_tokens") == 0 && vars->max_tokens != FIELD_ABSENT_INT)
		json_add_int(list, NULL, vars->max_tokens);
	else if (strcmp(name, "temperature") == 0 && !isnan(tmpl->temperature))
		json_add_num(list, NULL, tmpl->temperature);
	return json_first(list);
}

/* Length of "{{NAME}}" at TEXT with the name in NAME, 0 when it is none. */
static size_t variable_at(const char *text, char name[NAME_BYTES_MAX])
{
	static const char letters[] =
		"0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len;

	if (strncmp(text, "{{", 2) != 0)
		return 0;
	len = strspn(text + 2, letters);
	if (!len || len >= NAME_BYTES_MAX || strncmp(text + 2 + len, "}}", 2) != 0)
		return 0;
	memcpy(name, text + 2, len);
	name[len] = '\0';
	return len + 4;
}

static int unknown(const char *name, struct err *err)
{
	return err_set(err, ERR_USAGE,
		       "{{%s}} has no value: give it in vars, or the key of that name", name);
}

static int add_text(const struct prompt_vars *vars, const char *name, struct buf *out,
		    struct err *err)
{
	struct json *holder = NULL;
	const struct json *value = value_of(vars, name, &holder);
	int rc = value ? 0 : unknown(name, err);

	if (value && json_text(value))
		buf_addstr(out, json_text(value));
	else if (value)
		json_print(value, false, out);
	json_free(holder);
	return rc;
}

static int expand_text(const struct prompt_vars *vars, struct json *parent, const char *key,
		       const char *text, struct err *err)
{
	char name[NAME_BYTES_MAX];
	struct buf out;
	int rc = 0;

	buf_init(&out, PROMPT_BODY_BYTES_MAX);
	while (rc == 0 && *text) {
		size_t len = variable_at(text, name);

		if (len)
			rc = add_text(vars, name, &out, err);
		else
			buf_add(&out, text, 1);
		text += len ? len : 1;
	}
	if (rc == 0 && out.truncated)
		rc = err_set(err, ERR_LIMIT, "a text with its variables is larger than 32 MiB");
	if (rc == 0)
		json_add_str(parent, key, buf_str(&out));
	buf_done(&out);
	return rc;
}

static int expand_string(const struct prompt_vars *vars, struct json *parent, const char *key,
			 const char *text, struct err *err)
{
	char name[NAME_BYTES_MAX];
	size_t len = variable_at(text, name);
	struct json *holder = NULL;
	const struct json *value;
	int rc = 0;

	if (!len || text[len])
		return expand_text(vars, parent, key, text, err);
	value = value_of(vars, name, &holder);
	if (value)
		json_add_copy(parent, key, value);
	else
		rc = unknown(name, err);
	json_free(holder);
	return rc;
}

/* Depth is bounded by JSON_DEPTH_MAX. */
int prompt__expand(const struct prompt_vars *vars, struct json *parent, const char *key,
		   const struct json *value, struct err *err)
{
	enum json_type type = json_type(value);
	struct json *to;

	if (type == JSON_STRING)
		return expand_string(vars, parent, key, json_text(value), err);
	if (type != JSON_ARRAY && type != JSON_OBJECT) {
		json_add_copy(parent, key, value);
		return 0;
	}
	to = type == JSON_ARRAY ? json_add_array(parent, key) : json_add_object(parent, key);
	for (const struct json *item = json_first(value); item; item = json_next(item))
		if (prompt__expand(vars, to, json_key(item), item, err) < 0)
			return -1;
	return 0;
}
