/* Goldens: a JSON object in a file beside the suite, case -> text. */
#include "check/prompt_private.h"

#include <string.h>

int check_golden_load(const char *path, const struct file_reader *files, struct arena *arena,
		      struct pairs *out, struct err *err)
{
	CLEANUP(json_freep) struct json *root = NULL;
	struct pairs goldens = {0};
	struct buf text;
	int rc;

	buf_init(&text, JSON_BYTES_MAX);
	rc = files->read(files->self, path, &text, err);
	if (rc < 0 && err->code == ERR_NOTFOUND) { /* none yet: then no case has one */
		buf_done(&text);
		*out = goldens;
		return 0;
	}
	if (rc == 0)
		rc = json_parse_file(path, buf_str(&text), text.len, false, &root, err);
	buf_done(&text);
	if (rc < 0)
		return -1;
	if (json_type(root) != JSON_OBJECT)
		return err_set(err, ERR_USAGE, "%s: goldens are an object: case -> text", path);
	for (const struct json *item = json_first(root); item; item = json_next(item)) {
		struct pair *pair =
			arena_push(arena, &goldens.items, &goldens.count, sizeof(*pair));

		if (!json_text(item))
			return err_set(err, ERR_USAGE, "%s: the golden of \"%s\" is no text", path,
				       json_key(item));
		pair->key = arena_strdup(arena, json_key(item));
		pair->value = arena_strdup(arena, json_text(item));
	}
	*out = goldens;
	return 0;
}

const char *check_golden_find(const struct pairs *goldens, const char *name)
{
	for (size_t i = 0; i < goldens->count; i++)
		if (strcmp(goldens->items[i].key, name) == 0)
			return goldens->items[i].value;
	return NULL;
}
