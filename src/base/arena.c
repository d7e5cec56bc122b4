#include "base/arena.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16 * 1024)

struct block {
	struct block *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *head;
};

struct arena *arena_new(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
	struct block *block;

	if (!arena)
		return;
	while ((block = arena->head) != NULL) {
		arena->head = block->next;
		free(block);
	}
	free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t align = alignof(max_align_t);
	size_t need = (size + align - 1) / align * align;
	struct block *block = arena->head;
	void *out;

	if (!block || block->size - block->used < need) {
		size_t bytes = need > BLOCK_BYTES ? need : BLOCK_BYTES;

		block = xcalloc(1, sizeof(*block) + bytes);
		block->size = bytes;
		block->next = arena->head;
		arena->head = block;
	}
	out = block->data + block->used;
	block->used += need;
	return out;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *out;

	if (!text)
		return NULL;
	out = arena_alloc(arena, len + 1);
	memcpy(out, text, len);
	return out;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	int len;
	char *out;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	out = arena_alloc(arena, (size_t)len + 1);
	va_start(ap, fmt);
	(void)vsnprintf(out, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return out;
}

void *arena_push(struct arena *arena, void *items, size_t *count, size_t size)
{
	unsigned char *base;
	size_t n = *count;

	memcpy(&base, items, sizeof(base));
	if ((n & (n - 1)) == 0) { /* full at 0, 1, 2, 4, 8, …: double */
		unsigned char *grown = arena_alloc(arena, (n ? n * 2 : 1) * size);

		if (n)
			memcpy(grown, base, n * size);
		base = grown;
		memcpy(items, &base, sizeof(base));
	}
	memset(base + n * size, 0, size);
	*count = n + 1;
	return base + n * size;
}
