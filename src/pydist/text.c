#include "pydist/text.h"

#include <stdlib.h>
#include <string.h>

bool text_next(const char **at, const char *end, struct text_line *out)
{
	const char *stop;

	if (*at >= end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	*out = (struct text_line){*at, (size_t)((stop ? stop : end) - *at)};
	*at = stop ? stop + 1 : end;
	if (out->len && out->at[out->len - 1] == '\r')
		out->len--;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

struct text_line text_trim(struct text_line line)
{
	while (line.len && is_blank(*line.at)) {
		line.at++;
		line.len--;
	}
	while (line.len && is_blank(line.at[line.len - 1]))
		line.len--;
	return line;
}

char *text_copy(struct text_line line, struct arena *arena)
{
	return arena_strndup(arena, line.at, line.len);
}

void text_push(struct strings *list, const char *item, struct arena *arena)
{
	const char **slot = arena_push(arena, &list->items, &list->count, sizeof(*slot));

	*slot = item;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void text_sort(struct strings *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare);
	for (size_t i = 0; i < list->count; i++)
		if (!kept || strcmp(list->items[kept - 1], list->items[i]) != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

bool text_holds(const struct strings *sorted, const char *word)
{
	return sorted->count &&
	       bsearch(&word, sorted->items, sorted->count, sizeof(*sorted->items), compare);
}

bool text_mentions(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}
