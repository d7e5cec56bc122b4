#include "model/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void what_differs_each_time_is_gone(void **state)
{
	static const struct {
		const char *text;
		const char *signature;
	} rows[] = {
		{"exit 1 after 250 ms", "exit # after # ms"},
		{"exit 1 after 31.5 ms", "exit # after # ms"},
		{"at 2026-11-23 12:30:01.5 it died", "at # # it died"},
		{"segfault at 0x7ffd3a10", "segfault at #"},
		{"layer 3f9a0c12de is missing", "layer # is missing"},
		{"cannot open /tmp/tmp.Xa81/x.log: gone", "cannot open /tmp/*: gone"},
		{"no kernel for sm90", "no kernel for sm90"},
		{"a  \t b\n", "a b "},
		{"facade of deadbeef", "facade of deadbeef"}, /* words, though of hex digits */
		{"Größe 5", "Größe #"},
		{"", ""},
	};
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct case_result result = {.actual = rows[i].text};

		assert_string_equal(signature_text(&result, arena), rows[i].signature);
	}
	arena_free(arena);
}

static void without_what_was_found_the_reason_counts(void **state)
{
	const struct case_result late = {.reason = "longer than 30 s"}, nothing = {0};
	struct arena *arena = arena_new();

	(void)state;
	assert_string_equal(signature_text(&late, arena), "longer than # s");
	assert_string_equal(signature_text(&nothing, arena), "");
	arena_free(arena);
}

static void a_long_text_is_cut_between_characters(void **state)
{
	struct arena *arena = arena_new();
	char text[4 * SIGNATURE_MAX];
	const struct case_result result = {.actual = text};
	const char *signature;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + SIGNATURE_MAX - 1, "\xc3\xbc", 2);
	text[sizeof(text) - 1] = '\0';
	signature = signature_text(&result, arena);
	assert_int_equal(strlen(signature), SIGNATURE_MAX - 1);
	assert_int_equal(strspn(signature, "x"), SIGNATURE_MAX - 1);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_differs_each_time_is_gone),
		cmocka_unit_test(without_what_was_found_the_reason_counts),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
