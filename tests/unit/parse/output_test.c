/* Reasons found in real logs (data/reasons.txt) and the shape of what is returned. */
#include "parse/output.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static int check_block(const char *name, const struct buf *log, const char *want)
{
	const char *got = output_reason(buf_str(log), log->len, arena);

	if (!strcmp(got ? got : "", want))
		return 0;
	print_error("%s: got \"%s\", not \"%s\"\n", name, got ? got : "(nothing)", want);
	return 1;
}

static void says_what_went_wrong(void **state)
{
	FILE *in = fopen(TEST_DATA "/unit/parse/data/reasons.txt", "re");
	char line[4096], name[256] = "";
	int blocks = 0, wrong = 0;
	struct buf log;

	(void)state;
	assert_non_null(in);
	buf_init(&log, 1 << 20);
	while (fgets(line, sizeof(line), in)) {
		if (!strncmp(line, "== ", 3)) {
			(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "\n") - 3,
				       line + 3);
			log.len = 0;
		} else if (!strncmp(line, "=>", 2)) {
			line[strcspn(line, "\n")] = '\0';
			wrong += check_block(name, &log, line + 2 + (line[2] == ' '));
			blocks++;
		} else {
			buf_addstr(&log, line);
		}
	}
	(void)fclose(in);
	buf_done(&log);
	assert_int_equal(wrong, 0);
	assert_true(blocks >= 20);
}

static const char *reason(const char *text)
{
	return output_reason(text, strlen(text), arena);
}

static void is_null_when_nothing_was_said(void **state)
{
	(void)state;
	assert_null(reason(""));
	assert_null(reason("\n\n  \n"));
	assert_null(output_reason(NULL, 0, arena));
}

static void removes_escapes_and_overwritten_text(void **state)
{
	(void)state;
	assert_string_equal(reason("\x1b[91mERROR: a\x1b[0m b\n"), "ERROR: a b");
	assert_string_equal(reason("10%\r50%\rERROR: disk full\r\n"), "ERROR: disk full");
	assert_string_equal(reason("\x1b]8;;http://x\x1b\\ERROR: link\x1b]8;;\x1b\\"),
			    "ERROR: link");
	assert_string_equal(reason("ERROR: cut \x1b["), "ERROR: cut");
}

static void replaces_bytes_that_are_no_utf8(void **state)
{
	(void)state;
	assert_string_equal(reason("ERROR: \xff\xc3(\n"), "ERROR: \xef\xbf\xbd\xef\xbf\xbd(");
	assert_string_equal(reason("ERROR: caf\xc3\xa9\n"), "ERROR: caf\xc3\xa9");
}

static void cuts_long_lines_between_characters(void **state)
{
	char text[2000] = "ERROR: ";
	const char *got;

	(void)state;
	for (size_t i = strlen(text); i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	got = output_reason(text, strlen(text), arena);
	assert_true(strlen(got) <= OUTPUT_LINE_MAX && strlen(got) >= OUTPUT_LINE_MAX - 1);
	assert_int_equal((unsigned char)got[strlen(got) - 1], 0xa9);
}

static void looks_back_no_further_than_200_lines_for_an_error(void **state)
{
	struct buf log;

	(void)state;
	buf_init(&log, 1 << 20);
	buf_addstr(&log, "ERROR: long ago\n");
	for (int i = 0; i < 250; i++)
		buf_printf(&log, "line %d of the story\n", i);
	assert_string_equal(output_reason(buf_str(&log), log.len, arena), "line 249 of the story");
	buf_done(&log);
}

static void oneline_joins_lines_and_keeps_within_its_maximum(void **state)
{
	static const char text[] = " a \n\n\x1b[1mb\x1b[0m\r\nc";

	(void)state;
	assert_string_equal(output_oneline(text, strlen(text), 100, arena), "a | b | c");
	assert_string_equal(output_oneline(text, strlen(text), 5, arena), "a | b");
	assert_string_equal(output_oneline("\xc3\xa9\xc3\xa9", 4, 3, arena), "\xc3\xa9");
	assert_string_equal(output_oneline("", 0, 10, arena), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_went_wrong),
		cmocka_unit_test(is_null_when_nothing_was_said),
		cmocka_unit_test(removes_escapes_and_overwritten_text),
		cmocka_unit_test(replaces_bytes_that_are_no_utf8),
		cmocka_unit_test(cuts_long_lines_between_characters),
		cmocka_unit_test(looks_back_no_further_than_200_lines_for_an_error),
		cmocka_unit_test(oneline_joins_lines_and_keeps_within_its_maximum),
	};

	return cmocka_run_group_tests_name("parse/output", tests, set_up, tear_down);
}
