/* Dockerfiles as Docker's own parser reads them. */
#include "parse/dockerfile.h"

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

static struct dockerfile parse_with(const char *text, const struct pairs *args)
{
	struct dockerfile out;

	dockerfile_parse(text, strlen(text), args, arena, &out);
	return out;
}

static struct dockerfile parse(const char *text)
{
	return parse_with(text, NULL);
}

/* Docker 20.10.24 counted this file's steps: 10 in all, 5 with --target one, 8 with two. */
static const char counted[] = "# comment\n"
			      "ARG GLOBAL=1\n"
			      "ARG BASE=assay-fixture/base:1\n"
			      "FROM $BASE AS one\n"
			      "ARG X=2\n"
			      "RUN echo one $X\n"
			      "\n"
			      "FROM assay-fixture/base:1 AS two\n"
			      "LABEL a=b \\\n"
			      "      # inner comment\n"
			      "\n"
			      "      c=d\n"
			      "RUN echo \\\n"
			      "   two\n"
			      "FROM scratch\n"
			      "COPY --from=one /etc/hostname /x\n";

static void counts_steps_as_the_classic_builder(void **state)
{
	static const struct {
		const char *text;
		unsigned line, end_line;
		int stage;
	} steps[] = {
		{"ARG GLOBAL=1", 2, 2, -1},	{"ARG BASE=assay-fixture/base:1", 3, 3, -1},
		{"FROM $BASE AS one", 4, 4, 0}, {"ARG X=2", 5, 5, 0},
		{"RUN echo one $X", 6, 6, 0},	{"FROM assay-fixture/base:1 AS two", 8, 8, 1},
		{"LABEL a=b c=d", 9, 12, 1},	{"RUN echo two", 13, 14, 1},
		{"FROM scratch", 15, 15, 2},	{"COPY --from=one /etc/hostname /x", 16, 16, 2},
	};
	struct dockerfile file = parse(counted);

	(void)state;
	assert_int_equal(file.count, 10);
	for (unsigned i = 0; i < 10; i++) {
		const struct instruction *in = dockerfile_step(&file, i + 1);

		assert_string_equal(in->text, steps[i].text);
		assert_int_equal(in->line, steps[i].line);
		assert_int_equal(in->end_line, steps[i].end_line);
		assert_int_equal(in->stage, steps[i].stage);
	}
	assert_null(dockerfile_step(&file, 0));
	assert_null(dockerfile_step(&file, 11));
	assert_false(file.needs_buildkit);
}

static void knows_stages_and_external_images(void **state)
{
	struct dockerfile file = parse("FROM --platform=linux/amd64 a:1 AS Build\n"
				       "FROM build\n"
				       "COPY --from=BUILD --chown=1:1 /x /x\n"
				       "COPY --from=0 /y /y\n"
				       "COPY --from=tool:2 /z /z\n"
				       "COPY --from=a:1 /z /z\n"
				       "from scratch as last\n");

	(void)state;
	assert_int_equal(file.stage_count, 3);
	assert_string_equal(file.stages[0].name, "Build");
	assert_string_equal(file.stages[0].base, "a:1");
	assert_null(file.stages[1].name);
	assert_string_equal(file.stages[2].name, "last");
	assert_string_equal(file.instructions[6].name, "FROM");
	assert_int_equal(file.bases.count, 2);
	assert_string_equal(file.bases.items[0], "a:1");
	assert_string_equal(file.bases.items[1], "tool:2");
}

static const char *base_of(const char *from, const struct pairs *args)
{
	char text[512];
	struct dockerfile file;

	(void)snprintf(text, sizeof(text),
		       "ARG T=12.8\nARG EMPTY=\nARG NONE\nARG Q=\"a b\" R='$T' S=${T}-s\nFROM %s\n",
		       from);
	file = parse_with(text, args);
	assert_int_equal(file.stage_count, 1);
	return file.stages[0].base;
}

static void puts_arguments_into_from(void **state)
{
	struct pair given[] = {{"T", "13.0"}, {"NONE", "n"}, {"OTHER", "o"}};
	struct pairs args = {given, 3};

	(void)state;
	assert_string_equal(base_of("c:$T", NULL), "c:12.8");
	assert_string_equal(base_of("c:${T}x", NULL), "c:12.8x");
	assert_string_equal(base_of("c:${U:-d}", NULL), "c:d");
	assert_string_equal(base_of("c:${EMPTY:-d}", NULL), "c:d");
	assert_string_equal(base_of("c:${EMPTY-d}", NULL), "c:");
	assert_string_equal(base_of("c${T:+:yes}${U:+:no}", NULL), "c:yes");
	assert_string_equal(base_of("c:${U:-${V:-$T}}", NULL), "c:12.8");
	assert_string_equal(base_of("c:$S", NULL), "c:12.8-s");
	assert_string_equal(base_of("c:$R", NULL), "c:$T");
	assert_string_equal(base_of("\"c:$T\"", NULL), "c:12.8");
	assert_string_equal(base_of("c:\\$T", NULL), "c:$T");
	assert_string_equal(base_of("c:$T", &args), "c:13.0");
	assert_string_equal(base_of("c:$NONE", &args), "c:n");
	assert_string_equal(base_of("c:$OTHER", &args), "c:"); /* not declared */
	assert_string_equal(base_of("c:${T", NULL), "c:${T");
}

static void arguments_of_a_stage_do_not_reach_from(void **state)
{
	struct dockerfile file = parse("FROM a\nARG T=x\nFROM b:$T\n");

	(void)state;
	assert_string_equal(file.stages[1].base, "b:");
}

static void joins_continuations(void **state)
{
	struct dockerfile file =
		parse("RUN a \\  \n\tb\\\nc \\\n# no\n\n   # no\n d\r\nRUN x\\\\\nRUN e");

	(void)state;
	assert_int_equal(file.count, 3);
	assert_string_equal(file.instructions[0].text, "RUN a bc d");
	assert_int_equal(file.instructions[0].end_line, 7);
	assert_string_equal(file.instructions[1].text, "RUN x\\\\");
	assert_string_equal(file.instructions[2].text, "RUN e");
}

static void obeys_the_escape_directive(void **state)
{
	struct dockerfile file = parse("# escape=`\nFROM a\nRUN dir C:\\\nRUN b `\n c\n");

	(void)state;
	assert_int_equal(file.count, 3);
	assert_string_equal(file.instructions[1].text, "RUN dir C:\\");
	assert_string_equal(file.instructions[2].text, "RUN b c");
	file = parse("# words\n# escape=`\nRUN b `\nRUN c\n"); /* too late */
	assert_int_equal(file.count, 2);
}

static void leaves_heredoc_bodies_out(void **state)
{
	struct dockerfile file = parse("FROM a\n"
				       "RUN <<EOF\n"
				       "FROM not-an-image\n"
				       "EOF\n"
				       "COPY <<-'ONE' <<TWO /x/\n"
				       "\t"
				       "RUN a\n"
				       "\tONE\n"
				       "RUN b\n"
				       "TWO\n"
				       "RUN echo $((1 <<2)) <<< word\n"
				       "RUN c\n");

	(void)state;
	assert_int_equal(file.count, 5);
	assert_string_equal(file.instructions[1].text, "RUN <<EOF");
	assert_int_equal(file.instructions[1].end_line, 4);
	assert_int_equal(file.instructions[2].line, 5);
	assert_int_equal(file.instructions[2].end_line, 9);
	assert_int_equal(file.instructions[4].line, 11);
	assert_int_equal(file.stage_count, 1);
	assert_true(file.needs_buildkit);
}

static void sees_what_needs_buildkit(void **state)
{
	static const char *const yes[] = {
		"# syntax=docker/dockerfile:1\nFROM a\n",
		"FROM a\nRUN --mount=type=cache,target=/x y\n", "FROM a\nRUN --network=none y\n",
		"FROM a\nCOPY --chown=1 --link x y\n", "FROM a\nADD --chmod=755 x y\n"};
	static const char *const no[] = {
		"FROM a\nRUN y --mount=type=cache\n", "FROM a\nCOPY --chown=1 x y\n",
		"FROM a\n# syntax=docker/dockerfile:1\n", "FROM --platform=linux/amd64 a\n",
		"FROM a\nHEALTHCHECK --interval=30s CMD true\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(parse(yes[i]).needs_buildkit);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(parse(no[i]).needs_buildkit);
}

static void images_of_mounts_are_needed_too(void **state)
{
	struct dockerfile file =
		parse("FROM a\nRUN --mount=type=bind,from=tool:1,target=/t /t/x\n");

	(void)state;
	assert_int_equal(file.bases.count, 2);
	assert_string_equal(file.bases.items[1], "tool:1");
}

static void finds_vertices_by_stage_number_and_text(void **state)
{
	struct dockerfile file = parse("FROM a AS one\nENV X=1\nRUN p\nRUN q\n"
				       "FROM b\nWORKDIR /w\nLABEL l=1\nRUN p\nCOPY x   \\\n y\n");

	(void)state;
	assert_int_equal(dockerfile_vertex(&file, "one", 1, NULL)->line, 1);
	assert_int_equal(dockerfile_vertex(&file, "one", 2, NULL)->line, 3);
	assert_int_equal(dockerfile_vertex(&file, "one", 3, "RUN q")->line, 4);
	assert_int_equal(dockerfile_vertex(&file, "stage-1", 3, NULL)->line, 8);
	assert_int_equal(dockerfile_vertex(&file, "stage-1", 4, "COPY x y")->line, 9);
	assert_int_equal(dockerfile_vertex(&file, "stage-1", 2, "RUN  p")->line, 8);
	assert_int_equal(dockerfile_vertex(&file, NULL, 2, NULL)->line, 6);
	assert_null(dockerfile_vertex(&file, "two", 1, NULL));
	assert_null(dockerfile_vertex(&file, "one", 4, NULL));
}

static void survives_hostile_growth(void **state)
{
	struct dockerfile file = parse("ARG A=xxxxxxxxxxxxxxxx\nARG A=$A$A$A$A$A$A$A$A$A$A$A$A\n"
				       "ARG A=$A$A$A$A$A$A$A$A$A$A$A$A\nARG A=$A$A$A$A$A$A$A$A\n"
				       "FROM ${A:-${A:-${A:-${A:-$A}}}}\n");

	(void)state;
	assert_true(strlen(file.stages[0].base) <= 4096);
	assert_int_equal(parse("").count, 0);
	assert_int_equal(parse("\\\n\\\n").count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_steps_as_the_classic_builder),
		cmocka_unit_test(knows_stages_and_external_images),
		cmocka_unit_test(puts_arguments_into_from),
		cmocka_unit_test(arguments_of_a_stage_do_not_reach_from),
		cmocka_unit_test(joins_continuations),
		cmocka_unit_test(obeys_the_escape_directive),
		cmocka_unit_test(leaves_heredoc_bodies_out),
		cmocka_unit_test(sees_what_needs_buildkit),
		cmocka_unit_test(images_of_mounts_are_needed_too),
		cmocka_unit_test(finds_vertices_by_stage_number_and_text),
		cmocka_unit_test(survives_hostile_growth),
	};

	return cmocka_run_group_tests_name("parse/dockerfile", tests, set_up, tear_down);
}
