/* Friends of the topics dockerfile, requirements and config: a Dockerfile as the commands that its
 * RUN instructions run, and what a pip command line asks for. */
#ifndef RULES_BUILD_H
#define RULES_BUILD_H

#include "parse/dockerfile.h"
#include "parse/shell.h"
#include "pydist/requirement.h"
#include "rules/rules.h"

struct rules__step { /* one RUN instruction */
	const struct instruction *instruction;
	struct shell_script script;
	const char *text; /* with the bodies of its here-documents */
};

struct rules__build {
	const char *path;
	struct dockerfile file;
	struct rules__step *steps;
	size_t count;
};

/* The Dockerfile among COUNT FILES; false: none. */
bool rules__build(const struct repo_file *files, size_t count, const char *path,
		  struct arena *arena, struct rules__build *out);
/* "Dockerfile:12" */
const char *rules__build_line(const struct rules__build *build, unsigned line, struct arena *arena);

/* `pip install …`, also as pip3, python -m pip, uv pip. */
struct rules__pip {
	struct strings words; /* requirements on the command line */
	struct strings files; /* -r */
	struct strings constraints;
	struct strings extra_indexes;
	const char *index;
	bool ignore_installed; /* or --force-reinstall, --reinstall */
	bool no_deps;
	bool break_system;
	bool elsewhere; /* --target, --prefix, --root */
	bool uv;
};
bool rules__pip_install(const struct shell_command *command, struct arena *arena,
			struct rules__pip *out);

/* A file of the commit by the path that a command gives it: the longest common end decides. */
const struct repo_file *rules__repo_file(const struct rule_input *input, const char *path);

/* A variable name that tells of a secret: HF_TOKEN, AWS_SECRET_ACCESS_KEY, … */
bool rules__is_secret_name(const char *name);

#endif
