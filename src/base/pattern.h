/* Regular expressions (PCRE2, UTF-8 tolerant, match work bounded). */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Is PATTERN valid? ERR_USAGE names the offset and PCRE2's reason. */
int pattern_check(const char *pattern, struct err *err);

/*
 * Does PATTERN occur in the LEN bytes at TEXT? `^` and `$` match at lines.
 * When CAPTURE is not NULL and the pattern has a first group, CAPTURE/CAPTURE_LEN give its place
 * (else the whole match). Returns 1 found, 0 not found, -1 with ERR (bad pattern, work limit).
 */
int pattern_find(const char *pattern, const char *text, size_t len, const char **capture,
		 size_t *capture_len, struct err *err);

/*
 * The same for patterns of Go's regexp (RE2 syntax, as container-structure-test takes them): `^`
 * and
 * `$` match at the ends of the text alone, unless (?m). What Go refuses is refused, but for nested
 * repeats of more than 1000 in all; refused, too, are a repeat behind flags (`a(?i)*`) and \p{Lu}
 * under (?i). Bytes that are no UTF-8 match nothing here, and where Go's time
 * is linear ours is bounded.
 */
int pattern_go_check(const char *pattern, struct err *err);
int pattern_go_find(const char *pattern, const char *text, size_t len, const char **capture,
		    size_t *capture_len, struct err *err);

#endif
