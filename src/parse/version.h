/*
 * Versions and constraints of three schemes. Pure.
 *
 * pep440: Python's, with local labels, pre/post/dev, epochs, `~=`, `===`, `==1.*`
 *         (packaging.python.org "Version specifiers"). One difference, wanted: `==X` without a local
 *         label matches any label as PEP 440 says, `==X+l` and `!=X+l` compare the label.
 * semver: semver.org 2.0.0, ranges joined by "," or spaces: = != < <= > >= ^ ~; build metadata does
 *         not take part in order, but `=X+b` compares it.
 * dotted: numbers between dots, any count, missing ones are 0 ("12.8" == "12.8.0"); same operators.
 */
#ifndef PARSE_VERSION_H
#define PARSE_VERSION_H

#include "base/err.h"

#include <stdbool.h>

enum version_scheme { VERSION_PEP440, VERSION_SEMVER, VERSION_DOTTED };

/* Is TEXT a version of SCHEME? ERR_USAGE says what is wrong with it. */
int version_check(enum version_scheme scheme, const char *text, struct err *err);

/* -1, 0, 1 in *OUT. PEP 440 order, local labels included. ERR_USAGE for a bad version. */
int version_compare(enum version_scheme scheme, const char *a, const char *b, int *out,
		    struct err *err);

/* Is CONSTRAINT well formed? ERR_USAGE names the bad clause. */
int version_constraint_check(enum version_scheme scheme, const char *constraint, struct err *err);

/* Does TEXT satisfy every clause of CONSTRAINT? A pre-release is judged by order alone, so that
 * `<2.8` rejects nothing silently (the text was measured, not chosen by a resolver); but
 * `>=2.7` does not accept 2.7.0rc1, which sorts before it. */
int version_matches(enum version_scheme scheme, const char *constraint, const char *text,
		    bool *out, struct err *err);

#endif
