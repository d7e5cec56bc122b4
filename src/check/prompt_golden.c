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

const char *check_golden_file(const char *kind, const void *spec)
{
	return strcmp(kind, check_prompt.kind) == 0 ? ((const struct prompt_spec *)spec)->golden
						    : NULL;
}

void check_golden_cases(const void *data, struct arena *arena, struct strings *out)
{
	const struct prompt_spec *spec = data;
	const struct prompt_case *cases = spec->cases.items;
	bool all = check_prompt_wants_golden(spec->expect);

	for (size_t i = 0; i < spec->cases.count; i++) {
		const char **slot;

		if (!all && !check_prompt_wants_golden(cases[i].expect))
			continue;
		slot = arena_push(arena, &out->items, &out->count, sizeof(*slot));
		*slot = cases[i].name;
	}
}

static bool is_among(const struct strings *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

/* One line that the check kept: {"case", "status", "text", …}. */
static int take_line(const struct json *line, const struct strings *names, struct arena *arena,
		     struct pairs *out, struct err *err)
{
	const char *name = json_str(line, "case", ""), *text = json_str(line, "text", NULL);
	const char *before = check_golden_find(out, name);
	struct pair *pair;

	if (!is_among(names, name))
		return 0;
	if (!text || json_int(line, "status", 0) / 100 != 2)
		return err_set(err, ERR_USAGE, "case %s has no good answer in that run", name);
	if (strstr(text, "***"))
		return err_set(err, ERR_USAGE, "case %s answers with a secret: that is no golden",
			       name);
	if (before && strcmp(before, text) != 0)
		return err_set(err, ERR_USAGE, "case %s gave different texts in one run", name);
	if (before)
		return 0;
	pair = arena_push(arena, &out->items, &out->count, sizeof(*pair));
	*pair = (struct pair){arena_strdup(arena, name), arena_strdup(arena, text)};
	return 0;
}

int check_golden_answers(const char *said, size_t len, const struct strings *names,
			 struct arena *arena, struct pairs *out, struct err *err)
{
	const char *end = said + len;
	struct pairs answers = {0};

	while (said < end) {
		const char *stop = memchr(said, '\n', (size_t)(end - said));
		CLEANUP(json_freep) struct json *line = NULL;
		struct err ignored;

		if (!stop || json_parse(said, (size_t)(stop - said), false, &line, &ignored) < 0 ||
		    json_type(line) != JSON_OBJECT)
			return err_set(err, ERR_USAGE,
				       "what was kept of the check is cut: raise its output_max");
		if (take_line(line, names, arena, &answers, err) < 0)
			return -1;
		said = stop + 1;
	}
	*out = answers;
	return 0;
}
