#include "base/yaml.h"

#include "base/arena.h"
#include "base/yaml_scalar.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define BOM "\xEF\xBB\xBF"

struct anchor {
	const char *name;
	const struct json *node; /* borrowed from the tree */
	size_t nodes;		 /* below it, itself included */
};

struct reader {
	yaml_parser_t parser;
	const char *file, *text; /* TEXT without its byte order mark */
	size_t len, skipped;
	struct arena *arena;
	struct anchor *anchors;
	size_t anchor_count;
	struct json *detached; /* values of merge keys */
	size_t nodes;
	struct err *err;
};

static void reader_open(struct reader *reader, const char *text, size_t len)
{
	size_t skip = len >= 3 && memcmp(text, BOM, 3) == 0 ? 3 : 0;

	reader->text = text + skip;
	reader->len = len - skip;
	reader->skipped = skip;
	/* It fails only when memory does, like an arena. */
	if (!yaml_parser_initialize(&reader->parser))
		__builtin_trap();
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *)reader->text,
				     reader->len);
}

/* libyaml counts characters, we count bytes. */
static size_t byte_of(const struct reader *reader, size_t character)
{
	size_t at = 0;

	while (at < reader->len && character) {
		at++;
		while (at < reader->len && ((unsigned char)reader->text[at] & 0xC0) == 0x80)
			at++;
		character--;
	}
	return at;
}

static int fail_byte(const struct reader *reader, size_t at, const char *what)
{
	unsigned line, column;

	json_position(reader->text, at, &line, &column);
	return err_set(reader->err, ERR_USAGE, "%s:%u:%u: %s", reader->file, line, column, what);
}

static int fail_at(const struct reader *reader, const yaml_mark_t *mark, const char *what)
{
	return fail_byte(reader, byte_of(reader, mark->index), what);
}

static int next_event(struct reader *reader, yaml_event_t *event)
{
	const yaml_parser_t *parser = &reader->parser;
	char what[200];

	if (yaml_parser_parse(&reader->parser, event))
		return 0;
	(void)snprintf(what, sizeof(what), "not valid YAML: %s%s%s",
		       parser->problem ? parser->problem : "cannot be read",
		       parser->context ? " " : "", parser->context ? parser->context : "");
	if (parser->error == YAML_READER_ERROR) /* a byte, not a character */
		return fail_byte(reader,
				 parser->problem_offset < reader->len ? parser->problem_offset : 0,
				 what);
	return fail_at(reader, &parser->problem_mark, what);
}

/* --- building -------------------------------------------------------------------------------- */

static int build(struct reader *reader, yaml_event_t *event, struct json *parent, const char *key,
		 unsigned depth, struct json **root);

static int count_nodes(struct reader *reader, const yaml_event_t *event, size_t nodes)
{
	reader->nodes += nodes;
	if (reader->nodes > YAML_NODES_MAX)
		return fail_at(reader, &event->start_mark,
			       "more than 100000 values, aliases expanded");
	return 0;
}

static const struct anchor *find_anchor(const struct reader *reader, const char *name)
{
	for (size_t i = reader->anchor_count; i > 0; i--) /* the latest of a name counts */
		if (strcmp(reader->anchors[i - 1].name, name) == 0)
			return &reader->anchors[i - 1];
	return NULL;
}

/* An anchor is known once its node is whole: a node cannot hold itself. */
static int keep_anchor(struct reader *reader, const yaml_event_t *event, const char *name,
		       const struct json *node, size_t nodes)
{
	struct anchor *anchor;

	if (!name)
		return 0;
	if (reader->anchor_count == YAML_ANCHORS_MAX)
		return fail_at(reader, &event->start_mark, "more than 1024 anchors");
	anchor =
		arena_push(reader->arena, &reader->anchors, &reader->anchor_count, sizeof(*anchor));
	*anchor = (struct anchor){name, node, nodes};
	return 0;
}

static const struct json *last_of(const struct json *parent, const char *key)
{
	const struct json *last = NULL;

	if (key)
		return json_get(parent, key);
	for (const struct json *child = json_first(parent); child; child = json_next(child))
		last = child;
	return last;
}

static int find_alias(struct reader *reader, const yaml_event_t *event, const struct anchor **out)
{
	*out = find_anchor(reader, (const char *)event->data.alias.anchor);
	if (!*out)
		return fail_at(reader, &event->start_mark,
			       "an alias of nothing that stands whole before it");
	return count_nodes(reader, event, (*out)->nodes);
}

/* Levels of VALUE below itself; bounded, since it was built within JSON_DEPTH_MAX. */
static unsigned levels(const struct json *value)
{
	unsigned most = 0, below;

	for (const struct json *child = json_first(value); child; child = json_next(child)) {
		below = levels(child) + 1;
		most = below > most ? below : most;
	}
	return most;
}

static int build_alias(struct reader *reader, const yaml_event_t *event, struct json *parent,
		       const char *key, unsigned depth)
{
	const struct anchor *anchor;

	if (find_alias(reader, event, &anchor) < 0)
		return -1;
	if (depth + levels(anchor->node) >= JSON_DEPTH_MAX)
		return fail_at(reader, &event->start_mark, "nested deeper than 64 levels");
	json_add_copy(parent, key, anchor->node);
	return 0;
}

static int build_scalar(struct reader *reader, const yaml_event_t *event, struct json *parent,
			const char *key)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct yaml_scalar scalar;

	if (strlen(text) != event->data.scalar.length)
		return fail_at(reader, &event->start_mark, "a text with a NUL character");
	if (yaml_scalar_resolve(text, tag, plain, &scalar) < 0)
		return fail_at(reader, &event->start_mark,
			       tag && !scalar.known ? "a tag other than !!str, !!int, !!float, "
						      "!!bool and !!null"
						    : "the text is none of what its tag says");
	if (scalar.type == JSON_STRING)
		json_add_str(parent, key, text);
	else
		json_add_literal(parent, key, scalar.type, scalar.number, text);
	return keep_anchor(reader, event,
			   arena_strdup(reader->arena, (const char *)event->data.scalar.anchor),
			   event->data.scalar.anchor ? last_of(parent, key) : NULL, 1);
}

static int build_list(struct reader *reader, struct json *list, unsigned depth)
{
	yaml_event_t event;
	int rc = next_event(reader, &event);

	while (rc == 0 && event.type != YAML_SEQUENCE_END_EVENT) {
		rc = build(reader, &event, list, NULL, depth + 1, NULL);
		yaml_event_delete(&event);
		if (rc == 0)
			rc = next_event(reader, &event);
	}
	if (rc == 0)
		yaml_event_delete(&event);
	return rc;
}

/* --- mappings -------------------------------------------------------------------------------- */

static bool is_merge(const yaml_event_t *key)
{
	return key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       strcmp((const char *)key->data.scalar.value, "<<") == 0;
}

static int check_key(const struct reader *reader, const yaml_event_t *key,
		     const struct json *object, size_t count)
{
	const char *name = (const char *)key->data.scalar.value;
	char what[160];

	if (key->type != YAML_SCALAR_EVENT)
		return fail_at(reader, &key->start_mark, "a key that is no scalar");
	if (strlen(name) != key->data.scalar.length)
		return fail_at(reader, &key->start_mark, "a text with a NUL character");
	if (count == YAML_KEYS_MAX)
		return fail_at(reader, &key->start_mark, "more than 1024 keys in one mapping");
	if (json_get(object, name)) {
		(void)snprintf(what, sizeof(what), "duplicate key \"%.100s\"", name);
		return fail_at(reader, &key->start_mark, what);
	}
	return 0;
}

/* Does a mapping in MERGES, or in a list of them, have KEY? */
static bool has_key(const struct json *merges, const char *key)
{
	bool found = false;

	for (const struct json *item = json_first(merges); item && !found; item = json_next(item)) {
		if (json_type(item) == JSON_OBJECT)
			found = json_get(item, key) != NULL;
		else if (json_type(item) == JSON_ARRAY)
			found = has_key(item, key);
	}
	return found;
}

/* Whether a key before "<<" yields to it is where readers differ (yaml.v2 lets the merge win). */
static int check_merge_order(struct reader *reader, const yaml_event_t *key,
			     const struct json *object, const struct json *merged)
{
	char what[160];

	for (const struct json *item = json_first(object); item; item = json_next(item)) {
		if (!has_key(merged, json_key(item)))
			continue;
		(void)snprintf(what, sizeof(what),
			       "\"<<\" stands after \"%.80s\", which it has too: "
			       "put it first",
			       json_key(item));
		return fail_at(reader, &key->start_mark, what);
	}
	return 0;
}

/* What MERGED (a mapping) has and OBJECT has not. */
static int merge_one(struct reader *reader, const yaml_event_t *at, const struct json *merged,
		     struct json *object)
{
	if (json_type(merged) != JSON_OBJECT)
		return fail_at(reader, &at->start_mark, "only mappings can be merged by \"<<\"");
	for (const struct json *item = json_first(merged); item; item = json_next(item)) {
		if (json_get(object, json_key(item)))
			continue;
		if (json_size(object) >= YAML_KEYS_MAX)
			return fail_at(reader, &at->start_mark,
				       "more than 1024 keys in one mapping");
		json_add_copy(object, json_key(item), item);
	}
	return 0;
}

/* MERGES holds the values of "<<": mappings, or lists of them whose first counts most. */
static int merge_all(struct reader *reader, const yaml_event_t *at, const struct json *merges,
		     struct json *object)
{
	for (const struct json *value = json_first(merges); value; value = json_next(value)) {
		const struct json *item = json_type(value) == JSON_ARRAY ? json_first(value) : NULL;

		if (json_type(value) != JSON_ARRAY && merge_one(reader, at, value, object) < 0)
			return -1;
		for (; item; item = json_next(item))
			if (merge_one(reader, at, item, object) < 0)
				return -1;
	}
	return 0;
}

/* One member whose key is KEY; a merge goes to MERGES for the end of the mapping. */
static int build_member(struct reader *reader, const yaml_event_t *key, struct json *object,
			struct json *merges, size_t count, unsigned depth)
{
	yaml_event_t value;
	bool merge;
	int rc;

	if (check_key(reader, key, object, count) < 0 || next_event(reader, &value) < 0)
		return -1;
	merge = is_merge(key);
	rc = build(reader, &value, merge ? merges : object,
		   merge ? NULL : (const char *)key->data.scalar.value, depth + 1, NULL);
	if (rc == 0 && merge)
		rc = check_merge_order(reader, key, object, merges);
	yaml_event_delete(&value);
	return rc;
}

/* Merged values are detached: their anchors may be used until the end of the document. */
static int build_mapping(struct reader *reader, const yaml_event_t *at, struct json *object,
			 unsigned depth)
{
	struct json *merges = json_add_array(reader->detached, NULL);
	size_t before = reader->nodes, count = 0;
	yaml_event_t event;
	int rc = next_event(reader, &event);

	while (rc == 0 && event.type != YAML_MAPPING_END_EVENT) {
		rc = build_member(reader, &event, object, merges, count++, depth);
		yaml_event_delete(&event);
		if (rc == 0)
			rc = next_event(reader, &event);
	}
	if (rc < 0)
		return -1;
	yaml_event_delete(&event);
	if (!json_first(merges))
		return 0;
	/* What is merged is copied once more. */
	return count_nodes(reader, at, reader->nodes - before) < 0
		       ? -1
		       : merge_all(reader, at, merges, object);
}

static struct json *open_container(struct json *parent, const char *key, bool mapping,
				   struct json **root)
{
	if (parent)
		return mapping ? json_add_object(parent, key) : json_add_array(parent, key);
	*root = mapping ? json_new_object() : json_new_array();
	return *root;
}

static int build_container(struct reader *reader, const yaml_event_t *event, struct json *parent,
			   const char *key, unsigned depth, struct json **root)
{
	bool mapping = event->type == YAML_MAPPING_START_EVENT;
	const char *tag = (const char *)(mapping ? event->data.mapping_start.tag
						 : event->data.sequence_start.tag);
	const char *name = (const char *)(mapping ? event->data.mapping_start.anchor
						  : event->data.sequence_start.anchor);
	size_t before = reader->nodes - 1;
	struct json *node;

	if (depth >= JSON_DEPTH_MAX)
		return fail_at(reader, &event->start_mark, "nested deeper than 64 levels");
	if (tag && strcmp(tag, mapping ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0)
		return fail_at(reader, &event->start_mark, "a tag of an application");
	node = open_container(parent, key, mapping, root);
	if ((mapping ? build_mapping(reader, event, node, depth)
		     : build_list(reader, node, depth)) < 0)
		return -1;
	return keep_anchor(reader, event, arena_strdup(reader->arena, name), node,
			   reader->nodes - before);
}

/* Add the node that EVENT begins to PARENT; without one, a container becomes ROOT. */
static int build(struct reader *reader, yaml_event_t *event, struct json *parent, const char *key,
		 unsigned depth, struct json **root)
{
	if (event->type == YAML_ALIAS_EVENT && parent)
		return build_alias(reader, event, parent, key, depth);
	if (count_nodes(reader, event, 1) < 0)
		return -1;
	if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
		return build_container(reader, event, parent, key, depth, root);
	if (event->type == YAML_SCALAR_EVENT && parent)
		return build_scalar(reader, event, parent, key);
	return fail_at(reader, &event->start_mark, "the document is no mapping and no list");
}

/* --- documents ------------------------------------------------------------------------------- */

/* The next event that is no beginning or end of a stream or document. */
static int next_node(struct reader *reader, yaml_event_t *event)
{
	int rc = next_event(reader, event);

	while (rc == 0 && (event->type == YAML_STREAM_START_EVENT ||
			   event->type == YAML_DOCUMENT_START_EVENT ||
			   event->type == YAML_DOCUMENT_END_EVENT)) {
		yaml_event_delete(event);
		rc = next_event(reader, event);
	}
	return rc;
}

static int read_document(struct reader *reader, struct json **root)
{
	yaml_event_t event;
	int rc;

	if (next_node(reader, &event) < 0)
		return -1;
	rc = event.type == YAML_STREAM_END_EVENT ? fail_byte(reader, 0, "the document is empty")
						 : build(reader, &event, NULL, NULL, 0, root);
	yaml_event_delete(&event);
	if (rc < 0 || next_node(reader, &event) < 0)
		return -1;
	if (event.type != YAML_STREAM_END_EVENT)
		rc = fail_at(reader, &event.start_mark, "a second document");
	yaml_event_delete(&event);
	return rc;
}

int yaml_parse(const char *file, const char *text, size_t len, struct json **out, struct err *err)
{
	struct reader reader = {.file = file, .err = err};
	struct json *root = NULL;
	int rc;

	if (len > YAML_BYTES_MAX)
		return err_set(err, ERR_USAGE, "%s:1:1: larger than 1 MiB", file);
	reader.arena = arena_new();
	reader.detached = json_new_array();
	reader_open(&reader, text, len);
	rc = read_document(&reader, &root);
	yaml_parser_delete(&reader.parser);
	json_free(reader.detached);
	arena_free(reader.arena);
	if (rc < 0)
		json_free(root);
	else
		*out = root;
	return rc;
}

/* --- places ---------------------------------------------------------------------------------- */

struct search {
	struct reader reader;
	const char *key; /* wanted inside the value at the path, NULL: the value itself */
	size_t found;	 /* character index; the nearest that is known */
	bool done;
	bool broken; /* the text ended early */
};

/* What is left of PATH after the member NAME, NULL when PATH does not lead there. */
static const char *step_member(const char *path, const char *name)
{
	size_t len = strlen(name);

	if (!path || !*path)
		return NULL;
	path += *path == '.';
	return strncmp(path, name, len) == 0 && (!path[len] || strchr(".[", path[len])) ? path + len
											: NULL;
}

static const char *step_item(const char *path, size_t index)
{
	char name[32];
	size_t len = (size_t)snprintf(name, sizeof(name), "[%zu]", index);

	return path && strncmp(path, name, len) == 0 ? path + len : NULL;
}

static bool pull(struct search *search, yaml_event_t *event)
{
	if (search->done || search->broken)
		return false;
	if (!yaml_parser_parse(&search->reader.parser, event))
		search->broken = true;
	return !search->broken;
}

static void visit(struct search *search, const yaml_event_t *event, const char *path);

static void visit_mapping(struct search *search, const char *path)
{
	yaml_event_t key, value;

	while (pull(search, &key)) {
		bool end = key.type != YAML_SCALAR_EVENT;
		const char *name = end ? "" : (const char *)key.data.scalar.value;
		const char *rest = step_member(path, name);

		if (!end && path && !*path && search->key && strcmp(search->key, name) == 0) {
			search->found = key.start_mark.index;
			search->done = true;
		}
		if (!end && pull(search, &value)) {
			visit(search, &value, rest);
			yaml_event_delete(&value);
		}
		yaml_event_delete(&key);
		if (end)
			return;
	}
}

static void visit_list(struct search *search, const char *path)
{
	yaml_event_t item;

	for (size_t index = 0; pull(search, &item); index++) {
		bool end = item.type == YAML_SEQUENCE_END_EVENT;

		if (!end)
			visit(search, &item, step_item(path, index));
		yaml_event_delete(&item);
		if (end)
			return;
	}
}

/* PATH is what is left to go from this node, NULL when the way leads elsewhere. */
static void visit(struct search *search, const yaml_event_t *event, const char *path)
{
	if (path) {
		search->found = event->start_mark.index;
		search->done = !*path && !search->key;
	}
	if (event->type == YAML_MAPPING_START_EVENT)
		visit_mapping(search, path);
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		visit_list(search, path);
}

size_t yaml_locate(const char *text, size_t len, const char *path, const char *key)
{
	struct search search = {.key = key};
	yaml_event_t event;
	size_t at;

	reader_open(&search.reader, text, len);
	while (pull(&search, &event) && event.type < YAML_ALIAS_EVENT &&
	       event.type != YAML_STREAM_END_EVENT)
		yaml_event_delete(&event);
	if (!search.broken) {
		visit(&search, &event, path);
		yaml_event_delete(&event);
	}
	at = byte_of(&search.reader, search.found) + search.reader.skipped;
	yaml_parser_delete(&search.reader.parser);
	return at;
}
