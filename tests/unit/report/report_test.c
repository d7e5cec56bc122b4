/* What the golden files do not show: options, odd structs, invalid UTF-8 byte by byte. */
#include "report/report_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *write(const char *format, const struct run *run, struct report_options options)
{
	struct buf out;

	buf_init(&out, REPORT_BYTES_MAX);
	report_find(format)->write(run, &options, &out);
	buf_add(&out, "", 0);
	return out.data;
}

static struct run *small_run(void)
{
	struct run *run = run_new();
	struct case_result *result;

	run->id = "20261123T055100Z-1f0c9a3b";
	run->suite = "s";
	run->commit.hash = "0123456789abcdef0123456789abcdef01234567";
	case_pass(run_add_case(run, "build", "build"), "sha256:0123456789abcdef0123");
	result = run_add_case(run, "torch-version", "version");
	case_pass(result, "2.6.0+cu124");
	result->duration_ns = 300000000;
	case_fail(run_add_case(run, "arch", "command"), "command/stdout-mismatch", "sm_120",
		  "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90", "cuobjdump", "use cu128");
	run_decide(run);
	return run;
}

/* --- the registry ---------------------------------------------------------------------------- */

static void every_format_is_found_by_its_word(void **state)
{
	static const char *const words[] = {"text", "json", "junit", "tap", "github", "markdown"};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_string_equal(report_find(words[i])->format, words[i]);
	assert_null(report_find("html5"));
	assert_null(report_find(""));
}

static void an_empty_run_is_written_by_every_format(void **state)
{
	(void)state;
	for (size_t i = 0; report_kinds[i]; i++) {
		struct run *run = run_new();
		char *text;

		run_add_case(run, "only", "command");
		text = write(report_kinds[i]->format, run, (struct report_options){0});
		assert_true(strlen(text) > 10);
		assert_null(strstr(text, "(null)"));
		free(text);
		for (int outcome = 0; outcome <= OUTCOME_NOTRUN; outcome++) {
			run->cases[0].outcome = (enum outcome)outcome;
			text = write(report_kinds[i]->format, run,
				     (struct report_options){.show_output = true, .width = 1});
			assert_null(strstr(text, "(null)"));
			free(text);
		}
		run_free(run);
	}
}

/* --- text ------------------------------------------------------------------------------------ */

static void columns_stand_below_each_other(void **state)
{
	struct run *run = small_run();
	char *text = write("text", run, (struct report_options){0});

	(void)state;
	assert_non_null(strstr(text, "PASS  build          sha256:0123456789ab…"));
	assert_non_null(strstr(text, "PASS  torch-version  2.6.0+cu124         "));
	assert_non_null(strstr(text, "  300 ms\n"));
	assert_non_null(strstr(text, "FAIL  arch           "));
	assert_non_null(strstr(text, "\n      expected sm_120, found sm_50 sm_60"));
	assert_non_null(strstr(text, "(cuobjdump): use cu128 [command/stdout-mismatch]\n"));
	free(text);
	run_free(run);
}

static void color_only_when_asked(void **state)
{
	struct run *run = small_run();
	char *plain = write("text", run, (struct report_options){0});
	char *color = write("text", run, (struct report_options){.color = true});

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_non_null(strstr(color, "\033[32mPASS\033[0m"));
	assert_non_null(strstr(color, "\033[31mFAIL\033[0m"));
	free(plain);
	free(color);
	run_free(run);
}

static void quiet_is_the_verdict_alone(void **state)
{
	struct run *run = small_run();
	char *text = write("text", run, (struct report_options){.quiet = true});

	(void)state;
	assert_int_equal(strncmp(text, "fail  arch: expected sm_120", 27), 0);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
	run_free(run);
}

static void no_line_is_wider_than_asked(void **state)
{
	(void)state;
	for (unsigned width = 60; width <= 120; width++) {
		struct run *run = small_run();
		char *text, *line, *end;

		run->commit.subject = "ü";
		run->cases[1].actual = "a value that is much longer than any column could be, so "
				       "that it must be cut somewhere to fit into the line";
		run->cases[1].flip = FLIP_STILL_FAILING;
		run->cases[1].reused_from = "r0";
		run->cases[2].name = "a-name-of-more-than-forty-columns-which-suites-may-have";
		text = write("text", run, (struct report_options){.width = width});
		for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			if (report_columns(line) > width)
				fail_msg("width %u: %zu columns: %s", width, report_columns(line),
					 line);
		}
		free(text);
		run_free(run);
	}
}

static void without_width_nothing_is_cut(void **state)
{
	struct run *run = small_run();
	const char *value = "a value that is much longer than the column of values is ever made";
	char *text;

	(void)state;
	run->cases[1].actual = value;
	text = write("text", run, (struct report_options){0});
	assert_non_null(strstr(text, value));
	free(text);
	run_free(run);
}

static void a_missing_baseline_says_why(void **state)
{
	struct run *run = small_run();
	char *text;

	(void)state;
	run->baseline.reason = "the clone is shallow";
	text = write("text", run, (struct report_options){0});
	assert_non_null(strstr(text, "no baseline: the clone is shallow\n"));
	free(text);
	run->baseline = (struct baseline){"r0", "fedcba9876543210", 1, NULL};
	text = write("text", run, (struct report_options){0});
	assert_non_null(strstr(text, "fedcba987654, 1 commit back (run r0)\n"));
	free(text);
	run_free(run);
}

static void output_is_shown_only_when_asked_and_cannot_move_the_cursor(void **state)
{
	struct run *run = small_run();
	char *text;

	(void)state;
	run->cases[2].out = "first\n\033[2Jsecond\r\xc2\x9b\n";
	text = write("text", run, (struct report_options){0});
	assert_null(strstr(text, "first"));
	free(text);
	text = write("text", run, (struct report_options){.show_output = true});
	assert_non_null(strstr(text, "\n      stdout | first\n      stdout |  [2Jsecond  \n"));
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, '\r'));
	free(text);
	run_free(run);
}

static void cases_that_did_not_run_for_one_reason_say_it_once(void **state)
{
	struct run *run = small_run();
	char *text, *first;

	(void)state;
	for (int i = 0; i < 3; i++)
		run_add_case(run, "later", "command")->reason = "the image was not built";
	text = write("text", run, (struct report_options){0});
	first = strstr(text, "the image was not built");
	assert_non_null(first);
	assert_null(strstr(first + 1, "the image was not built"));
	free(text);
	run_free(run);
}

static void a_failed_build_is_one_line_with_its_step(void **state)
{
	struct run *run = run_new();
	struct step steps[] = {{.number = 6, .total = 12, .instruction = "COPY . .", .line = 13},
			       {.number = 7,
				.total = 12,
				.instruction = "RUN python3 -c check",
				.line = 14,
				.failed = true},
			       {.number = 8, .total = 12, .instruction = "USER 1000", .line = 15}};
	char *text;

	(void)state;
	run->build.dockerfile = "Dockerfile";
	run->build.steps = steps;
	run->build.step_count = 3;
	case_fail(run_add_case(run, "build", "build"), "build/step-failed", "every step succeeds",
		  "AssertionError: Wrong CUDA: 12.6", "elsewhere", NULL);
	text = write("text", run, (struct report_options){0});
	assert_non_null(strstr(text, "FAIL  build  step 7/12, Dockerfile:14: RUN python3 -c check: "
				     "AssertionError: Wrong CUDA: 12.6\n      read build.log"));
	free(text);
	text = write("github", run, (struct report_options){0});
	assert_int_equal(strncmp(text,
				 "::error file=Dockerfile,line=14,title=build "
				 "build/step-failed::expected every step succeeds, found "
				 "AssertionError: Wrong CUDA: 12.6",
				 107),
			 0);
	free(text);
	run_free(run);
}

/* --- characters ------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	const char *line;
} lines[] = {
	{"plain", "plain"},
	{"", ""},
	{"größer 日本 🚀", "größer 日本 🚀"},
	{"a\nb\tc\x7f", "a b c "},
	{"\xff", "�"},
	{"\x80x", "�x"},
	{"\xc3(", "�("},
	{"\xc3", "�"},
	{"\xe6\x97", "��"},
	{"\xc0\xaf", "��"},	      /* overlong '/' */
	{"\xe0\x80\xaf", "���"},      /* overlong */
	{"\xed\xa0\x80", "���"},      /* a surrogate */
	{"\xf4\x90\x80\x80", "����"}, /* beyond U+10FFFF */
	{"\xf5\x80\x80\x80", "����"},
	{"\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd"},
	{"�", "�"},
	{"\xc2\x85|\xc2\x9b", " | "}, /* C1 */
	{"\xe2\x80\xae"
	 "evil",
	 " evil"}, /* right-to-left override */
};

static void text_becomes_one_line_of_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct buf out;

		buf_init(&out, 256);
		report_add_line(&out, lines[i].text, 0);
		assert_string_equal(buf_str(&out), lines[i].line);
		buf_done(&out);
	}
}

static void cut_text_ends_with_an_ellipsis_inside_its_columns(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
		const char *line;
	} rows[] = {{"abcd", 4, "abcd"},
		    {"abcde", 4, "abc…"},
		    {"äöüß", 3, "äö…"},
		    {"ab", 1, "…"},
		    {"a", 1, "a"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		buf_init(&out, 256);
		report_add_line(&out, rows[i].text, rows[i].columns);
		assert_string_equal(buf_str(&out), rows[i].line);
		buf_done(&out);
	}
}

static void every_byte_is_legal_xml_afterwards(void **state)
{
	struct run *run = small_run();
	char all[256], *text;

	(void)state;
	for (int c = 1; c < 256; c++)
		all[c - 1] = (char)c;
	all[255] = '\0';
	run->cases[2].out = all;
	run->cases[2].actual = all;
	text = write("junit", run, (struct report_options){0});
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		assert_true(*p >= 0x20 || *p == '\n' || *p == '\t');
	assert_null(strstr(text, "\xff"));
	assert_non_null(strstr(text, "&#13;"));
	free(text);
	run_free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_is_found_by_its_word),
		cmocka_unit_test(an_empty_run_is_written_by_every_format),
		cmocka_unit_test(columns_stand_below_each_other),
		cmocka_unit_test(color_only_when_asked),
		cmocka_unit_test(quiet_is_the_verdict_alone),
		cmocka_unit_test(no_line_is_wider_than_asked),
		cmocka_unit_test(without_width_nothing_is_cut),
		cmocka_unit_test(a_missing_baseline_says_why),
		cmocka_unit_test(output_is_shown_only_when_asked_and_cannot_move_the_cursor),
		cmocka_unit_test(cases_that_did_not_run_for_one_reason_say_it_once),
		cmocka_unit_test(a_failed_build_is_one_line_with_its_step),
		cmocka_unit_test(text_becomes_one_line_of_utf8),
		cmocka_unit_test(cut_text_ends_with_an_ellipsis_inside_its_columns),
		cmocka_unit_test(every_byte_is_legal_xml_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
