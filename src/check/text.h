/* Assertions over text: streams of commands, content of files. Not a kind. */
#ifndef CHECK_TEXT_H
#define CHECK_TEXT_H

#include "check/trial.h"

struct text_spec {
	const char *equals; /* white space at the end is dropped on both sides */
	struct strings contains;
	struct strings matches; /* PCRE2 */
	struct strings not_contains;
	struct strings not_matches;
	int empty; /* -1: no matter */
};
extern const struct field check_text_fields[];

struct text_view {
	const char *text; /* may be NULL */
	size_t len;
	bool cut;	  /* there is more that nobody saw */
	const char *name; /* "stdout", "the file" */
	bool open;	  /* when cut, what is missing may be in the rest: undecided, not missing */
	const char *advice; /* what to do when it was cut */
};

bool check_text_asserts(const struct text_spec *spec);

/* SPEC asserts something and does not contradict itself; WHAT names it in the message. */
int check_text_validate(const struct text_spec *spec, const char *what, struct err *err);

/*
 * Add to TRIAL all of SPEC that does not hold for VIEW. -1 when that cannot be decided: a pattern
 * gave up, or the text was cut and what holds so far may not hold for the rest.
 */
int check_text_judge(struct trial *trial, const struct text_spec *spec,
		     const struct text_view *view, const char *label, const char *where,
		     struct err *err);

#endif
