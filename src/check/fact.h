/* A fact of the image, read by one of several ways: shared by `version` and `env`. Not a kind. */
#ifndef CHECK_FACT_H
#define CHECK_FACT_H

#include "check/check_ops.h"

struct fact_spec {
	struct strings command; /* exactly one of these five */
	const char *file;
	const char *env;
	const char *label;
	const char *value;
	const char *pattern; /* its first group, or the whole match, is the fact */
};
extern const struct field fact_fields[];

/* Rows for a struct that holds a fact_spec at offset BASE. */
#define FACT_FIELDS(BASE)                                                                          \
	{.name = "command",                                                                        \
	 .type = FIELD_STRINGS,                                                                    \
	 .offset = (BASE) + offsetof(struct fact_spec, command),                                   \
	 .nonempty = true,                                                                         \
	 .help = "program and arguments; the first line of its output counts"},                    \
		{.name = "file",                                                                   \
		 .type = FIELD_STRING,                                                             \
		 .offset = (BASE) + offsetof(struct fact_spec, file),                              \
		 .nonempty = true,                                                                 \
		 .help = "file in the image to read"},                                             \
		{.name = "env",                                                                    \
		 .type = FIELD_STRING,                                                             \
		 .offset = (BASE) + offsetof(struct fact_spec, env),                               \
		 .nonempty = true,                                                                 \
		 .help = "variable of the image's configuration"},                                 \
		{.name = "label",                                                                  \
		 .type = FIELD_STRING,                                                             \
		 .offset = (BASE) + offsetof(struct fact_spec, label),                             \
		 .nonempty = true,                                                                 \
		 .help = "label of the image's configuration"},                                    \
	{                                                                                          \
		.name = "pattern", .type = FIELD_STRING,                                           \
		.offset = (BASE) + offsetof(struct fact_spec, pattern), .pattern = true,           \
		.help = "pattern whose first group is the fact"                                    \
	}

/* Exactly one way is given; WHAT names the spec in the message. */
int fact_validate(const struct fact_spec *spec, bool value_allowed, const char *what,
		  struct err *err);

/* Read the fact. 1: *VALUE and *WHERE are set; 0: not there, *WHERE and *WHY say where and why;
 * -1: could not be made. */
int fact_read(struct check_ctx *ctx, const struct fact_spec *spec, struct case_result *out,
	      const char **value, const char **where, const char **why, struct err *err);

#endif
