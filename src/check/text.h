/* Shared by the kinds: assertions over text, captured output, secrets. Not a kind. */
#ifndef CHECK_TEXT_H
#define CHECK_TEXT_H

#include "check/check_ops.h"

struct text_spec {
	const char *equals; /* after white space at the end is dropped on both sides */
	struct strings contains;
	struct strings matches; /* PCRE2, all must match */
	struct strings not_contains;
	struct strings not_matches;
	int empty; /* -1: no matter */
};
extern const struct field text_fields[];

/* Does SPEC hold for LEN bytes? NULL when it does, else what was expected, in one line. -1 in *RC
 * with ERR when a pattern could not be evaluated. */
const char *text_judge(const struct text_spec *spec, const char *text, size_t len,
		       struct arena *arena, int *rc, struct err *err);
bool text_asserts_anything(const struct text_spec *spec);

/* "'TEXT'" in one line, cut; "nothing" when empty. */
const char *text_quote(const char *text, size_t len, struct arena *arena);

/* The value of KEY in a "KEY=value" list; NULL when unset. */
const char *text_env(const struct image_config *image, const char *key);
/* Does the name look like a secret's (TOKEN, SECRET, PASSWORD, KEY, CREDENTIAL)? */
bool text_is_secret(const char *name);
/* TEXT with the values of the image's secret-looking variables replaced by "***". */
const char *text_redact(const struct image_config *image, const char *text, size_t len,
			struct arena *arena);
/* "a b 'c d'" for people. */
const char *text_argv(const struct strings *argv, struct arena *arena);

/* Run COMMAND with the context's limits; captured output goes, redacted, to OUT. A time-out is
 * -1 with ERR_TIMEOUT, the output captured all the same. */
int text_run(struct check_ctx *ctx, struct command *command, struct case_result *out,
	     struct command_result *result, struct err *err);

#endif
