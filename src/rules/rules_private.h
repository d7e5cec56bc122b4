/* Friends of the topics only: texts and look-ups that several of them need. */
#ifndef RULES_RULES_PRIVATE_H
#define RULES_RULES_PRIVATE_H

#include "rules/rules.h"

#include <stdbool.h>
#include <stddef.h>

/* printf into the findings' arena; OUT must be in scope. */
#define TEXT(...) arena_printf(out->arena, __VA_ARGS__)

/* "PATH (layer 7, step 9, RUN …)"; either part may be unknown. */
const char *rules__place(const char *path, const struct origin *origin, struct arena *arena);
const char *rules__file_line(const char *path, unsigned line, struct arena *arena);
/* What stands behind the last "/". */
const char *rules__base(const char *path);
bool rules__begins(const char *text, const char *with);
bool rules__ends(const char *text, const char *with);
bool rules__is_one_of(const char *word, const char *const *words); /* NULL-terminated */
/* "a, b, c" of at most MAX items, then "… (N in all)". */
const char *rules__join(const struct strings *items, size_t max, struct arena *arena);
void rules__push(struct strings *to, const char *text, struct arena *arena);
bool rules__has(const struct strings *in, const char *text);

/* Is VERSION (NULL: no) in the PEP 440 range? What is no version is in no range. */
bool rules__in_range(const char *version, const char *range);
/* The first two numbers of a version, "12.6.77": 12, 6; false: none. */
bool rules__numbers(const char *version, unsigned *major, unsigned *minor);
/* Before the "+", and behind it ("" none). */
const char *rules__public(const char *version, struct arena *arena);
const char *rules__local(const char *version);
/* "12.6" is "126", as file and variant names have it. NULL stays NULL. */
const char *rules__digits(const char *cuda, struct arena *arena);

/* Does PATTERN occur in TEXT? NULL texts hold nothing. */
bool rules__matches(const char *pattern, const char *text);
/* The first group of PATTERN in TEXT, NULL: none. */
const char *rules__capture(const char *pattern, const char *text, struct arena *arena);

/* The library's distribution, NULL: none. */
const struct dist *rules__dist_of(const struct facts *facts, const struct library *library);
/* Is it on one of the colon-separated folders of the variable? */
bool rules__in_path_list(const char *list, const char *folder);
/* "/a/b" of "/a/b/c". */
const char *rules__folder(const char *path, struct arena *arena);

/* Texts of the application: what the image keeps outside of system and site folders; without an
 * image the commit's files. Ends with the callback's true. */
struct rules__text {
	const char *path;
	const char *text;
	bool in_image;
	const struct image_file *file; /* NULL: of the repository */
};
void rules__app_texts(const struct rule_input *input,
		      bool (*visit)(void *payload, const struct rules__text *text), void *payload);
/* Texts of FILES, visible or hidden ones, that hold a secret. */
void rules__secret_files(const struct rule_input *input, const struct image_file *files,
			 size_t count, const char *label, struct findings *out);
/* Take the values of secrets out of every text: build steps may hold some. */
void rules__redact(const struct rule_input *input, struct findings *out);
/* Is PATH of the application, not of the system, of Python or of an installed package? */
bool rules__is_app_path(const struct facts *facts, const char *path);

#endif
