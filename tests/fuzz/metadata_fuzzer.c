/* Input: a file of a metadata folder, read as each of those that such folders hold. */
#include "fuzzer.h"

#include "base/arena.h"
#include "pydist/dist.h"

#include <stdlib.h>
#include <string.h>

/* What was read must be readable again: the rooms above take it for text. */
static void look(const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->items[i] || strlen(list->items[i]) > (size_t)1 << 24)
			abort();
}

static void read_folder_name(const char *text, struct arena *arena)
{
	const char *name = NULL, *version = NULL;

	if (dist_folder_name(text, arena, &name, &version) && (!name || !*name))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)data, size);
	struct dist_metadata metadata;
	struct strings requires = {0};
	struct torch_version torch;
	struct err err;

	if (dist_metadata_parse(text, size, arena, &metadata, &err) == 0) {
		if (!*metadata.name)
			abort();
		look(&metadata.requires);
		look(&metadata.provides_extra);
	}
	dist_requires_txt(text, size, arena, &requires);
	look(&requires);
	torch_version_parse(text, size, arena, &torch);
	(void)dist_direct_url(text, size, arena);
	read_folder_name(text, arena);
	arena_free(arena);
	return 0;
}
