/*
 * A shell command line as its simple commands: enough to tell what a RUN instruction or a start
 * script runs, with which words and redirections. Not a shell: nothing is expanded, and what a
 * substitution would run is not looked into. Pure; syntax errors are left to the shell.
 */
#ifndef PARSE_SHELL_H
#define PARSE_SHELL_H

#include "base/arena.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>

#define SHELL_BYTES_MAX ((size_t)1024 * 1024) /* what follows is not read */
#define SHELL_COMMANDS_MAX 10000	      /* of one text */
#define SHELL_WORDS_MAX 20000		      /* of one command */
#define SHELL_NEST_MAX 4		      /* sh -c "sh -c …" */

struct shell_word {
	const char *text; /* quotes and backslashes taken off, $X left as written */
	bool quoted;	  /* some part of it stood in quotes or behind a backslash */
	bool expands;	  /* has $ or ` that the shell would expand */
};

struct shell_redirect {
	const char *op;	    /* ">", ">>", "<", "<<", "<<<", ">&", "<&", "&>", ">|", "<>" */
	const char *target; /* word behind it, "" at the end of a line */
	bool glued;	    /* no blank on either side, and no file number: torch>=2.6 */
	const char *before; /* the word it is glued to, NULL: none */
};

struct shell_command {
	struct strings assignments; /* in front of the first word: "X=1" */
	struct shell_word *words;
	size_t word_count;
	struct shell_redirect *redirects;
	size_t redirect_count;
	const char *joint; /* how it follows the command before: "", "&&", "||", ";", "|", "&" */
	unsigned line;	   /* in the text, from 1 */
	unsigned depth;	   /* inside how many sh -c */
};

struct shell_script {
	struct shell_command *commands;
	size_t count;
};

/* Split LEN bytes at TEXT: newlines end commands like ";", a backslash at the end of a line joins,
 * comments are dropped, bodies of here-documents are skipped. Words that only shape the flow (if,
 * then, do, !, {, ( …) are left out. `sh -c TEXT`, also of bash, dash and ash, is followed by the
 * commands of TEXT. */
void shell_split(const char *text, size_t len, struct arena *arena, struct shell_script *out);

/* A RUN, CMD or ENTRYPOINT instruction as parse/dockerfile.h gives it ("RUN --mount=… pip …"):
 * flags left out; the exec form, a JSON array, is one command whose words are all quoted. */
void shell_instruction(const char *text, struct arena *arena, struct shell_script *out);

/* Words of a stored command line, {"python", "x.py"} or {"/bin/sh", "-c", "…"}, as commands. */
void shell_argv(const struct strings *argv, struct arena *arena, struct shell_script *out);

/* The program of COMMAND without its folder, behind env, exec, sudo, time, nice, nohup and their
 * like with options and assignments: "pip" of `env A=1 /opt/bin/pip install x`. *FIRST is the index
 * of the word behind it (may be NULL). "" when there is none. */
const char *shell_program(const struct shell_command *command, size_t *first);

#endif
