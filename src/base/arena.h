/*
 * Arena: memory that is released all at once, with the run, suite or reply it belongs to.
 *
 * Allocation cannot fail: the process ends when memory does, so sizes that come from outside
 * are bounded before they reach this room. Not thread safe: one owner, or the owner's lock.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);	/* NULL is allowed */
void arena_freep(struct arena **arena); /* for __attribute__((cleanup)) */

/* Zeroed memory of SIZE bytes, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);

/* Copies; a NULL text stays NULL. The second takes LEN bytes and adds the NUL. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Grow a vector by one zeroed element and return it. ITEMS is the address of the pointer to the
 * first element, COUNT its length, SIZE the bytes of one element. Earlier element addresses may
 * go stale: `struct step *s = arena_push(a, &run->steps, &run->step_count, sizeof(*s));`
 */
void *arena_push(struct arena *arena, void *items, size_t *count, size_t size);

#define CLEANUP(fn) __attribute__((cleanup(fn)))

#endif
