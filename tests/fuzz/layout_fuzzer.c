/* The first byte chooses which JSON of an image it is. What is accepted has what readers rely on.
 */
#include "fuzzer.h"

#include "image/image_private.h"

#include <stdlib.h>

static void check_strings(const struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		if (!strings->items[i])
			abort();
}

static void read_config(const char *text, size_t len, struct arena *arena)
{
	struct image_facts facts;

	if (layout_config(text, len, arena, &facts, NULL) == 0) {
		check_strings(&facts.diff_ids);
		check_strings(&facts.config.env);
	}
}

static void read_docker(const char *text, size_t len, struct arena *arena)
{
	struct layout_image *images;
	size_t count;

	if (layout_docker(text, len, arena, &images, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!images[i].config)
			abort();
		check_strings(&images[i].layers);
	}
}

static void read_index(const char *text, size_t len, struct arena *arena)
{
	struct layout_descriptor *list;
	size_t count;

	if (layout_index(text, len, arena, &list, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (!list[i].digest)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	const char *text = (const char *)data + 1;
	struct layout_image image;

	if (size)
		switch (data[0] % 4) {
		case 0:
			read_config(text, size - 1, arena);
			break;
		case 1:
			read_docker(text, size - 1, arena);
			break;
		case 2:
			read_index(text, size - 1, arena);
			break;
		default:
			if (layout_manifest(text, size - 1, arena, &image, NULL) == 0 &&
			    !image.config)
				abort();
		}
	arena_free(arena);
	return 0;
}
