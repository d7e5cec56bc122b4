/* Shell command lines as a shell would split them. */
#include "parse/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
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

static struct shell_script split(const char *text)
{
	struct shell_script out;

	shell_split(text, strlen(text), arena, &out);
	return out;
}

/* Words between blanks, commands between their joints: one line to compare. */
static void is(const char *text, const char *expected)
{
	struct shell_script script = split(text);
	char got[1024] = "";

	for (size_t i = 0; i < script.count; i++) {
		const struct shell_command *command = &script.commands[i];
		size_t len = strlen(got);

		if (i)
			(void)snprintf(got + len, sizeof(got) - len, " [%s] ", command->joint);
		for (size_t k = 0; k < command->word_count; k++) {
			len = strlen(got);
			(void)snprintf(got + len, sizeof(got) - len, "%s%s", k ? " " : "",
				       command->words[k].text);
		}
	}
	assert_string_equal(got, expected);
}

static void splits_commands_at_operators(void **state)
{
	(void)state;
	is("a b && c||d;e | f & g", "a b [&&] c [||] d [;] e [|] f [&] g");
	is("a\nb\n\n# no\nc # d", "a [;] b [;] c");
	is("(a; b)", "a [;] b");
	is("if a; then b; else c; fi", "a [;] b [;] c");
	is("", "");
	is(";;&&", "");
}

static void takes_quotes_off_and_remembers_them(void **state)
{
	struct shell_script script = split("pip install 'a>=1' \"b<2\" c\\>3 d \"$X\"");
	const struct shell_word *words = script.commands[0].words;

	(void)state;
	assert_int_equal(script.commands[0].word_count, 7);
	assert_int_equal(script.commands[0].redirect_count, 0);
	assert_string_equal(words[2].text, "a>=1");
	assert_true(words[2].quoted);
	assert_string_equal(words[3].text, "b<2");
	assert_string_equal(words[4].text, "c>3");
	assert_false(words[5].quoted);
	assert_true(words[6].expands);
}

static void sees_a_specifier_that_the_shell_takes_for_a_redirection(void **state)
{
	struct shell_script script = split("pip install torch>=2.6.0 torchvision>=0.21.0 x>log");
	const struct shell_command *command = &script.commands[0];

	(void)state;
	assert_int_equal(command->redirect_count, 3);
	assert_string_equal(command->redirects[0].before, "torch");
	assert_string_equal(command->redirects[0].target, "=2.6.0");
	assert_true(command->redirects[0].glued);
	assert_string_equal(command->redirects[2].target, "log");
}

static void tells_ordinary_redirections_apart(void **state)
{
	struct shell_script script = split("make > log 2>&1 <in && echo a >>b");

	(void)state;
	assert_int_equal(script.count, 2);
	assert_int_equal(script.commands[0].word_count, 1);
	assert_int_equal(script.commands[0].redirect_count, 3);
	assert_false(script.commands[0].redirects[0].glued);
	assert_string_equal(script.commands[0].redirects[1].op, ">&");
	assert_string_equal(script.commands[0].redirects[1].target, "1");
	assert_false(script.commands[0].redirects[1].glued);
	assert_string_equal(script.commands[1].redirects[0].op, ">>");
}

static void keeps_substitutions_in_one_word(void **state)
{
	(void)state;
	is("echo $(a; b (c)) ${X:-y z} `d e`", "echo $(a; b (c)) ${X:-y z} `d e`");
	assert_int_equal(split("echo $(a; b)").commands[0].word_count, 2);
}

static void reads_assignments_in_front(void **state)
{
	struct shell_script script = split("A=1 B='x y' pip install C=3");

	(void)state;
	assert_int_equal(script.commands[0].assignments.count, 2);
	assert_string_equal(script.commands[0].assignments.items[1], "B=x y");
	assert_int_equal(script.commands[0].word_count, 3);
}

static void skips_here_documents_and_counts_lines(void **state)
{
	struct shell_script script = split("cat <<EOF >x\npip install y\nEOF\nlast");

	(void)state;
	assert_int_equal(script.count, 2);
	assert_string_equal(script.commands[1].words[0].text, "last");
	assert_int_equal(script.commands[1].line, 4);
}

static void looks_into_shells(void **state)
{
	struct shell_script script = split("bash -lc \"pip install a && b\" && c");

	(void)state;
	assert_int_equal(script.count, 4);
	assert_string_equal(script.commands[1].words[0].text, "pip");
	assert_int_equal(script.commands[1].depth, 1);
	assert_string_equal(script.commands[3].words[0].text, "c");
	assert_int_equal(split("bash script.sh -c x").count, 1);
}

static void reads_instructions_in_both_forms(void **state)
{
	struct shell_script script;

	(void)state;
	shell_instruction("RUN --mount=type=cache,target=/x pip install a>=1", arena, &script);
	assert_string_equal(script.commands[0].words[0].text, "pip");
	assert_int_equal(script.commands[0].redirect_count, 1);
	shell_instruction("RUN [\"pip\", \"install\", \"a>=1\"]", arena, &script);
	assert_int_equal(script.commands[0].word_count, 3);
	assert_string_equal(script.commands[0].words[2].text, "a>=1");
	shell_instruction("RUN [ -f x ] && y", arena, &script);
	assert_string_equal(script.commands[1].words[0].text, "y");
}

static void names_the_program_behind_wrappers(void **state)
{
	size_t first;

	(void)state;
	assert_string_equal(shell_program(&split("/opt/bin/pip x").commands[0], &first), "pip");
	assert_int_equal(first, 1);
	assert_string_equal(shell_program(&split("sudo -H env A=1 pip3 x").commands[0], &first),
			    "pip3");
	assert_int_equal(first, 5);
	assert_string_equal(shell_program(&split("timeout 5 python x").commands[0], NULL),
			    "python");
	assert_string_equal(shell_program(&split("exec").commands[0], &first), "");
	assert_int_equal(first, 1);
}

static void survives_what_never_ends(void **state)
{
	(void)state;
	is("echo 'a", "echo a");
	is("echo \"a", "echo a");
	is("echo $(a", "echo $(a");
	is("echo `a", "echo `a");
	is("cat <<X\nnever", "cat");
	is("a >", "a");
	is("a \\", "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_commands_at_operators),
		cmocka_unit_test(takes_quotes_off_and_remembers_them),
		cmocka_unit_test(sees_a_specifier_that_the_shell_takes_for_a_redirection),
		cmocka_unit_test(tells_ordinary_redirections_apart),
		cmocka_unit_test(keeps_substitutions_in_one_word),
		cmocka_unit_test(reads_assignments_in_front),
		cmocka_unit_test(skips_here_documents_and_counts_lines),
		cmocka_unit_test(looks_into_shells),
		cmocka_unit_test(reads_instructions_in_both_forms),
		cmocka_unit_test(names_the_program_behind_wrappers),
		cmocka_unit_test(survives_what_never_ends),
	};

	return cmocka_run_group_tests_name("parse/shell", tests, set_up, tear_down);
}
