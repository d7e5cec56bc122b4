/* .dockerignore by Docker's rules: patterns relative to the context root, `**`, `!` exceptions,
 * last match wins, comments, leading and trailing slashes, a pattern matches below folders too. */
#ifndef PARSE_IGNORE_H
#define PARSE_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

#define IGNORE_PATTERNS_MAX 10000
#define IGNORE_PATTERN_BYTES_MAX 4096 /* a longer line is passed over */

struct ignore;

struct ignore *ignore_parse(const char *text, size_t len);
void ignore_free(struct ignore *ignore);
/* PATH is relative, '/' separated. NULL ignores nothing. */
bool ignore_match(const struct ignore *ignore, const char *path);

#endif
