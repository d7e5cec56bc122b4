#include "facts/facts_private.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 * 1024 * 1024) /* of a file read on demand */

size_t facts__index(const struct collector *collector, const struct image_file *file)
{
	if (file < collector->files || file >= collector->files + collector->file_count)
		return FACTS_NONE;
	return (size_t)(file - collector->files);
}

void facts__push(struct collector *collector, struct strings *list, const char *item)
{
	const char **slot = arena_push(collector->arena, &list->items, &list->count, sizeof(*slot));

	*slot = item;
}

const char *facts__base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *facts__text(struct collector *collector, const struct image_file *file, size_t *len)
{
	const char *text = NULL;
	struct err ignored;
	struct buf content;

	if (!file || file->type != FILE_REGULAR)
		return NULL;
	if (file->text) {
		*len = file->text_len;
		return file->text;
	}
	buf_init(&content, TEXT_MAX);
	if (file->size_bytes <= TEXT_MAX &&
	    image_read(collector->image, file, TEXT_MAX, &content, &ignored) == 0) {
		text = arena_strndup(collector->arena, buf_str(&content), content.len);
		*len = content.len;
	}
	buf_done(&content);
	return text;
}

struct origin facts_origin(const struct facts *facts, const struct image_file *file)
{
	(void)facts;
	if (!file || !file->layer)
		return (struct origin){0};
	return (struct origin){file->layer->number, file->layer->step_number, file->layer->step};
}

struct origin facts__origin(const struct facts *facts, const struct image_file *file)
{
	struct origin origin = facts_origin(facts, file);

	if (origin.step)
		origin.step = arena_strdup(facts->arena, origin.step);
	return origin;
}

const char *facts_where(const struct origin *origin, struct arena *arena)
{
	if (!origin->layer || !(origin->step || origin->step_number))
		return "";
	if (!origin->step)
		return arena_printf(arena, "step %u", origin->step_number);
	return arena_printf(arena, "step %u, %.140s%s", origin->step_number, origin->step,
			    strlen(origin->step) > 140 ? "…" : "");
}

const char *facts_env(const struct facts *facts, const char *name)
{
	const struct strings *env = &facts->config->env;
	size_t len = strlen(name);

	for (size_t i = env->count; i > 0; i--)
		if (strncmp(env->items[i - 1], name, len) == 0 && env->items[i - 1][len] == '=')
			return env->items[i - 1] + len + 1;
	return NULL;
}

const struct dist *facts_dist(const struct facts *facts, const char *name)
{
	const struct dist *found = NULL;

	for (size_t i = 0; i < facts->dist_count; i++)
		if (strcmp(facts->dists[i].normalised, name) == 0 &&
		    (!found || (found->shadowed && !facts->dists[i].shadowed)))
			found = &facts->dists[i];
	return found;
}

const char *facts_version(const struct facts *facts, const struct dist *dist)
{
	if (strcmp(dist->normalised, "torch") == 0 && facts->torch.version)
		return facts->torch.version;
	return dist->version;
}

const struct library *facts_library(const struct facts *facts, const char *path)
{
	size_t low = 0, high = facts->library_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(facts->libraries[middle].path, path);

		if (order == 0)
			return &facts->libraries[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* --- collecting ------------------------------------------------------------------------------ */

static void copy_config(struct facts *facts, struct image *image)
{
	static const struct image_config none;
	const struct image_config *config = image_config(image);

	facts->source = image;
	facts->image = arena_strdup(facts->arena, image_name(image));
	facts->config = config ? config : &none;
	facts->image_id = arena_strdup(facts->arena, facts->config->id);
	facts->history = image_history(image, &facts->history_count);
}

static void split(struct collector *collector, const char *text, struct strings *out)
{
	while (text && *text) {
		size_t len = strcspn(text, ":;");

		if (len)
			facts__push(collector, out, arena_strndup(collector->arena, text, len));
		text += len + (text[len] != '\0');
	}
}

static int collect(struct collector *collector, struct err *err)
{
	split(collector, facts_env(collector->facts, "LD_LIBRARY_PATH"), &collector->libraries);
	facts__packages(collector);
	facts__python(collector);
	if (facts__dists(collector, err) < 0)
		return -1;
	facts__records(collector);
	facts__requires(collector);
	facts__libraries(collector);
	facts__os(collector);
	facts__versions(collector);
	facts__symbols(collector);
	facts__torch(collector);
	facts__bnb(collector);
	facts__triton(collector);
	facts__sizes(collector);
	return 0;
}

int facts_collect(struct image *image, struct facts **out, struct err *err)
{
	struct arena *arena = arena_new();
	struct collector collector = {.arena = arena, .image = image};
	struct facts *facts = arena_alloc(arena, sizeof(*facts));

	facts->arena = arena;
	collector.facts = facts;
	copy_config(facts, image);
	collector.files = image_files(image, &collector.file_count);
	collector.dist_of = arena_alloc(arena, collector.file_count * sizeof(*collector.dist_of));
	collector.package_of =
		arena_alloc(arena, collector.file_count * sizeof(*collector.package_of));
	for (size_t i = 0; i < collector.file_count; i++)
		collector.dist_of[i] = FACTS_NONE;
	if (collect(&collector, err) < 0) {
		facts_free(facts);
		return -1;
	}
	*out = facts;
	return 0;
}

void facts_free(struct facts *facts)
{
	if (facts)
		arena_free(facts->arena);
}

void facts_freep(struct facts **facts)
{
	facts_free(*facts);
}
