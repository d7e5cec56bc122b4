/* A fact of the image, read in one of several ways: shared by `version` and `env`. Not a kind. */
#ifndef CHECK_PROBE_H
#define CHECK_PROBE_H

#include "check/trial.h"

struct probe_spec {
	struct strings command; /* exactly one of these five */
	const char *file;
	const char *env;
	const char *label;
	const char *value;
	const char *pattern; /* its first group, or the whole match, is the fact */
};
extern const struct field check_probe_fields[]; /* with "value" */

/* Rows for a struct that holds a probe_spec at offset BASE, without "value". */
#define PROBE_FIELDS(BASE)                                                                         \
	{.name = "command",                                                                        \
	 .type = FIELD_STRINGS,                                                                    \
	 .offset = (BASE) + offsetof(struct probe_spec, command),                                  \
	 .help = "program and arguments, no shell; the first line of its output counts"},          \
		{.name = "file",                                                                   \
		 .type = FIELD_STRING,                                                             \
		 .offset = (BASE) + offsetof(struct probe_spec, file),                             \
		 .nonempty = true,                                                                 \
		 .help = "absolute path in the image; the first line of the file counts"},         \
		{.name = "env",                                                                    \
		 .type = FIELD_STRING,                                                             \
		 .offset = (BASE) + offsetof(struct probe_spec, env),                              \
		 .nonempty = true,                                                                 \
		 .help = "variable of the image's configuration"},                                 \
		{.name = "label",                                                                  \
		 .type = FIELD_STRING,                                                             \
		 .offset = (BASE) + offsetof(struct probe_spec, label),                            \
		 .nonempty = true,                                                                 \
		 .help = "label of the image's configuration"},                                    \
	{                                                                                          \
		.name = "pattern", .type = FIELD_STRING,                                           \
		.offset = (BASE) + offsetof(struct probe_spec, pattern), .nonempty = true,         \
		.pattern = true, .help = "pattern whose first group is the fact"                   \
	}

/* A command has a program. */
int check_probe_argv(const struct strings *argv, struct err *err);

/* Exactly one way is given, and well formed; WHAT names the probe in the message. */
int check_probe_validate(const struct probe_spec *spec, bool value_allowed, const char *what,
			 struct err *err);

/* The value of variable KEY, of label KEY; NULL when unset. */
const char *check_probe_env(const struct image_config *image, const char *key);
const char *check_probe_label(const struct image_config *image, const char *key);

struct fact {
	const char *text;  /* raw: not to be shown unredacted */
	const char *where; /* where it was looked for, set in any case */
	const char *why;   /* why there is none */
};

/* 1: there is a fact; 0: there is none, and why; -1: the probe could not be made. */
int check_probe_read(struct trial *trial, const struct probe_spec *spec, struct fact *out,
		     struct err *err);

#endif
