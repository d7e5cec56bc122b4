/*
 * Versions and constraints of three schemes. Pure.
 *
 * pep440: Python's, with local labels, pre/post/dev, epochs, `~=`, `===`, `==1.*`
 *         (packaging.python.org "Version specifiers"). `==X` without a local label matches any
 * label,
 *         `==X+l` and `!=X+l` compare the label. Clauses are joined by ",".
 * semver: semver.org 2.0.0, ranges joined by "," or spaces: = != < <= > >= ^ ~; build metadata does
 *         not take part in order, but `=X+b` compares it. A constraint may leave out minor and
 *         patch: "=1.2" is every 1.2.x, ">1.2" starts at 1.3.0, ">=1.2" at 1.2.0. No operator
 *         means "=". ^ and ~ do not reach the pre-releases of the version they end at.
 * dotted: numbers between dots, any count, missing ones are 0 ("12.8" == "12.8.0"); same operators.
 */
#ifndef PARSE_VERSION_H
#define PARSE_VERSION_H

#include "base/err.h"

#include <stdbool.h>

#define VERSION_BYTES_MAX 512 /* of a version or a constraint */

enum version_scheme { VERSION_PEP440, VERSION_SEMVER, VERSION_DOTTED };

/* Is TEXT a version of SCHEME? ERR_USAGE says what is wrong with it. */
int version_check(enum version_scheme scheme, const char *text, struct err *err);

/* -1, 0, 1 in *OUT. PEP 440 order, local labels included. ERR_USAGE for a bad version. */
int version_compare(enum version_scheme scheme, const char *a, const char *b, int *out,
		    struct err *err);

/* Is CONSTRAINT well formed? ERR_USAGE names the bad clause. */
int version_constraint_check(enum version_scheme scheme, const char *constraint, struct err *err);

/*
 * Does TEXT satisfy every clause of CONSTRAINT? A pre-release is never left out for being one (the
 * text was measured, not chosen by a resolver), but order counts: `>=2.7` does not accept 2.7.0rc1.
 * PEP 440's exclusive rules hold: `<3.0` excludes 3.0rc1 and 3.0.dev1 (`<3.0rc2` does not), `>1.7`
 * excludes 1.7.post1 and 1.7+local (`>1.7.post0` includes 1.7.post1). `===` compares the texts
 * as they stand, upper and lower case alike.
 */
int version_matches(enum version_scheme scheme, const char *constraint, const char *text, bool *out,
		    struct err *err);

#endif
