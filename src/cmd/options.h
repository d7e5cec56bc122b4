/* Command lines from tables: one row per option drives parsing, --help and the man page. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>

enum option_type {
	OPTION_FLAG,   /* bool */
	OPTION_STRING, /* const char *, the last one given wins */
	OPTION_LIST,   /* struct strings, every one given */
	OPTION_COUNT,  /* int64_t, a whole number from 1 */
	OPTION_CHOICE, /* int, index into CHOICES */
};

struct option_row {
	const char *name; /* long name without dashes; NULL ends the table */
	char letter;	  /* short form, 0: none */
	enum option_type type;
	size_t offset;
	const char *arg; /* how --help writes the value */
	const char *const *choices;
	const char *help;
};

/* What every command takes; the first member of every command's options. */
struct common_options {
	bool help;
	bool json;
	bool quiet;
	bool no_color;
};

#define COMMON_OPTIONS                                                                             \
	{"json",                                                                                   \
	 0,                                                                                        \
	 OPTION_FLAG,                                                                              \
	 offsetof(struct common_options, json),                                                    \
	 NULL,                                                                                     \
	 NULL,                                                                                     \
	 "write JSON to standard output"},                                                         \
		{"quiet",                                                                          \
		 'q',                                                                              \
		 OPTION_FLAG,                                                                      \
		 offsetof(struct common_options, quiet),                                           \
		 NULL,                                                                             \
		 NULL,                                                                             \
		 "no progress, and only the summary"},                                             \
		{"no-color",                                                                       \
		 0,                                                                                \
		 OPTION_FLAG,                                                                      \
		 offsetof(struct common_options, no_color),                                        \
		 NULL,                                                                             \
		 NULL,                                                                             \
		 "no colour (also: NO_COLOR in the environment)"},                                 \
		{"help", 'h',  OPTION_FLAG,	offsetof(struct common_options, help),             \
		 NULL,	 NULL, "show this help"},                                                  \
	{                                                                                          \
		NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL                                          \
	}

/* Fill OUT (already holding defaults) from ARGV[1..]; words that are no option go to WORDS.
 * "--" ends options. Strings are borrowed from ARGV, arrays are ARENA's. ERR_USAGE. */
int options_parse(const struct option_row *rows, int argc, char **argv, struct arena *arena,
		  void *out, struct strings *words, struct err *err);

/* What --help and the man page say of a command. */
struct command_help {
	const char *usage;   /* "run [OPTION]..." */
	const char *summary; /* sentences */
	const struct option_row *rows;
};

/* Print "Usage: assay USAGE", the summary and the table to standard output. */
void options_help(const struct command_help *help);

#endif
