#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed_and_aligned(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t size = 1; size < 40000; size = size * 3 + 1) {
		unsigned char *p = arena_alloc(arena, size);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xAA, size);
	}
	arena_free(arena);
}

static void copies_are_terminated(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	assert_string_equal(arena_strndup(arena, "abcdef", 3), "abc");
	assert_string_equal(arena_strdup(arena, "abc"), "abc");
	assert_null(arena_strdup(arena, NULL));
	assert_string_equal(arena_printf(arena, "%s-%d", "x", 5), "x-5");
	arena_free(arena);
}

static void a_pushed_vector_keeps_its_elements(void **state)
{
	struct arena *arena = arena_new();
	int *items = NULL;
	size_t count = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int *item = arena_push(arena, &items, &count, sizeof(*item));

		assert_int_equal(*item, 0);
		*item = i;
	}
	assert_int_equal(count, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	arena_free(arena);
}

static void nothing_can_be_freed(void **state)
{
	struct arena *arena = NULL;

	(void)state;
	arena_free(NULL);
	arena_freep(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(copies_are_terminated),
		cmocka_unit_test(a_pushed_vector_keeps_its_elements),
		cmocka_unit_test(nothing_can_be_freed),
	};

	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
