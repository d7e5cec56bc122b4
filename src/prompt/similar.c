/* How alike two texts are: the F1 of their word n-grams, counted as bags. */
#include "prompt/expect.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 100000 /* of one text; what comes behind is not compared */

struct words {
	const char **items;
	size_t count;
};

/* Words in lower case, without what is neither letter nor digit; bytes beyond ASCII are letters. */
static void split(const char *text, struct arena *arena, struct words *out)
{
	char *copy = arena_strdup(arena, text);

	while (*copy && out->count < WORDS_MAX) {
		const char **slot;

		while (*copy && (unsigned char)*copy < 0x80 && !isalnum((unsigned char)*copy))
			copy++;
		if (!*copy)
			break;
		slot = arena_push(arena, &out->items, &out->count, sizeof(*slot));
		*slot = copy;
		while ((unsigned char)*copy >= 0x80 || isalnum((unsigned char)*copy)) {
			*copy = (char)tolower((unsigned char)*copy);
			copy++;
		}
		if (*copy)
			*copy++ = '\0';
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The n-grams of WORDS, sorted, each as one text. */
static void make_grams(const struct words *words, size_t n, struct arena *arena, struct words *out)
{
	struct buf gram;

	buf_init(&gram, JSON_BYTES_MAX);
	for (size_t i = 0; i + n <= words->count; i++) {
		const char **slot = arena_push(arena, &out->items, &out->count, sizeof(*slot));

		buf_consume(&gram, gram.len);
		for (size_t k = 0; k < n; k++)
			buf_printf(&gram, "%s ", words->items[i + k]);
		*slot = arena_strndup(arena, buf_str(&gram), gram.len);
	}
	buf_done(&gram);
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), by_text);
}

static size_t count_shared(const struct words *a, const struct words *b)
{
	size_t i = 0, k = 0, shared = 0;

	while (i < a->count && k < b->count) {
		int order = strcmp(a->items[i], b->items[k]);

		shared += order == 0;
		i += order <= 0;
		k += order >= 0;
	}
	return shared;
}

double expect_similarity(const char *a, const char *b, unsigned n, struct arena *arena)
{
	struct words left = {0}, right = {0}, left_grams = {0}, right_grams = {0};
	size_t size = n;

	split(a, arena, &left);
	split(b, arena, &right);
	if (!left.count || !right.count)
		return left.count == right.count ? 1 : 0;
	if (size > left.count)
		size = left.count;
	if (size > right.count)
		size = right.count;
	make_grams(&left, size, arena, &left_grams);
	make_grams(&right, size, arena, &right_grams);
	return 2 * (double)count_shared(&left_grams, &right_grams) /
	       (double)(left_grams.count + right_grams.count);
}
