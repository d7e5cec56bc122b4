/* Files that differ: path, type, size, mode, owner, link; content only where sizes are equal and
 * another layer brought it. */
#include "facts/facts_private.h"

#include <string.h>

static const char *describe(const struct image_file *file, struct arena *arena)
{
	switch (file->type) {
	case FILE_FOLDER:
		return arena_printf(arena, "folder %04o", file->mode);
	case FILE_SYMLINK:
		return arena_printf(arena, "link to %s", file->link);
	case FILE_REGULAR:
		return arena_printf(arena, "%llu bytes %04o %u:%u",
				    (unsigned long long)file->size_bytes, file->mode, file->uid,
				    file->gid);
	case FILE_OTHER:
		break;
	}
	return "device";
}

static bool same_layer(const struct image_file *a, const struct image_file *b)
{
	return a->layer && b->layer && a->layer->digest && b->layer->digest &&
	       strcmp(a->layer->digest, b->layer->digest) == 0;
}

static void add(struct arena *arena, struct difference **items, size_t *count,
		const struct facts *facts, const struct image_file *before,
		const struct image_file *after)
{
	const char *then = before ? describe(before, arena) : NULL;
	const char *now = after ? describe(after, arena) : NULL;
	struct difference *item;
	struct origin origin;

	if (then && now && (same_layer(before, after) || strcmp(then, now) == 0))
		return;
	item = arena_push(arena, items, count, sizeof(*item));
	item->topic = "file";
	item->name = arena_strdup(arena, after ? after->path : before->path);
	item->before = then;
	item->after = now;
	origin = facts_origin(facts, after);
	item->where = facts_where(&origin, arena);
}

/* Both lists have the order of image_files: '/' before every other byte. */
static int order(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	if (*a == *b)
		return 0;
	if (*a == '/' || !*a)
		return !*a ? -1 : *b ? -1 : 1;
	if (*b == '/' || !*b)
		return 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

void facts__diff_files(const struct facts *before, const struct facts *after, struct arena *arena,
		       struct difference **items, size_t *count)
{
	size_t then_count = 0, now_count = 0, i = 0, k = 0;
	const struct image_file *then, *now;

	if (!before->source || !after->source)
		return;
	then = image_files(before->source, &then_count);
	now = image_files(after->source, &now_count);
	while (i < then_count || k < now_count) {
		int side = i == then_count  ? 1
			   : k == now_count ? -1
					    : order(then[i].path, now[k].path);

		add(arena, items, count, after, side <= 0 ? &then[i] : NULL,
		    side >= 0 ? &now[k] : NULL);
		i += side <= 0;
		k += side >= 0;
	}
}
